//! A register that only grows, kept by any majority of its sites.
//!
//! # The protocol
//!
//! Each site keeps one number on its disk: the greatest number that a client asked it to store. Clients write and
//! read the register through a majority of the sites:
//!
//! - To **write**, a client sends `Store` to all sites. The write is done when a majority has replied.
//! - To **read**, a client sends `Ask` to all sites. The answer is the greatest value in the replies of a majority.
//!
//! Any two majorities share a site. So a read returns at least the value of every write that was done before the
//! read began.
//!
//! # The bug
//!
//! A write that is still in progress may have reached one site only. A reader that gets a reply from that site
//! returns the new value. A later reader that gets replies from the two other sites returns the old value. The
//! second reader sees the register go back.
//!
//! # The fix
//!
//! A reader has a majority store the value that it found, and only then returns that value. Whoever reads later
//! gets a reply from at least one site of that majority.
//!
//! [`RegisterService`] has the bug. `main` shows the fix beside it: a field of [`Config`]. `docs/adopting.md` explains
//! this file part by part.

use aviary::prelude::*;

/// How long a client waits for replies before it sends its request again.
const RETRY: Duration = Duration::from_millis(100);

// ---- What processes say, do and report -----------------------------------------------------------------------------

/// What clients and sites send to each other. A reply carries the number of the request that it answers.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// Client to site: which value do you have?
    Ask { request: u64 },
    /// Site to client: the reply to `Ask`.
    Value { request: u64, value: u64 },
    /// Client to site: keep this value, unless you have a greater one.
    Store { request: u64, value: u64 },
    /// Site to client: the reply to `Store`. The value is on the site's disk.
    Stored { request: u64 },
}
wire_enum!(Message {
    1 => Ask { request },
    2 => Value { request, value },
    3 => Store { request, value },
    4 => Stored { request },
});
label_enum!(Message { Ask about request, Value about request, Store about request, Stored about request });

/// What a client asks for on behalf of its user.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Command {
    Write { client: u16, value: u64 },
    Read { client: u16 },
}
display_enum!(Command { Write { value } => "write {value}", Read => "read" });

/// What a process reports to traces and judges.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    /// The client's command is done: it read this value, or wrote it.
    Answered { value: u64 },
}
label_enum!(Note { Answered as "answered" });
display_enum!(Note { Answered { value } => "gets the answer {value}" });

/// What every process is configured with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    sites: SiteSet,
    /// The fix: a reader has a majority store the value that it found before it answers.
    stores_before_answering: bool,
}

// ---- The site ------------------------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The greatest value that it was asked to store. Durable.
    value: u64,
}

impl Site {
    /// A site that starts, out of the records that it wrote before. Records are in the order of their writing, and
    /// each is greater than the one before it.
    fn start(records: &[u64]) -> Site {
        Site { value: records.last().copied().unwrap_or(0) }
    }

    fn receive(&mut self, from: ProcessId, message: Message, effects: &mut Effects<Register>) {
        match message {
            Message::Ask { request } => {
                effects.send(from, &Message::Value { request, value: self.value });
            }
            Message::Store { request, value } => {
                if value > self.value {
                    self.value = value;
                    effects.append(&value);
                }
                // The host holds this reply back until the record above is on disk.
                effects.send(from, &Message::Stored { request });
            }
            // Replies are for clients.
            Message::Value { .. } | Message::Stored { .. } => {}
        }
    }
}

// ---- The client ----------------------------------------------------------------------------------------------------

/// A client keeps nothing on disk. A command that comes while another is pending takes its place.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    config: Config,
    /// The request that waits for replies.
    pending: Option<Pending>,
    /// How many requests it has made. Request numbers start at 1.
    requests: u64,
    last_answer: u64,
}

#[derive(Clone, Debug)]
struct Pending {
    request: u64,
    phase: Phase,
    /// The sites that have replied.
    replied: SiteSet,
    /// When to send the request to all others, for the first time or once more.
    send_at: Instant,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Of a read: it asks the sites for their values. `greatest` is the greatest value so far.
    Asking { greatest: u64 },
    /// Of a write, and of a read with the fix: it has the sites store `value`.
    Storing { value: u64 },
}

impl Client {
    fn new(config: &Config) -> Client {
        Client { config: config.clone(), pending: None, requests: 0, last_answer: 0 }
    }

    fn command(&mut self, command: &Command, now: Instant) {
        match command {
            Command::Write { value, .. } => self.begin(Phase::Storing { value: *value }, now),
            Command::Read { .. } => self.begin(Phase::Asking { greatest: 0 }, now),
        }
    }

    /// Makes a request. Its first messages leave at once: `send_at` is the client's next deadline, so the host
    /// wakes it.
    fn begin(&mut self, phase: Phase, now: Instant) {
        self.requests += 1;
        self.pending = Some(Pending { request: self.requests, phase, replied: SiteSet::EMPTY, send_at: now });
    }

    /// Sends the pending request to every site that has not replied.
    fn send(&mut self, now: Instant, effects: &mut Effects<Register>) {
        let Some(pending) = &mut self.pending else { return };
        let request = pending.request;
        let message = match pending.phase {
            Phase::Asking { .. } => Message::Ask { request },
            Phase::Storing { value } => Message::Store { request, value },
        };
        effects.send(self.config.sites.minus(pending.replied), &message);
        pending.send_at = now + RETRY;
    }

    fn receive(&mut self, from: ProcessId, message: Message, now: Instant, effects: &mut Effects<Register>) {
        let Some(site) = from.as_site() else { return };
        match message {
            Message::Value { request, value } => self.on_value(site, request, value, now, effects),
            Message::Stored { request } => self.on_stored(site, request, effects),
            // Requests are for sites.
            Message::Ask { .. } | Message::Store { .. } => {}
        }
    }

    fn on_value(
        &mut self,
        site: SiteId,
        request: u64,
        value: u64,
        now: Instant,
        effects: &mut Effects<Register>,
    ) {
        // A late reply to an earlier request says nothing about this one.
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.request == request) else {
            return;
        };
        let Phase::Asking { greatest } = &mut pending.phase else { return };
        *greatest = value.max(*greatest);
        pending.replied.insert(site);
        if pending.replied.len() < self.config.sites.majority() {
            return;
        }
        let found = *greatest;
        if self.config.stores_before_answering {
            self.begin(Phase::Storing { value: found }, now);
        } else {
            // The bug: perhaps a minority alone has this value, and the next reader does not find it.
            self.answer(found, effects);
        }
    }

    fn on_stored(&mut self, site: SiteId, request: u64, effects: &mut Effects<Register>) {
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.request == request) else {
            return;
        };
        let Phase::Storing { value } = pending.phase else { return };
        pending.replied.insert(site);
        if pending.replied.len() >= self.config.sites.majority() {
            self.answer(value, effects);
        }
    }

    fn answer(&mut self, value: u64, effects: &mut Effects<Register>) {
        self.pending = None;
        self.last_answer = value;
        effects.note(Note::Answered { value });
    }
}

// ---- Both as one process, which is what a host runs ----------------------------------------------------------------

#[derive(Clone, Debug)]
pub(crate) enum Register {
    Site(Site),
    Client(Client),
}

impl Process for Register {
    type Message = Message;
    type Record = u64;
    type Note = Note;
    type Command = Command;
    type Config = Config;

    fn start(config: &Config, id: ProcessId, _: Seed, kept: Recovered<u64>) -> Result<Self, Damage> {
        Ok(match id {
            ProcessId::Site(_) => Register::Site(Site::start(&kept.records)),
            ProcessId::Client(_) | ProcessId::Terminal(_) => Register::Client(Client::new(config)),
        })
    }

    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>) {
        match (self, input) {
            (Register::Site(site), Input::Message { from, message }) => site.receive(from, message, effects),
            (Register::Client(client), Input::Message { from, message }) => {
                client.receive(from, message, now, effects);
            }
            (Register::Client(client), Input::Command(command)) => client.command(&command, now),
            (Register::Client(client), Input::Wake) => client.send(now, effects),
            // Users command clients only, a site has no deadline, and neither cares how full a disk is or whether a
            // link is up.
            (Register::Site(_), Input::Command(_) | Input::Wake)
            | (_, Input::Started | Input::DiskSpace { .. } | Input::Link { .. }) => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        match self {
            Register::Site(_) => None,
            Register::Client(client) => client.pending.as_ref().map(|pending| (pending.send_at, "send")),
        }
    }

    fn role(&self) -> Role {
        match self {
            Register::Site(_) => Role::Follower,
            Register::Client(_) => Role::Client,
        }
    }
}

// ---- What must hold, and the words for scenarios -------------------------------------------------------------------

/// No client gets a smaller answer than another client had before the first one asked.
impl Judge<Register> for NeverBack<u64> {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Register>) -> Result<(), Violation> {
        self.follow(seen, |Note::Answered { value }| Some(*value))
    }
}

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Expectation {
    LastAnswer { client: u16, value: u64 },
}

#[derive(Clone, Debug)]
pub(crate) struct RegisterService;

impl Service for RegisterService {
    type Process = Register;
    type Judges = NeverBack<u64>;
    type Command = Command;
    type Expectation = Expectation;
    type Settings = ();

    fn compile(command: &Command) -> Compiled<Self> {
        let (Command::Write { client, .. } | Command::Read { client }) = command;
        Order::at_client(*client, command.clone())
    }

    fn config((): &(), shape: &Shape) -> Result<Config, Vec<Problem>> {
        Ok(Config { sites: shape.all_sites(), stores_before_answering: false })
    }

    fn judges(_: &Config, _: &Shape) -> NeverBack<u64> {
        NeverBack::default()
    }

    fn expect(expectation: &Expectation, cluster: &Cluster<'_, Register>) -> Result<(), String> {
        let Expectation::LastAnswer { client: number, value } = expectation;
        match cluster.state(ProcessId::Client(*number))? {
            Register::Client(client) => {
                same(&format!("last answer of C{number}"), value, &client.last_answer)
            }
            Register::Site(_) => Err(format!("C{number} is a site")),
        }
    }

    fn converged(cluster: &Cluster<'_, Register>) -> Result<(), String> {
        let is_idle = |process: &Register| match process {
            Register::Site(_) => true,
            Register::Client(client) => client.pending.is_none(),
        };
        cluster.all(is_idle, "waits for replies")
    }

    fn show(process: &Register, shown: &mut Shown) {
        shown.debug(process);
    }

    fn call(told: Told<'_, Register>) -> Option<ShownCall> {
        Some(match told {
            Told::Commanded(command) => ShownCall::Began(0, command.to_string()),
            Told::Noted(Note::Answered { value }) => ShownCall::Answered(0, value.to_string()),
        })
    }
}

pub(crate) fn main() -> std::process::ExitCode {
    sim_runner::contrast::<RegisterService>("examples/quorum_register.ron", |config| {
        config.stores_before_answering = true;
    })
}
