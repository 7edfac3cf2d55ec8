//! A log that its first site writes: state that is not `Clone`, variants, and the judges of logs.

use super::*;
use crate::foreign::rebuilt::{Forked, replayed};
use crate::ids::ProcessId;
use crate::process::{Input, Process, Recovered};
use crate::scenario::Run;

type Entry = (CallId, u64);

/// The first site decides, and the others learn it.
#[derive(Debug)]
struct Relay {
    is_first: bool,
    first: SiteId,
    others: SiteSet,
    variant: &'static str,
    decided: Vec<Entry>,
    applied: Vec<Entry>,
}

impl Forked for Relay {}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Ask {
    Put { at: Target, number: u64 },
}

/// A message without variants: its kinds are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Learn(u64, Entry);

impl Relay {
    fn learn(&mut self, entry: Entry) {
        self.decided.push(entry);
        let times = if self.variant == "applies twice" { 2 } else { 1 };
        (0..times).for_each(|_| self.applied.push(entry));
    }
}

impl Protocol for Relay {
    type Message = Learn;
    type Command = Ask;
    type Answer = u64;
    type Record = Entry;

    const VARIANTS: &'static [&'static str] =
        &["applies twice", "invents", "learns another", "answers early", "loses its log", "rewrites"];

    fn start(start: Start<Entry>) -> Relay {
        let first = start.sites.iter().next().unwrap();
        let (decided, others) = (start.records.clone(), start.sites.without(first));
        let applied = start.records;
        Relay { is_first: start.id == first, first, others, variant: start.variant, decided, applied }
    }

    fn handle(&mut self, _now: Instant, input: SiteInput<Relay>, effects: &mut SiteEffects<'_, Relay>) {
        match input {
            SiteInput::Command { call, .. } if !self.is_first => effects.redirect(call, self.first),
            SiteInput::Command { call, .. } if self.variant == "answers early" => effects.answer(call, 0),
            SiteInput::Command { call, .. } if self.variant == "rewrites" && !self.decided.is_empty() => {
                self.decided[0].1 += 1;
                effects.answer(call, 0);
            }
            SiteInput::Command { .. } if self.variant == "loses its log" && !self.decided.is_empty() => {
                self.decided.clear();
            }
            SiteInput::Command { call, command: Ask::Put { number, .. } } => {
                let entry = (call, number + u64::from(self.variant == "invents"));
                if !self.decided.contains(&entry) {
                    effects.send(self.others, Learn(self.decided.len() as u64, entry));
                    effects.append(entry);
                    self.learn(entry);
                }
                effects.answer(call, number);
            }
            SiteInput::Message { message: Learn(index, (call, number)), .. }
                if index == self.decided.len() as u64 =>
            {
                let entry = (call, number + u64::from(self.variant == "learns another"));
                effects.append(entry);
                self.learn(entry);
            }
            _ => {}
        }
    }

    fn kinds() -> Vec<&'static str> {
        Vec::from(["First", "Later"])
    }

    fn kind(Learn(index, _): &Learn) -> &'static str {
        if *index == 0 { "First" } else { "Later" }
    }

    fn converged(_cluster: &SitesOf<'_, Relay>) -> Result<(), String> {
        Ok(()) // Nothing is sent again.
    }

    fn judges() -> Judges<Relay> {
        let value = |call, Ask::Put { number, .. }: &Ask| Some((call, *number));
        Judges::none().decides(|site: &Relay| &site.decided, value).once(|site| &site.applied)
    }
}

fn relay(fields: &str) -> Scenario<Sites<Relay>> {
    let text = format!(
        r#"Scenario(about: "x", sites: 2, clients: 2, network: (latency: Uniform("1ms", "9ms")), steps: [
        At("1s", Put(at: Client(0), number: 3)), At("1s", Put(at: Client(1), number: 4)),
        On(Noted(kind: "answered", subject: "call 1"), Crash(Site(1))), After("1s", Restart(Site(1))),
        After("0s", Put(at: Client(0), number: 5)), After("1s", Heal)], {fields})"#
    );
    read("relay.ron", &text).unwrap_or_else(|bad| panic!("{bad}"))
}

fn verdict(fields: &str) -> String {
    run(&relay(fields), &RunOptions::default()).unwrap().verdict.to_string()
}

#[test]
fn a_site_that_is_not_clone_is_rebuilt_in_a_fork() {
    let before = replayed();
    let options = RunOptions { trace: TraceLevel::Full, ..RunOptions::default() };
    let mut run = Run::new(&relay(""), &options).unwrap();
    let mut forks = Vec::new();
    while run.outcome().events < 30 {
        run.step();
        forks.push(run.clone());
    }
    run.finish();
    let whole = run.outcome();
    for mut fork in forks {
        fork.finish();
        let outcome = fork.outcome();
        assert_eq!((outcome.fingerprint, &outcome.verdict), (whole.fingerprint, &whole.verdict));
    }
    // Other tests rebuild too.
    let after = replayed();
    assert!(after.rebuilds > before.rebuilds && after.inputs > before.inputs, "{after:?}");
}

fn kept<P: Protocol>(command: P::Command, is_cloned: bool) -> Option<u64> {
    let config = SitesConfig { sites: SiteSet::first(2), retry: Duration::from_secs(1), variant: "" };
    let recovered = Recovered { incarnation: 1, records: Vec::new() };
    let mut process = Sites::<P>::start(&config, ProcessId::site(0), Seed(1), recovered).unwrap();
    if !is_cloned {
        process.will_not_be_cloned();
    }
    process.handle(Instant::ZERO, Input::Command(command.into()), &mut Default::default());
    let mut kept = None;
    process.sizes(|size| {
        if size.what == "inputs kept for clones" {
            kept = Some(size.holds);
        }
    });
    kept
}

#[test]
fn inputs_are_kept_only_for_clones_that_are_rebuilt() {
    let put = Ask::Put { at: Target::Site(0), number: 1 };
    assert_eq!(kept::<Relay>(put.clone(), true), Some(1));
    assert_eq!(kept::<Relay>(put, false), None);
    assert_eq!(kept::<Ledger>(Command::Add { at: Target::Site(0), number: 1 }, true), None);
}

#[test]
fn a_variant_of_a_scenario_takes_the_place_of_the_protocol_and_judges_of_logs_object() {
    let wrong = |variant: &str| verdict(&format!("settings: (variant: {variant:?})"));
    assert_eq!(verdict(""), "passed");
    for (variant, parts) in [
        ("applies twice", ["at most once: (CallId { client: Client(", " took effect twice at S0"]),
        ("invents", ["validity: S0 decided (CallId { client: Client(", " at index 0: nobody asked for it"]),
        ("learns another", ["agreement: S1 decided (CallId { client: Client(", ", where S0 decided (CallId"]),
        ("answers early", ["answers: C", " is answered call 1 of C"]),
        ("rewrites", ["never back: S0 had decided (CallId {", " at index 0, and has (CallId {"]),
        ("loses its log", ["never back: S0 had decided 1 values, and has 0", ""]),
    ] {
        let verdict = wrong(variant);
        assert!(parts.iter().all(|part| verdict.contains(part)), "{variant}: {verdict}");
    }
}

#[test]
fn a_variant_that_is_not_there_is_an_error_in_its_place() {
    let text = "Scenario(about: \"x\", sites: 2,\nsettings: (variant: \"aplies twice\"))";
    let bad = read::<Sites<Relay>>("relay.ron", text).unwrap_err().to_string();
    for part in ["relay.ron:2:21", "unknown variant `aplies twice`", "did you mean `applies twice`?"] {
        assert!(bad.contains(part), "{part:?} is missing in\n{bad}");
    }
}

/// A verdict would be a trap: a test that a planted bug is noticed would pass.
#[test]
fn a_variant_that_a_test_misspells_is_a_problem_and_no_verdict() {
    let run = crate::scenario::run_configured(&relay(""), &RunOptions::default(), |config| {
        config.variant = "aplies twice";
    });
    let problems = run.expect_err("it is refused");
    let problems = format!("{problems:?}");
    for part in ["unknown variant `aplies twice`", "did you mean `applies twice`?"] {
        assert!(problems.contains(part), "{part:?} is missing in {problems}");
    }
}

#[test]
fn rules_and_events_know_the_kinds_that_a_protocol_tells() {
    assert_eq!(
        verdict(r#"rules: [(kind: "First", then: Drop)], also: [[On(Sent(kind: "Later"), Heal)]]"#),
        "passed"
    );
    let bad = read::<Sites<Relay>>(
        "relay.ron",
        "Scenario(about: \"x\", sites: 2, rules: [(kind: \"Learn\", then: Drop)])",
    );
    assert!(
        bad.unwrap_err().to_string().contains("expected `First`, `Later`, `Ask`, `Answer` or `Redirect`")
    );
}
