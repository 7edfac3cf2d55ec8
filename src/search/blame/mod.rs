//! Blame: finds when a failure became inevitable.
//!
//! The failing run is forked at many moments. In a fork, everything that is still random is drawn again, while the
//! script goes on as written. The share of forks that break the same property is the likelihood of the failure from
//! that moment on. The search looks for the largest jump of this likelihood, first on a grid, then by halving down to
//! one event. If the jump is small or may be chance, no moment is named.
//!
//! 1. A fork is a clone of the run itself: nothing before its moment differs.
//! 2. If nothing is random, all forks would fail alike. Then each fork delays datagrams a little, and the answer says
//!    so.

mod census;
mod chance;
mod curve;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::scenario::{Outcome, Run, RunOptions, Scenario, Service};
use crate::search::clock::SearchClock;
use crate::search::property::Property;
use crate::search::runner::Runner;
use crate::search::shrink::NotShrunk;
use crate::sim::{StoryEntry, TraceLevel};
use crate::time::{self, Instant};

pub use census::Suspect;
use curve::Forks;

/// The limits of an inquiry.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// Number of forks at each moment.
    pub forks: u32,
    /// Wall-clock time after which no further fork is begun.
    pub time: Duration,
    /// The greatest number of forks. This bound gives the same result on any machine.
    pub runs_max: u64,
    /// Once this is set, no further fork is begun.
    pub stop: Option<&'a AtomicBool>,
}

impl Default for Inquiry<'_> {
    fn default() -> Inquiry<'static> {
        Inquiry { forks: 40, time: Duration::from_secs(60), runs_max: u64::MAX, stop: None }
    }
}

/// How likely the failure is from one moment on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// Number of turns of the run before this moment. Each turn applies one event, or does what is due if there is
    /// none.
    pub turns: u64,
    /// The moment, in simulated time.
    pub at: Instant,
    /// Number of forks that broke the same property.
    pub failed: u32,
    /// Number of forks.
    pub forks: u32,
    /// Whether the moment is on the grid, not found by halving.
    pub is_of_grid: bool,
}

impl Point {
    /// The number in a thousand forks that break the same property.
    pub fn per_mille(&self) -> u32 {
        (self.failed * 1_000).checked_div(self.forks).unwrap_or(0)
    }
}

/// The largest jump of the curve.
#[derive(Clone, Debug)]
pub struct Jump {
    /// The point before the jump.
    pub before: Point,
    /// The point after the jump.
    pub after: Point,
    /// The events between the two points: one event, if there was time to find it.
    pub entries: Vec<StoryEntry>,
    /// The last notable lines before the jump.
    pub context: Vec<StoryEntry>,
    /// The confidence that the jump is not chance, in thousandths.
    pub confidence: u32,
}

/// Why no moment is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoMoment {
    /// All forks from the very start fail: the steps alone cause the failure.
    Certain,
    /// The largest rise may be chance.
    Chance,
    /// The largest rise is a small part of the whole.
    Gradual,
    /// The inquiry ended before the moment was found.
    Unfinished,
}

impl core::fmt::Display for NoMoment {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            NoMoment::Certain => "it is inevitable from the start: the steps alone bring it about",
            NoMoment::Chance => {
                "no moment is named: nowhere does it get likelier by more than chance explains"
            }
            NoMoment::Gradual => "no moment is named: it gets likelier bit by bit, nowhere by much",
            NoMoment::Unfinished => "no moment is named: it was ended before it was found",
        })
    }
}

/// The result of an inquiry.
#[derive(Clone, Debug)]
pub struct Blamed {
    /// The broken property.
    pub property: Property,
    /// The outcome of the run that was forked.
    pub outcome: Outcome,
    /// The points, by time.
    pub curve: Vec<Point>,
    /// The jump, or why no moment is named.
    pub jump: Result<Jump, NoMoment>,
    /// Kinds of events that failing forks have more often than others.
    pub suspects: Vec<Suspect>,
    /// The longest delay of each datagram of a fork; only if nothing else made forks differ.
    pub shaken: Option<time::Duration>,
    /// Number of forks that were run.
    pub runs: u64,
    /// Wall-clock time that it took.
    pub took: Duration,
    /// Whether the inquiry was finished within its limits.
    pub is_whole: bool,
}

/// Number of moments on the grid.
const GRID: u64 = 20;

/// Delays of datagrams to try if nothing is random: longer each time, until forks differ.
const SHAKES: [time::Duration; 4] = [
    time::Duration::from_millis(1),
    time::Duration::from_millis(5),
    time::Duration::from_millis(20),
    time::Duration::from_millis(80),
];

/// Number of notable lines shown before the jump.
const CONTEXT: usize = 6;

/// Finds when the failure of `scenario` became inevitable.
///
/// A seed in the runner's options replaces the scenario's.
pub fn blame<S: Service>(
    runner: &Runner<S>,
    scenario: &Scenario<S>,
    inquiry: &Inquiry<'_>,
) -> Result<Blamed, NotShrunk> {
    let clock = SearchClock::start();
    let seed = runner.options.seed.unwrap_or(scenario.seed);
    let scenario = Scenario { seed, ..scenario.clone() };
    let base = |level| {
        let options = RunOptions { seed: None, trace: level, ..runner.options };
        runner.start_with(&scenario, &options).map_err(NotShrunk::Wrong)
    };
    let (outcome, turns) = to_the_end(base(TraceLevel::Notable)?);
    let Some(property) = Property::of(&outcome.verdict) else {
        return Err(NotShrunk::Otherwise(Box::new(outcome)));
    };
    let mut forks = Forks::new(base(TraceLevel::Off)?, turns, &property, inquiry, clock);
    let shaken = unsettle(&mut forks);
    let mut jump = Err(if forks.is_asked() { NoMoment::Certain } else { NoMoment::Unfinished });
    if forks.is_open() {
        forks.grid(GRID);
        jump = forks.halve().ok_or(NoMoment::Unfinished).and_then(|jump| forks.confirm(jump));
    }
    let full = base(TraceLevel::Full)?;
    let suspects = forks.suspects(&full, jump.ok().map(|(before, after, _)| (before, after)));
    let jump =
        jump.map(|(before, after, confidence)| Jump { confidence, ..describe_jump(full, before, after) });
    let (again, _) = to_the_end(base(TraceLevel::Off)?);
    if again.fingerprint != outcome.fingerprint {
        return Err(NotShrunk::Unsteady);
    }
    let (runs, took, is_whole) = (forks.runs(), forks.elapsed(), !forks.is_spent());
    let curve = forks.into_curve();
    Ok(Blamed { property, outcome, curve, jump, suspects, shaken, runs, took, is_whole })
}

/// The outcome of `run`, and its number of turns.
fn to_the_end<S: Service>(mut run: Run<S>) -> (Outcome, u64) {
    let mut turns = 0;
    while !run.is_over() {
        run.step();
        turns += 1;
    }
    (run.outcome(), turns)
}

/// If all forks from the very start fail, delays datagrams until forks differ. Returns the delay that does it.
fn unsettle<S: Service>(forks: &mut Forks<'_, S>) -> Option<time::Duration> {
    if forks.ask_first() {
        return None;
    }
    let calm = forks.points();
    let found = SHAKES.into_iter().find(|by| {
        forks.shake(Some(*by), BTreeMap::new());
        forks.ask_first()
    });
    if found.is_none() {
        forks.shake(None, calm);
    }
    found
}

/// What happened between two points of a run with a full trace.
fn describe_jump<S: Service>(mut run: Run<S>, before: Point, after: Point) -> Jump {
    for _ in 0..before.turns {
        run.step();
    }
    let is_notable = |entry: &StoryEntry| entry.class != crate::sim::LineClass::Routine;
    let lines = run.world().trace().lines().rev().take(10_000);
    let mut context: Vec<StoryEntry> =
        lines.map(|line| line.entry()).filter(is_notable).take(CONTEXT).collect();
    context.reverse();
    let written = run.world().trace().written();
    for _ in before.turns..after.turns {
        run.step();
    }
    let new = usize::try_from(run.world().trace().written() - written).unwrap_or(usize::MAX);
    let mut entries: Vec<StoryEntry> =
        run.world().trace().lines().rev().take(new).map(|line| line.entry()).collect();
    entries.reverse();
    Jump { before, after, entries, context, confidence: 0 }
}
