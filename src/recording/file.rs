//! One file of a recording: its header, the starting points of its processes, and its entries.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::entry::RecordedEntry;
use super::frames::{self, NoMore};
use crate::ids::ProcessId;
use crate::mix::Seed;
use crate::wire::{Reader, Wire, WireError, put_u64};

const MAGIC: [u8; 8] = *b"aviarec\n";

/// The version of this file format.
const FORMAT: u16 = 1;

/// The most processes in one recording: a site and its terminal, and room to spare.
const SEATS_MAX: usize = 16;

/// The header of a file: the code, the cluster and the process that it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingHeader {
    /// The code that recorded it, as [`Savable::CODE`](crate::process::Savable::CODE) names it.
    pub code: String,
    /// The number of the cluster.
    pub cluster: u64,
    /// The process that the recording is named after. The other processes run in the same program.
    pub process: ProcessId,
    /// The number of that process's starts, this one included.
    pub incarnation: u64,
    /// The number of this file in its folder, from 0.
    pub number: u64,
    /// Whether this file continues where the file before it ends.
    pub follows: bool,
    /// The number of openings: 1 to 16.
    pub seats: u64,
    /// The encoded configuration of the processes.
    pub config: Vec<u8>,
}

/// The starting point of a process.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// The process.
    pub id: ProcessId,
    /// The seed that it was started with.
    pub seed: Seed,
    /// Its state, or the records that it is to be started from.
    pub from: Result<&'a [u8], Vec<&'a [u8]>>,
}

/// A file whose header and openings have been read.
#[derive(Clone, Debug)]
pub struct File<'a> {
    /// The header.
    pub header: RecordingHeader,
    /// The starting points of its processes, in the order of their seats.
    pub openings: Vec<Opening<'a>>,
    entries: &'a [u8],
    length: usize,
}

/// Why a file is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It is not a file of a recording.
    Foreign,
    /// It is cut short at this byte, before its first entry: a crash interrupted its creation.
    CutShort(usize),
    /// It has this other version of the format.
    Format(u16),
    /// Other code wrote it.
    Code {
        /// The code that wrote the file.
        theirs: String,
        /// The code of this program.
        ours: String,
    },
    /// The checksum of the part that begins at this byte does not match.
    Damaged(usize),
    /// The part that begins at this byte is whole, but does not decode.
    Invalid(usize, WireError),
}

/// A file is cut short: only the bytes before this one are whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CutShort(pub usize);

wire_struct!(RecordingHeader { code, cluster, process, incarnation, number, follows, seats, config });

/// Appends the beginning of a file: the magic bytes, the format and the header.
pub fn put_preface(out: &mut Vec<u8>, header: &RecordingHeader) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    let start = out.len();
    frames::put(out, |out| header.encode(out));
    frames::seal(&mut out[start..]);
}

/// Appends the opening of a process that is about to be started from `records`.
pub fn put_start(out: &mut Vec<u8>, id: ProcessId, seed: Seed, records: &[Vec<u8>]) {
    let start = out.len();
    frames::put(out, |out| {
        out.push(0);
        (id, seed).encode(out);
        put_u64(out, records.len() as u64);
        for record in records {
            put_u64(out, record.len() as u64);
            out.extend_from_slice(record);
        }
    });
    frames::seal(&mut out[start..]);
}

/// Appends the opening of a process whose state `save` appends.
pub fn put_state(out: &mut Vec<u8>, id: ProcessId, seed: Seed, save: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    frames::put(out, |out| {
        out.push(1);
        (id, seed).encode(out);
        save(out);
    });
    frames::seal(&mut out[start..]);
}

impl<'a> Opening<'a> {
    fn read(body: &'a [u8]) -> Result<Opening<'a>, WireError> {
        let mut input = Reader::new(body);
        let tag = input.u8()?;
        let (id, seed) = Wire::decode(&mut input)?;
        let from = match tag {
            0 => {
                let mut records = Vec::new();
                for _ in 0..input.length(usize::MAX)? {
                    let length = input.length(usize::MAX)?;
                    records.push(input.bytes(length)?);
                }
                input.finish()?;
                Err(records)
            }
            1 => Ok(input.rest()),
            _ => return Err(WireError::Invalid("tag of an opening")),
        };
        Ok(Opening { id, seed, from })
    }
}

impl<'a> File<'a> {
    /// Reads the header of the file that begins with `bytes`, whichever code wrote it.
    pub fn header_of(bytes: &[u8]) -> Result<RecordingHeader, Refusal> {
        let mut rest = bytes;
        File::read_header(bytes, &mut rest)
    }

    /// Reads a file, and refuses it unless `code` wrote it.
    pub fn read(bytes: &'a [u8], code: &str) -> Result<File<'a>, Refusal> {
        let mut rest = bytes;
        let header = File::read_header(bytes, &mut rest)?;
        if header.code != code {
            return Err(Refusal::Code { theirs: header.code, ours: code.into() });
        }
        let mut openings = Vec::new();
        for _ in 0..header.seats {
            let at = bytes.len() - rest.len();
            let body = frames::take(&mut rest).map_err(|why| refusal(why, at))?;
            openings.push(Opening::read(body).map_err(|error| Refusal::Invalid(at, error))?);
        }
        Ok(File { header, openings, entries: rest, length: bytes.len() })
    }

    fn read_header<'b>(bytes: &'b [u8], rest: &mut &'b [u8]) -> Result<RecordingHeader, Refusal> {
        if MAGIC.starts_with(bytes) {
            return Err(Refusal::CutShort(bytes.len()));
        }
        *rest = bytes.strip_prefix(&MAGIC).ok_or(Refusal::Foreign)?;
        let (format, body) = rest.split_first_chunk().ok_or(Refusal::CutShort(bytes.len()))?;
        let format = u16::from_le_bytes(*format);
        if format != FORMAT {
            return Err(Refusal::Format(format));
        }
        *rest = body;
        let at = MAGIC.len() + 2;
        let body = frames::take(rest).map_err(|why| refusal(why, at))?;
        let header = RecordingHeader::from_bytes(body).map_err(|error| Refusal::Invalid(at, error))?;
        let is_sound = (1..=SEATS_MAX as u64).contains(&header.seats);
        if is_sound {
            Ok(header)
        } else {
            Err(Refusal::Invalid(at, WireError::Invalid("number of processes")))
        }
    }

    /// Takes the next entry; `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<RecordedEntry<'a>>, Result<CutShort, Refusal>> {
        let at = self.length - self.entries.len();
        let body = match frames::take(&mut self.entries) {
            Ok(body) => body,
            Err(NoMore::End) => return Ok(None),
            Err(NoMore::Cut) => return Err(Ok(CutShort(at))),
            Err(NoMore::Damaged) => return Err(Err(Refusal::Damaged(at))),
        };
        let entry = RecordedEntry::read(body, self.openings.len());
        entry.map(Some).map_err(|error| Err(Refusal::Invalid(at, error)))
    }
}

fn refusal(why: NoMore, at: usize) -> Refusal {
    match why {
        NoMore::End | NoMore::Cut => Refusal::CutShort(at),
        NoMore::Damaged => Refusal::Damaged(at),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Foreign => {
                f.write_str("it is no file of a recording; name a folder that `site run --record` wrote")
            }
            Refusal::CutShort(at) => write!(f, "it ends at byte {at}, before its first entry"),
            Refusal::Format(format) => write!(
                f,
                "it has format {format} and this program reads {FORMAT}; replay it with the program of the site's build"
            ),
            Refusal::Code { theirs, ours } => write!(
                f,
                "it was recorded by other code, which may do otherwise: recorded by {theirs}, this is {ours}; \
                 build the program from the sources of the site that recorded it"
            ),
            Refusal::Damaged(at) => write!(
                f,
                "it is damaged at byte {at}; what the files before it hold can be replayed without it"
            ),
            Refusal::Invalid(at, error) => write!(
                f,
                "what stands at byte {at} is whole and cannot be read: {error}; it was written by a broken program"
            ),
        }
    }
}

impl core::error::Error for Refusal {}
