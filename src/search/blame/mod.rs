//! Blame: when a failure became inevitable.
//!
//! The failing run is forked at many moments. In a fork everything that is still random is drawn anew, while the
//! script goes on as it is written; whether it breaks the same property says how likely that was from there on. Where
//! that jumps is what to look at: first on a grid, then by halving down to one event. A jump that is small, or
//! may be chance, is no moment, and none is named then.
//!
//! 1. A fork is a clone of the run itself: nothing before its moment differs.
//! 2. Where nothing is random all forks would fail alike. Then datagrams are held back a little in each, and the
//!    answer says so.

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

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// How often the run is forked at each moment.
    pub forks: u32,
    /// No further fork is begun after this.
    pub time: Duration,
    /// No more forks than this: the bound that gives the same result on any machine.
    pub runs_max: u64,
    /// No further fork is begun once this is set.
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
    /// After so many of the run's turns; each applies one event, or does what is due where there is none.
    pub turns: u64,
    /// When that is.
    pub at: Instant,
    /// How many forks broke the same property.
    pub failed: u32,
    /// Of how many.
    pub forks: u32,
    /// Whether it is one of the grid, not found by halving.
    pub is_of_grid: bool,
}

impl Point {
    /// How many of a thousand forks break the same property.
    pub fn per_mille(&self) -> u32 {
        (self.failed * 1_000).checked_div(self.forks).unwrap_or(0)
    }
}

/// Where the curve jumps most.
#[derive(Clone, Debug)]
pub struct Jump {
    /// Before it.
    pub before: Point,
    /// Behind it.
    pub after: Point,
    /// What happened between the two: of one event, if there was time to find it.
    pub told: Vec<StoryEntry>,
    /// The last notable things before.
    pub context: Vec<StoryEntry>,
    /// How sure it is that the jump is none of chance, in thousandths.
    pub confidence: u32,
}

/// Why no moment is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoMoment {
    /// All forks from the very start fail: the steps alone bring it about.
    Certain,
    /// The largest rise may be chance.
    Chance,
    /// The largest rise is a small part of the whole.
    Gradual,
    /// It was ended before the moment was found.
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

/// What came of it.
#[derive(Clone, Debug)]
pub struct Blamed {
    /// What is broken.
    pub property: Property,
    /// What came of the run that was forked.
    pub outcome: Outcome,
    /// By time.
    pub curve: Vec<Point>,
    /// The jump, or why no moment is named.
    pub jump: Result<Jump, NoMoment>,
    /// Which kinds of event failing forks have and others have not.
    pub suspects: Vec<Suspect>,
    /// By how much at most every datagram of a fork is held back, where nothing else made forks differ.
    pub shaken: Option<time::Duration>,
    /// How many forks were run.
    pub runs: u64,
    /// How long it took.
    pub took: Duration,
    /// Whether there was time for all of it.
    pub is_whole: bool,
}

/// How many moments are on the grid.
const GRID: u64 = 20;

/// How much datagrams are held back where nothing is random: a little more each time, until forks differ.
const SHAKES: [time::Duration; 4] = [
    time::Duration::from_millis(1),
    time::Duration::from_millis(5),
    time::Duration::from_millis(20),
    time::Duration::from_millis(80),
];

/// How many notable lines stand before the jump.
const CONTEXT: usize = 6;

/// Finds when the failure of `scenario` became inevitable.
///
/// A seed of the runner's options takes the place of the scenario's.
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
    let jump = jump.map(|(before, after, confidence)| Jump { confidence, ..tell(full, before, after) });
    let (again, _) = to_the_end(base(TraceLevel::Off)?);
    if again.fingerprint != outcome.fingerprint {
        return Err(NotShrunk::Unsteady);
    }
    let (runs, took, is_whole) = (forks.runs(), forks.elapsed(), !forks.is_spent());
    let curve = forks.into_curve();
    Ok(Blamed { property, outcome, curve, jump, suspects, shaken, runs, took, is_whole })
}

/// What comes of `run`, and after how many turns.
fn to_the_end<S: Service>(mut run: Run<S>) -> (Outcome, u64) {
    let mut turns = 0;
    while !run.is_over() {
        run.step();
        turns += 1;
    }
    (run.outcome(), turns)
}

/// Holds datagrams back where forks from the very start all fail, if that makes them differ; by how much.
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

/// What happened between two points of a run that has a full trace.
fn tell<S: Service>(mut run: Run<S>, before: Point, after: Point) -> Jump {
    for _ in 0..before.turns {
        run.step();
    }
    let is_notable = |told: &StoryEntry| told.class != crate::sim::LineClass::Routine;
    let lines = run.world().trace().lines().rev().take(10_000);
    let mut context: Vec<StoryEntry> =
        lines.map(|line| line.told()).filter(is_notable).take(CONTEXT).collect();
    context.reverse();
    let written = run.world().trace().written();
    for _ in before.turns..after.turns {
        run.step();
    }
    let new = usize::try_from(run.world().trace().written() - written).unwrap_or(usize::MAX);
    let mut told: Vec<StoryEntry> =
        run.world().trace().lines().rev().take(new).map(|line| line.told()).collect();
    told.reverse();
    Jump { before, after, told, context, confidence: 0 }
}
