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

use aviary::scenario::{Outcome, RunOptions, Scenario, Service, read, run, run_configured};
use aviary::search::{Pinned, Runner, Sweep};
use voter::{Config, VoterService};

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
        let bug = outcome::<VoterService>(&text, &RunOptions { seed: Some(seed), ..RunOptions::default() });
        assert_eq!(bug.verdict.to_string(), "one vote: S0 voted for 7, and then for 8", "seed {seed}");
    }
    let sweep = Sweep::of(Pinned::new("voter", scenario::<VoterService>(&text)));
    let runner = Runner::configured(sweep.runner.options, waits);
    Sweep { runner, ..sweep }.seeds(0..30).check();
}

fn waits(config: &mut Config) {
    config.waits_for_disk = true;
}

#[test]
fn a_voter_that_says_hello_while_it_is_built_is_heard() {
    let text = "Scenario(about: \"a test\", sites: 3, rules: [(name: \"heard\", kind: \"Hello\", from: Site(2), to: Site(0), then: Drop)])";
    // A rule that matches nothing would make the run stale.
    let outcome = run_configured(&scenario::<VoterService>(text), &RunOptions::default(), waits)
        .expect("a scenario that can be run");
    assert!(outcome.verdict.is_pass());
}
