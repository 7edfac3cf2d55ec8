//! OmniPaxos as published, in Aviary.
//!
//! A site is one `OmniPaxos` with its storage in memory. [`Site::flush`] hands over what the crate did in one input:
//! records to the disk, messages to the network, decided numbers to the application. The application is the list of
//! the numbers, each once. A terminal gives its site a number, and hears when the number is applied.

mod store;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use aviary::prelude::*;
use aviary::process::Links;
use aviary::scenario::draw::{Asking, Draws};
use aviary::scenario::{Probe, step::Target};
use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::storage::{Entry, NoSnapshot};
use omnipaxos::util::LogEntry;
use omnipaxos::{ClusterConfig, OmniPaxos, ServerConfig};
use serde::{Deserialize, Serialize};

pub use store::Record;
use store::Store;

/// The time between two calls of `OmniPaxos::tick`.
const TICK: Duration = Duration::from_millis(10);
/// A site proposes its numbers again after so many ticks: a proposal to a leader that fell is lost.
const PROPOSE_TICKS: u64 = 50;

// ---- What crosses the border ---------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Number(u64);

impl Entry for Number {
    type Snapshot = NoSnapshot;
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    Paxos(omnipaxos::messages::Message<Number>),
    Put(u64),
    Done(u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Note {
    Decided(u64, u64),
    Applied(u64),
    Done(u64),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    Put { site: u8, number: u64 },
}

by_serde!(Message, Note, Command);

/// What the glue does wrong, so that tests show that somebody notices: `settings: ForgetsPromise` in a scenario.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub enum Wrong {
    #[default]
    Nothing,
    ForgetsPromise,
    ForgetsEntries,
    ForgetsHardState,
    AppliesTwice,
}

impl Wrong {
    fn forgets(self, record: &Record) -> bool {
        match record {
            Record::Promise(_) => matches!(self, Wrong::ForgetsPromise | Wrong::ForgetsHardState),
            Record::AcceptedRound(_) => self == Wrong::ForgetsHardState,
            Record::DecidedIndex(_) => matches!(self, Wrong::ForgetsEntries | Wrong::ForgetsHardState),
            Record::Log(..) => self == Wrong::ForgetsEntries,
        }
    }
}

// ---- The site ------------------------------------------------------------------------------------------------------

pub struct Site {
    paxos: OmniPaxos<Number, Store>,
    unwritten: Rc<RefCell<Vec<Record>>>,
    wrong: Wrong,
    /// Number of decided entries that the application has taken.
    taken: u64,
    applied: Vec<u64>,
    /// Numbers that are not applied yet, and who waits for them.
    asked: BTreeMap<u64, ProcessId>,
    ticks: u64,
    tick_at: Instant,
}

impl Site {
    fn start((sites, wrong): (SiteSet, Wrong), me: SiteId, records: &[Record]) -> Result<Site, Damage> {
        let mut store = Store::default();
        records.iter().for_each(|record| store.apply(record));
        if store.decided > store.log.len() {
            return Err(Damage(format!("{} of {} entries are decided", store.decided, store.log.len())));
        }
        let unwritten = Rc::clone(&store.unwritten);
        let nodes = sites.iter().map(pid).collect();
        let cluster = ClusterConfig { configuration_id: 1, nodes, flexible_quorum: None };
        let server = ServerConfig {
            pid: pid(me),
            election_tick_timeout: 10,
            resend_message_tick_timeout: 20,
            ..ServerConfig::default()
        };
        let paxos = cluster.build_for_server(server, store).map_err(|error| Damage(error.to_string()))?;
        let (applied, asked, tick_at) = (Vec::new(), BTreeMap::new(), Instant::default());
        Ok(Site { paxos, unwritten, wrong, taken: 0, applied, asked, ticks: 0, tick_at })
    }

    fn handle(&mut self, now: Instant, input: Input<Rebuilt<Node>>, effects: &mut Effects<Rebuilt<Node>>) {
        match input {
            Input::Message { message: Message::Paxos(message), .. } => self.paxos.handle_incoming(message),
            Input::Message { from, message: Message::Put(number) } => {
                self.asked.insert(number, from);
                self.propose(number);
            }
            Input::Wake => {
                self.tick_at = now + TICK;
                self.ticks += 1;
                self.paxos.tick();
                if self.ticks.is_multiple_of(PROPOSE_TICKS) {
                    self.asked.clone().into_keys().for_each(|number| self.propose(number));
                }
            }
            Input::Link { peer: ProcessId::Site(peer), up: true } => self.paxos.reconnected(pid(peer)),
            _ => {}
        }
        self.flush(effects);
    }

    fn propose(&mut self, number: u64) {
        self.paxos.append(Number(number)).expect("it fails only once the cluster is reconfigured");
    }

    fn flush(&mut self, effects: &mut Effects<Rebuilt<Node>>) {
        for record in self.unwritten.borrow_mut().drain(..).filter(|record| !self.wrong.forgets(record)) {
            effects.append(&record);
        }
        let mut messages = Vec::new();
        self.paxos.take_outgoing_messages(&mut messages);
        for message in messages {
            let to = ProcessId::site((message.get_receiver() - 1) as u8);
            // Each message waits until the records above are on disk. With that, a storage that writes into memory
            // and returns is as good as one that waits for its disk.
            effects.send(to, &Message::Paxos(message));
        }
        for entry in self.paxos.read_decided_suffix(self.taken as usize).unwrap_or_default() {
            let LogEntry::Decided(Number(number)) = entry else { panic!("{entry:?} among decided entries") };
            effects.note(Note::Decided(self.taken, number));
            self.taken += 1;
            // What was proposed twice is in the log twice.
            if self.wrong == Wrong::AppliesTwice || !self.applied.contains(&number) {
                self.applied.push(number);
                effects.note(Note::Applied(number));
            }
        }
        for (number, who) in self.asked.extract_if(.., |number, _| self.applied.contains(number)) {
            effects.send(who, &Message::Done(number));
        }
    }
}

fn pid(site: SiteId) -> u64 {
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
    const LINKS: Links = Links::Stream;

    fn start(config: &Self::Config, id: ProcessId, _: Seed, kept: Recovered<Record>) -> Result<Node, Damage> {
        match id {
            ProcessId::Site(me) => Ok(Node::Site(Box::new(Site::start(*config, me, &kept.records)?))),
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
        let Ballot { n, pid, .. } = site.paxos.get_promise();
        let leads = site.paxos.get_current_leader() == Some((site.paxos.get_pid(), true));
        if leads { Role::Leader { rank: u64::from(n) << 8 | pid } } else { Role::Follower }
    }
}

// ---- What must hold, and the words for scenarios -------------------------------------------------------------------

#[derive(Clone, Default)]
pub struct Judges {
    prefix: DecidedPrefix<u64>,
    once: AtMostOnce<u64>,
}

impl Judge<Rebuilt<Node>> for Judges {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Rebuilt<Node>>) -> Result<(), Violation> {
        match seen {
            Observation::Commanded { command: Command::Put { number, .. }, .. } => self.prefix.asked(*number),
            Observation::Noted { process, note: Note::Done(number) } => {
                ensure!(
                    self.prefix.has(number),
                    "answers",
                    "{process} heard of {number}, which nobody decided"
                );
            }
            _ => {}
        }
        self.once.follow(seen, |note| if let Note::Applied(number) = note { Some(*number) } else { None })?;
        self.prefix.follow(seen, |note| {
            if let Note::Decided(at, number) = note { Some((*at, *number)) } else { None }
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
        Judges::default()
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
