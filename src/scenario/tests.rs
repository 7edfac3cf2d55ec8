//! Wrong files: each error says where, what was expected and what was probably meant.

mod impossible;

use super::form::StepOf;
use super::namespace::Word;
use super::step::{DiskFault, Fault, Target};
use super::toy::Toys;
use super::{BadFile, Scenario, read};

fn wrong(text: &str) -> BadFile {
    read::<Toys>("wrong.ron", text).map(|scenario| panic!("accepted: {scenario:?}")).unwrap_err()
}

fn right(text: &str) -> Scenario<Toys> {
    read::<Toys>("right.ron", text).unwrap_or_else(|bad| panic!("{bad}"))
}

/// A scenario of three sites and a client with these fields has one problem, whose caret is under `at`.
fn check(fields: &str, at: &str, parts: &[&str]) {
    let text = format!("Scenario(about: \"a test\", sites: 3, clients: 1, {fields})");
    let bad = wrong(&text);
    assert_eq!(bad.diagnostics.len(), 1, "{bad}");
    let (begin, end) = (bad.diagnostics[0].column - 1, bad.diagnostics[0].end_column - 1);
    let caret: String = text.chars().skip(begin).collect();
    assert!(caret.starts_with(at), "{bad}");
    assert!(begin <= end && end <= text.chars().count(), "columns {begin} to {end}: {bad}");
    for part in parts {
        assert!(bad.to_string().contains(part), "{part:?} is missing in\n{bad}");
    }
}

const ALL: &str = r#"
#![enable(implicit_some)]
Scenario(
    about: "Every field once.",
    seed: 7,
    sites: 3,
    clients: 2,
    machines: [[0, 1], [2]],
    history: (starts: 3),
    network: (
        latency: Regions(within: Constant("1ms"), between: Exponential(min: "20ms", mean: "5ms"), of: [[0], [1, 2]]),
        loss: "1%", duplication: "1/64", reordering: (chance: "0.5%", by: "30ms"),
        bursts: (chance: "2%", length: "200ms", loss: "90%"), corruption: "1%", truncation: "0.5%",
        late_copies: (chance: "1%", after: "3s"), misdelivery: "1/100", bandwidth: (rate: 100000, queue: 5000),
    ),
    disk: (sync: "2ms", mode: Blocking, file_bytes: 100000),
    budget: Survivable,
    settings: (is_broken: false),
    limit: "20s",
    rules: [
        (name: "late", kind: "Got", from: Site(1), to: Any, subject: "number 3", since: "1s", until: "2s", skip: 1, count: 2, then: Delay("5ms")),
        Rule(then: Duplicate()),
        (kind: "Got", then: Corrupt), (from: Site(0), count: 3, then: Truncate), (then: Misdeliver(Site(2))),
        (name: "old", kind: "Got", then: Keep),
    ],
    steps: [
        At("1s", Put(site: 0, number: 5)),
        After("1s", Crash(Site(1), BeforeSync, Torn)),
        On(Crashed(Site(1)), Restart(Site(1))),
        Optional(On(Sent(kind: "Got", to: Leader, nth: 2), Isolate(Follower))),
        On(Noted(kind: "Kept", who: Site(0)), Rule(from: Leader, then: Drop)),
        On(Restarted(AllSites), Expect(Holds(site: 0, number: 5))),
    ],
    also: [
        [On(Leads(Any), Pause(Client(1))), After("1ms", Resume(Client(1))), At("9s", Heal)],
        [At("1s", Partition([[0, 1], [2]])), At("2s", Cut(from: [0], to: [1, 2])), At("2s", Mend(0, 1))],
        [At("3s", SyncTime(Machine(1), "1s")), At("3s", Expect(Leader(Site(0)))), At("4s", Crash(Leader))],
        [At("1s", Clog(from: [0], to: [1, 2])), At("2s", Unclog(from: [0], to: [1])), Optional(At("3s", Redeliver("old")))],
        [On(Sent(kind: "Got"), Crash(Sender)), On(Delivered(), Rule(from: Recipient, then: Drop)), After("1s", Pause(Laggard))],
        [Optional(At("1s", Crash(Candidate))), Optional(After("1s", Rule(name: "stray", then: Misdeliver(Follower))))],
        [At("1s", Disk(Site(0), FailSync)), At("1s", Disk(Leader, FailWrite)), At("1s", Disk(Site(0), Full)), At("2s", Disk(AllSites, Room))],
        [At("1s", Disk(Site(2), Rot)), At("1s", Disk(Machine(1), Misdirect)), At("2s", Disk(Site(2), LoseFile)), At("2s", Wipe(Site(2))), At("2s", Slow(Client(0), "5ms"))],
        [At("1s", Clock(Site(0), Ahead("2s"))), At("1s", Clock(Terminal(0), Behind("2s"))), At("1s", Clock(AllSites, Fast("10%"))), At("1s", Clock(Leader, Slow("50%")))],
        [Optional(After("1s", Crash(Machine(0), Torn))), Optional(After("1s", Crash(Site(0), BeforeSync, Scattered))), At("5s", Expect(Sometimes(Leads(Any))))],
    ],
    expect: [
        Converges(within: "10s"), Leader(Any), Holds(site: 1, number: 5),
        Never(Leads(Site(1))), Sometimes(Delivered(from: Site(0))), Never(Crashed(Site(2))),
    ],
)
"#;

#[test]
fn every_field_is_read() {
    let scenario = right(ALL);
    assert_eq!((scenario.seed, scenario.sites, scenario.rules.len(), scenario.also.len()), (7, 3, 6, 10));
    assert!(scenario.steps[3].is_optional && !scenario.steps[4].is_optional);
    right("(about: \"no name in front\", sites: 1)");
}

#[test]
fn every_fault_of_a_disk_is_a_word() {
    for fault in DiskFault::ALL {
        let steps = format!("At(\"1s\", Disk(Site(0), Save)), At(\"2s\", Disk(Site(1), {}))", fault.name());
        let scenario = right(&format!("(about: \"x\", sites: 3, budget: Unlimited, steps: [{steps}])"));
        let is_it = |step: &StepOf<Toys>| step.action == Word::Harness(Fault::Disk(Target::Site(1), *fault));
        assert!(is_it(&scenario.steps[1]), "{fault:?}");
        assert!(
            fault.row().word.contains(fault.name()) && fault.row().trace_text.contains("{}"),
            "{fault:?}"
        );
    }
}

#[test]
fn malformed_text_is_shown_in_its_place() {
    insta::assert_snapshot!(wrong("Scenario(\n    about: \"x\",\n    sites: 3\n    seed: 7,\n)"), @r#"
    error: expected comma
     --> wrong.ron:4:5
      |
    4 |     seed: 7,
      |     ^
    "#);
    insta::assert_snapshot!(wrong("Scenario(\n    about: \"x\",\n    sitse: 3,\n)"), @r#"
    error: unknown field `sitse` in `Scenario`
     --> wrong.ron:3:5
      |
    3 |     sitse: 3,
      |     ^^^^^
      |
      = help: did you mean `sites`? expected `about`, `seed`, `sites`, `clients`, `clients_alike`, `machines`, `history`, `leader`, `network`, `disk`, `budget`, `settings`, `limit`, `rules`, `steps`, `also` or `expect`
    "#);
    insta::assert_snapshot!(wrong("Scenario(\n    about: \"x\",\n)"), @r#"
    error: the field `sites` is missing in `Scenario`
     --> wrong.ron:3:1
      |
    3 | )
      | ^
    "#);
    insta::assert_snapshot!(wrong(""), @r#"
    error: expected opening `(` for struct `Scenario`
     --> wrong.ron:1:1
      |
    1 |
      | ^
    "#);
    insta::assert_snapshot!(wrong("Scenario(about: \"é\", sites: -1)"), @r#"
    error: this number is negative or too great here
     --> wrong.ron:1:30
      |
    1 | Scenario(about: "é", sites: -1)
      |                              ^
    "#);
    insta::assert_snapshot!(wrong("Scenario(about: \"x\", sites: 3, limit: \"20 parsecs\")"), @r#"
    error: expected a number and a unit (us, ms, s, min or h), like "20ms" or "1.5s", found the string "20 parsecs"
     --> wrong.ron:1:39
      |
    1 | Scenario(about: "x", sites: 3, limit: "20 parsecs")
      |                                       ^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(wrong("Scenario(about: \"x\", sites: 3, steps: [\n  At(\"1s\", Haul),\n])"), @r#"
    error: unknown word `Haul`
     --> wrong.ron:2:12
      |
    2 |   At("1s", Haul),
      |            ^^^^
      |
      = help: did you mean `Heal`? expected `Crash`, `Restart`, `Pause`, `Resume`, `Isolate`, `Partition`, `Cut`, `Mend`, `Clog`, `Unclog`, `Redeliver`, `Rule`, `SyncTime`, `Disk`, `Wipe`, `Slow`, `Clock`, `Heal`, `Deliver`, `Lose`, `Double`, `Delay`, `Fire`, `Sync`, `Expect`, `Put` or `PutOdd`
    "#);
    insta::assert_snapshot!(wrong("Scenario(about: \"x\", sites: 3, steps: [\n  On(Lead(Any), Heal),\n])"), @r#"
    error: unknown event `Lead`
     --> wrong.ron:2:6
      |
    2 |   On(Lead(Any), Heal),
      |      ^^^^
      |
      = help: did you mean `Leads`? expected `Leads`, `Sent`, `Delivered`, `Noted`, `Crashed`, `Restarted`, `LinkDown` or `LinkUp`
    "#);
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let text = "Scenario(\n    about: \"x\",\n    sites: 3,\n    steps: [\n        At(\"9s\", Crash(Site(3))),\n        \
                At(\"8s\", Put(site: 7, number: 3)),\n        Optional(On(Sent(kind: \"Gut\", nth: 0), Heal)),\n    \
                ],\n    expect: [Holds(site: 3, number: 1)],\n)";
    insta::assert_snapshot!(wrong(text), @r#"
    error: there is no site 3
     --> wrong.ron:5:29
      |
    5 |         At("9s", Crash(Site(3))),
      |                             ^ the sites are 0 to 2

    error: at 8s, but the step before it fires at 9s or later
     --> wrong.ron:6:12
      |
    6 |         At("8s", Put(site: 7, number: 3)),
      |            ^^^^ a track's times ascend; tracks under `also` run beside

    error: there is no site 7
     --> wrong.ron:6:28
      |
    6 |         At("8s", Put(site: 7, number: 3)),
      |                            ^ the sites are 0 to 2

    error: `nth` counts from 1
     --> wrong.ron:7:44
      |
    7 |         Optional(On(Sent(kind: "Gut", nth: 0), Heal)),
      |                                            ^ 1 is the first

    error: unknown kind of message `Gut`
     --> wrong.ron:7:32
      |
    7 |         Optional(On(Sent(kind: "Gut", nth: 0), Heal)),
      |                                ^^^^^ did you mean `Got`? expected `Greatest` or `Got`

    error: there is no site 3
     --> wrong.ron:9:26
      |
    9 |     expect: [Holds(site: 3, number: 1)],
      |                          ^ the sites are 0 to 2
    "#);
}

#[test]
fn names_that_are_not_there_are_answered_with_the_nearest() {
    check("expects: []", "expects", &["did you mean `expect`?"]);
    check("history: (slot: 9)", "slot", &["unknown field", "did you mean `slots`?"]);
    check("history: (slots: 9)", "9", &["this service has no slots in its history", "`starts` alone"]);
    check("network: (latencies: \"1ms\")", "latencies", &["unknown field", "did you mean `latency`?"]);
    check("network: (latency: Costant(\"1ms\"))", "Costant", &["unknown latency", "`Constant`?"]);
    check("steps: [Opt(At(\"1s\", Heal))]", "Opt", &["unknown step", "`Optional`"]);
    check("steps: [At(\"1s\", Putt(site: 0))]", "Putt", &["unknown word", "did you mean `Put`?", "`Heal`"]);
    check(
        "steps: [At(\"1s\", Put(site: 0, num: 0))]",
        "num",
        &["unknown field `num`", "did you mean `number`?"],
    );
    check("steps: [At(\"1s\", Crash(Lead))]", "Lead", &["did you mean `Leader`?"]);
    check("steps: [At(\"1s\", Crash(Leader, BeforeSink))]", "BeforeSink", &["did you mean `BeforeSync`?"]);
    check("steps: [On(Sent(kynd: \"Got\"), Heal)]", "kynd", &["did you mean `kind`?"]);
    check("steps: [On(Sent(kind: \"Gott\"), Heal)]", "\"Gott\"", &["kind of message", "did you mean `Got`?"]);
    check("steps: [On(Noted(kind: \"kept\"), Heal)]", "\"kept\"", &["kind of note", "did you mean `Kept`?"]);
    check(
        "steps: [On(Sent(subject: \"nummer 3\"), Heal)]",
        "\"nummer 3\"",
        &["subject", "did you mean `number`?"],
    );
    check("rules: [(slot: 3, then: Drop)]", "3", &["unknown subject `slot`", "expected `number`"]);
    check("rules: [(kind: \"Great\", then: Drop)]", "\"Great\"", &["unknown kind of message"]);
    check("expect: [Convergs(within: \"1s\")]", "Convergs", &["did you mean `Converges`?", "`Holds`"]);
    check("expect: [Sometimes(Noted(kind: \"Lost\"))]", "\"Lost\"", &["unknown kind of note"]);
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    check("network: (loss: \"2%%\")", "\"2%%\"", &["a chance, like \"1%\" or \"1/64\""]);
    check("network: (loss: 1)", "1", &["expected a chance", "found the unsigned integer `1`"]);
    check("steps: [At(1, Heal)]", "1", &["expected a number and a unit"]);
    check("steps: [At(\"1s\", Crash(0))]", "0", &["expected a name, found `0`"]);
    check("steps: [At(\"1s\", Mend(0))]", ")", &["expected Mend with 2 elements, found 1"]);
    check("limit: \"1d\"", "\"1d\"", &["a number and a unit (us, ms, s, min or h)"]);
    check("seed: \"abc\"", "\"abc\"", &["expected integer"]);
    check("steps: [At(\"1s\", Crash(Leader, Torn, BeforeSync))]", "", &["contradict"]);
    check("seed: 1, seed: 2", "", &["`seed` is given twice"]);
}

/// Any text gives a scenario or an error at its place.
#[test]
fn any_text_is_answered_without_a_panic() {
    let places: Vec<usize> = ALL.char_indices().map(|(at, _)| at).collect();
    for &at in &places {
        let _ = read::<Toys>("cut.ron", &ALL[..at]).map_err(|bad| bad.to_string());
        for typed in ["", ")", "9", "\"", "é"] {
            let text = format!("{}{typed}{}", &ALL[..at], &ALL[at + 1..]);
            let _ = read::<Toys>("typed.ron", &text).map_err(|bad| bad.to_string());
        }
    }
    let nested = format!("Scenario(about: \"x\", sites: 1, network: (latency: {}", "Table([[".repeat(50_000));
    assert!(wrong(&nested).to_string().contains("recursion limit"));
}
