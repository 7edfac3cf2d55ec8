//! raft-rs as published, in Aviary.
//!
//! A site is one `RawNode` with a `MemStorage`. `Site::ready` hands over what the crate did in one input: records to
//! the disk, messages to the network, committed numbers to the application. A client asks for a number until it is
//! told that the number is committed and applied. The application is the list of the numbers, each once.

use std::collections::BTreeMap;

use aviary::mix::{below, mix};
use aviary::prelude::*;
use aviary::scenario::Probe;
use aviary::scenario::draw::{Asking, Draws};
use aviary::scenario::step::Target;
use aviary::wire::{Reader, WireError, put_u64};
use prost::Message as _;
use raft::eraftpb::{self, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use serde::{Deserialize, Serialize};

/// The time between two calls of `RawNode::tick`.
const TICK: Duration = Duration::from_millis(10);
/// The least number of ticks without a leader after which a site campaigns.
const ELECTION: usize = 10;
/// How long a client waits for an answer before it asks the next site.
const RETRY: Duration = Duration::from_millis(500);

/// What the glue does wrong, so that tests show that somebody notices.
pub const HONEST: u8 = 0;
pub const FORGETS_VOTE: u8 = 1;
pub const FORGETS_ENTRIES: u8 = 2;
pub const FORGETS_HARD_STATE: u8 = 3;
pub const APPLIES_TWICE: u8 = 4;
pub const DRAWS_FROM_THE_THREAD: u8 = 5;

// ---- What crosses the border --------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
pub enum Message {
    Raft(Proto<eraftpb::Message>),
    Put { number: u64 },
    Done { number: u64 },
}
wire_enum!(Message { 1 => Raft(message), 2 => Put { number }, 3 => Done { number } });

/// What raft-rs wants to have on disk.
#[derive(Clone, Debug)]
pub enum Record {
    Entry(Proto<eraftpb::Entry>),
    HardState(Proto<eraftpb::HardState>),
}
wire_enum!(Record { 1 => Entry(entry), 2 => HardState(state) });

#[derive(Clone, Debug)]
pub struct Proto<T>(T);

impl<T: prost::Message + Clone + Default> Wire for Proto<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.0.encoded_len() as u64);
        self.0.encode(out).expect("a Vec has room");
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let length = input.length(1 << 20)?;
        T::decode(input.bytes(length)?).map(Proto).map_err(|_| WireError::Invalid("protobuf"))
    }
}

impl Label for Message {
    fn kind(&self) -> &'static str {
        match self {
            Message::Put { .. } => "Put",
            Message::Done { .. } => "Done",
            Message::Raft(Proto(message)) => message.msg_type().as_str_name(),
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Message::Put { number } | Message::Done { number } => Subject { noun: "number", number: *number },
            Message::Raft(_) => Subject::NONE,
        }
    }

    fn rank(&self) -> u8 {
        use MessageType::{MsgHeartbeat, MsgHeartbeatResponse};
        match self {
            Message::Raft(Proto(message)) if [MsgHeartbeat, MsgHeartbeatResponse].contains(&message.msg_type()) => {
                aviary::process::BACKGROUND
            }
            _ => 0,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Note {
    /// A leader's first entry is empty: its number is 0.
    Committed { index: u64, number: u64 },
    Applied { number: u64 },
    Done { number: u64 },
}
label_enum!(Note { Committed as "committed" about index, Applied as "applied" about number, Done as "done" about number });
display_enum!(Note {
    Committed { index, number } => "commits {number} at {index}",
    Applied { number } => "applies {number}",
    Done { number } => "is told that {number} is done",
});

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    Put { who: Target, number: u64 },
}
display_enum!(Command { Put { number } => "put {number}" });

// ---- The site -----------------------------------------------------------------------------------------------------

pub struct Site<const WRONG: u8> {
    raft: RawNode<MemStorage>,
    seed: Seed,
    applied: Vec<u64>,
    /// Who waits for the answer about a number.
    asked: BTreeMap<u64, ProcessId>,
    tick_at: Instant,
}

impl<const WRONG: u8> Site<WRONG> {
    fn start(sites: SiteSet, me: SiteId, seed: Seed, records: &[Record]) -> Result<Self, Damage> {
        let voters: Vec<u64> = sites.iter().map(id).collect();
        let storage = MemStorage::new_with_conf_state((voters, vec![]));
        let mut last = 0;
        for record in records {
            match record {
                Record::Entry(Proto(entry)) if entry.index > last + 1 => {
                    return Err(Damage(format!("entry {} follows entry {last}", entry.index)));
                }
                Record::Entry(Proto(entry)) => {
                    storage.wl().append(std::slice::from_ref(entry)).expect("it is not compacted");
                    last = entry.index;
                }
                Record::HardState(Proto(state)) => storage.wl().set_hardstate(state.clone()),
            }
        }
        let commit = storage.rl().hard_state().commit;
        if commit > last {
            return Err(Damage(format!("entry {commit} is committed, {last} is the last")));
        }
        let config = Config {
            id: id(me),
            election_tick: ELECTION,
            heartbeat_tick: 3,
            max_size_per_msg: 1 << 10,
            check_quorum: true,
            pre_vote: true,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raft = RawNode::new(&config, storage, &logger).map_err(|error| Damage(error.to_string()))?;
        let mut site = Site { raft, seed, applied: Vec::new(), asked: BTreeMap::new(), tick_at: Instant::default() };
        site.draw_election_timeout();
        Ok(site)
    }

    /// raft-rs draws each election time-out from `rand::thread_rng()`, so that no two runs would be the same. It
    /// draws when its term or role changes, and looks at the result in `tick` alone: put another in its place after
    /// every input. This one is drawn from our seed, which differs for each incarnation, and from the term.
    fn draw_election_timeout(&mut self) {
        if WRONG != DRAWS_FROM_THE_THREAD {
            let drawn = below(mix(self.seed.key(0), [self.raft.raft.term]), ELECTION as u64);
            self.raft.raft.set_randomized_election_timeout(ELECTION + drawn as usize);
        }
    }

    fn handle(&mut self, now: Instant, input: Input<Node<WRONG>>, effects: &mut Effects<Node<WRONG>>) {
        match input {
            // An error says that there is nothing to do: a message from nobody it knows, no leader to propose to.
            Input::Message { message: Message::Raft(Proto(message)), .. } => drop(self.raft.step(message)),
            Input::Message { from, message: Message::Put { number } } => {
                if self.applied.contains(&number) {
                    return effects.send(from, &Message::Done { number });
                }
                self.asked.insert(number, from);
                drop(self.raft.propose(vec![], number.to_be_bytes().to_vec()));
            }
            Input::Wake => {
                self.tick_at = now + TICK;
                self.raft.tick();
            }
            Input::Message { .. } | Input::Command(_) | Input::DiskSpace { .. } => {}
        }
        self.draw_election_timeout();
        while self.raft.has_ready() {
            self.ready(effects);
        }
    }

    /// `Effects::send` holds every message back until the records of this input are on disk. So the storage may be in
    /// memory, and `advance` may follow at once: whoever hears of it hears after the disk has it.
    fn ready(&mut self, effects: &mut Effects<Node<WRONG>>) {
        let mut ready = self.raft.ready();
        self.send(ready.take_messages(), effects);
        self.apply(ready.take_committed_entries(), effects);
        for entry in ready.entries() {
            if WRONG != FORGETS_ENTRIES {
                effects.append(&Record::Entry(Proto(entry.clone())));
            }
        }
        self.raft.mut_store().wl().append(ready.entries()).expect("raft-rs appends where its log ends, or before");
        if let Some(state) = ready.hs() {
            self.raft.mut_store().wl().set_hardstate(state.clone());
            self.keep_hard_state(effects);
        }
        self.send(ready.take_persisted_messages(), effects);
        let mut light = self.raft.advance(ready);
        if let Some(commit) = light.commit_index() {
            self.raft.mut_store().wl().mut_hard_state().commit = commit;
            self.keep_hard_state(effects);
        }
        self.send(light.take_messages(), effects);
        self.apply(light.take_committed_entries(), effects);
        self.raft.advance_apply();
    }

    fn keep_hard_state(&self, effects: &mut Effects<Node<WRONG>>) {
        let mut state = self.raft.store().rl().hard_state().clone();
        match WRONG {
            FORGETS_HARD_STATE => return,
            FORGETS_VOTE => state.vote = 0,
            FORGETS_ENTRIES => state.commit = 0,
            _ => {}
        }
        effects.append(&Record::HardState(Proto(state)));
    }

    fn send(&self, messages: Vec<eraftpb::Message>, effects: &mut Effects<Node<WRONG>>) {
        for message in messages {
            let to = u8::try_from(message.to - 1).ok().and_then(SiteId::new).expect("raft-rs sends to voters");
            effects.send(to, &Message::Raft(Proto(message)));
        }
    }

    fn apply(&mut self, entries: Vec<eraftpb::Entry>, effects: &mut Effects<Node<WRONG>>) {
        for entry in entries {
            let number = <[u8; 8]>::try_from(&entry.data[..]).map_or(0, u64::from_be_bytes);
            effects.note(Note::Committed { index: entry.index - 1, number });
            // Forwarded twice by the network or asked for twice by a client, it is in the log twice.
            if number != 0 && (WRONG == APPLIES_TWICE || !self.applied.contains(&number)) {
                self.applied.push(number);
                effects.note(Note::Applied { number });
            }
            if let Some(who) = self.asked.remove(&number) {
                effects.send(who, &Message::Done { number });
            }
        }
    }
}

fn id(site: SiteId) -> u64 {
    u64::from(site.number()) + 1
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
        panic!("RawNode is not Clone")
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
            ProcessId::Site(me) => Node::Site(Box::new(Site::start(*sites, me, seed, &kept.records)?)),
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
        match site.raft.raft.state {
            StateRole::Leader => Role::Leader { rank: site.raft.raft.term },
            StateRole::Candidate | StateRole::PreCandidate => Role::Candidate,
            StateRole::Follower => Role::Follower,
        }
    }

    fn progress(&self) -> u64 {
        if let Node::Site(site) = self { site.applied.len() as u64 } else { 0 }
    }
}

// ---- What must hold, and the words for scenarios ------------------------------------------------------------------

#[derive(Clone, Default)]
pub struct Judges {
    prefix: DecidedPrefix<u64>,
    once: AtMostOnce<u64>,
    leader: OneLeader,
}

impl<const WRONG: u8> Judge<Node<WRONG>> for Judges {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Node<WRONG>>) -> Result<(), Violation> {
        if let Observation::Commanded { command: Command::Put { number, .. }, .. } = seen {
            self.prefix.asked(*number);
        }
        if let Observation::Noted { process, note: Note::Done { number } } = seen {
            ensure!(self.prefix.has(number), "acknowledged", "{process} was told that {number} is done, and nobody decided it");
        }
        if let Observation::Sent { messages, .. } = seen {
            for message in *messages {
                if let Message::Raft(Proto(message)) = message
                    && [MessageType::MsgAppend, MessageType::MsgHeartbeat].contains(&message.msg_type())
                {
                    self.leader.leads(ProcessId::site((message.from - 1) as u8), message.term)?;
                }
            }
        }
        self.leader.observe(now, seen)?;
        self.once.follow(seen, |note| if let Note::Applied { number } = note { Some(*number) } else { None })?;
        self.prefix.follow(seen, |note| if let Note::Committed { index, number } = note { Some((*index, *number)) } else { None })
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
        let mut judges = Judges::default();
        judges.prefix.asked(0);
        judges
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
