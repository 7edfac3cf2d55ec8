//! Recipes whose story is something that a site does: it does so in most runs.

use crate::scenario::draw::draw_recipe;
use crate::scenario::{Profile, Run, RunOptions, Scenario};
use crate::sim::TraceLevel;
use crate::tweets::service::Timelines;

/// In how many of 20 runs of this recipe somebody noted this.
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
    assert!(noted("laggard_is_asked", "unread") >= 12);
    assert!(noted("laggard_is_asked", "surveyed") >= 12);
}

#[test]
fn a_site_leans_on_a_peer() {
    assert!(noted("served_through_a_peer", "leans") >= 12);
}
