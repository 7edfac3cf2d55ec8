//! The held network: what its steps do, what they report when they find nothing, and how the hold ends.

use super::*;

use crate::outbox::SyncMode;
use crate::process::Links;
use crate::sim::net::settings::{Chance, Delivery};
use crate::sim::{ClockFault, CopyFilter, Seam, SimDisk};

const T0: Target = Target::Terminal(0);

fn held(tracks: Vec<ScriptStep<Ask>>) -> Settings {
    let mut settings = settings(tracks);
    settings.network.delivery = Delivery::Held;
    settings
}

fn target(process: ProcessId) -> Target {
    Target::of(process)
}

fn first(filter: Filter) -> CopyFilter {
    CopyFilter { filter, nth: 1 }
}

fn deliver(millis: u64, kind: &str, from: ProcessId, to: ProcessId) -> ScriptStep<Ask> {
    at(millis, ScriptAction::Deliver(first(filter(kind, target(from), target(to)))))
}

fn lose(millis: u64, kind: &str, from: ProcessId, to: ProcessId) -> ScriptStep<Ask> {
    at(millis, ScriptAction::Lose(first(filter(kind, target(from), target(to)))))
}

fn fire(millis: u64, who: ProcessId) -> ScriptStep<Ask> {
    at(millis, ScriptAction::Fire(target(who)))
}

fn sync(millis: u64, who: ProcessId) -> ScriptStep<Ask> {
    at(millis, ScriptAction::Sync(target(who)))
}

fn missed(world: &GossipWorld) -> Vec<String> {
    world.unfired().into_iter().map(|unfired| unfired.nearest).collect()
}

#[test]
fn nothing_is_delivered_durable_or_due_by_itself() {
    let mut settings = held(Vec::from([put(1, S0, 5)]));
    settings.config.beat = Some(Duration::from_millis(5));
    let world = run(settings);
    assert!(world.judge().durable.is_empty() && world.judge().sent.is_empty(), "{}", world.trace());
    assert!(world.judge().delivered.is_empty());
}

#[test]
fn a_step_completes_a_sync_and_steps_deliver_and_lose_what_then_leaves() {
    let world = run(held(Vec::from([
        put(1, S0, 5),
        sync(10, S0),
        deliver(20, "Tell", S0, S2),
        lose(30, "Tell", S0, S1),
        sync(40, S2),
        deliver(50, "Ack", S2, S0),
    ])));
    assert_eq!(missed(&world), [""; 0], "{}", world.trace());
    assert_eq!(world.judge().durable, [(S0, 5), (S2, 5)]);
    assert_eq!(deliveries(&world, "Tell", S0, S2), [20_000]);
    assert_eq!(deliveries(&world, "Tell", S0, S0), [10_000], "a message to itself is not held");
    assert_eq!(deliveries(&world, "Ack", S2, S0), [50_000]);
    assert_eq!((kept(&world, S1), kept(&world, S2)), (Vec::new(), Vec::from([5])));
    let counted = world.statistics();
    assert_eq!((counted.delivered_by_hand, counted.lost_by_hand, counted.delivered), (2, 1, 2));
    assert!(format!("{}", world.trace()).contains("<- S0 Tell slot 5: lost by hand"), "{}", world.trace());
}

#[test]
fn of_several_datagrams_the_oldest_is_meant_and_a_subject_picks_one() {
    let about = |millis, number| {
        let filter = Filter { about: Some(About::slot(number)), ..filter("Tell", Target::Any, target(S1)) };
        at(millis, ScriptAction::Deliver(first(filter)))
    };
    let ask = |millis, number| at(millis, ScriptAction::Command(target(S0), Ask::Each(number)));
    let any = Filter { kind: None, from: Target::Any, to: Target::Any, about: None, slots: None };
    let world = run(held(Vec::from([
        ask(1, 5),
        ask(2, 6),
        ask(3, 7),
        about(10, 6),
        deliver(20, "Tell", S0, S1),
        deliver(30, "Tell", S0, S1),
        at(40, ScriptAction::Deliver(first(any))),
    ])));
    assert_eq!(missed(&world), [""; 0]);
    assert_eq!(kept(&world, S1), [6, 5, 7]);
    assert_eq!(kept(&world, S2), [5], "any datagram is the oldest that is left");
}

#[test]
fn a_step_on_a_sending_takes_what_was_just_sent() {
    let on = step(
        Trigger::Sent(filter("Tell", target(S0), target(S2)), 1),
        ScriptAction::Deliver(first(filter("Tell", Target::Sender, Target::Recipient))),
    );
    let ask = at(1, ScriptAction::Command(target(S0), Ask::Each(5)));
    let world = run(held(Vec::from([ask, on])));
    assert_eq!(missed(&world), [""; 0]);
    assert_eq!(deliveries(&world, "Tell", S0, S2), [1_000]);
    assert!(deliveries(&world, "Tell", S0, S1).is_empty());
}

#[test]
fn a_deadline_comes_with_the_clock_of_its_process_alone() {
    let beat = Duration::from_millis(300);
    let mut settings = held(Vec::from([
        fire(10, S1),
        fire(20, S1),
        deliver(30, "Beat", S1, S0),
        fire(900, S0),
        fire(910, S2),
    ]));
    settings.config.beat = Some(beat);
    let world = run(settings);
    assert_eq!(missed(&world), [""; 0]);
    let clock = |who| {
        let place = world.hosts.list.place(who).unwrap();
        world.hosts.list[place].local(ms(2_000)).since(Instant::ZERO)
    };
    assert_eq!(clock(S1), Duration::from_millis(2_000 + 290 + 290), "at 10 it showed 300, at 20 600");
    assert_eq!((clock(S0), clock(S2)), (Duration::from_millis(2_000), Duration::from_millis(2_000)));
    let next = |who| world.process(who).unwrap().next_beat;
    assert_eq!(next(S1), Some(ms(900)));
    assert_eq!(next(S0), Some(ms(1_200)), "its deadline was over: its clock stayed");
    assert_eq!(world.process(S0).unwrap().beats, 1);
    let trace = world.trace().to_string();
    assert_eq!(trace.matches("its clock is set").count(), 2, "{trace}");
    assert!(trace.contains("its clock is set 290ms ahead, and shows 0.300000"), "{trace}");
}

#[test]
fn a_step_on_several_acts_on_each_that_it_can_and_names_those_alone() {
    let mut settings = held(Vec::from([
        put(1, S1, 5),
        put(2, S2, 6),
        at(10, ScriptAction::Sync(Target::AllSites)),
        at(20, ScriptAction::Pause(target(S1))),
        at(30, ScriptAction::Fire(Target::AllSites)),
    ]));
    settings.config.beat = Some(Duration::from_millis(300));
    let world = run(settings);
    assert_eq!(missed(&world), [""; 0]);
    assert_eq!(world.judge().durable, [(S1, 5), (S2, 6)]);
    let next = [S0, S1, S2].map(|who| world.process(who).unwrap().next_beat);
    assert_eq!(next, [Some(ms(600)), Some(ms(300)), Some(ms(600))]);
    let trace = world.trace().to_string();
    assert!(trace.contains("step 3: a sync of S12 completes"), "{trace}");
    assert!(trace.contains("step 5: the deadline of S02 comes"), "{trace}");
    let none = run(held(Vec::from([at(1, ScriptAction::Sync(Target::AllSites))])));
    let lack = [S0, S1, S2].map(|who| alloc::format!("{who} had no sync under way")).join(", ");
    assert!(missed(&none)[0].starts_with(&lack), "{:?}", missed(&none));
}

#[test]
fn a_step_whose_target_never_is_says_what_is_there_and_lists_no_deadline_that_cannot_come() {
    let mut settings =
        held(Vec::from([at(1, ScriptAction::Pause(target(S1))), at(2, ScriptAction::Fire(Target::Leader))]));
    settings.config.beat = Some(Duration::from_millis(300));
    let world = run(settings);
    let there = "under way: none; deadlines: S0 (beat), S2 (beat); syncs under way: none";
    let text = alloc::format!("its trigger came, and the process that it is done to was not there; {there}");
    assert_eq!(missed(&world), [text]);
}

#[test]
fn clocks_that_are_apart_are_set_ahead_by_what_each_lacks() {
    let clock = |millis, who, fault| at(millis, ScriptAction::Clock(target(who), fault));
    let mut settings = held(Vec::from([
        clock(1, S0, ClockFault::Behind(Duration::from_millis(1))),
        clock(2, S1, ClockFault::Ahead(Duration::from_secs(5))),
        fire(10, S0),
        fire(20, S1),
    ]));
    settings.config.beat = Some(Duration::from_millis(300));
    let world = run(settings);
    assert_eq!(missed(&world), [""; 0]);
    assert_eq!(world.process(S0).unwrap().next_beat, Some(ms(600)));
    assert_eq!(world.process(S1).unwrap().next_beat, Some(ms(5_320)), "it was due already");
}

#[test]
fn who_finds_nothing_says_what_is_there() {
    let mut settings = held(Vec::from([
        at(1, ScriptAction::Command(target(S0), Ask::Each(5))),
        put(2, S1, 6),
        deliver(10, "Ack", S1, S0),
        deliver(20, "Tell", S0, S1),
        lose(30, "Tell", S0, S1),
    ]));
    settings.config.beat = Some(Duration::from_millis(300));
    let world = run(settings);
    let there = "under way: Tell slot 5 from S0 to S1, Tell slot 5 from S0 to S2; \
                 deadlines: S0 (beat), S1 (beat), S2 (beat); syncs under way: S1";
    let text = alloc::format!("no Ack from S1 to S0 was under way; {there}");
    assert_eq!(missed(&world), [text], "what follows from it says nothing new");
    assert_eq!(kept(&world, S1), [6, 5], "the steps go on");
}

#[test]
fn each_step_says_what_it_lacked() {
    let lacks = |steps: Vec<ScriptStep<Ask>>, why: &str| {
        let world = run(held(steps));
        let [missed] = &missed(&world)[..] else { panic!("{:?}", world.unfired()) };
        assert!(missed.starts_with(&alloc::format!("{why}; under way: ")), "{missed}");
    };
    let crash = |who| at(1, ScriptAction::Crash { who: target(who), at: None, leaves: Leaves::Nothing });
    lacks(Vec::from([lose(1, "Tell", S0, S1)]), "no Tell from S0 to S1 was under way");
    lacks(Vec::from([fire(1, S1)]), "S1 had no deadline");
    lacks(Vec::from([crash(S1), fire(2, S1)]), "S1 was not running");
    lacks(Vec::from([sync(1, S1)]), "S1 had no sync under way");
    lacks(Vec::from([put(1, S1, 5), crash(S1), sync(2, S1)]), "S1 had no sync under way");
    let pause = at(1, ScriptAction::Pause(target(S1)));
    lacks(
        Vec::from([pause, fire(2, S1)]),
        "S1 could take no input: it was paused, slow, or waited for a sync",
    );
    let mut optional = fire(1, S1);
    optional.is_optional = true;
    let world = run(held(Vec::from([optional, sync(2, S0)])));
    assert_eq!(world.unfired().iter().map(|unfired| unfired.step.index).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_blocked_site_takes_what_was_delivered_once_its_sync_completes() {
    let mut settings = held(Vec::from([
        put(1, S1, 6),
        at(2, ScriptAction::Command(target(S0), Ask::Each(5))),
        deliver(10, "Tell", S0, S1),
        sync(20, S1),
    ]));
    settings.disk.sync_mode = SyncMode::Blocking;
    let world = run(settings);
    assert_eq!(missed(&world), [""; 0]);
    assert_eq!(deliveries(&world, "Tell", S0, S1), [20_000]);
}

#[test]
fn a_crash_loses_what_no_step_has_synced_and_leaves_datagrams_under_way() {
    let crash = |millis, at_seam| {
        at(millis, ScriptAction::Crash { who: target(S0), at: at_seam, leaves: Leaves::Nothing })
    };
    let world = run(held(Vec::from([
        put(1, S0, 5),
        sync(2, S0),
        put(3, S0, 6),
        crash(4, None),
        at(5, ScriptAction::Restart(target(S0))),
        deliver(6, "Tell", S0, S1),
        put(7, S0, 7),
        crash(8, Some(Seam::AfterSync)),
        sync(9, S0),
    ])));
    assert_eq!(missed(&world), [""; 0]);
    assert_eq!(world.judge().started[8], (S0, 2, Vec::from([5])));
    assert_eq!((kept(&world, S1), kept(&world, S0)), (Vec::from([5]), Vec::new()));
    assert_eq!(world.disk(S0).map(SimDisk::unsynced), Some(0));
}

#[test]
fn a_terminal_and_its_site_hear_each_other() {
    let world = run(held(Vec::from([at(1, ScriptAction::Command(T0, Ask::Each(5)))])));
    assert_eq!(kept(&world, S0), [5]);
    assert_eq!((kept(&world, S1), kept(&world, S2)), (Vec::new(), Vec::new()), "{}", world.trace());
}

#[test]
fn everything_goes_on_by_itself_once_faults_stop() {
    let mut settings = held(Vec::from([put(1, S0, 5), sync(2, S0), put(3, S1, 6), fire(4, S2)]));
    settings.config.beat = Some(Duration::from_millis(300));
    let mut world = run(settings);
    assert_eq!((kept(&world, S1), kept(&world, S2)), (Vec::from([6]), Vec::new()));
    world.heal_core();
    world.run_until(ms(2_500)).unwrap();
    assert_eq!(
        (kept(&world, S0), kept(&world, S1), kept(&world, S2)),
        ([5, 6].into(), [6, 5].into(), [5, 6].into())
    );
    assert_eq!(deliveries(&world, "Tell", S0, S1), [2_010_000], "a latency after the hold has ended");
    assert_eq!(world.judge().durable[1], (S1, 6));
    assert!(deliveries(&world, "Beat", S2, S0).len() > 1);
    assert_every_copy_is_accounted_for(&world);
}

#[test]
fn a_clone_goes_on_as_the_original_does() {
    let steps = || Vec::from([put(1, S0, 5), sync(2, S0), deliver(1_500, "Tell", S0, S1), sync(1_600, S1)]);
    let mut world = World::new(held(steps()), Scribe::default()).unwrap();
    world.run_until(ms(1_000)).unwrap();
    let mut clone = world.clone();
    for world in [&mut clone, &mut world] {
        world.run_until(ms(2_000)).unwrap();
        world.heal_core();
        world.run_until(ms(3_000)).unwrap();
    }
    let once = run(held(steps()));
    assert_eq!((clone.fingerprint(), missed(&clone)), (world.fingerprint(), missed(&once)));
    assert_eq!(kept(&clone, S2), [5]);
}

#[test]
fn what_is_held_has_a_limit() {
    let ask = |millis, number| at(millis, ScriptAction::Command(target(S0), Ask::Each(number)));
    let mut settings = held(Vec::from([ask(1, 5), ask(2, 6)]));
    settings.clog_max = 3;
    let world = run(settings);
    assert_eq!((world.statistics().congested, world.net.copies_held()), (1, 3));
    let trace = world.trace().to_string();
    assert!(trace.contains("-> S2 Tell slot 6: the held network holds no more"), "{trace}");
}

#[test]
fn no_world_has_a_held_network_and_what_means_nothing_there() {
    let bad = |edit: fn(&mut Settings)| {
        let mut settings = held(Vec::new());
        edit(&mut settings);
        World::new(settings, Scribe::default()).err().map(|bad| bad.0).unwrap_or_default()
    };
    assert_eq!(bad(|_| {}), "");
    assert_eq!(bad(|settings| settings.network.order = Links::Fifo), "a held network with links like `Fifo`");
    assert_eq!(bad(|settings| settings.network.loss = Chance::ALWAYS), "loss in a held network");
    let leader = bad(|settings| settings.leader = S0.as_site());
    assert_eq!(leader, "a site that is to lead first in a held network");
    let cut = bad(|settings| settings.tracks = Vec::from([Vec::from([at(1, ScriptAction::Isolate(T0))])]));
    assert_eq!(cut, "the step `Isolate` where delivery is `Held`");
    let mut plain = settings(Vec::from([fire(1, S0)]));
    let bad = World::new(plain.clone(), Scribe::default()).err().map(|bad| bad.0);
    assert_eq!(bad.as_deref(), Some("the step `Fire` where delivery is `ByItself`"));
    plain.network.delivery = Delivery::Held;
    assert!(World::new(plain, Scribe::default()).is_ok());
}
