//! The acceptor: promises and accepts.

use alloc::vec::Vec;

use super::{
    Ballot, Entry, Paxos, PaxosMessage, PaxosNote, PaxosRecord, Phase, Port, Promise, Report, Slot, Value,
};
use crate::ids::SiteId;
use crate::time::{Duration, Instant};
use crate::wire::Wire;

impl<V: Value> Paxos<V> {
    /// Phase 1b. Refusing is always safe, so a site that hears a live leader refuses: a candidate that was away does
    /// not take over from a leader that the others are content with. That leader, refused by the site that was away,
    /// campaigns above it at once (`on_nack`).
    pub(super) fn on_prepare(
        &mut self,
        now: Instant,
        from: SiteId,
        ballot: Ballot,
        first: Slot,
        port: &mut impl Port<V>,
    ) {
        if from == self.me {
            // The wait is over: the promise that was appended with this Prepare is durable. A later promise voids it.
            self.on_own_vote(now, (ballot, None));
            if ballot == self.promised && ballot.site == self.me {
                self.send_promise(now, from, ballot, first, port);
            }
            return;
        }
        if ballot < self.promised || self.hears_leader_other_than(now, from) {
            self.refuse(now, from, ballot, port);
            return;
        }
        if ballot > self.promised && self.withholds() {
            self.withhold(from, "Promise", port);
            return;
        }
        self.promise(now, ballot, port);
        self.election_at = Some(now + self.patience(now));
        self.send_promise(now, from, ballot, first, port);
        self.measure_vote(now, ballot, port);
    }

    /// Phase 2b.
    pub(super) fn on_accept(
        &mut self,
        now: Instant,
        ballot: Ballot,
        slot: Slot,
        entry: Entry<V>,
        port: &mut impl Port<V>,
    ) {
        if ballot < self.promised {
            self.refuse(now, ballot.site, ballot, port);
            return;
        }
        self.follow(now, ballot, port);
        if let Some(chosen) = self.log.chosen_at(slot) {
            let supply = PaxosMessage::FetchReply { slot, entry: chosen.clone(), chosen: self.log.chosen() };
            port.send(ballot.site, supply);
            return;
        }
        if slot.0 >= self.log.chosen().0 + self.config.open_max() {
            let reason = "too far ahead of what is known to be chosen";
            port.note(PaxosNote::Ignored { from: ballot.site.into(), kind: "Accept", reason });
            return;
        }
        let is_known = self.log.held(slot).is_some_and(|held| held.ballot == Some(ballot));
        if !is_known && self.withholds() {
            self.withhold(ballot.site, "Accepted", port);
            return;
        }
        if !is_known {
            self.accept(ballot, slot, entry, false, port);
            if self.own_sync(now) > Duration::ZERO {
                self.measure_vote(now, ballot, port);
            }
        }
        // Waits for the record, even if an earlier copy of this message wrote it and its sync is under way.
        port.send(ballot.site, PaxosMessage::Accepted { ballot, slot });
    }

    /// Appends the accept; an accept promises its ballot too. `is_new` as in the record.
    pub(super) fn accept(
        &mut self,
        ballot: Ballot,
        slot: Slot,
        entry: Entry<V>,
        is_new: bool,
        port: &mut impl Port<V>,
    ) {
        assert!(ballot >= self.promised, "accepts under {ballot}, having promised {}", self.promised);
        assert!(!self.withholds(), "accepts under {ballot} without room for it");
        self.record_chosen(port);
        port.append(PaxosRecord::Accepted { ballot, slot, entry: entry.clone(), is_new });
        self.promised = ballot;
        self.log.accept(slot, ballot, entry);
    }

    /// Appends the watermark beside a record that is written anyway. Nothing waits for the watermark.
    pub(super) fn record_chosen(&mut self, port: &mut impl Port<V>) {
        if self.chosen_recorded < self.log.chosen() {
            self.chosen_recorded = self.log.chosen();
            port.append(PaxosRecord::Chosen(self.chosen_recorded));
        }
    }

    /// Promises `ballot`, unless it is promised already, and stops leading or campaigning under a lower one.
    pub(super) fn promise(&mut self, now: Instant, ballot: Ballot, port: &mut impl Port<V>) {
        assert!(ballot >= self.promised, "promises {ballot}, having promised {}", self.promised);
        if ballot > self.promised {
            assert!(!self.withholds(), "promises {ballot} without room for it");
            self.step_down(now, ballot, port);
            self.promised = ballot;
            port.append(PaxosRecord::Promised(ballot));
        }
    }

    /// Reports every slot from `first` on, in one part or several.
    fn send_promise(&self, now: Instant, to: SiteId, ballot: Ballot, first: Slot, port: &mut impl Port<V>) {
        let (chosen, end, sync) = (self.log.chosen(), self.log.end(), self.reported_sync(now));
        let part = |from, to, reports| Promise { ballot, from, to, end, chosen, sync, reports };
        let mut parts: Vec<Promise<V>> = Vec::new();
        let (mut from, mut reports, mut bytes) = (first.max(chosen), Vec::new(), 0);
        for (slot, held) in self.log.open().filter(|(slot, _)| *slot >= first) {
            let report = Report { slot, ballot: held.ballot, entry: held.entry.clone() };
            let size = report.size();
            if bytes + size > self.config.promise_bytes && !reports.is_empty() {
                parts.push(part(from, slot, core::mem::take(&mut reports)));
                (from, bytes) = (slot, 0);
            }
            bytes += size;
            reports.push(report);
        }
        parts.push(part(from, end.max(from), reports));
        if parts.len() > 1 {
            port.note(PaxosNote::SplitsPromise(ballot, parts.len()));
        }
        for promise in parts {
            port.send(to, PaxosMessage::Promise(promise));
        }
    }

    pub(super) fn refuse(&self, now: Instant, to: SiteId, ballot: Ballot, port: &mut impl Port<V>) {
        let promised = self.promised.max(ballot);
        let leader = self.heard_leader(now).filter(|leader| leader.site != to && *leader >= self.promised);
        port.note(PaxosNote::Nacks(ballot, promised));
        port.send(to, PaxosMessage::Nack { ballot, promised, chosen: self.log.chosen(), leader });
    }

    fn hears_leader_other_than(&self, now: Instant, candidate: SiteId) -> bool {
        match &self.phase {
            Phase::Following => self.heard_leader(now).is_some_and(|ballot| ballot.site != candidate),
            Phase::Campaigning(_) => false,
            Phase::Leading(leadership) => leadership.hears(self.quorum(), self.me, now, self.hearing(now)),
        }
    }
}
