//! Makes an empty journal, and opens one that is there.

use alloc::vec::Vec;

use super::recovery::{Scan, Unproven};
use super::segment::{BatchKind, SegmentHeader, VERSION};
use super::{Disk, Identity, Journal, JournalConfig, JournalError, UNFINISHED, recovery, segment};
use crate::process::{Records, Recovered};

impl Journal {
    /// Writes an empty journal, durably, to storage that holds none. A crash leaves either no journal or a whole one.
    pub fn format(
        disk: &mut impl Disk,
        identity: &Identity,
        config: &JournalConfig,
    ) -> Result<(), JournalError> {
        Journal::format_after(disk, identity, config, 0).map(|_| ())
    }

    /// Like [`Journal::format`], for a process whose incarnations up to `incarnation` are over.
    pub(super) fn format_after(
        disk: &mut impl Disk,
        identity: &Identity,
        config: &JournalConfig,
        incarnation: u64,
    ) -> Result<(SegmentHeader, u32), JournalError> {
        config.check()?;
        if let Some(file) = recovery::segment_names(disk)?.into_iter().next() {
            return Err(JournalError::AlreadyFormatted { file });
        }
        let files = disk.list().map_err(JournalError::folder)?;
        if files.iter().any(|(name, _)| name == UNFINISHED) {
            disk.remove(UNFINISHED).map_err(JournalError::disk(UNFINISHED))?;
        }
        let header = SegmentHeader {
            version: VERSION,
            identity: *identity,
            number: 0,
            first: 0,
            incarnation,
            segment_bytes: u32::try_from(config.segment_bytes).expect("check() bounds it"),
            record_max: u32::try_from(config.record_max).expect("check() bounds it by the segment"),
            chain: 0,
        };
        let (bytes, checksum) = header.to_bytes();
        // The segment gets its name last, so no crash leaves a segment 0 without its header.
        disk.create(UNFINISHED, config.segment_bytes).map_err(JournalError::disk(UNFINISHED))?;
        disk.write(UNFINISHED, 0, &bytes).map_err(JournalError::disk(UNFINISHED))?;
        disk.sync(UNFINISHED).map_err(JournalError::disk(UNFINISHED))?;
        // A crash may undo some changes of the folder and keep others; only this file may get the name.
        disk.sync_dir().map_err(JournalError::folder)?;
        disk.rename(UNFINISHED, &segment::file_name(0)).map_err(JournalError::disk(UNFINISHED))?;
        disk.sync_dir().map_err(JournalError::folder)?;
        Ok((header, checksum))
    }

    /// Reads the journal of `identity` back, cuts what was never reported as durable, and begins the next incarnation.
    ///
    /// Returns the encoded records in order. The incarnation and all returned records are durable.
    pub fn open(
        disk: &mut impl Disk,
        identity: &Identity,
    ) -> Result<(Journal, Recovered<Vec<u8>>), JournalError> {
        let Scan { tail, first, records, unproven, behind, is_reserved } = recovery::scan(disk, identity)?;
        disk.sync_dir().map_err(JournalError::folder)?;
        // Invariant 9: newest first.
        for number in behind.into_iter().rev() {
            let name = segment::file_name(number);
            disk.remove(&name).map_err(JournalError::disk(&name))?;
            disk.sync_dir().map_err(JournalError::folder)?;
        }
        let mut journal = Journal {
            identity: *identity,
            segment_bytes: first.segment_bytes,
            record_max: first.record_max,
            tail,
            name: segment::file_name(tail.segment),
            durable: tail.number,
            unsynced: unproven.iter().map(|segment| segment.number).collect(),
            syncing: None,
            is_reserved,
            scratch: Vec::new(),
        };
        // Invariant 6: the opening below states that everything before it is synced.
        write_again(disk, &unproven)?;
        journal.sync_inline(disk)?;
        // Invariant 7: its creator may have ended before syncing it, so its length may not be durable.
        if is_reserved {
            let name = segment::file_name(tail.segment + 1);
            disk.sync(&name).map_err(JournalError::disk(&name))?;
        }
        journal.begin_incarnation(disk)?;
        journal.reserve_ahead(disk)?;
        let recovered = Recovered { incarnation: journal.tail.incarnation, records };
        Ok((journal, recovered))
    }

    /// Writes the opening of the next incarnation and makes it durable.
    fn begin_incarnation(&mut self, disk: &mut impl Disk) -> Result<(), JournalError> {
        let incarnation = self.tail.incarnation.checked_add(1).ok_or_else(|| JournalError::Damaged {
            file: self.name.clone(),
            offset: self.tail.end,
            reason: "no incarnation is left".into(),
        })?;
        if self.tail.is_closed {
            self.begin_over(disk, incarnation)?;
        } else {
            self.make_room(disk, 0)?;
            self.put(disk, BatchKind::Open, incarnation, 0, &Records::default())?;
        }
        self.note_unsynced();
        self.sync_inline(disk)?;
        self.durable = self.tail.number;
        self.mark(disk)
    }

    /// Writes the opening, then the header of the segment after a close that was read back.
    ///
    /// A crash may have left batches in that segment and taken their header, and the header to be written has the same
    /// bytes. So the opening durably replaces the first of those batches before they have a header to be chained to.
    fn begin_over(&mut self, disk: &mut impl Disk, incarnation: u64) -> Result<(), JournalError> {
        let (bytes, tail) = self.next_header();
        self.enter(tail);
        self.put(disk, BatchKind::Open, incarnation, 0, &Records::default())?;
        disk.sync(&self.name).map_err(JournalError::disk(&self.name))?;
        disk.write(&self.name, 0, &bytes).map_err(JournalError::disk(&self.name))
    }
}

/// Writes again, in place, what recovery read: a failed sync may have left it only in the cache.
///
/// No crash makes this harmful. Where the device has these bytes already, the written bytes are the same, so any part
/// of the write that arrives, in whatever order, changes nothing. Where the device lacks them, a part that arrives is a
/// part of the first write. Recovery reads it like any torn or scattered write; it was never reported as durable. A
/// device that loses the rest of a block when power fails during a write of that block would lose the same at each
/// append, which writes the block of the batch before it.
fn write_again(disk: &mut impl Disk, unproven: &[Unproven]) -> Result<(), JournalError> {
    for Unproven { number, start, bytes, .. } in unproven.iter().filter(|segment| !segment.bytes.is_empty()) {
        let name = segment::file_name(*number);
        disk.write(&name, *start, bytes).map_err(JournalError::disk(&name))?;
    }
    Ok(())
}
