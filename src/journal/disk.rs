//! What a journal asks of storage: one flat folder of files, as small as it can be.
//!
//! Writes go to a cache; only a completed sync makes them durable. What a failed sync covered may stay readable, and no
//! later sync need make it durable: only what is written again is covered again. A crash may lose any subset of unsynced
//! writes and tear any of them, and may undo the creation, renaming or removal of any file whose folder was not
//! synced. The simulator and the real files implement the same trait, so the same journal code runs on both.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Debug};

/// A sync that was started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SyncId(pub u64);

/// What went wrong with storage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// There is no file of this name.
    NotFound(String),
    /// There is a file of this name.
    Exists(String),
    /// What has this name is something else, such as `a link`.
    NotAFile {
        /// The name.
        name: String,
        /// What it is.
        found: &'static str,
    },
    /// No space is left.
    Full,
    /// The operating system allows this program no file of that length, in its words.
    FileLimit(String),
    /// The device or the operating system refused; nothing is known of what was written.
    Io(String),
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskError::NotFound(name) => write!(f, "no file named {name}"),
            DiskError::Exists(name) => write!(f, "a file named {name} exists"),
            DiskError::NotAFile { name, found } => write!(f, "{name} is {found}, and no file"),
            DiskError::Full => f.write_str("no space is left on the disk"),
            DiskError::FileLimit(reason) | DiskError::Io(reason) => write!(f, "the disk failed: {reason}"),
        }
    }
}

impl core::error::Error for DiskError {}

/// A flat folder of files.
pub trait Disk {
    /// Creates a file of `length` zero bytes whose space is reserved, or fails with [`DiskError::Full`].
    /// Once the folder is synced a crash leaves it with this length.
    fn create(&mut self, name: &str, length: u64) -> Result<(), DiskError>;

    /// Every file and its length in bytes, in the order of the names.
    fn list(&self) -> Result<Vec<(String, u64)>, DiskError>;

    /// From where on a file holds nothing but zeros, as far as the disk knows without reading: its length if it
    /// does not know.
    fn blank_from(&self, name: &str) -> Result<u64, DiskError> {
        let files = self.list()?;
        let file = files.into_iter().find(|(other, _)| other == name);
        file.map(|(_, length)| length).ok_or_else(|| DiskError::NotFound(name.into()))
    }

    /// Fills `into` from `offset`. Reading beyond the end is [`DiskError::Io`].
    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> Result<(), DiskError>;

    /// Writes at `offset`, within the length of the file.
    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Cuts the file to `length`.
    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError>;

    /// Starts to make everything written to `name` so far durable. The host hears of its end and tells the
    /// journal; syncs of one disk end in the order of their starting.
    fn start_sync(&mut self, name: &str) -> Result<SyncId, DiskError>;

    /// Makes everything written to `name` durable before it returns: for formatting and recovery alone.
    fn sync(&mut self, name: &str) -> Result<(), DiskError>;

    /// Renames a file; a file that has the new name is replaced.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;

    /// Removes a file.
    fn remove(&mut self, name: &str) -> Result<(), DiskError>;

    /// Makes the creation, renaming and removal of files durable before it returns.
    fn sync_dir(&mut self) -> Result<(), DiskError>;

    /// Bytes that could still be reserved.
    fn free_space(&self) -> Result<u64, DiskError>;
}
