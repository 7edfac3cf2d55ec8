mod relay;

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::scenario::askers::numbers_of_sites;
use crate::scenario::namespace::Word;
use crate::scenario::step::Target;
use crate::scenario::{
    Outcome, Profile, RunOptions, Scenario, Service, Verdict, draw, plan, read, run, write,
};
use crate::search::Sweep;
use crate::sim::{TraceLevel, Violation};
use crate::time::Duration;

/// Site 0 adds up numbers: the number of a call once, however often it is asked.
#[derive(Clone, Debug)]
struct Ledger {
    id: SiteId,
    /// It adds the number of a call each time that it is asked: the variant [`FORGETS_CALLS`].
    forgets_calls: bool,
    leader: SiteId,
    leads: bool,
    sum: u64,
    done: BTreeMap<CallId, u64>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Command {
    Add { at: Target, number: u64 },
    Mislay { at: Target },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Hello { term: u64 },
}

const FORGETS_CALLS: &str = "forgets calls";

impl Ledger {
    fn add(&mut self, call: CallId, number: u64) {
        self.sum += number;
        self.done.insert(call, self.sum);
    }
}

impl Protocol for Ledger {
    type Message = Message;
    type Command = Command;
    type Answer = u64;
    type Record = (CallId, u64);

    const NOTES: &'static [&'static str] = &["added", "leads"];
    const NOUNS: &'static [&'static str] = &["term"];
    const VARIANTS: &'static [&'static str] = &[FORGETS_CALLS];
    const SITES: &'static [u8] = &[2, 3];

    fn start(start: Start<(CallId, u64)>) -> Self {
        let leader = start.sites.iter().next().unwrap();
        let forgets_calls = start.variant == FORGETS_CALLS;
        let mut ledger =
            Ledger { id: start.id, forgets_calls, leader, leads: false, sum: 0, done: BTreeMap::new() };
        start.records.into_iter().for_each(|(call, number)| ledger.add(call, number));
        ledger
    }

    fn handle(&mut self, _now: Instant, input: SiteInput<Self>, effects: &mut SiteEffects<'_, Self>) {
        match input {
            SiteInput::Command { command: Command::Mislay { .. }, .. } => effects.note("lost", ""),
            SiteInput::Command { call, .. } if self.id != self.leader => effects.redirect(call, self.leader),
            SiteInput::Command { call, command: Command::Add { number, .. } } => {
                if self.forgets_calls || !self.done.contains_key(&call) {
                    self.add(call, number);
                    effects.append((call, number));
                    effects.note("added", format!("{number}"));
                }
                effects.answer(call, self.done[&call]);
            }
            SiteInput::Wake => {
                self.leads = true;
                effects.note("leads", "");
                effects.send(SiteSet::first(2), Message::Hello { term: 1 });
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        let waits = self.id == self.leader && !self.leads;
        waits.then_some((Instant::ZERO + Duration::from_secs(2), "lead"))
    }

    fn role(&self) -> Role {
        if self.leads { Role::Leader { rank: 1 } } else { Role::Follower }
    }

    fn converged(cluster: &SitesOf<'_, Self>) -> Result<(), String> {
        cluster.site(cluster.core().iter().next().ok_or("nobody is there")?).map(|_| ())
    }

    fn judges() -> Judges<Self> {
        let small = |site: &Self| if site.sum < 1_000 { Ok(()) } else { Err(format!("holds {}", site.sum)) };
        Judges::none().state("a small sum", small).calls(Total::default())
    }

    fn draw(draws: &mut Draws, asking: &Asking) -> Option<Command> {
        Some(Command::Add { at: asking.who, number: draws.between(1, 9) })
    }

    fn subject(Message::Hello { term }: &Message) -> Subject {
        Subject { noun: "term", number: *term }
    }

    fn probe() -> Option<Command> {
        Some(Command::Add { at: Target::Any, number: 0 })
    }
}

/// No answer is more than all that was ever asked for.
#[derive(Clone, Default)]
struct Total {
    asked: u64,
    forgotten: u64,
}

impl CallJudge<Ledger> for Total {
    fn asked(&mut self, _now: Instant, _call: CallId, command: &Command) {
        if let Command::Add { number, .. } = command {
            self.asked += number;
        }
    }

    fn answered(&mut self, _now: Instant, call: CallId, answer: &u64) -> Result<(), Violation> {
        ensure!(
            *answer <= self.asked,
            "total",
            "{call} is answered {answer}, and {} was asked for",
            self.asked
        );
        Ok(())
    }

    fn forgot(&mut self, _now: Instant, _call: CallId) {
        self.forgotten += 1;
    }

    fn unknown(&self) -> Vec<String> {
        if self.forgotten > 0 { vec![format!("{} forgotten", self.forgotten)] } else { Vec::new() }
    }
}

type Ledgers = Sites<Ledger>;

fn scenario(fields: &str) -> Scenario<Ledgers> {
    let text = format!("Scenario(about: \"x\", {fields})");
    read("test.ron", &text).unwrap_or_else(|bad| panic!("{bad}"))
}

fn outcome(fields: &str) -> Outcome {
    let options = RunOptions { trace: TraceLevel::Full, ..RunOptions::default() };
    run(&scenario(fields), &options).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn lines(outcome: &Outcome, part: &str) -> Vec<String> {
    outcome.trace.iter().map(ToString::to_string).filter(|line| line.contains(part)).collect()
}

#[test]
fn a_client_is_answered_whatever_is_lost_and_each_call_counts_once() {
    let text = r#"Scenario(about: "x", sites: 3, clients: 2, settings: (retry: "50ms", variant: ""),
        network: (loss: "30%", latency: Uniform("1ms", "30ms")), steps: [
            At("1s", Add(at: Client(0), number: 3)), At("1s", Add(at: Client(1), number: 4)),
            After("10ms", Crash(Site(0))), After("200ms", Restart(Site(0))),
            After("5ms", Add(at: Client(0), number: 5)), After("0s", Add(at: Client(0), number: 6)),
            After("0s", Add(at: Terminal(2), number: 7))], expect: [Progresses, Restarts])"#;
    Sweep::<Ledgers>::of_text("once", text).seeds(0..40).check();
    let folder = std::env::temp_dir().join(format!("aviary-protocol-{}", std::process::id()));
    let wrong = text.replace("variant: \"\"", &format!("variant: {FORGETS_CALLS:?}"));
    let twice = || Sweep::<Ledgers>::of_text("twice", &wrong).seeds(0..40).check_into(&folder);
    let message = *std::panic::catch_unwind(twice).unwrap_err().downcast::<String>().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(message.contains("total: call ") && message.contains(" was asked for"), "{message}");
}

#[test]
fn a_retry_has_the_id_of_the_call_and_a_later_life_has_others() {
    let outcome = outcome(
        r#"sites: 3, clients: 2, settings: (retry: "100ms"), steps: [
            At("1s", Crash(Site(0))), After("0s", Crash(Site(1))), After("0s", Add(at: Client(1), number: 3)),
            On(Noted(kind: "retried", subject: "call 1", who: Client(1)), Heal),
            On(Noted(kind: "answered", subject: "call 1", who: Client(1)), Add(at: Client(1), number: 4)),
            On(Noted(kind: "answered", subject: "call 2"), Expect(LastAnswer(client: 1, answer: 7))),
            After("0s", Crash(Client(1))), After("1s", Restart(Client(1))),
            After("0s", Add(at: Client(1), number: 5)),
            On(Noted(kind: "answered", subject: "call 1"), Expect(LastAnswer(client: 1, answer: 12)))]"#,
    );
    assert!(outcome.verdict.is_pass(), "{}", outcome.verdict);
    assert_eq!(lines(&outcome, "asks as call 1").len(), 2, "{:#?}", outcome.trace);
    assert_eq!(lines(&outcome, "added").len(), 3);
    assert!(!lines(&outcome, "is sent to S0 with call ").is_empty());
}

#[test]
fn a_terminal_is_waited_for_if_its_site_is_healed() {
    let verdict = |all: bool| {
        let text = format!(
            r#"sites: 3, steps: [At("1s", Isolate(Site(2))), After("0s", Add(at: Terminal(2), number: 3)),
            After("0s", Add(at: Terminal(1), number: 4))], expect: [Converges(within: "10s", all: {all})]"#
        );
        outcome(&text)
    };
    let core = verdict(false);
    assert!(core.verdict.is_pass() && lines(&core, "is answered").len() == 1, "{}", core.verdict);
    let all = verdict(true);
    assert!(all.verdict.is_pass() && !lines(&all, "is answered call 1: 7").is_empty(), "{}", all.verdict);
}

#[test]
fn commands_wait_for_the_leader_and_traces_say_who_it_was() {
    let outcome = outcome(
        r#"sites: 2, steps: [At("1s", Add(at: Leader, number: 3)), On(Noted(kind: "answered", who: Leader), Heal)],
        also: [[At("1s", Add(at: Site(1), number: 4)), On(Noted(kind: "redirected", who: Site(1)), Heal)],
            [On(Delivered(kind: "Hello", subject: "term 1"), Heal)]]"#,
    );
    assert!(outcome.verdict.is_pass(), "{}", outcome.verdict);
    let fired = lines(&outcome, "command S0: Add { at: Leader, number: 3 }");
    assert!(fired.len() == 1 && fired[0].trim_start().starts_with("2.0"), "{:#?}", outcome.trace);
    assert_eq!(lines(&outcome, "command S1: Add").len(), 1);
    assert_eq!(lines(&outcome, "is answered call 1: 3").len(), 1);
    let never = scenario(r#"sites: 2, limit: "1s", steps: [At("100ms", Add(at: Candidate, number: 3))]"#);
    let outcome = run(&never, &RunOptions::default()).unwrap();
    assert!(matches!(&outcome.verdict, Verdict::Stale { .. }), "{}", outcome.verdict);
}

#[test]
fn judges_see_states_and_calls_that_are_forgotten() {
    let large = outcome(r#"sites: 2, steps: [At("1s", Add(at: Site(0), number: 5000))]"#);
    assert_eq!(large.verdict.to_string(), "a small sum: S0 holds 5000");
    let forgotten = outcome(
        r#"sites: 2, clients: 1, steps: [At("1s", Isolate(Client(0))), After("0s", Add(at: Client(0), number: 5)),
        After("1s", Crash(Client(0)))]"#,
    );
    assert_eq!(forgotten.unknown, ["1 forgotten"]);
}

#[test]
fn mistakes_in_files_are_shown_in_their_place() {
    let check = |fields: &str, place: &str, parts: &[&str]| {
        let text = format!("Scenario(about: \"x\", sites: 3, clients: 1,\n{fields})");
        let bad = read::<Ledgers>("test.ron", &text).expect_err(fields).to_string();
        for part in parts.iter().chain([&format!("test.ron:2:{place}").as_str()]) {
            assert!(bad.contains(part), "{part:?} is missing in\n{bad}");
        }
    };
    let step = |step: &str| format!("steps: [At(\"1s\", {step})]");
    check(&step("Add(at: Site(7), number: 1)"), "31", &["there is no site 7", "the sites are 0 to 2"]);
    check(&step("Add(at: Client(7), number: 1)"), "33", &["there is no client 7", "the only client is 0"]);
    let one = "a command goes to one process";
    check(&step("Add(at: AllSites, number: 1)"), "26", &[one, "a role like `Leader`"]);
    check(&step("Add(at: Any, number: 1)"), "26", &[one]);
    check(&step("Add(at: Sender, number: 1)"), "26", &["On(Sent(..), ..)"]);
    check(&step("Add(at: Leeder, number: 1)"), "26", &["did you mean `Leader`?"]);
    check(&step("Ad(at: Leader, number: 1)"), "18", &["did you mean `Add`?"]);
    check(&step("Add(at: Leader, nmber: 1)"), "", &["did you mean `number`?"]);
    check("steps: [On(Sent(kind: \"Helo\"), Heal)]", "23", &["did you mean `Hello`?"]);
    check("steps: [On(Noted(kind: \"asks\"), Heal)]", "24", &["did you mean `asked`?"]);
    check("steps: [On(Sent(subject: \"trm 1\"), Heal)]", "26", &["unknown subject `trm`", "`term`"]);
    check("settings: (retry: \"0s\")", "19", &["a client that never waits", "above 0s"]);
    check("expect: [LastAnswer(client: 1, answer: 1)]", "29", &["there is no client 1"]);
}

#[test]
fn a_command_follows_its_target_to_another_number() {
    let big = scenario(
        r#"sites: 3, clients: 2, steps: [At("1s", Add(at: Site(2), number: 1)), At("1s", Add(at: Client(1), number: 2)),
        At("1s", Add(at: Leader, number: 3)), At("1s", Add(at: Site(1), number: 4))],
        expect: [LastAnswer(client: 1, answer: 3)]"#,
    );
    let small = scenario(
        r#"sites: 2, clients: 1, steps: [At("1s", Add(at: Site(1), number: 1)), At("1s", Add(at: Client(0), number: 2)),
        At("1s", Add(at: Leader, number: 3))], expect: [LastAnswer(client: 0, answer: 3)]"#,
    );
    let renaming = crate::scenario::Renaming::keep(&big, &[0, 2], &[1], false);
    assert_eq!(write(&big.renamed(&renaming)), write(&small));
}

#[test]
fn a_note_that_no_scenario_may_name_is_a_panic() {
    let lost = outcome(r#"sites: 2, steps: [At("1s", Mislay(at: Site(0)))]"#);
    assert!(
        lost.verdict.to_string().contains("the note \"lost\" is not in `Protocol::NOTES`"),
        "{}",
        lost.verdict
    );
}

#[test]
fn a_cluster_has_a_number_of_sites_that_the_protocol_can_have() {
    let wrong = |fields: &str, parts: &[&str]| {
        let bad =
            read::<Ledgers>("test.ron", &format!("Scenario(about: \"x\",\nsites: {fields})")).unwrap_err();
        parts
            .iter()
            .for_each(|part| assert!(bad.to_string().contains(part), "{part:?} is missing in\n{bad}"));
    };
    wrong("4", &["test.ron:2:8", "a cluster of 4 sites", "2 or 3 sites"]);
    wrong("1", &["test.ron:2:8", "a cluster of 1 site\n", "2 or 3 sites"]);
    let profile =
        |sites: &str| Profile::read::<Ledgers>("test.ron", &format!("Profile(about: \"x\"{sites})"));
    let bad = profile(", sites: {3: 1, 5: 1}").unwrap_err().to_string();
    assert!(bad.contains("a cluster of 5 sites") && bad.contains("2 or 3 sites"), "{bad}");
    let mut asked = [false; 3];
    for profile in [profile("").unwrap(), profile(", sites: {3: 1}, follows_recipe: \"100%\"").unwrap()] {
        for seed in 0..60 {
            let drawn = draw::<Ledgers>(&profile, seed).unwrap();
            plan(&drawn).unwrap_or_else(|problems| panic!("{seed}: {problems:?}\n{}", write(&drawn)));
            for step in drawn.steps.iter().chain(drawn.also.iter().flatten()) {
                if let Word::Service(Command::Add { at, .. }) = &step.action {
                    let kind = match at {
                        Target::Site(_) => 0,
                        Target::Client(_) => 1,
                        _ => 2,
                    };
                    asked[kind] = true;
                }
            }
        }
    }
    assert_eq!(asked, [true, true, false], "sites, clients and others");
    assert!(crate::scenario::starter::<Ledgers>() == <Ledgers as Service>::STARTER);
    assert_eq!(Askers::Sites.instead_of(Target::Client(7), 3), Target::Site(1));
}

#[test]
fn a_help_shows_the_numbers_of_sites_that_there_can_be() {
    let shown = [&[1, 2, 3, 4][..], &[3, 5, 7], &[2, 3], &[5], &[1]].map(numbers_of_sites);
    assert_eq!(shown, ["1 to 4 sites", "3, 5 or 7 sites", "2 or 3 sites", "5 sites", "1 site"]);
}
