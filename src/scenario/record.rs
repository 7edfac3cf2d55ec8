//! Records what a run does, event by event, for comparison with another run: in this process, in another one, or on
//! another machine.
//!
//! Recording changes nothing in a run. Nothing is compared here.

use crate::process::Process;
use crate::ron_file::Problem;
use crate::scenario::form::Scenario;
use crate::scenario::outcome::Outcome;
use crate::scenario::run::{Run, RunOptions};
use crate::scenario::service::Service;
use crate::sim::TraceLevel;
use crate::time::Instant;

/// A run after one of its events, or after the healing at its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunEntry {
    /// Number of events applied so far.
    pub events: u64,
    /// Simulated time.
    pub at: Instant,
    /// A hash of everything that happened so far.
    pub fingerprint: u64,
    /// Trace lines since the entry before; `None` if not everything is traced, or beyond the limit on lines.
    pub lines: Option<Vec<String>>,
    /// The result of the run, only in its last entry.
    pub end: Option<RunEnd>,
}

/// The result of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunEnd {
    /// The broken property and one sentence, or that the run passed.
    pub verdict: String,
    /// The final state.
    pub state: String,
}

/// A run that yields what it does as entries. Only the last entry has an end.
#[derive(Clone)]
pub struct RunRecorder<S: Service> {
    run: Run<S>,
    is_full: bool,
    /// The text of this many lines is recorded. Further lines count in the fingerprint only.
    lines_max: u64,
    /// `events`, `fingerprint` and `lines` as of the last entry.
    events: u64,
    fingerprint: u64,
    lines: u64,
    has_ended: bool,
}

impl<S: Service> RunRecorder<S> {
    /// A run before its first event, or everything that is wrong with its scenario.
    pub fn new(scenario: &Scenario<S>, options: &RunOptions) -> Result<RunRecorder<S>, Vec<Problem>> {
        RunRecorder::configured(scenario, options, |_| {})
    }

    /// As [`RunRecorder::new`], but `configure` then changes the configuration of every process.
    pub fn configured(
        scenario: &Scenario<S>,
        options: &RunOptions,
        configure: impl FnOnce(&mut <S::Process as Process>::Config),
    ) -> Result<RunRecorder<S>, Vec<Problem>> {
        let run = Run::configured(scenario, options, configure)?;
        Ok(RunRecorder {
            fingerprint: run.world().fingerprint(),
            run,
            is_full: options.trace == TraceLevel::Full,
            lines_max: options.trace_lines_max as u64,
            events: 0,
            lines: 0,
            has_ended: false,
        })
    }

    /// The outcome of the run; undecided while the run is not over.
    pub fn outcome(&self) -> Outcome {
        self.run.outcome()
    }

    /// The entry for what happened since the entry before, if anything did.
    fn news(&mut self) -> Option<RunEntry> {
        let world = self.run.world();
        let (events, fingerprint, lines) = (world.events(), world.fingerprint(), world.trace().written());
        let is_new = (events, fingerprint, lines) != (self.events, self.fingerprint, self.lines);
        if !is_new && !self.run.is_over() {
            return None;
        }
        let new_lines = (self.is_full && lines <= self.lines_max).then(|| {
            let new = usize::try_from(lines - self.lines).unwrap_or(usize::MAX);
            let newest = world.trace().lines().rev().take(new);
            let mut new_lines: Vec<String> = newest.map(|line| line.entry().to_string()).collect();
            new_lines.reverse();
            new_lines
        });
        let entry = RunEntry { events, at: world.now(), fingerprint, lines: new_lines, end: None };
        (self.events, self.fingerprint, self.lines) = (events, fingerprint, lines);
        Some(entry)
    }
}

impl<S: Service> Iterator for RunRecorder<S> {
    type Item = RunEntry;

    fn next(&mut self) -> Option<RunEntry> {
        if self.has_ended {
            return None;
        }
        loop {
            self.run.step();
            let Some(mut entry) = self.news() else { continue };
            if self.run.is_over() {
                self.has_ended = true;
                let Outcome { verdict, final_state: state, .. } = self.run.outcome();
                entry.end = Some(RunEnd { verdict: verdict.to_string(), state });
            }
            return Some(entry);
        }
    }
}
