//! The host's clock: monotonic microseconds since the host's start.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the real host has a real clock")]

use crate::time::Instant;

/// Reads the operating system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    epoch: std::time::Instant,
}

impl Clock {
    /// A clock that shows zero.
    pub(super) fn start() -> Clock {
        Clock { epoch: std::time::Instant::now() }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
