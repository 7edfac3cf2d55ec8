//! Links, rules, and healing.

use super::*;
use crate::sim::host::Status;
use crate::sim::network::Chance;
use crate::sim::rule::{Rule, Ruling};

fn rule(name: &str, filter: Filter, ruling: Ruling) -> Rule {
    Rule { name: Some(name.into()), filter, since: Instant::ZERO, until: None, skip: 0, count: None, ruling }
}

fn from_s0_to_s1(kind: &str) -> Filter {
    filter(kind, Target::Process(S0), Target::Process(S1))
}

#[test]
fn a_cut_goes_one_way_and_is_looked_at_on_both_ends() {
    let (from, to) = (only(S0), only(S1));
    let mend = Action::Mend(S1.as_site().unwrap(), S0.as_site().unwrap());
    let world = run(settings(Vec::from([
        // Under way from 1 to 11 ms, and cut at 5.
        at(1, Action::Command(S0, Ask::Each(1))),
        at(5, Action::Cut { from, to }),
        put(100, S1, 2),
        put(200, S0, 3),
        at(300, mend),
        put(400, S0, 4),
    ])));
    assert_eq!(kept(&world, S1), [2, 4]);
    assert_eq!(kept(&world, S2), [1, 2, 3, 4]);
    assert_eq!(kept(&world, S0), [2, 3, 4], "it hears what it cannot answer");
    assert_eq!(world.statistics().cut, 3, "one under way, one answer and one number");
}

#[test]
fn a_partition_cuts_both_ways_and_leaves_clients_alone() {
    let groups = Vec::from([only(S0), only(S1).with(S2.as_site().unwrap())]);
    let world = run(settings(Vec::from([
        at(1, Action::Partition(groups)),
        put(10, S1, 1),
        put(20, ProcessId::Client(1), 2),
        at(500, Action::Heal),
        put(600, S0, 3),
    ])));
    assert_eq!(kept(&world, S0), [2, 3]);
    assert_eq!(kept(&world, S2), [1, 2, 3]);
}

#[test]
fn rules_drop_delay_and_duplicate_what_they_match() {
    let delay = Ruling::Delay(Duration::from_millis(40));
    let twice = Ruling::Duplicate { copies: 2, apart: Duration::from_millis(3) };
    let world = run(settings(Vec::from([
        at(0, Action::Rule(rule("late", from_s0_to_s1("Tell"), delay))),
        at(0, Action::Rule(rule("never", filter("Nack", Target::Any, Target::Any), Ruling::Drop))),
        at(0, Action::Rule(rule("echo", filter("Ack", Target::Any, Target::Process(S0)), twice))),
        at(
            0,
            Action::Rule(rule("deaf", filter("Tell", Target::AllSites, Target::Process(S2)), Ruling::Drop)),
        ),
        at(1, Action::Command(S0, Ask::Each(1))),
    ])));
    assert_eq!(deliveries(&world, "Tell", S0, S1), [51_000]);
    assert_eq!(deliveries(&world, "Ack", S1, S0), [63_000, 66_000, 69_000]);
    assert!(deliveries(&world, "Tell", S0, S2).is_empty());
    assert!(world.unmatched_rules().eq(["never"]));
    let statistics = world.statistics();
    assert_eq!((statistics.ruled_out, statistics.delayed, statistics.doubled), (1, 1, 2));
    let trace = world.trace().render();
    assert!(trace.contains("S0     -> S2 Tell slot 1: dropped by deaf"), "{trace}");
}

#[test]
fn the_end_heals_a_core_and_leaves_the_rest_as_it_was() {
    let mut settings = settings(Vec::from([
        at(1, Action::Crash { who: Target::Process(S0), at: None, leaves: Leaves::Nothing }),
        at(1, Action::Pause(Target::Process(S1))),
        at(1, Action::Isolate(Target::AllSites)),
        at(1, Action::Rule(rule("all", filter("Tell", Target::Any, Target::Any), Ruling::Drop))),
        put(60_000, S2, 9),
    ]));
    settings.network.loss = Chance { numerator: 1, denominator: 1 };
    let mut world: Birds = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(100)).unwrap();
    assert_eq!(world.heal_core(), only(S0).with(S1.as_site().unwrap()));
    world.command(S0, Ask::Put(4));
    world.command(ProcessId::Client(0), Ask::Put(5));
    world.run_until(ms(70_000)).unwrap();
    for site in [S0, S1] {
        assert_eq!(world.status(site), Some(Status::Up));
        let mut kept = kept(&world, site);
        kept.sort_unstable();
        assert_eq!(kept, [4, 5]);
    }
    assert!(kept(&world, S2).is_empty(), "cut off, and the script has ended");
    assert_eq!(world.unfired().len(), 1);
}

#[test]
fn the_core_is_as_large_as_the_settings_want() {
    for core_size in 1..=3 {
        let settings = WorldSettings { core_size, ..settings(Vec::new()) };
        let mut world: Birds = World::new(settings, Scribe::default()).unwrap();
        assert_eq!(world.heal_core(), SiteSet::first(core_size));
    }
    for core_size in [0, 4] {
        let settings = WorldSettings { core_size, ..settings(Vec::new()) };
        let refused = World::new(settings, Scribe::default()).err().map(|error| error.to_string());
        assert!(refused.is_some_and(|why| why.contains(&alloc::format!("a core of {core_size} of 3 sites"))));
    }
}

#[test]
fn a_table_gives_each_direction_its_latency() {
    use crate::sim::network::Latency;
    let row =
        |lengths: [u64; 3]| lengths.map(|length| Latency::Constant(Duration::from_millis(length))).into();
    let mut settings =
        settings(Vec::from([at(1, Action::Command(S0, Ask::Each(1))), put(100, ProcessId::Client(0), 2)]));
    settings.network.latency = Latency::Table(Vec::from([row([0, 5, 50]), row([7, 0, 9]), row([1, 1, 0])]));
    let world = run(settings);
    assert_eq!(deliveries(&world, "Tell", S0, S1), [6_000]);
    assert_eq!(deliveries(&world, "Ack", S1, S0), [15_000]);
    assert_eq!(deliveries(&world, "Tell", S0, S2), [51_000]);
    assert_eq!(deliveries(&world, "Tell", ProcessId::Client(0), S0), [150_000], "the longest of its row");
}
