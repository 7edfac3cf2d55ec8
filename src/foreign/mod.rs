//! Processes made of crates that know nothing of this harness: their replica is not `Clone`, they write log lines, and
//! one of their sources may be different in every run.
//!
//! Nothing here changes what a process does. [`rebuilt`] makes clones of what cannot be cloned, and [`logs`] brings
//! log lines into traces.

pub mod logs;
pub mod rebuilt;

pub use rebuilt::{Rebuilt, Uncloned};

/// Where to look when a run does not repeat itself, in one sentence.
pub const SUSPECTS: &str = "the usual suspects are the random generator of the thread or of the operating system, the \
    iteration order of a `HashMap` or `HashSet`, an address that is printed, compared or hashed, a real clock \
    (`Instant::now`, `SystemTime::now`), a counter in a `static`, and what other threads do";
