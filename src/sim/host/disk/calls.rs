//! The calls that a journal makes to a disk, and the faults that wait for one of them.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use super::{Change, PAGE, SimDisk, SimFile, Sync, Undo};
use crate::journal::{Disk, DiskError, SyncId};
use crate::sim::script::DiskFault;
use crate::sim::script::director::StepId;

/// A fault that waits for a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Armed {
    pub(crate) fault: DiskFault,
    pub(crate) step: StepId,
    pub(crate) draw: u64,
}

impl Armed {
    /// The event that never happened if the fault has not struck.
    pub(crate) const fn never(&self) -> &'static str {
        match self.fault {
            DiskFault::FailSync => "synced its disk",
            DiskFault::FailRead => "read its disk",
            DiskFault::Misdirect => "wrote where there was another place for it",
            _ => "wrote to its disk",
        }
    }
}

/// A kind of call that a fault can make fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FailingCall {
    Sync,
    Write,
    Read,
}

impl FailingCall {
    /// The fault that makes it fail, and the call's name.
    const fn fault(self) -> (DiskFault, &'static str) {
        match self {
            FailingCall::Sync => (DiskFault::FailSync, "sync of"),
            FailingCall::Write => (DiskFault::FailWrite, "write to"),
            FailingCall::Read => (DiskFault::FailRead, "read of"),
        }
    }
}

/// A fault that struck a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Struck {
    /// The call failed.
    Failed(FailingCall),
    /// There was no room to create a file.
    Create,
    /// A write went to another place.
    Astray { file: String, meant: u64, instead: u64 },
}

impl Struck {
    /// The fault behind it, and the words for the fingerprint.
    pub(crate) const fn counted(&self) -> (DiskFault, [u64; 2]) {
        match self {
            Struck::Failed(call) => (call.fault().0, [call.fault().0 as u64, 0]),
            Struck::Create => (DiskFault::Full, [2, 0]),
            Struck::Astray { instead, .. } => (DiskFault::Misdirect, [3, *instead]),
        }
    }
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Struck::Failed(call) => write!(f, "finds that a {} its disk failed", call.fault().1),
            Struck::Create => f.write_str("finds no room on its disk"),
            Struck::Astray { file, meant, instead } => {
                write!(f, "writes to byte {meant} of {file}, and its disk puts that at byte {instead}")
            }
        }
    }
}

/// The faults of one disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) is_full: bool,
    pub(crate) armed: Vec<Armed>,
    /// Faults that still waited when everything was healed.
    pub(crate) spared: Vec<Armed>,
    pub(super) struck: Vec<Struck>,
    failed_read: FailedRead,
    /// The numbers of stray writes that are not durable yet.
    pub(super) strays: Vec<u64>,
    /// Whether a stray write became durable.
    pub(super) is_astray: bool,
}

/// Whether a read failed since the last `take_struck`. It is the only thing that a read changes, and it is atomic
/// because several threads may inspect a world.
#[derive(Debug, Default)]
struct FailedRead(AtomicBool);

impl Clone for FailedRead {
    fn clone(&self) -> FailedRead {
        FailedRead(AtomicBool::new(self.0.load(Ordering::Relaxed)))
    }
}

impl Faults {
    /// Takes out the first waiting fault of this kind.
    pub(super) fn take(&mut self, fault: DiskFault) -> Option<Armed> {
        if self.armed.is_empty() {
            return None;
        }
        let place = self.armed.iter().position(|armed| armed.fault == fault)?;
        Some(self.armed.remove(place))
    }

    /// Whether this read fails. After a failed read every read fails until the next `take_struck`.
    fn fails_read(&self) -> bool {
        let fails = self.armed.iter().any(|armed| armed.fault == DiskFault::FailRead);
        if fails {
            self.failed_read.0.store(true, Ordering::Relaxed);
        }
        fails
    }

    pub(super) const fn has_strays(&self) -> bool {
        !self.strays.is_empty()
    }

    pub(super) fn strike(&mut self, struck: Struck) {
        self.struck.push(struck);
    }
}

impl SimDisk {
    /// Makes a fault wait for its call, or changes whether the disk is full.
    pub(crate) fn arm(&mut self, armed: Armed) {
        match armed.fault {
            DiskFault::Full => self.faults.is_full = true,
            DiskFault::Room => self.faults.is_full = false,
            DiskFault::FailSync | DiskFault::FailWrite | DiskFault::FailRead | DiskFault::Misdirect => {
                self.faults.armed.push(armed)
            }
            DiskFault::Rot | DiskFault::LoseFile | DiskFault::Save | DiskFault::Restore => {}
        }
    }

    /// Gives a full disk room again.
    pub(crate) fn make_room(&mut self) {
        self.faults.is_full = false;
    }

    /// Disarms the faults that wait, also that of a sync under way. They stay known as faults that never struck.
    pub(crate) fn spare(&mut self) {
        let under_way = self.syncs.iter_mut().filter_map(|sync| sync.fails.take());
        self.faults.spared.extend(under_way);
        self.faults.spared.append(&mut self.faults.armed);
        self.power.lasts_for(None);
    }

    /// The faults that have not struck: waiting or disarmed.
    pub(crate) fn unmet(&self) -> impl Iterator<Item = &Armed> {
        self.faults.armed.iter().chain(&self.faults.spared)
    }

    pub(crate) fn has_struck(&self) -> bool {
        !self.faults.struck.is_empty() || self.faults.failed_read.0.load(Ordering::Relaxed)
    }

    /// Takes the faults that struck since the last call.
    pub(crate) fn take_struck(&mut self) -> Vec<Struck> {
        if core::mem::take(&mut self.faults.failed_read).0.into_inner()
            && self.faults.take(DiskFault::FailRead).is_some()
        {
            self.faults.strike(Struck::Failed(FailingCall::Read));
        }
        core::mem::take(&mut self.faults.struck)
    }

    /// Applies the faults that wait for a write: it fails, or it goes to another offset than `offset`.
    #[cold]
    pub(super) fn inject_write_faults(
        &mut self,
        name: &str,
        offset: u64,
        length: usize,
    ) -> Result<u64, DiskError> {
        if self.faults.take(DiskFault::FailWrite).is_some() {
            self.faults.strike(Struck::Failed(FailingCall::Write));
            return Err(DiskError::Io("the write failed".to_owned()));
        }
        Ok(self.deflect(name, offset, length))
    }

    /// The offset where a write lands: another one if a misdirection waits and finds a place.
    fn deflect(&mut self, name: &str, offset: u64, length: usize) -> u64 {
        let waits = self.faults.armed.iter().position(|armed| armed.fault == DiskFault::Misdirect);
        let Some(waits) = waits else { return offset };
        let Some(instead) = self.astray(name, length, self.faults.armed[waits].draw) else { return offset };
        self.faults.armed.remove(waits);
        self.faults.strike(Struck::Astray { file: name.to_owned(), meant: offset, instead });
        self.faults.strays.push(self.numbers + 1);
        instead
    }
}

impl Disk for SimDisk {
    fn create(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        self.power.check()?;
        if self.folder.contains_key(name) {
            return Err(DiskError::Exists(name.to_owned()));
        }
        if self.free_space()? < length {
            if self.faults.is_full {
                self.faults.strike(Struck::Create);
            }
            return Err(DiskError::Full);
        }
        let pages = usize::try_from(length.div_ceil(PAGE as u64)).map_err(|_| DiskError::Full)?;
        let id = self.number();
        self.files.insert(id, Arc::new(SimFile { length, pages: alloc::vec![None; pages] }));
        self.folder.insert(name.into(), id);
        self.power.called();
        Ok(())
    }

    fn list(&self) -> Result<Vec<(String, u64)>, DiskError> {
        Ok(self.folder.iter().map(|(name, id)| (String::from(&**name), self.file(*id).length)).collect())
    }

    fn blank_from(&self, name: &str) -> Result<u64, DiskError> {
        let file = self.file(self.id(name)?);
        let written = file.pages.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        Ok(file.length.min((written * PAGE) as u64))
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> Result<(), DiskError> {
        let id = self.id(name)?;
        self.check_range(id, name, offset, into.len())?;
        if self.faults.fails_read() {
            return Err(DiskError::Io("the read failed".to_owned()));
        }
        self.get(id, offset, into);
        Ok(())
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.power.check()?;
        let file = self.id(name)?;
        self.check_range(file, name, offset, bytes.len())?;
        let offset = if self.faults.armed.is_empty() {
            offset
        } else {
            self.inject_write_faults(name, offset, bytes.len())?
        };
        let undo = if self.is_blank(file, offset, bytes.len()) {
            Undo::Blank { offset, length: bytes.len() }
        } else {
            let mut before = alloc::vec![0; bytes.len()];
            self.get(file, offset, &mut before);
            Undo::Write { offset, before: before.into() }
        };
        let number = self.number();
        self.unsynced.push_back(Change { number, file, undo, is_forsaken: false });
        self.put(file, offset, bytes);
        self.power.wrote(file);
        Ok(())
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        self.power.check()?;
        let file = self.id(name)?;
        let before = Arc::clone(self.file(file));
        if length >= before.length {
            return Ok(());
        }
        let mut after = SimFile::clone(&before);
        after.length = length;
        after.pages.truncate(usize::try_from(length.div_ceil(PAGE as u64)).map_err(|_| DiskError::Full)?);
        self.files.insert(file, Arc::new(after));
        let (number, undo) = (self.number(), Undo::Truncate { before, after: length });
        self.unsynced.push_back(Change { number, file, undo, is_forsaken: false });
        self.power.called();
        Ok(())
    }

    fn start_sync(&mut self, name: &str) -> Result<SyncId, DiskError> {
        self.power.check()?;
        let file = self.id(name)?;
        let number = self.number();
        let id = SyncId(number);
        let fails = self.faults.take(DiskFault::FailSync);
        self.syncs.push_back(Sync { id, file, below: number, fails });
        self.started.push_back(id);
        Ok(id)
    }

    fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        self.power.check()?;
        let file = self.id(name)?;
        if self.faults.take(DiskFault::FailSync).is_some() {
            return Err(self.forsake(file, u64::MAX));
        }
        self.settle(file, u64::MAX);
        self.power.called();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.power.check()?;
        let id = self.id(from)?;
        self.folder.remove(from);
        self.folder.insert(to.into(), id);
        self.power.called();
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.power.check()?;
        self.id(name)?;
        self.folder.remove(name);
        self.power.called();
        Ok(())
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.power.check()?;
        self.folder_synced = self.folder.clone();
        self.forget_unnamed();
        self.power.called();
        Ok(())
    }

    fn free_space(&self) -> Result<u64, DiskError> {
        if self.faults.is_full {
            return Ok(0);
        }
        let used: u64 = self.files.values().map(|file| file.length).sum();
        Ok(self.capacity.saturating_sub(used))
    }
}

/// The result of a sync; an error carries the file's name, as in its journal's report.
pub(crate) type Ended = (SyncId, Result<(), (String, DiskError)>);
