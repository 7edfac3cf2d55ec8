//! Many runs: what a search does with scenarios, whatever protocol they are about.
//!
//! Nothing here knows a protocol, and nothing here decides what a run does: a search only makes [`Scenario`] values
//! and looks at what came of them. One run stays on one thread.
//!
//! - A [`Source`] makes a scenario out of each seed, a [`Sweep`] runs them and tells a [`Listener`] in order.
//! - [`Groups`] counts failures that are alike, [`Facts`] what happened at all.
//! - [`hunt`] runs seeds up to the first that fails: that is how planted bugs are looked for.
//! - [`Settle`] shrinks a few of each group and saves each shape once, as a [`Failure`].
//! - [`shrink()`] makes a failing scenario smaller, [`blame()`] says when its failure became inevitable.
//! - [`Sweep::check`] and [`replay`] are tests.
//!
//! [`Scenario`]: crate::scenario::Scenario

mod aside;
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
pub use check::replay;
pub use facts::{Fact, Facts};
pub use failure::{Failure, Found, SCHEMA};
pub use groups::{Group, Groups, Sample};
pub use hunt::{Hunted, fails, hunt};
pub use property::Property;
pub use ran::{Again, Ran, Second, traced};
pub use runner::Runner;
pub use seeds::{Seeds, Shard};
pub use settle::{AtOnce, Recheck, Settle, Settled, Shrink, recheck};
pub use shrink::{Budget, NotShrunk, Shrunk, shrink};
pub use source::{Drawn, Pinned, Source};
pub use sweep::{Listener, Sweep, TWICE_EVERY};
