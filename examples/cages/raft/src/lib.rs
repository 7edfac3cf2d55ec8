//! raft-rs as published, in Aviary.
//!
//! A site is one `RawNode` with a `MemStorage`. [`Site::flush`] hands over what the crate did in one input: records to
//! the disk, messages to the network, committed numbers to the application. The application is the list of the
//! numbers, each once. A terminal gives its site a number, and hears when the number is applied.

use std::collections::BTreeMap;

use aviary::foreign::{Foreign, Form, Labels};
use aviary::mix::{below, mix};
use aviary::prelude::*;
use aviary::scenario::draw::{Asking, Draws};
use aviary::scenario::{Probe, step::Target};
use aviary::wire::{Reader, WireError};
use protobuf::ProtobufEnum;
use raft::eraftpb::{self, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use serde::{Deserialize, Serialize};

/// The time between two calls of `RawNode::tick`.
const TICK: Duration = Duration::from_millis(10);
/// The least number of ticks without a leader after which a site campaigns.
const ELECTION: usize = 10;
/// A site proposes its numbers again after so many ticks: a proposal to a leader that fell is lost.
const PROPOSE_TICKS: u64 = 50;

// ---- What crosses the border ---------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
pub enum Message {
    Raft(Proto<eraftpb::Message>),
    Put(u64),
    Done(u64),
}
wire_enum!(Message { 1 => Raft(message), 2 => Put(number), 3 => Done(number) });
label_enum!(Message { Raft(message), Put about number: 0, Done about number: 0 });

/// What raft-rs wants to have on disk.
#[derive(Clone, Debug)]
pub enum Record {
    Entry(Proto<eraftpb::Entry>),
    HardState(Proto<eraftpb::HardState>),
}
wire_enum!(Record { 1 => Entry(entry), 2 => HardState(state) });

/// The types of raft-rs are those of `rust-protobuf`: they get a form of their own.
pub type Proto<T> = Foreign<T, RustProtobuf, ByType>;
pub struct RustProtobuf;
pub struct ByType;

impl<T: protobuf::Message> Form<T> for RustProtobuf {
    fn encode(value: &T, out: &mut Vec<u8>) {
        value.write_length_delimited_to_vec(out).expect("a Vec has room");
    }

    fn decode(input: &mut Reader<'_>) -> Result<T, WireError> {
        let length = input.length(usize::MAX)?;
        T::parse_from_bytes(input.bytes(length)?).map_err(|_| WireError::Invalid("protocol buffer"))
    }
}

impl Labels<eraftpb::Message> for ByType {
    fn kinds() -> Vec<&'static str> {
        MessageType::values().iter().map(|kind| kind.descriptor().name()).collect()
    }

    fn kind(message: &eraftpb::Message) -> &'static str {
        message.get_msg_type().descriptor().name()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Note {
    /// The empty entry with which a term begins counts as the number 0.
    Committed(u64, u64),
    Applied(u64),
    Done(u64),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    Put { site: u8, number: u64 },
}

by_serde!(Note, Command);

/// What the glue does wrong, so that tests show that somebody notices: `settings: ForgetsVote` in a scenario.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub enum Wrong {
    #[default]
    Nothing,
    ForgetsVote,
    ForgetsEntries,
    ForgetsHardState,
    AppliesTwice,
    DrawsFromTheThread,
}

// ---- The site ------------------------------------------------------------------------------------------------------

pub struct Site {
    raft: RawNode<MemStorage>,
    seed: Seed,
    wrong: Wrong,
    applied: Vec<u64>,
    /// Numbers that are not applied yet, and who waits for them.
    asked: BTreeMap<u64, ProcessId>,
    ticks: u64,
    tick_at: Instant,
}

impl Site {
    fn start(
        (sites, wrong): (SiteSet, Wrong),
        me: SiteId,
        seed: Seed,
        records: Vec<Record>,
    ) -> Result<Site, Damage> {
        let voters: Vec<u64> = sites.iter().map(id).collect();
        let storage = MemStorage::new_with_conf_state((voters, vec![]));
        let mut last = 0;
        for record in records {
            match record {
                Record::Entry(entry) if entry.index > last + 1 => {
                    return Err(Damage(format!("entry {} follows entry {last}", entry.index)));
                }
                Record::Entry(entry) => {
                    last = entry.index;
                    storage.wl().append(&[entry.into_inner()]).expect("it follows the entry before it");
                }
                Record::HardState(state) => storage.wl().set_hardstate(state.into_inner()),
            }
        }
        let commit = storage.rl().hard_state().commit;
        if commit > last {
            return Err(Damage(format!("{commit} of {last} entries are committed")));
        }
        let config = Config {
            id: id(me),
            election_tick: ELECTION,
            heartbeat_tick: 3,
            max_size_per_msg: 1 << 9,
            check_quorum: true,
            pre_vote: true,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raft = RawNode::new(&config, storage, &logger).map_err(|error| Damage(error.to_string()))?;
        let (applied, asked, tick_at) = (Vec::new(), BTreeMap::new(), Instant::default());
        let mut site = Site { raft, seed, wrong, applied, asked, ticks: 0, tick_at };
        site.draw_election_timeout();
        Ok(site)
    }

    fn handle(&mut self, now: Instant, input: Input<Rebuilt<Node>>, effects: &mut Effects<Rebuilt<Node>>) {
        match input {
            // An error means that it was ignored: it comes from nobody that raft-rs knows.
            Input::Message { message: Message::Raft(message), .. } => {
                drop(self.raft.step(message.into_inner()))
            }
            Input::Message { from, message: Message::Put(number) } => {
                self.asked.insert(number, from);
                self.propose(number);
            }
            Input::Wake => {
                self.tick_at = now + TICK;
                self.ticks += 1;
                self.raft.tick();
                if self.ticks.is_multiple_of(PROPOSE_TICKS) {
                    self.asked.clone().into_keys().for_each(|number| self.propose(number));
                }
            }
            _ => {}
        }
        self.draw_election_timeout();
        while self.raft.has_ready() {
            self.flush(effects);
        }
        for (number, who) in self.asked.extract_if(.., |number, _| self.applied.contains(number)) {
            effects.send(who, &Message::Done(number));
        }
    }

    /// raft-rs draws election time-outs from `rand::thread_rng()`: no run would repeat itself. It draws one whenever
    /// its role or term changes, and reads it in `tick` alone. So each input ends with one of ours in its place, drawn
    /// from the seed of this incarnation and from the term.
    fn draw_election_timeout(&mut self) {
        if self.wrong != Wrong::DrawsFromTheThread {
            let drawn = below(mix(self.seed.key(0), [self.raft.raft.term]), ELECTION as u64);
            self.raft.raft.set_randomized_election_timeout(ELECTION + drawn as usize);
        }
    }

    fn propose(&mut self, number: u64) {
        // Without a leader it is dropped, and proposed again later.
        drop(self.raft.propose(vec![], number.to_be_bytes().to_vec()));
    }

    /// Each message waits until the records of this input are on disk. With that, a storage in memory is as good as one
    /// that waits for its disk, and `advance` may follow at once.
    fn flush(&mut self, effects: &mut Effects<Rebuilt<Node>>) {
        let mut ready = self.raft.ready();
        let mut messages = ready.take_messages();
        let mut committed = ready.take_committed_entries();
        if self.wrong != Wrong::ForgetsEntries {
            ready.entries().iter().for_each(|entry| effects.append(&Record::Entry(entry.clone().into())));
        }
        self.raft.mut_store().wl().append(ready.entries()).expect("raft-rs leaves no gap");
        if let Some(state) = ready.hs() {
            self.raft.mut_store().wl().set_hardstate(state.clone());
        }
        let has_state = ready.hs().is_some();
        messages.extend(ready.take_persisted_messages());
        let mut light = self.raft.advance(ready);
        if let Some(commit) = light.commit_index() {
            self.raft.mut_store().wl().mut_hard_state().commit = commit;
        }
        let mut state = self.raft.store().rl().hard_state().clone();
        match self.wrong {
            Wrong::ForgetsVote => state.vote = 0,
            Wrong::ForgetsEntries => state.commit = 0,
            _ => {}
        }
        if (has_state || light.commit_index().is_some()) && self.wrong != Wrong::ForgetsHardState {
            effects.append(&Record::HardState(state.into()));
        }
        messages.extend(light.take_messages());
        committed.extend(light.take_committed_entries());
        self.raft.advance_apply();
        for message in messages {
            effects.send(ProcessId::site((message.to - 1) as u8), &Message::Raft(message.into()));
        }
        for entry in committed {
            let number = <[u8; 8]>::try_from(&entry.data[..]).map_or(0, u64::from_be_bytes);
            effects.note(Note::Committed(entry.index - 1, number));
            // What was proposed twice is in the log twice.
            if number != 0 && (self.wrong == Wrong::AppliesTwice || !self.applied.contains(&number)) {
                self.applied.push(number);
                effects.note(Note::Applied(number));
            }
        }
    }
}

fn id(site: SiteId) -> u64 {
    u64::from(site.number()) + 1
}

// ---- Site and terminal as one process ------------------------------------------------------------------------------

pub enum Node {
    Site(Box<Site>),
    Terminal(SiteId),
}

impl Node {
    fn site(&self) -> Option<&Site> {
        if let Node::Site(site) = self { Some(site) } else { None }
    }
}

impl Uncloned for Node {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = Command;
    type Config = (SiteSet, Wrong);

    fn start(
        config: &Self::Config,
        id: ProcessId,
        seed: Seed,
        kept: Recovered<Record>,
    ) -> Result<Node, Damage> {
        match id {
            ProcessId::Site(me) => Ok(Node::Site(Box::new(Site::start(*config, me, seed, kept.records)?))),
            ProcessId::Terminal(site) => Ok(Node::Terminal(site)),
            ProcessId::Client(_) => Err(Damage("this cage has terminals only: say `clients: 0`".to_owned())),
        }
    }

    fn handle(&mut self, now: Instant, input: Input<Rebuilt<Node>>, effects: &mut Effects<Rebuilt<Node>>) {
        match (self, input) {
            (Node::Site(site), input) => site.handle(now, input, effects),
            (Node::Terminal(site), Input::Command(Command::Put { number, .. })) => {
                effects.send(*site, &Message::Put(number));
            }
            (Node::Terminal(_), Input::Message { message: Message::Done(number), .. }) => {
                effects.note(Note::Done(number));
            }
            (Node::Terminal(_), _) => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.site().map(|site| (site.tick_at, "tick"))
    }

    fn role(&self) -> Role {
        let Some(site) = self.site() else { return Role::Client };
        match site.raft.raft.state {
            StateRole::Leader => Role::Leader { rank: site.raft.raft.term },
            StateRole::Candidate | StateRole::PreCandidate => Role::Candidate,
            StateRole::Follower => Role::Follower,
        }
    }
}

// ---- What must hold, and the words for scenarios -------------------------------------------------------------------

#[derive(Clone, Default)]
pub struct Judges {
    prefix: DecidedPrefix<u64>,
    once: AtMostOnce<u64>,
    leader: OneLeader,
}

impl Judge<Rebuilt<Node>> for Judges {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Rebuilt<Node>>) -> Result<(), Violation> {
        match seen {
            Observation::Commanded { command: Command::Put { number, .. }, .. } => self.prefix.asked(*number),
            Observation::Noted { process, note: Note::Done(number) } => {
                ensure!(
                    self.prefix.has(number),
                    "answers",
                    "{process} heard of {number}, which nobody committed"
                );
            }
            Observation::Sent { messages, .. } => {
                for message in *messages {
                    if let Message::Raft(message) = message
                        && matches!(
                            message.get_msg_type(),
                            MessageType::MsgAppend | MessageType::MsgHeartbeat
                        )
                    {
                        self.leader.leads(ProcessId::site((message.from - 1) as u8), message.term)?;
                    }
                }
            }
            _ => {}
        }
        self.once.follow(seen, |note| if let Note::Applied(number) = note { Some(*number) } else { None })?;
        self.prefix.follow(seen, |note| {
            if let Note::Committed(at, number) = note { Some((*at, *number)) } else { None }
        })
    }
}

#[derive(Clone, Debug)]
pub struct Service;

impl aviary::scenario::Service for Service {
    type Process = Rebuilt<Node>;
    type Judges = Judges;
    type Command = Command;
    type Expectation = ();
    type Settings = Wrong;

    fn compile(command: &Command) -> Compiled<Self> {
        let Command::Put { site, .. } = command;
        Order::at_terminal(*site, command.clone())
    }

    fn draw_command(_: &mut Draws, asking: &Asking) -> Option<Command> {
        let Target::Terminal(site) = asking.who else { return None };
        Some(Command::Put { site, number: asking.number })
    }

    fn probe(process: ProcessId) -> Option<Probe<Self>> {
        // Another number for each terminal, and none that is drawn.
        let number = (1 << 32) + u64::from(process.number());
        Some(Probe { command: Command::Put { site: 0, number }, done: "Done" })
    }

    fn config(wrong: &Wrong, shape: &Shape) -> Result<(SiteSet, Wrong), Vec<Problem>> {
        Ok((shape.all_sites(), *wrong))
    }

    fn judges(_: &(SiteSet, Wrong), _: &Shape) -> Judges {
        let mut judges = Judges::default();
        judges.prefix.asked(0);
        judges
    }

    fn expect((): &(), _: &Cluster<'_, Rebuilt<Node>>) -> Result<(), String> {
        Ok(())
    }

    fn converged(cluster: &Cluster<'_, Rebuilt<Node>>) -> Result<(), String> {
        cluster.agree("applied", |node| node.site().map(|site| site.applied.clone()))?;
        cluster.core.iter().try_for_each(|id| {
            let waits_for = cluster.state(id)?.site().map(|site| site.asked.len());
            same(&format!("{id} waits for"), &Some(0), &waits_for)
        })
    }
}
