//! What a player reports while it plays a file.

use super::output::RecordedOutput;
use crate::ids::ProcessId;
use crate::process::{Input, Process};
use crate::time::Instant;

/// A report about a file while it is played: the openings of the file unless it continues the one before it, then each
/// input with its output.
#[derive(Debug)]
pub enum Seen<'a, P: Process> {
    /// A process stands at the beginning of a file.
    Opened {
        /// The process.
        process: ProcessId,
        /// The number of starts of the process that the recording is named after, this one included.
        incarnation: u64,
        /// Where the process begins.
        from: OpenedFrom,
        /// The process, or the reason why there is none.
        state: Result<&'a P, &'a str>,
    },
    /// A process is about to be handed an input.
    Input {
        /// The number of the entry in its file, from 1.
        entry: u64,
        /// The time on the host's clock, which begins anew with each start of the host.
        now: Instant,
        /// The process.
        process: ProcessId,
        /// The input.
        input: &'a Input<P>,
    },
    /// The process has handled that input.
    Output {
        /// The process.
        process: ProcessId,
        /// What it produced.
        output: RecordedOutput<'a>,
        /// What it noted.
        notes: &'a [P::Note],
        /// Its state after the input.
        state: &'a P,
    },
    /// The process panicked at that input.
    Panicked {
        /// The process.
        process: ProcessId,
        /// The message of the panic.
        message: &'a str,
    },
}

/// Where a process begins at the beginning of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenedFrom {
    /// It was started from this number of records.
    Records(usize),
    /// It goes on from its recorded state.
    State,
}
