//! The owner of a journal, and its limits. Both are fixed when storage is formatted.

use core::fmt;

use super::JournalError;
use super::segment::{self, BATCH_HEADER_BYTES, SEGMENT_HEADER_BYTES};
use crate::ids::ProcessId;

/// The longest segment that may be configured, in bytes.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// Bytes kept free after each batch of records, for two marks and the close of the segment. The sync in progress when
/// the batch is written and the batch's own sync write one mark each. Before a third mark there is another batch.
pub(super) const SPARE_BYTES: u64 = 3 * BATCH_HEADER_BYTES as u64;

/// Bytes of a segment that are not for records, if the segment holds one batch.
pub(super) const OVERHEAD_BYTES: u64 = (SEGMENT_HEADER_BYTES + BATCH_HEADER_BYTES) as u64 + SPARE_BYTES;

/// The owner of a journal. Written when storage is formatted, and checked at every opening.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The number of the cluster.
    pub cluster: u64,
    /// The process within the cluster.
    pub process: ProcessId,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of cluster {:016x}", self.process, self.cluster)
    }
}

/// The limits of a journal, fixed when storage is formatted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalConfig {
    /// The length of each file, in bytes. The records of one [`Journal::append`](super::Journal::append) must fit one
    /// file.
    pub segment_bytes: u64,
    /// The maximum number of bytes that one record may take.
    pub record_max: usize,
}

impl Default for JournalConfig {
    fn default() -> JournalConfig {
        JournalConfig { segment_bytes: 4 << 20, record_max: 64 << 10 }
    }
}

impl JournalConfig {
    /// The shortest file that holds a record of the largest size and, in one batch, `burst_bytes` of records.
    pub fn bytes_min(&self, burst_bytes: u64) -> u64 {
        segment::record_bytes(self.record_max as u64).max(burst_bytes) + OVERHEAD_BYTES
    }

    /// Fails unless the segment length is legal and leaves room for a record of the largest size.
    pub fn check(&self) -> Result<(), JournalError> {
        let too_large = |what, bytes, max| Err(JournalError::TooLarge { what, bytes, max });
        if self.segment_bytes > SEGMENT_BYTES_MAX {
            return too_large("a segment", self.segment_bytes, SEGMENT_BYTES_MAX);
        }
        let needed = segment::record_bytes(self.record_max as u64) + OVERHEAD_BYTES;
        if needed > self.segment_bytes {
            return too_large("a batch of one record of the largest size", needed, self.segment_bytes);
        }
        Ok(())
    }
}
