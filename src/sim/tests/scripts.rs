//! Steps: when they fire, and what is reported about those that do not.

use super::*;

fn sent(kind: &str, from: ProcessId, nth: u64) -> Trigger {
    Trigger::Sent(filter(kind, Target::of(from), Target::Any), nth)
}

const fn crash(who: Target) -> ScriptAction<Ask> {
    ScriptAction::Crash { who, at: None, leaves: Leaves::Nothing }
}

#[test]
fn isolating_on_sent_catches_that_very_datagram() {
    let isolate = ScriptAction::Isolate(Target::of(S0));
    let world = run(settings(Vec::from([put(1, S0, 5), step(sent("Tell", S0, 2), isolate)])));
    // The second recipient's steps had armed when the command fired.
    assert_eq!(deliveries(&world, "Tell", S0, S1), [0_u64; 0], "under way when the link was cut");
    assert!(deliveries(&world, "Tell", S0, S2).is_empty());
    assert_eq!(world.statistics().cut, 2);
    assert!(world.unfired().is_empty() && world.script_done());
}

#[test]
fn crashing_on_sent_lets_that_datagram_leave_and_stops_the_rest() {
    let world = run(settings(Vec::from([put(1, S0, 5), step(sent("Tell", S0, 1), crash(Target::of(S0)))])));
    assert_eq!(deliveries(&world, "Tell", S0, S1), [13_000]);
    assert!(deliveries(&world, "Tell", S0, S2).is_empty());
}

#[test]
fn crashing_on_delivered_comes_before_the_handling() {
    let delivered = Trigger::Delivered(filter("Tell", Target::Any, Target::of(S1)), 1);
    let world = run(settings(Vec::from([put(1, S0, 5), step(delivered, crash(Target::of(S1)))])));
    assert!(deliveries(&world, "Tell", S0, S1).is_empty());
    assert_eq!(world.judge().crashed, [(S1, Vec::new())]);
}

#[test]
fn a_step_does_not_see_the_event_that_armed_it() {
    let sends_tell = || sent("Tell", S0, 1);
    let check = |number| ScriptAction::Check(number);
    let mut world = run(settings(Vec::from([
        put(1, S0, 5),
        step(sends_tell(), check(1)),
        step(sends_tell(), check(2)),
        step(sends_tell(), check(3)),
    ])));
    assert_eq!((world.due_check(), world.due_check(), world.due_check()), (Some(1), Some(2), None));
    assert!(!world.script_done());
}

#[test]
fn roles_are_those_of_the_moment_and_missing_ones_are_waited_for() {
    let lead = |millis, who, rank| at(millis, ScriptAction::Command(Target::of(who), Ask::Lead(rank)));
    let mut settings = settings(Vec::from([lead(100, S1, 1), lead(200, S2, 2)]));
    settings.tracks.push(Vec::from([
        at(1, crash(Target::Leader)),
        step(Trigger::After(Duration::from_millis(10)), ScriptAction::Check(1)),
        step(Trigger::Leads(Target::Any), ScriptAction::Pause(Target::Follower)),
        step(Trigger::Leads(Target::of(S0)), ScriptAction::Check(2)),
    ]));
    let mut world = World::new(settings, Scribe::default()).unwrap();
    world.run_until(ms(105)).unwrap();
    assert_eq!(world.judge().crashed, [(S1, Vec::new())], "as soon as it led");
    assert_eq!(world.due_check(), None);
    world.run_until(ms(300)).unwrap();
    assert_eq!((world.due_check(), world.leader()), (Some(1), S2.as_site()));
    assert_eq!(
        world.status(S0),
        Some(crate::sim::ProcessStatus::Paused),
        "the first that runs and does not lead"
    );
    let unfired = world.unfired();
    assert_eq!(unfired[0].nearest, "0 became leader, none of them S0");
}

#[test]
fn crashes_starts_and_notes_fire_steps() {
    let noted = |slot: Option<u64>| Trigger::Noted {
        who: Target::of(S1),
        kind: "Kept".into(),
        about: slot.map(About::slot),
    };
    let mut world = run(settings(Vec::from([
        put(1, S0, 5),
        step(noted(Some(5)), crash(Target::of(S1))),
        step(Trigger::Crashed(Target::Any), ScriptAction::Check(7)),
    ])));
    assert_eq!(world.due_check(), Some(7), "a step is armed before the action of the one before it");
    let mut settings = settings(Vec::from([
        put(1, S0, 5),
        step(noted(None), crash(Target::of(S1))),
        step(Trigger::Restarted(Target::of(S1)), ScriptAction::Check(8)),
    ]));
    settings
        .tracks
        .push(Vec::from([step(Trigger::Crashed(Target::of(S1)), ScriptAction::Restart(Target::of(S1)))]));
    let mut world = run(settings);
    assert_eq!(world.due_check(), Some(8));
    assert_eq!(world.judge().started.iter().filter(|started| started.0 == S1).count(), 2);
}

#[test]
fn a_step_that_did_not_fire_says_what_came_nearest() {
    let about = |slot| Filter {
        about: Some(About::slot(slot)),
        slots: None,
        ..filter("Tell", Target::of(S0), Target::of(S1))
    };
    let mut settings = settings(Vec::from([put(1, S0, 5), put(1, S0, 6), put(1, S1, 7)]));
    let waits = [
        (Trigger::Sent(about(9), 1), "6 Tell were sent, 2 of them between the right ones"),
        (Trigger::Sent(about(5), 3), "1 Tell from S0 to S1 about slot 5 were sent, it waited for number 3"),
        (Trigger::Delivered(filter("Nack", Target::Any, Target::Any), 1), "no Nack was delivered"),
        (Trigger::Sent(filter("Ack", Target::of(S0), Target::of(S0)), 1), "none of them from S0 to S0"),
        (Trigger::Crashed(Target::AllSites), "0 crashed, none of them all sites"),
    ];
    for (trigger, _) in &waits {
        settings
            .tracks
            .push(Vec::from([step(trigger.clone(), ScriptAction::Check(1)), at(5, ScriptAction::Check(2))]));
    }
    let optional = ScriptStep { is_optional: true, ..step(sent("Nack", S0, 1), ScriptAction::Check(3)) };
    settings.tracks.push(Vec::from([optional, at(5, ScriptAction::Check(4))]));
    let world = run(settings);
    let unfired = world.unfired();
    assert_eq!(unfired.len(), 2 * waits.len(), "{unfired:#?}");
    for (place, (_, text)) in waits.iter().enumerate() {
        let (one, behind) = (&unfired[2 * place], &unfired[2 * place + 1]);
        assert!(one.was_armed && one.nearest.contains(text), "{}", one.nearest);
        assert!(!behind.was_armed && behind.nearest == "step 1 of its track did not fire");
        assert_eq!((one.step.track, behind.step.index), (place + 1, 1));
    }
    assert_eq!(world.optional_steps(), (0, 1));
}

#[test]
fn watchpoints_count_from_the_first_event_to_the_last() {
    let watch = |name: &str, demand| Watchpoint { name: name.into(), demand };
    let sent_tell = |nth| Trigger::Sent(filter("Tell", Target::Any, Target::Any), nth);
    let mut settings = settings(Vec::from([put(1, S0, 5)]));
    settings.watchpoints = Vec::from([
        watch("one", Demand::Sometimes(sent_tell(2).into())),
        watch("two", Demand::Sometimes(sent_tell(3).into())),
        watch("three", Demand::Never(Trigger::Crashed(Target::of(S1)))),
    ]);
    let mut world = run(settings.clone());
    assert_eq!([0, 1, 2, 3].map(|number| world.has_happened(number)), [true, false, false, false]);
    world.heal_core();
    assert!(world.script_done(), "steps have ended, and watchpoints go on");
    world.restart_sites();
    let violation = world.violation().map(alloc::string::ToString::to_string);
    assert_eq!(violation.as_deref(), Some("never: three forbids that S1 crashes"));
    settings.watchpoints[0].demand = Demand::Never(Trigger::At(ms(1)));
    let bad = World::new(settings, Scribe::default()).err().unwrap();
    assert_eq!(bad.to_string(), "no world can have one, which watches for a time");
}

#[test]
fn the_trace_of_a_small_run_reads_in_order() {
    let mut settings = settings(Vec::from([
        put(1, S0, 5),
        step(sent("Tell", S0, 2), crash(Target::of(S0))),
        at(50, ScriptAction::Restart(Target::of(S0))),
    ]));
    settings.clients = 0;
    settings.trace.level = TraceLevel::Notable;
    let world = run(settings);
    let expected = "\x20\x20 0.000000    +3  S012   starts
   0.001000        --     step 1: command S0: Put(5)
   0.001000    +2  S0     keeps 5
   0.003000    +3  --     step 2: crash S0
   0.003000        S0     crashes, 1 unsynced write lost
   0.013000    +5  S12    keeps 5
   0.025000    +4  S0     <- S1 Ack slot 5: not running
   0.025000        S0     <- S2 Ack slot 5: not running
   0.050000        --     step 3: restart S0
   0.050000        S0     starts, incarnation 2, 1 record
... 1 routine event
";
    assert_eq!(world.trace().render(), expected);
}
