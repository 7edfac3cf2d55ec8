//! Compares the sizes of scenarios.

use crate::scenario::{Scenario, Service, write};
use crate::search::shrink::weather;

/// One sort of chance in the network counts as this many rules: one word in a file may stand for hundreds of lost
/// datagrams, and a few named ones say more.
const CHANCE: usize = 8;

/// The size of a scenario. Fewer things are smaller, then fewer members, then a shorter text. Of two equally long
/// texts, the first in alphabetical order is smaller, so that no two scenarios have the same size.
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
        // What a file says about itself is not part of its size.
        let text = write(&Scenario { about: String::new(), ..scenario.clone() });
        Size {
            things: steps + rules.len() + expect.len() + CHANCE * weather::chances(network),
            members: usize::from(*sites) + usize::from(*clients),
            letters: text.len(),
            text,
        }
    }
}
