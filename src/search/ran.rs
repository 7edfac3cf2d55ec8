//! One run of a search: a scenario of a source, executed within a budget, perhaps twice.

use crate::scenario::{Outcome, Run, RunOptions, Service, Verdict};
use crate::search::facts::Facts;
use crate::search::runner::Runner;
use crate::search::source::Source;
use crate::sim::{TraceLevel, Violation};
use crate::time::{Duration, Instant};

/// What came of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// Which source, by its place.
    pub source: usize,
    /// Which of its seeds.
    pub seed: u64,
    /// Whether everything held.
    pub verdict: Verdict,
    /// How many events there were.
    pub events: u64,
    /// How much simulated time went by.
    pub simulated: Duration,
    /// A word over everything that happened.
    pub fingerprint: u64,
    /// What judges could not judge within their bounds, in a sentence each.
    pub unknown: Vec<String>,
    /// Whether it was run a second time, and what that came to if it came to something else.
    pub again: Again,
}

/// Whether a run was run a second time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Again {
    /// It was run once.
    Once,
    /// The second one was the same.
    Same,
    /// The second one was another one.
    Differed(Box<Second>),
}

/// A second run that was not the same as the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Second {
    /// Whether everything held.
    pub verdict: Verdict,
    /// How many events there were.
    pub events: u64,
    /// A word over everything that happened.
    pub fingerprint: u64,
}

impl Verdict {
    /// The name of what is broken: a property's, or what kind of verdict it is. Empty when everything held.
    pub fn property(&self) -> &'static str {
        match self {
            Verdict::Passed => "",
            Verdict::Violated(Violation { property, .. }) => property,
            Verdict::Panicked { .. } => "panic",
            Verdict::Stalled { .. } => "progress",
            Verdict::Stale { .. } => "stale",
            Verdict::Undecided { .. } => "undecided",
        }
    }

    /// One sentence about it, without the property.
    pub fn explanation(&self) -> String {
        let text = self.to_string();
        text.split_once(": ").map_or(String::new(), |(_, sentence)| sentence.to_owned())
    }
}

/// The end of a run: what the second run of the same scenario must come to as well.
type ComparedEnd = (Verdict, u64, u64);

/// Runs the scenario of `seed`, and once more if `twice`; counts what happened the first time.
pub(super) fn execute<S: Service>(
    runner: &Runner<S>,
    (number, source): (usize, &dyn Source<S>),
    seed: u64,
    twice: bool,
    facts: &mut Facts,
) -> Ran {
    let scenario = source.scenario(seed);
    let options = RunOptions { seed: source.seed_of_run(seed), trace: TraceLevel::Off, ..runner.options };
    let runner = runner.with(options);
    let end = |run: &Run<S>| -> ComparedEnd {
        let verdict = run.verdict().expect("a finished run has a verdict");
        (verdict.clone(), run.world().events(), run.world().fingerprint())
    };
    let finished = || {
        runner.start(&scenario).map(|mut run| {
            run.finish();
            run
        })
    };
    let first = match finished() {
        Ok(run) => run,
        Err(problems) => {
            let problems: Vec<String> =
                problems.iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect();
            let why = format!("what was drawn cannot be run: {}", problems.join("; "));
            let (verdict, simulated) = (Verdict::Stale { why }, Duration::ZERO);
            let again = Again::Once;
            let unknown = Vec::new();
            return Ran {
                source: number,
                seed,
                verdict,
                events: 0,
                simulated,
                fingerprint: 0,
                unknown,
                again,
            };
        }
    };
    facts.add_run(&first);
    let (verdict, events, fingerprint) = end(&first);
    let again = if twice {
        // The first is alive meanwhile, so that nothing of the second has its addresses.
        match finished().map(|second| end(&second)) {
            Ok(second) if second == (verdict.clone(), events, fingerprint) => Again::Same,
            Ok((verdict, events, fingerprint)) => {
                Again::Differed(Box::new(Second { verdict, events, fingerprint }))
            }
            Err(_) => Again::Once,
        }
    } else {
        Again::Once
    };
    let simulated = first.world().now().since(Instant::ZERO);
    let unknown = first.unknown();
    Ran { source: number, seed, verdict, events, simulated, fingerprint, unknown, again }
}

/// The same run once more, with what is notable of its trace.
pub fn traced<S: Service>(runner: &Runner<S>, source: &dyn Source<S>, seed: u64) -> Option<Outcome> {
    let options = RunOptions { trace: TraceLevel::Notable, seed: None, ..runner.options };
    runner.with(options).run(&source.owned(seed)).ok()
}
