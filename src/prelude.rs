//! Everything needed to write a protocol, its scenario vocabulary and its judges: `use aviary::prelude::*`.

pub use crate::ids::{ProcessId, SiteId, SiteSet};
pub use crate::judges::linearizable::{CallEvent, Linearizable};
pub use crate::judges::{NeverBack, models};
pub use crate::mix::Seed;
pub use crate::process::{
    Damage, Effects, Input, Label, NoNote, Process, Recipients, Recovered, Role, Subject,
};
#[cfg(feature = "scenario")]
pub use crate::scenario::{Cluster, Compiled, Order, Place, Problem, Service, Shape, same};
pub use crate::sim::{Judge, Observation, Violation};
pub use crate::time::{Duration, Instant};
pub use crate::wire::Wire;
pub use crate::{display_enum, ensure, label_enum, wire_enum, wire_struct};
