//! The time that a search takes on the wall clock. It bounds how many runs there are; no run sees it.

use std::time::Duration;

/// The start of a search.
#[expect(clippy::disallowed_types, reason = "bounds how many runs there are, never what one does")]
pub(super) struct SearchClock(std::time::Instant);

impl SearchClock {
    #[expect(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "bounds how many runs there are, never what one does"
    )]
    pub(super) fn start() -> SearchClock {
        SearchClock(std::time::Instant::now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
