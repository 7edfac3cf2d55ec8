//! The simulator: a whole cluster, its clients, network, disks and clocks in one seeded thread.
//!
//! It knows nothing of Paxos or tweets: it hosts any [`Process`](crate::process::Process).
//!
//! | folder | holds |
//! |---|---|
//! | [`net`] | the network: the fate of each datagram between its sender and its receiver |
//! | [`host`] | processes with their disks, journals, clocks and inputs |
//! | [`script`] | the actions that change a world, and their times |
//! | [`watch`] | the observers: trace, judges, fingerprint, counters |
//!
//! A [`World`] is these four and a queue of events.
//!
//! A terminal is a part of its site's program: it ends and starts with its site. The outcome of its unanswered
//! commands stays unknown. The same holds for a client that crashes.

pub mod host;
pub mod net;
mod queue;
pub mod script;
pub mod settings;
mod under_way;
pub mod watch;
pub mod world;

pub use host::{ProcessStatus, SimDisk};
pub use net::barriers::{Barrier, BarriersVersion};
pub use net::crossing::{Arrival, Crossing, Unfit};
pub use net::ledger::{Fated, Ledger};
pub use net::order::LinkFault;
pub use net::rule::{About, CopyFilter, Filter, KEPT_MAX, LinkRule, Ruling, Slots};
pub use net::settings::{
    BREAK_AFTER, Bandwidth, Bursts, Chance, Delivery, LateCopy, LinkLatency, NetworkSettings,
};
pub use queue::Turn;
pub use script::director::{StepId, Unfired};
pub use script::question::Question;
pub use script::watchpoints::{Demand, Watchpoint};
pub use script::{
    Aim, ClockFault, DRIFT_MAX, DiskFault, EffectTime, Leaves, Percent, Row, ScriptAction, ScriptStep, Seam,
    Target, Track, Trigger,
};
pub use settings::{BadSettings, DiskSettings, TraceLevel, TraceSettings, WorldSettings};
pub use under_way::FlyingCopy;
pub use watch::Statistics;
pub use watch::judge::{
    Judge, Observation, ObservationKinds, PlacedCall, UnexplainedCall, UnexplainedCalls, Violation,
};
pub use watch::line::{Line, LineClass, Loss, Told};
pub use watch::log::{LogLevel, LogLine, LogTap};
pub use watch::run_event::{RunEvent, RunEvents};
pub use watch::trace::{StoryEntry, Trace};
pub use world::World;

#[cfg(test)]
mod tests;
