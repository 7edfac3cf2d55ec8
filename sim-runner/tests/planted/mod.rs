//! Planted bugs and the scenarios in which they fail.

use std::fs;
use std::path::Path;

use aviary::scenario::{RunOptions, Scenario, read};
use aviary::search::Runner;
use aviary::tweets::service::Timelines;
pub use sim_runner::tweets::saboteurs::Lying;
use sim_runner::tweets::saboteurs::{LiarConfig, Saboteur};

/// Planted bugs, a seed of [`light`] under which they fail, and the kind of message whose loss is the reason.
pub const BY_CHANCE: [(&str, u64, &str); 5] = [
    ("never-retries", 4, "Applied"),
    ("never-retries", 7, "Request"),
    ("forwards-once", 17, "Forward"),
    ("supplies-nothing", 25, "Accept"),
    ("never-fetches", 19, "Accept"),
];

/// A network that loses a little, and some users who tweet now and then.
pub fn light(seed: u64) -> Scenario<Lying> {
    Scenario { seed, ..file("little_loss_costs_nobody_a_tweet") }
}

/// A scenario file of the project.
pub fn file(name: &str) -> Scenario<Lying> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name).with_extension("ron");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read::<Timelines>(name, &text).unwrap_or_else(|bad| panic!("{bad}")).for_service()
}

/// Runs with this bug in every process.
pub fn runner(saboteur: &'static Saboteur) -> Runner<Lying> {
    Runner::configured(RunOptions::default(), move |config: &mut LiarConfig| config.saboteur = Some(saboteur))
}
