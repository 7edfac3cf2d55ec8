//! The parts of a journal that recovery cannot do without, for tests that damage storage and expect detection.

use alloc::string::String;
use alloc::vec::Vec;

use super::JournalError;
use super::disk::Disk;
use super::recovery::{self, Listed, Tail};
use super::segment::{Batch, SEGMENT_HEADER_BYTES, SegmentHeader};

/// The beginning of a segment's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vital {
    /// The name of the file.
    pub file: String,
    /// Recovery detects any change of a byte below this offset, and reports damage.
    pub end: u64,
    /// Whether this is the lowest segment, whose header alone is already vital.
    pub is_lowest: bool,
}

/// The files of the journal on `disk` and how much of each is vital: everything before the highest batch that a batch
/// after it states as synced. Recovery may silently cut what follows that.
pub fn vital(disk: &impl Disk) -> Result<Vec<Vital>, JournalError> {
    let Chain { files, batches, .. } = Chain::read(disk)?;
    let synced = batches.iter().map(|batch| batch.synced).max().unwrap_or(0);
    let end_of = |file: usize| {
        let below = batches.iter().filter(|batch| batch.file == file && batch.number < synced);
        below.map(|batch| batch.end).max().unwrap_or(if file == 0 { SEGMENT_HEADER_BYTES as u64 } else { 0 })
    };
    let part = |(index, file): (usize, &Listed)| Vital {
        file: file.name.clone(),
        end: end_of(index),
        is_lowest: index == 0,
    };
    Ok(files.iter().enumerate().map(part).filter(|part| part.end > 0).collect())
}

/// The files of the journal on `disk` whose loss recovery reports, in the order of their numbers: the lowest, and all
/// that follow a closed one. The other files hold nothing durable.
pub fn needed(disk: &impl Disk) -> Result<Vec<String>, JournalError> {
    let Chain { files, closed, .. } = Chain::read(disk)?;
    Ok(files.into_iter().take(closed + 1).map(|file| file.name).collect())
}

/// A batch of the chain.
struct Link {
    /// The index of its file, in the order of the numbers.
    file: usize,
    number: u64,
    synced: u64,
    /// Where the batch ends, in bytes of its file.
    end: u64,
}

/// The journal up to the end of its chain; nothing after that is checked.
struct Chain {
    files: Vec<Listed>,
    batches: Vec<Link>,
    /// How many segments are closed; they are the lowest ones.
    closed: usize,
}

impl Chain {
    fn read(disk: &impl Disk) -> Result<Chain, JournalError> {
        let files = recovery::list(disk)?;
        let lowest = files.first().ok_or(JournalError::NotFormatted)?;
        let header = SegmentHeader::read(&lowest.read(disk)?);
        let (first, checksum) =
            header.ok_or_else(|| lowest.damaged("the header of the lowest segment is bad"))?;
        let mut tail = Tail::behind(&first, checksum);
        let (mut batches, mut closed) = (Vec::new(), 0);
        for (file, listed) in files.iter().enumerate() {
            let bytes = listed.read(disk)?;
            if file > 0 {
                let header = SegmentHeader::read(&bytes);
                let header = header.filter(|(header, _)| tail.is_followed_by(&first, header));
                let Some((header, checksum)) = header else { break };
                tail = Tail::behind(&header, checksum);
            }
            let mut rest = bytes.get(SEGMENT_HEADER_BYTES..).unwrap_or(&[]);
            while let Some(batch) = Batch::read(rest).filter(|batch| tail.is_continued_by(&batch.header)) {
                tail.pass(&batch.header, batch.checksum, batch.len());
                rest = &rest[batch.len()..];
                let (number, synced) = (batch.header.number, batch.header.synced);
                batches.push(Link { file, number, synced, end: tail.end });
            }
            closed += usize::from(tail.is_closed);
        }
        Ok(Chain { files, batches, closed })
    }
}
