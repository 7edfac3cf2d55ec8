//! Real sites under test: processes that are killed and paused, clients whose every event is recorded, and the
//! simulator's judges, which check what clients saw and what the disks hold.

pub mod cluster;
pub mod history;
pub mod judged;
pub mod load;
pub mod ports;

pub use cluster::{ClusterFailure, RealCluster};
pub use history::{CallLog, Witness};
pub use judged::Judged;
pub use load::{ClientLoad, LoadSettings};
