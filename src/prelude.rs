//! Everything needed to write a protocol, its scenario vocabulary and its judges: `use aviary::prelude::*`.

#[cfg(feature = "serde")]
pub use crate::by_serde;
#[cfg(feature = "serde")]
pub use crate::foreign::Serde;
#[cfg(feature = "std")]
pub use crate::foreign::rebuilt::{Forked, Rebuilt, Uncloned};
pub use crate::ids::{ProcessId, SiteId, SiteSet};
pub use crate::judges::linearizable::{CallEvent, Linearizable};
pub use crate::judges::{AtMostOnce, DecidedPrefix, NeverBack, OneLeader, models};
pub use crate::mix::Seed;
pub use crate::process::{
    Damage, Effects, Input, Label, Links, NoNote, Process, Recipients, Recovered, Role, Subject,
};
#[cfg(feature = "scenario")]
pub use crate::protocol::{
    CallId, CallJudge, Judges, Protocol, SiteEffects, SiteInput, Sites, SitesMessage, SitesNote, SitesOf,
    Start,
};
#[cfg(feature = "scenario")]
pub use crate::scenario::draw::{Asking, Draws};
#[cfg(feature = "scenario")]
pub use crate::scenario::step::Target;
#[cfg(feature = "scenario")]
pub use crate::scenario::{
    Askers, Cluster, Compiled, MessagePhase, Order, Place, Problem, Service, Shape, Shown, ShownCall, same,
};
#[cfg(feature = "scenario")]
pub use crate::search::Sweep;
pub use crate::sim::{Judge, Observation, ObservationKinds, Told, Violation};
pub use crate::time::{Duration, Instant};
pub use crate::wire::Wire;
pub use crate::{display_enum, ensure, label_enum, wire_enum, wire_struct};
#[cfg(feature = "serde")]
pub use serde::{Deserialize, Serialize};
