//! Runs candidates: decides which are worth a run, which succeed, and when to stop.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::mix;
use crate::scenario::{Run, RunOptions, Scenario, Service};
use crate::search::clock::SearchClock;
use crate::search::property::Property;
use crate::search::runner::Runner;
use crate::search::shrink::size::Size;
use crate::search::shrink::{NotShrunk, Shrunk};
use crate::sim::{Ledger, TraceLevel};
use crate::time::Instant;

/// The limits of shrinking. When they are reached, the result is the smallest scenario found so far.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'a> {
    /// Wall-clock time after which no further run is begun.
    pub time: Duration,
    /// The greatest number of runs. This bound gives the same result on any machine.
    pub runs_max: u64,
    /// Once this is set, no further run is begun.
    pub stop: Option<&'a AtomicBool>,
}

impl Budget<'_> {
    /// The default limits.
    pub const DEFAULT: Budget<'static> =
        Budget { time: Duration::from_secs(20), runs_max: 100_000, stop: None };
}

impl Default for Budget<'_> {
    fn default() -> Budget<'static> {
        Budget::DEFAULT
    }
}

/// A candidate's run may have this many times the events of the current scenario.
const EVENTS_FACTOR: u64 = 4;

/// A candidate's run may have this many more events, for the sake of small scenarios.
const EVENTS_MORE: u64 = 10_000;

/// The current scenario, and what was tried.
pub(super) struct Trials<'a, S: Service> {
    runner: &'a Runner<S>,
    /// The options of every candidate's run.
    options: RunOptions,
    property: Property,
    best: Scenario<S>,
    /// The simulated time by which a candidate must fail.
    until: Instant,
    /// The smallest scenario that broke the property. Edits may lead through larger ones.
    smallest: Small<S>,
    /// The scenario that this round began with.
    began: Small<S>,
    /// Hashes of what was tried since the last call of `begin_again`.
    known: BTreeSet<u64>,
    runs: u64,
    successes: u64,
    budget: Budget<'a>,
    clock: SearchClock,
}

/// A scenario that breaks the property, and the limits of candidates made from it.
#[derive(Clone)]
struct Small<S: Service> {
    scenario: Scenario<S>,
    size: Size,
    until: Instant,
    events_max: u64,
}

impl<'a, S: Service> Trials<'a, S> {
    pub(super) fn new(
        runner: &'a Runner<S>,
        scenario: &Scenario<S>,
        property: Option<&Property>,
        budget: &Budget<'a>,
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
        let size = Size::of(&best);
        let smallest = Small { scenario: best.clone(), size, until: Instant::ZERO, events_max: 0 };
        let mut trials = Trials {
            runner,
            options,
            property,
            best,
            until: Instant::ZERO,
            began: smallest.clone(),
            smallest,
            known: BTreeSet::new(),
            runs: 1,
            successes: 0,
            budget: *budget,
            clock,
        };
        trials.expect_no_more_than(&run);
        trials.smallest = trials.at_hand();
        trials.began = trials.smallest.clone();
        Ok(trials)
    }

    /// The current scenario.
    pub(super) fn best(&self) -> &Scenario<S> {
        &self.best
    }

    pub(super) fn property(&self) -> &Property {
        &self.property
    }

    /// How often a candidate replaced the current scenario.
    pub(super) fn successes(&self) -> u64 {
        self.successes
    }

    pub(super) fn is_spent(&self) -> bool {
        let Budget { time, runs_max, stop } = self.budget;
        self.runs >= runs_max
            || stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
            || self.clock.elapsed() >= time
    }

    /// Runs `candidate`, unless that was done before. If it breaks the same property, it replaces the current
    /// scenario.
    pub(super) fn adopt(&mut self, candidate: Scenario<S>) -> bool {
        if self.is_spent() || !self.known.insert(word(&candidate)) {
            return false;
        }
        // A scenario that is wrong as a file is not a smaller one.
        let Ok(mut run) = self.runner.start_with(&candidate, &self.options) else { return false };
        self.runs += 1;
        run.finish_by(self.until);
        let is_same = run.verdict().is_some_and(|verdict| self.property.is_of(verdict));
        if is_same {
            self.best = candidate;
            self.successes += 1;
            self.expect_no_more_than(&run);
            let at_hand = self.at_hand();
            if at_hand.size < self.smallest.size {
                self.smallest = at_hand;
            }
        }
        is_same
    }

    /// Goes back to the scenario that this round began with. Everything may be tried again.
    pub(super) fn begin_again(&mut self) {
        self.go_to(self.began.clone());
        self.known.clear();
    }

    /// Goes back to the smallest scenario, with which the next round begins. Returns whether it is smaller than the
    /// scenario that this round began with.
    pub(super) fn next_round(&mut self) -> bool {
        self.go_to(self.smallest.clone());
        let before = core::mem::replace(&mut self.began, self.smallest.clone());
        self.began.size < before.size
    }

    /// Undoes what `edits` adopt, unless that leads to a scenario with fewer things than the current one.
    pub(super) fn only_for_fewer(&mut self, edits: impl FnOnce(&mut Trials<'a, S>)) {
        let at_hand = self.at_hand();
        let smallest = core::mem::replace(&mut self.smallest, at_hand.clone());
        edits(self);
        let found = core::mem::replace(&mut self.smallest, smallest);
        let kept = if found.size.things < at_hand.size.things { found } else { at_hand };
        self.go_to(kept.clone());
        if kept.size < self.smallest.size {
            self.smallest = kept;
        }
    }

    fn at_hand(&self) -> Small<S> {
        Small {
            scenario: self.best.clone(),
            size: Size::of(&self.best),
            until: self.until,
            events_max: self.options.events_max,
        }
    }

    fn go_to(&mut self, Small { scenario, until, events_max, .. }: Small<S>) {
        (self.best, self.until, self.options.events_max) = (scenario, until, events_max);
    }

    /// Tries a copy of the current scenario that `edit` has changed.
    pub(super) fn adopt_edited(&mut self, edit: impl FnOnce(&mut Scenario<S>)) -> bool {
        if self.is_spent() {
            return false;
        }
        let mut candidate = self.best.clone();
        edit(&mut candidate);
        self.adopt(candidate)
    }

    /// When each step of the current scenario fired, by track and by index in the track, as far as its run came.
    pub(super) fn fired(&mut self) -> Vec<Vec<Instant>> {
        let mut fired = vec![Vec::new(); self.best.tracks().count()];
        let Ok(mut run) = self.runner.start_with(&self.best, &self.options) else { return fired };
        self.runs += 1;
        while !run.is_over() && run.world().now() <= self.until {
            run.step();
            for (track, times) in fired.iter_mut().enumerate() {
                times.resize(run.world().fired(track), run.world().now());
            }
        }
        fired
    }

    /// What chance did to every datagram of the current scenario.
    pub(super) fn ledger(&mut self) -> Ledger {
        let Ok(mut run) = self.runner.start_with(&self.best, &self.options) else { return Ledger::default() };
        self.runs += 1;
        run.keep_ledger();
        run.finish_by(self.until);
        run.world().ledger().cloned().unwrap_or_default()
    }

    /// Limits what candidates may spend, by what `run` spent.
    fn expect_no_more_than(&mut self, run: &Run<S>) {
        let (now, events) = (run.world().now(), run.world().events());
        let half = crate::time::Duration::from_micros(now.as_micros() / 2);
        self.until = now + half + crate::time::Duration::from_secs(2);
        let most = events.saturating_mul(EVENTS_FACTOR).saturating_add(EVENTS_MORE);
        self.options.events_max = most.min(self.runner.options.events_max);
    }

    /// Runs the result to its end, twice.
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

/// A hash that two scenarios share only if they are the same.
fn word<S: Service>(scenario: &Scenario<S>) -> u64 {
    mix::absorb(0, format!("{scenario:?}").as_bytes())
}
