//! How long datagrams take and what becomes of them when no rule says otherwise.

use alloc::vec::Vec;

#[cfg(feature = "scenario")]
use serde::{Deserialize, Serialize};

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
    /// Always.
    pub const ALWAYS: Chance = Chance { numerator: 1, denominator: 1 };
}

/// How long a datagram is under way in one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkLatency {
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
    Table(Vec<Vec<LinkLatency>>),
}

/// The network that every datagram meets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkSettings {
    /// How long a datagram is under way.
    pub latency: LinkLatency,
    /// How often one is lost.
    pub loss: Chance,
    /// How often one arrives twice; the second copy has a delay of its own.
    pub duplication: Chance,
    /// How often one is held back by up to `reordering_by` on top of its latency.
    pub reordering: Chance,
    /// How long at most one is held back.
    pub reordering_by: Duration,
    /// When links lose most of what is sent over them, for a while.
    pub bursts: Bursts,
    /// How often some bits of one are flipped under way.
    pub corruption: Chance,
    /// How often only the beginning of one arrives.
    pub truncation: Chance,
    /// How often a copy of one arrives once more, much later.
    pub replay: LateCopy,
    /// How often one arrives at another site instead.
    pub misdelivery: Chance,
    /// What each link carries; without bound when absent.
    pub bandwidth: Option<Bandwidth>,
}

/// Time is cut into windows of `length`, by each link and direction in its own places. In some of them, drawn one by
/// one, there is a burst of losses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct Bursts {
    /// How many of the windows have a burst.
    pub chance: Chance,
    /// How long a window is; not zero where there are bursts.
    pub length: Duration,
    /// How many datagrams are lost in a burst; all in a file that does not say.
    #[cfg_attr(feature = "scenario", serde(default = "always", skip_serializing_if = "is_always"))]
    pub loss: Chance,
}

/// None, in which all would be lost.
impl Default for Bursts {
    fn default() -> Bursts {
        Bursts { chance: Chance::NEVER, length: Duration::ZERO, loss: Chance::ALWAYS }
    }
}

#[cfg(feature = "scenario")]
const fn always() -> Chance {
    Chance::ALWAYS
}

#[cfg(feature = "scenario")]
fn is_always(chance: &Chance) -> bool {
    *chance == always()
}

/// A copy of a datagram that arrives once more, possibly when its sender has long been started anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(
    feature = "scenario",
    derive(Serialize, Deserialize),
    serde(rename(deserialize = "Replay"), deny_unknown_fields)
)]
pub struct LateCopy {
    /// How often.
    pub chance: Chance,
    /// How much later at least; at most it is twice that.
    pub after: Duration,
}

/// What a link carries in one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct Bandwidth {
    /// In bytes per second; not zero.
    pub rate: u64,
    /// How many bytes wait behind those that are being sent; what comes on top is lost.
    pub queue: u64,
}

impl NetworkSettings {
    /// Every datagram takes as long as `latency` says, and nothing happens to any.
    pub const fn calm(latency: LinkLatency) -> NetworkSettings {
        NetworkSettings {
            latency,
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            reordering: Chance::NEVER,
            reordering_by: Duration::ZERO,
            bursts: Bursts { chance: Chance::NEVER, length: Duration::ZERO, loss: Chance::NEVER },
            corruption: Chance::NEVER,
            truncation: Chance::NEVER,
            replay: LateCopy { chance: Chance::NEVER, after: Duration::ZERO },
            misdelivery: Chance::NEVER,
            bandwidth: None,
        }
    }

    /// Whether anything may happen to a datagram that is more than loss, delay and duplication by chance.
    pub(crate) fn is_rough(&self) -> bool {
        let chances =
            [self.bursts.chance, self.corruption, self.truncation, self.replay.chance, self.misdelivery];
        self.bandwidth.is_some() || chances.iter().any(|chance| chance.numerator > 0)
    }
}
