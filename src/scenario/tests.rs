//! Wrong files: each error says where, what was expected and what was probably meant.

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

#[test]
fn what_does_not_exist_is_refused() {
    check("steps: [At(\"1s\", Crash(Site(3)))]", "3", &["there is no site 3", "the sites are 0 to 2"]);
    check("steps: [At(\"1s\", Pause(Client(1)))]", "1", &["there is no client 1", "the only client is 0"]);
    check("steps: [At(\"1s\", Crash(Machine(3)))]", "3", &["there is no machine 3"]);
    check("steps: [At(\"1s\", Put(site: 3, number: 1))]", "3", &["there is no site 3"]);
    check("steps: [At(\"1s\", Put(site: 0, number: 100))]", "100", &["100 is too much", "at most 99"]);
    check("leader: 3", "3", &["there is no site 3", "the sites are 0 to 2"]);
    check("steps: [At(\"1s\", Mend(0, 4))]", "4", &["there is no site 4"]);
    check("steps: [At(\"1s\", Cut(from: [0], to: [1, 9]))]", "9", &["there is no site 9"]);
    check("steps: [At(\"1s\", Expect(Holds(site: 5, number: 1)))]", "5", &["there is no site 5"]);
    check("rules: [(then: Drop), (from: Terminal(8), then: Drop)]", "8", &["there is no site 8"]);
    let both = "steps: [On(Noted(kind: \"Kept\", subject: \"number 3\", slot: 3), Heal)]";
    check(both, "3", &["about two things at once"]);
    check("settings: (is_broken: true)", "true", &["broken"]);
}

#[test]
fn clusters_that_cannot_be_are_refused() {
    for (sites, message) in [(0, "a cluster of 0 sites"), (10, "a cluster of 10 sites")] {
        let bad =
            wrong(&format!("Scenario(about: \"x\", sites: {sites}, expect: [Holds(site: 12, number: 1)])"));
        assert!(bad.to_string().contains(message) && bad.to_string().contains("1 to 9 sites"), "{bad}");
        let place = (bad.diagnostics[0].column, bad.diagnostics[0].end_column);
        assert_eq!((bad.diagnostics.len(), place), (1, (29, 29 + sites.to_string().len())));
    }
    check("machines: [[0, 1]]", "[[0, 1]]", &["site 2 is in no machine"]);
    check("machines: [[0, 1], [1, 2]]", "1, 2", &["site 1 is named twice"]);
    check("machines: [[0, 1, 2], []]", "[]", &["an empty group"]);
    let table = "network: (latency: Table([[Constant(\"1ms\")], [], []]))";
    let bad = wrong(&format!("Scenario(about: \"x\", sites: 3, {table})"));
    assert!(bad.to_string().contains("1 latencies for 3 sites"), "{bad}");
    let regions = "Regions(within: Constant(\"1ms\"), between: Constant(\"9ms\"), of: [[0, 1]])";
    check(&format!("network: (latency: {regions})"), "[[0, 1]]", &["site 2 is in no region"]);
}

#[test]
fn contradictions_are_refused() {
    check(
        "steps: [At(\"9s\", Heal), At(\"8s\", Heal)]",
        "\"8s\"",
        &["the step before it fires at 9s or later"],
    );
    let after = "steps: [At(\"9s\", Heal), After(\"2s\", Heal), At(\"10s\", Heal)]";
    check(after, "\"10s\"", &["fires at 11s or later"]);
    check("steps: [At(\"1s\", Partition([[0, 1], [1, 2]]))]", "1, 2", &["site 1 is named twice"]);
    check("steps: [At(\"1s\", Partition([[0, 1]]))]", "[[0, 1]]", &["a partition into one group"]);
    check("steps: [At(\"1s\", Restart(Any))]", "Any", &["`Any` says nothing here"]);
    check("steps: [At(\"1s\", Restart(Leader))]", "Leader", &["who is down has no role"]);
    check("steps: [At(\"1s\", Isolate(Any))]", "Any", &["`Any` says nothing here"]);
    check("steps: [At(\"1s\", Mend(1, 1))]", "1", &["no link goes from a site to itself"]);
    check("network: (latency: Uniform(\"2ms\", \"1ms\"))", "Uniform", &["from 2ms to 1ms is no range"]);
    check("rules: [(since: \"2s\", until: \"1s\", then: Drop)]", "\"1s\"", &["never live"]);
    check(
        "expect: [Converges(within: \"1s\"), Converges(within: \"2s\")]",
        "Converges(within: \"2s",
        &["second"],
    );
    check("steps: [At(\"1s\", Expect(Converges(within: \"1s\")))]", "Converges", &["belongs into `expect`"]);
    check("steps: [At(\"1s\", Expect(Never(Leads(Any))))]", "Never", &["belongs into `expect`"]);
    check(
        "steps: [At(\"1s\", Expect(Restarts))]",
        "Restarts",
        &["speaks of the end", "belongs into `expect`"],
    );
    check(
        "steps: [At(\"1s\", Expect(LeadershipsAtMost(1)))]",
        "LeadershipsAtMost",
        &["the whole run", "belongs into `expect`"],
    );
    check("steps: [At(\"1s\", Expect(Prompt))]", "Prompt", &["the whole run", "belongs into `expect`"]);
    check("expect: [Prompt, Prompt]", "Prompt", &["the same twice", "one `Prompt`"]);
    check("network: (loss: \"1%\"), expect: [Prompt]", "Prompt", &["datagrams are lost", "`Constant`"]);
    check("disk: (mode: Blocking), expect: [Prompt]", "Prompt", &["syncs wait for each other"]);
    check("steps: [At(\"1s\", Isolate(Site(0)))], expect: [Prompt]", "Prompt", &["`Crash` and `Restart`"]);
    check("expect: [Restarts, Restarts]", "Restarts", &["the same twice", "one `Restarts`"]);
    check("expect: [Stops(Leader)]", "Leader", &["who stops is known from the start", "`Site(0)`"]);
    check("steps: [At(\"1s\", Expect(Stops(Leader)))]", "Leader", &["who stops is known from the start"]);
    check("expect: [LeadershipsAtMost(0)]", "0", &["without a leader nothing is ever done"]);
    check("expect: [Progresses]", "Progresses", &["this service brings no probe", "bring `Service::probe`"]);
}

#[test]
fn steps_that_can_never_fire_are_refused() {
    check("steps: [On(Leads(Client(0)), Heal)]", "Client(0)", &["a client never leads"]);
    check("steps: [On(Leads(Follower), Heal)]", "Follower", &["who leads is no follower"]);
    check("steps: [On(Sent(nth: 0), Heal)]", "0", &["`nth` counts from 1"]);
    check("steps: [On(Crashed(Site(0)), Heal)]", "Crashed", &["no step of this scenario crashes"]);
    check("steps: [On(Restarted(Site(0)), Crash(Site(1)))]", "Restarted", &["restarts anything"]);
    check("steps: [On(Sent(from: Site(0), to: Site(0)), Heal)]", "Site(0)), Heal", &["to itself"]);
    check("steps: [At(\"61s\", Heal)]", "\"61s\"", &["steps are given up at 1min"]);
    check("steps: [At(\"1s\", Crash(Client(0), BeforeSync))]", "Client(0)", &["neither a disk nor seams"]);
}

#[test]
fn rough_networks_that_cannot_be_are_refused() {
    let network = |words: &str, at: &str, parts: &[&str]| check(&format!("network: ({words})"), at, parts);
    network("bursts: (chance: \"1%\", length: \"0s\")", "\"0s\"", &["a burst of no length", "above 0s"]);
    network(
        "bursts: (chance: \"1%\", length: \"1s\", loss: \"0%\")",
        "\"0%\"",
        &["lose nothing", "above 0%"],
    );
    network("late_copies: (chance: \"1%\", after: \"0s\")", "\"0s\"", &["no time at all", "`duplication`"]);
    network("late_copies: (chance: \"1%\", after: \"2min\")", "\"2min\"", &["of 2min ago", "at most 1min"]);
    network("bandwidth: (rate: 0, queue: 9)", "0", &["never sends anything", "bytes per second"]);
    let bad = wrong("Scenario(about: \"x\", sites: 2, network: (misdelivery: \"1%\"))");
    assert!(bad.to_string().contains("three sites, or two and a client"), "{bad}");
    right("Scenario(about: \"x\", sites: 2, clients: 1, network: (misdelivery: \"1%\"))");
    let rule = |words: &str, at: &str, parts: &[&str]| check(&format!("rules: [({words})]"), at, parts);
    rule("then: Keep", "Keep", &["can never arrive again", "a `name`"]);
    rule("name: \"all\", count: 101, then: Keep", "101", &["101 copies", "at most 100"]);
    rule("then: Misdeliver(Any)", "Any", &["`Any` says nothing here"]);
    rule("then: Misdeliver(Site(3))", "3", &["there is no site 3"]);
    check("steps: [At(\"1s\", Clog(from: [1], to: [1]))]", "[1]))", &["no link goes from a site to itself"]);
    check("steps: [At(\"1s\", Clog(from: [], to: [1]))]", "[], to", &["no site at all"]);
    check("steps: [At(\"1s\", Unclog(from: [0], to: [1]))]", "Unclog", &["no link is ever clogged"]);
    check(
        "steps: [At(\"1s\", Redeliver(\"old\"))]",
        "\"old\"",
        &["no rule `old` keeps anything", "`then: Keep`"],
    );
    let kept = "rules: [(name: \"odd\", then: Keep)], steps: [At(\"1s\", Redeliver(\"old\"))]";
    check(kept, "\"old\"", &["no rule `old` keeps anything", "did you mean `odd`?"]);
}

#[test]
fn ends_of_a_datagram_are_named_where_there_is_one() {
    check(
        "steps: [At(\"1s\", Crash(Sender))]",
        "Sender",
        &["no datagram is meant here", "`On(Sent(..), ..)`"],
    );
    check("rules: [(from: Recipient, then: Drop)]", "Recipient", &["no datagram is meant here"]);
    check("steps: [On(Sent(from: Sender), Heal)]", "Sender", &["no datagram is meant here"]);
    check("steps: [On(Sent(), Expect(Leader(Sender)))]", "Sender", &["no datagram is meant here"]);
    check("steps: [On(Sent(from: Client(0)), Wipe(Sender))]", "Sender))", &["neither a disk"]);
    check("steps: [On(Sent(to: Terminal(0)), Crash(Recipient))]", "Recipient", &["dies with its site"]);
    check("steps: [At(\"1s\", Restart(Laggard))]", "Laggard", &["who is down has no role"]);
    check("steps: [On(Leads(Candidate), Heal)]", "Candidate", &["who tries to lead does not lead"]);
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

#[test]
fn more_storage_than_can_be_lost_is_refused() {
    let help = "`budget: Unlimited`";
    let two = "the storage of 2 of 3 sites may be damaged or wiped, and 1 can be lost for good";
    check("steps: [At(\"1s\", Wipe(Site(0))), At(\"2s\", Disk(Site(1), Rot))]", "Site(1)", &[two, help]);
    check(
        "steps: [At(\"1s\", Wipe(Site(0)))], also: [[At(\"2s\", Disk(Leader, Misdirect))]]",
        "Leader",
        &[two],
    );
    check(
        "steps: [At(\"1s\", Disk(Site(0), LoseFile)), At(\"2s\", Disk(Site(1), Rot))]",
        "Site(1)",
        &[two, help],
    );
    check("steps: [At(\"1s\", Wipe(AllSites))]", "AllSites", &["the storage of 3 of 3 sites"]);
    right("(about: \"x\", sites: 3, steps: [At(\"1s\", Wipe(Site(0))), At(\"2s\", Disk(Site(0), Rot))])");
    right("(about: \"x\", sites: 3, budget: Unlimited, steps: [At(\"1s\", Wipe(AllSites))])");
    let (save, restore) = ("At(\"1s\", Disk(Site(0), Save))", "At(\"2s\", Disk(Site(1), Restore))");
    let both = format!("steps: [{save}, {restore}]");
    check(&both, "Site(1)", &["has forgotten what it said", "only what is expected is judged"]);
    right(&format!("(about: \"x\", sites: 3, budget: Unlimited, {both})"));
    let never = format!("budget: Unlimited, steps: [{restore}]");
    check(&never, "Site(1)", &["no copy is ever made", "`Disk(Site(1), Save)`"]);
    let both = "budget: Unlimited, expect: [Converges(within: \"1s\")]";
    check(both, "[Converges", &["under an unlimited budget nothing must converge"]);
}

#[test]
fn faults_of_disks_sites_and_clocks_have_their_limits() {
    let step = |action: &str| format!("steps: [At(\"1s\", {action})]");
    let check = |action: &str, at: &str, parts: &[&str]| check(&step(action), at, parts);
    check("Disk(Client(0), Full)", "Client(0)", &["a client has neither a disk nor seams"]);
    check("Crash(Terminal(0))", "Terminal(0)", &["a terminal lives and dies with its site", "`Client(..)`"]);
    check("Wipe(Terminal(0))", "Terminal(0)", &["a terminal lives and dies with its site"]);
    check("Slow(Any, \"1ms\")", "Any", &["`Any` says nothing here"]);
    check("Slow(Site(0), \"2min\")", "\"2min\"", &["2min for each input", "at most 1min"]);
    check("Clock(Site(0), Fast(\"51%\"))", "\"51%\"", &["drifts by 51 %", "at most 50%"]);
    check("Clock(Site(0), Behind(\"0s\"))", "\"0s\"", &["set by 0us"]);
    check("Clock(Site(0), Fast(\"1.5%\"))", "\"1.5%\"", &["a whole number of percent, like \"10%\""]);
    check("Crash(Site(0), Torn, Scattered)", ")", &["contradict each other"]);
}

#[test]
fn files_too_short_for_the_service_are_refused() {
    check(
        "disk: (file_bytes: 100)",
        "100",
        &["files of 100 bytes", "one input makes a site write fits one file"],
    );
}

#[test]
fn what_cannot_happen_on_links_of_an_order_is_refused() {
    let network = |words: &str, at: &str, parts: &[&str]| check(&format!("network: ({words})"), at, parts);
    let whole = "with `order: Stream` a link brings everything once, whole and in the order of sending";
    for (fault, at, order) in [
        ("loss: \"1%\"", "\"1%\"", "Fifo"),
        ("duplication: \"1%\"", "\"1%\"", "Fifo"),
        ("bursts: (chance: \"2%\", length: \"1s\")", "(chance", "Fifo"),
        ("corruption: \"1%\"", "\"1%\"", "Fifo"),
        ("truncation: \"1%\"", "\"1%\"", "Fifo"),
        ("bandwidth: (rate: 9, queue: 9)", "(rate", "Fifo"),
        ("reordering: (chance: \"1%\", by: \"1ms\")", "(chance", "Datagrams"),
        ("late_copies: (chance: \"1%\", after: \"1s\")", "(chance", "Datagrams"),
        ("misdelivery: \"1%\"", "\"1%\"", "Datagrams"),
    ] {
        let word = fault.split(':').next().unwrap();
        let help = format!("leave out `{word}`, or say `order: {order}` under `network`");
        network(&format!("{fault}, order: Stream"), at, &[whole, &help]);
        if order == "Fifo" {
            right(&format!("Scenario(about: \"x\", sites: 3, network: ({fault}, order: Fifo))"));
        } else {
            let alone = "with `order: Fifo` a link brings datagrams to its other end alone";
            network(&format!("{fault}, order: Fifo"), at, &[alone, &help]);
        }
    }
    let ruled =
        |then: &str, order: &str| format!("network: (order: {order}), rules: [(name: \"a\", then: {then})]");
    for then in ["Drop", "Duplicate()", "Corrupt", "Truncate"] {
        let at = &format!("{then})]");
        check(&ruled(then, "Stream"), at, &[whole, "or say `order: Fifo`"]);
        right(&format!("Scenario(about: \"x\", sites: 3, {})", ruled(then, "Fifo")));
    }
    for (then, at) in [("Misdeliver(Site(2))", "Misdeliver"), ("Keep", "Keep)]")] {
        check(&ruled(then, "Fifo"), at, &["or say `order: Datagrams`"]);
    }
    let kept = "rules: [(name: \"a\", then: Keep)], steps: [At(\"1s\", Redeliver(\"a\"))]";
    let bad = wrong(&format!("Scenario(about: \"x\", sites: 3, network: (order: Fifo), {kept})"));
    assert!(bad.to_string().contains("leave out `Redeliver`, or say `order: Datagrams`"), "{bad}");
    right(&format!("Scenario(about: \"x\", sites: 3, {})", ruled("Delay(\"1s\")", "Stream")));
    network(
        "break_after: \"1s\"",
        "\"1s\"",
        &["a link with `order: Datagrams` never breaks", "`order: Stream`"],
    );
    network("order: Fifo, break_after: \"1s\"", "\"1s\"", &["a link with `order: Fifo` never breaks"]);
    network("order: Stream, break_after: \"0s\"", "\"0s\"", &["breaks at once", "above 0s"]);
    network("order: Streams", "Streams", &["`Datagrams`, `Fifo` or `Stream`"]);
    let waits = |order: &str| format!("network: (order: {order}), steps: [On(LinkDown(Site(0)), Heal)]");
    check(&waits("Fifo"), "LinkDown", &["this never happens", "say `order: Stream` under `network`"]);
    right(&format!("Scenario(about: \"x\", sites: 3, {})", waits("Stream")));
    right("Scenario(about: \"x\", sites: 3, expect: [Never(LinkUp(Any))])");
}
