//! What a run did, event by event, so that it can be held against another: here, in another process, on another
//! machine.
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

/// A run behind one of its events, or behind the healing at its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunEntry {
    /// How many events were applied by then.
    pub events: u64,
    /// When it was.
    pub at: Instant,
    /// A word over everything that happened up to there.
    pub fingerprint: u64,
    /// What was written of it; `None` unless everything is traced.
    pub lines: Option<Vec<String>>,
    /// What the run came to, in its last entry.
    pub end: Option<RunEnd>,
}

/// What a run came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunEnd {
    /// The property and a sentence, or that it passed.
    pub verdict: String,
    /// What everything came to.
    pub state: String,
}

/// A run that hands out what it does while it goes on. The last entry is the one with an end.
#[derive(Clone)]
pub struct RunRecorder<S: Service> {
    run: Run<S>,
    is_full: bool,
    /// Of this many lines the text is told: what more there are count in the fingerprint only.
    lines_max: u64,
    /// What the last entry said.
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

    /// As [`RunRecorder::new`], with a last word on the configuration of every process.
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

    /// What came of the run; undecided while it is not over.
    pub fn outcome(&self) -> Outcome {
        self.run.outcome()
    }

    /// What happened since the entry before, if anything did.
    fn news(&mut self) -> Option<RunEntry> {
        let world = self.run.world();
        let (events, fingerprint, lines) = (world.events(), world.fingerprint(), world.trace().written());
        let is_new = (events, fingerprint, lines) != (self.events, self.fingerprint, self.lines);
        if !is_new && !self.run.is_over() {
            return None;
        }
        let told = (self.is_full && lines <= self.lines_max).then(|| {
            let new = usize::try_from(lines - self.lines).unwrap_or(usize::MAX);
            let newest = world.trace().lines().rev().take(new);
            let mut told: Vec<String> = newest.map(|line| line.told().to_string()).collect();
            told.reverse();
            told
        });
        let entry = RunEntry { events, at: world.now(), fingerprint, lines: told, end: None };
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
