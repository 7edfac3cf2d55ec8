//! Estimates how long syncs take, and with that how long a site waits for others before it disturbs them. Nothing here
//! decides what is chosen.
//!
//! 1. A site measures its own disk by its own vote, which its host hands back once it is durable. Of two measurements
//!    in a row the shorter counts: a pause, or a clock that is set, makes one of them long; a slow disk makes both
//!    long.
//! 2. A promise says what its sender measured. A quick site that needs the votes of slow ones waits for them.
//! 3. What is known is bounded and fades. A site that forgot it measures it again with its next promise.

use super::{Ballot, Config, Paxos, PaxosMessage, Phase, Port, Slot, Value};
use crate::ids::{SITES_MAX, SiteId};
use crate::time::{Duration, Instant};

/// An election timeout allows for syncs of up to its own length divided by this.
const QUICK_PART: u64 = 4;

/// A vote may wait for the sync under way and then for its own.
const SYNCS_PER_VOTE: u64 = 2;

/// No sync counts as longer than this many election timeouts.
const LONGEST_TIMES: u64 = 16;

/// What a site measured itself counts half after this many election timeouts without another measurement.
const OWN_HALVED_TIMES: u64 = 32;

/// What another site reported counts half after this many election timeouts.
const REPORTED_HALVED_TIMES: u64 = 16;

/// A promise reports sync times in units of this power of two, in microseconds.
const UNIT_BITS: u32 = 15;

/// Names a vote of this site, for itself or for another; or, by another site's ballot, a mere wait.
type VoteName = (Ballot, Option<Slot>);

/// A vote that waits for this site's own disk.
#[derive(Clone, Copy, Debug)]
struct OwnVote {
    vote: VoteName,
    at: Instant,
}

/// A sync time, and when it was learned.
#[derive(Clone, Copy, Default, Debug)]
struct KnownSync {
    longest: Duration,
    at: Instant,
}

/// A site's knowledge of its own disk and those of others.
#[derive(Clone, Debug, Default)]
pub(super) struct Syncs {
    asked: Option<OwnVote>,
    /// The time that the vote before this one took.
    last: Option<Duration>,
    /// By site.
    known: [KnownSync; SITES_MAX as usize],
}

wire_struct!(OwnVote { vote, at });
wire_struct!(KnownSync { longest, at });
wire_struct!(Syncs { asked, last, known });

/// The sync time that every election timeout allows for.
pub(super) const fn quick(election: Duration) -> Duration {
    Duration::from_micros(election.as_micros() / QUICK_PART)
}

/// The most that a site adds to an election timeout for the disks of others, where no sync takes longer than `sync`. A
/// vote is measured together with the sync that it waited for.
pub const fn sync_patience_max(election: Duration, sync: Duration) -> Duration {
    let measured = sync.times(SYNCS_PER_VOTE);
    if measured.as_micros() <= quick(election).as_micros() {
        return Duration::ZERO;
    }
    let longest = election.times(LONGEST_TIMES);
    let measured = if measured.as_micros() < longest.as_micros() { measured } else { longest };
    measured.times(SYNCS_PER_VOTE)
}

impl KnownSync {
    fn faded(&self, now: Instant, half: Duration) -> Duration {
        let halvings = now.since(self.at).as_micros() / half.as_micros().max(1);
        Duration::from_micros(self.longest.as_micros() >> halvings.min(63))
    }
}

impl Syncs {
    /// The sync time of `site` that counts; zero where an election timeout allows for it.
    fn of(&self, config: &Config, me: SiteId, site: SiteId, now: Instant) -> Duration {
        let times = if site == me { OWN_HALVED_TIMES } else { REPORTED_HALVED_TIMES };
        let faded = self.known[site.index()].faded(now, config.election.times(times));
        let under_way = self.asked.filter(|_| site == me).map_or(Duration::ZERO, |asked| now.since(asked.at));
        let longest = faded.max(under_way).min(config.election.times(LONGEST_TIMES));
        if longest <= quick(config.election) { Duration::ZERO } else { longest }
    }

    /// Whether an election timeout allows for all that is known, as in nearly every run: what is known only fades.
    fn are_quick(&self, config: &Config, now: Instant) -> bool {
        let allowed = quick(config.election);
        let is_awaited = self.asked.is_some_and(|asked| now.since(asked.at) > allowed);
        !is_awaited && self.known.iter().all(|known| known.longest <= allowed)
    }

    /// Takes the end of a wait. Returns whether the wait was long.
    fn on_own(&mut self, config: &Config, me: SiteId, vote: VoteName, now: Instant) -> bool {
        let Some(asked) = self.asked.take_if(|asked| asked.vote == vote) else { return false };
        let took = now.since(asked.at).min(config.election.times(LONGEST_TIMES));
        let counts = took.min(self.last.unwrap_or(took));
        self.last = Some(took);
        let known = &mut self.known[me.index()];
        let faded = known.faded(now, config.election.times(OWN_HALVED_TIMES));
        if counts >= faded {
            *known = KnownSync { longest: counts, at: now };
        } else if now.since(known.at) >= config.election {
            let half = Duration::from_micros(faded.as_micros() / 2);
            *known = KnownSync { longest: half.max(counts), at: now };
        }
        took > quick(config.election)
    }
}

impl<V: Value> Paxos<V> {
    /// How long a vote of its own takes to become durable; zero where an election timeout allows for that.
    pub(super) fn own_sync(&self, now: Instant) -> Duration {
        self.syncs.of(&self.config, self.me, self.me, now)
    }

    /// The same, as a promise reports it.
    pub(super) fn reported_sync(&self, now: Instant) -> u8 {
        u8::try_from(self.own_sync(now).as_micros() >> UNIT_BITS).unwrap_or(u8::MAX)
    }

    /// The same for an accept quorum of the quickest sites, and at least its own. Once a campaign failed it is that of
    /// all sites, since some of the quickest may be down.
    fn quorum_sync(&self, now: Instant) -> Duration {
        if self.syncs.are_quick(&self.config, now) {
            return Duration::ZERO;
        }
        let mut all = [Duration::ZERO; SITES_MAX as usize];
        let sites = self.all_sites();
        for site in sites.iter() {
            all[site.index()] = self.syncs.of(&self.config, self.me, site, now);
        }
        let all = &mut all[..sites.len()];
        all.sort_unstable();
        let quickest = all[self.quorum().accept() - 1];
        let counts = if self.attempts > 0 { all[all.len() - 1] } else { quickest };
        counts.max(self.own_sync(now))
    }

    /// What it adds for slow disks to any number of election timeouts; zero where disks are quick.
    pub(super) fn sync_patience(&self, now: Instant) -> Duration {
        self.quorum_sync(now).times(SYNCS_PER_VOTE)
    }

    /// Unanswered messages between sites are sent again after this: no sooner than an answer can be durable.
    pub fn retry(&self, now: Instant) -> Duration {
        self.config.retry + self.quorum_sync(now)
    }

    /// For how long a leader counts as heard, and a site counts as heard by its leader.
    pub(super) fn hearing(&self, now: Instant) -> Duration {
        self.config.election + self.sync_patience(now)
    }

    /// Starts to measure a vote of its own, which will come back.
    pub(super) fn measure(&mut self, now: Instant, vote: VoteName) {
        self.syncs.asked.get_or_insert(OwnVote { vote, at: now });
    }

    /// Makes its own vote for another site come back too, unless another vote is on its way.
    pub(super) fn measure_vote(&mut self, now: Instant, ballot: Ballot, port: &mut impl Port<V>) {
        if self.syncs.asked.is_none() {
            self.measure(now, (ballot, None));
            port.send(self.me, PaxosMessage::Prepare { ballot, first: self.log.chosen() });
        }
    }

    /// Its own vote has come back. If that took long, the site that it was for only just has it, so this site waits
    /// anew.
    pub(super) fn on_own_vote(&mut self, now: Instant, vote: VoteName) {
        let took_long = self.syncs.on_own(&self.config, self.me, vote, now);
        if let Phase::Following = self.phase
            && took_long
        {
            let patience = self.patience(now);
            self.election_at = self.election_at.map(|at| at.max(now + patience));
        }
    }

    /// Another site reports how long its syncs take.
    pub(super) fn on_reported_sync(&mut self, now: Instant, from: SiteId, sync: u8) {
        if from != self.me {
            let longest = Duration::from_micros(u64::from(sync) << UNIT_BITS);
            self.syncs.known[from.index()] = KnownSync { longest, at: now };
        }
    }

    /// Whether a vote of its own, or an earlier one, is on its way to its disk.
    pub(super) const fn awaits_vote(&self) -> bool {
        self.syncs.asked.is_some()
    }

    /// Whether a vote waits longer for its own disk than is usual: nothing further would get through either.
    pub(super) fn waits_for_disk(&self, now: Instant) -> bool {
        let quick = quick(self.config.election);
        self.syncs.asked.is_some_and(|asked| now.since(asked.at) > quick)
    }
}

#[cfg(test)]
mod tests;
