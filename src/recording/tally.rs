//! What was played.

use alloc::collections::BTreeMap;

use super::entry::RecordedInput;
use crate::ids::ProcessId;
use crate::time::Instant;

/// How much was played, and how much of it could be compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Files.
    pub files: u64,
    /// Starts from records.
    pub starts: u64,
    /// Incarnations, as far as files are of them.
    pub incarnations: u64,
    /// Inputs, by kind.
    pub inputs: BTreeMap<&'static str, u64>,
    /// Outputs that are the recorded ones.
    pub outputs: u64,
    /// States with which a file opens that are those that the file before it led to.
    pub states: u64,
    /// Places where something is missing between two files.
    pub gaps: u64,
    /// Inputs whose outputs were not recorded.
    pub open: u64,
    /// Panics that were recorded, and came again.
    pub panics: u64,
    /// How long it was, all files together, in microseconds.
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
