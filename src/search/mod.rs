//! Many runs: what a search does with scenarios, whatever protocol they are about.
//!
//! Nothing here knows a protocol, and nothing here decides what a run does: a search only makes [`Scenario`] values
//! and looks at what came of them. One run stays on one thread.
//!
//! [`Scenario`]: crate::scenario::Scenario

mod runner;

pub use runner::Runner;
