//! The cost of the simulator itself: a crowd of tiny clients beside one silent site, which a world must have, compared
//! with a bare loop that does the same work.

use aviary::ids::ProcessId;
use aviary::journal::JournalConfig;
use aviary::mix::Seed;
use aviary::sim::{
    Chance, Filter, LinkLatency, LinkRule, Ruling, ScriptAction, ScriptStep, Target, TraceLevel, Trigger,
    World, WorldSettings,
};
use aviary::time::{Duration, Instant};

use crate::table::{self, Row, median, seconds};
use crate::tiny::{Crowd, Tiny};
use crate::{Bench, bare};

pub const BENCHES: &[Bench] = &[
    Bench { name: "kernel", rows, fixed: Some(deliver) },
    Bench { name: "cold", rows: cold_rows, fixed: None },
];

const RUNS: u64 = 7;

/// Processes, simulated microseconds and the target; at least half a million deliveries each.
const CROWDS: [(u16, u64, f64); 3] = [(5, 120_000_000, 0.9), (50, 1_000_000, 1.4), (500, 30_000, 2.0)];

fn rows() -> Vec<Row> {
    let mut rates = Vec::new();
    let mut rows: Vec<Row> = CROWDS
        .iter()
        .map(|(count, micros, target)| {
            let (mut ours, mut bare) = (Vec::new(), Vec::new());
            for seed in 0..RUNS {
                let (time, delivered) = seconds(|| bare::run((*count).into(), *micros, seed));
                bare.push(delivered as f64 / time);
                let (time, delivered) = seconds(|| run(*count, *micros, seed));
                ours.push(delivered as f64 / time);
            }
            rates.push(median(ours.clone()));
            Row {
                name: format!("kernel, {count} processes"),
                ours: median(ours),
                unit: "deliveries/s",
                bare: Some(median(bare)),
                target: Some(table::Target::OfBare(*target)),
            }
        })
        .collect();
    rows.push(Row {
        name: "kernel, 50 processes beside 5".to_owned(),
        ours: rates[1],
        unit: "deliveries/s",
        bare: Some(rates[0]),
        target: Some(table::Target::OfBare(0.9)),
    });
    rows
}

/// Whole runs of one simulated second, the creation of the world included.
fn cold_rows() -> Vec<Row> {
    const BATCH: u64 = 50;
    const SECOND: u64 = 1_000_000;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for run_number in 0..RUNS {
        let seeds = run_number * BATCH..(run_number + 1) * BATCH;
        let (time, _) = seconds(|| seeds.clone().map(|seed| bare::run(5, SECOND, seed)).sum::<u64>());
        bare.push(BATCH as f64 / time);
        let (time, _) = seconds(|| seeds.map(|seed| run(5, SECOND, seed)).sum::<u64>());
        ours.push(BATCH as f64 / time);
    }
    vec![Row {
        name: "cold, one second of 5 processes".to_owned(),
        ours: median(ours),
        unit: "runs/s",
        bare: Some(median(bare)),
        target: Some(table::Target::OfBare(0.8)),
    }]
}

/// Delivers `count` datagrams among five processes, and at most a few more.
fn deliver(count: u64) {
    let mut world = world(5, 1);
    while world.statistics().delivered < count {
        let until = world.now() + Duration::from_millis(1);
        world.run_until(until).expect("nobody judges");
    }
}

/// Three rules that check every datagram: two of them match some.
fn rules() -> [LinkRule; 3] {
    let rule = |kind: &str, from, to, ruling| LinkRule {
        name: None,
        filter: Filter { kind: Some(kind.into()), from, to, about: None, slots: None },
        since: Instant::ZERO,
        until: None,
        skip: 10,
        count: Some(10),
        ruling,
    };
    let client = |number| Target::of(ProcessId::Client(number));
    [
        rule("Ping", client(0), client(1), Ruling::Drop),
        rule("Pong", client(1), Target::Any, Ruling::Delay(Duration::from_millis(1))),
        rule("Nack", Target::Any, Target::Any, Ruling::Drop),
    ]
}

/// Latency 1 to 10 ms, loss 5 %, three rules, the fingerprint on, the trace off.
fn world(count: u16, seed: u64) -> World<Tiny, ()> {
    let mut settings = WorldSettings::calm(Seed(seed), 1, Crowd { count });
    settings.clients = count;
    settings.journal = JournalConfig { segment_bytes: 16 << 10, record_max: 1 << 10 };
    settings.network.latency = LinkLatency::Uniform(Duration::from_millis(1), Duration::from_millis(10));
    settings.network.loss = Chance { numerator: 5, denominator: 100 };
    settings.trace.level = TraceLevel::Off;
    let step = |rule| ScriptStep {
        trigger: Trigger::At(Instant::ZERO),
        action: ScriptAction::Rule(rule),
        is_optional: false,
    };
    settings.tracks = vec![rules().map(step).into()];
    World::new(settings, ()).expect("the settings are legal")
}

/// Runs `count` processes for `micros` simulated microseconds and returns the number of datagrams that arrived.
fn run(count: u16, micros: u64, seed: u64) -> u64 {
    let mut world = world(count, seed);
    world.run_until(Instant::from_micros(micros)).expect("nobody judges");
    let pongs: u64 = world.processes().filter_map(|id| world.process(id)).map(|tiny| tiny.pongs).sum();
    assert!(pongs > 0, "nobody was answered");
    world.statistics().delivered
}
