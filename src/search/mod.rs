//! Searches: many runs of scenarios, for any protocol.
//!
//! Nothing here knows a protocol, and nothing here decides what a run does. A search only makes [`Scenario`] values
//! and looks at their outcomes. One run stays on one thread.
//!
//! - A [`Source`] makes a scenario from each seed. A [`Sweep`] runs them and reports to a [`Listener`] in order.
//! - [`Groups`] counts failures that are alike; [`Facts`] counts what happened at all.
//! - [`Answers`] counts the runs in which a [`Question`](crate::sim::Question) is true.
//! - [`hunt`] runs seeds until the first failure. It is used to look for planted bugs.
//! - [`Settle`] shrinks a few failures of each group and saves each shape once, as a [`Failure`].
//! - [`shrink()`] makes a failing scenario smaller. [`blame()`] says when its failure became inevitable.
//! - [`Sweep::check`] and [`replay`] are for tests.
//!
//! [`Scenario`]: crate::scenario::Scenario

mod aside;
mod ask;
pub mod blame;
mod check;
mod clock;
mod facts;
mod failure;
mod groups;
mod hunt;
mod property;
mod ran;
mod runner;
mod saved;
#[cfg(feature = "schema")]
mod schema;
mod seeds;
mod settle;
pub mod shrink;
mod source;
mod sweep;

pub use blame::{Blamed, Inquiry, Jump, NoMoment, Point, Suspect, blame};
#[cfg(test)]
mod tests;

pub use crate::scenario::FactKind;
pub use aside::{can_write_aside, write_aside};
pub use ask::{Answers, read_question};
pub use check::replay;
pub use facts::{Fact, Facts};
pub use failure::{Failure, Found, SCHEMA};
pub use groups::{Group, Groups, Sample};
pub use hunt::{Hunted, fails, hunt};
pub use property::Property;
pub use ran::{Again, Ran, Second, traced};
pub use runner::Runner;
#[cfg(feature = "schema")]
pub use schema::file_schema;
pub use seeds::{Seeds, Shard};
pub use settle::{AtOnce, Recheck, Settle, Settled, Shrink, recheck};
pub use shrink::{Budget, NotShrunk, Shrunk, shrink};
pub use source::{Drawn, Pinned, Source};
pub use sweep::{Listener, Sweep, TWICE_EVERY};
