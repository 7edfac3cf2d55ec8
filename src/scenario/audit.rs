//! Checks that a run repeats itself exactly. One scenario runs in several ways that must make no difference, and each
//! run is compared with the first one, event by event.
//!
//! 1. Everything that happens is compared: number and time of events, the fingerprint after each, the text of the
//!    whole trace if both runs keep it, the verdict and the final state.
//! 2. The first run stays alive while the others go on, so that the others have other memory addresses.
//! 3. A scenario that fails is audited like any other. It must fail in the same way.
//!
//! An audit does not see state that differs but never shows in a message, a record, a note, a time or the end. To
//! compare runs across processes, machines or builds, use a [`RunRecorder`] there and a [`RunComparison`] here.

use core::fmt;

use crate::foreign::rebuilt::SUSPECTS;
use crate::process::Process;
use crate::ron_file::Problem;
use crate::scenario::form::Scenario;
use crate::scenario::outcome::Outcome;
use crate::scenario::record::{RunEntry, RunRecorder};
use crate::scenario::run::RunOptions;
use crate::scenario::service::Service;
use crate::sim::TraceLevel;
use crate::time::Instant;

/// Number of agreeing lines that are kept from before a difference.
const BEFORE: usize = 5;

/// A way to run a scenario that must make no difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Once more, with its whole trace like the first run.
    Again,
    /// With a trace of notable events only.
    Notable,
    /// Without a trace.
    Untraced,
    /// As a clone made half-way. The original runs to its end first and is dropped.
    Clone,
    /// As the original that is cloned half-way. The clone runs to its end first and is dropped.
    Original,
}

impl Way {
    /// Every way, in the order in which they are tried.
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

    /// A phrase that names the run in a sentence.
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

/// The result of an audit.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The outcome of the first run.
    pub outcome: Outcome,
    /// The entries of the first run, for comparison with further runs.
    pub first: Vec<RunEntry>,
    /// Each way, with the first difference from the first run, if any.
    pub ways: Vec<(Way, Option<RunDifference>)>,
}

/// Runs `scenario` in every way, or says everything that is wrong with it. The ways choose the trace level, not
/// `options`. The limit on lines in `options` bounds the text that is compared.
pub fn audit<S: Service>(scenario: &Scenario<S>, options: &RunOptions) -> Result<Audit, Vec<Problem>> {
    audit_configured(scenario, options, |_| {})
}

/// As [`audit`], but `configure` then changes the configuration of every process.
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

/// The first difference between `run` and the first run.
fn part(first: &[RunEntry], run: impl Iterator<Item = RunEntry>) -> Option<RunDifference> {
    let mut comparison = RunComparison::new(first);
    run.map(|entry| comparison.take(&entry)).find_map(Result::err).map(|difference| *difference)
}

/// The same for a run that is cloned after `half` of its events. The copy that is not compared runs to its end before
/// the other goes on.
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

/// Compares a run with a recorded one, entry by entry.
#[derive(Clone, Debug)]
pub struct RunComparison<'a> {
    left: &'a [RunEntry],
    place: usize,
}

impl<'a> RunComparison<'a> {
    /// A comparison with `left`, before the first entry.
    pub const fn new(left: &'a [RunEntry]) -> RunComparison<'a> {
        RunComparison { left, place: 0 }
    }

    /// Compares the next entry of the run. The error is the first difference. After it there is nothing to compare.
    pub fn take(&mut self, right: &RunEntry) -> Result<(), Box<RunDifference>> {
        let Some(left) = self.left.get(self.place) else {
            // A run has no entry after its end, and ends are compared.
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
    /// The kind of difference.
    pub parting: Parting,
    /// A few lines from before the difference, on which both agree.
    pub before: Vec<String>,
    /// The first run at the difference.
    pub left: RunSide,
    /// The other run at the difference.
    pub right: RunSide,
}

impl RunDifference {
    /// Where to look for the reason, in one or two sentences.
    pub fn hint(&self) -> String {
        let sorted = |side: &RunSide| {
            let mut lines = side.lines.clone();
            lines.sort_unstable();
            lines
        };
        let differing = || self.left.lines.iter().zip(&self.right.lines).find(|(left, right)| left != right);
        let seen = if self.left.lines != self.right.lines && sorted(&self.left) == sorted(&self.right) {
            "The same lines come in another order, as from a `HashMap` that is iterated. "
        } else if differing().is_some_and(|(left, right)| left.contains("0x") && right.contains("0x")) {
            "A number in hexadecimal differs, perhaps an address. "
        } else {
            ""
        };
        format!("{seen}In a process, and in the crates that it uses, {SUSPECTS}.")
    }
}

/// The kind of the first difference between two runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parting {
    /// The trace text differs. The sides begin with the lines that differ.
    Text,
    /// The number, time or fingerprint of an event differs. The event was not traced in both runs.
    Event,
    /// Only the fingerprint differs: something in a datagram, record or note that no line shows.
    Fingerprint,
    /// The verdict or the final state differs, or only one run ended. The sides begin with what differs.
    End,
}

impl Parting {
    /// The kind of difference between two entries, if they differ.
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

/// One of two runs at the point where they differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunSide {
    /// Number of events applied so far.
    pub events: u64,
    /// Simulated time.
    pub at: Instant,
    /// Its fingerprint.
    pub fingerprint: u64,
    /// Its trace lines, as far as it was traced, and its end.
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
