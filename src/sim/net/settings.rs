//! Latency and chance faults of the network, where no rule applies.

use alloc::vec::Vec;

#[cfg(feature = "scenario")]
use serde::{Deserialize, Serialize};

use crate::process::Links;
#[cfg(feature = "schema")]
use crate::sim::net::rule::shown;
use crate::time::Duration;

/// A probability as a ratio of integers, at most 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chance {
    /// The share of cases in which it happens, out of `denominator`.
    pub numerator: u32,
    /// The number of all cases; never 0.
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

/// The time that a datagram is under way in one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkLatency {
    /// Always the same.
    Constant(Duration),
    /// Uniform between the two, both included.
    Uniform(Duration, Duration),
    /// `min` plus an exponentially distributed part with this `mean`, cut off at ten times the mean.
    Exponential {
        /// The shortest latency.
        min: Duration,
        /// The mean of the exponential part.
        mean: Duration,
    },
    /// One latency per pair of sites, `rows[from][to]`; the diagonal is not used. A client's latency is the longest
    /// drawn from the row of the site that it talks to.
    Table(Vec<Vec<LinkLatency>>),
}

/// What makes datagrams arrive, deadlines come and syncs complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "scenario", serde(rename(deserialize = "delivery")))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Delivery", extend("default" = Delivery::default())))]
pub enum Delivery {
    /// Time.
    #[default]
    ByItself,
    /// The steps `Deliver`, `Fire` and `Sync`. Only what stays inside the program of a site, such as a request of its
    /// terminal, arrives by itself. When faults stop, everything goes on by itself.
    Held,
}

/// The chances that apply to every datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkSettings {
    /// What makes datagrams arrive. In a held network nothing happens by chance.
    pub delivery: Delivery,
    /// The time that a datagram is under way.
    pub latency: LinkLatency,
    /// The chance that a datagram is lost.
    pub loss: Chance,
    /// The chance that a datagram arrives twice. The second copy has its own delay.
    pub duplication: Chance,
    /// The chance that a datagram is held back by up to `reordering_by`, on top of its latency.
    pub reordering: Chance,
    /// The longest time that a datagram is held back.
    pub reordering_by: Duration,
    /// Periods in which a link loses most datagrams.
    pub bursts: Bursts,
    /// The chance that some bits of a datagram are flipped.
    pub corruption: Chance,
    /// The chance that only the beginning of a datagram arrives.
    pub truncation: Chance,
    /// Copies that arrive once more, much later.
    pub late_copies: LateCopy,
    /// The chance that a datagram arrives at another site instead.
    pub misdelivery: Chance,
    /// The capacity of each link in one direction; unlimited if `None`.
    pub bandwidth: Option<Bandwidth>,
    /// What each link promises.
    pub order: Links,
    /// How long a link with [`Links::Stream`] may be cut before it breaks.
    pub break_after: Duration,
}

/// How long a link may be cut before it breaks, if nobody says otherwise.
pub const BREAK_AFTER: Duration = Duration::from_secs(2);

/// Bursts of losses. Each link and direction divides time into windows of `length`, at its own offset. For each
/// window it is drawn whether the window has a burst.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bursts {
    /// The chance that a window has a burst.
    pub chance: Chance,
    /// The length of a window; above `"0s"` if there are bursts.
    pub length: Duration,
    /// The chance that a burst loses a datagram.
    #[cfg_attr(feature = "scenario", serde(default = "always", skip_serializing_if = "is_always"))]
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
    pub loss: Chance,
}

/// No bursts. `loss` is set so that a burst would lose everything.
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

/// A copy of a datagram that arrives once more, possibly after its sender has restarted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LateCopy"))]
pub struct LateCopy {
    /// The chance that a datagram has such a copy.
    pub chance: Chance,
    /// The least delay of the copy. The largest is twice as long.
    pub after: Duration,
}

/// The capacity of a link in one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bandwidth {
    /// Bytes per second, at least 1.
    pub rate: u64,
    /// Bytes that may wait for the link. Datagrams beyond are lost.
    pub queue: u64,
}

impl NetworkSettings {
    /// A network where every datagram takes as long as `latency` says and nothing else happens to it.
    pub const fn calm(latency: LinkLatency) -> NetworkSettings {
        NetworkSettings {
            delivery: Delivery::ByItself,
            latency,
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            reordering: Chance::NEVER,
            reordering_by: Duration::ZERO,
            bursts: Bursts { chance: Chance::NEVER, length: Duration::ZERO, loss: Chance::NEVER },
            corruption: Chance::NEVER,
            truncation: Chance::NEVER,
            late_copies: LateCopy { chance: Chance::NEVER, after: Duration::ZERO },
            misdelivery: Chance::NEVER,
            bandwidth: None,
            order: Links::Datagrams,
            break_after: BREAK_AFTER,
        }
    }

    /// Whether anything can happen to a datagram besides loss, delay and duplication by chance.
    pub(crate) fn is_impaired(&self) -> bool {
        let chances =
            [self.bursts.chance, self.corruption, self.truncation, self.late_copies.chance, self.misdelivery];
        self.bandwidth.is_some() || chances.iter().any(|chance| chance.numerator > 0)
    }
}
