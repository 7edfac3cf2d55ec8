//! A run is a function, and a world is a value.

use super::*;
use crate::mix;
use crate::sim::net::settings::{Chance, LinkLatency};
use crate::sim::watch::judge::ObservationKinds;

/// A network with every kind of fault, and sites that send all the time.
fn stormy() -> Settings {
    let mut steps = Vec::new();
    for number in 0..60 {
        steps.push(put(5 + 25 * number, ProcessId::site((number % 3) as u8), 100 + number));
    }
    let mut settings = settings(steps);
    settings.config.beat = Some(Duration::from_millis(20));
    settings.network.latency =
        LinkLatency::Exponential { min: Duration::from_millis(1), mean: Duration::from_millis(5) };
    settings.network.loss = Chance { numerator: 1, denominator: 10 };
    settings.network.duplication = Chance { numerator: 1, denominator: 20 };
    settings.network.reordering = Chance { numerator: 1, denominator: 20 };
    settings.network.reordering_by = Duration::from_millis(30);
    settings.tracks.push(Vec::from([
        at(300, ScriptAction::Crash { who: Target::of(S1), at: None, leaves: Leaves::Torn }),
        at(500, ScriptAction::Restart(Target::of(S1))),
    ]));
    settings
}

/// Counts observations, and looks at some kinds only.
#[derive(Clone)]
struct Narrow {
    looks_at: ObservationKinds,
    counts: [u64; 3],
}

impl Judge<Gossip> for Narrow {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Gossip>) -> Result<(), Violation> {
        match seen {
            Observation::Handled { .. } => self.counts[0] += 1,
            Observation::Noted { .. } => self.counts[1] += 1,
            _ => self.counts[2] += 1,
        }
        Ok(())
    }

    fn looks_at(&self) -> ObservationKinds {
        self.looks_at
    }
}

#[test]
fn a_judge_is_asked_about_what_it_looks_at_and_the_run_is_the_same() {
    const HANDLED: ObservationKinds = ObservationKinds::HANDLED;
    let run = |looks_at| {
        let mut world = World::new(stormy(), Narrow { looks_at, counts: [0; 3] }).unwrap();
        world.run_until(ms(1_000)).unwrap();
        (world.judge().counts, world.fingerprint())
    };
    let ([handled, noted, others], fingerprint) = run(ObservationKinds::ALL);
    assert!(handled > 0 && noted > 0 && others > 0, "{handled} {noted} {others}");
    assert_eq!(run(ObservationKinds::NONE), ([0; 3], fingerprint));
    assert_eq!(run(HANDLED), ([handled, 0, 0], fingerprint));
    assert_eq!(run(HANDLED.and(ObservationKinds::NOTED)), ([handled, noted, 0], fingerprint));
    assert_eq!(run(ObservationKinds::ALL.without(HANDLED)), ([0, noted, others], fingerprint));
}

#[test]
fn the_same_seed_is_the_same_run_however_much_is_traced() {
    let fingerprint = |level, seed| {
        let mut settings = stormy();
        settings.trace.level = level;
        settings.seed = Seed(seed);
        let world = run(settings);
        (world.fingerprint(), world.events())
    };
    let full = fingerprint(TraceLevel::Full, 7);
    assert_eq!(full, fingerprint(TraceLevel::Full, 7));
    assert_eq!(full, fingerprint(TraceLevel::Notable, 7));
    assert_eq!(full, fingerprint(TraceLevel::Off, 7));
    assert_ne!(full, fingerprint(TraceLevel::Full, 8));
}

#[test]
fn a_clone_runs_on_exactly_as_the_original_does() {
    let mut world: GossipWorld = World::new(stormy(), Scribe::default()).unwrap();
    for stop in [0, 300, 301, 700, 1_100] {
        world.run_until(ms(stop)).unwrap();
        let mut twin = world.clone();
        twin.run_until(ms(2_000)).unwrap();
        let mut original = world.clone();
        original.run_until(ms(2_000)).unwrap();
        assert_eq!(twin.fingerprint(), original.fingerprint(), "cloned at {stop} ms");
        assert_eq!(twin.trace().render(), original.trace().render());
    }
    world.run_until(ms(2_000)).unwrap();
    assert_eq!(world.fingerprint(), run(stormy()).fingerprint(), "clones leave the original alone");
}

/// A hash of the arrival times of each message, by its route and content.
fn fates(world: &GossipWorld) -> alloc::collections::BTreeMap<String, u64> {
    let mut fates = alloc::collections::BTreeMap::new();
    for (at, to, from, word) in &world.judge().delivered {
        let sum = fates.entry(alloc::format!("{from} {to} {word:?}")).or_insert(0);
        *sum = mix::mix(*sum, [at.as_micros()]);
    }
    fates
}

#[test]
fn leaving_out_one_command_moves_no_unrelated_datagram() {
    let with = stormy();
    let mut without = stormy();
    // Every step has a time of its own, so the steps after the one left out fire as before.
    without.tracks[0].remove(20);
    let (with, without) = (fates(&run(with)), fates(&run(without)));
    let others = |name: &&String| !name.contains("number: 120");
    let (before, after) = (with.keys().filter(others).count(), without.keys().filter(others).count());
    let moved = with.iter().filter(|(name, fate)| others(name) && without.get(*name) != Some(fate)).count();
    assert_eq!(
        (moved, before),
        (0, after),
        "datagrams about anything else came elsewhere or at another time"
    );
    assert!(before > 100, "{before} links and subjects were compared");
}

#[test]
fn a_loss_of_one_in_ten_is_about_that() {
    let statistics = *run(stormy()).statistics();
    let promille = statistics.lost * 1_000 / statistics.sent;
    assert!((70..130).contains(&promille), "{promille} of 1000 were lost");
    assert!(statistics.doubled > 0 && statistics.held_back > 0 && statistics.syncs > 50);
}

#[test]
fn the_first_violation_stops_every_later_step() {
    let mut settings = settings(Vec::from([put(1, S0, 5)]));
    settings.trace.level = TraceLevel::Off;
    let judge = Scribe { forbidden: Some(5), ..Scribe::default() };
    let mut world = World::new(settings, judge).unwrap();
    let violation = world.run_until(ms(100)).unwrap_err();
    assert_eq!(violation.explanation, "S0 heard that 5 is kept");
    assert_eq!(world.step().unwrap_err(), violation);
    assert_eq!(world.violation(), Some(&violation));
}

#[test]
#[should_panic(expected = "asked to")]
fn a_panic_passes_through_the_world() {
    run(settings(Vec::from([at(1, ScriptAction::Command(Target::of(S1), Ask::Break))])));
}

#[cfg(feature = "std")]
#[test]
fn a_panic_leaves_the_culprit_named() {
    let settings = settings(Vec::from([at(1, ScriptAction::Command(Target::of(S1), Ask::Break))]));
    let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
    let outcome = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| world.run_until(ms(5))));
    assert!(outcome.is_err());
    assert_eq!(world.handling(), Some(S1));
}

#[test]
fn any_bytes_that_are_no_datagram_are_dropped_and_counted() {
    let mut world = run(settings(Vec::from([put(1, S0, 5)])));
    let (_, datagram) = world.judge().sent[0].clone();
    let before = *world.statistics();
    let mut injected = 0;
    for bit in 0..datagram.bytes.len() * 8 {
        let mut bytes = datagram.bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        world.inject(S1, &bytes);
        injected += 1;
    }
    for length in 0..datagram.bytes.len() {
        world.inject(S1, &datagram.bytes[..length]);
        injected += 1;
    }
    world.run_until(ms(3_000)).unwrap();
    assert_eq!(world.statistics().rejected - before.rejected, injected);
    world.inject(S1, &datagram.bytes);
    world.run_until(ms(4_000)).unwrap();
    assert_eq!(world.statistics().rejected - before.rejected, injected, "the whole one is taken");
}

#[test]
fn idle_time_is_jumped_over_and_terminals_talk_without_a_network() {
    let mut settings = settings(Vec::from([put(1_000, ProcessId::Terminal(SiteId::new(1).unwrap()), 9)]));
    settings.network.loss = Chance { numerator: 1, denominator: 1 };
    let world = run(settings);
    assert_eq!(kept(&world, S1), [9], "its own site hears it, the others do not");
    assert!(kept(&world, S0).is_empty() && world.events() < 30, "{} events", world.events());
    let terminal = ProcessId::Terminal(SiteId::new(1).unwrap());
    assert_eq!(deliveries(&world, "Tell", terminal, S1), [1_000_001]);
    assert_eq!(deliveries(&world, "Ack", S1, terminal), [1_002_002], "behind a sync of 2 ms");
}

#[test]
fn events_can_be_applied_in_another_order() {
    let mut world: GossipWorld = World::new(settings(Vec::from([put(1, S0, 5)])), Scribe::default()).unwrap();
    world.run_until(ms(4)).unwrap();
    let mut turns: Vec<_> = world.turns().collect();
    turns.sort();
    let last = *turns.last().unwrap();
    assert!(turns.len() > 1 && world.next_event() == Some(turns[0]));
    world.apply(last).unwrap();
    assert_eq!(world.now(), last.at);
    world.run_until(ms(100)).unwrap();
    assert_eq!(world.process(S0).unwrap().acks, 3);
}
