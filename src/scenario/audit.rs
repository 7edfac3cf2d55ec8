//! Does a run repeat itself exactly? One scenario is run in several ways that must not matter, and each run is held
//! against the first one, event by event.
//!
//! 1. What is compared is everything that happened: number and time of events, the fingerprint behind each, the
//!    text of the whole trace where both keep it, the verdict and what everything came to.
//! 2. The first run is alive while the others go on, so that nothing of theirs has its addresses.
//! 3. A scenario that fails is audited like any other: it has to fail in the same way.
//!
//! What this does not see: state that differs and never shows in a message, a record, a note, a time or the end.
//! Whatever else a run could depend on (the process, the machine, the build) takes a [`RunRecorder`] there and a
//! [`RunComparison`] here.

use core::fmt;

use crate::process::Process;
use crate::ron_file::Problem;
use crate::scenario::form::Scenario;
use crate::scenario::outcome::Outcome;
use crate::scenario::record::{RunEntry, RunRecorder};
use crate::scenario::run::RunOptions;
use crate::scenario::service::Service;
use crate::sim::TraceLevel;
use crate::time::Instant;

/// How many lines of agreement are kept of what went before a difference.
const BEFORE: usize = 5;

/// A way to run a scenario that must not matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Once more, with its whole trace like the first time.
    Again,
    /// With a trace of what is notable.
    Notable,
    /// Without a trace.
    Untraced,
    /// As a clone from half-way, whose original ran to its end and is gone.
    Clone,
    /// As the original of such a clone, which ran to its end meanwhile.
    Original,
}

impl Way {
    /// Every way, in the order of trying.
    pub const ALL: [Way; 5] = [Way::Again, Way::Notable, Way::Untraced, Way::Clone, Way::Original];

    /// Its name in one word.
    pub const fn name(self) -> &'static str {
        match self {
            Way::Again => "again",
            Way::Notable => "notable",
            Way::Untraced => "untraced",
            Way::Clone => "clone",
            Way::Original => "original",
        }
    }

    /// Which run that is, for a sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Way::Again => "run again in this process",
            Way::Notable => "run with a trace of what is notable",
            Way::Untraced => "run without a trace",
            Way::Clone => "run on as a clone from half-way",
            Way::Original => "run on after it was cloned half-way",
        }
    }
}

/// What an audit found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// What came of the first run.
    pub outcome: Outcome,
    /// What the first run did, for comparing it with still others.
    pub first: Vec<RunEntry>,
    /// Where each way parts from the first run, if it does.
    pub ways: Vec<(Way, Option<RunDifference>)>,
}

/// Runs `scenario` in every way, or says everything that is wrong with it. How much is traced is not the
/// options' choice here; their limit on lines is one on the text that is compared.
pub fn audit<S: Service>(scenario: &Scenario<S>, options: &RunOptions) -> Result<Audit, Vec<Problem>> {
    audit_configured(scenario, options, |_| {})
}

/// As [`audit`], with a last word on the configuration of every process.
pub fn audit_configured<S: Service>(
    scenario: &Scenario<S>,
    options: &RunOptions,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> Result<Audit, Vec<Problem>> {
    let start = |trace| {
        RunRecorder::configured(scenario, &RunOptions { trace, ..*options }, |config| configure(config))
    };
    let mut alive = start(TraceLevel::Full)?;
    let first: Vec<RunEntry> = alive.by_ref().collect();
    let outcome = alive.outcome();
    let half = outcome.events / 2;
    let mut ways = Vec::new();
    for way in Way::ALL {
        let difference = match way {
            Way::Again => part(&first, start(TraceLevel::Full)?),
            Way::Notable => part(&first, start(TraceLevel::Notable)?),
            Way::Untraced => part(&first, start(TraceLevel::Off)?),
            Way::Clone | Way::Original => part_forked(&first, start(TraceLevel::Full)?, half, way),
        };
        ways.push((way, difference));
    }
    Ok(Audit { outcome, first, ways })
}

/// Where `run` parts from the first one.
fn part(first: &[RunEntry], run: impl Iterator<Item = RunEntry>) -> Option<RunDifference> {
    let mut comparison = RunComparison::new(first);
    run.map(|entry| comparison.take(&entry)).find_map(Result::err).map(|difference| *difference)
}

/// The same of a run that is cloned behind `half` of its events. The one that is not looked at runs to its end
/// before the other goes on.
fn part_forked<S: Service>(
    first: &[RunEntry],
    mut run: RunRecorder<S>,
    half: u64,
    way: Way,
) -> Option<RunDifference> {
    let mut comparison = RunComparison::new(first);
    loop {
        let entry = run.next()?;
        if let Err(difference) = comparison.take(&entry) {
            return Some(*difference);
        }
        if entry.events >= half {
            break;
        }
    }
    let clone = run.clone();
    let (mut gone, on) = if way == Way::Clone { (run, clone) } else { (clone, run) };
    gone.by_ref().for_each(drop);
    drop(gone);
    on.map(|entry| comparison.take(&entry)).find_map(Result::err).map(|difference| *difference)
}

/// Holds a run against a recorded one, entry by entry.
#[derive(Clone, Debug)]
pub struct RunComparison<'a> {
    left: &'a [RunEntry],
    place: usize,
}

impl<'a> RunComparison<'a> {
    /// Before the first entry of a run that is held against `left`.
    pub const fn new(left: &'a [RunEntry]) -> RunComparison<'a> {
        RunComparison { left, place: 0 }
    }

    /// The next entry of the run: the error is the first difference, behind which there is nothing to compare.
    pub fn take(&mut self, right: &RunEntry) -> Result<(), Box<RunDifference>> {
        let Some(left) = self.left.get(self.place) else {
            // A run has nothing behind its end, and ends are compared.
            return Ok(());
        };
        let Some(parting) = Parting::of(left, right) else {
            self.place += 1;
            return Ok(());
        };
        let (mut before, mut left, mut right) = (self.before(), RunSide::of(left), RunSide::of(right));
        if matches!(parting, Parting::Text | Parting::End) {
            let pairs = left.lines.iter().zip(&right.lines);
            let same = pairs.take_while(|(left, right)| left == right).count();
            before.extend(left.lines.drain(..same));
            right.lines.drain(..same);
        }
        before.drain(..before.len().saturating_sub(BEFORE));
        Err(Box::new(RunDifference { parting, before, left, right }))
    }

    /// The last lines on which both agree.
    fn before(&self) -> Vec<String> {
        let agreed = self.left[..self.place].iter().rev();
        let lines = agreed.flat_map(|entry| entry.lines.iter().flatten().rev());
        let mut before: Vec<String> = lines.take(BEFORE).cloned().collect();
        before.reverse();
        before
    }
}

/// The first difference between two runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunDifference {
    /// What differs.
    pub parting: Parting,
    /// A few lines of what went before, on which both agree.
    pub before: Vec<String>,
    /// What the first run did.
    pub left: RunSide,
    /// What the other one did.
    pub right: RunSide,
}

/// What differs first between two runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parting {
    /// The text of what happened. The sides begin with the lines that differ.
    Text,
    /// What happened, by number, time or fingerprint, in an event that was not traced in both.
    Event,
    /// The fingerprint alone: what is in a datagram, record or note, and in no line.
    Fingerprint,
    /// The verdict or what everything came to, or that it came to an end. The sides begin with what differs.
    End,
}

impl Parting {
    /// What differs between two entries, if anything does.
    fn of(left: &RunEntry, right: &RunEntry) -> Option<Parting> {
        let moment = |entry: &RunEntry| (entry.events, entry.at, entry.fingerprint);
        match (&left.lines, &right.lines) {
            (Some(one), Some(other)) if one != other => Some(Parting::Text),
            (Some(_), Some(_)) if moment(left) != moment(right) => Some(Parting::Fingerprint),
            _ if moment(left) != moment(right) => Some(Parting::Event),
            _ => (left.end != right.end).then_some(Parting::End),
        }
    }
}

/// One sentence: what differs, and where.
impl fmt::Display for RunDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = (&self.left, &self.right);
        match self.parting {
            Parting::Text => f.write_str("the traces part in ")?,
            Parting::Event => f.write_str("the fingerprints part in ")?,
            Parting::Fingerprint => {
                f.write_str("the traces agree to here line by line, but the fingerprints part in ")?;
            }
            Parting::End => f.write_str("the ends differ, behind ")?,
        }
        write!(f, "event {} at {}", left.events, left.at)?;
        if (left.events, left.at) != (right.events, right.at) {
            write!(f, ", which is event {} at {} in the other run", right.events, right.at)?;
        }
        Ok(())
    }
}

/// One of two runs where they part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunSide {
    /// How many events it had applied by then.
    pub events: u64,
    /// When it was.
    pub at: Instant,
    /// Its fingerprint.
    pub fingerprint: u64,
    /// What it did, as far as it was traced.
    pub lines: Vec<String>,
}

impl RunSide {
    fn of(entry: &RunEntry) -> RunSide {
        let mut lines = entry.lines.clone().unwrap_or_default();
        if let Some(end) = &entry.end {
            lines.push(format!("ends: {}", end.verdict));
            lines.extend(end.state.lines().map(|line| format!("= {line}")));
        }
        RunSide { events: entry.events, at: entry.at, fingerprint: entry.fingerprint, lines }
    }
}
