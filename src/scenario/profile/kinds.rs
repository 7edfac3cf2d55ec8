//! What a profile weighs against each other.

use serde::{Deserialize, Serialize};

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
        /// Messages are lost, late or doubled.
        Messages,
        /// A disk is slow.
        Disk,
    }
    /// Whom an episode befalls.
    #[serde(rename(deserialize = "target"))]
    TargetKind {
        /// Who leads when it comes to it.
        Leader,
        /// The first that does not.
        Follower,
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
    }
}
