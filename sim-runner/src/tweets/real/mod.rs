//! Real sites under test: processes that are killed and paused, clients whose every word is written down, and the
//! simulator's judges over what they saw and what the disks hold.

pub mod cluster;
pub mod history;
pub mod judged;
pub mod load;
pub mod ports;

pub use cluster::{Cluster, Failure};
pub use history::{History, Witness};
pub use judged::Judged;
pub use load::{Load, LoadSettings};
