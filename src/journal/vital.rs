//! What of a journal recovery cannot do without: for those who damage storage on purpose and expect to be found out.

use alloc::string::String;
use alloc::vec::Vec;

use super::JournalError;
use super::disk::Disk;
use super::recovery;

/// The beginning of a segment's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vital {
    /// Which file.
    pub file: String,
    /// Any change of a byte below this is found by recovery, and is damage.
    pub end: u64,
    /// Whether it is the lowest segment, of which the header alone is vital already.
    pub is_lowest: bool,
}

/// The files of the journal on `disk` and how much of each is vital: everything before the highest batch that a batch
/// behind it names as synced. Whatever stands behind that may be cut without a word.
pub fn vital(disk: &impl Disk) -> Result<Vec<Vital>, JournalError> {
    recovery::vital(disk)
}
