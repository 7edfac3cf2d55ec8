//! Planted bugs and the scenarios that they fail in.

use aviary::scenario::{RunOptions, Scenario, read};
use aviary::search::Runner;
use aviary::service::Timelines;
pub use sim_runner::saboteurs::Lying;
use sim_runner::saboteurs::{Config, Saboteur};

/// Planted bugs, a seed of [`light`] that they fail under, and the kind of the message whose loss is the reason.
pub const BY_CHANCE: [(&str, u64, &str); 6] = [
    ("never-retries", 2, "Applied"),
    ("never-retries", 4, "Ask"),
    ("proposes-once", 6, "Accept"),
    ("forwards-once", 7, "Forward"),
    ("supplies-nothing", 2, "Accept"),
    ("never-fetches", 5, "Accept"),
];

/// A network that loses a little, and some who tweet now and then.
pub fn light(seed: u64) -> Scenario<Lying> {
    let text = r#"Scenario(
        about: "A little loss costs nobody a tweet.",
        sites: 3, clients: 2,
        network: (latency: Uniform("5ms", "15ms"), loss: "3%"),
        steps: [
            At("1s", Tweet(client: 0, user: "ann", text: "one")),
            At("3s", Tweet(client: 1, user: "bob", text: "two")),
            At("5s", Tweet(client: 0, user: "ann", text: "three")),
            At("7s", Tweet(site: 1, user: "cat", text: "four")),
            At("9s", Tweet(client: 1, user: "bob", text: "five")),
            At("20s", Tweet(site: 0, user: "dan", text: "six")),
        ],
        expect: [Converges(within: "5s")],
    )"#;
    Scenario { seed, ..of(text) }
}

/// The scenario of a text.
pub fn of(text: &str) -> Scenario<Lying> {
    read::<Timelines>("planted.ron", text).unwrap_or_else(|bad| panic!("{bad}")).for_service()
}

/// Runs with that bug in every process.
pub fn runner(saboteur: &'static Saboteur) -> Runner<Lying> {
    Runner::configured(RunOptions::default(), move |config: &mut Config| config.saboteur = Some(saboteur))
}
