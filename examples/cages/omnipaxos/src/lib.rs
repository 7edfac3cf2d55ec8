//! OmniPaxos as published, in Aviary.
//!
//! A site is one `OmniPaxos` with its storage in memory. `Site::flush` hands over what the crate did in one input:
//! records to the disk, messages to the network, decided values to the application. A client asks for a number until
//! it is told that the number is decided and applied. The application is the list of the numbers, each once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use aviary::prelude::*;
use aviary::scenario::draw::{Asking, Draws};
use aviary::scenario::Probe;
use aviary::scenario::step::Target;
use aviary::wire::{Reader, WireError, put_u64};
use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::messages::ballot_leader_election::HeartbeatMsg;
use omnipaxos::messages::sequence_paxos::PaxosMsg;
use omnipaxos::storage::{Entry, NoSnapshot, StopSign, Storage, StorageOp, StorageResult};
use omnipaxos::util::LogEntry;
use omnipaxos::{ClusterConfig, OmniPaxos, ServerConfig};
use serde::{Deserialize, Serialize};

/// The time between two calls of `OmniPaxos::tick`.
const TICK: Duration = Duration::from_millis(10);
/// How long a client waits for an answer before it asks the next site.
const RETRY: Duration = Duration::from_millis(500);

/// What the glue does wrong, so that tests show that somebody notices.
pub const HONEST: u8 = 0;
pub const FORGETS_PROMISE: u8 = 1;
pub const FORGETS_ENTRIES: u8 = 2;
pub const FORGETS_HARD_STATE: u8 = 3;
pub const APPLIES_TWICE: u8 = 4;

// ---- What crosses the border --------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Number(u64);

impl Entry for Number {
    type Snapshot = NoSnapshot;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    Paxos(omnipaxos::messages::Message<Number>),
    Put { number: u64 },
    Done { number: u64 },
}

/// One write of OmniPaxos to its storage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Record {
    Append(Vec<Number>),
    AppendOnPrefix(usize, Vec<Number>),
    Promise(Ballot),
    AcceptedRound(Ballot),
    DecidedIndex(usize),
}

macro_rules! wire_by_serde {
    ($($name:ident),*) => {
        $(impl Wire for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                let bytes = serde_json::to_vec(self).expect("values of this type are JSON");
                put_u64(out, bytes.len() as u64);
                out.extend(bytes);
            }
            fn decode(input: &mut Reader<'_>) -> Result<Self, WireError> {
                let length = input.length(1 << 20)?;
                serde_json::from_slice(input.bytes(length)?).map_err(|_| WireError::Invalid("JSON"))
            }
        })*
    };
}
wire_by_serde!(Message, Record);

impl Label for Message {
    fn kind(&self) -> &'static str {
        use omnipaxos::messages::Message::{BLE, SequencePaxos};
        match self {
            Message::Put { .. } => "Put",
            Message::Done { .. } => "Done",
            Message::Paxos(BLE(message)) => match message.msg {
                HeartbeatMsg::Request(_) => "HeartbeatRequest",
                HeartbeatMsg::Reply(_) => "HeartbeatReply",
            },
            Message::Paxos(SequencePaxos(message)) => match message.msg {
                PaxosMsg::PrepareReq(_) => "PrepareReq",
                PaxosMsg::Prepare(_) => "Prepare",
                PaxosMsg::Promise(_) => "Promise",
                PaxosMsg::AcceptSync(_) => "AcceptSync",
                PaxosMsg::AcceptDecide(_) => "AcceptDecide",
                PaxosMsg::Accepted(_) => "Accepted",
                PaxosMsg::NotAccepted(_) => "NotAccepted",
                PaxosMsg::Decide(_) => "Decide",
                PaxosMsg::ProposalForward(_) => "ProposalForward",
                PaxosMsg::Compaction(_) => "Compaction",
                PaxosMsg::AcceptStopSign(_) => "AcceptStopSign",
                PaxosMsg::ForwardStopSign(_) => "ForwardStopSign",
            },
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Message::Put { number } | Message::Done { number } => Subject { noun: "number", number: *number },
            Message::Paxos(_) => Subject::NONE,
        }
    }

    fn rank(&self) -> u8 {
        let is_heartbeat = matches!(self, Message::Paxos(omnipaxos::messages::Message::BLE(_)));
        if is_heartbeat { aviary::process::BACKGROUND } else { 0 }
    }
}

#[derive(Clone, Debug)]
pub enum Note {
    Decided { index: u64, number: u64 },
    Applied { number: u64 },
    Done { number: u64 },
}
label_enum!(Note { Decided as "decided" about index, Applied as "applied" about number, Done as "done" about number });
display_enum!(Note {
    Decided { index, number } => "decides {number} at {index}",
    Applied { number } => "applies {number}",
    Done { number } => "is told that {number} is done",
});

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    Put { who: Target, number: u64 },
}
display_enum!(Command { Put { number } => "put {number}" });

// ---- The storage --------------------------------------------------------------------------------------------------

/// The storage of OmniPaxos: it writes into memory, and keeps each write for the journal. It has no snapshots, and the
/// cage asks for no trimming and no reconfiguration.
#[derive(Default)]
struct Store {
    log: Vec<Number>,
    promise: Option<Ballot>,
    accepted_round: Option<Ballot>,
    decided: usize,
    /// Writes that are not yet handed to the host. Shared with the site: OmniPaxos does not give its storage back.
    written: Rc<RefCell<Vec<Record>>>,
}

impl Store {
    fn apply(&mut self, record: &Record) {
        match record {
            Record::Append(numbers) => self.log.extend(numbers),
            Record::AppendOnPrefix(from, numbers) => {
                self.log.truncate(*from);
                self.log.extend(numbers);
            }
            Record::Promise(ballot) => self.promise = Some(*ballot),
            Record::AcceptedRound(ballot) => self.accepted_round = Some(*ballot),
            Record::DecidedIndex(index) => self.decided = *index,
        }
    }

    fn write(&mut self, record: Record) -> StorageResult<()> {
        self.apply(&record);
        self.written.borrow_mut().push(record);
        Ok(())
    }
}

#[rustfmt::skip]
impl Storage<Number> for Store {
    // All records of one input become durable together or not at all.
    fn write_atomically(&mut self, ops: Vec<StorageOp<Number>>) -> StorageResult<()> {
        ops.into_iter().try_for_each(|op| match op {
            StorageOp::AppendEntry(number) => self.append_entry(number),
            StorageOp::AppendEntries(numbers) => self.append_entries(numbers),
            StorageOp::AppendOnPrefix(from, numbers) => self.append_on_prefix(from, numbers),
            StorageOp::SetPromise(ballot) => self.set_promise(ballot),
            StorageOp::SetDecidedIndex(index) => self.set_decided_idx(index),
            StorageOp::SetAcceptedRound(ballot) => self.set_accepted_round(ballot),
            other => Err(format!("the cage does not ask for {other:?}").into()),
        })
    }
    fn append_entry(&mut self, number: Number) -> StorageResult<()> { self.write(Record::Append(vec![number])) }
    fn append_entries(&mut self, numbers: Vec<Number>) -> StorageResult<()> { self.write(Record::Append(numbers)) }
    fn append_on_prefix(&mut self, from: usize, numbers: Vec<Number>) -> StorageResult<()> { self.write(Record::AppendOnPrefix(from, numbers)) }
    fn set_promise(&mut self, ballot: Ballot) -> StorageResult<()> { self.write(Record::Promise(ballot)) }
    fn set_decided_idx(&mut self, index: usize) -> StorageResult<()> { self.write(Record::DecidedIndex(index)) }
    fn get_decided_idx(&self) -> StorageResult<usize> { Ok(self.decided) }
    fn set_accepted_round(&mut self, ballot: Ballot) -> StorageResult<()> { self.write(Record::AcceptedRound(ballot)) }
    fn get_accepted_round(&self) -> StorageResult<Option<Ballot>> { Ok(self.accepted_round) }
    fn get_entries(&self, from: usize, to: usize) -> StorageResult<Vec<Number>> { Ok(self.log.get(from..to).unwrap_or(&[]).to_vec()) }
    fn get_log_len(&self) -> StorageResult<usize> { Ok(self.log.len()) }
    fn get_suffix(&self, from: usize) -> StorageResult<Vec<Number>> { Ok(self.log.get(from..).unwrap_or(&[]).to_vec()) }
    fn get_promise(&self) -> StorageResult<Option<Ballot>> { Ok(self.promise) }
    fn set_stopsign(&mut self, _: Option<StopSign>) -> StorageResult<()> { Err("no stop signs".into()) }
    fn get_stopsign(&self) -> StorageResult<Option<StopSign>> { Ok(None) }
    fn trim(&mut self, _: usize) -> StorageResult<()> { Err("no trimming".into()) }
    fn set_compacted_idx(&mut self, _: usize) -> StorageResult<()> { Err("no trimming".into()) }
    fn get_compacted_idx(&self) -> StorageResult<usize> { Ok(0) }
    fn set_snapshot(&mut self, _: Option<NoSnapshot>) -> StorageResult<()> { Err("no snapshots".into()) }
    fn get_snapshot(&self) -> StorageResult<Option<NoSnapshot>> { Ok(None) }
}

// ---- The site -----------------------------------------------------------------------------------------------------

pub struct Site<const WRONG: u8> {
    paxos: OmniPaxos<Number, Store>,
    written: Rc<RefCell<Vec<Record>>>,
    /// The number of decided entries that were handed to the application.
    taken: usize,
    applied: Vec<u64>,
    /// Who waits for the answer about a number.
    asked: BTreeMap<u64, ProcessId>,
    tick_at: Instant,
}

impl<const WRONG: u8> Site<WRONG> {
    fn start(sites: SiteSet, me: SiteId, records: &[Record]) -> Result<Self, Damage> {
        let mut store = Store::default();
        records.iter().for_each(|record| store.apply(record));
        if store.decided > store.log.len() {
            return Err(Damage(format!("{} entries are decided, {} are there", store.decided, store.log.len())));
        }
        let written = Rc::clone(&store.written);
        let nodes = sites.iter().map(pid).collect();
        let cluster = ClusterConfig { configuration_id: 1, nodes, flexible_quorum: None };
        let server = ServerConfig {
            pid: pid(me),
            election_tick_timeout: 10,
            resend_message_tick_timeout: 20,
            ..ServerConfig::default()
        };
        let paxos = cluster.build_for_server(server, store).map_err(|error| Damage(error.to_string()))?;
        Ok(Site { paxos, written, taken: 0, applied: Vec::new(), asked: BTreeMap::new(), tick_at: Instant::default() })
    }

    fn handle(&mut self, now: Instant, input: Input<Node<WRONG>>, effects: &mut Effects<Node<WRONG>>) {
        match input {
            Input::Message { message: Message::Paxos(message), .. } => self.paxos.handle_incoming(message),
            Input::Message { from, message: Message::Put { number } } => {
                if self.applied.contains(&number) {
                    return effects.send(from, &Message::Done { number });
                }
                self.asked.insert(number, from);
                // It fails only after a reconfiguration.
                let _ = self.paxos.append(Number(number));
            }
            Input::Wake => {
                self.tick_at = now + TICK;
                self.paxos.tick();
            }
            Input::Message { .. } | Input::Command(_) | Input::DiskSpace { .. } => {}
        }
        self.flush(effects);
    }

    fn flush(&mut self, effects: &mut Effects<Node<WRONG>>) {
        for record in self.written.borrow_mut().drain(..) {
            let is_lost = match record {
                Record::Promise(_) => WRONG == FORGETS_PROMISE || WRONG == FORGETS_HARD_STATE,
                Record::AcceptedRound(_) => WRONG == FORGETS_HARD_STATE,
                Record::DecidedIndex(_) => WRONG == FORGETS_ENTRIES || WRONG == FORGETS_HARD_STATE,
                Record::Append(_) | Record::AppendOnPrefix(..) => WRONG == FORGETS_ENTRIES,
            };
            if !is_lost {
                effects.append(&record);
            }
        }
        let mut messages = Vec::new();
        self.paxos.take_outgoing_messages(&mut messages);
        for message in messages {
            let to = site(message.get_receiver());
            // The host holds every message back until the records above are on disk: with that a storage that
            // writes into memory is as good as one that waits for the disk.
            effects.send(to, &Message::Paxos(message));
        }
        for entry in self.paxos.read_decided_suffix(self.taken).unwrap_or_default() {
            let LogEntry::Decided(Number(number)) = entry else { panic!("decided, and not an entry: {entry:?}") };
            effects.note(Note::Decided { index: self.taken as u64, number });
            self.taken += 1;
            // Forwarded twice by the network or asked for twice by a client, it is in the log twice.
            if WRONG == APPLIES_TWICE || !self.applied.contains(&number) {
                self.applied.push(number);
                effects.note(Note::Applied { number });
            }
            if let Some(who) = self.asked.remove(&number) {
                effects.send(who, &Message::Done { number });
            }
        }
    }
}

fn pid(site: SiteId) -> u64 {
    u64::from(site.number()) + 1
}

fn site(pid: u64) -> SiteId {
    u8::try_from(pid - 1).ok().and_then(SiteId::new).expect("OmniPaxos sends to the nodes of its configuration")
}

// ---- The client ---------------------------------------------------------------------------------------------------

/// Asks for the oldest of its numbers until that is done, each time at the next site.
#[derive(Clone)]
pub struct Client {
    sites: SiteSet,
    asks: usize,
    waiting: Vec<u64>,
    ask_at: Instant,
}

impl Client {
    fn handle<const WRONG: u8>(&mut self, now: Instant, input: Input<Node<WRONG>>, effects: &mut Effects<Node<WRONG>>) {
        match input {
            Input::Command(Command::Put { number, .. }) => self.waiting.push(number),
            Input::Message { message: Message::Done { number }, .. } if self.waiting.contains(&number) => {
                self.waiting.retain(|waiting| *waiting != number);
                effects.note(Note::Done { number });
                self.ask_at = now;
            }
            Input::Wake => {
                let site = self.sites.iter().nth(self.asks % self.sites.len());
                if let (Some(site), Some(number)) = (site, self.waiting.first()) {
                    effects.send(site, &Message::Put { number: *number });
                }
                self.asks += 1;
                self.ask_at = now + RETRY;
            }
            _ => {}
        }
    }
}

// ---- Both as one process ------------------------------------------------------------------------------------------

pub enum Node<const WRONG: u8> {
    Site(Box<Site<WRONG>>),
    Client(Client),
}

impl<const WRONG: u8> Clone for Node<WRONG> {
    fn clone(&self) -> Self {
        panic!("OmniPaxos is not Clone")
    }
}

impl<const WRONG: u8> Process for Node<WRONG> {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = Command;
    type Config = SiteSet;

    fn start(sites: &SiteSet, id: ProcessId, seed: Seed, kept: Recovered<Record>) -> Result<Self, Damage> {
        Ok(match id {
            ProcessId::Site(me) => Node::Site(Box::new(Site::start(*sites, me, &kept.records)?)),
            ProcessId::Client(_) | ProcessId::Terminal(_) => Node::Client(Client {
                sites: *sites,
                asks: seed.key(0) as usize % sites.len(),
                waiting: Vec::new(),
                ask_at: Instant::default(),
            }),
        })
    }

    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>) {
        match self {
            Node::Site(site) => site.handle(now, input, effects),
            Node::Client(client) => client.handle(now, input, effects),
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        match self {
            Node::Site(site) => Some((site.tick_at, "tick")),
            Node::Client(client) => (!client.waiting.is_empty()).then_some((client.ask_at, "ask")),
        }
    }

    fn role(&self) -> Role {
        let Node::Site(site) = self else { return Role::Client };
        let Ballot { n, pid, .. } = site.paxos.get_promise();
        match site.paxos.get_current_leader() {
            Some((leader, true)) if leader == site.paxos.get_pid() => Role::Leader { rank: u64::from(n) << 8 | pid },
            _ => Role::Follower,
        }
    }

    fn progress(&self) -> u64 {
        if let Node::Site(site) = self { site.taken as u64 } else { 0 }
    }
}

// ---- What must hold, and the words for scenarios ------------------------------------------------------------------

#[derive(Clone, Default)]
pub struct Judges {
    prefix: DecidedPrefix<u64>,
    once: AtMostOnce<u64>,
}

impl<const WRONG: u8> Judge<Node<WRONG>> for Judges {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Node<WRONG>>) -> Result<(), Violation> {
        if let Observation::Commanded { command: Command::Put { number, .. }, .. } = seen {
            self.prefix.asked(*number);
        }
        if let Observation::Noted { process, note: Note::Done { number } } = seen {
            ensure!(self.prefix.has(number), "acknowledged", "{process} was told that {number} is done, and nobody decided it");
        }
        self.once.follow(seen, |note| if let Note::Applied { number } = note { Some(*number) } else { None })?;
        self.prefix.follow(seen, |note| if let Note::Decided { index, number } = note { Some((*index, *number)) } else { None })
    }
}

#[derive(Clone, Debug)]
pub struct Service<const WRONG: u8>;

impl<const WRONG: u8> aviary::scenario::Service for Service<WRONG> {
    type Process = Node<WRONG>;
    type Judges = Judges;
    type Command = Command;
    type Expectation = ();
    type Settings = ();

    fn compile(command: &Command) -> Compiled<Self> {
        let Command::Put { who, .. } = command;
        Order::of(*who, command.clone())
    }

    fn draw_command(_: &mut Draws, asking: &Asking) -> Option<Command> {
        Some(Command::Put { who: asking.who, number: asking.number })
    }

    fn config((): &(), shape: &Shape) -> Result<SiteSet, Vec<Problem>> {
        Ok(shape.all_sites())
    }

    fn judges(_: &SiteSet, _: &Shape) -> Judges {
        Judges::default()
    }

    fn probe(process: ProcessId) -> Option<Probe<Self>> {
        // No drawn scenario has numbers as large.
        let number = 1 << 32 | u64::from(process.number());
        Some(Probe { command: Command::Put { who: Target::Any, number }, done: "done" })
    }

    fn expect((): &(), _: &Cluster<'_, Node<WRONG>>) -> Result<(), String> {
        Ok(())
    }

    fn converged(cluster: &Cluster<'_, Node<WRONG>>) -> Result<(), String> {
        cluster.agree("applied", |node| if let Node::Site(site) = node { site.applied.clone() } else { vec![] })?;
let waits = |(id, node): &(ProcessId, &Node<WRONG>)| {
            let is_reached = if let ProcessId::Terminal(site) = id { cluster.core.contains(*site) } else { true };
            is_reached && matches!(node, Node::Client(client) if !client.waiting.is_empty())
        };
        cluster.running().find(waits).map_or(Ok(()), |(id, _)| Err(format!("{id} waits for an answer")))
    }
}
