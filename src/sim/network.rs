//! How long datagrams take and what becomes of them when no rule says otherwise.

use alloc::vec::Vec;

use crate::time::Duration;

/// A probability as a ratio of integers, at most 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chance {
    /// How often.
    pub numerator: u32,
    /// Out of how many; never 0.
    pub denominator: u32,
}

/// Never.
impl Default for Chance {
    fn default() -> Chance {
        Chance::NEVER
    }
}

impl Chance {
    /// Never.
    pub const NEVER: Chance = Chance { numerator: 0, denominator: 1 };
}

/// How long a datagram is under way in one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Evenly between the two, both included.
    Uniform(Duration, Duration),
    /// `min` plus an exponential part of this `mean`, which is cut off at ten times the mean.
    Exponential {
        /// The least.
        min: Duration,
        /// The mean of what comes on top.
        mean: Duration,
    },
    /// By sending and receiving site, `rows[from][to]`; the diagonal is never used. Clients take the longest
    /// of the row of the site that they talk to.
    Table(Vec<Vec<Latency>>),
}

/// The network that every datagram meets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkSettings {
    /// How long a datagram is under way.
    pub latency: Latency,
    /// How often one is lost.
    pub loss: Chance,
    /// How often one arrives twice; the second copy has a delay of its own.
    pub duplication: Chance,
    /// How often one is held back by up to `reordering_by` on top of its latency.
    pub reordering: Chance,
    /// How long at most one is held back.
    pub reordering_by: Duration,
}
