//! Runs of the small protocol: every verdict, with its reason.

use super::toy::Toys;
use super::{Outcome, RunOptions, Service, read, run};

fn outcome(fields: &str) -> Outcome {
    let text = format!("Scenario(about: \"a test\", sites: 3, {fields})");
    let scenario = read::<Toys>("test.ron", &text).unwrap_or_else(|bad| panic!("{bad}"));
    run(&scenario, &RunOptions::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Checks the verdict's name, and that its text has all these parts.
fn check(fields: &str, name: &str, parts: &[&str]) -> Outcome {
    let outcome = outcome(fields);
    let verdict = outcome.verdict.to_string();
    let trace: Vec<&str> = outcome.trace.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(outcome.verdict.name(), name, "{verdict}\n{}", trace.join("\n"));
    for part in parts {
        assert!(verdict.contains(part), "{part:?} is missing in {verdict:?}");
    }
    outcome
}

#[test]
fn what_holds_passes() {
    let fields = "steps: [At(\"1s\", Put(site: 0, number: 5)), After(\"1s\", Expect(Holds(site: 1, number: 5)))], \
                  expect: [Holds(site: 2, number: 5), Leader(Site(0)), Never(Crashed(Any)), \
                  Sometimes(Sent(kind: \"Got\", nth: 4)), Sometimes(Leads(Site(0)))]";
    let passed = check(fields, "passed", &["passed"]);
    assert_eq!(passed.final_state.lines().next(), Some("S0: 5"));
    assert!(passed.trace.iter().any(|line| line.what.contains("kept 5")));
    let again = outcome(fields);
    assert_eq!(
        (passed.fingerprint, passed.events, passed.trace),
        (again.fingerprint, again.events, again.trace)
    );
}

#[test]
fn the_usual_starter_runs() {
    let starter = read::<Toys>("starter.ron", Toys::STARTER).unwrap_or_else(|bad| panic!("{bad}"));
    let outcome = run(&starter, &RunOptions::default()).unwrap();
    assert!(outcome.verdict.is_pass(), "{}", outcome.verdict);
}

#[test]
fn a_rule_about_any_subject() {
    let lost = "rules: [(name: \"lost\", kind: \"Greatest\", subject: \"number 5\", to: Site(2), count: 1, then: Drop)]";
    let steps = "steps: [At(\"1s\", Put(site: 0, number: 4)), \
                 On(Sent(kind: \"Got\", subject: \"number 4\", nth: 2), Put(site: 0, number: 5)), \
                 On(Delivered(subject: \"number 5\"), Expect(Holds(site: 2, number: 4)))]";
    check(&format!("{lost}, {steps}, expect: [Holds(site: 2, number: 5)]"), "passed", &[]);
    let never = "limit: \"2s\", rules: [(name: \"none\", subject: \"number 9\", then: Drop)]";
    check(never, "stale", &["the rule `none` matched nothing"]);
}

#[test]
fn a_broken_property_ends_the_run() {
    let violated =
        check("steps: [At(\"1s\", Put(site: 1, number: 66))]", "violated", &["no sixes: S1 kept 66"]);
    assert_eq!(violated.simulated.to_string(), "1s");
    check(
        "expect: [Never(Noted(kind: \"Kept\"))], steps: [At(\"1s\", Put(site: 0, number: 5))]",
        "violated",
        &["never: expect[0] forbids that S0 notes `Kept`"],
    );
}

#[test]
fn a_panic_is_a_verdict_with_its_process_and_a_trace() {
    let panicked =
        check("steps: [At(\"1s\", Put(site: 2, number: 13))]", "panicked", &["S2", "13 is unlucky"]);
    assert!(panicked.trace.iter().any(|line| line.what.contains("put 13")));
}

#[test]
fn an_expectation_says_what_it_found() {
    let put = "steps: [At(\"1s\", Put(site: 0, number: 5))]";
    let holds = "expect: [Holds(site: 0, number: 5), Holds(site: 1, number: 6)]";
    check(&format!("{put}, {holds}"), "violated", &["expectation: expect[1]: expected 6, found 5"]);
    let moment =
        "steps: [At(\"1s\", Put(site: 0, number: 5)), At(\"1s\", Expect(Holds(site: 1, number: 5)))]";
    check(moment, "violated", &["expectation: steps[1]: expected 5, found 0"]);
    check("expect: [Leader(Site(1))]", "violated", &["expected S1 to lead, found S0"]);
    let never = "limit: \"2s\", expect: [Sometimes(Delivered(from: Site(1), to: Site(2)))]";
    check(never, "violated", &["expect[0]: it did not happen"]);
}

#[test]
fn what_does_not_fire_is_stale() {
    let unfired = "limit: \"2s\", steps: [On(Sent(kind: \"Got\", from: Site(0)), Heal), At(\"9ms\", Heal)]";
    check(unfired, "stale", &["steps[0] never fired", "Got"]);
    let second = "limit: \"2s\", also: [[Optional(On(Leads(Site(2)), Heal))], [On(Leads(Site(1)), Heal)]]";
    check(second, "stale", &["also[1][0] never fired"]);
    check(
        "limit: \"2s\", rules: [(name: \"none\", from: Site(2), to: Site(1), then: Drop)]",
        "stale",
        &["the rule `none` matched nothing"],
    );
    let optional = check("limit: \"2s\", steps: [Optional(On(Leads(Site(1)), Heal))]", "passed", &[]);
    assert_eq!(optional.skipped, 1);
}

#[test]
fn a_core_that_does_not_agree_is_stalled() {
    // Nobody repeats the number that site 1 alone has.
    let alone = "steps: [At(\"1s\", Put(site: 1, number: 9))], expect: [Converges(within: \"2s\")]";
    let stalled = check(alone, "stalled", &["not converged 2s after healing S01", "S0 holds 0 and S1 9"]);
    assert_eq!(stalled.simulated.to_string(), "3s");
    // Nothing is demanded outside of the core.
    check("steps: [At(\"1s\", Isolate(Site(2))), After(\"1s\", Put(site: 0, number: 5))]", "passed", &[]);
    check("steps: [At(\"1s\", Isolate(Site(1))), After(\"1s\", Put(site: 0, number: 5))]", "passed", &[]);
}

#[test]
fn sites_that_do_not_come_back_are_left_out_by_no_restart() {
    let steps = "steps: [At(\"1s\", Put(site: 0, number: 5))]";
    let line = |outcome: &Outcome| {
        outcome.trace.iter().filter(|line| line.what.contains("every site that can run is restarted")).count()
    };
    let restarted = check(&format!("{steps}, expect: [Restarts]"), "passed", &[]);
    assert_eq!((line(&restarted), line(&check(steps, "passed", &[]))), (1, 0));
    // Site 2 misses the number, before and after its restart.
    let isolated = "steps: [At(\"1s\", Isolate(Site(2))), After(\"1s\", Put(site: 0, number: 5))]";
    check(&format!("{isolated}, expect: [Restarts]"), "passed", &[]);
}

#[test]
fn leaderships_are_counted() {
    let fields = |most: u64| {
        format!(
            "steps: [At(\"1s\", Crash(Site(0))), After(\"1s\", Restart(Site(0)))], expect: [LeadershipsAtMost({most})]"
        )
    };
    check(&fields(1), "violated", &["leaderships: expect[0] allows 1 leadership, S0 leads as number 2"]);
    check(&fields(2), "passed", &[]);
    let again =
        "steps: [At(\"1s\", Crash(Site(0))), After(\"1s\", Restart(Site(0))), On(Leads(Site(0)), Heal)]";
    check(&format!("{again}, expect: [Sometimes(Leads(Leader))]"), "passed", &[]);
}

#[test]
fn a_spent_budget_is_undecided() {
    let text = "Scenario(about: \"x\", sites: 3, steps: [At(\"50s\", Heal)])";
    let scenario = read::<Toys>("test.ron", text).unwrap();
    let options = RunOptions { events_max: 100, ..RunOptions::default() };
    let outcome = run(&scenario, &options).unwrap();
    assert!(outcome.verdict.to_string().starts_with("undecided: no verdict after 100 events"));
    let seeds =
        [None, Some(0), Some(9)].map(|seed| run(&scenario, &RunOptions { seed, ..options }).unwrap().seed);
    assert_eq!(seeds, [0, 0, 9]);
}

#[test]
fn crashes_lose_what_was_not_synced() {
    let fields = "disk: (sync: \"10ms\"), steps: [At(\"1s\", Put(site: 0, number: 5)), \
                  At(\"1002ms\", Crash(Site(0), Torn)), After(\"1s\", Restart(Site(0))), \
                  On(Restarted(Site(0)), Expect(Holds(site: 0, number: 0)))], expect: [Sometimes(Crashed(Site(0)))]";
    check(fields, "passed", &[]);
    let kept = fields.replace("1002ms", "1012ms").replace("number: 0", "number: 5");
    check(&kept, "passed", &[]);
    let seam = "steps: [At(\"1s\", Crash(Site(0), BeforeSync)), After(\"1ms\", Put(site: 0, number: 5)), \
                On(Crashed(Site(0)), Restart(Site(0))), After(\"1s\", Expect(Holds(site: 0, number: 0)))]";
    check(seam, "passed", &[]);
}
