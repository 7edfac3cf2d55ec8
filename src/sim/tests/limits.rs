//! The limits that every world checks.

use super::*;
use crate::sim::host::limits;

#[test]
fn a_process_that_holds_more_than_it_may_is_caught() {
    let run = |kept_max| {
        let mut settings = settings(Vec::from([put(1, S0, 5), put(2, S0, 6), put(3, S0, 7)]));
        settings.config.kept_max = kept_max;
        World::new(settings, Scribe::default()).unwrap().run_until(ms(1_000))
    };
    run(3).unwrap();
    let violation = run(2).unwrap_err();
    assert_eq!(violation.to_string(), "bounded memory: S0 holds 3 numbers, more than 2");
}

#[test]
fn a_process_that_looks_at_more_than_comes_of_it_is_caught() {
    let run = |count| {
        let settings = settings(Vec::from([
            put(1, S0, 5),
            at(2, ScriptAction::Command(Target::of(S0), Ask::Look(count))),
        ]));
        World::new(settings, Scribe::default()).unwrap().run_until(ms(1_000))
    };
    run(8).unwrap();
    let violation = run(9).unwrap_err();
    let sentence =
        "bounded work: S0 looked at 9 items for one input with 0 records, messages and notes, more than 8";
    assert_eq!(violation.to_string(), sentence);
    limits::check_looks::<Gossip>(S0, 24, 3).unwrap();
    limits::check_looks::<Gossip>(S0, 25, 3).unwrap_err();
}

#[test]
fn commands_for_a_process_that_is_paused_wait_within_the_bound_of_its_inbox() {
    let pause = |millis, action: fn(Target) -> ScriptAction<Ask>| at(millis, action(Target::of(S0)));
    let mut steps = Vec::from([pause(1, ScriptAction::Pause)]);
    steps.extend((0..5).map(|number| put(2 + number, S0, number)));
    steps.push(pause(10, ScriptAction::Resume));
    let mut settings = settings(steps);
    settings.inbox_max = 3;
    let world = run(settings);
    assert_eq!(kept(&world, S0), [0, 1, 2]);
    let trace = world.trace().render();
    assert_eq!(trace.matches("has too much waiting, and is not asked").count(), 2, "{trace}");
}

#[test]
fn an_input_that_comes_while_too_much_waits_is_caught() {
    let mut settings = settings(Vec::from([put(1, S0, 5)]));
    settings.disk.sync_time = Duration::from_secs(9);
    settings.outbox_max = 8;
    let mut world = run(settings);
    let h = world.hosts.list.place(S0).unwrap();
    let running = world.hosts.list[h].running_mut().unwrap();
    let sentence = "bounded memory: S0 is handed an input, though too much waits there for a sync";
    assert_eq!(limits::check_waiting(S0, running, 1).unwrap_err().to_string(), sentence);
    running.outbox = crate::outbox::Outbox::new(SENDER, 1_200, 8);
    limits::check_waiting(S0, running, 0).unwrap();
    let command = || crate::sim::host::WaitingInput::Command(Ask::Put(1));
    running.inbox.extend([command(), command()]);
    let sentence = "bounded memory: 2 inputs wait at S0, more than 1";
    assert_eq!(limits::check_waiting(S0, running, 1).unwrap_err().to_string(), sentence);
}

const SENDER: crate::frame::Sender =
    crate::frame::Sender { cluster: 1, configuration: 0, from: S0, incarnation: 1 };
