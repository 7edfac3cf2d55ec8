//! One run of a search: a scenario of a source, executed within a budget, perhaps twice.

use crate::scenario::{Outcome, Run, RunOptions, Service, Verdict};
use crate::search::facts::Facts;
use crate::search::runner::Runner;
use crate::search::source::Source;
use crate::sim::{TraceLevel, Violation};
use crate::time::{Duration, Instant};

/// The result of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// The index of its source.
    pub source: usize,
    /// The seed of that source.
    pub seed: u64,
    /// Whether everything held.
    pub verdict: Verdict,
    /// Number of events.
    pub events: u64,
    /// Simulated time that passed.
    pub simulated: Duration,
    /// A hash of everything that happened.
    pub fingerprint: u64,
    /// Checks that the judges gave up at their limits, one sentence each.
    pub unknown: Vec<String>,
    /// The answers to the questions of the runner, in their order; none if the scenario could not be run.
    pub answers: Vec<bool>,
    /// Whether it was run a second time, and the result of the second run if that differed.
    pub again: Again,
}

/// Whether a run was run a second time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Again {
    /// It was run once.
    Once,
    /// The second run was the same.
    Same,
    /// The second run differed.
    Differed(Box<Second>),
}

/// A second run that differed from the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Second {
    /// Whether everything held.
    pub verdict: Verdict,
    /// Number of events.
    pub events: u64,
    /// A hash of everything that happened.
    pub fingerprint: u64,
}

impl Verdict {
    /// The name of the broken property, or of the kind of verdict; empty if everything held.
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

/// The end of a run: verdict, events and fingerprint. A second run of the same scenario must match it.
type ComparedEnd = (Verdict, u64, u64);

/// Runs the scenario of `seed`, and once more if `twice`. Counts the facts of the first run.
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
                answers: Vec::new(),
                again,
            };
        }
    };
    facts.add_run(&first);
    let (verdict, events, fingerprint) = end(&first);
    let again = if twice {
        // The first run stays alive, so that the second one has other memory addresses.
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
    let (unknown, answers) = (first.unknown(), first.answers());
    Ran { source: number, seed, verdict, events, simulated, fingerprint, unknown, answers, again }
}

/// Runs the same scenario once more, with a trace of notable events.
pub fn traced<S: Service>(runner: &Runner<S>, source: &dyn Source<S>, seed: u64) -> Option<Outcome> {
    let options = RunOptions { trace: TraceLevel::Notable, seed: None, ..runner.options };
    runner.with(options).run(&source.owned(seed)).ok()
}
