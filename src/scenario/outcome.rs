//! What came of a run.

use core::fmt;

use crate::ids::ProcessId;
use crate::sim::{StoryEntry, Violation};
use crate::time::Duration;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether everything held.
    pub verdict: Verdict,
    /// The seed that everything was drawn from.
    pub seed: u64,
    /// How many events there were.
    pub events: u64,
    /// How much simulated time went by.
    pub simulated: Duration,
    /// A word over everything that happened.
    pub fingerprint: u64,
    /// What happened, as far as it was asked for.
    pub trace: Vec<StoryEntry>,
    /// How many older lines of the trace went beyond its limit.
    pub forgotten: u64,
    /// How many routine events came behind the last line.
    pub elided: u64,
    /// How many optional steps did not fire.
    pub skipped: usize,
    /// What judges could not judge within their bounds, in a sentence each: a run that passed was not judged for this.
    pub unknown: Vec<String>,
    /// What everything came to.
    pub final_state: String,
}

/// Whether everything held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It did.
    Passed,
    /// A property or an expectation did not.
    Violated(Violation),
    /// A process panicked.
    Panicked {
        /// Which, as far as is known.
        process: Option<ProcessId>,
        /// What it said.
        message: String,
    },
    /// Nothing moves on, or a healed core did not agree within its bound.
    Stalled {
        /// What is left.
        why: String,
    },
    /// A required step never fired, or a named rule matched nothing: the scenario speaks of another protocol.
    Stale {
        /// Which, and what came nearest.
        why: String,
    },
    /// The budget was spent.
    Undecided {
        /// Which.
        why: String,
    },
}

impl Verdict {
    /// Its name in one word, for tables and machines.
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Violated(_) => "violated",
            Verdict::Panicked { .. } => "panicked",
            Verdict::Stalled { .. } => "stalled",
            Verdict::Stale { .. } => "stale",
            Verdict::Undecided { .. } => "undecided",
        }
    }

    /// Whether everything held.
    pub const fn is_pass(&self) -> bool {
        matches!(self, Verdict::Passed)
    }
}

/// The property and one sentence.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => f.write_str("passed"),
            Verdict::Violated(violation) => write!(f, "{violation}"),
            Verdict::Panicked { process: Some(process), message } => {
                write!(f, "panic: {process} panicked: {message}")
            }
            Verdict::Panicked { process: None, message } => write!(f, "panic: {message}"),
            Verdict::Stalled { why } => write!(f, "progress: {why}"),
            Verdict::Stale { why } => write!(f, "stale: {why}"),
            Verdict::Undecided { why } => write!(f, "undecided: {why}"),
        }
    }
}
