//! Recordings of real processes: every input that a process received, and every output that it produced.
//!
//! A real host writes recordings. This module defines their form and replays them: the same inputs to the same process
//! must yield the same outputs, byte for byte. Outputs are compared as they are before a host packs them into
//! datagrams. The module does no file I/O and knows no protocol.
//!
//! # Form
//!
//! A recording is a sequence of files. Each file opens with the starting points of its processes: the records that they
//! are started from, or their whole state. Entries follow, in the order of what happened.
//!
//! ```text
//! magic 8 │ format 2 │ header │ opening of each process │ entry │ entry │ …
//! header, openings and entries: length 4 │ CRC-32 of length and body 4 │ body
//! ```
//!
//! # Invariants
//!
//! 1. An input is written before its process handles it, and its output directly after it. An input without an output
//!    is the last input of its file.
//! 2. A file that ends inside an entry was cut short by a crash. It is read up to that entry. Any other damage is
//!    refused.
//! 3. Other code may behave differently, so a recording of other code is refused.

pub mod describe;
mod entry;
mod file;
pub mod frames;
mod output;
mod play;
mod seen;
mod tally;

pub use entry::{Ending, RecordedEntry, RecordedInput, put_ending, put_input, put_started};
pub use file::{CutShort, File, Opening, RecordingHeader, Refusal, put_preface, put_start, put_state};
pub use output::{OutputMark, RecordedMessage, RecordedOutput, put_output};
pub use play::{Catch, Difference, PlayFailure, Player, Report};
pub use seen::{OpenedFrom, Seen};
pub use tally::Tally;

use crate::mix;

/// The 64-bit digest of a saved state.
pub fn digest(state: &[u8]) -> u64 {
    mix::absorb(0, state)
}
