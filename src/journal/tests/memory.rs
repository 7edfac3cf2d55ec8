//! A disk in memory that forgets like a real one: it keeps synced bytes apart from the list of unsynced writes.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::disk::{Disk, DiskError, SyncId};

/// The effect of a crash on one unsynced write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Lost,
    Kept,
    /// Only this many of its first bytes arrive, modulo its length.
    Front(usize),
    /// Only the bytes after the first ones, this many modulo its length, arrive.
    Back(usize),
}

#[derive(Clone, Debug)]
struct Write {
    stamp: u64,
    inode: usize,
    offset: usize,
    bytes: Vec<u8>,
    /// A sync that covered it failed: no later sync makes it durable.
    is_forsaken: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum FolderChange {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

#[derive(Clone, Debug, Default)]
pub(super) struct MemoryDisk {
    /// Synced bytes, by inode; `cached` holds the bytes that reads return.
    synced: Vec<Vec<u8>>,
    cached: Vec<Vec<u8>>,
    synced_folder: BTreeMap<String, usize>,
    folder: BTreeMap<String, usize>,
    writes: Vec<Write>,
    changes: Vec<FolderChange>,
    /// Syncs in progress: each covers the writes to its inode with a smaller stamp than its own.
    syncs: Vec<(SyncId, usize)>,
    next_stamp: u64,
    /// The maximum number of files.
    pub(super) files_max: Option<usize>,
    /// After this many more changes, every change fails.
    pub(super) changes_left: Option<usize>,
    /// After this many more syncs that return when they are done, one sync fails.
    pub(super) syncs_left: Option<usize>,
}

fn apply(image: &mut [u8], write: &Write, fate: Fate) {
    let length = write.bytes.len();
    let range = match fate {
        Fate::Lost => 0..0,
        Fate::Kept => 0..length,
        Fate::Front(count) => 0..count % (length + 1),
        Fate::Back(count) => count % (length + 1)..length,
    };
    let at = write.offset + range.start..write.offset + range.end;
    if image.len() < at.end {
        return;
    }
    image[at].copy_from_slice(&write.bytes[range]);
}

fn change(folder: &mut BTreeMap<String, usize>, change: &FolderChange) {
    match change {
        FolderChange::Link(name, inode) => {
            folder.insert(name.clone(), *inode);
        }
        FolderChange::Unlink(name) => {
            folder.remove(name);
        }
        FolderChange::Rename(from, to) => {
            if let Some(inode) = folder.remove(from) {
                folder.insert(to.clone(), inode);
            }
        }
    }
}

impl MemoryDisk {
    /// The number of writes that a crash could lose.
    pub(super) fn unsynced(&self) -> usize {
        self.writes.len()
    }

    /// The number of folder changes that a crash could undo.
    pub(super) fn unsynced_changes(&self) -> usize {
        self.changes.len()
    }

    /// Crashes: `fate` decides about each unsynced write, and `is_kept` about each change of the folder.
    pub(super) fn crash(
        &mut self,
        mut fate: impl FnMut(usize) -> Fate,
        mut is_kept: impl FnMut(usize) -> bool,
    ) {
        for (index, write) in self.writes.drain(..).enumerate() {
            apply(&mut self.synced[write.inode], &write, fate(index));
        }
        for (index, made) in self.changes.drain(..).enumerate() {
            if is_kept(index) {
                change(&mut self.synced_folder, &made);
            }
        }
        self.cached = self.synced.clone();
        self.folder = self.synced_folder.clone();
        self.syncs.clear();
    }

    /// Ends the oldest sync in progress.
    pub(super) fn complete(&mut self) -> Option<SyncId> {
        if self.syncs.is_empty() {
            return None;
        }
        let (id, inode) = self.syncs.remove(0);
        self.make_durable(inode, id.0);
        Some(id)
    }

    /// Fails the oldest sync in progress: what it covers is read as before, and no later sync writes it.
    pub(super) fn fail(&mut self) {
        let (id, inode) = self.syncs.remove(0);
        self.forsake(inode, id.0);
    }

    fn forsake(&mut self, inode: usize, before: u64) {
        let covered = self.writes.iter_mut().filter(|write| write.inode == inode && write.stamp < before);
        covered.for_each(|write| write.is_forsaken = true);
    }

    /// Flips one bit of what is stored.
    pub(super) fn flip(&mut self, name: &str, bit: usize) {
        let inode = self.folder[name];
        for image in [&mut self.synced[inode], &mut self.cached[inode]] {
            image[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// Creates a file with these bytes, durably.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) {
        let inode = self.synced.len();
        self.synced.push(bytes.to_owned());
        self.cached.push(bytes.to_owned());
        self.folder.insert(name.to_owned(), inode);
        self.synced_folder.insert(name.to_owned(), inode);
    }

    /// Creates a blank file whose creation was cut short: its name is durable, but its length only after a sync.
    pub(super) fn put_unfinished(&mut self, name: &str, length: usize) {
        self.put(name, &[]);
        self.cached[self.folder[name]] = alloc::vec![0; length];
    }

    /// Every file with its bytes.
    pub(super) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.folder.iter().map(|(name, inode)| (name.clone(), self.cached[*inode].clone())).collect()
    }

    fn make_durable(&mut self, inode: usize, before: u64) {
        let length = self.cached[inode].len();
        self.synced[inode].resize(length, 0);
        let is_covered = |write: &Write| write.inode == inode && write.stamp < before && !write.is_forsaken;
        let (durable, mut rest): (Vec<Write>, Vec<Write>) = self.writes.drain(..).partition(is_covered);
        for write in durable {
            apply(&mut self.synced[inode], &write, Fate::Kept);
            // After a crash, an overwritten forsaken write leaves nothing in its place.
            for old in rest.iter_mut().filter(|old| old.inode == inode && old.is_forsaken) {
                let (start, end) = (
                    old.offset.max(write.offset),
                    (old.offset + old.bytes.len()).min(write.offset + write.bytes.len()),
                );
                if start < end {
                    old.bytes[start - old.offset..end - old.offset]
                        .copy_from_slice(&write.bytes[start - write.offset..end - write.offset]);
                }
            }
        }
        self.writes = rest;
    }

    fn use_up(&mut self) -> Result<(), DiskError> {
        if let Some(left) = &mut self.changes_left {
            *left = left.checked_sub(1).ok_or_else(|| DiskError::Io("no change is left".into()))?;
        }
        Ok(())
    }

    fn stamp(&mut self) -> u64 {
        self.next_stamp += 1;
        self.next_stamp
    }

    fn change_folder(&mut self, made: FolderChange) {
        change(&mut self.folder, &made);
        self.changes.push(made);
    }

    fn inode(&self, name: &str) -> Result<usize, DiskError> {
        self.folder.get(name).copied().ok_or_else(|| DiskError::NotFound(name.to_owned()))
    }
}

impl Disk for MemoryDisk {
    fn create(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        self.use_up()?;
        if self.folder.contains_key(name) {
            return Err(DiskError::Exists(name.to_owned()));
        }
        if self.files_max.is_some_and(|max| self.folder.len() >= max) {
            return Err(DiskError::Full);
        }
        let inode = self.synced.len();
        let blank = alloc::vec![0; usize::try_from(length).unwrap()];
        self.synced.push(blank.clone());
        self.cached.push(blank);
        self.change_folder(FolderChange::Link(name.to_owned(), inode));
        Ok(())
    }

    fn list(&self) -> Result<Vec<(String, u64)>, DiskError> {
        Ok(self.folder.iter().map(|(name, inode)| (name.clone(), self.cached[*inode].len() as u64)).collect())
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> Result<(), DiskError> {
        let offset = usize::try_from(offset).unwrap();
        let bytes = self.cached[self.inode(name)?].get(offset..offset + into.len());
        into.copy_from_slice(bytes.ok_or_else(|| DiskError::Io("read beyond the end".into()))?);
        Ok(())
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.use_up()?;
        let (inode, offset) = (self.inode(name)?, usize::try_from(offset).unwrap());
        if offset + bytes.len() > self.cached[inode].len() {
            return Err(DiskError::Io("write beyond the end".into()));
        }
        let write = Write { stamp: self.stamp(), inode, offset, bytes: bytes.to_owned(), is_forsaken: false };
        apply(&mut self.cached[inode], &write, Fate::Kept);
        self.writes.push(write);
        Ok(())
    }

    fn truncate(&mut self, _: &str, _: u64) -> Result<(), DiskError> {
        Err(DiskError::Io("journals never truncate".into()))
    }

    fn start_sync(&mut self, name: &str) -> Result<SyncId, DiskError> {
        self.use_up()?;
        let (inode, id) = (self.inode(name)?, SyncId(self.stamp()));
        self.syncs.push((id, inode));
        Ok(id)
    }

    fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        self.use_up()?;
        let inode = self.inode(name)?;
        let stamp = self.stamp();
        let left = self.syncs_left.take();
        if left == Some(0) {
            self.forsake(inode, stamp);
            return Err(DiskError::Io("the sync failed".to_owned()));
        }
        self.syncs_left = left.map(|left| left - 1);
        self.make_durable(inode, stamp);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.use_up()?;
        self.inode(from)?;
        self.change_folder(FolderChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.use_up()?;
        self.inode(name)?;
        self.change_folder(FolderChange::Unlink(name.to_owned()));
        Ok(())
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.use_up()?;
        self.changes.clear();
        self.synced_folder = self.folder.clone();
        Ok(())
    }

    fn free_space(&self) -> Result<u64, DiskError> {
        Ok(u64::MAX)
    }
}
