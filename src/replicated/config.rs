//! Sizes and times of a site and its clients: one table, and what must hold between them.
//!
//! A new one is a row of the table, its use, and its twin in `tests/twins`. `sites.ron` and scenarios know it then; where
//! real sites usually have another value, `sites_ron` says so, and `service` where drawn scenarios do.

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

/// What one input may make a site write at most, in bytes: the records of a new leader that proposes every open
/// slot again. It fits one file of a journal of the usual size.
const BURST_BYTES_MAX: u64 = 3 << 20;

/// The least time that is not none, and the longest.
const TICK: Duration = Duration::from_micros(1);
const HOUR: Duration = Duration::from_secs(3_600);

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

table::settings! {
    "limits" Limits {
        /// No datagram is larger, in bytes.
        datagram_max: usize = DATAGRAM_DEFAULT, DATAGRAM_MIN..=DATAGRAM_MAX,
            "Bytes. Storage is formatted for this limit: raising it needs a new cluster.";
        /// The most slots that a leader has under way; beyond, submissions wait.
        window: u64 = 32, 1..=4_096, "Slots that a leader has under way, and events in one slot.";
        /// The most submissions in one slot.
        batch: usize = 16, 1..=ENTRY_VALUES_MAX;
        /// The most slots asked for at once in catching up.
        fetch_max: u64 = 64, 1..=4_096, "Slots asked for at once in catching up.";
        /// The most submissions in a site's queue; beyond, clients are told that it is busy.
        queue_max: usize = 1_024, 1..=1 << 20, "Events that wait in a site; beyond, clients are told that it is busy.";
        /// The most submissions of its queue that a site has with the leader at once, and that a leader holds for
        /// proposing; beyond, they wait with their origin.
        forward_max: usize = 64, 1..=1 << 16, "Of those, how many a site has with the leader at once.";
        /// The most open sessions; an opening beyond evicts the one that was used longest ago. As many that ended are
        /// remembered. What the log means depends on this limit: it is the same at every site, as long as the log lives.
        sessions_max: usize = 1_024, 1..=1 << 16,
            "Sessions of clients that are open; beyond, the one used longest ago goes. Storage is made for\n\
             this limit, for what the log means depends on it: another one needs a new cluster.";
        /// The most queries that wait for a site to catch up, four of one client at most; beyond, the client's oldest is
        /// answered that the site is behind, or the oldest of all.
        parked_max: usize = 64, 0..=1 << 16, "Queries that wait for a site to catch up.";
        /// The most linearizable views that wait for a survey of the logs or for its result, four of one client at most;
        /// beyond, the client's oldest is told to ask elsewhere, or the oldest of all.
        reads_max: usize = 64, 1..=1 << 16,
            "Linearizable views that wait for an answer of the other sites, or to catch up.";
        /// The most commands that wait in a client; beyond, they are refused.
        client_queue_max: usize = 256, 1..=1 << 16, "Commands that wait in a terminal or client.";
    }
    "timeouts" Timeouts {
        /// Between two heartbeats of a leader.
        heartbeat: Duration = ms(50), TICK..=HOUR;
        /// Without a word of the leader for this long, and some jitter, a site campaigns.
        election: Duration = ms(300), TICK..=HOUR,
            "Without a word of the leader for this long, and some jitter, a site campaigns.";
        /// The most jitter of the first attempt.
        election_jitter: Duration = ms(200), Duration::ZERO..=HOUR;
        /// Unanswered messages between sites are sent again after this.
        retry: Duration = ms(150), TICK..=HOUR,
            "Unanswered messages between sites, and of clients, are sent again after these.";
        /// A client asks again after this.
        client_retry: Duration = ms(500), TICK..=HOUR;
        /// A client whose session was idle for this long opens another one before it asks.
        session_idle: Duration = Duration::from_secs(60), TICK..=HOUR,
            "A client whose session was idle for this long opens another one before it asks.";
        /// How long a query waits for a site to catch up, and a linearizable view for its survey.
        parked_for: Duration = Duration::from_secs(1), Duration::ZERO..=HOUR,
            "How long a query waits for a site to catch up.";
        /// A client is told that its request waits durably when the request has waited for this long, or when it asks
        /// again; one whose request is applied sooner is told that alone.
        taken_after: Duration = Duration::ZERO, Duration::ZERO..=HOUR,
            "A client whose event is not in the log after this long is told that it waits.";
        /// A leader that is asked to propose waits for this long first, unless it has enough for a whole slot: what
        /// comes in the meantime goes with it.
        propose_after: Duration = Duration::ZERO, Duration::ZERO..=HOUR,
            "A leader waits for this long for more to propose with what it is asked for.";
        /// A leader with nothing under way says after this what it knows to be chosen, unless a proposal says it sooner
        /// or somebody at another site waits for it.
        chosen_after: Duration = Duration::ZERO, Duration::ZERO..=HOUR,
            "A leader that goes idle says after this what is in the log, if nobody waits for it.";
    }
}

/// A setting as a file shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// The section of `sites.ron` that it stands in.
    pub section: &'static str,
    /// Its name in scenarios and in its section.
    pub name: &'static str,
    /// In RON.
    pub value: String,
    /// What a written `sites.ron` says above it; may have several lines, or none.
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
        /// The number that it has.
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

    /// The section of `sites.ron` in which that setting stands; the number of sites stands in none.
    pub fn section(&self) -> Option<&'static str> {
        let is_there = |names: &[&str]| names.contains(&self.setting());
        SECTIONS.iter().find(|(_, names)| is_there(names)).map(|(section, _)| *section)
    }
}

impl Config {
    /// Refuses what cannot work.
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

    /// Bytes that the submissions of one slot take at most.
    pub(super) fn entry_bytes_max(&self) -> usize {
        entry_bytes_max(self.datagram_max)
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
