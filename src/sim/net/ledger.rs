//! An account of what chance made of every datagram, for those who want to say the same without chance.
//!
//! Keeping it changes nothing in a run.

use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::Subject;
use crate::sim::net::fates::Fate;
use crate::sim::watch::trace::SharedLabels;
use crate::time::{Duration, Instant};

/// What chance made of one datagram on its way to one recipient, before rules and cut links had their say.
#[derive(Clone, Debug)]
pub struct Fated {
    /// When it was sent.
    pub at: Instant,
    /// Who sent it.
    pub from: ProcessId,
    /// To whom.
    pub to: ProcessId,
    /// What it says: its identity is the first.
    pub labels: SharedLabels,
    /// Whether it is lost.
    pub is_lost: bool,
    /// How long it is under way.
    pub delay: Duration,
    /// The part of that by which it is held back.
    pub held: Duration,
    /// How long a second copy is under way, if there is one.
    pub second: Option<Duration>,
}

impl Fated {
    /// Whether a rule about this kind and subject looks at it.
    pub fn says(&self, kind: &str, about: Subject) -> bool {
        self.labels.iter().any(|(said, subject)| *said == kind && *subject == about)
    }
}

/// The datagrams of a run that rules may look at, in the order of their sending.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Every datagram, once for each recipient.
    pub fated: Vec<Fated>,
    /// When the script healed everything, which drops all rules, and how many datagrams had been sent by then.
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
