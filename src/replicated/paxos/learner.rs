//! The learner: watermarks, gaps and catching up.

use super::{Ballot, Entry, Paxos, PaxosMessage, PaxosNote, Phase, Port, Slot, Value};
use crate::ids::{SiteId, SiteSet};
use crate::time::Instant;

/// The number of election timeouts for which a site waits for a leader that does not hear it: losses come in bursts.
const UNHEARD_TIMES: u64 = 4;

/// The slots that other sites know to be chosen, and those that this site is asking for.
#[derive(Clone, Debug, Default)]
pub(super) struct Learner {
    /// Everything below is chosen, as some site reported.
    target: Slot,
    asked: Option<AskedSlots>,
}

#[derive(Clone, Copy, Debug)]
struct AskedSlots {
    /// One past the last slot asked for.
    end: Slot,
    from: SiteId,
    retry_at: Instant,
}

wire_struct!(Learner { target, asked });
wire_struct!(AskedSlots { end, from, retry_at });

impl Learner {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.asked.map(|asked| asked.retry_at)
    }
}

impl<V: Value> Paxos<V> {
    pub(super) fn on_heartbeat(
        &mut self,
        now: Instant,
        ballot: Ballot,
        chosen: Slot,
        beat: u64,
        port: &mut impl Port<V>,
    ) {
        if ballot < self.promised {
            self.refuse(now, ballot.site, ballot, port);
            return;
        }
        self.follow(now, ballot, port);
        self.on_watermark(now, ballot, chosen, port);
        let reply =
            PaxosMessage::HeartbeatReply { ballot, beat, chosen: self.log.chosen(), applied: self.applied };
        port.send_independent(ballot.site, reply);
        self.report_reach(ballot.site, ballot, port);
    }

    /// The leader of `ballot` names the sites that it hears. At first contact it cannot know this site yet.
    pub(super) fn on_hears(&mut self, now: Instant, ballot: Ballot, hears: SiteSet) {
        let is_known = self.leader.is_some_and(|(known, _)| known == ballot);
        let is_unheard = is_known && !hears.contains(self.me);
        self.unheard_since = is_unheard.then(|| self.unheard_since.unwrap_or(now));
    }

    /// This site heard the leader of `ballot`, which is not below what the site promised. A leader that has not heard
    /// this site for long is not waited for: what this site takes would never reach it.
    pub(super) fn follow(&mut self, now: Instant, ballot: Ballot, port: &mut impl Port<V>) {
        if ballot.site == self.me {
            return;
        }
        // A follower has nothing to stop. Whether it waits for this leader is decided below.
        if ballot > self.promised && !matches!(self.phase, Phase::Following) {
            self.step_down(now, ballot, port);
        }
        match self.leader {
            Some((known, _)) if known == ballot && self.is_unheard(now) => return,
            Some((known, _)) if known >= ballot => {}
            _ => {
                self.unheard_since = None;
                port.note(PaxosNote::Follows(ballot));
            }
        }
        self.leader = Some((ballot, now));
        self.indirect_leader = None;
        self.attempts = 0;
        self.election_at = Some(now + self.patience(now));
    }

    fn is_unheard(&self, now: Instant) -> bool {
        let patience = self.config.election.times(UNHEARD_TIMES) + self.sync_patience(now);
        self.unheard_since.is_some_and(|since| now.since(since) >= patience)
    }

    /// The leader of `ballot` says that everything below `chosen` is chosen. What this site accepted under exactly that
    /// ballot is what the leader proposed, so it is what was chosen. Anything else that the site holds may have lost,
    /// and is fetched.
    pub(super) fn on_watermark(
        &mut self,
        now: Instant,
        ballot: Ballot,
        chosen: Slot,
        port: &mut impl Port<V>,
    ) {
        let is_sure = |held: Option<Ballot>| held == Some(ballot);
        while self.leads_under().is_none() {
            let mut sure = self.log.open().take_while(|(slot, _)| *slot < chosen);
            let Some((slot, _)) = sure.find(|(_, held)| is_sure(held.ballot)) else { break };
            drop(sure);
            let is_held = self.log.choose_held(slot);
            assert!(is_held, "slot {slot} was found held");
        }
        self.learn_up_to(now, chosen, ballot.site, port);
        self.go_on_learning(now, port);
        self.try_to_lead(now, port);
    }

    /// No other site ever reported a slot at or above this one. It may be far below what others know.
    pub fn reported_end(&self) -> Slot {
        self.log.end().max(self.learner.target)
    }

    /// Some site knows everything below `target`. Asks for what is missing, unless this site is asking already.
    pub(super) fn learn_up_to(&mut self, now: Instant, target: Slot, from: SiteId, port: &mut impl Port<V>) {
        self.learner.target = self.learner.target.max(target);
        if self.learner.asked.is_none() && from != self.me && self.log.chosen() < target {
            self.fetch(now, from, port);
        }
    }

    fn fetch(&mut self, now: Instant, from: SiteId, port: &mut impl Port<V>) {
        let target = self.learner.target;
        let Some(first) = self.log.first_gap(target) else {
            self.learner.asked = None;
            return;
        };
        let end = target.min(Slot(first.0 + self.config.fetch_max));
        port.note(PaxosNote::Fetches(first, end, from));
        port.send(from, PaxosMessage::Fetch { first, end });
        self.learner.asked = Some(AskedSlots { end, from, retry_at: now + self.retry(now) });
    }

    /// Asks the next site, by number, when the one asked does not answer.
    pub(super) fn fetch_again(&mut self, now: Instant, port: &mut impl Port<V>) {
        let Some(asked) = self.learner.asked else { return };
        if now < asked.retry_at {
            return;
        }
        let others = self.all_sites().without(self.me);
        let next = others.iter().find(|site| *site > asked.from).or(others.iter().next());
        match next {
            Some(next) => self.fetch(now, next, port),
            None => self.learner.asked = None,
        }
    }

    /// Serves what it knows to be chosen, in bounded batches, whichever site leads.
    pub(super) fn on_fetch(&self, from: SiteId, first: Slot, end: Slot, port: &mut impl Port<V>) {
        let end = end.0.min(first.0 + self.config.fetch_max);
        for slot in (first.0..end).map(Slot) {
            if let Some(entry) = self.log.chosen_at(slot) {
                let supply =
                    PaxosMessage::FetchReply { slot, entry: entry.clone(), chosen: self.log.chosen() };
                port.send(from, supply);
            }
        }
    }

    pub(super) fn on_fetch_reply(
        &mut self,
        now: Instant,
        from: SiteId,
        slot: Slot,
        entry: Entry<V>,
        chosen: Slot,
        port: &mut impl Port<V>,
    ) {
        let ignored = |reason| PaxosNote::Ignored { from: from.into(), kind: "FetchReply", reason };
        if slot.0 >= self.log.chosen().0 + self.config.open_max() {
            port.note(ignored("too far ahead of what is known to be chosen"));
            return;
        }
        self.check_rival(now, slot, &entry, port);
        if !self.learn(slot, entry, port) {
            port.note(ignored("it contradicts what is known to be chosen"));
            return;
        }
        self.learner.target = self.learner.target.max(chosen).max(slot.next());
        self.go_on_learning(now, port);
        self.try_to_lead(now, port);
    }

    /// Asks for the next batch as soon as the last is complete.
    fn go_on_learning(&mut self, now: Instant, port: &mut impl Port<V>) {
        let Some(asked) = self.learner.asked else { return };
        if self.log.first_gap(asked.end).is_some() {
            return;
        }
        self.learner.asked = None;
        if self.log.chosen() < self.learner.target {
            self.fetch(now, asked.from, port);
        } else {
            port.note(PaxosNote::CaughtUp(self.log.chosen()));
        }
    }
}
