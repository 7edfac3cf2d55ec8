//! Shrinking: makes a scenario smaller as long as it breaks the same property.
//!
//! It edits the [`Scenario`] value, never a text, and knows no protocol: the service provides simpler commands and
//! settings. Every edit is tried by running it, and kept if it breaks the same property. A run of a smaller scenario
//! gets a few times the events of the larger one, and little more simulated time than the larger one took to fail.
//!
//! 1. Nothing is kept that was not run. The result is run to its end, twice, with one fingerprint.
//! 2. A run that is stale, undecided or fails otherwise is no success.
//! 3. Every edit makes something less, so passes over all of them come to an end.
//! 4. The result is the smallest of all scenarios that broke the property, and shrinking it again changes nothing:
//!    the last round over all edits began with it and found nothing smaller. Only a spent budget leaves more to do.

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

/// The result of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk<S: Service> {
    /// The smallest scenario that was found, with the seed that it fails under.
    pub scenario: Scenario<S>,
    /// The outcome of that scenario.
    pub outcome: Outcome,
    /// The broken property, the same as the original's.
    pub property: Property,
    /// Number of scenarios that were run.
    pub runs: u64,
    /// Wall-clock time that it took.
    pub took: Duration,
    /// Whether nothing more can be left out; otherwise the budget was spent.
    pub is_least: bool,
}

/// Why nothing was shrunk.
#[derive(Clone, Debug)]
pub enum NotShrunk {
    /// The scenario is wrong.
    Wrong(Vec<Problem>),
    /// The scenario does not break the property.
    Otherwise(Box<Outcome>),
    /// Two runs of the scenario differed.
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
                f.write_str("there is no failure: it passes")
            }
            NotShrunk::Otherwise(outcome) => {
                write!(f, "not this failure: it ends otherwise, {}", outcome.verdict)
            }
            NotShrunk::Unsteady => f.write_str("two runs of one scenario differed: `audit` shows where"),
        }
    }
}

/// Makes `scenario` as small as possible while it breaks `property` or, if none is given, whatever it breaks.
///
/// A seed in the runner's options replaces the scenario's.
pub fn shrink<S: Service>(
    runner: &Runner<S>,
    scenario: &Scenario<S>,
    property: Option<&Property>,
    budget: &Budget<'_>,
) -> Result<Shrunk<S>, NotShrunk> {
    let mut trials = Trials::new(runner, scenario, property, budget)?;
    loop {
        // The result of a series of edits depends on the edit that it begins with.
        for first in [First::Steps, First::Members] {
            trials.begin_again();
            // A pass that changed anything may have made room for more.
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

/// The things that a pass leaves out first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Steps,
    Members,
}

/// Tries every edit once, the cheapest large cuts first.
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
    weather::replace_chance(trials);
    steps::plainer(trials);
    times::instead_of_events(trials);
    commands::plainer(trials);
    times::shorter(trials);
    weather::plain_seed(trials);
}
