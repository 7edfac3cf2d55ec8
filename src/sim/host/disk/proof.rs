//! Checks claims that records are durable against the disk's own account of writes and syncs.
//!
//! It looks for the bytes of each record and ignores the frames around them. Recovery shows whether the journal's
//! reader finds the records there.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::sim::script::Leaves;

use super::{FileId, SimDisk};

/// A write, as the disk recorded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    number: u64,
    pub(crate) file: FileId,
    offset: u64,
    length: usize,
}

impl SimDisk {
    /// The newest write, if it is not durable yet.
    pub(crate) fn last_written(&self) -> Option<Written> {
        let change = self.unsynced.back()?;
        let (offset, length) = change.range()?;
        Some(Written { number: change.number, file: change.file, offset, length })
    }

    /// Why a crash at this moment would lose these records, which `written` appended. Nothing written before them may
    /// be lost either, because a journal is read from its beginning.
    pub(crate) fn would_lose<'a>(
        &self,
        written: Written,
        mut records: impl Iterator<Item = &'a [u8]>,
    ) -> Option<&'static str> {
        if self.unsynced.front().is_some_and(|oldest| oldest.number <= written.number) {
            return Some("no completed sync covers all that was written up to them");
        }
        let mut names = self.folder.iter().filter(|(_, id)| **id == written.file);
        if !names.any(|(name, id)| self.folder_synced.get(name) == Some(id)) {
            return Some("the name of their file is not synced");
        }
        let is_there = self.check_range(written.file, "", written.offset, written.length).is_ok();
        let bytes = match is_there {
            true => self.bytes_at(written.file, written.offset, written.length),
            false => Cow::default(),
        };
        let mut rest = &bytes[..];
        let are_there = records.all(|record| skip_past(&mut rest, record));
        (!are_there).then_some("they are not where they were written")
    }

    /// The index of the first of these records that a crash at this moment would not leave, in this order.
    pub(crate) fn lacks(&self, records: &[Vec<u8>]) -> Option<usize> {
        // The records were read from the disk, so only a crash can lose them.
        let is_all_synced = self.unsynced.is_empty() && self.folder == self.folder_synced;
        if records.is_empty() || is_all_synced {
            return None;
        }
        let mut left = self.clone();
        left.crash(Leaves::Nothing, 0);
        let mut files = left.folder.values().map(|id| left.content(*id));
        let mut present = files.next().unwrap_or_default();
        let mut rest = &present[..];
        for (number, record) in records.iter().enumerate() {
            while !skip_past(&mut rest, record) {
                let Some(next) = files.next() else { return Some(number) };
                present = next;
                rest = &present[..];
            }
        }
        None
    }

    /// A file's bytes up to where it is known to be blank.
    fn content(&self, id: FileId) -> Vec<u8> {
        let file = self.file(id);
        let pages = file.pages.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let length = usize::try_from(file.length).unwrap_or(usize::MAX).min(pages * super::PAGE);
        let mut bytes = alloc::vec![0; length];
        self.get(id, 0, &mut bytes);
        bytes
    }
}

/// Moves `rest` past the first occurrence of these bytes. Returns whether there is one.
fn skip_past(rest: &mut &[u8], bytes: &[u8]) -> bool {
    // As many at once as there are: the first byte alone, the kind of a record, is everywhere.
    let at = match bytes.len() {
        0 => Some(0),
        1 => find::<1>(rest, bytes),
        2..4 => find::<2>(rest, bytes),
        4..8 => find::<4>(rest, bytes),
        8.. => find::<8>(rest, bytes),
    };
    let Some(at) = at else { return false };
    *rest = &rest[at + bytes.len()..];
    true
}

/// Where `bytes` occur first. The first `START` of them are compared at once.
fn find<const START: usize>(rest: &[u8], bytes: &[u8]) -> Option<usize> {
    let start = bytes.first_chunk::<START>()?;
    let mut from = 0;
    loop {
        let at = from + rest[from..].array_windows().position(|window| window == start)?;
        if rest[at..].starts_with(bytes) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Disk;

    fn disk() -> SimDisk {
        let mut disk = SimDisk::new(100_000);
        disk.create("a", 1_000).unwrap();
        disk.sync_dir().unwrap();
        disk
    }

    fn records() -> [&'static [u8]; 2] {
        [b"one", b"two"]
    }

    #[test]
    fn records_are_durable_once_all_before_them_is_and_their_file_has_its_name() {
        let mut disk = disk();
        disk.create("b", 1_000).unwrap();
        disk.write("a", 0, b"before").unwrap();
        disk.write("b", 0, b"..one.two").unwrap();
        let written = disk.last_written().unwrap();
        let why = |disk: &SimDisk| disk.would_lose(written, records().into_iter());
        disk.sync("b").unwrap();
        assert_eq!(why(&disk), Some("no completed sync covers all that was written up to them"));
        disk.sync("a").unwrap();
        assert_eq!(why(&disk), Some("the name of their file is not synced"));
        disk.sync_dir().unwrap();
        assert_eq!(why(&disk), None);
        disk.write("b", 5, b"?").unwrap();
        assert_eq!(why(&disk), None);
        disk.write("b", 6, b"x").unwrap();
        assert_eq!(why(&disk), Some("they are not where they were written"));
    }

    #[test]
    fn what_was_read_back_is_looked_for_in_what_a_crash_leaves() {
        let mut disk = disk();
        disk.create("b", 1_000).unwrap();
        disk.write("a", 4, b"one").unwrap();
        disk.write("b", 4, b"two").unwrap();
        let read = records().map(<[u8]>::to_vec);
        assert_eq!(disk.lacks(&read), Some(0));
        disk.sync("a").unwrap();
        assert_eq!(disk.lacks(&read), Some(1));
        disk.sync("b").unwrap();
        assert_eq!(disk.lacks(&read), Some(1), "its name is not synced");
        disk.sync_dir().unwrap();
        assert_eq!(disk.lacks(&read), None);
    }
}
