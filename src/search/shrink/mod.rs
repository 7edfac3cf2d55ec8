//! Shrinking: the smallest scenario at hand that breaks the same property.
//!
//! It edits the [`Scenario`] value, never a text, and knows no protocol: what simpler commands and settings are is
//! the service's to say. Every edit is tried by running it; one that breaks the same property is kept. A run of a
//! smaller scenario gets a few times the events of the larger one's and no more time than a while beyond its failure.
//!
//! 1. Nothing is kept that was not run, and what comes out was run to its end, twice, with one fingerprint.
//! 2. A stale, undecided or otherwise failing run is no success.
//! 3. Every edit makes something less, so passes over all of them come to an end.
//! 4. The result is the smallest scenario of all that broke the property, and shrinking it again changes nothing: the
//!    last round over all edits began with it and found nothing smaller. Only a spent budget leaves more to go.

mod chunks;
mod commands;
mod members;
mod size;
mod steps;
mod times;
mod trials;
mod weather;

use std::time::Duration;

use crate::scenario::{Outcome, Problem, Scenario, Service};
use crate::search::property::Property;
use crate::search::runner::Runner;

pub use trials::Budget;
use trials::Trials;

/// What came of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk<S: Service> {
    /// The smallest scenario that was found. It has the seed that it fails under.
    pub scenario: Scenario<S>,
    /// What came of running it.
    pub outcome: Outcome,
    /// What it breaks, as the original does.
    pub property: Property,
    /// How many scenarios were run.
    pub runs: u64,
    /// How long it took.
    pub took: Duration,
    /// Whether nothing more goes; else the budget was spent.
    pub is_least: bool,
}

/// Why nothing was shrunk.
#[derive(Clone, Debug)]
pub enum NotShrunk {
    /// What is wrong with the scenario.
    Wrong(Vec<Problem>),
    /// It does not break the property.
    Otherwise(Box<Outcome>),
    /// Two runs of it differed.
    Unsteady,
}

impl core::fmt::Display for NotShrunk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            NotShrunk::Wrong(problems) => {
                let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
                f.write_str(&messages.join("; "))
            }
            NotShrunk::Otherwise(outcome) if outcome.verdict.is_pass() => {
                f.write_str("nothing to shrink: it passes")
            }
            NotShrunk::Otherwise(outcome) => {
                write!(f, "nothing to shrink: it ends otherwise, {}", outcome.verdict)
            }
            NotShrunk::Unsteady => f.write_str("two runs of one scenario differed: `audit` shows where"),
        }
    }
}

/// Makes `scenario` as small as it can while it breaks `property`, or whatever it breaks when that is not given.
///
/// A seed of the runner's options takes the place of the scenario's.
pub fn shrink<S: Service>(
    runner: &Runner<S>,
    scenario: &Scenario<S>,
    property: Option<&Property>,
    budget: &Budget<'_>,
) -> Result<Shrunk<S>, NotShrunk> {
    let mut trials = Trials::new(runner, scenario, property, budget)?;
    loop {
        // Where a way over the edits ends depends on where it begins.
        for first in [First::Steps, First::Members] {
            trials.begin_again();
            // A pass that changed anything may have made room for another.
            let mut before = None;
            while !trials.is_spent() && before != Some(trials.successes()) {
                before = Some(trials.successes());
                pass(&mut trials, first);
            }
        }
        if !trials.next_round() || trials.is_spent() {
            return trials.finish();
        }
    }
}

/// What a pass leaves out first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Steps,
    Members,
}

/// Tries everything once, the cheapest large cuts first.
fn pass<S: Service>(trials: &mut Trials<'_, S>, first: First) {
    steps::leave_out_expectations(trials);
    commands::shorten(trials);
    if first == First::Members {
        members::leave_out(trials);
    }
    weather::calm(trials);
    commands::forget_settings(trials);
    steps::leave_out_rules(trials);
    steps::leave_out_steps(trials);
    members::leave_out(trials);
    weather::say(trials);
    steps::plainer(trials);
    times::instead_of_events(trials);
    commands::plainer(trials);
    times::shorter(trials);
    weather::plain_seed(trials);
}
