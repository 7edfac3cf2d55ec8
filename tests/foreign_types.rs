//! A protocol that has no codec and no labels of its own: every type that crosses the border derives serde's traits
//! and nothing else. Scenarios know the kinds of its messages and notes all the same.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::fmt::Debug;
use core::marker::PhantomData;

use aviary::foreign::Serde;
use aviary::prelude::*;
use aviary::scenario::{RunOptions, Scenario, Verdict, read, run};
use aviary::sim::TraceLevel;
use serde::{Deserialize, Serialize};

/// What a protocol of another crate sends: the kind is two levels deep.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Register(Envelope),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Envelope {
    from: u8,
    body: Body,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Body {
    Store(u64),
    Stored { value: u64 },
}

/// The same, but serde cannot read it from bytes that do not name what they hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Store { value: u64 },
    Stored { value: u64 },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    value: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Note {
    Keeps { value: u64 },
    Told(u8),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Command {
    Put { site: u8, value: u64 },
}

trait Says: Clone + Debug + Serialize + for<'de> Deserialize<'de> + 'static {
    fn of(from: u8, body: Body) -> Self;
    fn body(self) -> Body;
}

impl Says for Message {
    fn of(from: u8, body: Body) -> Message {
        Message::Register(Envelope { from, body })
    }

    fn body(self) -> Body {
        let Message::Register(Envelope { body, .. }) = self;
        body
    }
}

impl Says for Tagged {
    fn of(_: u8, body: Body) -> Tagged {
        match body {
            Body::Store(value) => Tagged::Store { value },
            Body::Stored { value } => Tagged::Stored { value },
        }
    }

    fn body(self) -> Body {
        match self {
            Tagged::Store { value } => Body::Store(value),
            Tagged::Stored { value } => Body::Stored { value },
        }
    }
}

#[derive(Clone, Debug)]
struct Site<M> {
    me: u8,
    sites: SiteSet,
    value: u64,
    sends: PhantomData<fn() -> M>,
}

impl<M: Says> Process for Site<M> {
    type Message = Serde<M>;
    type Record = Serde<Kept>;
    type Note = Serde<Note>;
    type Command = Serde<Command>;
    type Config = SiteSet;

    fn start(
        sites: &SiteSet,
        id: ProcessId,
        _: Seed,
        kept: Recovered<Serde<Kept>>,
    ) -> Result<Site<M>, Damage> {
        let me = id.as_site().map_or(usize::from(u8::MAX), SiteId::index);
        let value = kept.records.last().map_or(0, |kept| kept.value);
        Ok(Site { me: me.try_into().unwrap(), sites: *sites, value, sends: PhantomData })
    }

    fn handle(&mut self, _: Instant, input: Input<Site<M>>, effects: &mut Effects<Site<M>>) {
        match input {
            Input::Command(Serde { inner: Command::Put { value, .. }, .. }) => {
                effects.send(self.sites, &M::of(self.me, Body::Store(value)).into());
            }
            Input::Message { from, message } => match message.into_inner().body() {
                Body::Store(value) => {
                    self.value = value;
                    effects.append(&Kept { value }.into());
                    effects.note(Note::Keeps { value }.into());
                    effects.send(from, &M::of(self.me, Body::Stored { value }).into());
                }
                Body::Stored { .. } => effects.note(Note::Told(self.me).into()),
            },
            _ => {}
        }
    }
}

#[derive(Clone, Debug)]
struct Register<M>(PhantomData<fn() -> M>);

impl<M: Says> Service for Register<M> {
    type Process = Site<M>;
    type Judges = ();
    type Command = Serde<Command>;
    type Expectation = ();
    type Settings = ();

    fn compile(command: &Serde<Command>) -> Compiled<Self> {
        let Command::Put { site, .. } = **command;
        Order::at_site(site, command.clone())
    }

    fn config((): &(), shape: &Shape) -> Result<SiteSet, Vec<Problem>> {
        Ok(shape.all_sites())
    }

    fn judges(_: &SiteSet, _: &Shape) {}

    fn expect((): &(), _: &Cluster<'_, Site<M>>) -> Result<(), String> {
        Ok(())
    }

    fn converged(cluster: &Cluster<'_, Site<M>>) -> Result<(), String> {
        cluster.agree("holds", |site| site.value)
    }
}

fn text(fields: &str) -> String {
    format!(
        "Scenario(about: \"Every site stores it.\", sites: 3, {fields}\n\
         expect: [Converges(within: \"5s\", all: true)])"
    )
}

/// A scenario with these fields has one mistake, at the last occurrence of `at`, and its report has these `parts`.
fn refused<M: Says>(fields: &str, at: &str, parts: &[&str]) {
    let text = text(fields);
    let bad = read::<Register<M>>("wrong.ron", &text).map(|scenario| panic!("accepted: {scenario:?}")).unwrap_err();
    let [only] = &bad.diagnostics[..] else { panic!("{bad}") };
    let before: Vec<&str> = text[..text.rfind(at).unwrap()].split('\n').collect();
    assert_eq!((only.line, only.column), (before.len(), before.last().unwrap().chars().count() + 1), "{bad}");
    for part in parts {
        assert!(bad.to_string().contains(part), "{part:?} is missing in\n{bad}");
    }
}

#[test]
fn an_unknown_kind_is_an_error_at_its_place_with_the_nearest_name() {
    let steps = "steps: [At(\"1s\", Put(site: 0, value: 7))],";
    refused::<Message>(
        &format!("\nrules: [(kind: \"Storred\", then: Drop)], {steps}"),
        "\"Storred\"",
        &["unknown kind of message `Storred`", "did you mean `Stored`?"],
    );
    // The outer name is none of its kinds.
    refused::<Message>(
        "steps: [At(\"1s\", Put(site: 0, value: 7)),\nOn(Sent(kind: \"Register\"), Crash(Site(1)))],",
        "\"Register\"",
        &["unknown kind of message `Register`", "`Store` or `Stored`"],
    );
    refused::<Message>(
        "steps: [At(\"1s\", Put(site: 0, value: 7)), On(Noted(kind: \"Keep\"), Heal)],",
        "\"Keep\"",
        &["unknown kind of note `Keep`", "did you mean `Keeps`?"],
    );
    refused::<Message>("steps: [At(\"1s\", Putt(site: 0, value: 7))],", "Putt", &["did you mean `Put`?"]);
}

fn right<M: Says>(fields: &str) -> Scenario<Register<M>> {
    read("right.ron", &text(fields)).unwrap_or_else(|bad| panic!("{bad}"))
}

#[test]
fn rules_steps_and_traces_know_the_kinds() {
    let fields = "rules: [(kind: \"Stored\", from: Site(1), count: 1, then: Delay(\"50ms\"))],\n\
                  steps: [At(\"1s\", Put(site: 0, value: 7)), On(Noted(kind: \"Told\"), Rule(then: Duplicate())),\n\
                  On(Delivered(kind: \"Stored\", from: Site(1)), Crash(Site(2)))],";
    let scenario = right::<Message>(fields);
    let options = RunOptions { trace: TraceLevel::Full, ..RunOptions::default() };
    let outcome = run(&scenario, &options).unwrap();
    let trace: Vec<String> = outcome.trace.iter().map(|entry| entry.to_string()).collect();
    assert!(outcome.verdict.is_pass(), "{}\n{}", outcome.verdict, trace.join("\n"));
    for part in ["S0     <- itself Store", "-> S0 Stored: a rule, delay by 50ms", "command S0: Put { site: 0, value: 7 }", "Keeps { value: 7 }", "crash S2"] {
        assert!(trace.iter().any(|line| line.contains(part)), "{part:?} is missing in\n{}", trace.join("\n"));
    }
    let again = run(&scenario, &options).unwrap();
    assert_eq!((again.fingerprint, again.events), (outcome.fingerprint, outcome.events));
}

#[test]
fn a_type_that_cannot_be_read_back_is_a_violation() {
    let outcome = run(&right::<Tagged>("steps: [At(\"1s\", Put(site: 0, value: 7))],"), &RunOptions::default()).unwrap();
    let Verdict::Violated(violation) = outcome.verdict else { panic!("{}", outcome.verdict) };
    assert_eq!(violation.property, "codec");
    assert!(violation.explanation.contains("`untagged`, `tag` and `flatten`"), "{}", violation.explanation);
}
