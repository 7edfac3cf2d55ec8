//! Processes made of crates that know nothing of this harness: their replica is not `Clone`, they write log lines, and
//! one of their sources may be different in every run.
//!
//! Nothing here changes what a process does. [`rebuilt`] makes clones of what cannot be cloned, and [`logs`] brings
//! log lines into traces.

pub mod logs;
pub mod rebuilt;

pub use rebuilt::{Rebuilt, SUSPECTS, Uncloned};
