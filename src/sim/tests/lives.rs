//! Crashes at every seam, restarts, pauses, disks.

use super::gossip::CURSED;
use super::*;
use crate::outbox::SyncMode;
use crate::sim::host::ProcessStatus;
use crate::sim::script::{DiskFault, Seam};

fn crash(who: ProcessId, at: Option<Seam>, leaves: Leaves) -> ScriptAction<Ask> {
    ScriptAction::Crash { who: Target::of(who), at, leaves }
}

/// The numbers that S0 keeps, durably and after a restart at 1 s, and the other processes that ever received 5, if S0
/// crashes at this seam.
fn at_seam(seam: Option<Seam>, ask: Ask) -> (Vec<u64>, Vec<ProcessId>, GossipWorld) {
    let mut steps = Vec::new();
    if let Some(seam) = seam {
        steps.push(at(1, crash(S0, Some(seam), Leaves::Nothing)));
    }
    steps.push(at(2, ScriptAction::Command(Target::of(S0), ask)));
    steps.push(at(1_000, ScriptAction::Restart(Target::of(S0))));
    let world = run(settings(steps));
    let recipients = world.judge().delivered.iter().filter(|(_, to, ..)| *to != S0);
    let recipients: Vec<ProcessId> =
        recipients.filter(|seen| matches!(seen.3, Word::Tell { .. })).map(|seen| seen.1).collect();
    (kept(&world, S0), recipients, world)
}

#[test]
fn each_seam_is_exactly_where_it_says() {
    let check = |seam, ask, expected_kept: &[u64], expected_recipients: &[ProcessId]| {
        let (kept, recipients, world) = at_seam(seam, ask);
        assert_eq!((&kept[..], &recipients[..]), (expected_kept, expected_recipients), "{seam:?}");
        assert_eq!(world.judge().crashed.len(), usize::from(seam.is_some()), "{seam:?}");
        assert!(world.unfired().is_empty(), "{:?}", world.unfired());
    };
    check(None, Ask::Put(5), &[5], &[S1, S2]);
    check(Some(Seam::BeforeSync), Ask::Put(5), &[], &[]);
    check(Some(Seam::AfterSync), Ask::Put(5), &[5], &[]);
    check(Some(Seam::BetweenRecipients), Ask::Put(5), &[5], &[S1]);
    check(None, Ask::Each(5), &[], &[S1, S2]);
    check(Some(Seam::BetweenSends), Ask::Each(5), &[], &[S1]);
}

#[test]
fn a_seam_that_is_never_reached_makes_the_run_stale() {
    // One broadcast is one datagram, so it has no place between two datagrams.
    let (kept, _, world) = at_seam(Some(Seam::BetweenSends), Ask::Put(5));
    let unfired = world.unfired();
    assert_eq!((kept, unfired.len()), (Vec::from([5]), 1));
    assert_eq!(unfired[0].nearest, "S0 was never between two sends");
}

#[test]
fn a_crash_during_recovery_uses_its_incarnation_up() {
    let restart = |millis| at(millis, ScriptAction::Restart(Target::of(S0)));
    let world = run(settings(Vec::from([
        put(1, S0, 5),
        at(100, crash(S0, None, Leaves::Nothing)),
        at(150, crash(S0, Some(Seam::DuringRecovery), Leaves::Nothing)),
        restart(200),
        restart(300),
    ])));
    let starts: Vec<_> = world.judge().started.iter().filter(|started| started.0 == S0).collect();
    assert_eq!(starts, [&(S0, 1, Vec::new()), &(S0, 3, Vec::from([5]))]);
    assert_eq!(world.statistics().crashes, 2);
}

const T0: ProcessId = ProcessId::Terminal(SiteId::new(0).unwrap());

#[test]
fn a_terminal_lives_as_often_as_its_site() {
    let world = run(settings(Vec::from([
        at(10, crash(S0, None, Leaves::Nothing)),
        at(20, ScriptAction::Command(Target::of(T0), Ask::Put(5))),
        at(30, ScriptAction::Restart(Target::of(S0))),
        at(40, crash(S0, None, Leaves::Nothing)),
        at(45, crash(S0, Some(Seam::DuringRecovery), Leaves::Nothing)),
        at(50, ScriptAction::Restart(Target::of(S0))),
        at(60, ScriptAction::Restart(Target::of(S0))),
        at(70, crash(S0, None, Leaves::Nothing)),
        at(75, crash(S0, Some(Seam::DuringRecovery), Leaves::Nothing)),
        at(80, ScriptAction::Restart(Target::of(S0))),
    ])));
    let lives = |who| world.judge().started.iter().filter(move |started| started.0 == who).map(|it| it.1);
    assert!(lives(S0).eq([1, 2, 4]) && lives(T0).eq([1, 2, 4]), "{:?}", world.judge().started);
    assert_eq!(world.judge().ended, [T0; 3]);
    assert_eq!(world.status(T0), Some(ProcessStatus::Down), "its site did not come back");
    let statistics = world.statistics();
    assert_eq!((statistics.terminals_ended, statistics.lost_commands, statistics.crashes), (3, 1, 5));
    assert!(kept(&world, S1).is_empty(), "nobody was there to take the command");
}

#[test]
fn what_is_under_way_inside_a_program_ends_with_it() {
    let recipients = |is_crashed| {
        // The terminal's message of 1 ms arrives at its own site one microsecond later.
        let mut steps = Vec::from([at(1, ScriptAction::Command(Target::of(T0), Ask::Put(5)))]);
        if is_crashed {
            steps.push(at(1, crash(S0, None, Leaves::Nothing)));
            steps.push(at(1, ScriptAction::Restart(Target::of(S0))));
        }
        let world = run(settings(steps));
        let delivered = world.judge().delivered.iter().filter(|seen| matches!(seen.3, Word::Tell { .. }));
        delivered.map(|seen| seen.1).collect::<Vec<_>>()
    };
    assert_eq!(recipients(false), [S0, S1, S2]);
    assert_eq!(recipients(true), [S1, S2]);
}

#[test]
fn a_process_whose_deadline_stays_due_is_objected_to() {
    let mut settings = settings(Vec::new());
    settings.config.beat = Some(Duration::ZERO);
    let mut world = World::new(settings, Scribe::default()).unwrap();
    let violation = world.run_until(ms(1)).unwrap_err();
    assert_eq!(violation.property, "standing still");
    assert!(violation.explanation.ends_with("for `beat`, and is due again"), "{violation}");
}

#[test]
fn every_incarnation_has_a_seed_of_its_own() {
    let world = run(settings(Vec::new()));
    let crashed = run(settings(Vec::from([
        at(1, crash(S0, None, Leaves::Nothing)),
        at(2, ScriptAction::Restart(Target::of(S0))),
    ])));
    let seed = |world: &GossipWorld, who| world.process(who).map(|gossip| gossip.seed);
    assert_ne!(seed(&world, S0), seed(&crashed, S0));
    assert_ne!(seed(&world, S0), seed(&world, S1));
    assert_eq!(seed(&world, S1), seed(&crashed, S1));
}

#[test]
fn clients_that_are_alike_have_one_seed() {
    let seeds = |are_clients_alike| {
        let settings = WorldSettings { clients: 2, are_clients_alike, ..settings(Vec::new()) };
        let world = run(settings);
        let seed = |who| world.process(who).unwrap().seed;
        (seed(S0), [ProcessId::Client(0), ProcessId::Client(1)].map(seed))
    };
    let (usual, alike) = (seeds(false), seeds(true));
    assert_ne!(usual.1[0], usual.1[1]);
    assert_eq!(alike.1[0], alike.1[1]);
    assert!(alike.0 == usual.0 && alike.0 != alike.1[0]);
}

#[test]
fn unsynced_writes_are_lost_and_a_torn_one_leaves_a_part() {
    for leaves in [Leaves::Nothing, Leaves::Torn] {
        let world = run(settings(Vec::from([
            put(1, S0, 5),
            put(100, S0, 6),
            at(101, crash(S0, None, leaves)),
            at(200, ScriptAction::Restart(Target::of(S0))),
        ])));
        assert_eq!(kept(&world, S0), [5], "the sync of 6 takes until 102 ms");
        assert_eq!(world.judge().crashed, [(S0, Vec::from([5, 6]))]);
        assert!(world.judge().durable.contains(&(S0, 5)) && !world.judge().durable.contains(&(S0, 6)));
        assert_eq!(world.trace().render().contains("the last one torn"), leaves == Leaves::Torn);
    }
}

#[test]
fn clients_are_there_when_the_first_site_starts() {
    let world = run(settings(Vec::new()));
    let started: Vec<ProcessId> = world.judge().started.iter().map(|started| started.0).collect();
    let sites = started.iter().position(|process| process.as_site().is_some()).unwrap();
    assert_eq!(started.len() - sites, 3, "{started:?}");
    assert!(started[..sites].contains(&ProcessId::Client(0)), "{started:?}");
}

#[test]
fn a_restarted_site_does_not_wait_for_the_syncs_of_its_last_life() {
    let sync_time = |ms| ScriptAction::SyncTime(Target::of(S0), Duration::from_millis(ms));
    let mut settings = settings(Vec::from([
        at(1, sync_time(60_000)),
        put(2, S0, 5),
        at(10, crash(S0, None, Leaves::Nothing)),
        at(11, sync_time(2)),
        at(12, ScriptAction::Restart(Target::of(S0))),
        put(20, S0, 6),
    ]));
    settings.trace.level = TraceLevel::Notable;
    let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(30)).unwrap();
    assert!(world.judge().durable.contains(&(S0, 6)), "{}", world.trace().render());
}

#[test]
fn a_pause_holds_everything_and_resuming_delivers_it() {
    let world = run(settings(Vec::from([
        put(1, S0, 5),
        at(2, ScriptAction::Pause(Target::of(S0))),
        put(100, S1, 6),
        put(101, S0, 7),
        at(500, ScriptAction::Resume(Target::of(S0))),
    ])));
    assert_eq!(kept(&world, S0), [5, 7, 6]);
    let arrivals = deliveries(&world, "Tell", S0, S1);
    assert_eq!(
        arrivals[0], 510_000,
        "the sync ended in the pause, and nobody was there to send: {arrivals:?}"
    );
    assert_eq!(deliveries(&world, "Tell", S1, S0), [500_000]);
    assert_eq!(world.process(S0).map(|gossip| gossip.acks), Some(6));
}

#[test]
fn an_inbox_overflows_like_a_socket_buffer() {
    let mut steps = Vec::from([at(1, ScriptAction::Pause(Target::of(S0)))]);
    steps.extend((0..10).map(|number| put(10 + number, S1, number)));
    steps.push(at(500, ScriptAction::Resume(Target::of(S0))));
    let mut settings = settings(steps);
    settings.inbox_max = 4;
    let world = run(settings);
    assert_eq!((kept(&world, S0), world.statistics().overflowed), (Vec::from([0, 1, 2, 3]), 6));
}

#[test]
fn a_blocking_host_holds_inputs_during_a_sync_and_an_overlapping_one_does_not() {
    let numbers_in = |mode| {
        let mut settings = settings(Vec::from([put(1, S0, 5), put(2, S0, 6), put(2, S0, 7)]));
        settings.disk.sync_mode = mode;
        settings.disk.sync_time = Duration::from_millis(100);
        let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
        world.run_until(ms(50)).unwrap();
        let before = kept(&world, S0);
        world.run_until(ms(2_000)).unwrap();
        let durable = world.judge().durable.iter().filter(|(who, _)| *who == S0).count();
        assert_eq!((kept(&world, S0).len(), durable), (3, 3));
        (before, deliveries(&world, "Tell", S0, S1))
    };
    let overlapped = (Vec::from([5, 6, 7]), Vec::from([111_000, 211_000, 211_000]));
    assert_eq!(numbers_in(SyncMode::Overlapped), overlapped);
    let blocking = (Vec::from([5]), Vec::from([111_000, 211_000, 311_000]));
    assert_eq!(numbers_in(SyncMode::Blocking), blocking);
}

#[test]
fn a_full_outbox_holds_inputs_until_the_sync() {
    let mut settings = settings((0..8).map(|number| put(1, S0, number)).collect());
    settings.outbox_max = 100;
    let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(2)).unwrap();
    let held = kept(&world, S0).len();
    assert!((1..8).contains(&held), "{held} commands were handed in");
    world.run_until(ms(1_000)).unwrap();
    assert_eq!(kept(&world, S0).len(), 8);
}

#[test]
fn a_machine_takes_its_sites_down_together() {
    let mut settings = settings(Vec::from([
        put(1, S0, 5),
        at(100, ScriptAction::Crash { who: Target::Machine(1), at: None, leaves: Leaves::Nothing }),
        at(200, ScriptAction::Restart(Target::Machine(1))),
    ]));
    settings.machines = Vec::from([only(S0), only(S1).with(S2.as_site().unwrap())]);
    let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(150)).unwrap();
    let statuses = [S0, S1, S2].map(|id| world.status(id).unwrap());
    assert_eq!(statuses, [ProcessStatus::Up, ProcessStatus::Down, ProcessStatus::Down]);
    world.run_until(ms(300)).unwrap();
    assert_eq!((kept(&world, S1), kept(&world, S2)), (Vec::from([5]), Vec::from([5])));
}

#[test]
fn durable_state_that_is_refused_stops_a_site_for_good() {
    let world = run(settings(Vec::from([
        put(1, S0, CURSED),
        at(100, crash(S0, None, Leaves::Nothing)),
        at(200, ScriptAction::Restart(Target::of(S0))),
        at(300, ScriptAction::Heal),
    ])));
    let reason = "durable state is damaged: a cursed number was kept".into();
    assert_eq!(world.status(S0), Some(ProcessStatus::Failed { reason, for_good: true }));
    let mut world = world;
    assert_eq!(world.heal_core(), only(S1).with(S2.as_site().unwrap()));
}

/// The input in which a site stops writes and sends nothing. Its notes remain. The stop is a violation unless
/// expected.
#[test]
fn a_site_that_stops_by_itself_leaves_nothing_of_that_call() {
    let steps = || {
        Vec::from([
            at(1, ScriptAction::Command(Target::of(S0), Ask::Stop(5))),
            at(50, ScriptAction::Restart(Target::of(S0))),
        ])
    };
    let mut world: GossipWorld = World::new(settings(steps()), Scribe::default()).unwrap();
    let violation = world.run_until(ms(100)).unwrap_err();
    assert_eq!((violation.property, violation.explanation.as_str()), ("gossip", "S0 stops: 5 is enough"));
    let mut expected = settings(steps());
    expected.may_stop = only(S0);
    let mut world: GossipWorld = World::new(expected, Scribe::default()).unwrap();
    world.run_until(ms(20)).unwrap();
    let reason = "gossip: 5 is enough".into();
    assert_eq!(world.status(S0), Some(ProcessStatus::Failed { reason, for_good: false }));
    assert_eq!((world.stopped(), world.statistics().stopped), (only(S0), 1));
    world.run_until(ms(100)).unwrap();
    assert_eq!(world.status(S0), Some(ProcessStatus::Up), "it can be started again");
    let judge = world.judge();
    assert!(judge.sent.is_empty() && judge.durable.is_empty() && kept(&world, S0).is_empty());
    assert_eq!(judge.crashed.len(), 1);
}

#[test]
fn storage_that_is_put_back_has_forgotten_what_was_written_since() {
    let disk = |fault| ScriptAction::Disk(Target::of(S0), fault);
    let mut world = run(settings(Vec::from([
        put(1, S0, 5),
        at(100, disk(DiskFault::Save)),
        put(150, S0, 6),
        at(200, disk(DiskFault::Restore)),
        at(250, ScriptAction::Restart(Target::of(S0))),
        at(300, ScriptAction::Disk(Target::of(S1), DiskFault::Restore)),
    ])));
    let starts: Vec<_> = world.judge().started.iter().filter(|(id, ..)| *id == S0).cloned().collect();
    assert_eq!(starts, [(S0, 1, Vec::new()), (S0, 2, Vec::from([5]))]);
    assert_eq!(world.judge().restored, [S0]);
    assert!(world.trace().render().contains("S1     has no copy of its disk that could be put back"));
    let came = |fault| world.statistics().of_disk(fault);
    assert_eq!((came(DiskFault::Save), came(DiskFault::Restore)), (1, 1));
    let healed = world.heal_core();
    assert!(!healed.contains(S0.as_site().unwrap()), "nobody relies on it any more");
}

#[test]
fn a_disk_without_room_is_announced_before_it_stops_its_site() {
    let mut settings = settings((0..400).map(|number| put(1 + 5 * number, S0, number)).collect());
    settings.config.sites = 1;
    settings.journal = crate::journal::JournalConfig { segment_bytes: 2_048, record_max: 64 };
    settings.disk.capacity = 3 * 2_048;
    let mut world: GossipWorld = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(3_000)).unwrap();
    let trace = world.trace().render();
    let (low, stopped) = (trace.find("disk is almost full"), trace.find("stops: "));
    assert!(low.is_some() && low < stopped, "told at {low:?}, stopped at {stopped:?}");
    assert!(matches!(world.status(S0), Some(ProcessStatus::Failed { for_good: false, .. })));
}

#[test]
fn healing_disarms_a_crash_that_waits_for_its_seam() {
    for heals in [false, true] {
        let mut steps = Vec::from([at(1, crash(S0, Some(Seam::BeforeSync), Leaves::Nothing))]);
        if heals {
            steps.push(at(2, ScriptAction::Heal));
        }
        steps.push(put(3, S0, 5));
        let world = run(settings(steps));
        assert_eq!(world.judge().crashed.len(), usize::from(!heals));
        let unfired: Vec<_> = world.unfired().into_iter().map(|unfired| unfired.nearest).collect();
        assert_eq!(unfired, if heals { Vec::from(["S0 was never before a sync"]) } else { Vec::new() });
    }
}
