//! Ready judges for any protocol. Each one checks one property; a service's own judge feeds it with what it observes.
//!
//! These judges know no service; those of the tweet service are in `tweets::judges`. Both kinds report a violation with
//! [`ensure!`](crate::ensure).

/// Returns a [`Violation`](crate::sim::Violation) from a judge unless the condition holds:
/// `ensure!(condition, "property", "one sentence with {values}")`.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $property:expr, $($sentence:tt)+) => {
        if !$condition {
            return $crate::sim::Violation::explained($property, || $crate::alloc::format!($($sentence)+));
        }
    };
}

mod at_most_once;
mod decided_prefix;
mod history;
pub mod linearizable;
pub mod models;
mod never_back;
mod one_leader;
mod orders;

pub use at_most_once::AtMostOnce;
pub use decided_prefix::DecidedPrefix;
pub use history::{Contradiction, History};
pub use linearizable::Linearizable;
pub use never_back::NeverBack;
pub use one_leader::OneLeader;

/// How many entries of a log are looked at again at each look, beside the newest.
const LOOKED_AT_AGAIN: usize = 32;

/// Which entries of a log, of those that were judged before, are looked at again: the newest, and others in turn. A log
/// that only grows costs the same at each look, however long it is.
#[derive(Clone, Copy, Debug, Default)]
struct Again {
    next: usize,
}

impl Again {
    /// The indices to look at of a log with this many judged entries.
    fn indices(&mut self, judged: usize) -> impl Iterator<Item = usize> + use<> {
        let first = if self.next < judged { self.next } else { 0 };
        let end = judged.min(first + LOOKED_AT_AGAIN);
        self.next = end;
        (first..end).chain(judged.checked_sub(1))
    }
}
