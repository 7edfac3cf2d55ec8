//! Append-only checksummed records over a tiny [`Disk`].
pub mod disk;
pub use disk::{Disk, DiskError, SyncId};
