//! Reads a journal back: follows the chain to its end, then searches what follows the end for proof that the chain
//! should have reached farther. Changes nothing.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::disk::Disk;
use super::segment::{
    BATCH_FIRST_BYTE, Batch, BatchHeader, BatchKind, SEGMENT_HEADER_BYTES, SegmentHeader, VERSION, file_name,
    file_number,
};
use super::{Identity, JournalConfig, JournalError, SEGMENT_BYTES_MAX};

/// The end of the chain: which batch may come next, and its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Tail {
    pub(super) segment: u64,
    /// Where the next batch begins, in bytes of the segment.
    pub(super) end: u64,
    /// Where the segment ends.
    pub(super) room: u64,
    /// The number of the next batch.
    pub(super) number: u64,
    pub(super) incarnation: u64,
    pub(super) chain: u32,
    /// Whether the segment ends here, so that the next batch goes to the next one, which exists.
    pub(super) is_closed: bool,
}

impl Tail {
    /// The tail just after a segment's header.
    pub(super) fn behind(header: &SegmentHeader, checksum: u32) -> Tail {
        Tail {
            segment: header.number,
            end: SEGMENT_HEADER_BYTES as u64,
            room: header.segment_bytes.into(),
            number: header.first,
            incarnation: header.incarnation,
            chain: checksum,
            is_closed: false,
        }
    }

    /// Whether a batch with this header belongs here. What an earlier incarnation left after a cut does not belong
    /// here, whatever its checksums: the first batch after a cut is an opening, and it raises the incarnation.
    pub(super) fn is_continued_by(&self, header: &BatchHeader) -> bool {
        let incarnation = match header.kind {
            BatchKind::Open => self.incarnation.checked_add(1),
            BatchKind::Records | BatchKind::Mark | BatchKind::Close => Some(self.incarnation),
        };
        !self.is_closed
            && header.chain == self.chain
            && header.number == self.number
            && Some(header.incarnation) == incarnation
    }

    /// Moves past a batch that was read or written here.
    pub(super) fn pass(&mut self, header: &BatchHeader, checksum: u32, bytes: usize) {
        self.end += bytes as u64;
        self.incarnation = header.incarnation;
        self.chain = checksum;
        self.number = match header.kind {
            BatchKind::Records | BatchKind::Open => header.number + 1,
            BatchKind::Mark | BatchKind::Close => header.number,
        };
        self.is_closed = header.kind == BatchKind::Close;
    }

    /// Follows the chain through the rest of this segment.
    fn follow(&mut self, bytes: &[u8], records: &mut Vec<Vec<u8>>) -> Result<u64, JournalError> {
        let mut synced = 0;
        let mut rest = bytes.get(SEGMENT_HEADER_BYTES..).unwrap_or(&[]);
        while let Some(batch) = Batch::read(rest).filter(|batch| self.is_continued_by(&batch.header)) {
            for record in batch.records() {
                let damaged =
                    |error| self.damaged(format!("a record of an intact batch is not one: {error}"));
                records.push(record.map_err(damaged)?.into());
            }
            synced = batch.header.synced;
            self.pass(&batch.header, batch.checksum, batch.len());
            rest = &rest[batch.len()..];
        }
        Ok(synced)
    }

    /// Whether the segment with header `next` continues this one, which must be closed.
    pub(super) fn is_followed_by(&self, first: &SegmentHeader, next: &SegmentHeader) -> bool {
        let expected = SegmentHeader {
            number: self.segment + 1,
            first: self.number,
            incarnation: self.incarnation,
            chain: self.chain,
            ..*first
        };
        self.is_closed && *next == expected
    }

    fn damaged(&self, reason: String) -> JournalError {
        JournalError::Damaged { file: file_name(self.segment), offset: self.end, reason }
    }
}

/// The result of reading a journal.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) tail: Tail,
    /// The header of the lowest segment.
    pub(super) first: SegmentHeader,
    pub(super) records: Vec<Vec<u8>>,
    /// The segments that may hold unsynced bytes, in order; the last is that of the tail.
    pub(super) unproven: Vec<Unproven>,
    /// Segments after the end that nothing durable needs, in order.
    pub(super) behind: Vec<u64>,
    /// Whether the segment after the tail's exists in its full length, and is blank unless the tail is closed.
    pub(super) is_reserved: bool,
}

/// A segment of the chain, with the part of it that no synced end covers.
#[derive(Clone, Debug)]
pub(super) struct Unproven {
    pub(super) number: u64,
    /// The number of its first batch.
    first: u64,
    /// Where `bytes` begin in the segment.
    pub(super) start: u64,
    /// The bytes from `start` to the end of the chain in this segment, as they were read.
    pub(super) bytes: Vec<u8>,
}

impl Unproven {
    fn all_of(header: &SegmentHeader, bytes: Vec<u8>) -> Unproven {
        Unproven { number: header.number, first: header.first, start: 0, bytes }
    }

    /// Drops the bytes before the end of the last batch that is below `synced`. A sync covers everything written to the
    /// file before it, so marks and the header are proven together with the batch after them.
    fn leave_out_proven(&mut self, synced: u64, is_lowest: bool) {
        // The header of the lowest segment was synced before the segment had its name.
        let mut proven = if is_lowest { SEGMENT_HEADER_BYTES } else { 0 };
        let mut at = SEGMENT_HEADER_BYTES;
        while let Some(batch) = self.bytes.get(at..).and_then(Batch::read) {
            at += batch.len();
            if batch.header.number >= synced {
                break;
            }
            proven = at;
        }
        self.bytes.drain(..proven);
        self.start = proven as u64;
    }
}

/// A segment file as the disk lists it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) number: u64,
    pub(super) name: String,
    bytes: u64,
}

impl Listed {
    /// The contents of the file, without the zeros at its end that the disk knows without reading.
    pub(super) fn read(&self, disk: &impl Disk) -> Result<Vec<u8>, JournalError> {
        let written = disk.blank_from(&self.name).map_err(JournalError::disk(&self.name))?;
        let length = usize::try_from(self.bytes.min(written).min(SEGMENT_BYTES_MAX)).unwrap_or(usize::MAX);
        let mut bytes = alloc::vec![0; length];
        disk.read(&self.name, 0, &mut bytes).map_err(JournalError::disk(&self.name))?;
        Ok(bytes)
    }

    /// Fails on a wrong length. A file has its full length once its creation is durable, which is before its first use.
    fn check_length(&self, first: &SegmentHeader) -> Result<(), JournalError> {
        let expected = u64::from(first.segment_bytes);
        if self.bytes == expected {
            return Ok(());
        }
        let reason = format!("it has {} bytes instead of {expected}", self.bytes);
        Err(JournalError::Damaged { file: self.name.clone(), offset: self.bytes.min(expected), reason })
    }

    /// Fails if the file holds a sound header that is not its own: no crash leaves one.
    fn check_owner(&self, found: &SegmentHeader, identity: &Identity) -> Result<(), JournalError> {
        let of = if found.version != VERSION {
            format!("of format {}", found.version)
        } else if found.identity != *identity {
            format!("of {}", found.identity)
        } else if found.number != self.number {
            format!("of segment {}", found.number)
        } else {
            return Ok(());
        };
        Err(self.damaged(format!("its header is one {of}")))
    }

    /// The error that the file before this one is missing.
    fn lacks_the_one_before(&self, reason: &str) -> JournalError {
        JournalError::Missing { file: file_name(self.number - 1), reason: format!("{} {reason}", self.name) }
    }

    pub(super) fn damaged(&self, reason: impl Into<String>) -> JournalError {
        JournalError::Damaged { file: self.name.clone(), offset: 0, reason: reason.into() }
    }
}

/// The names of all segments, in the order of their numbers.
pub(super) fn segment_names(disk: &impl Disk) -> Result<Vec<String>, JournalError> {
    Ok(list(disk)?.into_iter().map(|listed| listed.name).collect())
}

pub(super) fn list(disk: &impl Disk) -> Result<Vec<Listed>, JournalError> {
    let files = disk.list().map_err(JournalError::folder)?;
    let listed =
        |(name, bytes): (String, u64)| file_number(&name).map(|number| Listed { number, name, bytes });
    let mut segments: Vec<Listed> = files.into_iter().filter_map(listed).collect();
    segments.sort_by_key(|segment| segment.number);
    Ok(segments)
}

/// Reads the journal of `identity`.
pub(super) fn scan(disk: &impl Disk, identity: &Identity) -> Result<Scan, JournalError> {
    let files = list(disk)?;
    let lowest = files.first().ok_or(JournalError::NotFormatted)?;
    let bytes = lowest.read(disk)?;
    let (first, checksum) = read_first(lowest, &bytes, identity)?;
    let mut tail = Tail::behind(&first, checksum);
    let mut records = Vec::new();
    let mut synced = 0;
    let mut unproven = alloc::vec![Unproven::all_of(&first, bytes)];
    let mut behind = files.get(1..).unwrap_or(&[]);
    check_gaps(&files)?;
    let last = loop {
        let present = unproven.last_mut().expect("the segment being followed");
        synced = tail.follow(&present.bytes, &mut records)?.max(synced);
        // A batch known to be synced proves that all segments before its own are synced, marks included.
        if let Some(proven) = unproven.iter().rposition(|segment| segment.first < synced) {
            unproven.drain(..proven);
        }
        let present = unproven.last_mut().expect("the segment being followed");
        let end = usize::try_from(tail.end).expect("it was read");
        if !tail.is_closed {
            break present.bytes.split_off(end);
        }
        let Some((next, rest)) = behind.split_first() else {
            let reason = format!("{} was closed when it was there", file_name(tail.segment));
            return Err(JournalError::Missing { file: file_name(tail.segment + 1), reason });
        };
        next.check_length(&first)?;
        let next_bytes = next.read(disk)?;
        let Some((header, checksum)) = SegmentHeader::read(&next_bytes) else {
            break present.bytes.split_off(end);
        };
        present.bytes.truncate(end);
        next.check_owner(&header, identity)?;
        if !tail.is_followed_by(&first, &header) {
            // A crash leaves nothing of the first write, a part of it, or exactly this header.
            return Err(next.damaged(format!("its header does not follow {}", file_name(tail.segment))));
        }
        tail = Tail::behind(&header, checksum);
        unproven.push(Unproven::all_of(&header, next_bytes));
        behind = rest;
    };
    let is_reserved = look_behind(disk, &tail, &last, behind, &first)?;
    for segment in &mut unproven {
        segment.leave_out_proven(synced, segment.number == first.number);
    }
    let behind = behind.iter().skip(usize::from(is_reserved)).map(|file| file.number).collect();
    Ok(Scan { tail, first, records, unproven, behind, is_reserved })
}

/// Fails if a number is missing between two that exist: no crash leaves a gap.
fn check_gaps(files: &[Listed]) -> Result<(), JournalError> {
    let gap = files.windows(2).find(|pair| pair[1].number != pair[0].number + 1);
    gap.map_or(Ok(()), |pair| {
        let reason = format!("there is {}, which was made after it", pair[1].name);
        Err(JournalError::Missing { file: file_name(pair[0].number + 1), reason })
    })
}

/// Reads the header of the lowest segment. It was synced before the segment had its name, so it is never torn.
fn read_first(
    lowest: &Listed,
    bytes: &[u8],
    identity: &Identity,
) -> Result<(SegmentHeader, u32), JournalError> {
    let (header, checksum) = SegmentHeader::read(bytes).ok_or_else(|| match lowest.number {
        0 => lowest.damaged("the header of the lowest segment is bad"),
        _ => lowest.lacks_the_one_before("is the lowest and has no header of its own"),
    })?;
    let file = lowest.name.clone();
    if header.version != VERSION {
        return Err(JournalError::Version { file, found: header.version });
    }
    if header.identity != *identity {
        return Err(JournalError::WrongIdentity { file, expected: *identity, found: header.identity });
    }
    if header.number != lowest.number {
        return Err(lowest.damaged(format!("its header is that of segment {}", header.number)));
    }
    let (segment_bytes, record_max) = (header.segment_bytes.into(), header.record_max as usize);
    if let Err(error) = (JournalConfig { segment_bytes, record_max }).check() {
        return Err(lowest.damaged(format!("its limits make no sense: {error}")));
    }
    lowest.check_length(&header)?;
    if header.first != 0 {
        let begins = format!("begins with batch {}, and batch 0 is nowhere", header.first);
        return Err(match lowest.number {
            0 => lowest.damaged(format!("it {begins}")),
            _ => lowest.lacks_the_one_before(&begins),
        });
    }
    Ok((header, checksum))
}

/// Fails if anything readable after the end of the chain proves that a batch at or after that end was synced, or if
/// there is a file that no crash leaves. `rest` is the part of the tail's segment after that end. Returns whether the
/// next segment is reserved.
///
/// This may read what an earlier incarnation left after a cut. That is harmless: what was synced then is still in the
/// chain.
fn look_behind(
    disk: &impl Disk,
    tail: &Tail,
    rest: &[u8],
    behind: &[Listed],
    first: &SegmentHeader,
) -> Result<bool, JournalError> {
    let proof = |name: &str, at: usize, batch: &Batch<'_>| {
        format!(
            "batch {} is not here, yet {name} says at byte {at} that all below batch {} were synced",
            tail.number, batch.header.synced
        )
    };
    if let Some((at, batch)) = highest_synced(rest).filter(|(_, batch)| batch.header.synced > tail.number) {
        let end = usize::try_from(tail.end).expect("it was read");
        return Err(tail.damaged(proof(&file_name(tail.segment), end + at, &batch)));
    }
    // The segment after a close exists; `scan` checked that.
    let mut is_reserved = tail.is_closed;
    for (index, file) in behind.iter().enumerate() {
        let bytes = file.read(disk)?;
        if let Some((header, _)) = SegmentHeader::read(&bytes) {
            file.check_owner(&header, &first.identity)?;
        }
        // A crash before a creation was durable may have left the wrong length only in the newest file.
        if index + 1 < behind.len() {
            file.check_length(first)?;
        }
        let is_blank = bytes.iter().all(|byte| *byte == 0);
        if index == 0 {
            is_reserved |= is_blank && file.bytes == u64::from(first.segment_bytes);
        }
        if is_blank {
            continue;
        }
        let proven = highest_synced(&bytes).filter(|(_, batch)| batch.header.synced > tail.number);
        if let Some((at, batch)) = proven {
            let reason = proof(&file.name, at, &batch);
            return Err(if tail.is_closed {
                // The header of the next segment is missing.
                JournalError::Damaged { file: file_name(tail.segment + 1), offset: 0, reason }
            } else {
                tail.damaged(reason)
            });
        }
    }
    Ok(is_reserved)
}

/// The readable batch, wherever it begins, that states the highest synced end.
fn highest_synced(bytes: &[u8]) -> Option<(usize, Batch<'_>)> {
    let mut highest: Option<(usize, Batch<'_>)> = None;
    let mut at = 0;
    while at < bytes.len() {
        let Some(batch) = Batch::read(&bytes[at..]) else {
            at = first_of_batch(bytes, at + 1);
            continue;
        };
        if highest.is_none_or(|(_, highest)| batch.header.synced > highest.header.synced) {
            highest = Some((at, batch));
        }
        at += batch.len();
    }
    highest
}

/// Where a batch might begin, from `start` on; the end of `bytes` if nowhere. It skips whole blocks at once, since most
/// of a segment is blank.
fn first_of_batch(bytes: &[u8], start: usize) -> usize {
    const BLOCK: usize = 256;
    let mut at = start;
    for block in bytes[start..].chunks(BLOCK) {
        let is_there = block.iter().fold(false, |is_there, byte| is_there | (*byte == BATCH_FIRST_BYTE));
        if is_there {
            let within = block.iter().position(|byte| *byte == BATCH_FIRST_BYTE);
            return at + within.unwrap_or(block.len());
        }
        at += block.len();
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_belongs_only_where_its_chain_its_number_and_its_incarnation_do() {
        let tail =
            Tail { segment: 0, end: 64, room: 400, number: 5, incarnation: 3, chain: 9, is_closed: false };
        let records =
            BatchHeader { kind: BatchKind::Records, incarnation: 3, number: 5, synced: 5, chain: 9 };
        let mark = BatchHeader { kind: BatchKind::Mark, ..records };
        let close = BatchHeader { kind: BatchKind::Close, ..records };
        let opening = BatchHeader { kind: BatchKind::Open, incarnation: 4, ..records };
        for belongs in [records, mark, close, opening] {
            assert!(tail.is_continued_by(&belongs));
            assert!(!Tail { is_closed: true, ..tail }.is_continued_by(&belongs), "a close is the last");
            for number in [4, 6] {
                assert!(!tail.is_continued_by(&BatchHeader { number, ..belongs }));
            }
            assert!(!tail.is_continued_by(&BatchHeader { chain: 8, ..belongs }));
            for incarnation in (0..7).filter(|incarnation| *incarnation != belongs.incarnation) {
                assert!(!tail.is_continued_by(&BatchHeader { incarnation, ..belongs }));
            }
        }
    }
}
