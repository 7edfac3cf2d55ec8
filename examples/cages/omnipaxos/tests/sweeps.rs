//! What OmniPaxos keeps, and who notices what its cage does wrong.

use std::fs;

use aviary::scenario::{Outcome, Profile, RunOptions, Scenario, Verdict, read, run};
use aviary::search::{Drawn, Source, Sweep};
use omnipaxos_cage::{APPLIES_TWICE, FORGETS_ENTRIES, FORGETS_HARD_STATE, FORGETS_PROMISE, HONEST, Service};

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

fn drawn<const WRONG: u8>() -> Drawn {
    let profile = Profile::read("profile.ron", &text("profile.ron")).unwrap();
    Drawn::new::<Service<WRONG>>("profile.ron", profile).unwrap()
}

fn run_file(path: &str) -> Outcome {
    let scenario: Scenario<Service<HONEST>> = read(path, &text(path)).unwrap();
    run(&scenario, &RunOptions::default()).unwrap()
}

#[test]
fn leaders_and_followers_crash_and_links_are_cut() {
    for name in ["leader_crash_and_restart", "follower_crash_and_restart", "partition"] {
        Sweep::<Service<HONEST>>::of_text(name, &text(&format!("scenarios/{name}.ron"))).seeds(0..50).check();
    }
}

#[test]
fn drawn_faults() {
    Sweep::<Service<HONEST>>::of(drawn::<HONEST>()).seeds(0..200).check();
}

/// The first of so many seeds under which a run does not pass.
fn caught<const WRONG: u8>(within: u64) {
    let source = drawn::<WRONG>();
    let fails = |seed: &u64| {
        let scenario: Scenario<Service<WRONG>> = source.owned(*seed);
        !run(&scenario, &RunOptions::default()).unwrap().verdict.is_pass()
    };
    let found = (0..within).find(fails);
    assert!(found.is_some(), "{within} seeds show nothing");
    println!("seed {found:?} of {within}");
}

#[test]
fn a_forgotten_promise_is_noticed() {
    caught::<FORGETS_PROMISE>(100);
}

#[test]
fn forgotten_entries_are_noticed() {
    caught::<FORGETS_ENTRIES>(100);
}

#[test]
fn a_forgotten_hard_state_is_noticed() {
    caught::<FORGETS_HARD_STATE>(100);
}

#[test]
fn a_number_that_is_applied_twice_is_noticed() {
    caught::<APPLIES_TWICE>(100);
}

#[test]
fn the_findings_still_hold() {
    let shut_out = run_file("scenarios/findings/follower_shut_out.ron").verdict;
    assert!(matches!(shut_out, Verdict::Stalled { .. }), "{shut_out}");
    let overwritten = run_file("scenarios/findings/decided_entries_overwritten.ron").verdict;
    assert!(matches!(overwritten, Verdict::Panicked { .. }), "{overwritten}");
}
