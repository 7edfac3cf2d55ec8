//! What stands between processes at a moment, for pictures: links that are cut or clogged, and rules in force.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::Process;
use crate::sim::net::Net;
use crate::sim::script::describe::{datagrams_text, ruling_text};
use crate::time::Instant;

/// Something that stands between processes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// The link loses every datagram in this direction.
    Cut {
        /// The sender.
        from: ProcessId,
        /// The recipient.
        to: ProcessId,
    },
    /// The link holds every datagram in this direction.
    Clogged {
        /// The sender.
        from: ProcessId,
        /// The recipient.
        to: ProcessId,
    },
    /// A rule is in force.
    Rule {
        /// Its place among all rules of the run.
        place: usize,
        /// `no-votes: Accepted from S1: drop`
        text: String,
        /// The senders whose datagrams it may take; empty if it takes those of anybody.
        from: Vec<ProcessId>,
        /// The recipients whose datagrams it may take; empty if it takes those to anybody.
        to: Vec<ProcessId>,
    },
}

/// Differs from an earlier one if what stands between processes may have changed since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BarriersVersion {
    changes: u64,
    rules: u64,
    /// Whether the window of a rule has opened or closed, or a rule is spent, and no datagram was sent since.
    is_at_edge: bool,
}

impl BarriersVersion {
    /// Whether the window of a rule has opened or closed, or a rule is spent, and no datagram was sent since. Until then
    /// further windows open and close without another version.
    pub const fn is_at_edge(self) -> bool {
        self.is_at_edge
    }
}

impl<P: Process> Net<P> {
    pub(crate) fn barriers_version(&self, now: Instant) -> BarriersVersion {
        let (rules, is_at_edge) = self.rules.version(now);
        BarriersVersion { changes: self.changes, rules, is_at_edge }
    }

    /// Links that are cut or clogged, in the order of their ends, then rules in force, in their order. Of a site, its
    /// links stand for those of its terminal too.
    pub(crate) fn barriers(&self, now: Instant) -> Vec<Barrier> {
        let cut = self.links.pairs().map(|(from, to)| Barrier::Cut { from, to });
        let clogged = self.clogs.pairs().map(|(from, to)| Barrier::Clogged { from, to });
        // No rule takes datagrams between processes of the core.
        let is_over = self.core.is_some_and(|core| core == self.places.sites());
        let rules = self.rules.in_force(now).filter(|_| !is_over).map(|(place, rule, from, to)| {
            let name = rule.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            let (datagrams, ruling) = (datagrams_text(&rule.filter, "datagrams"), ruling_text(rule.ruling));
            let text = format!("{name}{datagrams}: {ruling}");
            Barrier::Rule { place, text, from: from.iter().collect(), to: to.iter().collect() }
        });
        cut.chain(clogged).chain(rules).collect()
    }
}
