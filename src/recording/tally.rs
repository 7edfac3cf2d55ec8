//! Counts of what a replay has played.

use alloc::collections::BTreeMap;

use super::entry::RecordedInput;
use crate::ids::ProcessId;
use crate::time::Instant;

/// How much was played, and how much of it could be compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Files that were played.
    pub files: u64,
    /// Starts from records.
    pub starts: u64,
    /// Incarnations that the files belong to.
    pub incarnations: u64,
    /// Inputs, by kind.
    pub inputs: BTreeMap<&'static str, u64>,
    /// Outputs, and states after a start, that equal the recorded ones.
    pub outputs: u64,
    /// States at the beginning of a file that equal the replayed state at the end of the file before it.
    pub states: u64,
    /// Places between two files of one incarnation where something is missing.
    pub gaps: u64,
    /// Inputs whose outputs were not recorded.
    pub open: u64,
    /// Recorded panics that the replay reproduced.
    pub panics: u64,
    /// The recorded time of all files together, in microseconds.
    pub micros: u64,
    last: Option<Instant>,
}

impl Tally {
    pub(super) fn break_off(&mut self) {
        self.last = None;
    }

    pub(super) fn input(&mut self, to: ProcessId, now: Instant, what: &RecordedInput<'_>) {
        *self.inputs.entry(what.kind(to)).or_default() += 1;
        self.micros += self.last.map_or(0, |last| now.since(last).as_micros());
        self.last = Some(now);
    }
}
