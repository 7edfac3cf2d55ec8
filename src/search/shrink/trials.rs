//! Running candidates: which are worth a run, which succeed, and when to stop.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::mix;
use crate::scenario::{Run, RunOptions, Scenario, Service};
use crate::search::clock::SearchClock;
use crate::search::property::Property;
use crate::search::runner::Runner;
use crate::search::shrink::{NotShrunk, Shrunk};
use crate::sim::{Ledger, TraceLevel};
use crate::time::Instant;

/// How much may be spent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// No further run is begun after this.
    pub time: Duration,
    /// No more runs than this.
    pub runs_max: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { time: Duration::from_secs(20), runs_max: 100_000 }
    }
}

/// How many times the events of the scenario at hand a candidate's run may have.
const EVENTS_FACTOR: u64 = 4;

/// And so many more, for those that are small.
const EVENTS_MORE: u64 = 10_000;

/// The scenario at hand, and what was tried.
pub(super) struct Trials<'a, S: Service> {
    runner: &'a Runner<S>,
    /// Of every candidate.
    options: RunOptions,
    property: Property,
    best: Scenario<S>,
    /// A candidate that has not failed by then is given up.
    until: Instant,
    known: BTreeSet<u64>,
    runs: u64,
    successes: u64,
    budget: Budget,
    clock: SearchClock,
}

impl<'a, S: Service> Trials<'a, S> {
    pub(super) fn new(
        runner: &'a Runner<S>,
        scenario: &Scenario<S>,
        property: Option<&Property>,
        budget: &Budget,
    ) -> Result<Trials<'a, S>, NotShrunk> {
        let clock = SearchClock::start();
        let seed = runner.options.seed.unwrap_or(scenario.seed);
        let best = Scenario { seed, ..scenario.clone() };
        let options = RunOptions { seed: None, trace: TraceLevel::Off, ..runner.options };
        let mut run = runner.start_with(&best, &options).map_err(NotShrunk::Wrong)?;
        run.finish();
        let outcome = run.outcome();
        let broken = Property::of(&outcome.verdict);
        let property = match (property, broken) {
            (Some(wanted), Some(broken)) if *wanted == broken => broken,
            (None, Some(broken)) => broken,
            (_, None) | (Some(_), Some(_)) => return Err(NotShrunk::Otherwise(Box::new(outcome))),
        };
        let mut trials = Trials {
            runner,
            options,
            property,
            best,
            until: Instant::ZERO,
            known: BTreeSet::new(),
            runs: 1,
            successes: 0,
            budget: *budget,
            clock,
        };
        trials.expect_no_more_than(&run);
        Ok(trials)
    }

    /// The smallest scenario so far.
    pub(super) fn best(&self) -> &Scenario<S> {
        &self.best
    }

    pub(super) fn property(&self) -> &Property {
        &self.property
    }

    /// How many candidates took the place of the one before.
    pub(super) fn successes(&self) -> u64 {
        self.successes
    }

    pub(super) fn is_spent(&self) -> bool {
        self.runs >= self.budget.runs_max || self.clock.elapsed() >= self.budget.time
    }

    /// Runs `candidate` unless that was done before; where it breaks the same property, it takes the place of the
    /// scenario at hand.
    pub(super) fn adopt(&mut self, candidate: Scenario<S>) -> bool {
        if self.is_spent() || !self.known.insert(word(&candidate)) {
            return false;
        }
        // What is wrong as a file is no smaller scenario.
        let Ok(mut run) = self.runner.start_with(&candidate, &self.options) else { return false };
        self.runs += 1;
        run.finish_by(self.until);
        let is_same = run.verdict().is_some_and(|verdict| self.property.is_of(verdict));
        if is_same {
            self.best = candidate;
            self.successes += 1;
            self.expect_no_more_than(&run);
        }
        is_same
    }

    /// Adopts what `edit` makes of the scenario at hand, unless it makes nothing of it.
    pub(super) fn adopt_edited(&mut self, edit: impl FnOnce(&mut Scenario<S>)) -> bool {
        let mut candidate = self.best.clone();
        edit(&mut candidate);
        self.adopt(candidate)
    }

    /// What chance made of every datagram of the scenario at hand.
    pub(super) fn ledger(&mut self) -> Ledger {
        let Ok(mut run) = self.runner.start_with(&self.best, &self.options) else { return Ledger::default() };
        self.runs += 1;
        run.keep_ledger();
        run.finish_by(self.until);
        run.world().ledger().cloned().unwrap_or_default()
    }

    /// Bounds what candidates may spend by what `run` did.
    fn expect_no_more_than(&mut self, run: &Run<S>) {
        let (now, events) = (run.world().now(), run.world().events());
        let half = crate::time::Duration::from_micros(now.as_micros() / 2);
        self.until = now + half + crate::time::Duration::from_secs(2);
        let most = events.saturating_mul(EVENTS_FACTOR).saturating_add(EVENTS_MORE);
        self.options.events_max = most.min(self.runner.options.events_max);
    }

    /// Runs what was found to its end, twice.
    pub(super) fn finish(mut self) -> Result<Shrunk<S>, NotShrunk> {
        let is_least = !self.is_spent();
        self.best.about = format!("Breaks {}.", self.property);
        let options = RunOptions { seed: None, ..self.runner.options };
        let mut outcomes = [None, None];
        for outcome in &mut outcomes {
            let mut run = self.runner.start_with(&self.best, &options).map_err(NotShrunk::Wrong)?;
            run.finish();
            *outcome = Some(run.outcome());
        }
        let [Some(outcome), Some(again)] = outcomes else { return Err(NotShrunk::Unsteady) };
        if outcome.fingerprint != again.fingerprint {
            return Err(NotShrunk::Unsteady);
        }
        if !self.property.is_of(&outcome.verdict) {
            return Err(NotShrunk::Otherwise(Box::new(outcome)));
        }
        let (runs, took) = (self.runs + 2, self.clock.elapsed());
        Ok(Shrunk { scenario: self.best, outcome, property: self.property, runs, took, is_least })
    }
}

/// A word that two scenarios share only if they are the same.
fn word<S: Service>(scenario: &Scenario<S>) -> u64 {
    mix::absorb(0, format!("{scenario:?}").as_bytes())
}
