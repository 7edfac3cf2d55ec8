//! Damage done to a disk on purpose (rot, misdirected writes, lost files), and what crashes and failed syncs leave.
//!
//! Rot, stray writes and lost files hit only bytes and files whose loss recovery must report as damage. They spare
//! the last batch: no journal can tell its loss from a torn write.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::calls::{FailingCall, Faults, Struck};
use super::{Change, FileId, SimDisk, Undo};
use crate::journal::DiskError;
use crate::journal::vital::{Vital, needed, vital};
use crate::mix::{below, mix};
use crate::sim::script::Leaves;

/// How many unsynced writes stay after a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Residue {
    /// Kept whole.
    pub(crate) whole: usize,
    /// Kept in part.
    pub(crate) torn: usize,
}

/// How many bytes of one unsynced write stay after a crash that scatters writes.
fn kept(draw: u64, number: u64, length: usize) -> usize {
    let draw = mix(draw, [number]);
    match below(mix(draw, [0]), 3) {
        0 => 0,
        1 if length > 1 => usize::try_from(1 + below(mix(draw, [1]), length as u64 - 1)).unwrap_or(length),
        _ => length,
    }
}

impl SimDisk {
    /// Whether a stray write became durable, so that recovery must refuse this disk.
    pub(crate) const fn is_astray(&self) -> bool {
        self.faults.is_astray
    }

    /// The durable parts that recovery cannot do without.
    fn vital(&self) -> Vec<Vital> {
        // A journal that cannot be read has nothing left to lose.
        vital(&self.copy()).unwrap_or_default()
    }

    /// Removes a durable file that recovery would miss, and returns its name. A process that has it open keeps it.
    pub(crate) fn lose_file(&mut self, draw: u64) -> Option<String> {
        let needed = needed(&self.copy()).unwrap_or_default();
        let drawn = below(draw, (needed.len() as u64).max(1));
        let name = needed.into_iter().nth(usize::try_from(drawn).ok()?)?;
        let (name_shared, id) = self.folder.remove_entry(name.as_str())?;
        self.folder_synced.remove(name.as_str());
        self.unlinked.insert(name_shared, id);
        Some(name)
    }

    /// What a crash at this moment would leave, without any waiting fault.
    pub(crate) fn copy(&self) -> SimDisk {
        let mut copy = self.clone();
        copy.crash(Leaves::Nothing, 0);
        copy.faults = Faults::default();
        copy
    }

    /// Flips bits of one drawn durable byte that recovery cannot do without. Returns its file and offset.
    pub(crate) fn rot(&mut self, draw: u64) -> Option<(String, u64)> {
        let vital = self.vital();
        let all: u64 = vital.iter().map(|part| part.end).sum();
        if all == 0 {
            return None;
        }
        let mut at = below(mix(draw, [0]), all);
        let part = vital.into_iter().find(|part| {
            let is_here = at < part.end;
            at -= if is_here { 0 } else { part.end };
            is_here
        })?;
        let file = *self.folder.get(part.file.as_str())?;
        let mut byte = [0];
        self.get(file, at, &mut byte);
        let flipped = 1 + below(mix(draw, [1]), 255);
        self.put(file, at, &[byte[0] ^ flipped.to_le_bytes()[0]]);
        Some((part.file, at))
    }

    /// The offset where a misdirected write of `length` bytes to `name` lands: over bytes that recovery cannot do
    /// without. It stays in the same file, because one sync makes a whole file durable. `None` if there is no such
    /// place.
    pub(super) fn astray(&self, name: &str, length: usize, draw: u64) -> Option<u64> {
        let part = self.vital().into_iter().find(|part| part.file == name)?;
        let places = part.end.checked_sub(length as u64);
        let header_only = || (part.is_lowest && part.end > 0).then_some(0);
        places.map(|last| below(draw, last + 1)).or_else(header_only)
    }

    /// A sync of `file` fails. It covers the changes numbered below `below`. As after a failed fsync, the pages count
    /// as clean: reads still return their bytes, and no later sync writes them. The file's length is not part of its
    /// pages.
    pub(super) fn forsake(&mut self, file: FileId, below: u64) -> DiskError {
        let covered = self.unsynced.iter_mut().filter(|change| change.file == file && change.number < below);
        covered.for_each(|change| change.is_forsaken = change.range().is_some());
        self.faults.strike(Struck::Failed(FailingCall::Sync));
        DiskError::Io("the sync failed".to_owned())
    }

    /// A sync of `file` completes. The changes numbered below `below` become durable, except for forsaken bytes that
    /// none of them wrote again.
    pub(super) fn settle(&mut self, file: FileId, below: u64) {
        let is_covered = |change: &Change| change.file == file && change.number < below;
        if self.unsynced.iter().any(|change| is_covered(change) && change.is_forsaken) {
            // A failed sync covers all older changes, so forsaken changes are older than the others.
            let durable = self.unsynced.iter().filter(|change| is_covered(change) && !change.is_forsaken);
            let durable: Vec<Range<u64>> = durable.map(Change::replaced).collect();
            let changes = core::mem::take(&mut self.unsynced);
            for change in changes {
                if is_covered(&change) && change.is_forsaken {
                    self.unsynced.extend(change.without(&durable));
                } else {
                    self.unsynced.push_back(change);
                }
            }
        }
        self.unsynced.retain(|change| !is_covered(change) || change.is_forsaken);
        if self.faults.has_strays() {
            self.settle_strays();
        }
    }

    /// Counts a stray write as durable once it is not among the unsynced changes.
    fn settle_strays(&mut self) {
        let unsynced = &self.unsynced;
        let before = self.faults.strays.len();
        self.faults.strays.retain(|number| unsynced.iter().any(|change| change.number == *number));
        self.faults.is_astray |= self.faults.strays.len() < before;
    }

    /// How many unsynced writes a crash that scatters them would leave.
    pub(crate) fn residue(&self, draw: u64) -> Residue {
        let mut residue = Residue::default();
        for change in &self.unsynced {
            let Some((_, length)) = change.range() else { continue };
            match kept(draw, change.number, length) {
                0 => {}
                all if all == length => residue.whole += 1,
                _ => residue.torn += 1,
            }
        }
        residue
    }

    /// Undoes every unsynced change, newest first, and writes back the bytes that `draw` keeps.
    pub(super) fn scatter(&mut self, draw: u64) {
        let mut stays: Vec<(FileId, u64, Vec<u8>)> = Vec::new();
        while let Some(change) = self.unsynced.pop_back() {
            if let Some((offset, length)) = change.range() {
                let mut bytes = alloc::vec![0; kept(draw, change.number, length)];
                if self.check_range(change.file, "", offset, bytes.len()).is_ok() {
                    self.get(change.file, offset, &mut bytes);
                    stays.push((change.file, offset, bytes));
                }
            }
            self.undo(change);
        }
        for (file, offset, bytes) in stays.into_iter().rev() {
            self.put(file, offset, &bytes);
        }
    }

    pub(super) fn forget_strays(&mut self) {
        self.faults.strays.clear();
        self.faults.struck.clear();
    }
}

impl Change {
    /// The offset and length of its write; `None` for a truncation.
    pub(super) fn range(&self) -> Option<(u64, usize)> {
        match &self.undo {
            Undo::Write { offset, before } => Some((*offset, before.len())),
            Undo::Blank { offset, length } => Some((*offset, *length)),
            Undo::Truncate { .. } => None,
        }
    }

    /// The range of the file whose bytes it changed.
    fn replaced(&self) -> Range<u64> {
        match &self.undo {
            Undo::Write { offset, before } => *offset..*offset + before.len() as u64,
            Undo::Blank { offset, length } => *offset..*offset + *length as u64,
            Undo::Truncate { before, after } => *after..before.length,
        }
    }

    /// The parts of this write outside of these ranges.
    fn without(&self, places: &[Range<u64>]) -> Vec<Change> {
        let whole = self.replaced();
        let mut parts = alloc::vec![whole.clone()];
        for place in places {
            let cut = |part: Range<u64>| {
                [part.start..part.end.min(place.start), part.start.max(place.end)..part.end]
            };
            parts = parts.into_iter().flat_map(cut).filter(|part| !part.is_empty()).collect();
        }
        let within = |at: u64| usize::try_from(at - whole.start).expect("a write is in memory");
        let part = |part: Range<u64>| {
            let undo = match &self.undo {
                Undo::Write { before, .. } => {
                    let before = before[within(part.start)..within(part.end)].into();
                    Undo::Write { offset: part.start, before }
                }
                Undo::Blank { .. } => {
                    Undo::Blank { offset: part.start, length: within(part.end) - within(part.start) }
                }
                Undo::Truncate { .. } => self.undo.clone(),
            };
            Change { undo, ..*self }
        };
        parts.into_iter().map(part).collect()
    }
}
