//! A profile: the ranges and weights that scenarios are drawn from, as a RON file.
//!
//! It says how often and how much, not what a fault is: every field has a use in [`draw`](mod@crate::scenario::draw).
//! What a profile leaves out is as in the default one. Spans include both ends, weights are relative to each other.

use alloc::collections::BTreeMap;

use ron::extensions::Extensions;
use serde::{Deserialize, Serialize};

use crate::process::Links;
use crate::ron_file::{BadFile, is_a, without_mark};
use crate::scenario::bad_file;
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline, extend("x-span" = true)))]
pub struct Span<T>(pub T, pub T);

/// How often something is relative to the others: `{3: 70, 5: 20}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Weights<K: Ord>(pub BTreeMap<K, u32>);

/// A share of all, like a chance: `"30%"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Chance", inline))]
pub struct Share(pub Chance);

/// In which runs something happens: `{Rot: "10%"}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Runs<K: Ord>(pub BTreeMap<K, Chance>);

/// The ranges and weights from which scenarios are drawn. A field that is left out is as in the default profile.
/// Weights of a field are relative to each other. Ranges include both ends.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Profile {
    /// What the profile looks for, in one sentence.
    pub about: String,
    /// The number of sites, 1 to 9.
    pub sites: Weights<u8>,
    /// The number of clients on machines of their own, up to 100.
    pub clients: Span<u16>,
    /// The number of users, 1 to 26.
    pub users: Span<u8>,
    /// The chance that a run has a crowd instead: many users, who block many others.
    pub crowds: Chance,
    /// The number of users in a crowd, 2 to 26.
    pub crowd: Span<u8>,
    /// The chance that a run begins with sites that have a long past. Calm runs never do.
    pub histories: Chance,
    /// The chance that all terminals and clients draw the same random numbers, so that their queries have the same
    /// numbers.
    pub clients_alike: Chance,
    /// The number of commands, 1 to 10000. Commands of fault episodes and recipes come on top.
    pub commands: Span<u16>,
    /// The time after the start of a run within which commands and faults begin.
    pub lasts: Span<Duration>,
    /// The chance that the commands of a run come in bursts.
    pub bursts: Chance,
    /// The number of commands in a burst, 1 to 100.
    pub burst: Span<u8>,
    /// The chance that the limits of the service are tiny, so that a run reaches them.
    pub tiny: Chance,
    /// The chance that two sites of a run share a machine.
    pub shared_machines: Chance,
    /// The chance that a run is quiet: no chance faults of the network, and crashes at seams as the only faults.
    pub quiet: Chance,
    /// The chance that a run is calm: a quiet network, no recipe, and at most one fault, the crash of the leader.
    /// Without that crash the leader must stay. In half of the calm runs times are compared with their bounds
    /// (`Prompt`).
    pub calm: Chance,
    /// The chance that each chance fault of the network is on, in runs that are neither quiet nor calm.
    pub feature: Chance,
    /// The network.
    pub network: NetworkDrawn,
    /// The disks.
    pub disk: DiskDrawn,
    /// The number of fault episodes in a run.
    pub episodes: Weights<u8>,
    /// The kinds of episodes.
    pub faults: Weights<FaultKind>,
    /// For a kind of episode, the chance that a run has one more episode of this kind.
    pub besides: Runs<FaultKind>,
    /// The number of sites whose storage a run may damage.
    pub budget: FaultBudget,
    /// The targets of episodes.
    pub targets: Weights<TargetKind>,
    /// The chance that an episode that begins with a datagram aims at its sender or its recipient.
    pub endpoints: Chance,
    /// The chance that an episode is not mended before the end of the run.
    pub unmended: Chance,
    /// Cut links.
    pub cuts: CutsDrawn,
    /// Crashes.
    pub crashes: CrashesDrawn,
    /// The length of a pause.
    pub pauses: Span<Duration>,
    /// Rules for datagrams.
    pub messages: MessagesDrawn,
    /// Clogged links.
    pub clogs: ClogsDrawn,
    /// Clocks.
    pub clocks: ClocksDrawn,
    /// The time that a slow site takes for each input, up to `"60s"`.
    pub slow_site: Span<Duration>,
    /// The chance that a run follows a recipe. Such a run has at most one episode.
    pub follows_recipe: Chance,
    /// The recipes to choose from. Empty: all recipes.
    pub recipes: Vec<String>,
    /// The bound of `Converges` in drawn scenarios.
    pub converges_within: Duration,
    /// The chance that every site is healed at the end and must agree, instead of a core.
    pub heals_all: Chance,
    /// What must happen in a long sweep.
    pub must_happen: MustHappen,
}

/// The network of drawn scenarios. A chance is drawn for a run from its range, if that fault is on in the run
/// (`feature`). A run that follows a recipe has an eighth of the chance.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NetworkDrawn {
    /// The form of the latency.
    pub latency: Weights<LatencyKind>,
    /// The least latency; the latency itself if it is constant.
    pub least: Span<Duration>,
    /// The time on top of the least latency: the largest for a uniform latency, the mean for an exponential one.
    pub on_top: Span<Duration>,
    /// The chance that a datagram is lost.
    pub loss: Span<Share>,
    /// The chance that a datagram arrives twice.
    pub duplication: Span<Share>,
    /// The chance that a datagram is held back.
    pub reordering: Span<Share>,
    /// The longest extra time of a datagram that is held back.
    pub held_back: Span<Duration>,
    /// The chance that a window of a link has a burst of losses.
    pub bursts: Span<Share>,
    /// The length of a window.
    pub burst_length: Span<Duration>,
    /// The chance that a burst loses a datagram.
    pub burst_loss: Span<Share>,
    /// The chance that a copy of a datagram arrives once more.
    pub late_copies: Span<Share>,
    /// The least delay of such a copy, up to `"60s"`.
    pub late_copies_after: Span<Duration>,
    /// The chance that a run may damage or misdeliver datagrams at all.
    #[serde(rename = "rough")]
    pub impairments: Chance,
    /// The chance that bits of a datagram are flipped in such a run.
    pub corruption: Span<Share>,
    /// The chance that a datagram is cut short in such a run.
    pub truncation: Span<Share>,
    /// The chance that a datagram arrives at another site in such a run.
    pub misdelivery: Span<Share>,
    /// The chance that links have a limited capacity in a run.
    pub bandwidth: Chance,
    /// The capacity, in bytes per second.
    pub rate: Span<u64>,
    /// The bytes that may wait for a link, at least 150.
    pub queue: Span<u64>,
    /// What each link promises. Absent: what the service assumes. A scenario says it only if the service assumes
    /// something else, and has no fault that cannot happen on such links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Links>,
}

/// The disks of drawn scenarios.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiskDrawn {
    /// The time that a sync takes.
    pub sync: Span<Duration>,
    /// The chance that sites wait for their syncs.
    pub blocking: Chance,
    /// The time that a sync takes on a slow disk.
    pub slow: Span<Duration>,
    /// The chance that a slow disk crawls instead: its syncs take longer than an election timeout.
    pub crawls: Chance,
    /// The time that a sync takes on a disk that crawls.
    pub crawling: Span<Duration>,
    /// The time for which a disk is full.
    pub full: Span<Duration>,
    /// The number of large writes that users ask for in that time, up to 100.
    pub full_writes: Span<u8>,
    /// The chance that a run with tiny limits has the shortest journal files.
    pub short_files: Chance,
    /// The chance that a run fills file after file: its limits and journal files are as small as possible. In half
    /// of these runs, unless they follow a recipe, a site crashes in its rollovers and recoveries, or its disk is
    /// full.
    pub rollovers: Chance,
    /// The errors of disks.
    pub errors: Weights<DiskErrorKind>,
    /// The chance that a site with damaged storage is restarted, so that it must find the damage.
    pub looked_at: Chance,
}

/// The cut links of drawn scenarios.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CutsDrawn {
    /// The shapes of the cuts.
    pub shapes: Weights<CutShape>,
    /// The chance that a cut works in one direction only.
    pub one_way: Chance,
    /// The chance that another cut follows at once.
    pub second: Chance,
    /// The length of a cut.
    pub lasts: Span<Duration>,
}

/// The crashes of drawn scenarios.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CrashesDrawn {
    /// The moments of the crashes.
    pub moments: Weights<CrashMoment>,
    /// The chance that a crash leaves a part of the last unsynced write.
    pub torn: Chance,
    /// The chance that a crash that is not torn leaves any of the unsynced writes.
    pub scattered: Chance,
    /// The chance that a site is wiped instead.
    pub wiped: Chance,
    /// The time until the site starts again.
    pub down: Span<Duration>,
    /// The largest number of episodes with crashes in a run.
    pub at_most: u8,
    /// The chance that a client crashes too, comes back and goes on asking.
    pub clients: Chance,
}

/// The rules of drawn scenarios.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessagesDrawn {
    /// The rulings.
    pub then: Weights<RulingKind>,
    /// The chance that a rule is about one kind of message: one of those that the service calls notable.
    pub one_kind: Chance,
    /// The chance that a rule loses everything about one slot in a few, instead.
    pub starved: Chance,
    /// The period of a rule. Slow disks, slow sites and wrong clocks last this long, too.
    pub lasts: Span<Duration>,
    /// The delay of datagrams. Further copies are at most the longest delay apart.
    pub delay: Span<Duration>,
    /// The number of further copies, 1 to 100.
    pub copies: Span<u8>,
}

/// The clogged links of drawn scenarios.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClogsDrawn {
    /// The number of links that are clogged in an episode, 1 to 50.
    pub count: Span<u8>,
    /// The time between two links that are clogged, and between two that are unclogged.
    pub apart: Span<Duration>,
    /// The time from the last clog to the first unclog.
    pub lasts: Span<Duration>,
}

/// The clocks of drawn scenarios.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClocksDrawn {
    /// The chance that an episode sets or bends the clock of a site, for each site.
    pub sites: Chance,
    /// The chance that such a clock drifts, and is not set.
    pub drifts: Chance,
    /// The drift in percent, 1 to 50.
    pub drift: Span<u8>,
    /// The time by which a clock is set ahead or back.
    pub set: Span<Duration>,
    /// The chance that a clock is set while its site is down.
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
        let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
        let bad = |otherwise: &dyn Fn() -> BadFile| bad_file::<S>(path, text, otherwise);
        let profile: Profile =
            options.from_str(text).map_err(|error| bad(&|| BadFile::from_ron(path, text, &error)))?;
        let facts: Vec<&str> = facts::<S>().into_iter().map(|(_, name)| name).collect();
        let problems = profile.check(S::SITES, &names::<S>(), &facts);
        if problems.is_empty() {
            Ok(profile)
        } else {
            Err(bad(&|| BadFile::from_problems(path, text, &problems)))
        }
    }
}
