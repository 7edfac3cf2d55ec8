//! Scenarios that deliver by hand: how files are read, what is wrong with them, and what runs of them say.

use super::form::Network;
use super::toy::Toys;
use super::{Outcome, Renaming, RunOptions, Scenario, audit, read, run, write};
use crate::sim::Delivery;

fn wrong(fields: &str) -> String {
    let text = format!("Scenario(about: \"a test\", sites: 3, {fields})");
    let bad = read::<Toys>("wrong.ron", &text).map(|read| panic!("accepted: {read:?}")).unwrap_err();
    assert_eq!(bad.diagnostics.len(), 1, "{bad}");
    bad.to_string()
}

fn right(fields: &str) -> Scenario<Toys> {
    let text = format!("Scenario(about: \"a test\", sites: 3, {fields})");
    read::<Toys>("right.ron", &text).unwrap_or_else(|bad| panic!("{bad}"))
}

fn outcome(fields: &str) -> Outcome {
    run(&right(fields), &RunOptions::default()).unwrap()
}

/// Site 0 keeps 5 and tells site 1 alone.
const STORY: &str = r#"network: Held, steps: [
    At("1s", Put(site: 0, number: 5)),
    After("1ms", Sync(Site(0))),
    After("1ms", Fire(Site(0))),
    After("1ms", Deliver(kind: "Greatest", from: Site(0), to: Site(1), subject: "number 5")),
    After("1ms", Sync(Site(1))),
    After("1ms", Lose(kind: "Got", to: Site(0))),
    After("0s", Expect(Holds(site: 1, number: 5))),
    After("0s", Expect(Holds(site: 2, number: 0))),
],"#;

#[test]
fn steps_alone_deliver_until_the_end_when_everything_arrives() {
    let outcome = outcome(&format!("{STORY} expect: [Holds(site: 2, number: 5), Never(Crashed(Any))]"));
    assert!(outcome.verdict.is_pass(), "{}", outcome.verdict);
    let lines: Vec<String> = outcome.trace.iter().map(ToString::to_string).collect();
    let has = |part: &str| assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    has("step 3: the deadline of S0 comes");
    has("step 4: deliver Greatest from S0 to S1 about number 5");
    has("step 5: a sync of S1 completes");
    has("step 6: lose Got to S0");
}

#[test]
fn a_held_scenario_repeats_itself_and_is_written_as_it_is_read() {
    let scenario = right(STORY);
    assert_eq!(scenario.network, Network { delivery: Delivery::Held, ..Network::default() });
    let text = write(&scenario);
    assert!(text.contains("    network: (delivery: Held),\n"), "{text}");
    assert_eq!(read::<Toys>("again.ron", &text).unwrap(), scenario);
    let audit = audit(&scenario, &RunOptions::default()).unwrap();
    assert!(audit.outcome.verdict.is_pass(), "{}", audit.outcome.verdict);
    for (way, difference) in audit.ways {
        assert!(difference.is_none(), "{way:?}: {difference:?}");
    }
}

#[test]
fn members_of_a_held_scenario_get_other_numbers() {
    let scenario = right(
        r#"network: Held, steps: [
            At("1s", Deliver(kind: "Got", from: Site(2), to: Site(1), subject: "number 5")),
            At("1s", Lose(from: Site(0))), At("1s", Fire(Site(2))), At("1s", Sync(Site(0))), At("1s", Sync(Leader)),
        ]"#,
    );
    let renamed = scenario.renamed(&Renaming::keep(&scenario, &[1, 2], &[], false));
    let expected = right(
        r#"network: Held, steps: [
            At("1s", Deliver(kind: "Got", from: Site(1), to: Site(0), subject: "number 5")),
            At("1s", Fire(Site(1))), At("1s", Sync(Leader)),
        ]"#,
    );
    assert_eq!(renamed.steps, expected.steps);
    let heirs = scenario.renamed(&Renaming::keep(&scenario, &[0, 1], &[], true));
    assert_eq!(heirs.steps.len(), 5);
}

#[test]
fn what_a_step_does_not_find_makes_the_run_stale_and_is_told_with_what_is_there() {
    let story = |step: &str| {
        format!("network: Held, limit: \"5s\", steps: [At(\"1s\", Fire(Site(0))), After(\"1ms\", {step})]")
    };
    let stale = |step: &str, why: &str| {
        let outcome = outcome(&story(step));
        assert_eq!(outcome.verdict.name(), "stale", "{}", outcome.verdict);
        let there = "under way: Greatest number 0 from S0 to S1, Greatest number 0 from S0 to S2; \
                     deadlines: S0 (repeat); syncs under way: none";
        let text = outcome.verdict.to_string();
        assert!(text.contains(&format!("steps[1] found nothing: {why}; {there}")), "{text}");
    };
    stale(r#"Deliver(kind: "Got")"#, "no Got was under way");
    stale(r#"Deliver(from: Site(1))"#, "no datagram from S1 was under way");
    stale(r#"Lose(kind: "Greatest", subject: "number 5")"#, "no Greatest about number 5 was under way");
    stale("Fire(Site(1))", "S1 had no deadline");
    stale("Sync(Site(0))", "S0 had no sync under way");
    let optional = "network: Held, steps: [Optional(At(\"1s\", Sync(Site(0))))]";
    assert!(outcome(optional).verdict.is_pass());
}

#[test]
fn a_step_that_finds_nothing_ends_the_run_before_an_expectation_hides_it() {
    let story = |step: &str| {
        outcome(&format!(
            "network: Held, steps: [At(\"1s\", {step}), After(\"1ms\", Expect(Holds(site: 1, number: 5)))], \
             also: [[At(\"2s\", Fire(Site(0)))]]"
        ))
    };
    let stale = story("Deliver(kind: \"Got\")");
    let text = stale.verdict.to_string();
    assert_eq!(stale.verdict.name(), "stale", "{text}");
    assert!(text.contains("steps[0] found nothing: no Got was under way"), "{text}");
    assert!(!text.contains("also[0]") && !text.contains("steps[1]"), "what the run never got to: {text}");
    assert_eq!(stale.simulated.to_string(), "1s");
    let violated = outcome(
        "network: Held, steps: [Optional(At(\"1s\", Deliver(kind: \"Got\"))), \
         After(\"1ms\", Expect(Holds(site: 1, number: 5)))]",
    );
    assert_eq!(violated.verdict.name(), "violated", "{}", violated.verdict);
}

#[test]
fn a_held_network_that_holds_no_more_leaves_the_run_undecided() {
    let fires = |count: usize| {
        let more = "After(\"1us\", Fire(Site(0))), ".repeat(count - 1);
        let wanted = "After(\"1us\", Expect(Holds(site: 1, number: 5)))";
        outcome(&format!("network: Held, steps: [At(\"1s\", Fire(Site(0))), {more}{wanted}]"))
    };
    assert_eq!(fires(500).verdict.name(), "violated", "each sends two, and 1,000 are held");
    let full = fires(501);
    let text = full.verdict.to_string();
    assert_eq!(full.verdict.name(), "undecided", "{text}");
    assert!(text.contains("the held network holds 1000 datagrams, and has lost one more"), "{text}");
    assert!(text.contains("`Deliver` or `Lose`"), "{text}");
    assert!(full.trace.iter().any(|line| line.what.contains("the held network holds no more")));
}

#[test]
fn what_means_nothing_where_steps_deliver_is_refused_in_its_place() {
    let only = "in a held network only steps deliver datagrams, fire deadlines and complete syncs";
    let network = |fault: &str, parts: &[&str]| {
        let bad = wrong(&format!("network: (delivery: Held, {fault})"));
        parts.iter().for_each(|part| assert!(bad.contains(part), "{part:?} is missing in\n{bad}"));
    };
    for (fault, at) in [
        ("latency: Constant(\"2ms\")", "^^^^^^^^^^^^^^^"),
        ("loss: \"1%\"", "^^^^"),
        ("bandwidth: (rate: 9, queue: 9)", "^^^^"),
        ("duplication: \"1%\"", "^^^^"),
        ("late_copies: (chance: \"1%\", after: \"1s\")", "^^^^"),
    ] {
        let word = fault.split(':').next().unwrap();
        network(fault, &[only, at, &format!("leave out `{word}`")]);
    }
    network("order: Fifo", &["steps deliver in any order, not like `order: Fifo`", "say `order: Datagrams`"]);
    let bad = wrong("network: (delivery: Held, order: Stream)");
    assert!(bad.contains("not like `order: Stream`"), "{bad}");
    right("network: (delivery: Held, order: Datagrams)");
    for word in [
        "Isolate(Site(0))",
        "Partition([[0], [1]])",
        "Cut(from: [0], to: [1])",
        "Mend(0, 1)",
        "Clog(from: [0], to: [1])",
        "SyncTime(Site(0), \"5ms\")",
        "Rule(then: Drop)",
    ] {
        let bad = wrong(&format!("network: Held, steps: [At(\"1s\", {word})]"));
        assert!(bad.contains(only) && bad.contains("`Lose(..)` loses it"), "{bad}");
    }
    assert!(wrong("network: Held, rules: [(then: Delay(\"1s\"))]").contains("leave out `Delay`"));
    assert!(wrong("network: Held, disk: (sync: \"5ms\")").contains("leave out `sync`"));
    assert!(wrong("network: Held, leader: 0").contains("let a deadline come: `Fire(Site(0))`"));
    let linked = wrong("network: Held, steps: [On(LinkDown(Site(0)), Heal)]");
    assert!(linked.contains("this never happens"), "{linked}");
}

#[test]
fn steps_of_a_held_network_are_refused_elsewhere_and_checked_there() {
    for step in ["Fire(Site(0))", "Sync(Site(0))"] {
        let bad = wrong(&format!("steps: [At(\"1s\", {step})]"));
        let word = step.split('(').next().unwrap();
        let message = format!("`{word}` is a step of a held network, and this network delivers by itself");
        assert!(bad.contains(&message) && bad.contains("say `network: Held`"), "{bad}");
    }
    for (step, order, word) in [
        ("Deliver(kind: \"Got\")", "Fifo", "Datagrams"),
        ("Double()", "Fifo", "Datagrams"),
        ("Delay((), \"1s\")", "Fifo", "Datagrams"),
        ("Lose()", "Stream", "Fifo"),
    ] {
        let bad = wrong(&format!("network: (order: {order}), steps: [At(\"1s\", {step})]"));
        let help = format!("say `order: {word}` under `network`");
        assert!(bad.contains(&format!("with `order: {order}`")) && bad.contains(&help), "{bad}");
    }
    let bad = wrong("network: Held, steps: [At(\"1s\", Delay((), \"1s\"))]");
    assert!(bad.contains("leave out `Delay`"), "{bad}");
    for (by, range) in [("0s", "1us to 60min"), ("61min", "1us to 60min")] {
        let bad = wrong(&format!("steps: [At(\"1s\", Delay((kind: \"Got\"), \"{by}\"))]"));
        assert!(bad.contains(range), "{bad}");
    }
    assert!(wrong("steps: [At(\"1s\", Lose(nth: 0))]").contains("`nth` counts from 1"));
    let step = |step: &str, part: &str| {
        let bad = wrong(&format!("network: Held, clients: 1, steps: [At(\"1s\", {step})]"));
        assert!(bad.contains(part), "{part:?} is missing in\n{bad}");
    };
    step("Deliver(kind: \"Gott\")", "unknown kind of message `Gott`");
    step("Deliver(from: Site(3))", "there is no site 3");
    step("Lose(from: Site(0), to: Terminal(0))", "no datagram goes from here to itself over the network");
    step("Lose(subject: \"slot 1\")", "unknown subject `slot`");
    step("Fire(Any)", "`Any` says nothing here");
    step("Sync(Client(0))", "a client has neither a disk nor seams");
    let bad = wrong("network: Holt");
    assert!(bad.contains("expected `Network`, found `Holt`"), "{bad}");
    assert!(bad.contains("`network: Held`, `network: ByItself`, or fields in parentheses"), "{bad}");
    assert_eq!(right("network: ByItself").network, Network::default());
    let bad = wrong("network: Held, site: 3");
    assert!(bad.contains("sites: 3, network: Held, site: 3)\n") && bad.contains("wrong.ron:1:52"), "{bad}");
}
