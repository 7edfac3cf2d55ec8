//! The service's vocabulary: mistakes in it, and runs.

use std::collections::BTreeSet;

use ron::extensions::Extensions;

use super::{SiteCommand, TimelineCommand, TimelineExpectation, Timelines};
use crate::ids::ProcessId;
use crate::process::Label;
use crate::scenario::draw::draw;
use crate::scenario::namespace::names;
use crate::scenario::profile::{DiskDrawn, DiskErrorKind, FaultKind, Runs, Weights};
use crate::scenario::step::{Fault, RunClaim, Target};
use crate::scenario::{Outcome, Profile, Run, RunOptions, Service, read, run};
use crate::sim::{Chance, DiskFault, TraceLevel};
use crate::tweets::site::{Block, Message, Note, Query};
use crate::tweets::timeline::{Position, TimelineQuery};

fn outcome(text: &str) -> Outcome {
    let scenario = read::<Timelines>("test.ron", text).unwrap_or_else(|bad| panic!("{bad}"));
    run(&scenario, &RunOptions::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn passes(text: &str) -> Outcome {
    let outcome = outcome(text);
    let trace: Vec<&str> = outcome.trace.iter().map(|line| line.what.as_str()).collect();
    assert!(outcome.verdict.is_pass(), "{}\n{}\n{}", trace.join("\n"), outcome.final_state, outcome.verdict);
    outcome
}

/// A wrong step or expectation has exactly one problem, whose caret is under `at`.
fn wrong(field: &str, at: &str, part: &str) {
    let text = format!("Scenario(about: \"x\", sites: 3, clients: 1, {field})");
    let bad = read::<Timelines>("wrong.ron", &text).map(|_| panic!("accepted: {text}")).unwrap_err();
    let caret: String = text.chars().skip(bad.diagnostics[0].column - 1).collect();
    assert!(bad.diagnostics.len() == 1 && caret.starts_with(at), "{bad}");
    assert!(bad.to_string().contains(part), "{part:?} is missing in\n{bad}");
}

#[test]
fn the_starter_passes() {
    let outcome = passes(Timelines::STARTER);
    assert!(outcome.final_state.contains("  ann: hello\n  bob: who leads?"), "{}", outcome.final_state);
}

#[test]
fn blocks_hide_and_answers_come() {
    let outcome = passes(
        r#"Scenario(about: "A block hides past and future tweets.", sites: 3, clients: 2,
            steps: [
                At("1s", Tweet(client: 0, user: "ann", text: "one")),
                After("1s", Block(site: 1, user: "ann", whom: "eve")),
                After("1s", Tweet(client: 1, user: "ann", text: "two")),
                After("0s", View(client: 0, user: "eve", read: Log)),
                After("1s", View(site: 2, user: "bob", limit: 1, older_than: (9, 0))),
                After("1s", Expect(Answered(Client(0)))),
                After("0s", Expect(Blocks(site: 0, are: ["ann blocks eve"]))),
            ],
            expect: [
                View(site: 0, user: "eve", sees: []), View(site: 0, user: "bob", sees: ["ann: two", "ann: one"]),
                Log(site: 1, is: ["ann: one", "ann blocks eve", "ann: two"]), Log(site: 2, count: 3),
                Chosen(slot: 0), Chosen(site: 1, slot: 1, noop: false), Applied(site: 2, at_least: 4, at_most: 20),
                Unchosen(slot: 99), Unchosen(site: 1, slot: 99),
                Queue(site: 0, holds: 0), Answered(Site(1)), Leader(Any), Sometimes(Noted(kind: "local reply")),
            ])"#,
    );
    assert!(outcome.final_state.contains("tweets, 0 waiting"), "{}", outcome.final_state);
}

#[test]
fn a_log_blocks_and_a_status_are_asked_of_one_site() {
    let compiled = |text: &str| {
        let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
        let order = options.from_str::<TimelineCommand>(text).unwrap().compile();
        let order = order.unwrap_or_else(|problems| panic!("{problems:?}"));
        (order.to, order.command)
    };
    let client = Target::Client(1);
    let log = Query::Log { from: Position::default() };
    assert_eq!(compiled("Log(client: 1)"), (client, SiteCommand::Query(log)));
    assert_eq!(
        compiled("Blocks(client: 1)"),
        (client, SiteCommand::Query(Query::Of(TimelineQuery::Blocks { after: None })))
    );
    let log = Query::Log { from: Position { slot: 7, index: 1 } };
    assert_eq!(compiled("Log(client: 1, from: (7, 1))"), (client, SiteCommand::Query(log)));
    let after = Block { user: "ann".parse().unwrap(), target: "bob".parse().unwrap() };
    let blocks = Query::Of(TimelineQuery::Blocks { after: Some(after) });
    assert_eq!(
        compiled("Blocks(client: 1, after: (\"ann\", \"bob\"))"),
        (client, SiteCommand::Query(blocks))
    );
    wrong("steps: [At(\"1s\", Blocks(site: 0, after: (\"ann\", \"b b\")))]", "(\"ann\"", "is no user name");
    let terminal = Target::Terminal(2);
    assert_eq!(compiled("Status(site: 2)"), (terminal, SiteCommand::Query(Query::Status)));
    wrong("steps: [At(\"1s\", Status(site: 3))]", "3", "there is no site 3");
    wrong("steps: [At(\"1s\", Log())]", "Log", "nobody says where");
}

const LED: &str = r#"leader: 0, steps: [
    On(Leads(Site(0)), Tweet(site: 1, user: "ann", text: "hello")),
    On(Noted(kind: "done", who: Terminal(1)), Pause(Site(1))), After("2s", Crash(Leader)), After("2s", Heal)]"#;

fn led(fields: &str) -> Outcome {
    outcome(&format!(
        "Scenario(about: \"x\", seed: 9, sites: 3, network: (latency: Uniform(\"2ms\", \"9ms\")), {fields})"
    ))
}

/// `leader: 0` has the same effect as steps that pause the other sites, but leaves no line in the trace.
#[test]
fn a_header_that_says_who_leads_first_is_a_silent_pause_of_the_others() {
    let steps = LED.replace(
        "leader: 0, steps: [",
        "machines: [[0], [1, 2]], steps: [At(\"0s\", Pause(Machine(1))),
            On(Noted(kind: \"campaigns\", who: Site(0)), Resume(Machine(1))),",
    );
    let (header, preamble) = (led(LED), led(&steps));
    assert!(header.verdict.is_pass() && preamble.verdict.is_pass(), "{}", header.verdict);
    let entries = |outcome: &Outcome| {
        let lines = outcome.trace.iter().filter(|entry| !entry.who.is_empty());
        lines.map(|entry| (entry.at, entry.who.to_vec(), entry.what.clone())).collect::<Vec<_>>()
    };
    let is_set_up = |what: &str| what == "pauses" || what.starts_with("resumes");
    let first_leads = |lines: &[(_, _, String)]| lines.iter().position(|line| line.2.starts_with("leads"));
    let (silent, mut loud) = (entries(&header), entries(&preamble));
    let until = first_leads(&loud).unwrap();
    assert!(loud[..until].iter().any(|line| is_set_up(&line.2)), "{loud:?}");
    assert!(!silent[..first_leads(&silent).unwrap()].iter().any(|line| is_set_up(&line.2)), "{silent:?}");
    let mut number = 0;
    loud.retain(|line| {
        number += 1;
        number > until || !is_set_up(&line.2)
    });
    assert_eq!(silent, loud);
    assert_eq!(header.events, preamble.events);
    let steps: Vec<&str> =
        header.trace.iter().map(|entry| &*entry.what).filter(|what| what.starts_with("step 1:")).collect();
    assert_eq!(steps, ["step 1: command T1: ann: hello"]);
}

/// A site that never campaigns does not keep the others asleep for ever, and the verdict says so.
#[test]
fn a_first_leader_that_never_campaigns_makes_the_run_stale() {
    let stale = |fields: &str| {
        let outcome = led(fields);
        let why = outcome.verdict.to_string();
        let expected = "leader: S0 was to lead, and did not campaign while the others slept";
        assert!(outcome.verdict.name() == "stale" && why.contains(expected), "{why}");
        outcome
    };
    let has = |outcome: &Outcome, what: &str| outcome.trace.iter().any(|entry| entry.what.starts_with(what));
    let asleep = stale("leader: 0, limit: \"5s\", steps: [At(\"100ms\", Crash(Site(0)))]");
    assert!(!has(&asleep, "leads") && !has(&asleep, "resumes"), "{:?}", asleep.trace);
    let healed = stale(
        "leader: 0, limit: \"9s\", steps: [At(\"100ms\", Crash(Site(0))), At(\"2s\", Heal), On(Leads(Any), Heal)]",
    );
    assert!(has(&healed, "S0 was to lead and has not campaigned: S12 wake up"), "{:?}", healed.trace);
    assert!(has(&healed, "leads"), "{:?}", healed.trace);
    // A leader-to-be that restarts still leads.
    let back = led(
        "leader: 0, steps: [At(\"100ms\", Crash(Site(0))), At(\"2s\", Restart(Site(0)))], expect: [Leader(Site(0))]",
    );
    assert!(back.verdict.is_pass(), "{}", back.verdict);
}

/// A site that the script pauses while it sleeps for the first leader stays paused until the script resumes it.
#[test]
fn a_pause_of_a_site_that_sleeps_for_another_lasts_until_it_is_ended() {
    let outcome = led(
        "leader: 0, steps: [At(\"100ms\", Pause(Site(2))), On(Leads(Site(0)), Expect(Leader(Site(0)))), After(\"2s\", Resume(Site(2)))]",
    );
    assert!(outcome.verdict.is_pass(), "{}", outcome.verdict);
    let site = ProcessId::Site(crate::ids::SiteId::new(2).unwrap());
    let of_site = outcome.trace.iter().filter(|entry| entry.who.contains(&site));
    let lives: Vec<&str> = of_site
        .map(|entry| &*entry.what)
        .filter(|what| *what == "pauses" || what.starts_with("resumes") || what.starts_with("follows"))
        .take(2)
        .collect();
    assert!(lives[0] == "pauses" && lives[1].starts_with("resumes"), "{lives:?}");
}

#[test]
fn texts_and_names_are_checked_in_the_file() {
    let long = "é".repeat(281);
    let tweet = format!("steps: [At(\"1s\", Tweet(site: 0, user: \"ann\", text: \"{long}\"))]");
    wrong(&tweet, "\"é", "the text has 281 characters");
    wrong(&tweet, "\"é", "a tweet is 1 to 280 characters and at most 800 bytes");
    wrong("steps: [At(\"1s\", Tweet(site: 0, user: \"a b\", text: \"x\"))]", "\"a b\"", "is no user name");
    wrong("steps: [At(\"1s\", Tweet(site: 3, user: \"a\", text: \"x\"))]", "3", "there is no site 3");
    wrong("steps: [At(\"1s\", Tweet(client: 1, user: \"a\", text: \"x\"))]", "1", "there is no client 1");
    wrong("steps: [At(\"1s\", Tweet(user: \"a\", text: \"x\"))]", "Tweet", "nobody says where");
    wrong(
        "steps: [At(\"1s\", View(site: 0, client: 0, user: \"a\"))]",
        "0, user",
        "both a site and a client",
    );
    wrong("steps: [At(\"1s\", Block(site: 0, user: \"a\", whom: \"a\"))]", "\"a\"", "themselves");
    wrong("steps: [On(Sent(kind: \"Acept\"), Heal)]", "\"Acept\"", "did you mean `Accept`?");
    wrong("steps: [On(Noted(kind: \"choose\"), Heal)]", "\"choose\"", "did you mean `chose`?");
    wrong("expect: [View(site: 5, user: \"a\", sees: [])]", "5", "there is no site 5");
    wrong("expect: [Log(site: 0)]", "Log", "either its events or their number");
    wrong("expect: [Applied(site: 0)]", "Applied", "nothing is said of how many");
    wrong("expect: [Applied(site: 0, at_least: 3, at_most: 2)]", "2)", "cannot both hold");
    wrong("expect: [Unchosen(site: 3, slot: 1)]", "3", "there is no site 3");
    wrong("expect: [Answered(Client(2))]", "2", "there is no client 2");
    wrong("settings: (window: 0)", "0", "window is 0, expected 1 to 4096");
    wrong("settings: (heartbeat: \"1s\")", "\"1s\"", "at most half of election");
}

#[test]
fn a_wrong_expectation_says_what_it_found() {
    let failure = |expect: &str| {
        let tweet = "steps: [At(\"1s\", Tweet(site: 0, user: \"ann\", text: \"hi\"))]";
        outcome(&format!("Scenario(about: \"x\", sites: 3, {tweet}, expect: [{expect}])")).verdict.to_string()
    };
    let view = failure("View(site: 1, user: \"bob\", sees: [\"ann: ho\"])");
    assert_eq!(view, "expectation: expect[0]: bob at S1 sees: expected [\"ann: ho\"], found [\"ann: hi\"]");
    assert!(failure("Log(site: 1, count: 2)").contains("expected 2 events in the log of S1, found 1"));
    assert!(failure("Chosen(site: 1, slot: 77)").contains("expected slot 77 to be known as chosen by S1"));
    assert!(failure("Blocks(site: 1, are: [\"a blocks b\"])").contains("found []"));
    assert!(failure("Applied(site: 1, at_least: 99)").contains("99 slots or more, found"));
    assert!(failure("Applied(site: 1, at_most: 1)").contains("1 slots or fewer, found 2"));
    let known = "expected slot 0 not to be known as chosen, found that";
    assert!(failure("Unchosen(slot: 0)").contains(&format!("{known} S0 knows it")));
    assert!(failure("Unchosen(site: 2, slot: 0)").contains(&format!("{known} S2 knows it")));
}

/// The lists of kinds are those of the labels.
#[test]
fn kinds_of_messages_and_notes_are_complete() {
    let kinds = |source: &str, arm: &str| -> Vec<String> {
        let body = source.split("fn kind(&self)").nth(1).and_then(|rest| rest.split("fn subject").next());
        let arms =
            body.unwrap().lines().filter(|line| line.trim().starts_with(arm) || line.contains("=> \""));
        let kind = |line: &str| Some(line.split("=> \"").nth(1)?.split('"').next()?.to_owned());
        arms.filter_map(kind).collect()
    };
    let paxos = |file| kinds(file, "Message::");
    let mut messages = paxos(include_str!("../../replicated/paxos/message.rs"));
    messages.extend(kinds(include_str!("../../replicated/message.rs"), "Message::"));
    assert_eq!(messages, Timelines::messages());
    let mut notes = kinds(include_str!("../../replicated/paxos/note.rs"), "Note::");
    notes.extend(
        kinds(include_str!("../../replicated/note.rs"), "Note::")
            .into_iter()
            .filter(|kind| kind != "ignored"),
    );
    assert_eq!(notes, Timelines::notes());
}

/// The lists of nouns are those of the subjects.
#[test]
fn nouns_of_messages_and_notes_are_complete() {
    let check = |sources: &[&str], listed: &[&str]| {
        let named = sources.iter().flat_map(|source| source.split("noun: \"").skip(1));
        let named = named.filter_map(|rest| rest.split('"').next()).chain(["slot"]);
        assert_eq!(named.collect::<BTreeSet<_>>(), listed.iter().copied().collect());
    };
    check(
        &[
            include_str!("../../replicated/paxos/message.rs"),
            include_str!("../../replicated/message.rs"),
            include_str!("../../replicated/message/requests.rs"),
        ],
        &Message::nouns(),
    );
    check(
        &[include_str!("../../replicated/paxos/note.rs"), include_str!("../../replicated/note.rs")],
        &Note::nouns(),
    );
}

#[test]
fn the_service_and_the_harness_share_no_word() {
    let (ours, theirs) = (names::<Fault<TimelineExpectation>>(), names::<TimelineCommand>());
    assert!(!ours.iter().any(|word| theirs.contains(word)));
    let (ours, theirs) = (names::<RunClaim>(), names::<TimelineExpectation>());
    assert!(!ours.is_empty() && !theirs.is_empty() && !ours.iter().any(|word| theirs.contains(word)));
}

/// A full disk matters only where a site uses up its current file and the reserve file, leading or not.
#[test]
fn drawn_disks_are_full_for_long_enough() {
    let profile = Profile {
        quiet: Chance { numerator: 0, denominator: 1 },
        follows_recipe: Chance { numerator: 0, denominator: 1 },
        episodes: Weights([(0, 1)].into()),
        besides: Runs([(FaultKind::DiskError, Chance { numerator: 1, denominator: 1 })].into()),
        ..Profile::default()
    };
    let disk =
        DiskDrawn { errors: Weights([(DiskErrorKind(DiskFault::Full), 1)].into()), ..profile.disk.clone() };
    let profile = Profile { disk, ..profile };
    let (mut leaders, mut others, mut withheld) = (0, 0, 0);
    for seed in 0..30 {
        let scenario = draw::<Timelines>(&profile, seed).unwrap();
        let options = RunOptions { trace: TraceLevel::Off, ..RunOptions::default() };
        let mut run = Run::new(&scenario, &options).unwrap();
        run.finish();
        let verdict = run.outcome().verdict;
        assert!(verdict.is_pass(), "seed {seed}: {verdict}");
        let statistics = run.world().statistics();
        leaders += u64::from(statistics.leaders_low > 0);
        others += u64::from(statistics.others_low > 0);
        withheld += u64::from(run.world().judge().noted().iter().any(|(note, _)| *note == "withholds"));
    }
    assert!(leaders >= 4 && others >= 4 && withheld >= 8, "{leaders}, {others}, {withheld} of 30 runs");
}
