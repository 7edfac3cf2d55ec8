//! A record of the fate that chance drew for every datagram, so that rules can reproduce a run without chance.
//!
//! Keeping it changes nothing in a run.

use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::Subject;
use crate::sim::net::fates::Fate;
use crate::sim::watch::line::SharedLabels;
use crate::time::{Duration, Instant};

/// The fate that chance drew for one datagram on its way to one recipient, before rules and cut links had an effect.
#[derive(Clone, Debug)]
pub struct Fated {
    /// The time of sending.
    pub at: Instant,
    /// The sender.
    pub from: ProcessId,
    /// The recipient.
    pub to: ProcessId,
    /// Name and subject of each message. The first one identifies the datagram.
    pub labels: SharedLabels,
    /// Whether it is lost.
    pub is_lost: bool,
    /// The time that it is under way.
    pub delay: Duration,
    /// The part of `delay` by which chance holds it back.
    pub held: Duration,
    /// The time that a second copy is under way, if there is one.
    pub second: Option<Duration>,
}

impl Fated {
    /// Whether a rule for this kind and subject matches it.
    pub fn has_label(&self, kind: &str, about: Subject) -> bool {
        self.labels.iter().any(|(label, subject)| *label == kind && *subject == about)
    }
}

/// The datagrams of a run that rules can match, in the order of their sending.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Every datagram, once per recipient.
    pub fated: Vec<Fated>,
    /// The times when the script healed everything and dropped all rules, with the number of datagrams sent before.
    pub heals: Vec<(Instant, usize)>,
}

impl Ledger {
    pub(crate) fn enter(
        &mut self,
        at: Instant,
        (from, to): (ProcessId, ProcessId),
        labels: SharedLabels,
        fate: &Fate,
    ) {
        let Fate { is_lost, delay, second, held, is_held_back: _, own: _ } = *fate;
        self.fated.push(Fated { at, from, to, labels, is_lost, delay, held, second });
    }

    pub(crate) fn heal(&mut self, at: Instant) {
        self.heals.push((at, self.fated.len()));
    }
}
