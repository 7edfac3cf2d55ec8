//! A register that only grows, kept by any majority of its sites: with a bug, and without as `Register<true>`.

use aviary::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Message {
    Ask { request: u64 },
    Store { request: u64, value: u64 },
    Have { request: u64, value: u64 },
}
wire_enum!(Message { 1 => Ask { request }, 2 => Store { request, value }, 3 => Have { request, value } });
label_enum!(Message { Ask about request, Store about request, Have about request });

#[derive(Clone, Debug)]
pub(crate) enum Note {
    Told { value: u64 },
}
label_enum!(Note { Told as "told" });
display_enum!(Note { Told { value } => "is told {value}" });

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Command {
    Write { client: u16, value: u64 },
    Read { client: u16 },
}
display_enum!(Command { Write { value } => "write {value}", Read => "read" });

#[derive(Clone, Debug, Default)]
pub(crate) struct Register<const FIXED: bool> {
    sites: SiteSet,
    /// The greatest that it knows of; durable at a site.
    value: u64,
    /// What a client is at: having the sites store its value, or asking them for theirs; and who has answered.
    is_storing: bool,
    request: u64,
    heard: SiteSet,
    retry: Option<Instant>,
}

impl<const FIXED: bool> Register<FIXED> {
    fn ask(&mut self, is_storing: bool, now: Instant) {
        (self.is_storing, self.request) = (is_storing, self.request + 1);
        (self.heard, self.retry) = (SiteSet::EMPTY, Some(now));
    }

    fn hear(&mut self, from: ProcessId, value: u64, now: Instant, effects: &mut Effects<Self>) {
        self.heard.extend(from.as_site());
        self.value = self.value.max(value);
        let is_answered = self.retry.is_some() && self.heard.len() >= self.sites.majority();
        if FIXED && is_answered && !self.is_storing {
            // Perhaps only a minority has it: nobody is told before a majority does.
            self.ask(true, now);
        } else if is_answered {
            effects.note(Note::Told { value: self.value });
            self.retry = None;
        }
    }
}

impl<const FIXED: bool> Process for Register<FIXED> {
    type Message = Message;
    type Record = u64;
    type Note = Note;
    type Command = Command;
    type Config = SiteSet;

    fn start(sites: &SiteSet, _: ProcessId, _: Seed, kept: Recovered<u64>) -> Result<Self, Damage> {
        let value = kept.records.last().copied().unwrap_or(0);
        Ok(Register { sites: *sites, value, ..Register::default() })
    }

    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>) {
        let (request, value) = (self.request, self.value);
        match input {
            Input::Command(Command::Read { .. }) => self.ask(false, now),
            Input::Command(Command::Write { value, .. }) => {
                self.value = self.value.max(value);
                self.ask(true, now);
            }
            Input::Wake => {
                let (ask, store) = (Message::Ask { request }, Message::Store { request, value });
                effects.send(self.sites.minus(self.heard), if self.is_storing { &store } else { &ask });
                self.retry = Some(now + Duration::from_millis(100));
            }
            Input::Message { from, message } => match message {
                Message::Ask { request } => effects.send(from, &Message::Have { request, value }),
                Message::Store { request, value } => {
                    if value > self.value {
                        self.value = value;
                        effects.append(&value);
                    }
                    effects.send(from, &Message::Have { request, value });
                }
                Message::Have { request: of, value } if of == request => self.hear(from, value, now, effects),
                Message::Have { .. } => {}
            },
            Input::DiskSpace { .. } => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.retry.map(|at| (at, "retry"))
    }
}

/// Nobody is told less than somebody had been told before they asked.
impl<const FIXED: bool> Judge<Register<FIXED>> for NeverBack<u64> {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Register<FIXED>>) -> Result<(), Violation> {
        self.follow(seen, |Note::Told { value }| Some(*value))
    }
}

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Expectation {
    Knows { client: u16, value: u64 },
}

impl<const FIXED: bool> Service for Register<FIXED> {
    type Process = Self;
    type Judges = NeverBack<u64>;
    type Command = Command;
    type Expectation = Expectation;
    type Settings = ();

    fn compile(command: &Command) -> Compiled<Self> {
        let (Command::Write { client, .. } | Command::Read { client }) = command;
        Order::at_client(*client, command.clone())
    }

    fn config((): &(), shape: &Shape) -> Result<SiteSet, Vec<Problem>> {
        Ok(shape.all_sites())
    }

    fn judges(_: &SiteSet, _: &Shape) -> NeverBack<u64> {
        NeverBack::default()
    }

    fn expect(expectation: &Expectation, cluster: &Cluster<'_, Self>) -> Result<(), String> {
        let Expectation::Knows { client, value } = expectation;
        same(&format!("C{client} knows"), value, &cluster.state(ProcessId::Client(*client))?.value)
    }

    fn converged(cluster: &Cluster<'_, Self>) -> Result<(), String> {
        cluster.all(|process| process.retry.is_none(), "waits for an answer")
    }
}

pub(crate) fn main() -> std::process::ExitCode {
    sim_runner::contrast::<Register<false>, Register<true>>("examples/quorum_register.ron")
}
