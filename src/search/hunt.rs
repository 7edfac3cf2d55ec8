//! Hunting: how many seeds of a source are run until one fails. One hunt stays on one thread.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::scenario::{RunOptions, Service, Verdict};
use crate::search::property::Property;
use crate::search::runner::Runner;
use crate::search::source::Source;
use crate::sim::TraceLevel;

/// A failure, and how long the way to it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunted {
    /// The seed that fails.
    pub seed: u64,
    /// How many were run, it included.
    pub runs: u64,
    /// What it breaks.
    pub property: Property,
    /// What came of it.
    pub verdict: Verdict,
}

/// Runs these seeds of `source` in their order up to the first that fails and `counts`; `None` when none does, or when
/// `stop` is set before. A run that decides nothing, for one that spends its budget, is no failure.
///
/// What fails without the bug too says nothing about the bug: `counts` is where that is left out, see [`fails`].
///
/// # Panics
/// When the source makes a scenario that cannot be run.
pub fn hunt<S: Service>(
    runner: &Runner<S>,
    source: &dyn Source<S>,
    seeds: Range<u64>,
    counts: impl Fn(u64) -> bool,
    stop: &AtomicBool,
) -> Option<Hunted> {
    let first = seeds.start;
    for seed in seeds {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let verdict = verdict(runner, source, seed);
        if let Some(property) = verdict.as_ref().and_then(Property::of)
            && let Some(verdict) = verdict
            && counts(seed)
        {
            return Some(Hunted { seed, runs: seed - first + 1, property, verdict });
        }
    }
    None
}

/// Whether this seed of `source` breaks anything.
///
/// # Panics
/// When the source makes a scenario that cannot be run.
pub fn fails<S: Service>(runner: &Runner<S>, source: &dyn Source<S>, seed: u64) -> bool {
    verdict(runner, source, seed).as_ref().and_then(Property::of).is_some()
}

fn verdict<S: Service>(runner: &Runner<S>, source: &dyn Source<S>, seed: u64) -> Option<Verdict> {
    let options = RunOptions { seed: source.seed_of_run(seed), trace: TraceLevel::Off, ..runner.options };
    let mut run = runner
        .start_with(&source.scenario(seed), &options)
        .unwrap_or_else(|problems| panic!("seed {seed} of {} cannot be run: {problems:?}", source.name()));
    run.finish();
    run.verdict().cloned()
}
