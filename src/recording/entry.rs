//! The entries of a recording, one for each thing that happened.

use alloc::vec::Vec;

use super::frames;
use crate::ids::ProcessId;
use crate::process::{Input, Process};
use crate::time::Instant;
use crate::wire::{Reader, Wire, WireError};

const MESSAGE: u8 = 1;
const WAKE: u8 = 2;
const COMMAND: u8 = 3;
const DISK_SPACE: u8 = 4;
pub(super) const OUTPUT: u8 = 5;
const STARTED: u8 = 6;
const END: u8 = 7;
const FIRST: u8 = 8;
const LINK: u8 = 9;

/// One entry of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordedEntry<'a> {
    /// A process received an input.
    Input {
        /// The index of the process's opening in the file.
        seat: usize,
        /// The time on its host's clock.
        now: Instant,
        /// The input.
        what: RecordedInput<'a>,
    },
    /// The output of the input before it.
    Output {
        /// The index of the process's opening in the file.
        seat: usize,
        /// The bytes that [`put_output`](super::put_output) writes after the tag and the seat.
        body: &'a [u8],
    },
    /// A process was started from records.
    Started {
        /// The index of the process's opening in the file.
        seat: usize,
        /// The [digest](super::digest) of its state after the start.
        digest: u64,
    },
    /// Nothing follows.
    End(Ending),
}

/// The way in which a recording ends, unless it was cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The host was stopped, or stopped itself.
    Stopped,
    /// Something panicked: the process itself, if its last input has no output.
    Panicked,
}

/// An encoded input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordedInput<'a> {
    /// The process has just been started.
    Started,
    /// A message.
    Message {
        /// The claimed sender.
        from: ProcessId,
        /// The encoded message.
        message: &'a [u8],
    },
    /// The deadline has come.
    Wake,
    /// An encoded command.
    Command(&'a [u8]),
    /// A report about the space on the disk.
    DiskSpace {
        /// Whether space is low.
        is_low: bool,
    },
    /// A report about a link.
    Link {
        /// The program at the other end.
        peer: ProcessId,
        /// Whether the link is there again.
        up: bool,
    },
}

/// Appends `input` to the process at `seat`.
pub fn put_input<P: Process>(
    out: &mut Vec<u8>,
    seat: u8,
    now: Instant,
    input: &Input<P>,
    put_command: fn(&P::Command, &mut Vec<u8>),
) {
    frames::put(out, |out| {
        let mut head = |kind| {
            out.extend_from_slice(&[kind, seat]);
            now.encode(out);
        };
        match input {
            Input::Message { from, message } => {
                head(MESSAGE);
                from.encode(out);
                message.encode(out);
            }
            Input::Started => head(FIRST),
            Input::Wake => head(WAKE),
            Input::Command(command) => {
                head(COMMAND);
                put_command(command, out);
            }
            Input::DiskSpace { is_low } => {
                head(DISK_SPACE);
                is_low.encode(out);
            }
            // Hosts whose inputs are recorded carry datagrams, and refuse a process that assumes connections.
            Input::Link { peer, up } => {
                head(LINK);
                peer.encode(out);
                up.encode(out);
            }
        }
    });
}

/// Appends that the process at `seat` was started, and the digest of its state.
pub fn put_started(out: &mut Vec<u8>, seat: u8, digest: u64) {
    frames::put(out, |out| {
        out.extend_from_slice(&[STARTED, seat]);
        out.extend_from_slice(&digest.to_le_bytes());
    });
}

/// Appends the way in which the recording ends.
pub fn put_ending(out: &mut Vec<u8>, ending: Ending) {
    frames::put(out, |out| out.extend_from_slice(&[END, u8::from(ending == Ending::Panicked)]));
}

impl<'a> RecordedEntry<'a> {
    /// Reads the body of an entry, in a recording of `seats` processes.
    pub(super) fn read(body: &'a [u8], seats: usize) -> Result<RecordedEntry<'a>, WireError> {
        let mut input = Reader::new(body);
        let (tag, second) = (input.u8()?, input.u8()?);
        let seat = usize::from(second);
        if tag != END && seat >= seats {
            return Err(WireError::Invalid("process of an entry"));
        }
        let entry = match tag {
            MESSAGE | WAKE | COMMAND | DISK_SPACE | FIRST | LINK => {
                let now = Instant::decode(&mut input)?;
                let what = match tag {
                    MESSAGE => {
                        RecordedInput::Message { from: Wire::decode(&mut input)?, message: rest(&mut input)? }
                    }
                    COMMAND => RecordedInput::Command(rest(&mut input)?),
                    DISK_SPACE => RecordedInput::DiskSpace { is_low: Wire::decode(&mut input)? },
                    FIRST => RecordedInput::Started,
                    LINK => {
                        RecordedInput::Link { peer: Wire::decode(&mut input)?, up: Wire::decode(&mut input)? }
                    }
                    _ => RecordedInput::Wake,
                };
                RecordedEntry::Input { seat, now, what }
            }
            OUTPUT => RecordedEntry::Output { seat, body: rest(&mut input)? },
            STARTED => RecordedEntry::Started { seat, digest: u64::from_le_bytes(input.array()?) },
            END if second == 0 => RecordedEntry::End(Ending::Stopped),
            END if second == 1 => RecordedEntry::End(Ending::Panicked),
            _ => return Err(WireError::Invalid("tag of an entry")),
        };
        input.finish().map(|()| entry)
    }
}

fn rest<'a>(input: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    input.bytes(input.rest().len())
}

impl RecordedInput<'_> {
    /// The name of its kind, in the plural. A message from a process to itself is one that came back after its wait.
    pub fn kind(&self, to: ProcessId) -> &'static str {
        match self {
            RecordedInput::Message { from, .. } if *from == to => "own messages",
            RecordedInput::Message { .. } => "messages",
            RecordedInput::Started => "first inputs",
            RecordedInput::Wake => "wake-ups",
            RecordedInput::Command(_) => "commands",
            RecordedInput::DiskSpace { .. } => "words about the disk",
            RecordedInput::Link { .. } => "words about links",
        }
    }

    /// The input, decoded.
    pub(super) fn decode<P: Process<Command: Wire>>(&self) -> Result<Input<P>, WireError> {
        Ok(match self {
            RecordedInput::Message { from, message } => {
                Input::Message { from: *from, message: Wire::from_bytes(message)? }
            }
            RecordedInput::Started => Input::Started,
            RecordedInput::Wake => Input::Wake,
            RecordedInput::Command(command) => Input::Command(Wire::from_bytes(command)?),
            RecordedInput::DiskSpace { is_low } => Input::DiskSpace { is_low: *is_low },
            RecordedInput::Link { peer, up } => Input::Link { peer: *peer, up: *up },
        })
    }
}
