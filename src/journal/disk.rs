//! The storage that a journal needs: one flat folder of files, with as few operations as possible.
//!
//! Writes go to a cache; only a completed sync makes them durable. What a failed sync covered may stay readable, and no
//! later sync need make it durable unless it is written again. A crash may lose any subset of unsynced writes and tear
//! any of them, and may undo the creation, renaming or removal of any file whose folder was not synced. The simulator
//! and the real files implement the same trait, so the same journal code runs on both.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Debug};

/// A sync that was started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SyncId(pub u64);

/// An error of storage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// No file has this name.
    NotFound(String),
    /// A file has this name already.
    Exists(String),
    /// The name belongs to something other than a file, such as `a link`.
    NotAFile {
        /// The name.
        name: String,
        /// The kind of thing found.
        found: &'static str,
    },
    /// No space is left.
    Full,
    /// The operating system allows this program no file of that length. Holds the system's own words.
    FileLimit(String),
    /// The device or the operating system refused; it is unknown what was written.
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
    /// Creates a file of `length` zero bytes whose space is reserved, or fails with [`DiskError::Full`]. Once the
    /// folder is synced, a crash leaves the file with this length.
    fn create(&mut self, name: &str, length: u64) -> Result<(), DiskError>;

    /// Every file and its length in bytes, in the order of the names.
    fn list(&self) -> Result<Vec<(String, u64)>, DiskError>;

    /// The offset from which a file holds only zeros, as far as the disk knows without reading. If the disk does not
    /// know, the length of the file.
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

    /// Starts to make durable everything written to `name` so far. The host learns when it ends and passes that to the
    /// journal. Syncs of one disk end in the order in which they started.
    fn start_sync(&mut self, name: &str) -> Result<SyncId, DiskError>;

    /// Makes everything written to `name` durable before it returns: only for formatting and recovery.
    fn sync(&mut self, name: &str) -> Result<(), DiskError>;

    /// Renames a file and replaces any file that has the new name.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;

    /// Removes a file.
    fn remove(&mut self, name: &str) -> Result<(), DiskError>;

    /// Makes durable, before it returns, the creation, renaming and removal of files.
    fn sync_dir(&mut self) -> Result<(), DiskError>;

    /// Bytes that can still be reserved.
    fn free_space(&self) -> Result<u64, DiskError>;
}
