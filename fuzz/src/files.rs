//! The files of a journal as bytes of a fuzz target, and how damaged files get right checksums.
//!
//! This implements the format drawn in the documentation of [`aviary::journal`] a second time, on purpose.

use aviary::ids::ProcessId;
use aviary::journal::{Disk, Identity};
use aviary::sim::SimDisk;

/// The owner of the journal.
pub const IDENTITY: Identity = Identity { cluster: 5, process: ProcessId::site(1) };

/// Bytes on the disk.
const CAPACITY: u64 = 64 << 10;

const HEADER: usize = 64;
const BATCH: usize = 40;

/// Up to four files: each has a length in two bytes and its contents, filled up with zeros.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Image {
    files: Vec<(u16, Vec<u8>)>,
}

impl Image {
    /// Reads files: length (u16), number of content bytes (u16), those bytes; up to four times.
    pub fn parse(bytes: &[u8]) -> Option<Image> {
        let mut files = Vec::new();
        let mut rest = bytes;
        while let [a, b, c, d, behind @ ..] = rest
            && files.len() < 4
        {
            let (length, filled) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
            let (content, others) = behind.split_at(behind.len().min(filled.min(length).into()));
            files.push((length, content.to_vec()));
            rest = others;
        }
        (!files.is_empty()).then_some(Image { files })
    }

    /// The bytes that [`parse`](Image::parse) reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (length, content) in &self.files {
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&u16::try_from(content.len()).unwrap_or(u16::MAX).to_le_bytes());
            out.extend_from_slice(content);
        }
        out
    }

    /// The files of a disk, if they are few and small.
    pub fn of(disk: &SimDisk) -> Option<Image> {
        let mut image = Image::default();
        for (name, length) in disk.list().ok()? {
            let mut content = vec![0; usize::try_from(length).ok()?];
            disk.read(&name, 0, &mut content).ok()?;
            let filled = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            content.truncate(filled);
            image.files.push((u16::try_from(length).ok()?, content));
        }
        Some(image)
    }

    /// A disk that holds these files durably.
    pub fn disk(&self) -> Option<SimDisk> {
        let mut disk = SimDisk::new(CAPACITY);
        for (number, (length, content)) in self.files.iter().enumerate() {
            let name = format!("segment-{number:08}.log");
            disk.create(&name, (*length).into()).ok()?;
            disk.write(&name, 0, content).ok()?;
            disk.sync(&name).ok()?;
        }
        disk.sync_dir().ok()?;
        Some(disk)
    }

    /// Chains whatever looks like a header or a batch to what stands before it, and gives it a right checksum.
    pub fn mend(&mut self) {
        let mut chain = 0;
        for (length, content) in &mut self.files {
            if content.iter().all(|byte| *byte == 0) {
                // A reserved segment, which is blank until it is begun.
                continue;
            }
            content.resize(usize::from(*length), 0);
            let Some(header) = content.first_chunk_mut::<HEADER>() else { return };
            header[56..60].copy_from_slice(&u32::to_le_bytes(chain));
            chain = crc32(&[&header[..60]]);
            header[60..].copy_from_slice(&chain.to_le_bytes());
            let mut rest = &mut content[HEADER..];
            while rest.len() >= BATCH && rest.starts_with(b"\xffab") {
                let body = u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]]);
                let Some(end) = usize::try_from(body).ok().and_then(|body| body.checked_add(BATCH)) else {
                    break;
                };
                if end > rest.len() {
                    break;
                }
                let (batch, behind) = rest.split_at_mut(end);
                batch[32..36].copy_from_slice(&chain.to_le_bytes());
                chain = crc32(&[&batch[..36], &batch[BATCH..]]);
                batch[36..40].copy_from_slice(&chain.to_le_bytes());
                rest = behind;
            }
        }
    }
}

/// CRC-32 (IEEE 802.3), bit by bit.
fn crc32(parts: &[&[u8]]) -> u32 {
    let mut sum = u32::MAX;
    for byte in parts.iter().flat_map(|part| part.iter()) {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}
