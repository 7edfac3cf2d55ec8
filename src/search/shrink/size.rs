//! Which of two scenarios is the smaller one.

use crate::scenario::{Scenario, Service, write};
use crate::search::shrink::weather;

/// A sort of chance in the network is worth this many rules that say what it did: one word in a file may stand for
/// hundreds of lost datagrams, and a few named ones say more.
const CHANCE: usize = 8;

/// How large a scenario is. Fewer things are smaller, then fewer members, then a shorter text; of two equally long
/// texts the one that comes first by its letters, so that no two scenarios are equally large.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Size {
    /// Steps, rules, expectations, and what the network does by chance.
    pub(super) things: usize,
    members: usize,
    letters: usize,
    text: String,
}

impl Size {
    pub(super) fn of<S: Service>(scenario: &Scenario<S>) -> Size {
        let Scenario { sites, clients, rules, expect, network, .. } = scenario;
        let steps: usize = scenario.tracks().map(<[_]>::len).sum();
        // What a file says about itself is no part of it.
        let text = write(&Scenario { about: String::new(), ..scenario.clone() });
        Size {
            things: steps + rules.len() + expect.len() + CHANCE * weather::chances(network),
            members: usize::from(*sites) + usize::from(*clients),
            letters: text.len(),
            text,
        }
    }
}
