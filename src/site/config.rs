//! Sizes and times of a site and its clients.

use alloc::vec::Vec;
use core::fmt;

use crate::frame::{DATAGRAM_DEFAULT, DATAGRAM_MAX, DATAGRAM_MIN, FRAME_BYTES, MESSAGE_PREFIX_MAX};
use crate::ids::SITES_MAX;
use crate::paxos;
use crate::site::message::{ENTRY_PREFIX_MAX, Message};
use crate::site::submission::Submission;
use crate::time::Duration;
use crate::wire::{Reader, Wire, WireError};

/// What one input may make a site write at most, in bytes: the records of a new leader that proposes every open
/// slot again. It fits one file of a journal of the usual size.
const BURST_BYTES_MAX: u64 = 3 << 20;

/// The same at every site and client of a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// How many sites: 1 to 9.
    pub sites: u8,
    /// No datagram is larger, in bytes.
    pub datagram_max: usize,
    /// Between two heartbeats of a leader.
    pub heartbeat: Duration,
    /// Without a word of the leader for this long, and some jitter, a site campaigns.
    pub election: Duration,
    /// The most jitter of the first attempt.
    pub election_jitter: Duration,
    /// Unanswered messages between sites are sent again after this.
    pub retry: Duration,
    /// The most slots that a leader has under way; beyond, submissions wait.
    pub window: u64,
    /// The most submissions in one slot.
    pub batch: usize,
    /// The most slots asked for at once in catching up.
    pub fetch_max: u64,
    /// The most submissions in a site's queue; beyond, clients are told that it is busy.
    pub queue_max: usize,
    /// The most submissions of its queue that a site has with the leader at once, and that a leader holds for
    /// proposing; beyond, they wait with their origin.
    pub forward_max: usize,
    /// The most sessions that are open; an opening beyond evicts the one that was used longest ago. As many that ended
    /// are remembered. What the log comes to depends on it: it is the same at every site, for as long as there is the
    /// log.
    pub sessions_max: usize,
    /// The most queries that wait for a site to catch up, four of one client at most; beyond, the client's oldest is
    /// answered that the site is behind, or the oldest of all.
    pub parked_max: usize,
    /// How long such a query waits, and a linearizable view.
    pub parked_for: Duration,
    /// The most linearizable views that wait for a survey of the logs or for what it came to, four of one client at
    /// most; beyond, the client's oldest is told to ask elsewhere, or the oldest of all.
    pub reads_max: usize,
    /// A client is told that its request waits durably when it has waited for this long, or is asked again; one that is
    /// applied sooner is told that alone.
    pub taken_after: Duration,
    /// A leader that is asked to propose waits for this long before it does, unless it has enough for a whole slot:
    /// what comes in the meantime goes with it.
    pub propose_after: Duration,
    /// A leader with nothing under way says after this what it knows to be chosen, unless a proposal says it sooner or
    /// somebody at another site waits for it.
    pub chosen_after: Duration,
    /// A client asks again after this.
    pub client_retry: Duration,
    /// A client whose session was idle for this long opens another one before it asks.
    pub session_idle: Duration,
    /// The most commands that wait in a client; beyond, they are refused.
    pub client_queue_max: usize,
}

/// Why a configuration is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// A number is outside its range.
    OutOfRange {
        /// Which.
        name: &'static str,
        /// The least that it may be.
        min: u64,
        /// The most that it may be.
        max: u64,
        /// What it is.
        found: u64,
    },
    /// A leader would be given up between two of its heartbeats.
    HeartbeatTooSlow,
    /// What a new leader may have to write at once, in bytes, is more than this.
    WindowTooLarge(u64),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::OutOfRange { name, min, max, found } => {
                write!(f, "{name} is {found}, expected {min} to {max}")
            }
            ConfigError::WindowTooLarge(max) => write!(
                f,
                "window or fetch_max is too large for datagram_max: four times the larger, times datagram_max, must be at most {max}"
            ),
            ConfigError::HeartbeatTooSlow => f.write_str("heartbeat must be at most half of election"),
        }
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// What suits links of up to 100 ms.
    pub fn new(sites: u8) -> Config {
        Config {
            sites,
            datagram_max: DATAGRAM_DEFAULT,
            heartbeat: Duration::from_millis(50),
            election: Duration::from_millis(300),
            election_jitter: Duration::from_millis(200),
            retry: Duration::from_millis(150),
            window: 32,
            batch: 16,
            fetch_max: 64,
            queue_max: 1_024,
            forward_max: 64,
            sessions_max: 1_024,
            parked_max: 64,
            parked_for: Duration::from_secs(1),
            reads_max: 64,
            taken_after: Duration::ZERO,
            propose_after: Duration::ZERO,
            chosen_after: Duration::ZERO,
            client_retry: Duration::from_millis(500),
            session_idle: Duration::from_secs(60),
            client_queue_max: 256,
        }
    }

    /// Refuses what cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        let range = |name, found: u64, min: u64, max: u64| {
            if (min..=max).contains(&found) {
                Ok(())
            } else {
                Err(ConfigError::OutOfRange { name, min, max, found })
            }
        };
        range("sites", self.sites.into(), 1, SITES_MAX.into())?;
        range("datagram_max", self.datagram_max as u64, DATAGRAM_MIN as u64, DATAGRAM_MAX as u64)?;
        range("window", self.window, 1, 4_096)?;
        range("batch", self.batch as u64, 1, paxos::ballot::ENTRY_VALUES_MAX as u64)?;
        range("fetch_max", self.fetch_max, 1, 4_096)?;
        range("queue_max", self.queue_max as u64, 1, 1 << 20)?;
        range("forward_max", self.forward_max as u64, 1, 1 << 16)?;
        range("sessions_max", self.sessions_max as u64, 1, 1 << 16)?;
        range("parked_max", self.parked_max as u64, 0, 1 << 16)?;
        range("reads_max", self.reads_max as u64, 1, 1 << 16)?;
        range("client_queue_max", self.client_queue_max as u64, 1, 1 << 16)?;
        let times = [
            ("heartbeat in us", self.heartbeat),
            ("election in us", self.election),
            ("retry in us", self.retry),
            ("client_retry in us", self.client_retry),
            ("session_idle in us", self.session_idle),
        ];
        for (name, time) in times {
            range(name, time.as_micros(), 1, Duration::from_secs(3_600).as_micros())?;
        }
        range("parked_for in us", self.parked_for.as_micros(), 0, Duration::from_secs(3_600).as_micros())?;
        let waits = [
            ("taken_after in us", self.taken_after),
            ("propose_after in us", self.propose_after),
            ("chosen_after in us", self.chosen_after),
            ("election_jitter in us", self.election_jitter),
        ];
        for (name, time) in waits {
            range(name, time.as_micros(), 0, Duration::from_secs(3_600).as_micros())?;
        }
        if self.burst_bytes_max() > BURST_BYTES_MAX {
            return Err(ConfigError::WindowTooLarge(BURST_BYTES_MAX));
        }
        if self.heartbeat.times(2) > self.election {
            return Err(ConfigError::HeartbeatTooSlow);
        }
        Ok(())
    }

    /// Bytes that the submissions of one slot take at most.
    pub(super) fn entry_bytes_max(&self) -> usize {
        Message::entry_bytes_max(self.datagram_max)
    }

    /// What one input may make a site write at most, in bytes: it must fit one file of the journal.
    pub fn burst_bytes_max(&self) -> u64 {
        self.paxos().open_max() * self.datagram_max as u64
    }

    /// How large `window` and `fetch_max` may be at most with datagrams of up to `datagram_max` bytes.
    pub const fn open_max_for(datagram_max: usize) -> u64 {
        BURST_BYTES_MAX / 4 / datagram_max as u64
    }

    /// The most bytes of one durable record, whatever is in it: what storage is formatted for.
    pub fn record_bytes_max(&self) -> usize {
        let entry = ENTRY_PREFIX_MAX + self.entry_bytes_max();
        1 + paxos::Record::<Submission>::OVERHEAD_MAX + entry.max(Submission::BYTES_MAX)
    }

    pub(super) fn paxos(&self) -> paxos::Config {
        let overhead = FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + paxos::Promise::<Submission>::OVERHEAD_MAX;
        paxos::Config {
            sites: self.sites,
            heartbeat: self.heartbeat,
            election: self.election,
            election_jitter: self.election_jitter,
            retry: self.retry,
            chosen_after: self.chosen_after,
            window: self.window,
            fetch_max: self.fetch_max,
            entry_bytes: self.entry_bytes_max(),
            promise_bytes: self.datagram_max - overhead,
        }
    }
}

/// Only what [works](Config::check) is read.
impl Wire for Config {
    fn encode(&self, out: &mut Vec<u8>) {
        let Config {
            sites,
            datagram_max,
            heartbeat,
            election,
            election_jitter,
            retry,
            window,
            batch,
            fetch_max,
            queue_max,
            forward_max,
            sessions_max,
            parked_max,
            parked_for,
            reads_max,
            taken_after,
            propose_after,
            chosen_after,
            client_retry,
            session_idle,
            client_queue_max,
        } = self;
        sites.encode(out);
        let sizes = [
            datagram_max,
            batch,
            queue_max,
            forward_max,
            sessions_max,
            parked_max,
            reads_max,
            client_queue_max,
        ];
        sizes.into_iter().for_each(|size| size.encode(out));
        let times = [
            heartbeat,
            election,
            election_jitter,
            retry,
            parked_for,
            taken_after,
            propose_after,
            chosen_after,
            client_retry,
            session_idle,
        ];
        times.into_iter().for_each(|time| time.encode(out));
        [*window, *fetch_max].encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Config, WireError> {
        let sites = u8::decode(input)?;
        let [
            datagram_max,
            batch,
            queue_max,
            forward_max,
            sessions_max,
            parked_max,
            reads_max,
            client_queue_max,
        ] = Wire::decode(input)?;
        let [
            heartbeat,
            election,
            election_jitter,
            retry,
            parked_for,
            taken_after,
            propose_after,
            chosen_after,
            client_retry,
            session_idle,
        ] = Wire::decode(input)?;
        let [window, fetch_max] = Wire::decode(input)?;
        let config = Config {
            sites,
            datagram_max,
            heartbeat,
            election,
            election_jitter,
            retry,
            window,
            batch,
            fetch_max,
            queue_max,
            forward_max,
            sessions_max,
            parked_max,
            parked_for,
            reads_max,
            taken_after,
            propose_after,
            chosen_after,
            client_retry,
            session_idle,
            client_queue_max,
        };
        config.check().map_err(|_| WireError::Invalid("configuration")).map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn wrong_numbers_are_refused_by_name() {
        let check = |change: fn(&mut Config), message: &str| {
            let mut config = Config::new(3);
            assert_eq!(config.check(), Ok(()));
            assert_eq!(Config::from_bytes(&config.to_bytes()), Ok(config.clone()));
            change(&mut config);
            assert_eq!(config.check().unwrap_err().to_string(), message);
            assert_eq!(Config::from_bytes(&config.to_bytes()), Err(WireError::Invalid("configuration")));
        };
        check(|config| config.sites = 0, "sites is 0, expected 1 to 9");
        check(|config| config.datagram_max = 1_023, "datagram_max is 1023, expected 1024 to 65507");
        check(|config| config.window = 0, "window is 0, expected 1 to 4096");
        check(|config| config.sessions_max = 0, "sessions_max is 0, expected 1 to 65536");
        check(|config| config.sessions_max = 65_537, "sessions_max is 65537, expected 1 to 65536");
        let large = "window or fetch_max is too large for datagram_max: four times the larger, times datagram_max, \
                     must be at most 3145728";
        check(|config| config.window = 4_096, large);
        check(|config| config.election = config.heartbeat, "heartbeat must be at most half of election");
    }
}
