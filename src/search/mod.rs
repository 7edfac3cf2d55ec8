//! Many runs: what a search does with scenarios, whatever protocol they are about.
//!
//! Nothing here knows a protocol, and nothing here decides what a run does: a search only makes [`Scenario`] values
//! and looks at what came of them. One run stays on one thread.
//!
//! [`Scenario`]: crate::scenario::Scenario

pub mod blame;
mod clock;
mod property;
mod runner;
pub mod shrink;

pub use blame::{Blamed, Inquiry, Jump, Point, Suspect, blame};
pub use property::Property;
pub use runner::Runner;
pub use shrink::{Budget, NotShrunk, Shrunk, shrink};
