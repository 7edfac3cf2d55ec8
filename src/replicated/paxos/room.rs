//! Keeps a site going whose disk is nearly full: it writes nothing, so it neither promises nor accepts nor campaigns.
//!
//! It still follows, serves what is chosen, and learns what others chose, in memory alone. Once there is room it writes
//! that down in order, a batch at a time, and only then votes again.
//!
//! 1. While room is low a site appends no record at all, so what its host has in reserve lasts for any time.
//! 2. Its durable watermark covers no slot that it knows in memory alone: recovery finds an entry for each slot that
//!    the watermark covers.
//! 3. A crash loses what a site knows in memory alone, and the site learns it again. No site counted on it: others
//!    accepted it.

use super::{Paxos, PaxosNote, PaxosRecord, Phase, Port, Slot, Value};
use crate::ids::SiteId;
use crate::time::Instant;

/// Some slots of `first..end` were learned and not written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unwritten {
    first: Slot,
    end: Slot,
}

wire_struct!(Unwritten { first, end });

impl Unwritten {
    /// Whether these slots are a part of a log that ends at `log_end`.
    pub(super) fn is_sound(self, log_end: Slot) -> bool {
        self.first < self.end && self.end <= log_end
    }

    fn with(self, slot: Slot) -> Unwritten {
        Unwritten { first: self.first.min(slot), end: self.end.max(slot.next()) }
    }
}

impl<V: Value> Paxos<V> {
    /// Its host reports that it can reserve no more room, or that it can again.
    ///
    /// A leader steps down: the others hold what it proposed, or its successor closes those slots.
    pub fn on_disk_space(&mut self, now: Instant, is_low: bool, port: &mut impl Port<V>) {
        self.is_low = is_low;
        if is_low && let Some(ballot) = self.leads_under() {
            port.note(PaxosNote::Resigns(ballot));
        }
        if is_low {
            self.phase = Phase::Following;
        }
        self.election_at = Some(now + self.patience(now));
        self.write_learned(port);
    }

    /// Whether it may append nothing that makes it a voter: it has no room, or has yet to write down what it learned.
    pub(super) const fn withholds(&self) -> bool {
        self.is_low || self.unwritten.is_some()
    }

    /// Leaves out a vote or a promise that `from` asks for.
    pub(super) fn withhold(&self, from: SiteId, kind: &'static str, port: &mut impl Port<V>) {
        port.note(PaxosNote::Withholds { from, kind });
    }

    /// Remembers in memory alone that it learned `slot`.
    pub(super) fn leave_unwritten(&mut self, slot: Slot) {
        let alone = Unwritten { first: slot, end: slot.next() };
        self.unwritten = Some(self.unwritten.map_or(alone, |unwritten| unwritten.with(slot)));
    }

    /// Whether something waits to be written down and there is room for it.
    pub(super) const fn owes_records(&self) -> bool {
        !self.is_low && self.unwritten.is_some()
    }

    /// Writes the next batch of what it learned, in order. Everything chosen below the first slot that is not written
    /// yet is durable, accepted or learned, so the watermark may follow up to there.
    pub(super) fn write_learned(&mut self, port: &mut impl Port<V>) {
        let Some(Unwritten { first, end }) = self.unwritten.filter(|_| !self.is_low) else { return };
        let until = end.min(Slot(first.0 + self.config.fetch_max));
        for slot in (first.0..until.0).map(Slot) {
            if let Some(entry) = self.log.chosen_at(slot) {
                port.append(PaxosRecord::Learned { slot, entry: entry.clone() });
            }
        }
        self.unwritten = (until < end).then_some(Unwritten { first: until, end });
        let chosen = self.log.chosen().min(until);
        if self.chosen_recorded < chosen {
            self.chosen_recorded = chosen;
            port.append(PaxosRecord::Chosen(chosen));
        }
    }
}

#[cfg(test)]
mod tests;
