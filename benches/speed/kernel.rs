//! The kernel's worlds: a crowd of tiny clients beside one silent site, which a world must have.

use aviary::ids::ProcessId;
use aviary::mix::Seed;
use aviary::sim::{
    Action, Chance, Filter, Latency, Rule, Ruling, Step, Target, TraceLevel, Trigger, World, WorldSettings,
};
use aviary::time::{Duration, Instant};

use crate::tiny::{Crowd, Tiny};

/// Three rules that look at every datagram: two of them find some.
fn rules() -> [Rule; 3] {
    let rule = |kind: &str, from, to, ruling| Rule {
        name: None,
        filter: Filter { kind: Some(kind.into()), from, to, slot: None },
        since: Instant::ZERO,
        until: None,
        skip: 10,
        count: Some(10),
        ruling,
    };
    let client = |number| Target::Process(ProcessId::Client(number));
    [
        rule("Ping", client(0), client(1), Ruling::Drop),
        rule("Pong", client(1), Target::Any, Ruling::Delay(Duration::from_millis(1))),
        rule("Nack", Target::Any, Target::Any, Ruling::Drop),
    ]
}

/// Latency 1 to 10 ms, loss 5 %, three rules, the fingerprint on, the trace off.
pub(crate) fn world(count: u16, seed: u64) -> World<Tiny, ()> {
    let mut settings = WorldSettings::calm(Seed(seed), 1, Crowd { count });
    settings.clients = count;
    settings.journal = aviary::journal::JournalConfig { segment_bytes: 16 << 10, record_max: 1 << 10 };
    settings.network.latency = Latency::Uniform(Duration::from_millis(1), Duration::from_millis(10));
    settings.network.loss = Chance { numerator: 5, denominator: 100 };
    settings.trace.level = TraceLevel::Off;
    let step =
        |rule| Step { trigger: Trigger::At(Instant::ZERO), action: Action::Rule(rule), is_optional: false };
    settings.tracks = vec![rules().map(step).into()];
    World::new(settings, ()).expect("the settings are legal")
}

/// Runs `count` processes for so many simulated microseconds; how many datagrams arrived.
pub(crate) fn run(count: u16, micros: u64, seed: u64) -> u64 {
    let mut world = world(count, seed);
    world.run_until(Instant::from_micros(micros)).expect("nobody judges");
    let heard: u64 = world.processes().filter_map(|id| world.process(id)).map(|tiny| tiny.heard).sum();
    assert!(heard > 0, "nobody was answered");
    world.statistics().delivered
}
