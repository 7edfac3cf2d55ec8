//! Wall time: shown, never fed into a run.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "wall time is shown, never fed into a run"
)]

use std::time::{Duration, Instant};

/// Since when something goes on.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Clock {
        Clock(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
