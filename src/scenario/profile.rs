//! A profile: the ranges and weights that scenarios are drawn from, as a RON file.
//!
//! It says how often and how much, not what a fault is: every field has a use in [`draw`](crate::scenario::draw).
//! What a profile leaves out is as in the default one. Spans include both ends, weights are relative to each other.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::diagnose::BadScenario;
use crate::scenario::draw::names;
use crate::scenario::service::Service;
use crate::sim::Chance;
use crate::time::Duration;

mod check;
mod kinds;
#[cfg(test)]
mod tests;
mod usual;

pub use kinds::{CrashMoment, CutShape, FaultKind, LatencyKind, RulingKind, TargetKind};

/// From the first to the second, both included: `(2, 4)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Span<T>(pub T, pub T);

/// How often something is relative to the others: `{3: 70, 5: 20}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weights<K: Ord>(pub BTreeMap<K, u32>);

/// A share of all, like a chance: `"30%"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub Chance);

/// The ranges and weights that scenarios are drawn from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// One sentence: what it looks for.
    pub about: String,
    /// How many sites.
    pub sites: Weights<u8>,
    /// How many clients on machines of their own.
    pub clients: Span<u16>,
    /// How many users.
    pub users: Span<u8>,
    /// How many commands, not counting those that look at both sides of a fault.
    pub commands: Span<u16>,
    /// For how long commands and faults begin.
    pub lasts: Span<Duration>,
    /// In which runs commands come in bursts.
    pub bursts: Chance,
    /// How many commands a burst has.
    pub burst: Span<u8>,
    /// Which runs have tiny limits.
    pub tiny: Chance,
    /// Which runs have sites that share machines.
    pub shared_machines: Chance,
    /// Which runs have a network that does nothing of its own, and crashes at seams for their only faults.
    pub quiet: Chance,
    /// In which of the others each feature of the network is on.
    pub feature: Chance,
    /// The network.
    pub network: NetworkDrawn,
    /// The disks.
    pub disk: DiskDrawn,
    /// How many fault episodes.
    pub episodes: Weights<u8>,
    /// Which kinds of episodes.
    pub faults: Weights<FaultKind>,
    /// Whom they befall.
    pub targets: Weights<TargetKind>,
    /// Which episodes are never mended before the end.
    pub unmended: Chance,
    /// Cut links.
    pub cuts: CutsDrawn,
    /// Crashes.
    pub crashes: CrashesDrawn,
    /// How long a pause lasts.
    pub pauses: Span<Duration>,
    /// Rules on messages.
    pub messages: MessagesDrawn,
    /// Which runs follow a recipe, and only have an episode or none beside it.
    pub follows_recipe: Chance,
    /// Which recipes; all of them when empty.
    pub recipes: Vec<String>,
    /// How soon a healed core must agree.
    pub converges_within: Duration,
}

/// The network that is drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkDrawn {
    /// The form of the latency.
    pub latency: Weights<LatencyKind>,
    /// The least latency.
    pub least: Span<Duration>,
    /// What may come on top of it: at most for an even latency, in the mean for an exponential one.
    pub on_top: Span<Duration>,
    /// How often a datagram is lost.
    pub loss: Span<Share>,
    /// How often one is doubled.
    pub duplication: Span<Share>,
    /// How often one is held back.
    pub reordering: Span<Share>,
    /// By how much at most.
    pub held_back: Span<Duration>,
}

/// The disks that are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskDrawn {
    /// How long a sync takes.
    pub sync: Span<Duration>,
    /// In which runs a site waits for its disk.
    pub blocking: Chance,
    /// How long a sync takes while a disk is slow.
    pub slow: Span<Duration>,
}

/// The cuts that are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutsDrawn {
    /// Their shapes.
    pub shapes: Weights<CutShape>,
    /// Which work in one direction only.
    pub one_way: Chance,
    /// After which a different one follows at once.
    pub second: Chance,
    /// How long they last.
    pub lasts: Span<Duration>,
}

/// The crashes that are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrashesDrawn {
    /// Where.
    pub moments: Weights<CrashMoment>,
    /// Which of them tear the last unsynced write.
    pub torn: Chance,
    /// How long it stays down.
    pub down: Span<Duration>,
    /// How many episodes of a run may be crashes.
    pub at_most: u8,
}

/// The rules on messages that are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessagesDrawn {
    /// What is done with them.
    pub then: Weights<RulingKind>,
    /// Which rules are about one kind of message, of those that a service names.
    pub one_kind: Chance,
    /// For how long.
    pub lasts: Span<Duration>,
    /// By how much they are delayed.
    pub delay: Span<Duration>,
    /// How many copies arrive.
    pub copies: Span<u8>,
}

/// The profiles that come with this library, by name.
pub const PROFILES: [(&str, &str); 3] = [
    ("default", include_str!("../../scenarios/profiles/default.ron")),
    ("quiet", include_str!("../../scenarios/profiles/quiet.ron")),
    ("recipes", include_str!("../../scenarios/profiles/recipes.ron")),
];

impl Profile {
    /// Reads a profile for `S` and checks it; `path` is what messages call it.
    pub fn read<S: Service>(path: &str, text: &str) -> Result<Profile, BadScenario> {
        let options = ron::Options::default();
        let profile: Profile =
            options.from_str(text).map_err(|error| BadScenario::from_ron(path, text, &error))?;
        let problems = profile.check(&names::<S>());
        if problems.is_empty() { Ok(profile) } else { Err(BadScenario::from_problems(path, text, &problems)) }
    }
}
