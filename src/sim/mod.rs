//! The simulator: a whole cluster, its clients, network, disks and clocks in one seeded thread.
//!
//! It knows nothing of Paxos or tweets: it hosts any [`Process`](crate::process::Process).
//!
//! Terminals and clients never crash here: whoever sits at one keeps asking. The real terminal ends with its
//! site's program, and so do its outstanding requests.

mod actions;
mod clock;
mod clogs;
pub mod crossing;
mod director;
mod disk;
mod fates;
mod host;
mod hosting;
pub mod judge;
pub mod ledger;
mod limits;
mod links;
mod memo;
mod mishaps;
pub mod network;
mod parcels;
mod queue;
mod rough;
pub mod rule;
pub(crate) mod rules;
pub mod script;
mod sending;
pub mod settings;
mod tally;
pub mod trace;
mod watch;
mod wires;
mod words;
pub mod world;

pub use crossing::{Arrival, Crossing, Unfit};
pub use director::{StepId, Unfired};
pub use disk::SimDisk;
pub use host::Status;
pub use judge::{Judge, Observation, Violation};
pub use ledger::{Fated, Ledger};
pub use network::{Bandwidth, Bursts, Chance, Latency, NetworkSettings, Replay};
pub use queue::Turn;
pub use rule::{About, Filter, KEPT_MAX, Rule, Ruling, Slots};
pub use script::{Action, ClockFault, DRIFT_MAX, DiskFault, Leaves, Seam, Step, Target, Track, Trigger};
pub use settings::{BadSettings, DiskSettings, TraceLevel, TraceSettings, WorldSettings};
pub use trace::{Line, LineClass, Loss, Told, Trace};
pub use watch::Statistics;
pub use world::World;

#[cfg(test)]
mod tests;
