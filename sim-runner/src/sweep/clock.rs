//! Wall time: shown, never fed into a run.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "wall time is shown, never fed into a run"
)]

use std::time::{Duration, Instant};

/// A stopwatch, running since its creation.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
