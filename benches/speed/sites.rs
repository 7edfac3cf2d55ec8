//! Whole sites with bytes, journals and every judge: tweets through the log, and ordinary operation.

use aviary::scenario::{RunOptions, Scenario, read, run};
use aviary::sim::TraceLevel;
use aviary::tweets::service::Timelines;
use aviary::tweets::site::Config;

use crate::Bench;
use crate::load::{Load, many_events_a_slot, one_event_a_slot};
use crate::table::{Row, Target, median, seconds};

pub const BENCHES: &[Bench] = &[
    Bench { name: "sites", rows: tweets, fixed: Some(|count| tweet(one_event_a_slot(), count)) },
    Bench { name: "sites-batched", rows: Vec::new, fixed: Some(|count| tweet(many_events_a_slot(), count)) },
    Bench { name: "ordinary", rows: ordinary, fixed: Some(lives) },
];

const TWEETS: u64 = 10_000;
/// One outstanding tweet per client.
const OUTSTANDING: u16 = 64;
const RUNS: usize = 5;

fn tweet(config: Config, count: u64) {
    Load::new(config, OUTSTANDING).run(count);
}

fn tweeted(config: Config, count: u64) -> (f64, Load) {
    let mut load = Load::new(config, OUTSTANDING);
    let (time, ()) = seconds(|| load.run(count));
    (time, load)
}

fn tweets() -> Vec<Row> {
    let kinds = [("one event a slot", one_event_a_slot()), ("many events a slot", many_events_a_slot())];
    let mut rates = [Vec::new(), Vec::new()];
    let mut names = [String::new(), String::new()];
    for _ in 0..RUNS {
        for (place, (name, config)) in kinds.iter().enumerate() {
            let (time, mut load) = tweeted(config.clone(), TWEETS);
            rates[place].push(TWEETS as f64 / time);
            let a_slot = TWEETS as f64 / load.slots() as f64;
            load.check();
            names[place] = format!("sites: {name} ({a_slot:.1})");
        }
    }
    let targets = [100_000.0, 200_000.0].map(|least| Some(Target::AtLeast(least)));
    let row =
        |((name, rates), target)| Row { name, ours: median(rates), unit: "tweets/s", bare: None, target };
    names.into_iter().zip(rates).zip(targets).map(row).collect()
}

const ORDINARY: &str = include_str!("../ordinary.ron");

fn life() -> Scenario<Timelines> {
    read("benches/ordinary.ron", ORDINARY).unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

/// Runs `life` under this seed and returns the number of seconds and events.
fn lived(life: &Scenario<Timelines>, seed: u64) -> (f64, f64) {
    let options = RunOptions { seed: Some(seed), trace: TraceLevel::Off, ..RunOptions::default() };
    let outcome = run(life, &options).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(outcome.verdict.is_pass(), "seed {seed}: {}", outcome.verdict);
    (outcome.simulated.as_micros() as f64 / 1e6, outcome.events as f64)
}

fn lives(count: u64) {
    let life = life();
    for seed in 0..count {
        lived(&life, seed);
    }
}

fn ordinary() -> Vec<Row> {
    const SEEDS: u64 = 40;
    let life = life();
    let (mut simulated, mut events) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (time, sum) = seconds(|| {
            let each = (0..SEEDS).map(|seed| lived(&life, seed));
            each.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        });
        simulated.push(sum.0 / time);
        events.push(sum.1 / time);
    }
    let row = |name: &str, figures, unit, target| Row {
        name: name.to_owned(),
        ours: median(figures),
        unit,
        bare: None,
        target,
    };
    vec![
        row("ordinary: simulated time", simulated, "s/s", Some(Target::AtLeast(10_000.0))),
        row("ordinary: events", events, "events/s", None),
    ]
}
