//! The leader: proposes entries, counts accepts, and sends heartbeats to its followers.

use alloc::collections::BTreeMap;

use super::syncs::quick;
use super::{
    Ballot, COUNT_MAX, Config, Deadline, Entry, Log, Paxos, PaxosMessage, PaxosNote, Phase, Port, Quorum,
    Slot, Value, earlier,
};
use crate::ids::{SITES_MAX, SiteId, SiteSet};
use crate::process::Size;
use crate::time::{Duration, Instant};

/// A slot that was proposed and is not known to be chosen.
#[derive(Clone, Debug)]
struct InFlight {
    /// The sites whose accepts are durable.
    accepted: SiteSet,
    since: Instant,
    sent_at: Instant,
}

/// The number of election timeouts that a slot may take before its leader gives way. It doubles after each leadership
/// that ended so and chose nothing: where every disk is slow, the next one lasts long enough.
const FRUITLESS_TIMES: u64 = 8;

/// The most doublings.
const FRUITLESS_DOUBLED: u64 = 2;

/// The number of election timeouts for which a site that gave way lets others try first.
const YIELD_TIMES: u64 = 4;

/// The longest that a site leads while nothing that it proposed is chosen, with this election timeout.
pub const fn fruitless_max(election: Duration) -> Duration {
    election.times(FRUITLESS_TIMES << FRUITLESS_DOUBLED)
}

/// A leader's state beside its log.
#[derive(Clone, Debug)]
pub(super) struct Leadership {
    pub(super) ballot: Ballot,
    /// The next slot to propose.
    next: Slot,
    /// One past the last slot that its campaign found. Up to there it proposes whatever the window.
    inherited: Slot,
    in_flight: BTreeMap<Slot, InFlight>,
    beat: u64,
    heartbeat_at: Instant,
    resend_at: Instant,
    /// When it announces its watermark, if no other message carries that before.
    announce_at: Option<Instant>,
    /// The time that the last chosen slot took; zero where an election timeout allows for that.
    took: Duration,
    /// When each site last answered a heartbeat.
    answered_at: [Instant; SITES_MAX as usize],
}

wire_struct!(InFlight { accepted, since, sent_at });
wire_struct!(Leadership {
    ballot,
    next,
    inherited,
    in_flight,
    beat,
    heartbeat_at,
    resend_at,
    announce_at,
    took,
    answered_at
});

impl Leadership {
    /// Whether a site can go on with it above `log`.
    pub(super) fn is_sound<V: Value>(&self, log: &Log<V>, open_max: u64) -> bool {
        let ahead = log.chosen().0 + open_max;
        log.chosen() <= self.next
            && self.next.0 <= ahead
            && self.inherited.0 <= ahead
            && self.in_flight.keys().all(|slot| *slot < self.next && log.held(*slot).is_some())
            && self.beat < COUNT_MAX
    }

    pub(super) fn new(
        ballot: Ballot,
        next: Slot,
        inherited: Slot,
        now: Instant,
        retry: Duration,
    ) -> Leadership {
        let answered_at = [now; SITES_MAX as usize];
        Leadership {
            ballot,
            next,
            inherited,
            in_flight: BTreeMap::new(),
            beat: 0,
            heartbeat_at: now,
            resend_at: now + retry,
            announce_at: None,
            took: Duration::ZERO,
            answered_at,
        }
    }

    /// The next slot to propose.
    pub(super) fn next(&self) -> Slot {
        self.next
    }

    pub(super) fn sizes(&self, config: &Config, chosen: Slot, mut see: impl FnMut(Size)) {
        let ahead = |slot: Slot| slot.0.saturating_sub(chosen.0);
        let max = config.window.max(ahead(self.inherited));
        see(Size { what: "slots under way", holds: ahead(self.next), max });
        let holds = self.in_flight.len() as u64;
        see(Size { what: "proposals in flight", holds, max: ahead(self.next) });
        see(Size { what: "slots to propose again", holds: ahead(self.inherited), max: config.open_max() });
    }

    pub(super) fn deadline(&self) -> Deadline {
        let heartbeat = (self.heartbeat_at, "heartbeat");
        let first = earlier(heartbeat, (!self.in_flight.is_empty()).then_some(self.resend_at), "resend");
        earlier(first, self.announce_at, "watermark")
    }

    /// Whether an accept quorum, itself included, answered within `patience`.
    pub(super) fn hears(&self, quorum: Quorum, me: SiteId, now: Instant, patience: Duration) -> bool {
        quorum.is_chosen(self.near(quorum, now, patience).with(me))
    }

    /// The sites that answered within `patience`.
    fn near(&self, quorum: Quorum, now: Instant, patience: Duration) -> SiteSet {
        let is_near = |site: &SiteId| now.since(self.answered_at[site.index()]) < patience;
        quorum.sites().iter().filter(is_near).collect()
    }
}

impl<V: Value> Paxos<V> {
    /// Whether it leads and may propose another slot: one within the window above what is chosen without a gap, so that
    /// a starved slot holds back the slots far after it.
    pub fn has_room(&self) -> bool {
        match &self.phase {
            Phase::Leading(leadership) => {
                !self.stands_aside && leadership.next.0 < self.log.chosen().0 + self.config.window
            }
            Phase::Following | Phase::Campaigning(_) => false,
        }
    }

    /// Every entry below the next slot that this leader proposes, from `first` on, chosen or proposed by it: no slot is
    /// missing. Nothing if it does not lead.
    pub fn proposed_from(&self, first: Slot) -> impl Iterator<Item = &Entry<V>> {
        let next = match &self.phase {
            Phase::Leading(leadership) => leadership.next,
            Phase::Following | Phase::Campaigning(_) => first,
        };
        let chosen = self.log.chosen_from(first);
        let open =
            self.log.open().filter(move |(slot, _)| *slot >= first).map(|(slot, held)| (slot, &held.entry));
        chosen.chain(open).take_while(move |(slot, _)| *slot < next).map(|(_, entry)| entry)
    }

    /// Phase 2a for the next slot, with an entry that no site has accepted.
    ///
    /// # Panics
    /// When it does not lead.
    pub fn propose(&mut self, now: Instant, entry: Entry<V>, port: &mut impl Port<V>) {
        self.propose_next(now, entry, true, port);
    }

    /// Phase 2a for the next slot, with an entry that an earlier ballot left, or with a no-op.
    pub(super) fn propose_again(&mut self, now: Instant, entry: Entry<V>, port: &mut impl Port<V>) {
        self.propose_next(now, entry, false, port);
    }

    /// The leader's own accept is a record, and its vote a message to itself that waits for
    /// that record. The leader asks the others while it writes: if this site loses the record, it never leads under
    /// this ballot again, so no site can be asked to accept anything else under it.
    fn propose_next(&mut self, now: Instant, entry: Entry<V>, is_new: bool, port: &mut impl Port<V>) {
        let chosen = self.log.chosen();
        let (others, retry) = (self.other_sites(), self.retry(now));
        let Phase::Leading(leadership) = &mut self.phase else {
            panic!("{} proposes and does not lead", self.me)
        };
        let (ballot, slot) = (leadership.ballot, leadership.next);
        leadership.next = slot.next();
        leadership.announce_at = None;
        if leadership.in_flight.is_empty() {
            leadership.resend_at = now + retry;
        }
        leadership.in_flight.insert(slot, InFlight { accepted: SiteSet::EMPTY, since: now, sent_at: now });
        self.accept(ballot, slot, entry.clone(), is_new, port);
        port.send_independent(others, PaxosMessage::Accept { ballot, slot, chosen, entry });
        port.send(self.me, PaxosMessage::Accepted { ballot, slot });
        self.measure(now, (ballot, Some(slot)));
    }

    /// Skips a slot that is known to be chosen.
    pub(super) fn skip(&mut self, slot: Slot) {
        let Phase::Leading(leadership) = &mut self.phase else { return };
        assert!(leadership.next == slot, "skips slot {slot}, next is {}", leadership.next);
        leadership.next = slot.next();
    }

    pub(super) fn on_accepted(
        &mut self,
        now: Instant,
        from: SiteId,
        ballot: Ballot,
        slot: Slot,
        port: &mut impl Port<V>,
    ) {
        if from == self.me {
            self.on_own_vote(now, (ballot, Some(slot)));
        }
        let quorum = Quorum::at(self.config.sites, slot);
        let Phase::Leading(leadership) = &mut self.phase else { return };
        if leadership.ballot != ballot {
            return;
        }
        let Some(flight) = leadership.in_flight.get_mut(&slot) else { return };
        flight.accepted.insert(from);
        if !quorum.is_chosen(flight.accepted) {
            return;
        }
        let took = now.since(flight.since);
        leadership.took = if took > quick(self.config.election) { took } else { Duration::ZERO };
        leadership.in_flight.remove(&slot);
        // No other message is about to carry the watermark.
        let is_last = leadership.in_flight.is_empty();
        if is_last {
            leadership.announce_at = Some(now + self.config.chosen_after);
        }
        let values = self.log.held(slot).map_or(0, |held| held.entry.values().len());
        let is_held = self.log.choose_held(slot);
        assert!(is_held, "slot {slot} is chosen under {ballot}, yet its leader holds nothing");
        port.note(PaxosNote::Chose(slot, values));
        if is_last && self.config.chosen_after == Duration::ZERO {
            self.announce_chosen(port);
        }
    }

    /// Announces the watermark if this leader has yet to do so: another site waits for it.
    pub fn announce_chosen(&mut self, port: &mut impl Port<V>) {
        let (others, chosen) = (self.other_sites(), self.log.chosen());
        if let Phase::Leading(leadership) = &mut self.phase
            && leadership.announce_at.take().is_some()
        {
            port.send_independent(others, PaxosMessage::Chosen { ballot: leadership.ballot, chosen });
        }
    }

    /// `slot` is known to be chosen. If this leader did not fill it, or filled it otherwise, a later ballot leads.
    pub(super) fn check_rival(
        &mut self,
        now: Instant,
        slot: Slot,
        entry: &Entry<V>,
        port: &mut impl Port<V>,
    ) {
        let is_own = self.log.held(slot).is_none_or(|held| held.entry == *entry);
        let Phase::Leading(leadership) = &mut self.phase else { return };
        leadership.in_flight.remove(&slot);
        if slot >= leadership.next || !is_own {
            port.note(PaxosNote::LostQuorum(leadership.ballot));
            self.phase = Phase::Following;
            self.election_at = Some(now + self.patience(now));
        }
    }

    pub(super) fn on_heartbeat_reply(
        &mut self,
        now: Instant,
        from: SiteId,
        ballot: Ballot,
        chosen: Slot,
        port: &mut impl Port<V>,
    ) {
        if let Phase::Leading(leadership) = &mut self.phase
            && leadership.ballot == ballot
        {
            leadership.answered_at[from.index()] = now;
        }
        self.learn_up_to(now, chosen, from, port);
    }

    pub(super) fn on_nack(
        &mut self,
        now: Instant,
        from: SiteId,
        (ballot, promised): (Ballot, Ballot),
        chosen: Slot,
        port: &mut impl Port<V>,
    ) {
        self.round_seen = self.round_seen.max(promised.round);
        let own = match &self.phase {
            Phase::Following => None,
            Phase::Campaigning(campaign) => Some(campaign.ballot),
            Phase::Leading(leadership) => Some(leadership.ballot),
        };
        // Equal ballots say only that the sender hears a live leader; a quorum of others may not hear one.
        if own == Some(ballot) && promised > ballot {
            let is_content = match &self.phase {
                Phase::Leading(leadership) => {
                    leadership.hears(self.quorum(), self.me, now, self.hearing(now))
                }
                Phase::Following | Phase::Campaigning(_) => false,
            };
            self.step_down(now, promised, port);
            if is_content {
                // Its quorum still answers, so no other site leads: a site that was away promised a higher ballot.
                self.campaign(now, port);
            }
        }
        self.learn_up_to(now, chosen, from, port);
    }

    /// Stops leading or campaigning because of `by`. What it proposed stays accepted and may yet be chosen.
    pub(super) fn step_down(&mut self, now: Instant, by: Ballot, port: &mut impl Port<V>) {
        if let Some(ballot) = self.leads_under() {
            port.note(PaxosNote::Deposed(ballot, by));
        }
        self.phase = Phase::Following;
        self.election_at = Some(now + self.patience(now));
    }

    /// Sends heartbeats and unanswered proposals, and ends a leadership without a quorum.
    pub(super) fn lead_on(&mut self, now: Instant, port: &mut impl Port<V>) {
        let (quorum, others, all) = (self.quorum(), self.other_sites(), self.all_sites());
        let (chosen, config, me) = (self.log.chosen(), self.config, self.me);
        let (retry, hearing, sync_patience) = (self.retry(now), self.hearing(now), self.sync_patience(now));
        let (applied, stands_aside) = (self.applied, self.stands_aside);
        let Phase::Leading(leadership) = &mut self.phase else { return };
        let ballot = leadership.ballot;
        if !leadership.hears(quorum, me, now, hearing) {
            port.note(PaxosNote::LostQuorum(ballot));
            self.phase = Phase::Following;
            self.election_at = Some(now + self.patience(now));
            return;
        }
        let fruitless = self.fruitless.filter(|(at, _)| *at == chosen).map_or(0, |(_, times)| times);
        let times = FRUITLESS_TIMES << fruitless.min(FRUITLESS_DOUBLED);
        // The disks of an accept quorum may be slower than its own.
        let patience = config.election.times(times) + sync_patience + leadership.took.times(2);
        let patience = patience.min(fruitless_max(config.election));
        let oldest = leadership.in_flight.first_key_value();
        if let Some((slot, _)) = oldest.filter(|(_, flight)| now.since(flight.since) >= patience)
            && !others.is_empty()
        {
            // Its followers hear it and it hears them, yet its proposals or their votes get lost, for example on links
            // that carry small datagrams only. While they follow it, no other site does better.
            port.note(PaxosNote::GivesWay(ballot, *slot));
            self.fruitless = Some((chosen, fruitless + 1));
            self.phase = Phase::Following;
            self.election_at = Some(now + config.election.times(YIELD_TIMES) + self.patience(now));
            return;
        }
        if now >= leadership.heartbeat_at {
            leadership.announce_at = None;
            leadership.heartbeat_at = now + config.heartbeat;
            leadership.beat += 1;
            let (beat, hears) = (leadership.beat, leadership.near(quorum, now, hearing));
            // What it has applied is chosen, and stays so whatever this site loses: the digest may leave at once.
            port.send_independent(others, PaxosMessage::Heartbeat { ballot, chosen, beat, hears, applied });
        }
        let announces = leadership.announce_at.is_some_and(|at| now >= at);
        if now >= leadership.resend_at {
            leadership.resend_at = now + retry;
            for (slot, flight) in &mut leadership.in_flight {
                let missing = all.without(me).minus(flight.accepted);
                if now.since(flight.sent_at) < retry || missing.is_empty() || stands_aside {
                    continue;
                }
                flight.sent_at = now;
                let entry = self.log.held(*slot).expect("what is in flight is held").entry.clone();
                port.send_independent(missing, PaxosMessage::Accept { ballot, slot: *slot, chosen, entry });
            }
        }
        if announces {
            self.announce_chosen(port);
        }
    }
}
