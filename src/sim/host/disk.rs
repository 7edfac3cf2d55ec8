//! A disk in memory that loses unsynced writes in a crash.
//!
//! The files hold the newest bytes. A list of changes holds how to undo every write that is not durable yet. A
//! completed sync of a file drops the changes to that file from before the sync started. A crash undoes the remaining
//! changes, newest first. If a sync fails, a crash undoes what it covered even after a later sync, unless those bytes
//! were written again. Pages are shared between clones and copied when written; see [`pages`].

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::journal::disk::{DiskError, SyncId};
use crate::mix;
use crate::sim::script::Leaves;

pub(crate) mod calls;
pub(crate) mod faults;
mod pages;
pub(crate) mod power;
pub(crate) mod proof;

use calls::{Armed, Faults};
use pages::{DiskPage, PAGE};
use power::Power;

/// Pages that are not packed yet, although more were begun: what is not synced is read again when it is. Most drawn runs
/// write no more.
const BEGUN_MAX: usize = 64;

type FileId = u64;
type FolderNames = BTreeMap<Arc<str>, FileId>;

/// One file: its length and its pages. A missing page is all zeros.
#[derive(Clone, Debug)]
struct SimFile {
    length: u64,
    pages: Vec<Option<DiskPage>>,
}

/// How to undo one change that is not durable.
#[derive(Clone, Debug)]
enum Undo {
    /// Put these bytes back.
    Write { offset: u64, before: Arc<[u8]> },
    /// Put zeros back: most appends write over blank bytes.
    Blank { offset: u64, length: usize },
    /// Put the whole file back, which was cut to the length `after`.
    Truncate { before: Arc<SimFile>, after: u64 },
}

#[derive(Clone, Debug)]
struct Change {
    number: u64,
    file: FileId,
    undo: Undo,
    /// A sync that covered it failed, so no later sync makes it durable.
    is_forsaken: bool,
}

#[derive(Clone, Debug)]
struct Sync {
    id: SyncId,
    file: FileId,
    /// The sync covers changes to `file` with a lower number than this.
    below: u64,
    /// The fault that makes it fail when it ends.
    fails: Option<Armed>,
}

/// A disk in memory.
#[derive(Clone, Debug)]
pub struct SimDisk {
    capacity: u64,
    folder: FolderNames,
    folder_synced: FolderNames,
    /// Files that vanished while a process had them open. The process can use them until it ends.
    unlinked: FolderNames,
    files: BTreeMap<FileId, Arc<SimFile>>,
    /// The pages that were begun last. Journals append, so whoever has begun some more is done with a page.
    begun: VecDeque<(FileId, usize)>,
    unsynced: VecDeque<Change>,
    syncs: VecDeque<Sync>,
    /// Syncs that the host has not taken yet.
    started: VecDeque<SyncId>,
    numbers: u64,
    faults: Faults,
    pub(crate) power: Power,
}

impl SimDisk {
    /// An empty disk with room for `capacity` bytes of files.
    pub fn new(capacity: u64) -> SimDisk {
        SimDisk {
            capacity,
            folder: BTreeMap::new(),
            folder_synced: BTreeMap::new(),
            unlinked: BTreeMap::new(),
            files: BTreeMap::new(),
            begun: VecDeque::new(),
            unsynced: VecDeque::new(),
            syncs: VecDeque::new(),
            started: VecDeque::new(),
            numbers: 0,
            faults: Faults::default(),
            power: Power::default(),
        }
    }

    /// The oldest of the syncs that started and were not asked for yet. They must be finished in this order.
    pub fn next_started(&mut self) -> Option<SyncId> {
        self.started.pop_front()
    }

    /// Finishes the sync `id`. Everything written to its file before the sync started becomes durable. If the sync
    /// fails, none of that does until it is written and synced again. The error carries the name of the file.
    ///
    /// # Panics
    /// If it is not the oldest sync under way.
    pub fn finish(&mut self, id: SyncId) -> Result<(), (String, DiskError)> {
        let sync = self.syncs.pop_front();
        let sync = sync.filter(|sync| sync.id == id);
        let sync = sync.expect("the syncs of one disk end in the order of their starting");
        if sync.fails.is_some() {
            let name = self.folder.iter().find(|(_, id)| **id == sync.file);
            let name = name.map_or_else(String::new, |(name, _)| String::from(&**name));
            return Err((name, self.forsake(sync.file, sync.below)));
        }
        self.settle(sync.file, sync.below);
        self.power.called();
        Ok(())
    }

    /// About how many bytes of memory the disk takes.
    pub(crate) fn bytes(&self) -> u64 {
        let pages = self.files.values().flat_map(|file| file.pages.iter().flatten());
        (pages.map(DiskPage::bytes).sum::<usize>() + self.unsynced.len() * size_of::<Change>()) as u64
    }

    /// The number of changes that a crash would undo.
    pub fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    /// The process ends and the machine keeps running. All writes stay readable, durable or not. The syncs under way
    /// are never reported.
    pub fn release(&mut self) {
        self.power = Power::default();
        self.syncs.clear();
        self.started.clear();
        self.unlinked.clear();
        self.forget_unnamed();
    }

    /// The power fails. Every unsynced change is undone, except for the writes that `leaves` keeps; `draw` decides
    /// which of them and how much.
    pub fn crash(&mut self, leaves: Leaves, draw: u64) {
        let part = match leaves {
            Leaves::Nothing => None,
            Leaves::Torn => self.torn_part(draw),
            Leaves::Scattered => {
                self.scatter(draw);
                None
            }
        };
        while let Some(change) = self.unsynced.pop_back() {
            self.undo(change);
        }
        if let Some((file, offset, bytes)) = part {
            self.put(file, offset, &bytes);
        }
        self.forget_strays();
        self.power = Power::default();
        self.syncs.clear();
        self.started.clear();
        self.unlinked.clear();
        self.folder = self.folder_synced.clone();
        self.forget_unnamed();
    }

    fn undo(&mut self, change: Change) {
        match change.undo {
            Undo::Write { offset, before } => self.put(change.file, offset, &before),
            Undo::Blank { offset, length } => self.put(change.file, offset, &alloc::vec![0; length]),
            Undo::Truncate { before, .. } => {
                self.files.insert(change.file, before);
            }
        }
    }

    /// The part of the last unsynced write of two or more bytes that a torn write keeps: at least one byte, never
    /// all.
    fn torn_part(&self, draw: u64) -> Option<(FileId, u64, Vec<u8>)> {
        self.unsynced.iter().rev().find_map(|change| {
            let (offset, length) = change.range()?;
            if length < 2 {
                return None;
            }
            let kept = 1 + mix::below(draw, length as u64 - 1);
            let mut bytes = alloc::vec![0; usize::try_from(kept).ok()?];
            self.check_range(change.file, "", offset, bytes.len()).ok()?;
            self.get(change.file, offset, &mut bytes);
            Some((change.file, offset, bytes))
        })
    }

    fn id(&self, name: &str) -> Result<FileId, DiskError> {
        let id = self.folder.get(name).or_else(|| self.unlinked.get(name));
        id.copied().ok_or_else(|| DiskError::NotFound(name.to_owned()))
    }

    fn file(&self, id: FileId) -> &Arc<SimFile> {
        self.files.get(&id).expect("every named file and every unsynced change has a file")
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn get(&self, file: FileId, offset: u64, into: &mut [u8]) {
        let file = self.file(file);
        for (page, within, range) in spans(offset, into.len()) {
            let into = &mut into[range];
            match &file.pages[page] {
                Some(page) => page.read(within, into),
                None => into.fill(0),
            }
        }
    }

    /// `length` bytes from `offset` on, in place where one page has them as they are.
    fn bytes_at(&self, id: FileId, offset: u64, length: usize) -> Cow<'_, [u8]> {
        let mut pages = spans(offset, length);
        if let (Some((page, within, range)), None) = (pages.next(), pages.next())
            && let Some(page) = &self.file(id).pages[page]
            && let Some(bytes) = page.plain(within..within + range.len())
        {
            return Cow::Borrowed(bytes);
        }
        let mut bytes = alloc::vec![0; length];
        self.get(id, offset, &mut bytes);
        Cow::Owned(bytes)
    }

    /// Whether these bytes are zeros.
    fn is_blank(&self, file: FileId, offset: u64, length: usize) -> bool {
        let file = self.file(file);
        spans(offset, length).all(|(page, within, range)| {
            file.pages[page].as_ref().is_none_or(|page| page.is_blank(within..within + range.len()))
        })
    }

    fn put(&mut self, id: FileId, offset: u64, bytes: &[u8]) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let file = Arc::make_mut(file);
        for (page, within, range) in spans(offset, bytes.len()) {
            if file.pages[page].is_none() {
                self.begun.push_back((id, page));
            }
            file.pages[page].get_or_insert_with(DiskPage::blank).write(within, &bytes[range]);
        }
        while self.begun.len() > BEGUN_MAX
            && let Some((file, page)) = self.begun.pop_front()
        {
            let file = self.files.get_mut(&file).map(Arc::make_mut);
            if let Some(Some(page)) = file.and_then(|file| file.pages.get_mut(page)) {
                page.pack();
            }
        }
    }

    fn check_range(&self, id: FileId, name: &str, offset: u64, length: usize) -> Result<(), DiskError> {
        let end = offset.checked_add(length as u64);
        let file = self.file(id).length;
        if end.is_some_and(|end| end <= file) {
            return Ok(());
        }
        Err(DiskError::Io(format!("{length} bytes from {offset} are beyond the {file} bytes of {name}")))
    }

    /// Drops files that no folder names, and the changes to them.
    fn forget_unnamed(&mut self) {
        let folders = [&self.folder, &self.folder_synced, &self.unlinked];
        self.files.retain(|id, _| folders.iter().flat_map(|folder| folder.values()).any(|named| named == id));
        let files = &self.files;
        self.unsynced.retain(|change| files.contains_key(&change.file));
    }
}

/// Splits `length` bytes from `offset` into pages: page, offset within it, range of the bytes.
fn spans(offset: u64, length: usize) -> impl Iterator<Item = (usize, usize, core::ops::Range<usize>)> {
    let start = usize::try_from(offset).expect("files are smaller than the address space");
    let mut done = 0;
    core::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let (page, within) = ((start + done) / PAGE, (start + done) % PAGE);
        let range = done..length.min(done + PAGE - within);
        done = range.end;
        Some((page, within, range))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Disk;

    fn disk() -> SimDisk {
        let mut disk = SimDisk::new(100_000);
        disk.create("a", 10_000).unwrap();
        disk.sync_dir().unwrap();
        disk
    }

    fn at(disk: &SimDisk, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = alloc::vec![0; length];
        disk.read("a", offset, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_crash_undoes_what_no_completed_sync_covers() {
        let mut disk = disk();
        disk.write("a", 4_090, b"0123456789").unwrap();
        let first = disk.start_sync("a").unwrap();
        disk.write("a", 4_092, b"abcd").unwrap();
        let mut twin = disk.clone();
        disk.finish(first).unwrap();
        disk.crash(Leaves::Nothing, 0);
        assert_eq!(at(&disk, 4_090, 10), b"0123456789");
        twin.crash(Leaves::Nothing, 0);
        assert_eq!(at(&twin, 4_090, 10), [0; 10], "a sync that did not end makes nothing durable");
        assert_eq!((twin.unsynced(), twin.next_started()), (0, None));
    }

    #[test]
    fn a_torn_write_leaves_a_part() {
        for draw in [0, u64::MAX / 2, u64::MAX] {
            let mut disk = disk();
            disk.write("a", 0, b"first").unwrap();
            disk.write("a", 100, b"0123456789").unwrap();
            disk.crash(Leaves::Torn, draw);
            let left = at(&disk, 100, 10).iter().filter(|byte| **byte != 0).count();
            assert!((1..10).contains(&left), "{left} bytes are left");
            assert_eq!(at(&disk, 0, 5), [0; 5]);
        }
    }

    #[test]
    fn names_that_were_not_synced_are_undone() {
        let mut disk = disk();
        disk.write("a", 0, b"x").unwrap();
        disk.sync("a").unwrap();
        disk.create("b", 10).unwrap();
        disk.rename("b", "a").unwrap();
        assert_eq!(disk.list().unwrap(), [("a".to_owned(), 10)]);
        disk.crash(Leaves::Nothing, 0);
        assert_eq!(disk.list().unwrap(), [("a".to_owned(), 10_000)]);
        assert_eq!(at(&disk, 0, 1), b"x");
        disk.truncate("a", 5_000).unwrap();
        disk.crash(Leaves::Nothing, 0);
        assert_eq!(disk.list().unwrap(), [("a".to_owned(), 10_000)]);
    }

    #[test]
    fn a_full_disk_and_a_wrong_range_are_refused() {
        let mut disk = disk();
        assert_eq!(disk.create("b", 90_001), Err(DiskError::Full));
        assert!(matches!(disk.write("a", 9_999, b"xy"), Err(DiskError::Io(_))));
        assert_eq!(disk.remove("b"), Err(DiskError::NotFound("b".to_owned())));
    }
}
