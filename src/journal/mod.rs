//! Append-only checksummed records on a tiny [`Disk`]: what a process asked its host to make durable, read back after
//! any crash.
//!
//! A journal stores bytes and does not interpret records. It reads no clock, and its only I/O goes through the [`Disk`]
//! that each call receives. It never repairs: if what was synced cannot be read back, the process stops.
//!
//! # Format
//!
//! Files `segment-00000000.log`, `segment-00000001.log`, … of equal length, preallocated. After its last batch a
//! segment holds zeros or what recovery cut. Integers are little-endian; a row is 16 bytes.
//!
//! ```text
//! segment      0               4               8               12              16
//!            0 │ ff a v i a r y j              │ version       │ process   │ 0 │
//!           16 │ cluster                       │ segment number                │
//!           32 │ number of its first batch     │ incarnation that began it     │
//!           48 │ segment bytes │ record max    │ chain         │ checksum      │
//!           64 │ batch, batch, …, zeros        :                               :
//!
//! batch        0               4               8               12              16
//!            0 │ ff a b │ kind │ bytes after   │ incarnation                   │
//!           16 │ its number                    │ synced end                    │
//!           32 │ chain         │ checksum      │ records, each after its LEB128 length
//!           48 │ …                             :                               :
//! ```
//!
//! Kind 0 is a batch of records. Kind 1 is an *opening*, written when a process starts. These two are numbered from 0
//! through all segments, and an [`Offset`] counts them. Kind 2 is a *mark*: it carries the number of the next batch and
//! only states the synced end. Kind 3 is a *close*: a mark that also ends its segment and states that the file of the
//! next segment exists. `chain` repeats the checksum of what stands before, a batch or a segment's header. The checksum
//! (CRC-32) covers everything else of the header or batch.
//!
//! Numbers of segments need not begin at 0: once snapshots replace the oldest batches, their segments can be removed,
//! oldest first. Until then the lowest segment must begin with batch 0. The numbers of the present segments have no
//! gap.
//!
//! # Invariants
//!
//! 1. A batch is read back whole or not at all, and only after an unbroken chain.
//! 2. A synced end is written only after everything below it was synced. So it stays true forever, whatever is cut
//!    later, and a stale synced end is harmless.
//! 3. If the chain breaks below a synced end that any readable batch after the break states, that is
//!    [damage](JournalError::Damaged) and nothing is changed. Otherwise what follows the break was never reported as
//!    durable, and recovery cuts it, even if some of it is readable.
//! 4. What was cut never comes back. The next batch at the cut is an opening. Only an opening may raise the
//!    incarnation, by exactly one; every other batch must have the incarnation of the batch before it. What follows the
//!    cut has an older incarnation.
//! 5. An incarnation is returned only when its opening is durable, so none is returned twice.
//! 6. Before recovery writes anything that states a synced end, it makes durable everything that it read below that
//!    end. It may have read a cache, and a sync alone does not write what a failed sync left in the cache: the
//!    operating system may count those pages as clean. So recovery writes again, byte for byte, what no synced end
//!    covers, and then syncs it.
//! 7. A segment is created, and its creation made durable, before the segment before it is closed. Recovery syncs a
//!    blank segment that it finds like one that it made. A segment begins after that close. Everything that may be
//!    unsynced in the segments before it, the close included, is synced no later than the segment itself.
//! 8. A mark is not synced for its own sake, so an idle journal comes to rest.
//! 9. Recovery removes the segments that it cuts newest first, and makes each removal durable before the next. So no
//!    crash during creations or removals leaves a gap in the numbers. The segment after a close always exists in its
//!    full length: it is never removed, only overwritten from its beginning.
//!
//! # Files that vanish
//!
//! If files are removed, recovery detects that or the files held nothing durable. A batch is durable only after the
//! closes of all segments before its own are (7). So a missing file that held a durable batch lies in a gap, follows a
//! close or is the lowest, and each of these is [reported](JournalError::Missing). A file of wrong length, or with the
//! header of another segment, process or format, is [damage](JournalError::Damaged) wherever a crash cannot leave one.
//!
//! # Not detected
//!
//! - Rot in the last batch, or in the close and the header right before it, while no mark and no later batch states a
//!   later synced end. It looks like a torn write and is cut. To keep that window small, a mark follows each sync at
//!   once, and each batch leaves room for it.
//! - All zeros in place of the last segment at unchanged length, as if the blank reserve were copied over it: it looks
//!   like a segment whose first write was lost.
//! - An older copy of the last segment, or of all of them, in place of the newer one: each of its bytes was right once.
//! - All files gone at once: that is refused as storage without a journal, but looks like storage that never had one.

mod config;
mod copy;
pub mod disk;
mod error;
mod opening;
mod recovery;
mod segment;
pub mod vital;

#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

pub use config::{Identity, JournalConfig, SEGMENT_BYTES_MAX};
pub use copy::Contents;
pub use disk::{Disk, DiskError, SyncId};
pub use error::JournalError;

use self::config::{OVERHEAD_BYTES, SPARE_BYTES};
use self::recovery::Tail;
use self::segment::{BATCH_HEADER_BYTES, BatchHeader, BatchKind, SegmentHeader, VERSION};
use crate::outbox::Offset;
use crate::process::Records;

/// Name of a segment file during formatting, until it is whole.
const UNFINISHED: &str = "format.tmp";

/// Whether a journal has or may create a file of this name.
pub fn is_file_name(name: &str) -> bool {
    name == UNFINISHED || segment::file_number(name).is_some()
}

/// An open journal: its end and how much is durable. It holds no [`Disk`]; pass the same one to every call.
#[derive(Clone, Debug)]
pub struct Journal {
    identity: Identity,
    segment_bytes: u32,
    record_max: u32,
    tail: Tail,
    /// The file of the tail's segment.
    name: String,
    /// Batches below this number are durable.
    durable: u64,
    /// Segments written to since their last sync was started, in order. A mark alone does not count.
    unsynced: Vec<u64>,
    /// The sync in progress, and the batch number below which it makes everything durable.
    syncing: Option<(SyncId, u64)>,
    /// Whether the segment after the tail's exists durably.
    is_reserved: bool,
    /// Empty between calls.
    scratch: Vec<u8>,
}

impl Journal {
    /// Writes `records` as one batch: after a crash either all of them are there or none. Returns [`Self::appended`].
    ///
    /// After an error of [`DiskError::Full`] or [`JournalError::TooLarge`] the journal is unchanged and usable.
    pub fn append(&mut self, disk: &mut impl Disk, records: &Records) -> Result<Offset, JournalError> {
        if records.is_empty() {
            return Ok(self.appended());
        }
        let longest = records.iter().map(<[u8]>::len).max().unwrap_or(0) as u64;
        if longest > self.record_max.into() {
            let max = self.record_max.into();
            return Err(JournalError::TooLarge { what: "a record", bytes: longest, max });
        }
        let body_bytes = segment::body_bytes(records.iter());
        let max = u64::from(self.segment_bytes).saturating_sub(OVERHEAD_BYTES);
        let body_bytes = u32::try_from(body_bytes)
            .ok()
            .filter(|bytes| u64::from(*bytes) <= max)
            .ok_or(JournalError::TooLarge { what: "a batch of records", bytes: body_bytes, max })?;
        let segment = self.tail.segment;
        self.make_room(disk, body_bytes)?;
        self.put(disk, BatchKind::Records, self.tail.incarnation, body_bytes, records)?;
        self.note_unsynced();
        if self.tail.segment != segment {
            self.reserve_ahead(disk)?;
        }
        Ok(self.appended())
    }

    /// The end of what was appended, in batches.
    pub fn appended(&self) -> Offset {
        Offset(self.tail.number)
    }

    /// The end of what is durable, in batches.
    pub fn durable(&self) -> Offset {
        Offset(self.durable)
    }

    /// The most bytes that one record may take, as formatted.
    pub fn record_max(&self) -> usize {
        self.record_max as usize
    }

    /// Starts to make durable what was appended; `None` when nothing is unsynced or a sync is in progress.
    ///
    /// If several files are unsynced, it syncs each, in order. The returned id is the last one's: when it ends, all
    /// have.
    pub fn start_sync(&mut self, disk: &mut impl Disk) -> Result<Option<SyncId>, JournalError> {
        if self.syncing.is_some() {
            return Ok(None);
        }
        let mut last = None;
        for number in &self.unsynced {
            let name = match *number == self.tail.segment {
                true => Cow::Borrowed(self.name.as_str()),
                false => Cow::Owned(segment::file_name(*number)),
            };
            last = Some(disk.start_sync(&name).map_err(JournalError::disk(&name))?);
        }
        self.unsynced.clear();
        self.syncing = last.map(|id| (id, self.tail.number));
        Ok(last)
    }

    /// Handles the end of a sync and returns [`Self::durable`]. An id other than that of the sync in progress changes
    /// nothing, such as the id of the first of two files.
    pub fn on_synced(&mut self, disk: &mut impl Disk, id: SyncId) -> Result<Offset, JournalError> {
        if let Some((_, number)) = self.syncing.take_if(|(awaited, _)| *awaited == id) {
            self.durable = number;
            self.mark(disk)?;
            self.reserve_ahead(disk)?;
        }
        Ok(self.durable())
    }

    /// Whether space for the next segment could not be reserved, so that only the rest of the present segment is left.
    /// The journal tries again after each sync, when the present segment is full, and in [`Journal::reserve`]. A host
    /// that takes on nothing while space is low may never sync, so it must call `reserve`.
    pub fn is_low(&self) -> bool {
        !self.is_reserved
    }

    /// Tries again to reserve space for the next segment, if space is low.
    pub fn reserve(&mut self, disk: &mut impl Disk) -> Result<(), JournalError> {
        self.reserve_ahead(disk)
    }

    /// Records the synced end for a later recovery. Nothing waits for a mark. Nothing follows a close: if the next
    /// segment could not be begun after it, there is no place for a mark.
    fn mark(&mut self, disk: &mut impl Disk) -> Result<(), JournalError> {
        if self.tail.is_closed {
            return Ok(());
        }
        self.put(disk, BatchKind::Mark, self.tail.incarnation, 0, &Records::default())
    }

    /// Writes a batch that fits.
    fn put(
        &mut self,
        disk: &mut impl Disk,
        kind: BatchKind,
        incarnation: u64,
        body_bytes: u32,
        records: &Records,
    ) -> Result<(), JournalError> {
        let header = BatchHeader {
            kind,
            incarnation,
            number: self.tail.number,
            synced: self.durable,
            chain: self.tail.chain,
        };
        self.scratch.clear();
        let checksum = segment::put_batch(&mut self.scratch, &header, body_bytes, records.iter());
        let end = self.tail.end + self.scratch.len() as u64;
        assert!(end <= self.tail.room, "a batch ends at byte {end} of a segment of {}", self.tail.room);
        disk.write(&self.name, self.tail.end, &self.scratch).map_err(JournalError::disk(&self.name))?;
        self.tail.pass(&header, checksum, self.scratch.len());
        self.scratch.clear();
        Ok(())
    }

    fn note_unsynced(&mut self) {
        if self.unsynced.last() != Some(&self.tail.segment) {
            self.unsynced.push(self.tail.segment);
        }
    }

    fn sync_inline(&mut self, disk: &mut impl Disk) -> Result<(), JournalError> {
        for number in &self.unsynced {
            let name = segment::file_name(*number);
            disk.sync(&name).map_err(JournalError::disk(&name))?;
        }
        self.unsynced.clear();
        Ok(())
    }

    fn has_room(&self, body_bytes: u32) -> bool {
        let batch_bytes = BATCH_HEADER_BYTES as u64 + u64::from(body_bytes);
        !self.tail.is_closed && self.tail.end + batch_bytes + SPARE_BYTES <= self.tail.room
    }

    /// Closes the present segment and continues in the next one if this one lacks room for the batch.
    fn make_room(&mut self, disk: &mut impl Disk, body_bytes: u32) -> Result<(), JournalError> {
        if self.has_room(body_bytes) {
            return Ok(());
        }
        self.reserve_ahead(disk)?;
        let name = segment::file_name(self.tail.segment + 1);
        if !self.is_reserved {
            return Err(JournalError::Disk { file: name, error: DiskError::Full });
        }
        if !self.tail.is_closed {
            self.put(disk, BatchKind::Close, self.tail.incarnation, 0, &Records::default())?;
        }
        // The chain runs through the close, so what follows must not be durable without it.
        self.note_unsynced();
        let (bytes, tail) = self.next_header();
        disk.write(&name, 0, &bytes).map_err(JournalError::disk(&name))?;
        self.enter(tail);
        Ok(())
    }

    /// The header of the segment after the present one, and the tail just after that header.
    fn next_header(&self) -> (Vec<u8>, Tail) {
        let header = SegmentHeader {
            version: VERSION,
            identity: self.identity,
            number: self.tail.segment + 1,
            first: self.tail.number,
            incarnation: self.tail.incarnation,
            segment_bytes: self.segment_bytes,
            record_max: self.record_max,
            chain: self.tail.chain,
        };
        let (bytes, checksum) = header.to_bytes();
        (bytes, Tail::behind(&header, checksum))
    }

    /// Continues in the reserved segment.
    fn enter(&mut self, tail: Tail) {
        self.tail = tail;
        self.name = segment::file_name(tail.segment);
        self.is_reserved = false;
    }

    /// Creates the next segment unless it exists. A full disk is not an error yet.
    fn reserve_ahead(&mut self, disk: &mut impl Disk) -> Result<(), JournalError> {
        if self.is_reserved {
            return Ok(());
        }
        let name = segment::file_name(self.tail.segment + 1);
        match disk.create(&name, self.segment_bytes.into()) {
            Err(DiskError::Full) => Ok(()),
            created => {
                created.map_err(JournalError::disk(&name))?;
                disk.sync_dir().map_err(JournalError::folder)?;
                self.is_reserved = true;
                Ok(())
            }
        }
    }
}
