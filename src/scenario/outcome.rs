//! The result of a run.

use core::fmt;

use crate::ids::ProcessId;
use crate::sim::{StoryEntry, Violation};
use crate::time::Duration;

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether everything held.
    pub verdict: Verdict,
    /// The seed that everything random was drawn from.
    pub seed: u64,
    /// Number of events.
    pub events: u64,
    /// Simulated time that passed.
    pub simulated: Duration,
    /// A hash of everything that happened.
    pub fingerprint: u64,
    /// The trace, at the level that the options asked for.
    pub trace: Vec<StoryEntry>,
    /// Number of older trace lines that were dropped at the trace's limit.
    pub forgotten: u64,
    /// Number of routine events after the last trace line.
    pub elided: u64,
    /// Number of optional steps that did not fire.
    pub skipped: usize,
    /// Checks that the judges gave up at their limits, one sentence each: a run that passed was not judged for these.
    pub unknown: Vec<String>,
    /// The final state of the cluster, in a few lines; empty after a panic.
    pub final_state: String,
}

/// Whether everything held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Everything held.
    Passed,
    /// A property or an expectation did not hold.
    Violated(Violation),
    /// A process panicked.
    Panicked {
        /// The process, if known.
        process: Option<ProcessId>,
        /// The panic's message and place.
        message: String,
    },
    /// Nothing happens any more, or a healed core did not agree or progress within its bound.
    Stalled {
        /// The reason, with what is left to do.
        why: String,
    },
    /// A required step never fired, a named rule matched nothing, or the chosen first leader never campaigned: the
    /// scenario does not fit the protocol.
    Stale {
        /// The step, rule or site, and what came nearest.
        why: String,
    },
    /// A limit on events or memory was reached, or the run is not over.
    Undecided {
        /// The limit that was reached.
        why: String,
    },
}

impl Verdict {
    /// Its name in one word, for tables and machine-readable output.
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
