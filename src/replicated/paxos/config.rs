//! Sizes and times of the protocol.

use crate::time::Duration;

/// Sizes and times of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The number of sites.
    pub sites: u8,
    /// The time between two heartbeats of a leader.
    pub heartbeat: Duration,
    /// A site that hears nothing from a leader for this long, plus some jitter, campaigns. A leader that hears no
    /// quorum for this long steps down.
    pub election: Duration,
    /// The most jitter of the first attempt; it doubles with each of the next three.
    pub election_jitter: Duration,
    /// Unanswered messages are sent again after this.
    pub retry: Duration,
    /// A leader with nothing in flight announces its watermark after this long, unless a proposal or a heartbeat
    /// carries it sooner, or [`Paxos::announce_chosen`](super::Paxos::announce_chosen) is called.
    pub chosen_after: Duration,
    /// A leader proposes no slot this far above what is chosen without a gap. At this limit proposals wait.
    pub window: u64,
    /// The most slots that a site fetches at once to catch up.
    pub fetch_max: u64,
    /// The most bytes of the values of one entry, together.
    pub entry_bytes: usize,
    /// The most bytes of the reports of one part of a promise, together.
    pub promise_bytes: usize,
}

impl Config {
    /// A site holds no slot this far above its chosen prefix. It refuses such slots until it has caught up.
    pub const fn open_max(&self) -> u64 {
        let larger = if self.window > self.fetch_max { self.window } else { self.fetch_max };
        4 * larger
    }
}
