//! Recordings of real processes: everything that one was handed, and everything that it wanted done.
//!
//! A real host writes them; here is their form, and how they are played again: the same inputs to the same process
//! must have the same outputs, byte for byte, as they were before they were packed into datagrams. It knows neither
//! files nor protocols.
//!
//! # Form
//!
//! A recording is a row of files. Each opens with what its processes began with: the records that they were started
//! from, or their whole state. Entries follow, in the order of what happened.
//!
//! ```text
//! magic 8 │ format 2 │ header │ opening of each process │ entry │ entry │ …
//! header, openings and entries: length 4 │ CRC-32 of length and body 4 │ body
//! ```
//!
//! # Invariants
//!
//! 1. An input is written before it is handed in, its output directly behind it. An input without an output is the
//!    last of its file.
//! 2. A file that ends inside an entry was cut short, by a crash; it is read up to there. Any other damage is refused.
//! 3. Other code may do otherwise: what it recorded is refused.

mod describe;
mod entry;
mod file;
pub mod frames;
mod output;
mod play;
mod tally;

pub use entry::{Ending, RecordedEntry, RecordedInput, put_ending, put_input, put_started};
pub use file::{CutShort, File, Opening, RecordingHeader, Refusal, put_preface, put_start, put_state};
pub use output::{OutputMark, put_output};
pub use play::{Catch, Difference, PlayFailure, Player, Seen};
pub use tally::Tally;

use crate::mix;

/// One word for a state.
pub fn digest(state: &[u8]) -> u64 {
    mix::absorb(0, state)
}
