//! Recipes whose point is that a site does something: in most runs it does.

use crate::scenario::draw::draw_recipe;
use crate::scenario::{Profile, Run, RunOptions, Scenario};
use crate::sim::TraceLevel;
use crate::tweets::service::Timelines;

/// The number of runs, out of 20, of this recipe in which some process notes this.
fn noted(recipe: &str, note: &str) -> usize {
    let is_noted = |seed: &u64| {
        let scenario: Scenario<Timelines> = draw_recipe(&Profile::default(), *seed, recipe).unwrap();
        let options = RunOptions { trace: TraceLevel::Off, ..RunOptions::default() };
        let mut run = Run::new(&scenario, &options).unwrap();
        run.finish();
        run.world().judge().noted().iter().any(|(noted, _)| *noted == note)
    };
    (0..20).filter(is_noted).count()
}

#[test]
fn promises_are_split() {
    assert!(noted("promise_in_parts", "splits promise") >= 12);
}

#[test]
fn a_laggard_asks_how_far_logs_reach() {
    assert!(noted("laggard_is_asked", "read timed out") >= 12);
    assert!(noted("laggard_is_asked", "surveyed") >= 12);
}

#[test]
fn a_site_follows_through_a_peer() {
    assert!(noted("served_through_a_peer", "follows through") >= 12);
}
