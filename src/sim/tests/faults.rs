//! Links, rules, and healing.

use super::*;
use crate::sim::host::ProcessStatus;
use crate::sim::net::rule::{LinkRule, Ruling};
use crate::sim::net::settings::Chance;

fn rule(name: &str, filter: Filter, ruling: Ruling) -> LinkRule {
    LinkRule {
        name: Some(name.into()),
        filter,
        since: Instant::ZERO,
        until: None,
        skip: 0,
        count: None,
        ruling,
    }
}

fn from_s0_to_s1(kind: &str) -> Filter {
    filter(kind, Target::of(S0), Target::of(S1))
}

#[test]
fn a_cut_goes_one_way_and_is_looked_at_on_both_ends() {
    let (from, to) = (only(S0), only(S1));
    let mend = ScriptAction::Mend(S1.as_site().unwrap(), S0.as_site().unwrap());
    let world = run(settings(Vec::from([
        // The datagrams are under way from 1 to 11 ms, and the link is cut at 5 ms.
        at(1, ScriptAction::Command(Target::of(S0), Ask::Each(1))),
        at(5, ScriptAction::Cut { from, to }),
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
        at(1, ScriptAction::Partition(groups)),
        put(10, S1, 1),
        put(20, ProcessId::Client(1), 2),
        at(500, ScriptAction::Heal),
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
        at(0, ScriptAction::Rule(rule("late", from_s0_to_s1("Tell"), delay))),
        at(0, ScriptAction::Rule(rule("never", filter("Nack", Target::Any, Target::Any), Ruling::Drop))),
        at(0, ScriptAction::Rule(rule("echo", filter("Ack", Target::Any, Target::of(S0)), twice))),
        at(
            0,
            ScriptAction::Rule(rule("deaf", filter("Tell", Target::AllSites, Target::of(S2)), Ruling::Drop)),
        ),
        at(1, ScriptAction::Command(Target::of(S0), Ask::Each(1))),
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
        at(1, ScriptAction::Crash { who: Target::of(S0), at: None, leaves: Leaves::Nothing }),
        at(1, ScriptAction::Pause(Target::of(S1))),
        at(1, ScriptAction::Isolate(Target::AllSites)),
        at(1, ScriptAction::Rule(rule("all", filter("Tell", Target::Any, Target::Any), Ruling::Drop))),
        put(60_000, S2, 9),
    ]));
    settings.network.loss = Chance { numerator: 1, denominator: 1 };
    let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(100)).unwrap();
    assert_eq!(world.heal_core(), only(S0).with(S1.as_site().unwrap()));
    world.command(S0, Ask::Put(4));
    world.command(ProcessId::Client(0), Ask::Put(5));
    world.run_until(ms(70_000)).unwrap();
    for site in [S0, S1] {
        assert_eq!(world.status(site), Some(ProcessStatus::Up));
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
        let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
        assert_eq!(world.heal_core(), SiteSet::first(core_size));
    }
    for core_size in [0, 4] {
        let settings = WorldSettings { core_size, ..settings(Vec::new()) };
        let refused = World::new(settings, Scribe::default()).err().map(|error| error.to_string());
        assert!(refused.is_some_and(|why| why.contains(&alloc::format!("a core of {core_size} of 3 sites"))));
    }
}

#[test]
fn only_a_site_that_is_there_can_be_the_first_to_lead() {
    for (number, is_there) in [(0, true), (2, true), (3, false)] {
        let settings = WorldSettings { leader: SiteId::new(number), ..settings(Vec::new()) };
        let refused = World::new(settings, Scribe::default()).err().map(|error| error.to_string());
        assert_eq!(refused.is_none(), is_there, "{refused:?}");
        assert!(refused.is_none_or(|why| why.contains("S3 is to lead 3 sites")));
    }
}

#[test]
fn a_table_gives_each_direction_its_latency() {
    use crate::sim::net::settings::LinkLatency;
    let row =
        |lengths: [u64; 3]| lengths.map(|length| LinkLatency::Constant(Duration::from_millis(length))).into();
    let mut settings = settings(Vec::from([
        at(1, ScriptAction::Command(Target::of(S0), Ask::Each(1))),
        put(100, ProcessId::Client(0), 2),
    ]));
    settings.network.latency =
        LinkLatency::Table(Vec::from([row([0, 5, 50]), row([7, 0, 9]), row([1, 1, 0])]));
    let world = run(settings);
    assert_eq!(deliveries(&world, "Tell", S0, S1), [6_000]);
    assert_eq!(deliveries(&world, "Ack", S1, S0), [15_000]);
    assert_eq!(deliveries(&world, "Tell", S0, S2), [51_000]);
    assert_eq!(deliveries(&world, "Tell", ProcessId::Client(0), S0), [150_000], "the longest of its row");
}

/// A network with every kind of fault, and two clogged links.
fn impaired(steps: Vec<ScriptStep<Ask>>) -> Settings {
    use crate::sim::net::settings::{Bandwidth, Bursts, LateCopy};
    let always = Chance { numerator: 1, denominator: 1 };
    let mut settings = settings(steps);
    let length = Duration::from_millis(5);
    settings.network.bursts =
        Bursts { chance: always, length, loss: Chance { numerator: 1, denominator: 3 } };
    (settings.network.corruption, settings.network.truncation) = (always, always);
    settings.network.misdelivery = always;
    settings.network.late_copies = LateCopy { chance: always, after: length };
    settings.network.bandwidth = Some(Bandwidth { rate: 1_000, queue: 100 });
    settings
}

#[test]
fn in_the_healed_core_nothing_happens_to_datagrams() {
    let keep =
        LinkRule { count: Some(9), ..rule("kept", filter("Tell", Target::Any, Target::Any), Ruling::Keep) };
    let mut settings = impaired(Vec::from([
        at(1, ScriptAction::Rule(keep)),
        at(1, ScriptAction::Clog { from: only(S0), to: only(S1).with(S2.as_site().unwrap()) }),
        at(2, ScriptAction::Command(Target::of(S0), Ask::Each(1))),
        at(3, ScriptAction::Command(Target::of(S1), Ask::Each(2))),
    ]));
    settings.clog_max = 1;
    let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(2_000)).unwrap();
    assert_every_copy_is_accounted_for(&world);
    assert!(kept(&world, S1).is_empty() && kept(&world, S2).is_empty(), "what arrives is damaged");
    let before = *world.statistics();
    assert!(
        before.clogged > 0 && before.kept > 0 && before.redelivered > 0 && before.corrupted > 0,
        "{before:?}"
    );
    let twin = world.clone();
    for mut world in [world, twin] {
        world.heal_core();
        world.command(S0, Ask::Put(4));
        world.command(ProcessId::Client(0), Ask::Put(5));
        world.run_until(ms(70_000)).unwrap();
        assert_every_copy_is_accounted_for(&world);
        assert!([4, 5].iter().all(|number| kept(&world, S1).contains(number)), "{:?}", kept(&world, S1));
        let unhealed = ["Tell", "Ack"].iter().flat_map(|kind| deliveries(&world, kind, S0, S2)).count();
        assert_eq!(unhealed, 0, "the link out of the core is as clogged as it was");
    }
}

#[test]
fn links_clog_one_way_and_let_go_in_order_within_their_bound() {
    let both = only(S1).with(S2.as_site().unwrap());
    let mut settings = settings(Vec::from([
        at(1, ScriptAction::Clog { from: only(S0), to: both }),
        put(2, S0, 1),
        put(3, S0, 2),
        put(4, S0, 3),
        put(5, S1, 4),
        at(500, ScriptAction::Unclog { from: only(S0), to: only(S2) }),
        at(600, ScriptAction::Unclog { from: only(S0), to: both }),
        put(700, S0, 5),
    ]));
    settings.clog_max = 2;
    settings.network.latency =
        crate::sim::net::settings::LinkLatency::Uniform(Duration::ZERO, Duration::from_millis(80));
    let world = run(settings);
    for (site, open) in [(S1, 600_000), (S2, 500_000)] {
        let times = deliveries(&world, "Tell", S0, site);
        assert!(times.iter().all(|at| (open..open + 80_001).contains(at) || *at > 699_999), "{times:?}");
        let of_s0: Vec<u64> = kept(&world, site).into_iter().filter(|number| *number != 4).collect();
        assert_eq!(of_s0, [1, 2, 5], "the third does not fit");
    }
    assert!(kept(&world, S0).contains(&4), "the other way is open");
    assert!(world.statistics().congested >= 2);
}

#[test]
fn a_redelivery_of_nothing_is_as_stale_as_a_step_that_never_fired() {
    let keep = |kind: &str| LinkRule {
        count: Some(9),
        ..rule("kept", filter(kind, Target::Any, Target::Any), Ruling::Keep)
    };
    for (kind, is_optional, stale) in [("Tell", false, 0), ("Nack", false, 1), ("Nack", true, 0)] {
        let mut redeliver = at(100, ScriptAction::Redeliver("kept".into()));
        redeliver.is_optional = is_optional;
        let steps = [
            at(0, ScriptAction::Rule(keep(kind))),
            at(1, ScriptAction::Command(Target::of(S0), Ask::Each(1))),
            redeliver,
        ];
        let world = run(settings(Vec::from(steps)));
        assert_eq!(world.unfired().len(), stale, "{:?}", world.unfired());
        assert_eq!(world.statistics().redelivered, world.statistics().kept);
    }
    let unbounded = LinkRule { count: None, ..keep("Tell") };
    let refused = World::<Gossip, Scribe>::new(
        settings(Vec::from([at(0, ScriptAction::Rule(unbounded))])),
        Scribe::default(),
    );
    assert!(refused.err().is_some_and(|why| why.to_string().contains("keep more than 100 copies")));
}

#[test]
fn a_receiver_that_reads_what_it_must_refuse_is_objected_to() {
    use crate::process::Recipients;
    use crate::sim::net::packets::Origin;
    for origin in [Origin::Damaged, Origin::Stray] {
        let mut world = run(settings(Vec::from([put(1, S0, 1)])));
        let (_, sent) = world.judge().sent.iter().find(|(_, sent)| sent.to.contains(S2)).cloned().unwrap();
        // The bytes are whole and for everybody, whatever the host believes.
        let datagram = Datagram { to: Recipients::One(S1), ..sent };
        let packet = world.net.packets.post_from(datagram.into(), origin);
        let host = world.hosts.list.place(S2).unwrap();
        world.queue.push(world.now(), QueuedEvent::Deliver { host, packet });
        let violation = world.step().unwrap_err();
        assert_eq!(violation.property, "frame");
        assert!(violation.explanation.starts_with("S2 took a datagram from S0 that "), "{violation}");
    }
}
