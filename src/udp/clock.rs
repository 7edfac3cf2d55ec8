//! The host's clock: monotonic microseconds since the host's start.

use crate::time::Instant;

/// Reads the operating system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    #[expect(clippy::disallowed_types, reason = "this is the real host's clock")]
    epoch: std::time::Instant,
}

impl Clock {
    /// A clock that shows zero.
    #[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "this is the real host's clock")]
    pub(super) fn start() -> Clock {
        Clock { epoch: std::time::Instant::now() }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
