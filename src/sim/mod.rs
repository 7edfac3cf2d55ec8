//! The simulator: a whole cluster, its clients, network, disks and clocks in one seeded thread.
//!
//! It knows nothing of Paxos or tweets: it hosts any [`Process`](crate::process::Process).
//!
//! Terminals and clients never crash here: whoever sits at one keeps asking. The real terminal ends with its
//! site's program, and so do its outstanding requests.

mod actions;
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
pub mod network;
mod parcels;
mod queue;
pub mod rule;
pub(crate) mod rules;
pub mod script;
mod sending;
pub mod settings;
mod tally;
pub mod trace;
mod watch;
mod words;
pub mod world;

pub use director::{StepId, Unfired};
pub use disk::SimDisk;
pub use host::Status;
pub use judge::{Judge, Observation, Violation};
pub use ledger::{Fated, Ledger};
pub use network::{Chance, Latency, NetworkSettings};
pub use queue::Turn;
pub use rule::{About, Filter, Rule, Ruling};
pub use script::{Action, Seam, Step, Target, Track, Trigger};
pub use settings::{BadSettings, DiskSettings, TraceLevel, TraceSettings, WorldSettings};
pub use trace::{Line, LineClass, Loss, Told, Trace};
pub use watch::Statistics;
pub use world::World;

#[cfg(test)]
mod tests;
