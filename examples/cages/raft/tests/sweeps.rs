//! What raft-rs keeps, and who notices what its cage does wrong.

use std::fs;
use std::sync::atomic::AtomicBool;

use aviary::protocol::Sites;
use aviary::scenario::{Profile, RunOptions, Scenario, Verdict, read, run};
use aviary::search::{Drawn, Pinned, Runner, Source, Sweep, fails, hunt, replay};
use raft_cage::Site;

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
    for name in ["leader_crash_and_restart", "follower_crash_and_restart", "partition", "voters_restart"] {
        Sweep::<Service>::of_text(name, &text(&format!("scenarios/{name}.ron"))).seeds(0..50).check();
    }
}

#[test]
fn drawn_faults() {
    Sweep::<Service>::of(drawn()).seeds(0..100).check();
}

/// Sweeps see it within this many seeds, and see nothing under the same seed without it.
fn is_noticed(variant: &'static str, source: &dyn Source<Service>, within: u64) {
    let honest = Runner::<Service>::new(RunOptions::default());
    let runner = Runner::<Service>::configured(RunOptions::default(), move |config| config.variant = variant);
    let is_its_fault = |seed| !fails(&honest, source, seed);
    let found = hunt(&runner, source, 0..within, is_its_fault, &AtomicBool::new(false));
    let found = found.unwrap_or_else(|| panic!("{variant}: nobody noticed within {within} seeds"));
    println!("{variant}: seed {}, {}", found.seed, found.verdict);
}

#[test]
fn a_forgotten_vote_is_noticed() {
    let path = "scenarios/voters_restart.ron";
    is_noticed("forgets vote", &Pinned::new(path, read(path, &text(path)).unwrap()), 50);
}

#[test]
fn forgotten_entries_are_noticed() {
    is_noticed("forgets entries", &drawn(), 20);
}

#[test]
fn a_forgotten_hard_state_is_noticed() {
    is_noticed("forgets hard state", &drawn(), 50);
}

#[test]
fn a_number_that_is_applied_twice_is_noticed() {
    is_noticed("applies twice", &drawn(), 10);
}

/// Without the line that puts our election time-outs in place of those of raft-rs.
#[test]
#[should_panic(expected = "two runs of profile.ron with seed 0 differed")]
fn time_outs_from_the_thread_s_generator_are_noticed() {
    let runner = Runner::<Service>::configured(RunOptions::default(), |config| {
        config.variant = "draws from the thread"
    });
    let sweep = Sweep { runner, ..Sweep::<Service>::of(drawn()) };
    sweep.seeds(0..1).check();
}

#[test]
fn a_site_that_does_not_hear_the_leader_gets_nothing() {
    let path = "scenarios/findings/leader_heard_by_one.ron";
    let scenario: Scenario<Service> = read(path, &text(path)).unwrap();
    let verdict = run(&scenario, &RunOptions::default()).unwrap().verdict;
    assert!(matches!(verdict, Verdict::Stalled { .. }), "{verdict}");
    replay::<Service>("scenarios/findings/leader_heard_by_all.ron");
}
