//! Every fault that a scenario or the simulator knows has a twin: a run with the fault, the same run without it, and
//! the difference. A fault that does nothing turns the test of its name red.
//!
//! `kinds.rs` finds the faults in the simulator's table of steps, and lists the others by matches without a catch-all
//! arm: a new kind of fault fails, or does not compile, before it has a twin here. A twin is written as one scenario in
//! which a line marked `+` is in the first run only, and a line marked `-` in the second only. `AVIARY_TWINS=30` runs
//! them under 30 seeds instead of two.

use libtest_mimic::{Arguments, Trial};
// Linked for its code: the harness for the tweet service, which this test need not compile again.
use sim_runner as _;

mod kinds;
mod pair;
mod story;

mod by_hand;
mod clocks;
mod crashes;
mod disk;
mod link_faults;
mod links;
mod lives;
mod network;
mod orders;
mod rules;
mod settings;
mod targets;
mod triggers;
mod world;

fn main() {
    let mut trials = vec![Trial::test("every_row_has_its_twin", || {
        kinds::every_row_has_its_twin();
        Ok(())
    })];
    for twin in kinds::all() {
        let trial = move || {
            (twin.check)(&pair::Pair::of(twin.name));
            Ok(())
        };
        // Several words of a scenario may name one kind.
        if trials.iter().all(|known| known.name() != twin.name) {
            trials.push(Trial::test(twin.name, trial));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
