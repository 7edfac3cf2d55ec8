//! What OmniPaxos keeps, who notices what its cage does wrong, and what was found in it.

use std::fs;
use std::sync::atomic::AtomicBool;

use aviary::protocol::Sites;
use aviary::scenario::{Profile, RunOptions, Scenario, Verdict, read, run};
use aviary::search::{Drawn, Runner, Source, Sweep, fails, hunt, replay};
use omnipaxos_cage::Site;

type Service = Sites<Site>;

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

fn drawn() -> Drawn {
    let profile = Profile::read::<Service>("profile.ron", &text("profile.ron")).unwrap();
    Drawn::new::<Service>("profile.ron", profile).unwrap()
}

#[test]
fn leaders_and_followers_crash_and_links_are_cut() {
    for name in ["leader_crash_and_restart", "follower_crash_and_restart", "partition"] {
        Sweep::<Service>::of_text(name, &text(&format!("scenarios/{name}.ron"))).seeds(0..50).check();
    }
}

#[test]
fn drawn_faults() {
    Sweep::<Service>::of(drawn()).seeds(0..100).check();
}

/// Sweeps see it within this many seeds, and see nothing under the same seed without it. What they see first is this
/// broken property, or a panic that begins like this.
fn is_noticed(variant: &'static str, source: &dyn Source<Service>, within: u64, by: &str) {
    let honest = Runner::<Service>::new(RunOptions::default());
    let runner = Runner::<Service>::configured(RunOptions::default(), move |config| config.variant = variant);
    let is_its_fault = |seed| !fails(&honest, source, seed);
    let found = hunt(&runner, source, 0..within, is_its_fault, &AtomicBool::new(false));
    let found = found.unwrap_or_else(|| panic!("{variant}: nobody noticed within {within} seeds"));
    println!("{variant}: seed {}, {}", found.seed, found.verdict);
    let what = match &found.verdict {
        Verdict::Violated(violation) => violation.property,
        Verdict::Panicked { message, .. } => message,
        _ => "",
    };
    assert!(what.starts_with(by), "{variant}: {by:?} is expected at seed {}: {}", found.seed, found.verdict);
}

#[test]
fn a_forgotten_promise_is_noticed() {
    is_noticed("forgets promise", &drawn(), 500, "agreement");
}

#[test]
fn forgotten_entries_are_noticed() {
    is_noticed("forgets entries", &drawn(), 20, "agreement");
}

#[test]
fn a_forgotten_hard_state_is_noticed() {
    is_noticed("forgets hard state", &drawn(), 500, "agreement");
}

#[test]
fn a_number_that_is_applied_twice_is_noticed() {
    is_noticed("applies twice", &drawn(), 10, "at most once");
}

fn verdict(path: &str, text: &str) -> Verdict {
    let scenario: Scenario<Service> = read(path, text).unwrap();
    run(&scenario, &RunOptions::default()).unwrap().verdict
}

#[test]
fn a_follower_is_shut_out_by_a_copy_of_its_own_request() {
    let path = "scenarios/findings/follower_shut_out.ron";
    let verdict = verdict(path, &text(path));
    assert!(matches!(verdict, Verdict::Stalled { .. }), "{verdict}");
}

#[test]
fn a_copy_of_an_earlier_message_overwrites_what_is_decided() {
    let path = "scenarios/findings/decided_entries_overwritten.ron";
    let verdict = verdict(path, &text(path));
    assert!(
        matches!(&verdict, Verdict::Violated(violation) if violation.property == "agreement"),
        "{verdict}"
    );
}

#[test]
fn a_message_to_an_earlier_life_overwrites_what_is_decided_though_links_keep_their_order() {
    let path = "scenarios/findings/overwritten_by_an_earlier_life.ron";
    let fifo = text(path);
    let stream = fifo.replace("order: Fifo", "order: Stream");
    // A `debug_assert!` of the crate notices.
    if cfg!(debug_assertions) {
        let verdict = verdict(path, &fifo).to_string();
        assert!(verdict.contains("would overwrite decided entries"), "{verdict}");
    }
    assert!(fifo != stream && verdict(path, &stream).is_pass());
}

#[test]
fn a_copy_that_follows_its_original_brings_neither_about() {
    replay::<Service>("scenarios/findings/follower_shut_out_fifo.ron");
    replay::<Service>("scenarios/findings/decided_entries_overwritten_fifo.ron");
}

#[test]
fn a_lost_decision_is_not_sent_again() {
    let path = "scenarios/findings/last_decide_lost.ron";
    let verdict = verdict(path, &text(path));
    assert!(matches!(verdict, Verdict::Stalled { .. }), "{verdict}");
}

#[test]
fn the_next_entry_and_the_next_connection_tell_a_lost_decision() {
    replay::<Service>("scenarios/findings/last_decide_lost_then_another.ron");
    replay::<Service>("scenarios/findings/last_decide_lost_stream.ron");
}
