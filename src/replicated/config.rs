//! Sizes and times of a site and its clients: one table, and the constraints between them.
//!
//! Another setting needs a row in the table, its use, and its twin in `tests/twins`. `sites.ron` and scenarios then
//! accept it. Where real sites usually have another value, `sites_ron` sets it; where drawn scenarios do, `service`
//! does.

mod table;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::frame::{DATAGRAM_DEFAULT, DATAGRAM_MAX, DATAGRAM_MIN, FRAME_BYTES, MESSAGE_PREFIX_MAX};
use crate::ids::SITES_MAX;
use crate::replicated::config::table::Quantity;
use crate::replicated::machine::Machine;
use crate::replicated::message::{ENTRY_PREFIX_MAX, entry_bytes_max};
use crate::replicated::paxos;
use crate::replicated::paxos::ballot::ENTRY_VALUES_MAX;
use crate::replicated::submission::Submission;
use crate::time::Duration;
use crate::wire::{Reader, Wire, WireError};

/// The most that one input may make a site write, in bytes: the records of a new leader that proposes every open slot
/// again. It fits one file of a journal of the usual size.
const BURST_BYTES_MAX: u64 = 3 << 20;

/// The bounds of most times: the shortest that is not zero, and the longest.
const TICK: Duration = Duration::from_micros(1);
const HOUR: Duration = Duration::from_secs(3_600);

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

table::settings! {
    "limits" Limits {
        /// The size of the largest datagram, in bytes.
        datagram_max: usize = DATAGRAM_DEFAULT, DATAGRAM_MIN..=DATAGRAM_MAX,
            "Bytes. Storage is formatted for this limit: raising it needs a new cluster.";
        /// The number of slots that a leader has under way, at most. Further submissions wait.
        window: u64 = 32, 1..=4_096, "The most slots that a leader has under way, and the most events in one slot.";
        /// The number of submissions in one slot, at most.
        batch: usize = 16, 1..=ENTRY_VALUES_MAX;
        /// The number of slots that a site asks for at once while it catches up, at most.
        fetch_max: u64 = 64, 1..=4_096, "Slots that a site asks for at once while it catches up.";
        /// The number of submissions in the queue of a site, at most. Further clients get the answer that the site
        /// is busy.
        queue_max: usize = 1_024, 1..=1 << 20,
            "Events that wait at a site. If it has no room, it answers that it is busy.";
        /// The number of submissions that a site has with the leader at once, and that a leader holds for
        /// proposing, at most. Further ones wait at their origin.
        forward_max: usize = 64, 1..=1 << 16, "Of these events, how many a site has with the leader at once.";
        /// The number of open sessions, at most. A further session evicts the one that was unused for longest. As
        /// many ended sessions are remembered. The meaning of the log depends on this limit: it is the same at
        /// every site for the life of the log.
        sessions_max: usize = 1_024, 1..=1 << 16,
            "Sessions of clients that are open. One more evicts the session unused for longest. Storage is\n\
             made for this limit, because the meaning of the log depends on it: another one needs a new cluster.";
        /// The number of queries that wait for a site to catch up, at most, and at most four per client. At a
        /// further query the oldest of that client, or the oldest of all, gets the answer that the site is behind.
        parked_max: usize = 64, 0..=1 << 16, "Queries that wait for a site to catch up.";
        /// The number of linearizable views that wait for a survey of the logs or for its result, at most, and at
        /// most four per client. At a further view the oldest of that client, or the oldest of all, gets the answer
        /// to ask elsewhere.
        reads_max: usize = 64, 1..=1 << 16,
            "Linearizable views that wait for answers of other sites, or for their own site to catch up.";
        /// The number of commands that wait in a terminal or client, at most. Further commands are refused.
        client_queue_max: usize = 256, 1..=1 << 16, "Commands that wait in a terminal or client.";
    }
    "timeouts" Timeouts {
        /// The time between two heartbeats of a leader: at most half of `election`.
        heartbeat: Duration = ms(50), TICK..=HOUR;
        /// The time without a message from the leader after which a site campaigns. Some jitter comes on top.
        election: Duration = ms(300), TICK..=HOUR,
            "A site campaigns after it has heard no leader for this long, plus some jitter.";
        /// The largest jitter of the first attempt.
        election_jitter: Duration = ms(200), Duration::ZERO..=HOUR;
        /// The time after which an unanswered message between sites is sent again.
        retry: Duration = ms(150), TICK..=HOUR,
            "Sites send unanswered messages again after `retry`, and clients after `client_retry`.";
        /// The time after which a client asks again.
        client_retry: Duration = ms(500), TICK..=HOUR;
        /// The time without a request after which a client opens another session before it asks.
        session_idle: Duration = Duration::from_secs(60), TICK..=HOUR,
            "A client whose session was idle for this long opens another one before it asks.";
        /// The time for which a query waits for a site to catch up, and a linearizable view for its survey.
        parked_for: Duration = Duration::from_secs(1), Duration::ZERO..=HOUR,
            "A query waits this long for a site to catch up.";
        /// The time after which a client is notified that its request waits durably. A client that asks again is
        /// notified at once. A client whose request is applied sooner gets that answer alone.
        taken_after: Duration = Duration::ZERO, Duration::ZERO..=HOUR,
            "A site answers a client that its event waits, if the event is not in the log after this long.";
        /// The time for which a leader gathers submissions before it proposes, unless it has enough for a whole
        /// slot.
        propose_after: Duration = Duration::ZERO, Duration::ZERO..=HOUR,
            "A leader waits this long for more events before it proposes a slot that is not full.";
        /// The time after which a leader with nothing under way announces what it knows to be chosen, unless a
        /// proposal announces it sooner or somebody at another site waits for it.
        chosen_after: Duration = Duration::ZERO, Duration::ZERO..=HOUR,
            "An idle leader announces after this long what is in the log, if no other site waits for it.";
    }
}

/// A setting as a file shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// The section of `sites.ron` that holds it.
    pub section: &'static str,
    /// Its name in scenarios and in its section.
    pub name: &'static str,
    /// The value, in RON.
    pub value: String,
    /// The comment above it in a written `sites.ron`: several lines, one, or none.
    pub comment: &'static str,
}

/// Why a configuration is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// A number is outside its range.
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// The unit of the numbers, as it follows the name: empty, or ` in us`.
        unit: &'static str,
        /// The least that is allowed.
        min: u64,
        /// The most that is allowed.
        max: u64,
        /// The configured number.
        found: u64,
    },
    /// Followers would give up a leader between two of its heartbeats.
    HeartbeatTooSlow,
    /// A new leader may have to write more than this many bytes at once.
    WindowTooLarge(u64),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::OutOfRange { name, unit, min, max, found } => {
                write!(f, "{name}{unit} is {found}, expected {min} to {max}")
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

impl ConfigError {
    /// The setting that is wrong, by its name in files.
    pub fn setting(&self) -> &'static str {
        match self {
            ConfigError::OutOfRange { name, .. } => name,
            ConfigError::HeartbeatTooSlow => "heartbeat",
            ConfigError::WindowTooLarge(_) => "window",
        }
    }

    /// The section of `sites.ron` that holds the setting; `None` for the number of sites.
    pub fn section(&self) -> Option<&'static str> {
        let is_there = |names: &[&str]| names.contains(&self.setting());
        SECTIONS.iter().find(|(_, names)| is_there(names)).map(|(section, _)| *section)
    }
}

impl Config {
    /// Refuses a configuration that cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=SITES_MAX).contains(&self.sites) {
            let (max, found) = (SITES_MAX.into(), self.sites.into());
            return Err(ConfigError::OutOfRange { name: "sites", unit: "", min: 1, max, found });
        }
        self.check_ranges()?;
        if self.burst_bytes_max() > BURST_BYTES_MAX {
            return Err(ConfigError::WindowTooLarge(BURST_BYTES_MAX));
        }
        if self.heartbeat.times(2) > self.election {
            return Err(ConfigError::HeartbeatTooSlow);
        }
        Ok(())
    }

    /// The most bytes of the submissions of one slot, together.
    pub(super) fn entry_bytes_max(&self) -> usize {
        entry_bytes_max(self.datagram_max)
    }

    /// The most bytes that one input may make a site write: they must fit one file of the journal. A quarter is for the
    /// slots that it proposes, and a quarter for what it took and has not written before.
    pub fn burst_bytes_max(&self) -> u64 {
        self.paxos().open_max() * self.datagram_max as u64
    }

    /// The largest `window` and `fetch_max` with datagrams of up to `datagram_max` bytes.
    pub const fn open_max_for(datagram_max: usize) -> u64 {
        BURST_BYTES_MAX / 4 / datagram_max as u64
    }

    /// The most bytes of one durable record, whatever it holds. Storage is formatted for this size.
    pub fn record_bytes_max<M: Machine>(&self) -> usize {
        let entry = ENTRY_PREFIX_MAX + self.entry_bytes_max();
        1 + paxos::PaxosRecord::<()>::OVERHEAD_MAX + entry.max(Submission::<M>::BYTES_MAX)
    }

    pub(super) fn paxos(&self) -> paxos::Config {
        let overhead = FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + paxos::Promise::<()>::OVERHEAD_MAX;
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

    #[test]
    fn every_setting_has_its_section_and_fits_its_range() {
        let settings = Config::new(3).settings();
        let names: Vec<&str> = SECTIONS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(settings.iter().map(|setting| setting.name).collect::<Vec<_>>(), names);
        let mut config = Config::new(3);
        config.session_idle = Duration::ZERO;
        let error = config.check().unwrap_err();
        assert_eq!(error.to_string(), "session_idle in us is 0, expected 1 to 3600000000");
        assert_eq!((error.section(), error.setting()), (Some("timeouts"), "session_idle"));
        config.parked_max = 65_537;
        let error = config.check().unwrap_err();
        assert_eq!((error.section(), error.setting()), (Some("limits"), "parked_max"));
        let none = Config::new(0).check().unwrap_err();
        assert_eq!((none.section(), none.setting()), (None, "sites"));
    }

    #[test]
    fn what_is_left_out_of_overrides_is_as_usual() {
        let both = Overrides { parked_max: Some(1), retry: Some(ms(7)), ..Overrides::default() };
        let mut config = Config::new(3);
        both.apply(&mut config);
        assert_eq!(config, Config { parked_max: 1, retry: ms(7), ..Config::new(3) });
        let fewer =
            [Overrides { parked_max: None, ..both.clone() }, Overrides { retry: None, ..both.clone() }];
        assert_eq!(both.each_without_one(), fewer);
        assert_eq!(Overrides::default().each_without_one(), []);
        let mut config = Config::new(3);
        Limits { window: Some(5), ..Limits::default() }.apply(&mut config);
        assert_eq!(config, Config { window: 5, ..Config::new(3) });
    }
}
