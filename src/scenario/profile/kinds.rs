//! The kinds that a profile gives weights to.

use serde::{Deserialize, Deserializer, Serialize};

use crate::scenario::namespace::one_of;
use crate::sim::DiskFault;

macro_rules! kinds {
    ($($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $kind:ident),* $(,)? })*) => {$(
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        $(#[$outer])*
        pub enum $name { $($(#[$inner])* $kind),* }
    )*};
}

kinds! {
    /// The form of a latency.
    #[serde(rename(deserialize = "latency"))]
    #[cfg_attr(feature = "schema", schemars(rename = "LatencyKind"))]
    LatencyKind {
        /// Always the same time.
        Constant,
        /// A time between two.
        Uniform,
        /// A least time and an exponentially distributed time on top.
        Exponential,
    }
    /// The kind of a fault episode.
    #[serde(rename(deserialize = "fault"))]
    #[cfg_attr(feature = "schema", schemars(rename = "FaultKind"))]
    FaultKind {
        /// Links are cut.
        Cut,
        /// A site crashes.
        Crash,
        /// A process is paused.
        Pause,
        /// A rule acts on datagrams.
        Messages,
        /// Links are clogged one after another, and unclogged in another order.
        Clog,
        /// Syncs of a disk take long.
        SlowDisk,
        /// A call to a disk fails, or the disk is full.
        DiskError,
        /// A durable byte changes.
        Rot,
        /// A write lands at the wrong place of its file.
        Misdirect,
        /// Clocks are set, or they drift.
        Clock,
        /// A site takes long for each input.
        SlowSite,
        /// A file of a journal vanishes.
        LoseFile,
    }
    /// The target of an episode.
    #[serde(rename(deserialize = "target"))]
    #[cfg_attr(feature = "schema", schemars(rename = "TargetKind"))]
    TargetKind {
        /// The leader at that moment.
        Leader,
        /// The first follower at that moment.
        Follower,
        /// A site that tries to lead at that moment.
        Candidate,
        /// The site that knows least at that moment.
        Laggard,
        /// A site by its number.
        Site,
        /// All sites of a machine.
        Machine,
    }
    /// The links that are cut.
    #[serde(rename(deserialize = "shape"))]
    #[cfg_attr(feature = "schema", schemars(rename = "CutShape"))]
    CutShape {
        /// All links of one site.
        Isolate,
        /// The link between two sites.
        Link,
        /// The links between two groups; one further site keeps its links to both.
        Bridge,
        /// The links between two groups that hold all sites.
        Split,
        /// All links but those of each site to two neighbours.
        Ring,
    }
    /// The moment of a crash.
    #[serde(rename(deserialize = "moment"))]
    #[cfg_attr(feature = "schema", schemars(rename = "CrashMoment"))]
    CrashMoment {
        /// At a seam, inside the handling of an input.
        Seam,
        /// Between two inputs.
        AnyTime,
        /// Between two inputs, all sites at once.
        AllSites,
    }
    /// What a drawn rule does with datagrams.
    #[serde(rename(deserialize = "ruling"))]
    #[cfg_attr(feature = "schema", schemars(rename = "RulingKind"))]
    RulingKind {
        /// They are lost.
        Drop,
        /// They are late.
        Delay,
        /// Further copies arrive.
        Duplicate,
        /// Some of their bits are flipped.
        Corrupt,
        /// Only their beginning arrives.
        Truncate,
        /// They arrive at another site.
        Misdeliver,
        /// Copies of them arrive again after a restart or under another leader.
        Keep,
    }
}

/// The result of a call to a disk: one of the faults to which the simulator gives a weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct DiskErrorKind(pub(crate) DiskFault);

impl DiskErrorKind {
    /// Every disk error, with its default weight.
    pub fn all() -> impl Iterator<Item = (DiskErrorKind, u32)> {
        let weighed = DiskFault::ALL.iter().map(|fault| (DiskErrorKind(*fault), fault.row().weight));
        weighed.filter(|(_, weight)| *weight > 0)
    }
}

impl<'de> Deserialize<'de> for DiskErrorKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DiskErrorKind, D::Error> {
        let legal: Vec<_> = DiskErrorKind::all().map(|(error, _)| (error.0.name(), error)).collect();
        one_of(deserializer, "disk error", &legal)
    }
}
