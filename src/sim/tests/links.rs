//! Links that keep the order of sending, and links that are connections, under everything that can happen to them.

mod witness;

use alloc::collections::BTreeMap;

use super::*;
use crate::mix;
use crate::process::Links;
use crate::sim::net::rule::{LinkRule, Ruling};
use crate::sim::net::settings::{Bandwidth, Bursts, Chance, LinkLatency, NetworkSettings};
use crate::sim::script::Seam;
use witness::Witness;

/// Sender and recipient.
type Way = (ProcessId, ProcessId);

/// The times at which each link was connected, by the trace.
fn connections(world: &World<Gossip, Witness>) -> BTreeMap<String, Vec<Instant>> {
    let mut times = BTreeMap::<String, Vec<Instant>>::new();
    for line in world.trace().render().lines() {
        if let Some((before, ends)) = line.split_once("--     link up: ") {
            let (seconds, micros) = before.trim().split_once('.').unwrap();
            let micros = seconds.parse::<u64>().unwrap() * 1_000_000 + micros[..6].parse::<u64>().unwrap();
            times.entry(String::from(ends)).or_default().push(Instant::from_micros(micros));
        }
    }
    times
}

/// Whether this message is the first that was sent on its way at some time or later, as far as messages of one moment
/// can be told apart.
fn is_first_since(sent: &[(Instant, Word)], place: usize, since: Instant) -> bool {
    let first = sent.partition_point(|(at, _)| *at < since);
    first <= place && sent[first..place].iter().all(|(at, _)| *at == since)
}

/// Everybody sends numbers all the time, and everything happens to processes and links until a step heals it all.
fn wild(seed: u64, order: Links) -> Settings {
    let draw = |words: [u64; 2], below: u64| mix::below(mix::mix(seed, words), below);
    let end = |number: u64| match number % 5 {
        3 => ProcessId::Client(0),
        4 => ProcessId::Client(1),
        0 => S0,
        1 => S1,
        _ => S2,
    };
    let steps = (0..60).map(|n| put(3 + n * 50 + draw([n, 0], 50), end(draw([n, 1], 5)), 1_000 + n));
    let mut settings = settings(steps.collect());
    for n in 0..20 {
        let (a, b) = (end(draw([n, 11], 3)), end(draw([n, 12], 3)));
        let (from, to) = (only(a), only(b));
        let any = Target::of(end(draw([n, 13], 5)));
        let by = Duration::from_millis(draw([n, 14], 400));
        let seam = match draw([n, 15], 4) {
            0 => Seam::BeforeSync,
            1 => Seam::AfterSync,
            2 => Seam::BetweenSends,
            _ => Seam::BetweenRecipients,
        };
        let crash = |at| ScriptAction::Crash { who: Target::of(a), at, leaves: Leaves::Nothing };
        let fault = match draw([n, 16], 13) {
            0 => ScriptAction::Isolate(any),
            1 => ScriptAction::Partition(Vec::from([from, SiteSet::first(3).minus(from)])),
            2 | 3 if a != b => ScriptAction::Cut { from, to },
            4 | 5 if a != b => ScriptAction::Clog { from, to },
            6 => ScriptAction::Unclog { from: SiteSet::first(3), to: SiteSet::first(3) },
            7 => crash(None),
            8 => crash(Some(seam)),
            9 => ScriptAction::Crash { who: Target::Client(0), at: None, leaves: Leaves::Nothing },
            10 => ScriptAction::Pause(Target::of(S2)),
            11 => ScriptAction::Rule(LinkRule {
                name: None,
                filter: Filter { kind: None, from: any, to: Target::Any, about: None, slots: None },
                since: Instant::ZERO,
                until: None,
                skip: 0,
                count: Some(5),
                ruling: Ruling::Delay(by),
            }),
            _ => ScriptAction::Slow(Target::of(a), Duration::from_millis(draw([n, 17], 20))),
        };
        let mending = match draw([n, 18], 3) {
            0 => ScriptAction::Heal,
            1 if a != b => ScriptAction::Mend(a.as_site().unwrap(), b.as_site().unwrap()),
            _ => ScriptAction::Restart(Target::AllSites),
        };
        let begins = 20 + draw([n, 19], 2_800);
        settings.tracks.push(Vec::from([at(begins, fault), at(begins + draw([n, 20], 400), mending)]));
    }
    settings.tracks.push(Vec::from([at(3_300, ScriptAction::Heal)]));
    let lasts = (0..5).map(|n| put(4_000 + n, end(n), 2_000 + n));
    settings.tracks.push(lasts.collect());
    settings.seed = Seed(seed);
    settings.trace.lines_max = 1_000_000;
    settings.config.beat = None;
    settings.config.kept_max = 10_000;
    let (min, mean) =
        (Duration::from_micros(draw([0, 30], 3_000)), Duration::from_millis(1 + draw([0, 31], 60)));
    settings.network.latency = match seed % 3 {
        0 => LinkLatency::Constant(min),
        1 => LinkLatency::Uniform(min, mean + mean),
        _ => LinkLatency::Exponential { min, mean },
    };
    settings.network.order = order;
    settings.network.break_after = Duration::from_millis(20 + draw([0, 32], 400));
    if seed % 4 == 3 {
        (settings.inbox_max, settings.clog_max) = (6, 4);
    }
    settings
}

fn watch(settings: Settings) -> World<Gossip, Witness> {
    let order = settings.network.order;
    let mut world = World::new(settings, Witness::of(order)).unwrap();
    world.run_until(ms(6_000)).unwrap_or_else(|violation| panic!("{violation}\n{}", world.trace()));
    world
}

fn rough(seed: u64) -> Settings {
    let mut settings = wild(seed, Links::Fifo);
    let chance = Chance { numerator: 1, denominator: 6 };
    settings.network = NetworkSettings {
        loss: chance,
        duplication: chance,
        corruption: Chance { numerator: 1, denominator: 20 },
        truncation: Chance { numerator: 1, denominator: 20 },
        bursts: Bursts { chance, length: Duration::from_millis(40), loss: chance },
        bandwidth: (seed.is_multiple_of(5)).then_some(Bandwidth { rate: 20_000, queue: 2_000 }),
        ..settings.network
    };
    let rule = |kind: &str, ruling| {
        let filter = filter(kind, Target::Any, Target::Any);
        let (since, until, skip, count) = (Instant::ZERO, None, 3, Some(9));
        at(0, ScriptAction::Rule(LinkRule { name: None, filter, since, until, skip, count, ruling }))
    };
    let copies = Ruling::Duplicate { copies: 3, apart: Duration::from_millis(90) };
    settings.tracks.push(Vec::from([rule("Tell", copies), rule("Ack", Ruling::Drop)]));
    settings
}

#[test]
fn nothing_overtakes_anything_on_a_link_in_order() {
    let (mut delivered, mut passed_over, mut doubled) = (0, 0, 0);
    for seed in 0..60 {
        let world = watch(rough(seed));
        delivered += world.judge().delivered;
        passed_over += world.judge().passed_over;
        doubled += world.statistics().doubled;
        assert_eq!(world.judge().links.values().map(|(_, count)| count).sum::<u64>(), 0);
    }
    assert!(
        delivered > 10_000 && passed_over > 1_000 && doubled > 1_000,
        "{delivered} {passed_over} {doubled}"
    );
}

#[test]
fn the_witness_objects_where_links_promise_nothing() {
    let objects = |seed: &u64| {
        let mut settings = rough(*seed);
        settings.network.order = Links::Datagrams;
        let mut world = World::new(settings, Witness::of(Links::Fifo)).unwrap();
        world.run_until(ms(6_000)).is_err()
    };
    assert!((0..10).filter(objects).count() > 7);
}

#[test]
fn a_stream_delivers_the_beginning_of_what_was_sent_over_each_connection() {
    let (mut delivered, mut told, mut counted) = (0, 0, [0; 5]);
    for seed in 0..80 {
        let world = watch(wild(seed, Links::Stream));
        let judge = world.judge();
        let statistics = world.statistics();
        assert_eq!((statistics.lost, statistics.ruled_out, statistics.cut), (0, 0, 0));
        for ((from, to), sent) in &judge.sent {
            let is_there = world.process(*from).is_some() && world.process(*to).is_some();
            assert!(is_there, "everything was healed");
            assert_eq!(judge.next.get(&(*from, *to)), Some(&sent.len()), "{from} {to} under seed {seed}");
        }
        let connections = connections(&world);
        for (way @ (from, to), place) in &judge.begins {
            let (one, other) = (from.program().min(to.program()), from.program().max(to.program()));
            let times = connections.get(&alloc::format!("{one} - {other}")).map_or(&[][..], Vec::as_slice);
            let is_beginning = |since: &Instant| is_first_since(&judge.sent[way], *place, *since);
            assert!(
                times.iter().any(is_beginning),
                "{from} {to}: message {place} begins a connection, {times:?}"
            );
        }
        for ((process, peer), (is_up, _)) in &judge.links {
            assert!(
                is_up,
                "{process} takes its link to {peer} for broken under seed {seed}\n{}",
                world.trace()
            );
        }
        delivered += judge.delivered;
        told += judge.links.values().map(|(_, count)| count).sum::<u64>();
        let numbers = [
            statistics.links_broken,
            statistics.links_connected,
            statistics.waited,
            statistics.clogged,
            statistics.lost_with_links,
        ];
        counted.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
    }
    assert!(delivered > 10_000 && told > 1_000, "{delivered} {told}");
    assert!(counted.iter().all(|count| *count > 50), "{counted:?}");
}

#[test]
fn a_clone_of_a_world_of_streams_runs_on_exactly_as_the_original_does() {
    for (seed, order) in [(3, Links::Stream), (4, Links::Stream), (8, Links::Fifo), (11, Links::Stream)] {
        let whole = watch(wild(seed, order)).fingerprint();
        let mut untraced = wild(seed, order);
        untraced.trace.level = TraceLevel::Off;
        assert_eq!(watch(untraced).fingerprint(), whole, "whatever is traced");
        let mut world = World::new(wild(seed, order), Witness::of(order)).unwrap();
        for stop in (0..40).map(|n| n * 100) {
            world.run_until(ms(stop)).unwrap();
            let mut twin = world.clone();
            twin.run_until(ms(6_000)).unwrap();
            assert_eq!(twin.fingerprint(), whole, "cloned at {stop} ms");
        }
    }
}

/// Three sites, each of which hears a number from S0 every 10 ms, under a script.
fn steady(steps: Vec<ScriptStep<Ask>>) -> Settings {
    let mut settings =
        settings((0..100).map(|n| at(10 * n, ScriptAction::Command(Target::of(S0), Ask::Each(n)))).collect());
    settings.tracks.push(steps);
    settings.network.order = Links::Stream;
    settings.network.break_after = Duration::from_millis(100);
    settings.network.latency = LinkLatency::Constant(Duration::from_millis(5));
    settings
}

fn numbers(world: &GossipWorld, to: ProcessId) -> Vec<(u64, u64)> {
    let of = |(at, receiver, sender, word): &(Instant, ProcessId, ProcessId, Word)| match word {
        Word::Tell { number } if (*receiver, *sender) == (to, S0) => Some((*number, at.as_micros() / 1_000)),
        _ => None,
    };
    world.judge().delivered.iter().filter_map(of).collect()
}

/// The notices about the link between S0 and S1, with their times in milliseconds.
fn between(world: &GossipWorld) -> Vec<(u64, ProcessId, bool)> {
    let links = world.judge().links.iter();
    let is_of = |process: ProcessId, peer| [(S0, S1), (S1, S0)].contains(&(process, peer));
    links
        .filter(|(_, process, peer, _)| is_of(*process, *peer))
        .map(|(at, process, _, up)| (at.as_micros() / 1_000, *process, *up))
        .collect()
}

#[test]
fn a_short_cut_delays_and_a_long_one_breaks() {
    let (zero, one) = (only(S0), only(S1));
    let (s0, s1) = (S0.as_site().unwrap(), S1.as_site().unwrap());
    let cut = |from, to| ScriptAction::Cut { from, to };
    let world = run(steady(Vec::from([at(102, cut(zero, one)), at(182, ScriptAction::Mend(s0, s1))])));
    let all: Vec<(u64, u64)> = numbers(&world, S1);
    assert_eq!(all.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    assert_eq!(
        &all[9..20],
        [
            (9, 95),
            (10, 187),
            (11, 187),
            (12, 187),
            (13, 187),
            (14, 187),
            (15, 187),
            (16, 187),
            (17, 187),
            (18, 187),
            (19, 195)
        ]
    );
    assert_eq!(between(&world), []);
    assert_eq!(numbers(&world, S2).len(), 100);

    for blocked in [cut(zero, one), cut(one, zero), ScriptAction::Clog { from: zero, to: one }] {
        let is_clog = matches!(blocked, ScriptAction::Clog { .. });
        let is_other_way = matches!(blocked, ScriptAction::Cut { from, .. } if from == one);
        let opened = match is_clog {
            true => ScriptAction::Unclog { from: zero, to: one },
            false => ScriptAction::Mend(s0, s1),
        };
        let world = run(steady(Vec::from([at(102, blocked), at(302, opened)])));
        let heard: Vec<u64> = numbers(&world, S1).iter().map(|(number, _)| *number).collect();
        // What goes the other way than the cut arrives until the link breaks. At 310 ms the link is up again.
        let before = if is_other_way { 20 } else { 10 };
        assert_eq!(heard, (0..before).chain(31..100).collect::<Vec<_>>());
        let expected = [(202, S0, false), (202, S1, false), (307, S0, true), (307, S1, true)];
        assert_eq!(between(&world), expected);
        let trace = world.trace().render();
        assert!(
            trace.contains("link down: S0 - S1, cut for 100ms") && trace.contains("link up: S0 - S1"),
            "{trace}"
        );
        assert!(trace.contains("-> S1 Tell slot 25: its link is down"), "{trace}");
    }
}

#[test]
fn the_end_of_a_program_comes_after_what_it_had_sent() {
    let crash = |at| ScriptAction::Crash { who: Target::of(S0), at, leaves: Leaves::Nothing };
    let restart = || at(402, ScriptAction::Restart(Target::of(S0)));
    let world = run(steady(Vec::from([at(102, crash(None)), restart()])));
    let heard = numbers(&world, S1);
    assert_eq!(
        heard[9..12],
        [(9, 95), (10, 105), (41, 415)],
        "10 was under way, and 407 ms is before 410 ms"
    );
    assert_eq!(between(&world), [(107, S1, false), (407, S0, true), (407, S1, true)]);

    // What a cut holds when its sender ends is lost, and the other end notices the silence.
    let cut = ScriptAction::Cut { from: only(S0), to: only(S1) };
    let mend = ScriptAction::Mend(S0.as_site().unwrap(), S1.as_site().unwrap());
    let world = run(steady(Vec::from([at(82, cut), at(102, crash(None)), at(122, mend), restart()])));
    assert_eq!(numbers(&world, S1)[7..10], [(7, 75), (41, 415), (42, 425)]);
    assert_eq!(numbers(&world, S2)[9..12], [(9, 95), (10, 105), (41, 415)]);
    assert_eq!(between(&world), [(182, S1, false), (407, S0, true), (407, S1, true)]);

    // A cut after the end hides the end too, also where it first stops a datagram that was under way.
    let cut = ScriptAction::Cut { from: only(S0), to: only(S1) };
    let mend = ScriptAction::Mend(S0.as_site().unwrap(), S1.as_site().unwrap());
    let world = run(steady(Vec::from([at(102, crash(None)), at(104, cut), at(122, mend), restart()])));
    assert_eq!(numbers(&world, S1)[9..11], [(9, 95), (41, 415)]);
    assert_eq!(between(&world), [(207, S1, false), (407, S0, true), (407, S1, true)]);

    // A crash between two recipients: one connection got the datagram, the other did not.
    let seam = crash(Some(Seam::BetweenRecipients));
    let mut settings = steady(Vec::from([at(102, seam), restart()]));
    settings.tracks[0].retain(|step| step.trigger != Trigger::At(ms(110)));
    settings.tracks.push(Vec::from([put(111, S0, 5_000)]));
    let world = run(settings);
    let has_heard = |to| numbers(&world, to).iter().any(|(number, _)| *number == 5_000);
    assert_eq!([S1, S2].map(has_heard), [true, false]);
    assert_eq!(between(&world)[0], (118, S1, false));
}

#[test]
fn a_site_that_comes_back_at_once_is_down_before_it_is_up() {
    let crash = |who| ScriptAction::Crash { who: Target::of(who), at: None, leaves: Leaves::Nothing };
    let steps = [at(102, crash(S0)), at(103, ScriptAction::Restart(Target::of(S0))), at(105, crash(S1))];
    let mut steps = Vec::from(steps);
    steps.extend([at(106, ScriptAction::Restart(Target::of(S1)))]);
    let world = run(steady(steps));
    // S1 ends before the news of S0's end reaches it, and knows nothing of it in its next life.
    assert_eq!(between(&world), [(111, S0, true), (111, S1, true)]);
    let told = world.judge().links.iter().filter(|(_, process, peer, _)| (*process, *peer) == (S2, S0));
    let told: Vec<_> = told.map(|(at, _, _, up)| (at.as_micros() / 1_000, *up)).collect();
    assert_eq!(told, [(107, false), (108, true)]);
}

#[test]
fn a_full_inbox_breaks_a_link_and_notices_wait_behind_what_came_before() {
    let pause = Vec::from([
        at(102, ScriptAction::Pause(Target::of(S1))),
        at(402, ScriptAction::Resume(Target::of(S1))),
    ]);
    let mut settings = steady(pause);
    settings.inbox_max = 4;
    let world = run(settings);
    let heard = numbers(&world, S1);
    assert_eq!(heard[9..15], [(9, 95), (10, 402), (11, 402), (12, 402), (13, 402), (45, 455)]);
    assert_eq!(between(&world), [(145, S0, false), (402, S1, false), (445, S0, true), (445, S1, true)]);
    assert!(world.trace().render().contains("link down: S0 - S1, the inbox of S1 is full"));
}

#[test]
fn a_terminal_is_told_of_the_links_of_its_program() {
    let world = run(steady(Vec::from([at(102, ScriptAction::Isolate(Target::of(S0)))])));
    let t0 = S0.as_site().map(ProcessId::Terminal).unwrap();
    let told = |who| {
        let of = |(_, process, peer, up): &&(Instant, ProcessId, ProcessId, bool)| {
            (*process == who).then_some((*peer, *up))
        };
        world.judge().links.iter().filter_map(|told| of(&told)).collect::<Vec<_>>()
    };
    let all = [S1, S2, ProcessId::Client(0), ProcessId::Client(1)].map(|peer| (peer, false));
    assert_eq!((told(S0), told(t0)), (all.into(), all.into()));
    assert_eq!(told(ProcessId::Client(1)), [(S0, false)]);
    assert_eq!(world.statistics().links_broken, 4, "clients that exchanged nothing have no link");
}

#[test]
fn worlds_refuse_what_cannot_happen_on_their_links() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings(Vec::new());
        settings.network.order = Links::Stream;
        change(&mut settings);
        World::new(settings, ()).err().map(|bad| alloc::format!("{bad}"))
    };
    assert_eq!(refused(|_| {}), None);
    assert_eq!(
        refused(|settings| settings.network.loss = Chance::ALWAYS).unwrap(),
        "no world can have loss on links like `Stream`"
    );
    let rule = |settings: &mut Settings| {
        let rule = LinkRule {
            name: None,
            filter: filter("Tell", Target::Any, Target::Any),
            since: Instant::ZERO,
            until: None,
            skip: 0,
            count: None,
            ruling: Ruling::Drop,
        };
        settings.tracks.push(Vec::from([at(0, ScriptAction::Rule(rule))]));
    };
    assert_eq!(refused(rule).unwrap(), "no world can have a rule with `Drop` on links like `Stream`");
    let at_once = refused(|settings| settings.network.break_after = Duration::ZERO);
    assert_eq!(at_once.unwrap(), "no world can have links that break at once");
}
