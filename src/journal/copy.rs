//! Reads a whole journal without opening it, and writes its contents as the journal of another owner.
//!
//! Only for restoring a cluster from copies of all its storage under another cluster number: a process that continues
//! from an old copy of its own journal has forgotten its promises.

use alloc::vec::Vec;

use super::config::OVERHEAD_BYTES;
use super::disk::Disk;
use super::recovery::{self, Scan, Tail};
use super::{Identity, Journal, JournalConfig, JournalError, segment};
use crate::process::{Records, Recovered};

/// The maximum number of bytes of records in one batch of a written journal, unless one record is longer.
const BATCH_BYTES: u64 = 256 << 10;

/// Everything that a journal holds.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The last incarnation, which is over, and the encoded records, oldest first.
    pub recovered: Recovered<Vec<u8>>,
    /// The limits with which it was formatted.
    pub limits: JournalConfig,
}

impl Journal {
    /// Reads the contents of the journal of `identity` without beginning an incarnation: `disk` stays unchanged.
    ///
    /// The end of the contents may have never been reported as durable, as after any crash.
    pub fn read(disk: &impl Disk, identity: &Identity) -> Result<Contents, JournalError> {
        let Scan { tail, first, records, .. } = recovery::scan(disk, identity)?;
        let limits = JournalConfig {
            segment_bytes: first.segment_bytes.into(),
            record_max: first.record_max as usize,
        };
        Ok(Contents { recovered: Recovered { incarnation: tail.incarnation, records }, limits })
    }

    /// Writes `contents`, durably, as the journal of `identity` to storage that holds none. Incarnations continue from
    /// that of the contents, so no number is used twice.
    ///
    /// A crash leaves no journal or one that lacks records: use the journal only if this call returned.
    pub fn write(disk: &mut impl Disk, identity: &Identity, contents: &Contents) -> Result<(), JournalError> {
        let Contents { recovered, limits } = contents;
        let (header, checksum) = Journal::format_after(disk, identity, limits, recovered.incarnation)?;
        let mut journal = Journal {
            identity: *identity,
            segment_bytes: header.segment_bytes,
            record_max: header.record_max,
            tail: Tail::behind(&header, checksum),
            name: segment::file_name(header.number),
            durable: 0,
            unsynced: Vec::new(),
            syncing: None,
            is_reserved: false,
            scratch: Vec::new(),
        };
        let room = limits.segment_bytes.saturating_sub(OVERHEAD_BYTES).min(BATCH_BYTES);
        let (mut batch, mut bytes) = (Records::default(), 0);
        for record in &recovered.records {
            let more = segment::record_bytes(record.len() as u64);
            if bytes + more > room {
                journal.append(disk, &core::mem::take(&mut batch))?;
                bytes = 0;
            }
            batch.push(record);
            bytes += more;
        }
        journal.append(disk, &batch)?;
        journal.sync_inline(disk)?;
        journal.durable = journal.tail.number;
        // With a synced mark, recovery detects rot in any batch.
        journal.mark(disk)?;
        journal.note_unsynced();
        journal.sync_inline(disk)
    }
}
