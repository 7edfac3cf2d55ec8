//! The simulator: a whole cluster, its clients, network, disks and clocks in one seeded thread.
//!
//! It knows nothing of Paxos or tweets: it hosts any [`Process`](crate::process::Process).

pub mod judge;
pub mod network;
pub mod rule;
pub mod script;

pub use judge::{Judge, Observation, Violation};
pub use network::{Chance, Latency, NetworkSettings};
pub use rule::{Filter, Rule, Ruling};
pub use script::{Action, Seam, Step, Target, Track, Trigger};
