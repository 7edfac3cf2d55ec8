//! The candidate: asks for promises and merges what they report.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{
    Ballot, COUNT_MAX, Config, Entry, Leadership, Paxos, PaxosMessage, PaxosNote, PaxosRecord, Phase, Port,
    Promise, Report, Slot, Value,
};
use crate::ids::{SITES_MAX, SiteId, SiteSet};
use crate::process::Size;
use crate::time::Instant;

/// The most parts of one site's promise that are kept. Further parts are ignored.
const PARTS_MAX: usize = 1_024;

/// An attempt to lead.
#[derive(Clone, Debug)]
pub(super) struct Campaign<V> {
    pub(super) ballot: Ballot,
    /// The first slot asked for.
    first: Slot,
    /// The ranges that each site's parts cover.
    covered: [Vec<(Slot, Slot)>; SITES_MAX as usize],
    /// Up to here each site's parts leave no gap. Asked again, a site sends what comes after.
    reached: [Slot; SITES_MAX as usize],
    /// Sites whose parts leave no gap.
    complete: SiteSet,
    /// One past the last slot that any site holds.
    end: Slot,
    /// The greatest watermark of a promise, and then the site that sent it.
    chosen: Slot,
    chosen_by: SiteId,
    /// The entries to propose again, by slot.
    reports: BTreeMap<Slot, Report<V>>,
    /// The number of times that promises were asked for since one of them last advanced.
    pub(super) asked: u64,
    pub(super) resend_at: Instant,
}

wire_struct!(Campaign<V: crate::wire::Wire> {
    ballot, first, covered, reached, complete, end, chosen, chosen_by, reports, asked, resend_at,
});

impl<V: Value> Campaign<V> {
    /// Whether a site can go on with it above a log that is chosen up to `known`.
    pub(super) fn is_sound(&self, known: Slot, open_max: u64) -> bool {
        self.covered.iter().all(|parts| parts.len() <= PARTS_MAX)
            && self.first <= known
            && self.end.0 <= self.chosen.0.max(self.first.0) + open_max
            && self.reports.iter().all(|(slot, report)| *slot == report.slot)
            && self.asked < COUNT_MAX
    }

    /// Takes one part. Parts of one ballot agree whenever they were sent: after its promise a site accepts nothing
    /// below that ballot, so what it reports of a range stays true.
    fn absorb(&mut self, from: SiteId, promise: Promise<V>) {
        let covered = &mut self.covered[from.index()];
        if covered.len() < PARTS_MAX && !covered.contains(&(promise.from, promise.to)) {
            covered.push((promise.from, promise.to));
            covered.sort_unstable();
        }
        let mut reached = self.first.max(promise.chosen);
        for (part_from, part_to) in covered.iter().copied() {
            if part_from <= reached {
                reached = reached.max(part_to);
            }
        }
        if reached >= promise.end {
            self.complete.insert(from);
        } else if reached > self.reached[from.index()] {
            // A part came: the pauses before asking for the rest start from the shortest again, or others lose their
            // patience.
            self.asked = 0;
        }
        self.reached[from.index()] = reached;
        self.end = self.end.max(promise.end);
        if promise.chosen > self.chosen {
            (self.chosen, self.chosen_by) = (promise.chosen, from);
        }
        for report in promise.reports {
            self.merge(report);
        }
    }

    pub(super) fn sizes(&self, config: &Config, mut see: impl FnMut(Size)) {
        let parts = self.covered.iter().map(Vec::len).max().unwrap_or(0);
        see(Size::new("parts of one promise", parts, PARTS_MAX));
        let (holds, max) = (self.reports.len() as u64, config.open_max() * u64::from(config.sites));
        see(Size { what: "reported slots", holds, max });
    }

    /// Of several reports of one slot the chosen one counts, or else the one with the highest ballot: only that one can
    /// have been chosen ("Paxos Made Simple", section 2.2, P2c).
    fn merge(&mut self, report: Report<V>) {
        let is_stronger = match self.reports.get(&report.slot) {
            None => true,
            Some(known) => {
                known.ballot.is_some() && (report.ballot.is_none() || report.ballot > known.ballot)
            }
        };
        if is_stronger {
            self.reports.insert(report.slot, report);
        }
    }
}

impl<V: Value> Paxos<V> {
    /// Starts an attempt under a ballot above all that it heard of. The ballot is durable before the site asks any
    /// other, so a restarted site never uses it again.
    pub(super) fn campaign(&mut self, now: Instant, port: &mut impl Port<V>) {
        let ballot = Ballot { round: self.round_seen.max(self.promised.round) + 1, site: self.me };
        self.leader = None;
        self.phase = Phase::Following;
        self.promise(now, ballot, port);
        self.round_seen = ballot.round;
        self.attempts += 1;
        self.measure(now, (ballot, None));
        let first = self.log.chosen();
        port.note(PaxosNote::Campaigns(ballot));
        port.send(self.all_sites(), PaxosMessage::Prepare { ballot, first });
        self.phase = Phase::Campaigning(Campaign {
            ballot,
            first,
            covered: Default::default(),
            reached: [first; SITES_MAX as usize],
            complete: SiteSet::EMPTY,
            end: first,
            chosen: first,
            chosen_by: self.me,
            reports: BTreeMap::new(),
            asked: 1,
            resend_at: now + self.retry(now),
        });
    }

    /// Asks the sites with missing or incomplete promises once more, at growing intervals. The candidate keeps its
    /// ballot until it hears of a higher one: a site that gets no answer has no use for another ballot.
    pub(super) fn ask_again(&mut self, now: Instant, port: &mut impl Port<V>) {
        let (all, retry) = (self.all_sites(), self.config.retry);
        let (poll, sync) = (self.indirect_leader.map(|_| self.config.election), self.retry(now) - retry);
        let is_durable = !self.awaits_vote();
        let Phase::Campaigning(campaign) = &mut self.phase else { return };
        if now >= campaign.resend_at {
            if !is_durable {
                // Nobody has been asked: its own promise is not durable yet.
                campaign.resend_at = now + retry;
                return;
            }
            let pause = retry.times(1 << campaign.asked.min(3));
            campaign.resend_at = now + poll.map_or(pause, |poll| poll.min(pause)) + sync;
            campaign.asked += 1;
            let missing = all.minus(campaign.complete);
            let Campaign { ballot, first, reached, .. } = *campaign;
            let partly_answered = missing.iter().filter(|site| reached[site.index()] > first).collect();
            port.send(missing.minus(partly_answered), PaxosMessage::Prepare { ballot, first });
            // A link may be too narrow for all of a long promise at once, however often the whole is sent.
            for site in partly_answered.iter() {
                port.send(site, PaxosMessage::Prepare { ballot, first: reached[site.index()] });
            }
        }
    }

    pub(super) fn on_promise(
        &mut self,
        now: Instant,
        from: SiteId,
        promise: Promise<V>,
        port: &mut impl Port<V>,
    ) {
        let open_max = self.config.open_max();
        let Phase::Campaigning(campaign) = &mut self.phase else { return };
        if promise.ballot != campaign.ballot {
            let reason = "it answers an earlier ballot";
            port.note(PaxosNote::Ignored { from: from.into(), kind: "Promise", reason });
            return;
        }
        let in_range = |slot: Slot| promise.from <= slot && slot < promise.to;
        let is_sound = promise.from <= promise.to
            && promise.to <= promise.end.max(promise.from)
            && promise.end.0 <= promise.chosen.0.max(campaign.first.0) + open_max
            && promise.reports.iter().all(|report| in_range(report.slot))
            && promise.reports.is_sorted_by(|a, b| a.slot < b.slot);
        if !is_sound {
            port.note(PaxosNote::Ignored {
                from: from.into(),
                kind: "Promise",
                reason: "its ranges make no sense",
            });
            return;
        }
        campaign.absorb(from, promise);
        self.try_to_lead(now, port);
    }

    /// Leads once a prepare quorum has reported everything and this site knows everything below their watermarks. Gives
    /// up when it knows of a chosen slot above all reports, since then it has lost.
    pub(super) fn try_to_lead(&mut self, now: Instant, port: &mut impl Port<V>) {
        let quorum = self.quorum();
        let Phase::Campaigning(campaign) = &mut self.phase else { return };
        if !quorum.is_prepared(campaign.complete) || self.stands_aside {
            return;
        }
        let chosen_end = self.log.chosen_end();
        if chosen_end > campaign.end {
            // What is chosen under a lower ballot was accepted by an accept quorum, which shares a site with this
            // prepare quorum, and that site would have reported it. So it was chosen under a later ballot, which a
            // prepare quorum promised: nothing will ever be chosen under this one ("Paxos Made Simple", section 2.2,
            // P2c).
            let slot = Slot(chosen_end.0 - 1);
            port.note(PaxosNote::Overtaken(campaign.ballot, slot));
            self.phase = Phase::Following;
            self.election_at = Some(now + self.patience(now));
            return;
        }
        if self.log.chosen() < campaign.chosen {
            // It leads only with a whole log.
            let (chosen, by) = (campaign.chosen, campaign.chosen_by);
            self.learn_up_to(now, chosen, by, port);
            return;
        }
        let Phase::Campaigning(mut campaign) = core::mem::replace(&mut self.phase, Phase::Following) else {
            return;
        };
        let ballot = campaign.ballot;
        let next = self.log.chosen();
        self.attempts = 0;
        self.indirect_leader = None;
        port.note(PaxosNote::Leads(ballot, next));
        self.phase = Phase::Leading(Leadership::new(ballot, next, campaign.end, now, self.retry(now)));
        for slot in (next.0..campaign.end.0).map(Slot) {
            match campaign.reports.remove(&slot) {
                _ if self.log.chosen_at(slot).is_some() => self.skip(slot),
                Some(Report { ballot: None, entry, .. }) => {
                    self.learn(slot, entry, port);
                    self.skip(slot);
                }
                Some(Report { ballot: Some(accepted), entry, .. }) => {
                    port.note(PaxosNote::Reproposes(slot, accepted));
                    self.propose_again(now, entry, port);
                }
                // No member of the quorum accepted anything here, so nothing can have been chosen.
                None => {
                    port.note(PaxosNote::ClosesHole(slot));
                    self.propose_again(now, Entry::noop(), port);
                }
            }
        }
        self.lead_on(now, port);
    }

    /// Records that `entry` is chosen for `slot`. `false` if another entry is known to be chosen there.
    pub(super) fn learn(&mut self, slot: Slot, entry: Entry<V>, port: &mut impl Port<V>) -> bool {
        let is_held = self.log.held(slot).is_some_and(|held| held.entry == entry);
        let is_news = self.log.chosen_at(slot).is_none();
        let agrees = self.log.choose(slot, entry.clone());
        if agrees && is_news && !is_held && self.withholds() {
            self.leave_unwritten(slot);
        } else if agrees && is_news && !is_held {
            port.append(PaxosRecord::Learned { slot, entry });
            // Without the watermark, everything learned after a slot that is merely accepted would be open after a
            // restart.
            self.record_chosen(port);
        }
        agrees
    }
}

#[cfg(test)]
mod tests;
