//! What is done to the bytes of a disk on purpose, and what crashes and failed syncs leave of them: rot, writes that go
//! astray, files that vanish.
//!
//! Rot, stray writes and lost files touch only what recovery must be able to miss: bytes and files without which it finds damage. A lost last
//! batch, which looks like a torn write, no journal can tell from one.

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

/// What stays of the unsynced writes in a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Residue {
    /// Whole.
    pub(crate) whole: usize,
    /// In part.
    pub(crate) torn: usize,
}

/// What becomes of one unsynced write in a crash that scatters them: how many of its bytes stay.
fn kept(draw: u64, number: u64, length: usize) -> usize {
    let draw = mix(draw, [number]);
    match below(mix(draw, [0]), 3) {
        0 => 0,
        1 if length > 1 => usize::try_from(1 + below(mix(draw, [1]), length as u64 - 1)).unwrap_or(length),
        _ => length,
    }
}

impl SimDisk {
    /// Whether a stray write was made durable, so that recovery must refuse what is here.
    pub(crate) const fn is_astray(&self) -> bool {
        self.faults.is_astray
    }

    /// What of that recovery cannot do without.
    fn vital(&self) -> Vec<Vital> {
        // What cannot be read has nothing left to lose.
        vital(&self.copy()).unwrap_or_default()
    }

    /// A durable file vanishes, drawn among those that recovery would miss. Says which. Who has it open goes on with it.
    pub(crate) fn lose_file(&mut self, draw: u64) -> Option<String> {
        let needed = needed(&self.copy()).unwrap_or_default();
        let drawn = below(draw, (needed.len() as u64).max(1));
        let name = needed.into_iter().nth(usize::try_from(drawn).ok()?)?;
        let (name_shared, id) = self.folder.remove_entry(name.as_str())?;
        self.folder_synced.remove(name.as_str());
        self.unlinked.insert(name_shared, id);
        Some(name)
    }

    /// What a crash at this moment would leave, with no fault that waits.
    pub(crate) fn copy(&self) -> SimDisk {
        let mut copy = self.clone();
        copy.crash(Leaves::Nothing, 0);
        copy.faults = Faults::default();
        copy
    }

    /// Flips bits of one durable byte, drawn among those that recovery cannot do without. Says which.
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

    /// Where a write of `length` bytes to `name` lands when it goes astray: over what recovery cannot do without, in
    /// the same file, since one sync makes all of a file durable. `None` where there is no such place.
    pub(super) fn astray(&self, name: &str, length: usize, draw: u64) -> Option<u64> {
        let part = self.vital().into_iter().find(|part| part.file == name)?;
        let places = part.end.checked_sub(length as u64);
        let header_only = || (part.is_lowest && part.end > 0).then_some(0);
        places.map(|last| below(draw, last + 1)).or_else(header_only)
    }

    /// A sync of `file` fails that covers the changes numbered below `below`. As after a failed fsync, its pages count as
    /// clean: their bytes are read as before, and no later sync writes them. Its length is not in them.
    pub(super) fn forsake(&mut self, file: FileId, below: u64) -> DiskError {
        let covered = self.unsynced.iter_mut().filter(|change| change.file == file && change.number < below);
        covered.for_each(|change| change.is_forsaken = change.range().is_some());
        self.faults.strike(Struck::Failed(FailingCall::Sync));
        DiskError::Io("the sync failed".to_owned())
    }

    /// A sync of `file` is complete: the changes numbered below `below` are durable, but for forsaken bytes that none of
    /// them wrote again.
    pub(super) fn settle(&mut self, file: FileId, below: u64) {
        let is_covered = |change: &Change| change.file == file && change.number < below;
        if self.unsynced.iter().any(|change| is_covered(change) && change.is_forsaken) {
            // A failed sync covers all that is older, so what is forsaken is older than what is not.
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

    /// A file was synced up to the change with this number: what went astray in it is durable.
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

    /// Undoes every unsynced change, newest first, and puts the drawn ones back.
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
    /// Where it wrote, and how many bytes.
    pub(super) fn range(&self) -> Option<(u64, usize)> {
        match &self.undo {
            Undo::Write { offset, before } => Some((*offset, before.len())),
            Undo::Blank { offset, length } => Some((*offset, *length)),
            Undo::Truncate { .. } => None,
        }
    }

    /// The bytes of its file that are not what they were.
    fn replaced(&self) -> Range<u64> {
        match &self.undo {
            Undo::Write { offset, before } => *offset..*offset + before.len() as u64,
            Undo::Blank { offset, length } => *offset..*offset + *length as u64,
            Undo::Truncate { before, after } => *after..before.length,
        }
    }

    /// The parts of this write that lie in none of these places.
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
