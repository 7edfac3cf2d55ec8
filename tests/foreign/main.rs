//! Processes made of crates that know nothing of this harness: rebuilt for clones, with a synchronous storage, and
//! with log lines.

mod beacon;
#[cfg(all(feature = "log", feature = "slog", feature = "tracing"))]
mod logs;
mod program;
mod rebuilt;
#[path = "../../examples/voter.rs"]
#[expect(dead_code, reason = "here nothing runs the example as a program")]
mod voter;

use aviary::scenario::{Outcome, RunOptions, Scenario, Service, read, run};
use aviary::search::{Pinned, Sweep};
use voter::VoterService;

fn scenario<S: Service>(text: &str) -> Scenario<S> {
    read("test.ron", text).unwrap_or_else(|bad| panic!("{bad}"))
}

fn outcome<S: Service>(text: &str, options: &RunOptions) -> Outcome {
    run(&scenario::<S>(text), options).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn glue_that_sends_at_once_is_caught_and_glue_that_waits_is_not() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/voter.ron")).unwrap();
    for seed in 1..=30 {
        let bug =
            outcome::<VoterService<false>>(&text, &RunOptions { seed: Some(seed), ..RunOptions::default() });
        assert_eq!(bug.verdict.to_string(), "one vote: S0 voted for 7, and then for 8", "seed {seed}");
    }
    Sweep::of(Pinned::new("voter", scenario::<VoterService<true>>(&text))).seeds(0..30).check();
}

#[test]
fn a_voter_that_says_hello_while_it_is_built_is_heard() {
    let text = "Scenario(about: \"a test\", sites: 3, rules: [(name: \"heard\", kind: \"Hello\", from: Site(2), to: Site(0), then: Drop)])";
    // A rule that matches nothing would make the run stale.
    assert!(outcome::<VoterService<true>>(text, &RunOptions::default()).verdict.is_pass());
}
