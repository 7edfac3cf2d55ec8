//! A profile: the ranges and weights that scenarios are drawn from, as a RON file.
//!
//! It says how often and how much, not what a fault is: every field has a use in [`draw`](mod@crate::scenario::draw).
//! What a profile leaves out is as in the default one. Spans include both ends, weights are relative to each other.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ron_file::{BadFile, is_a, without_mark};
use crate::scenario::draw::names;
use crate::scenario::facts::facts;
use crate::scenario::form::FaultBudget;
use crate::scenario::service::Service;
use crate::sim::Chance;
use crate::time::Duration;

mod check;
mod kinds;
mod must_happen;
#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;
mod usual;

pub use kinds::{CrashMoment, CutShape, DiskErrorKind, FaultKind, LatencyKind, RulingKind, TargetKind};
pub use must_happen::MustHappen;

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

/// In which runs something happens: `{Rot: "10%"}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Runs<K: Ord>(pub BTreeMap<K, Chance>);

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
    /// In which runs there is a crowd instead: many users, who block many others.
    pub crowds: Chance,
    /// How many users a crowd has.
    pub crowd: Span<u8>,
    /// In which runs sites have been there for long; not in calm ones.
    pub histories: Chance,
    /// In which runs terminals and clients draw alike, so that their queries have the same numbers.
    pub clients_alike: Chance,
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
    /// Which runs are calm: a quiet network, no recipe, and no fault but perhaps the crash of the leader. Their leader
    /// stays, and in half of them times are held to their bounds.
    pub calm: Chance,
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
    /// In which runs there is one of this kind besides.
    pub besides: Runs<FaultKind>,
    /// How many sites may lose their storage.
    pub budget: FaultBudget,
    /// Whom they befall.
    pub targets: Weights<TargetKind>,
    /// Which of those that a datagram begins befall its sender or its recipient.
    pub endpoints: Chance,
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
    /// Clogged links.
    pub clogs: ClogsDrawn,
    /// Clocks.
    pub clocks: ClocksDrawn,
    /// How long a slow site takes for each input.
    pub slow_site: Span<Duration>,
    /// Which runs follow a recipe, and only have an episode or none beside it.
    pub follows_recipe: Chance,
    /// Which recipes; all of them when empty.
    pub recipes: Vec<String>,
    /// How soon a healed core must agree.
    pub converges_within: Duration,
    /// In which runs every site is healed at the end and must agree, instead of a core.
    pub heals_all: Chance,
    /// What must happen in a long sweep.
    pub must_happen: MustHappen,
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
    /// How many windows of a link have a burst.
    pub bursts: Span<Share>,
    /// How long such a window is.
    pub burst_length: Span<Duration>,
    /// How many datagrams a burst takes.
    pub burst_loss: Span<Share>,
    /// How often a datagram arrives once more.
    pub replay: Span<Share>,
    /// How much later.
    pub replay_after: Span<Duration>,
    /// In which runs datagrams may be damaged or misdelivered.
    pub rough: Chance,
    /// How often bits of one are flipped there.
    pub corruption: Span<Share>,
    /// How often one is cut short there.
    pub truncation: Span<Share>,
    /// How often one goes astray there.
    pub misdelivery: Span<Share>,
    /// In which runs links carry only so much.
    pub bandwidth: Chance,
    /// In bytes per second.
    pub rate: Span<u64>,
    /// How many bytes wait.
    pub queue: Span<u64>,
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
    /// Which slow disks crawl: they take longer than an election timeout.
    pub crawls: Chance,
    /// How long a sync takes while a disk crawls.
    pub crawling: Span<Duration>,
    /// How long a disk is full.
    pub full: Span<Duration>,
    /// How many large writes are asked for while it is.
    pub full_writes: Span<u8>,
    /// Which runs with tiny limits have journals of the shortest files.
    pub short_files: Chance,
    /// Which runs fill file after file: their limits and their files are as small as they go, and in half of them that do
    /// not follow a recipe a site crashes in its rollovers and recoveries, or has a full disk.
    pub rollovers: Chance,
    /// What calls to it come to.
    pub errors: Weights<DiskErrorKind>,
    /// After which damage the site is restarted, and must find it.
    pub looked_at: Chance,
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
    /// Which of the others leave any of the unsynced writes.
    pub scattered: Chance,
    /// Which of those of one site take its storage with them.
    pub wiped: Chance,
    /// How long it stays down.
    pub down: Span<Duration>,
    /// How many episodes of a run may be crashes.
    pub at_most: u8,
    /// In which runs a client crashes besides, and goes on asking.
    pub clients: Chance,
}

/// The rules on messages that are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessagesDrawn {
    /// What is done with them.
    pub then: Weights<RulingKind>,
    /// Which rules are about one kind of message, of those that a service names.
    pub one_kind: Chance,
    /// Which rules lose all that is about one slot in a few.
    pub starved: Chance,
    /// For how long.
    pub lasts: Span<Duration>,
    /// By how much they are delayed.
    pub delay: Span<Duration>,
    /// How many copies arrive.
    pub copies: Span<u8>,
}

/// The clogs that are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClogsDrawn {
    /// How many at a time.
    pub count: Span<u8>,
    /// From one clogged link to the next, and from one opened to the next.
    pub apart: Span<Duration>,
    /// From the last that is clogged to the first that is opened.
    pub lasts: Span<Duration>,
}

/// The clocks that are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClocksDrawn {
    /// Which of the sites.
    pub sites: Chance,
    /// Which of those drift, and are not set.
    pub drifts: Chance,
    /// By how many percent one drifts.
    pub drift: Span<u8>,
    /// By how much one is set.
    pub set: Span<Duration>,
    /// Which of those that are set are so while their site is down.
    pub while_down: Chance,
}

/// The profiles that come with this library, by name.
pub const PROFILES: [(&str, &str); 5] = [
    ("default", include_str!("../../scenarios/profiles/default.ron")),
    ("quiet", include_str!("../../scenarios/profiles/quiet.ron")),
    ("recipes", include_str!("../../scenarios/profiles/recipes.ron")),
    ("storms", include_str!("../../scenarios/profiles/storms.ron")),
    ("unlimited", include_str!("../../scenarios/profiles/unlimited.ron")),
];

impl Profile {
    /// Whether a text is a profile rather than a scenario.
    pub fn is_one(text: &str) -> bool {
        is_a("Profile", text)
    }

    /// Reads a profile for `S` and checks it; `path` is what messages call it.
    pub fn read<S: Service>(path: &str, text: &str) -> Result<Profile, BadFile> {
        let text = without_mark(text);
        let options = ron::Options::default();
        let profile: Profile =
            options.from_str(text).map_err(|error| BadFile::from_ron(path, text, &error))?;
        let facts: Vec<&str> = facts::<S>().into_iter().map(|(_, name)| name).collect();
        let problems = profile.check(&names::<S>(), &facts);
        if problems.is_empty() { Ok(profile) } else { Err(BadFile::from_problems(path, text, &problems)) }
    }
}
