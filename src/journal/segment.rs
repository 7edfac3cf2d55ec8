//! The byte format: the header of a segment, and batches. Pure functions on bytes; the format is drawn in the [module's
//! documentation](super).

use alloc::string::String;
use alloc::vec::Vec;

use super::Identity;
use crate::ids::ProcessId;
use crate::wire::{Reader, Wire, WireError, put_u64};

/// The format that this code writes and reads.
pub(super) const VERSION: u32 = 2;

pub(super) const SEGMENT_HEADER_BYTES: usize = 64;
pub(super) const BATCH_HEADER_BYTES: usize = 40;

const SEGMENT_MAGIC: [u8; 8] = *b"\xffaviaryj";
/// No text holds the byte `ff`, so no text inside a record imitates a batch.
const BATCH_MAGIC: [u8; 3] = [BATCH_FIRST_BYTE, b'a', b'b'];
pub(super) const BATCH_FIRST_BYTE: u8 = 0xff;
const SEGMENT_CHECKSUM_AT: usize = SEGMENT_HEADER_BYTES - 4;
const BATCH_LENGTH_AT: usize = 4;
const BATCH_CHECKSUM_AT: usize = BATCH_HEADER_BYTES - 4;

/// The name of the segment with this number.
pub(super) fn file_name(number: u64) -> String {
    alloc::format!("segment-{number:08}.log")
}

/// The number of the segment with this name, if it is a segment's name. It is far below the end of `u64`, so there is
/// always a next number.
pub(super) fn file_number(name: &str) -> Option<u64> {
    let number: u32 = name.strip_prefix("segment-")?.strip_suffix(".log")?.parse().ok()?;
    (file_name(number.into()) == name).then_some(number.into())
}

/// The header of a segment, written just before its first batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SegmentHeader {
    pub(super) version: u32,
    pub(super) identity: Identity,
    pub(super) number: u64,
    /// The number of its first batch.
    pub(super) first: u64,
    /// The incarnation that began the segment.
    pub(super) incarnation: u64,
    pub(super) segment_bytes: u32,
    pub(super) record_max: u32,
    /// The checksum of the batch before it; 0 in the very first segment.
    pub(super) chain: u32,
}

impl SegmentHeader {
    /// Its byte form and its checksum; the first batch is chained to that checksum.
    pub(super) fn to_bytes(self) -> (Vec<u8>, u32) {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        out.extend_from_slice(&SEGMENT_MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        self.identity.process.encode(&mut out);
        out.push(0);
        for number in [self.identity.cluster, self.number, self.first, self.incarnation] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.segment_bytes, self.record_max, self.chain] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = crc32fast::hash(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        (out, checksum)
    }

    /// The header at the front of `bytes` and its checksum, if it is intact. The magic number, the place of the version
    /// and the place of the checksum are the same in every version.
    pub(super) fn read(bytes: &[u8]) -> Option<(SegmentHeader, u32)> {
        let bytes = bytes.get(..SEGMENT_HEADER_BYTES)?;
        SegmentHeader::parse(bytes).ok().filter(|(_, checksum)| {
            bytes.starts_with(&SEGMENT_MAGIC) && *checksum == crc32fast::hash(&bytes[..SEGMENT_CHECKSUM_AT])
        })
    }

    fn parse(bytes: &[u8]) -> Result<(SegmentHeader, u32), WireError> {
        let mut input = Reader::new(bytes);
        input.bytes(SEGMENT_MAGIC.len())?;
        let version = u32::from_le_bytes(input.array()?);
        let process = ProcessId::decode(&mut input)?;
        input.u8()?;
        let cluster = u64::from_le_bytes(input.array()?);
        let header = SegmentHeader {
            version,
            identity: Identity { cluster, process },
            number: u64::from_le_bytes(input.array()?),
            first: u64::from_le_bytes(input.array()?),
            incarnation: u64::from_le_bytes(input.array()?),
            segment_bytes: u32::from_le_bytes(input.array()?),
            record_max: u32::from_le_bytes(input.array()?),
            chain: u32::from_le_bytes(input.array()?),
        };
        Ok((header, u32::from_le_bytes(input.array()?)))
    }
}

/// The kind of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BatchKind {
    /// Records. Takes a number.
    Records,
    /// A process was started. Takes a number; holds no records.
    Open,
    /// States the synced end and nothing else. Takes no number: it carries that of the next batch.
    Mark,
    /// The last batch of its segment: the next segment was created durably. Takes no number, like a mark.
    Close,
}

/// A batch without its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BatchHeader {
    pub(super) kind: BatchKind,
    pub(super) incarnation: u64,
    pub(super) number: u64,
    /// Every batch below this number was synced when this one was written.
    pub(super) synced: u64,
    /// The checksum of what stands before: a batch or the segment's header.
    pub(super) chain: u32,
}

/// An intact batch. Whether it belongs where it was read is decided by its chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Batch<'a> {
    pub(super) header: BatchHeader,
    pub(super) checksum: u32,
    body: &'a [u8],
}

/// Appends a batch to `out` and returns its checksum. `body_bytes` must be [`body_bytes`] of the same records.
pub(super) fn put_batch<'a>(
    out: &mut Vec<u8>,
    header: &BatchHeader,
    body_bytes: u32,
    records: impl Iterator<Item = &'a [u8]>,
) -> u32 {
    let start = out.len();
    out.extend_from_slice(&BATCH_MAGIC);
    out.push(match header.kind {
        BatchKind::Records => 0,
        BatchKind::Open => 1,
        BatchKind::Mark => 2,
        BatchKind::Close => 3,
    });
    out.extend_from_slice(&body_bytes.to_le_bytes());
    for number in [header.incarnation, header.number, header.synced] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&header.chain.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    for record in records {
        put_u64(out, record.len() as u64);
        out.extend_from_slice(record);
    }
    let batch = &mut out[start..];
    assert!(
        batch.len() - BATCH_HEADER_BYTES == body_bytes as usize,
        "a batch of {} bytes was announced with {body_bytes}",
        batch.len() - BATCH_HEADER_BYTES,
    );
    let checksum = checksum_of(batch);
    batch[BATCH_CHECKSUM_AT..BATCH_HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

/// Bytes that these records take after the header of their batch.
pub(super) fn body_bytes<'a>(records: impl Iterator<Item = &'a [u8]>) -> u64 {
    records.map(|record| record_bytes(record.len() as u64)).sum()
}

/// Bytes that one record of this length takes, its LEB128 length included.
pub(super) const fn record_bytes(length: u64) -> u64 {
    crate::wire::u64_size(length) as u64 + length
}

/// The checksum of everything in a batch but the checksum itself.
fn checksum_of(batch: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&batch[..BATCH_CHECKSUM_AT]);
    hasher.update(&batch[BATCH_HEADER_BYTES..]);
    hasher.finalize()
}

impl<'a> Batch<'a> {
    /// The batch at the front of `bytes`, if it is intact.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Batch<'a>> {
        if !bytes.starts_with(&BATCH_MAGIC) {
            return None;
        }
        let length = u32::from_le_bytes(Reader::new(bytes.get(BATCH_LENGTH_AT..)?).array().ok()?);
        let bytes = bytes.get(..BATCH_HEADER_BYTES.checked_add(length as usize)?)?;
        let batch = Batch::parse(bytes).ok()?;
        let is_sound = batch.checksum == checksum_of(bytes)
            && batch.header.synced <= batch.header.number
            && (batch.header.kind == BatchKind::Records || batch.body.is_empty())
            && batch.records().all(|record| record.is_ok());
        is_sound.then_some(batch)
    }

    fn parse(bytes: &'a [u8]) -> Result<Batch<'a>, WireError> {
        let mut input = Reader::new(bytes);
        input.bytes(BATCH_MAGIC.len())?;
        let kind = match input.u8()? {
            0 => BatchKind::Records,
            1 => BatchKind::Open,
            2 => BatchKind::Mark,
            3 => BatchKind::Close,
            _ => return Err(WireError::Invalid("kind of batch")),
        };
        input.bytes(4)?;
        let header = BatchHeader {
            kind,
            incarnation: u64::from_le_bytes(input.array()?),
            number: u64::from_le_bytes(input.array()?),
            synced: u64::from_le_bytes(input.array()?),
            chain: u32::from_le_bytes(input.array()?),
        };
        Ok(Batch { header, checksum: u32::from_le_bytes(input.array()?), body: input.rest() })
    }

    /// Bytes from its header to its end.
    pub(super) fn len(&self) -> usize {
        BATCH_HEADER_BYTES + self.body.len()
    }

    /// Its records, oldest first; each is `Ok` in a batch that [`Batch::read`] returned.
    pub(super) fn records(&self) -> impl Iterator<Item = Result<&'a [u8], WireError>> + use<'a> {
        let mut input = Reader::new(self.body);
        let next = move || {
            (!input.rest().is_empty()).then(|| {
                let record = input.length(usize::MAX).and_then(|length| input.bytes(length));
                if record.is_err() {
                    input = Reader::new(&[]);
                }
                record
            })
        };
        core::iter::from_fn(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: BatchHeader =
        BatchHeader { kind: BatchKind::Records, incarnation: 3, number: 9, synced: 7, chain: 0xdead_beef };

    fn batch(records: &[&[u8]]) -> Vec<u8> {
        let length = u32::try_from(body_bytes(records.iter().copied())).unwrap();
        let mut out = Vec::new();
        put_batch(&mut out, &HEADER, length, records.iter().copied());
        out
    }

    #[test]
    fn names_sort_and_read_back() {
        assert!(file_name(9) < file_name(10));
        assert_eq!(file_number(&file_name(123)), Some(123));
        for name in ["segment-1.log", "segment-00000001.tmp", "segment-+0000001.log", "other", "segment-.log"]
        {
            assert_eq!(file_number(name), None, "{name}");
        }
    }

    #[test]
    fn length_prefixes_are_announced_as_they_are_written() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            let mut out = Vec::new();
            put_u64(&mut out, length);
            assert_eq!(record_bytes(length) - length, out.len() as u64, "{length}");
        }
    }

    #[test]
    fn a_batch_reads_back_and_every_flipped_bit_is_seen() {
        let bytes = batch(&[b"one", b"", b"three"]);
        let read = Batch::read(&bytes).unwrap();
        let records: Vec<&[u8]> = read.records().map(Result::unwrap).collect();
        assert_eq!((read.header, read.len()), (HEADER, bytes.len()));
        assert_eq!(records, [&b"one"[..], b"", b"three"]);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Batch::read(&flipped), None, "bit {bit}");
        }
        assert_eq!(Batch::read(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn a_segment_header_reads_back_and_every_flipped_bit_is_seen() {
        let header = SegmentHeader {
            version: VERSION,
            identity: Identity { cluster: 5, process: ProcessId::site(2) },
            number: 4,
            first: 88,
            incarnation: 3,
            segment_bytes: 4096,
            record_max: 100,
            chain: 77,
        };
        let (bytes, checksum) = header.to_bytes();
        assert_eq!(bytes.len(), SEGMENT_HEADER_BYTES);
        assert_eq!(SegmentHeader::read(&bytes), Some((header, checksum)));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(SegmentHeader::read(&flipped), None, "bit {bit}");
        }
    }
}
