//! The cost of forking a running world, judges included.

use crate::Bench;
use crate::load::{Load, one_event_a_slot};
use crate::table::{Row, Target, median, seconds};

pub const BENCHES: &[Bench] = &[Bench { name: "clone", rows, fixed: None }];

/// Every client waits for an answer when the world is cloned.
const CLIENTS: u16 = 5;
const CLONES: usize = 32;
const RUNS: usize = 15;

fn rows() -> Vec<Row> {
    [(60, 50.0), (10_000, 300.0)]
        .map(|(commits, most)| {
            let mut load = Load::new(one_event_a_slot(), CLIENTS);
            load.run_amid(commits);
            Row {
                name: format!("clone after {commits} commits"),
                ours: median((0..RUNS).map(|_| micros_a_clone(&load)).collect()),
                unit: "us",
                bare: None,
                target: Some(Target::AtMost(most)),
            }
        })
        .into()
}

/// Measures without dropping the clones.
fn micros_a_clone(load: &Load) -> f64 {
    let mut clones = Vec::with_capacity(CLONES);
    let (time, ()) = seconds(|| clones.extend((0..CLONES).map(|_| load.world.clone())));
    time * 1e6 / CLONES as f64
}
