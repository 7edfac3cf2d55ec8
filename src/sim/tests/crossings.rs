//! A world and a crossing of real datagrams decide the same fate for the same datagrams.

use super::*;
use crate::sim::net::crossing::Crossing;
use crate::sim::net::rule::{LinkRule, Ruling};
use crate::sim::net::settings::{Bursts, Chance, LateCopy, LinkLatency, NetworkSettings};

fn rules() -> [LinkRule; 6] {
    let rule = |name: &str, filter, count, ruling| LinkRule {
        name: Some(name.into()),
        filter,
        since: ms(20),
        until: Some(ms(900)),
        skip: 1,
        count,
        ruling,
    };
    let (any, s0, s1) = (Target::Any, Target::of(S0), Target::of(S1));
    [
        rule("lost", filter("Beat", s0, s1), Some(3), Ruling::Drop),
        rule("late", filter("Ack", any, Target::of(S2)), None, Ruling::Delay(Duration::from_millis(40))),
        rule("echo", filter("Tell", any, s1), Some(20), {
            Ruling::Duplicate { copies: 2, apart: Duration::from_millis(3) }
        }),
        rule("astray", filter("Beat", s1, any), Some(20), Ruling::Misdeliver(Target::AllSites)),
        rule("flipped", filter("Beat", any, s0), Some(20), Ruling::Corrupt),
        rule("short", filter("Beat", any, any), Some(20), Ruling::Truncate),
    ]
}

#[test]
fn a_world_and_a_crossing_make_the_same_of_the_same_datagrams() {
    let chance = Chance { numerator: 1, denominator: 8 };
    let network = NetworkSettings {
        latency: LinkLatency::Uniform(Duration::from_millis(1), Duration::from_millis(9)),
        loss: chance,
        duplication: chance,
        reordering: chance,
        reordering_by: Duration::from_millis(5),
        bursts: Bursts { chance, length: Duration::from_millis(50), loss: chance },
        corruption: chance,
        truncation: chance,
        late_copies: LateCopy { chance, after: Duration::from_millis(20) },
        misdelivery: chance,
        ..NetworkSettings::calm(LinkLatency::Constant(Duration::ZERO))
    };
    let mut steps: Vec<_> = rules().map(|rule| at(0, ScriptAction::Rule(rule))).into();
    steps.extend((1..40).map(|n| at(n * 20, ScriptAction::Command(Target::of(S2), Ask::Each(n)))));
    steps
        .extend((1..10).map(|n| {
            at(800 + n, ScriptAction::Command(Target::of(ProcessId::Client(0)), Ask::Put(100 + n)))
        }));
    let mut settings = settings(steps);
    settings.config.beat = Some(Duration::from_millis(10));
    settings.network = network.clone();
    let (seed, sites, end) = (settings.seed, SiteSet::first(3), ms(1_000));

    let mut world = World::new(settings, Scribe::default()).unwrap();
    let mut in_world = Vec::new();
    while let Some(turn) = world.next_event().filter(|turn| turn.at <= end) {
        let (_, event) = world.queue.turns().find(|(other, _)| *other == turn).unwrap();
        if let QueuedEvent::Deliver { host, packet } = event {
            let bytes = world.net.packets.get(*packet).datagram.bytes.clone();
            in_world.push((turn.at, world.hosts.list[*host].id, bytes));
        }
        world.apply(turn).unwrap();
    }

    let mut crossing = Crossing::new(seed, sites, network);
    rules().into_iter().for_each(|rule| crossing.add(rule, Instant::ZERO, None).unwrap());
    let mut crossed = Vec::new();
    for (at, datagram) in &world.judge().sent {
        for to in datagram.recipients() {
            let mut arrivals = Vec::new();
            crossing.cross(*at, (datagram.from, to), &datagram.labels, &mut arrivals);
            for arrival in arrivals {
                let mut bytes = datagram.bytes.clone();
                arrival.spoil(&mut bytes);
                crossed.push((*at + arrival.after, arrival.to, bytes));
            }
        }
    }
    crossed.retain(|(at, ..)| *at <= end);
    // Copies that arrive at one moment stay in the order of sending.
    crossed.sort_by_key(|(at, ..)| *at);
    assert!(in_world.len() > 500, "{} copies arrive", in_world.len());
    assert_eq!(in_world, crossed);

    let (statistics, touched) = (world.statistics(), crossing.touched());
    for (what, count) in [
        ("loss", statistics.lost),
        ("burst", statistics.lost_in_bursts),
        ("reordering", statistics.held_back),
        ("late copy", statistics.redelivered),
        ("lost", statistics.ruled_out),
    ] {
        assert!(count > 0 && touched[what] == count, "{what}: {count} in the world, {touched:?}");
    }
    assert_eq!(touched.len(), 15, "every rule and every mishap: {touched:?}");
}
