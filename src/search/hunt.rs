//! Hunting: runs seeds of a source until one fails. One hunt stays on one thread.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::scenario::{RunOptions, Service, Verdict};
use crate::search::property::Property;
use crate::search::runner::Runner;
use crate::search::source::Source;
use crate::sim::TraceLevel;

/// A failure, and how many runs it took to find.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunted {
    /// The seed that fails.
    pub seed: u64,
    /// Number of runs up to this one, including it.
    pub runs: u64,
    /// The property that it breaks.
    pub property: Property,
    /// Its verdict.
    pub verdict: Verdict,
}

/// Runs these seeds of `source` in order, up to the first that fails and for which `counts` is true. Returns `None`
/// if there is none, or if `stop` is set before. A run that decides nothing, such as one that spends its budget, is
/// no failure.
///
/// A seed that also fails without the planted bug says nothing about the bug. `counts` leaves such seeds out; see
/// [`fails`].
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

/// Whether this seed of `source` breaks any property.
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
