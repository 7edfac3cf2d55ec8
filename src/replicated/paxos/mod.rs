//! Multi-Paxos: acceptor, proposer and learner over one log of slots.
//!
//! After Lamport, "Paxos Made Simple" (2001), section 3, with the leader optimisation: phase 1 runs once per
//! leadership for all open slots, phase 2 once per slot. It knows neither what values mean nor how messages
//! travel; everything leaves through a [`Port`].
//!
//! 1. What a site promised or accepted is durable before anyone is told ([`Port::send`] waits).
//! 2. A site proposes one entry per slot under one ballot, and never under a ballot of an earlier incarnation.
//! 3. Only what is known to be chosen is served or reported as chosen.

mod acceptor;
pub mod ballot;
mod campaign;
pub mod claim;
mod leaning;
mod learner;
mod log;
pub mod message;
pub mod note;
mod proposer;
mod room;
mod saved;
mod survey;
mod syncs;
#[cfg(test)]
mod tests;

use core::fmt::Debug;

pub use ballot::{Ballot, Entry, Quorum, Slot};
pub use claim::{Claim, Digest};
pub use log::Log;
pub use message::{PaxosMessage, PaxosRecord, Promise, Report};
pub use note::PaxosNote;
pub use proposer::fruitless_max;
pub use survey::SurveyId;
pub use syncs::sync_patience_max;

use crate::ids::{SiteId, SiteSet};
use crate::mix::{Seed, below, mix};
use crate::process::{Damage, Label, Recipients, Size};
use crate::time::{Duration, Instant};
use crate::wire::Wire;
use ballot::COUNT_MAX;
use campaign::Campaign;
use leaning::Leaning;
use learner::Learner;
use proposer::Leadership;
use room::Unwritten;
use survey::Survey;
use syncs::Syncs;

/// What values must be able to do.
pub trait Value: Wire + PartialEq {}

impl<V: Wire + PartialEq> Value for V {}

/// Where everything that this module wants done leaves it.
pub trait Port<V> {
    /// Makes `record` durable.
    fn append(&mut self, record: PaxosRecord<V>);

    /// Sends once everything appended so far, and in the same call, is durable.
    fn send(&mut self, to: impl Into<Recipients>, message: PaxosMessage<V>);

    /// Sends at once: only for what stays true if unsynced records are lost.
    fn send_independent(&mut self, to: impl Into<Recipients>, message: PaxosMessage<V>);

    /// Tells whoever watches.
    fn note(&mut self, note: PaxosNote);
}

/// Sizes and times of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// How many sites.
    pub sites: u8,
    /// Between two heartbeats of a leader.
    pub heartbeat: Duration,
    /// Without a word of the leader for this long, and some jitter, a site campaigns; without a word of a
    /// quorum for this long a leader steps down.
    pub election: Duration,
    /// The most jitter of the first attempt; it doubles with each of the next three.
    pub election_jitter: Duration,
    /// Unanswered messages are sent again after this.
    pub retry: Duration,
    /// A leader with nothing in flight says after this what it knows to be chosen, unless a proposal or a heartbeat says
    /// it sooner, or [`Paxos::tell_chosen`] is asked for.
    pub chosen_after: Duration,
    /// A leader proposes no slot this far above what is chosen without a gap. At this limit proposals wait.
    pub window: u64,
    /// The most slots asked for at once in catching up.
    pub fetch_max: u64,
    /// Bytes that the values of one entry take at most, together.
    pub entry_bytes: usize,
    /// Bytes that the reports of one part of a promise take at most, together.
    pub promise_bytes: usize,
}

/// How far ahead of every round that a site has heard of the next one may be.
const ROUNDS_AHEAD_MAX: u64 = 1 << 32;

const STANDS_ASIDE: &str = "logs differ, and no quorum has this one";

const OUT_OF_REACH: &str = "a round that nobody can have reached";

impl Config {
    /// A site holds no slot this far above its chosen prefix; what is further ahead is refused until it caught up.
    pub const fn open_max(&self) -> u64 {
        let larger = if self.window > self.fetch_max { self.window } else { self.fetch_max };
        4 * larger
    }
}

#[derive(Clone, Debug)]
enum Phase<V> {
    Following,
    Campaigning(Campaign<V>),
    Leading(Leadership),
}

/// The protocol's part of one site.
#[derive(Clone, Debug)]
pub struct Paxos<V> {
    config: Config,
    me: SiteId,
    seed: Seed,
    /// It accepts nothing below; durable before anyone is told.
    promised: Ballot,
    /// The greatest round that it ever heard of.
    round_seen: u64,
    log: Log<V>,
    /// What its user has applied of the log, as it told last.
    applied: Claim,
    /// Its user wants nothing chosen: it proposes nothing, votes for nothing, and counts no votes of others.
    stands_aside: bool,
    /// The last watermark that was appended as a record.
    chosen_recorded: Slot,
    phase: Phase<V>,
    /// The leader that it last heard, and when.
    leader: Option<(Ballot, Instant)>,
    /// Since when the leader that it follows says that it does not hear this site.
    unheard_since: Option<Instant>,
    /// Through whom it is served while it hears none.
    leaning: Option<Leaning>,
    /// When it campaigns unless it hears a leader; `None` before the first input.
    election_at: Option<Instant>,
    /// Campaigns since it last heard a leader or led.
    attempts: u64,
    /// Up to where the log was chosen when it last gave way as a leader, and how often it had done so there.
    fruitless: Option<(Slot, u64)>,
    learner: Learner,
    /// How far logs reach, for whoever reads.
    survey: Option<Survey>,
    /// Behind the last slot that another site told to hold something in.
    reach: Slot,
    /// How long votes wait for disks.
    syncs: Syncs,
    /// Its host can reserve no more room.
    is_low: bool,
    /// What it learned while there was no room.
    unwritten: Option<Unwritten>,
}

impl<V: Value> Paxos<V> {
    /// The state that `records` lead to, in the order of their appending.
    pub fn recover(
        config: Config,
        me: SiteId,
        seed: Seed,
        records: impl IntoIterator<Item = PaxosRecord<V>>,
    ) -> Result<Paxos<V>, Damage> {
        let mut paxos = Paxos {
            config,
            me,
            seed,
            promised: Ballot::ZERO,
            round_seen: 0,
            log: Log::default(),
            applied: Claim::default(),
            stands_aside: false,
            chosen_recorded: Slot(0),
            phase: Phase::Following,
            leader: None,
            unheard_since: None,
            leaning: None,
            election_at: None,
            attempts: 0,
            fruitless: None,
            learner: Learner::default(),
            survey: None,
            reach: Slot(0),
            syncs: Syncs::default(),
            is_low: false,
            unwritten: None,
        };
        for (place, record) in records.into_iter().enumerate() {
            match record {
                PaxosRecord::Begins(first) if place == 0 => {
                    let begun = Log::beginning_at(first);
                    paxos.log = begun
                        .ok_or_else(|| Damage(alloc::format!("no log begins as late as at slot {first}")))?;
                    paxos.chosen_recorded = first;
                }
                record => paxos.replay(record)?,
            }
        }
        paxos.round_seen = paxos.promised.round;
        Ok(paxos)
    }

    fn replay(&mut self, record: PaxosRecord<V>) -> Result<(), Damage> {
        let promised = self.promised;
        match record {
            PaxosRecord::Promised(ballot) if ballot < promised => {
                return Err(Damage(alloc::format!("a promise of {ballot} behind one of {promised}")));
            }
            PaxosRecord::Promised(ballot) => self.promised = ballot,
            PaxosRecord::Begins(first) => {
                return Err(Damage(alloc::format!("the log begins at slot {first}, after other records")));
            }
            PaxosRecord::Accepted { slot, .. } | PaxosRecord::Learned { slot, .. }
                if slot < self.log.first() =>
            {
                return Err(Damage(alloc::format!(
                    "slot {slot} is below {}, where the log begins",
                    self.log.first()
                )));
            }
            PaxosRecord::Accepted { slot, .. } | PaxosRecord::Learned { slot, .. }
                if !self.log.reaches(slot) =>
            {
                return Err(Damage(alloc::format!(
                    "slot {slot} is far ahead of {}, below which everything is chosen",
                    self.log.chosen()
                )));
            }
            PaxosRecord::Accepted { ballot, slot, .. } if ballot < promised => {
                return Err(Damage(alloc::format!(
                    "slot {slot} accepted under {ballot} behind a promise of {promised}"
                )));
            }
            PaxosRecord::Accepted { ballot, slot, entry } => {
                self.promised = ballot;
                if self.log.chosen_at(slot).is_none() {
                    self.log.accept(slot, ballot, entry);
                }
            }
            PaxosRecord::Learned { slot, entry } => {
                if !self.log.choose(slot, entry) {
                    return Err(Damage(alloc::format!("two entries are chosen for slot {slot}")));
                }
            }
            PaxosRecord::Chosen(chosen) => {
                while self.log.chosen() < chosen {
                    let slot = self.log.chosen();
                    if !self.log.choose_held(slot) {
                        return Err(Damage(alloc::format!(
                            "slot {slot} is chosen below {chosen}, yet nothing is held"
                        )));
                    }
                }
                self.chosen_recorded = chosen;
            }
        }
        Ok(())
    }

    /// The log as far as this site knows it.
    pub fn log(&self) -> &Log<V> {
        &self.log
    }

    /// Its user has applied the log so far, for others to compare.
    pub fn set_applied(&mut self, applied: Claim) {
        self.applied = applied;
    }

    /// What its user told last.
    pub fn applied(&self) -> Claim {
        self.applied
    }

    /// Lets nothing be chosen from here on: it proposes nothing, votes for nothing, counts no votes of others, and does
    /// not come to lead. What is chosen it learns and serves, and a leader goes on saying that it lives.
    pub fn stand_aside(&mut self) {
        self.stands_aside = true;
    }

    /// Takes part again.
    pub fn take_part(&mut self, now: Instant, port: &mut impl Port<V>) {
        self.stands_aside = false;
        self.try_to_lead(now, port);
    }

    /// Whether it lets nothing be chosen.
    pub fn stands_aside(&self) -> bool {
        self.stands_aside
    }

    /// What it has promised.
    pub fn promised(&self) -> Ballot {
        self.promised
    }

    /// The ballot that it leads under, if it leads.
    pub fn leads_under(&self) -> Option<Ballot> {
        match &self.phase {
            Phase::Leading(leadership) => Some(leadership.ballot),
            Phase::Following | Phase::Campaigning(_) => None,
        }
    }

    /// Whether it asks for promises.
    pub fn is_campaigning(&self) -> bool {
        matches!(self.phase, Phase::Campaigning(_))
    }

    /// The ballot of the leader that it follows, itself or through another site, or is.
    pub fn leader(&self) -> Option<Ballot> {
        self.route().map(|(ballot, _)| ballot)
    }

    /// Takes a message of another site, or its own after its wait.
    pub fn on_message(
        &mut self,
        now: Instant,
        from: SiteId,
        message: PaxosMessage<V>,
        port: &mut impl Port<V>,
    ) {
        self.arm_election(now);
        self.cease_to_lean(now);
        if let Some(reason) = self.is_nonsense(from, &message) {
            port.note(PaxosNote::Ignored { from: from.into(), kind: message.kind(), reason });
            return;
        }
        if self.stands_aside
            && matches!(message, PaxosMessage::Accept { .. } | PaxosMessage::Accepted { .. })
            && from != self.me
        {
            // Its own vote is sent once, and counts when it takes part again.
            port.note(PaxosNote::Ignored { from: from.into(), kind: message.kind(), reason: STANDS_ASIDE });
            return;
        }
        match message {
            PaxosMessage::Prepare { ballot, first } => self.on_prepare(now, from, ballot, first, port),
            PaxosMessage::Promise(promise) => {
                self.hear_sync(now, from, promise.sync);
                self.on_promise(now, from, promise, port)
            }
            PaxosMessage::Accept { ballot, slot, chosen, entry } => {
                self.on_accept(now, ballot, slot, entry, port);
                self.on_watermark(now, ballot, chosen, port);
            }
            PaxosMessage::Accepted { ballot, slot } => self.on_accepted(now, from, ballot, slot, port),
            PaxosMessage::Chosen { ballot, chosen } => self.on_watermark(now, ballot, chosen, port),
            PaxosMessage::Nack { ballot, promised, chosen, leader } => {
                self.lean(now, from, ballot, leader, port);
                self.on_nack(now, from, (ballot, promised), chosen, port)
            }
            PaxosMessage::Heartbeat { ballot, chosen, beat, hears, .. } => {
                self.hear_whom(now, ballot, hears);
                self.on_heartbeat(now, ballot, chosen, beat, port)
            }
            PaxosMessage::Heard { ballot, chosen, .. } => self.on_heard(now, from, ballot, chosen, port),
            PaxosMessage::Fetch { first, end } => self.on_fetch(from, first, end, port),
            PaxosMessage::Supply { slot, entry, chosen } => {
                self.on_supply(now, from, slot, entry, chosen, port)
            }
            PaxosMessage::Survey { id, reach } => self.on_survey(now, from, id, reach, port),
            PaxosMessage::Extent { id, end, chosen } => self.on_extent(now, from, (id, end, chosen), port),
        }
        self.check();
    }

    /// Whose word a message must be; nothing else of it is believed without need.
    fn is_nonsense(&mut self, from: SiteId, message: &PaxosMessage<V>) -> Option<&'static str> {
        if from.number() >= self.config.sites {
            return Some("no site of this cluster");
        }
        if message.lowest_held().is_some_and(|slot| slot < self.log.first()) {
            return Some("a slot before the log begins");
        }
        let (speaker, ballot) = match message {
            // Its own vote for another, which comes back when it is durable.
            PaxosMessage::Prepare { .. } if from == self.me => return None,
            PaxosMessage::Prepare { ballot, .. }
            | PaxosMessage::Accept { ballot, .. }
            | PaxosMessage::Chosen { ballot, .. }
            | PaxosMessage::Heartbeat { ballot, .. } => (from, *ballot),
            PaxosMessage::Promise(Promise { ballot, .. })
            | PaxosMessage::Accepted { ballot, .. }
            | PaxosMessage::Nack { ballot, .. }
            | PaxosMessage::Heard { ballot, .. } => (self.me, *ballot),
            PaxosMessage::Fetch { .. } | PaxosMessage::Survey { .. } | PaxosMessage::Extent { .. } => {
                return None;
            }
            PaxosMessage::Supply { .. } if !self.fits(message) => {
                return Some("an entry larger than any that this cluster makes");
            }
            PaxosMessage::Supply { .. } => return None,
        };
        if ballot.site != speaker || ballot.round == 0 {
            return Some("a ballot of somebody else");
        }
        if let PaxosMessage::Nack { promised, leader, .. } = message
            && !self.is_within_reach(promised.round.max(leader.map_or(0, |leader| leader.round)))
        {
            return Some(OUT_OF_REACH);
        }
        if !self.is_within_reach(ballot.round) {
            return Some(OUT_OF_REACH);
        }
        if !self.fits(message) {
            return Some("an entry larger than any that this cluster makes");
        }
        self.round_seen = self.round_seen.max(ballot.round);
        None
    }

    /// No honest site is so far ahead; believing it would use the rounds up, for ever, since ballots are durable.
    fn is_within_reach(&self, round: u64) -> bool {
        round <= self.round_seen.max(self.promised.round) + ROUNDS_AHEAD_MAX
    }

    /// Whether what the message carries fits every message and record that may have to carry it on.
    fn fits(&self, message: &PaxosMessage<V>) -> bool {
        let fits = |entry: &Entry<V>| {
            entry.values().iter().map(Wire::size).sum::<usize>() <= self.config.entry_bytes
        };
        match message {
            PaxosMessage::Accept { entry, .. } | PaxosMessage::Supply { entry, .. } => fits(entry),
            PaxosMessage::Promise(promise) => promise.reports.iter().all(|report| fits(&report.entry)),
            PaxosMessage::Prepare { .. }
            | PaxosMessage::Accepted { .. }
            | PaxosMessage::Chosen { .. }
            | PaxosMessage::Nack { .. }
            | PaxosMessage::Heartbeat { .. }
            | PaxosMessage::Heard { .. }
            | PaxosMessage::Fetch { .. }
            | PaxosMessage::Survey { .. }
            | PaxosMessage::Extent { .. } => true,
        }
    }

    /// Does what its deadline asked for.
    pub fn on_wake(&mut self, now: Instant, port: &mut impl Port<V>) {
        self.arm_election(now);
        self.cease_to_lean(now);
        self.write_learned(port);
        match &self.phase {
            Phase::Leading(_) => self.lead_on(now, port),
            Phase::Campaigning(_) => self.ask_again(now, port),
            Phase::Following if self.election_at.is_some_and(|at| now >= at) => {
                if self.withholds() || self.waits_for_disk(now) {
                    self.election_at = Some(now + self.patience(now));
                } else {
                    self.campaign(now, port);
                }
            }
            Phase::Following => self.poll(now, port),
        }
        self.fetch_again(now, port);
        self.survey_again(now, port);
        self.check();
    }

    /// When it wants to be woken and what for.
    pub fn deadline(&self) -> (Instant, &'static str) {
        let phase = match &self.phase {
            Phase::Following => self.following_deadline(),
            Phase::Campaigning(campaign) => (campaign.resend_at, "campaign"),
            Phase::Leading(leadership) => leadership.deadline(),
        };
        let fetch = self.learner.deadline().map(|retry_at| (retry_at, "fetch"));
        let survey = self.survey.as_ref().map(|survey| (survey.resend_at, "survey"));
        let learned = self.owes_records().then_some((Instant::ZERO, "records"));
        [fetch, survey, learned].into_iter().flatten().fold(phase, |a, b| if b.0 < a.0 { b } else { a })
    }

    /// What grows, and how far. The chosen prefix grows for ever.
    pub fn sizes(&self, mut see: impl FnMut(Size)) {
        let size = |what, holds: usize, max| Size { what, holds: holds as u64, max };
        see(size("slots above its chosen prefix", self.log.open_len(), self.config.open_max()));
        match &self.phase {
            Phase::Following => {}
            Phase::Campaigning(campaign) => campaign.sizes(&self.config, see),
            Phase::Leading(leadership) => leadership.sizes(&self.config, self.log.chosen(), see),
        }
    }

    fn arm_election(&mut self, now: Instant) {
        if self.election_at.is_none() {
            self.election_at = Some(now + self.patience(now));
        }
    }

    /// Waits from the next time on as another seed would have it.
    pub fn rekey(&mut self, salt: u64) {
        self.seed = self.seed.part([salt]);
    }

    /// How long it waits for a leader: more with every attempt and on slow disks, and differently at every site.
    fn patience(&self, now: Instant) -> Duration {
        let jitter = self.config.election_jitter.times(1 << self.attempts.min(3)).as_micros();
        let draw = mix(self.seed.0, [self.attempts]);
        self.hearing(now) + Duration::from_micros(below(draw, jitter))
    }

    fn quorum(&self) -> Quorum {
        Quorum::at(self.config.sites, self.log.chosen())
    }

    fn all_sites(&self) -> SiteSet {
        SiteSet::first(self.config.sites)
    }

    fn other_sites(&self) -> SiteSet {
        self.all_sites().without(self.me)
    }

    /// Own invariants, after every input.
    fn check(&self) {
        let own = match &self.phase {
            Phase::Following => return,
            Phase::Campaigning(campaign) => campaign.ballot,
            Phase::Leading(leadership) => leadership.ballot,
        };
        assert!(
            own.site == self.me && own == self.promised,
            "{} goes on under {own}, having promised {}",
            self.me,
            self.promised,
        );
    }
}
