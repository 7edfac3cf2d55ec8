//! What a profile weighs against each other.

use serde::{Deserialize, Deserializer, Serialize};

use crate::scenario::namespace::one_of;
use crate::sim::DiskFault;

macro_rules! kinds {
    ($($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $kind:ident),* $(,)? })*) => {$(
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        $(#[$outer])*
        pub enum $name { $($(#[$inner])* $kind),* }
    )*};
}

kinds! {
    /// The form of a latency.
    #[serde(rename(deserialize = "latency"))]
    LatencyKind {
        /// Always the same.
        Constant,
        /// Evenly between two.
        Uniform,
        /// With an exponential part.
        Exponential,
    }
    /// What an episode does.
    #[serde(rename(deserialize = "fault"))]
    FaultKind {
        /// Links are cut.
        Cut,
        /// A site crashes.
        Crash,
        /// A process is paused.
        Pause,
        /// A rule on messages.
        Messages,
        /// Links are clogged one after another, and opened in another order.
        Clog,
        /// The syncs of a disk take long.
        SlowDisk,
        /// A call to a disk fails, or it is full.
        DiskError,
        /// A synced byte of a disk flips.
        Rot,
        /// A write lands elsewhere.
        Misdirect,
        /// Clocks are set or drift.
        Clock,
        /// A site takes long for each input.
        SlowSite,
        /// A file of a disk vanishes.
        LoseFile,
    }
    /// Whom an episode befalls.
    #[serde(rename(deserialize = "target"))]
    TargetKind {
        /// Who leads when it comes to it.
        Leader,
        /// The first that does not.
        Follower,
        /// Who tries to lead.
        Candidate,
        /// Who knows least.
        Laggard,
        /// One by its number.
        Site,
        /// All sites of a machine.
        Machine,
    }
    /// Which links are cut.
    #[serde(rename(deserialize = "shape"))]
    CutShape {
        /// Those of one site.
        Isolate,
        /// The one between two sites.
        Link,
        /// Those between two halves that one site sees both of.
        Bridge,
        /// Those between two groups.
        Split,
        /// All but those to a neighbour on either side.
        Ring,
    }
    /// When a crash comes.
    #[serde(rename(deserialize = "moment"))]
    CrashMoment {
        /// Inside the handling of an input.
        Seam,
        /// Between two.
        AnyTime,
        /// As `AnyTime`, with all sites at once.
        AllSites,
    }
    /// What is done with messages.
    #[serde(rename(deserialize = "ruling"))]
    RulingKind {
        /// They are lost.
        Drop,
        /// They are late.
        Delay,
        /// They arrive several times.
        Duplicate,
        /// Some of their bits are flipped.
        Corrupt,
        /// Only their beginning arrives.
        Truncate,
        /// They arrive at another site.
        Misdeliver,
        /// They arrive again behind a restart or another leader.
        Keep,
    }
}

/// What a call to a disk comes to: one of the faults to which the simulator gives a weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(transparent)]
pub struct DiskErrorKind(pub(crate) DiskFault);

impl DiskErrorKind {
    /// Every one, with the weight that it has unless a profile says otherwise.
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
