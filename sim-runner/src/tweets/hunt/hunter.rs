//! One saboteur's row: its sweeps, one after the other, and the shrinking of the median sweep's failure.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aviary::scenario::{RunOptions, Scenario};
use aviary::search::{Budget, Drawn, Hunted, Property, Runner, Source, fails, hunt, shrink};
use aviary::sim::TraceLevel;
use rustix::time::{ClockId, clock_gettime};

use crate::tweets::hunt::SaboteursArgs;
use crate::tweets::hunt::row::{SaboteurRow, Small, middle};
use crate::tweets::saboteurs::{self, Lying, Saboteur};

/// Some lies make sites send messages without end; an honest run has a hundredth of this.
const EVENTS_MAX: u64 = 2_000_000;

/// Distance between the first seeds of two sweeps, so that the sweeps share no seed.
const SEEDS_BETWEEN_SWEEPS: u64 = 1_000_000;

/// How each saboteur is hunted. The hunt ends once `stop` is set.
pub(super) struct Hunter<'a> {
    profile: Drawn,
    sweeps: usize,
    seeds_max: u64,
    /// Failures under these seeds do not come from the bug that is planted in this program.
    except: Vec<u64>,
    shrink_time: Option<Duration>,
    stop: &'a AtomicBool,
}

impl<'a> Hunter<'a> {
    pub(super) fn new(args: &SaboteursArgs, profile: Drawn, stop: &'a AtomicBool) -> Hunter<'a> {
        Hunter {
            profile,
            sweeps: args.sweeps.get(),
            seeds_max: args.seeds_max,
            except: args.except.clone(),
            shrink_time: (!args.no_shrink).then_some(args.shrink_time),
            stop,
        }
    }

    /// Whether the hunt was ended: later seeds might have found something.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Hunts `saboteur`.
    pub(super) fn row(&self, saboteur: &'static Saboteur) -> SaboteurRow {
        let runner = runner(Some(saboteur));
        let (row, median) = self.hunted(saboteur.name, &runner, |seed| !self.fails_honestly(seed));
        let small = median.and_then(|hunted| {
            let (scenario, small) = self.shrunk(&runner, &hunted)?;
            (!is_honest_too(&scenario, &hunted.property)).then_some(small)
        });
        SaboteurRow {
            about: saboteur.about.to_owned(),
            is_held_out: saboteurs::is_held_out(saboteur.name),
            small,
            ..row
        }
    }

    /// Hunts a bug planted in the source: this program has no honest process to compare with.
    pub(super) fn planted(&self, name: &str) -> SaboteurRow {
        let runner = runner(None);
        let (row, median) = self.hunted(name, &runner, |seed| !self.except.contains(&seed));
        let shrunk = median.and_then(|hunted| self.shrunk(&runner, &hunted));
        SaboteurRow { small: shrunk.map(|(_, small)| small), ..row }
    }

    /// Whether the processes of this program fail under this seed without any saboteur.
    pub(super) fn fails_honestly(&self, seed: u64) -> bool {
        fails(&runner(None), &self.profile, seed)
    }

    /// The row of all sweeps, and the failure of the median sweep.
    fn hunted(
        &self,
        name: &str,
        runner: &Runner<Lying>,
        counts: impl Fn(u64) -> bool,
    ) -> (SaboteurRow, Option<Hunted>) {
        let (mut found, spent) = self.sweeps(runner, counts);
        let values = |what: fn(&Hunted) -> u64| found.iter().map(|one| one.as_ref().map(what)).collect();
        let (runs, seeds) = (values(|hunted| hunted.runs), values(|hunted| hunted.seed));
        // Sweeps that found nothing come last.
        found.sort_by_key(|one| one.as_ref().map_or(u64::MAX, |hunted| hunted.runs));
        let median = found.swap_remove(middle(found.len()));
        let row = SaboteurRow {
            name: name.to_owned(),
            about: String::new(),
            is_held_out: false,
            runs,
            spent_micros: spent
                .iter()
                .map(|spent| u64::try_from(spent.as_micros()).unwrap_or(u64::MAX))
                .collect(),
            seeds,
            property: median.as_ref().map(|hunted| hunted.property.name().to_owned()),
            seed: median.as_ref().map(|hunted| hunted.seed),
            verdict: median.as_ref().map(|hunted| hunted.verdict.to_string()),
            small: None,
        };
        (row, median)
    }

    /// The result of each sweep, and the processor time that it took up to its failure or its end. Once so many sweeps
    /// gave up that the median is one of them, the others are skipped.
    fn sweeps(
        &self,
        runner: &Runner<Lying>,
        counts: impl Fn(u64) -> bool,
    ) -> (Vec<Option<Hunted>>, Vec<Duration>) {
        let (mut found, mut spent): (Vec<Option<Hunted>>, Vec<Duration>) = (Vec::new(), Vec::new());
        let mut first = 0;
        while found.len() < self.sweeps {
            let begun = processor_time();
            // Whether the failure counts is no part of finding it.
            let ended = Cell::new(None);
            let counts = |seed| {
                ended.set(Some(processor_time()));
                counts(seed)
            };
            let hunted = hunt(runner, &self.profile, first..first + self.seeds_max, counts, self.stop);
            let ended = hunted.as_ref().and(ended.get()).unwrap_or_else(processor_time);
            spent.push(ended.saturating_sub(begun));
            found.push(hunted);
            first += SEEDS_BETWEEN_SWEEPS;
            let given_up = found.iter().filter(|one| one.is_none()).count();
            if given_up >= self.sweeps - middle(self.sweeps) {
                break;
            }
        }
        (found, spent)
    }

    fn shrunk(&self, runner: &Runner<Lying>, hunted: &Hunted) -> Option<(Scenario<Lying>, Small)> {
        let origin: Scenario<Lying> = self.profile.owned(hunted.seed);
        let budget = Budget { time: self.shrink_time?, stop: Some(self.stop), ..Budget::DEFAULT };
        let shrunk = shrink(runner, &origin, Some(&hunted.property), &budget).ok()?;
        let small = Small {
            steps_before: steps(&origin),
            steps: steps(&shrunk.scenario),
            millis: u64::try_from(shrunk.took.as_millis()).unwrap_or(u64::MAX),
            runs: shrunk.runs,
        };
        Some((shrunk.scenario, small))
    }
}

/// Runs scenarios with `saboteur` in every process, or with the processes of this program as they are.
fn runner(saboteur: Option<&'static Saboteur>) -> Runner<Lying> {
    let options = RunOptions { trace: TraceLevel::Off, events_max: EVENTS_MAX, ..RunOptions::default() };
    Runner::configured(options, move |config: &mut saboteurs::LiarConfig| config.saboteur = saboteur)
}

/// Whether the shrunken scenario breaks `property` also without any saboteur: then shrinking moved to another failure.
fn is_honest_too(scenario: &Scenario<Lying>, property: &Property) -> bool {
    let outcome = runner(None).run(scenario);
    let broken = outcome.ok().and_then(|outcome| Property::of(&outcome.verdict));
    broken.is_some_and(|broken| broken.name() == property.name())
}

/// The processor time of this thread. It is shown, and never seen by a run.
fn processor_time() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

fn steps(scenario: &Scenario<Lying>) -> usize {
    scenario.tracks().map(<[_]>::len).sum::<usize>() + scenario.rules.len()
}
