//! Multi-Paxos: acceptor, proposer and learner over one log of slots.
//!
//! After Lamport, "Paxos Made Simple" (2001), section 3, with the leader optimisation: phase 1 runs once per leadership
//! for all open slots, phase 2 once per slot. The module knows neither the meaning of values nor the transport of
//! messages; everything leaves it through a [`Port`].
//!
//! 1. What a site promised or accepted is durable before the site says so ([`Port::send`] waits).
//! 2. A site proposes one entry per slot under one ballot, and never under a ballot of an earlier incarnation.
//! 3. Only what is known to be chosen is served or reported as chosen.

mod acceptor;
pub mod ballot;
mod campaign;
pub mod claim;
mod config;
mod indirect_leader;
mod learner;
mod log;
pub mod message;
mod nonsense;
pub mod note;
mod proposer;
mod recovery;
mod room;
mod saved;
mod survey;
mod syncs;
#[cfg(test)]
mod tests;

use core::fmt::Debug;

pub use ballot::{Ballot, Entry, Quorum, Slot};
pub use claim::{Claim, Digest};
pub use config::Config;
pub use log::Log;
pub use message::{PaxosMessage, PaxosRecord, Promise, Report};
pub use note::PaxosNote;
pub use proposer::fruitless_max;
pub use survey::SurveyId;
pub use syncs::sync_patience_max;

use crate::ids::{SiteId, SiteSet};
use crate::mix::{Seed, below, mix};
use crate::process::{Label, Recipients, Size};
use crate::time::{Duration, Instant};
use crate::wire::Wire;
use ballot::COUNT_MAX;
use campaign::Campaign;
use indirect_leader::IndirectLeader;
use learner::Learner;
use proposer::Leadership;
use room::Unwritten;
use survey::Survey;
use syncs::Syncs;

/// A deadline and the reason for it.
pub type Deadline = (Instant, &'static str);

/// The earlier one of a deadline and a second one, if there is a second. Of two at one time it is the first.
#[inline]
pub(crate) fn earlier(first: Deadline, second: Option<Instant>, reason: &'static str) -> Deadline {
    match second {
        Some(at) if at < first.0 => (at, reason),
        _ => first,
    }
}

/// The requirements on values.
pub trait Value: Wire + PartialEq {}

impl<V: Wire + PartialEq> Value for V {}

/// The outlet of this module: records, messages and notes.
pub trait Port<V> {
    /// Makes `record` durable.
    fn append(&mut self, record: PaxosRecord<V>);

    /// Sends once every record that was appended so far, and in the same call, is durable.
    fn send(&mut self, to: impl Into<Recipients>, message: PaxosMessage<V>);

    /// Sends at once. Only for what stays true if unsynced records are lost.
    fn send_independent(&mut self, to: impl Into<Recipients>, message: PaxosMessage<V>);

    /// Reports to those who watch.
    fn note(&mut self, note: PaxosNote);
}

const STANDS_ASIDE: &str = "logs differ, and no quorum has this one";

#[derive(Clone, Debug)]
enum Phase<V> {
    Following,
    Campaigning(Campaign<V>),
    Leading(Leadership),
}

/// The protocol's state of one site.
#[derive(Clone, Debug)]
pub struct Paxos<V> {
    config: Config,
    me: SiteId,
    seed: Seed,
    /// It accepts nothing below this ballot, which is durable before the site says so.
    promised: Ballot,
    /// The greatest round that it ever heard of.
    round_seen: u64,
    log: Log<V>,
    /// The user's last claim of what it has applied of the log.
    applied: Claim,
    /// Its user wants nothing chosen: the site proposes nothing, votes for nothing, and counts no votes of others.
    stands_aside: bool,
    /// The last watermark that was appended as a record.
    chosen_recorded: Slot,
    phase: Phase<V>,
    /// The leader that it last heard, and when.
    leader: Option<(Ballot, Instant)>,
    /// Since when the leader that it follows has reported that it does not hear this site.
    unheard_since: Option<Instant>,
    /// The peer that serves it while it hears no leader.
    indirect_leader: Option<IndirectLeader>,
    /// When it campaigns unless it hears a leader; `None` before the first input.
    election_at: Option<Instant>,
    /// Campaigns since it last heard a leader or led.
    attempts: u64,
    /// The watermark at which it last gave way as a leader, and how often it had done so there.
    fruitless: Option<(Slot, u64)>,
    learner: Learner,
    /// The survey of how far logs reach, for reads.
    survey: Option<Survey>,
    /// One past the last slot in which another site reported that something is held.
    reach: Slot,
    /// The known sync times of disks.
    syncs: Syncs,
    /// Whether its host can reserve no more room.
    is_low: bool,
    /// The slots that it learned while there was no room.
    unwritten: Option<Unwritten>,
}

impl<V: Value> Paxos<V> {
    /// The log as far as this site knows it.
    pub fn log(&self) -> &Log<V> {
        &self.log
    }

    /// The user reports what it has applied of the log, for other sites to compare.
    pub fn set_applied(&mut self, applied: Claim) {
        self.applied = applied;
    }

    /// The claim that the user reported last.
    pub fn applied(&self) -> Claim {
        self.applied
    }

    /// Lets nothing be chosen from here on: the site proposes nothing, votes for nothing, counts no votes of others,
    /// and does not begin to lead. It still learns and serves what is chosen, and a leader still sends heartbeats.
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

    /// The highest ballot that it has promised.
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

    /// The ballot of the leader: this site itself, or one that it follows, directly or through another site.
    pub fn leader(&self) -> Option<Ballot> {
        self.route().map(|(ballot, _)| ballot)
    }

    /// Handles a message of another site, or one of its own once that was durable.
    pub fn on_message(
        &mut self,
        now: Instant,
        from: SiteId,
        message: PaxosMessage<V>,
        port: &mut impl Port<V>,
    ) {
        self.arm_election(now);
        self.expire_indirect_leader(now);
        if let Some(reason) = self.is_nonsense(from, &message) {
            port.note(PaxosNote::Ignored { from: from.into(), kind: message.kind(), reason });
            return;
        }
        if self.stands_aside
            && matches!(message, PaxosMessage::Accept { .. } | PaxosMessage::Accepted { .. })
            && from != self.me
        {
            // Its own votes pass: each is sent once, and counts when the site takes part again.
            port.note(PaxosNote::Ignored { from: from.into(), kind: message.kind(), reason: STANDS_ASIDE });
            return;
        }
        match message {
            PaxosMessage::Prepare { ballot, first } => self.on_prepare(now, from, ballot, first, port),
            PaxosMessage::Promise(promise) => {
                self.on_reported_sync(now, from, promise.sync);
                self.on_promise(now, from, promise, port)
            }
            PaxosMessage::Accept { ballot, slot, chosen, entry } => {
                self.on_accept(now, ballot, slot, entry, port);
                self.on_watermark(now, ballot, chosen, port);
            }
            PaxosMessage::Accepted { ballot, slot } => self.on_accepted(now, from, ballot, slot, port),
            PaxosMessage::Chosen { ballot, chosen } => self.on_watermark(now, ballot, chosen, port),
            PaxosMessage::Nack { ballot, promised, chosen, leader } => {
                self.follow_through(now, from, ballot, leader, port);
                self.on_nack(now, from, (ballot, promised), chosen, port)
            }
            PaxosMessage::Heartbeat { ballot, chosen, beat, hears, .. } => {
                self.on_hears(now, ballot, hears);
                self.on_heartbeat(now, ballot, chosen, beat, port)
            }
            PaxosMessage::HeartbeatReply { ballot, chosen, .. } => {
                self.on_heartbeat_reply(now, from, ballot, chosen, port)
            }
            PaxosMessage::Fetch { first, end } => self.on_fetch(from, first, end, port),
            PaxosMessage::FetchReply { slot, entry, chosen } => {
                self.on_fetch_reply(now, from, slot, entry, chosen, port)
            }
            PaxosMessage::Survey { id, reach } => self.on_survey(now, from, id, reach, port),
            PaxosMessage::SurveyReply { id, end, chosen } => {
                self.on_survey_reply(now, from, (id, end, chosen), port)
            }
        }
        self.check();
    }

    /// Does what is due.
    pub fn on_wake(&mut self, now: Instant, port: &mut impl Port<V>) {
        self.arm_election(now);
        self.expire_indirect_leader(now);
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

    /// When it wants to be woken, and the reason.
    pub fn deadline(&self) -> Deadline {
        let phase = match &self.phase {
            Phase::Following => self.following_deadline(),
            Phase::Campaigning(campaign) => (campaign.resend_at, "campaign"),
            Phase::Leading(leadership) => leadership.deadline(),
        };
        let phase = earlier(phase, self.learner.deadline(), "fetch");
        let phase = earlier(phase, self.survey.as_ref().map(|survey| survey.resend_at), "survey");
        earlier(phase, self.owes_records().then_some(Instant::ZERO), "records")
    }

    /// Reports everything that grows, with its limit. The chosen prefix grows for ever.
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

    /// Draws the later waits as if from another seed.
    pub fn rekey(&mut self, salt: u64) {
        self.seed = self.seed.part([salt]);
    }

    /// How long it waits for a leader: longer with every attempt and on slow disks, and different at every site.
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

    /// Checks its own invariants after every input.
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
