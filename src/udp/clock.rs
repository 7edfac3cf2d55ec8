//! The host's clock: monotonic microseconds since the host's start.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the real host has a real clock")]

use crate::time::{Duration, Instant};

/// The wall-clock time since 1970. It may be set back, so it is only for numbers that need not grow with certainty.
pub(super) fn since_1970() -> Duration {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Duration::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// Reads the operating system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    epoch: std::time::Instant,
}

impl Clock {
    /// Starts a clock at zero.
    pub(super) fn start() -> Clock {
        Clock { epoch: std::time::Instant::now() }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
