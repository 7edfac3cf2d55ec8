//! A stage for the judges' tests: a run written by hand, with every message and record passed through its bytes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::frame::{self, Datagram, Sender};
use crate::ids::{ProcessId, SiteId};
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Label, Process, Recipients, Recovered, Role};
use crate::replicated::paxos::{self, Ballot, Entry, Slot};
use crate::sim::{Judge, Observation, Violation};
use crate::time::Instant;
use crate::tweets::judges::{Judges, LogEntry};
use crate::tweets::site::{
    Answer, Command, Message, Note, Number, Operation, Record, Request, Session, Submission,
};
use crate::tweets::timeline::{Event, Position, User, View};
use crate::wire::Wire;

/// A client.
pub const C1: ProcessId = ProcessId::Client(1);

/// A process that does nothing.
#[derive(Clone, Debug)]
struct Doll;

impl Process for Doll {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = Command;
    type Config = ();

    fn start(_: &(), _: ProcessId, _: Seed, _: Recovered<Record>) -> Result<Doll, Damage> {
        Ok(Doll)
    }

    fn handle(&mut self, _: Instant, _: Input<Doll>, _: &mut Effects<Doll>) {}

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    fn role(&self) -> Role {
        Role::Follower
    }
}

/// The judges, and the run so far.
#[derive(Clone)]
pub struct Stage {
    pub judges: Judges,
    /// The time of the next event.
    pub now: Instant,
    disks: Vec<Vec<Record>>,
    count: u64,
}

impl Stage {
    /// Sites that have just started, with room for many sessions.
    pub fn new(sites: u8) -> Stage {
        Stage::with_sessions(sites, 100)
    }

    pub fn with_sessions(sites: u8, sessions_max: usize) -> Stage {
        let disks = (0..sites).map(|_| Vec::new()).collect();
        let mut stage =
            Stage { judges: Judges::new(sites, sessions_max), disks, count: 0, now: Instant::ZERO };
        (0..sites).for_each(|number| stage.started(site(number), 1, &[]).unwrap());
        stage
    }

    fn observe(&mut self, seen: &Observation<'_, Doll>) -> Result<(), Violation> {
        self.judges.observe(self.now, seen)
    }

    pub fn started(&mut self, site: SiteId, incarnation: u64, records: &[Record]) -> Result<(), Violation> {
        let recovered: Vec<Record> = records.iter().map(through_bytes).collect();
        self.disks[site.index()].clone_from(&recovered);
        let process = site.into();
        self.observe(&Observation::Started { process, incarnation, recovered: &recovered, state: &Doll })
    }

    pub fn crashed(&mut self, site: SiteId) -> Result<(), Violation> {
        self.observe(&Observation::Crashed { process: site.into(), state: &Doll })
    }

    /// A restart that loses nothing durable.
    pub fn started_as_it_was(&mut self, site: SiteId, incarnation: u64) {
        let records = self.disks[site.index()].clone();
        self.started(site, incarnation, &records).unwrap();
    }

    pub fn durable(&mut self, site: SiteId, records: &[Record]) -> Result<(), Violation> {
        let records: Vec<Record> = records.iter().map(through_bytes).collect();
        self.disks[site.index()].extend(records.iter().cloned());
        self.observe(&Observation::Durable { process: site.into(), records: &records })
    }

    /// A cluster of three sites where an opening and two tweets of C1 are chosen, each in its own slot.
    pub fn three_chosen() -> Stage {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1)]).unwrap();
        stage.choose(1, &[tweet(1, "a")]).unwrap();
        stage.choose(2, &[tweet(2, "b")]).unwrap();
        stage
    }

    pub fn sent(
        &mut self,
        from: impl Into<ProcessId>,
        to: impl Into<ProcessId>,
        message: Message,
    ) -> Result<(), Violation> {
        let (from, to) = (from.into(), Recipients::One(to.into()));
        let mut bytes = Vec::new();
        let sender = Sender { cluster: 1, configuration: 0, from, incarnation: 1 };
        frame::Head::new(&sender).begin(&mut bytes, to);
        frame::put_message(&mut bytes, &message.to_bytes());
        let hash = frame::seal(&mut bytes);
        let messages: Vec<Message> = frame::read(&bytes).unwrap().1.decode().unwrap();
        let labels = Vec::from([(message.kind(), message.subject())]);
        let datagram = Datagram { from, to, labels, is_background: false, bytes, hash };
        self.observe(&Observation::Sent { datagram: &datagram, messages: &messages })
    }

    /// Sends a message from `from` to the last site.
    pub fn sent_by(
        &mut self,
        from: SiteId,
        message: paxos::PaxosMessage<Arc<Submission>>,
    ) -> Result<(), Violation> {
        self.sent(from, site(2), Message::Paxos { message })
    }

    pub fn delivered(&mut self, from: ProcessId, to: ProcessId, message: &Message) -> Result<(), Violation> {
        self.observe(&Observation::Delivered { to, from, message: &through_bytes(message) })
    }

    pub fn commanded(&mut self, process: ProcessId, command: &Command) -> Result<(), Violation> {
        self.observe(&Observation::Commanded { process, command })
    }

    pub fn handled(&mut self, site: SiteId) -> Result<(), Violation> {
        self.judges.observe(self.now, &Observation::Handled { process: site.into(), state: &Doll })
    }

    pub fn noted(&mut self, process: ProcessId, note: &Note) -> Result<(), Violation> {
        self.observe(&Observation::Noted { process, note })
    }

    /// The client gets a command that needs this request, and sends the request.
    pub fn asked(&mut self, request: &Request) {
        let operation = match request {
            Request::Execute { operation, .. } => operation.clone(),
            Request::Open { .. } => Operation::View { view: looks("ann") },
        };
        self.commanded(C1, &Command::Do(operation)).unwrap();
        self.sent(C1, site(0), Message::Request { request: request.clone() }).unwrap();
    }

    /// The site promises its own ballot of this round and asks for promises.
    pub fn prepared(&mut self, site: SiteId, round: u64) {
        let ballot = Ballot { round, site };
        let record = Record::Paxos { record: paxos::PaxosRecord::Promised(ballot) };
        self.durable(site, &[record]).unwrap();
        self.sent_by(site, paxos::PaxosMessage::Prepare { ballot, first: Slot(0) }).unwrap();
    }

    /// The client asks for these, and the first two sites accept them for `slot` under ballot 1.0.
    pub fn choose(&mut self, slot: u64, requests: &[Request]) -> Result<(), Violation> {
        requests.iter().for_each(|request| self.asked(request));
        let values = self.submitted(requests);
        values.iter().try_for_each(|value| self.durable(site(0), &[taken(value)]))?;
        self.decide(slot, &values)
    }

    /// The same for requests that no client asked for, which the first site proposes as its own.
    pub fn choose_unasked(&mut self, slot: u64, requests: &[Request]) -> Result<(), Violation> {
        self.prepared(site(0), 1);
        let values = self.submitted(requests);
        self.sent_by(site(0), accept(1, 0, slot, &values.iter().collect::<Vec<_>>()))?;
        self.decide(slot, &values)
    }

    /// The next submissions of the first site.
    fn submitted(&mut self, requests: &[Request]) -> Vec<Arc<Submission>> {
        let number = |request: &Request| {
            self.count += 1;
            numbered(0, (1, self.count), (u64::from(self.count > 1), self.count - 1), request.clone())
        };
        requests.iter().map(number).collect()
    }

    fn decide(&mut self, slot: u64, values: &[Arc<Submission>]) -> Result<(), Violation> {
        let record = accepted(1, 0, slot, &values.iter().collect::<Vec<_>>());
        self.durable(site(0), core::slice::from_ref(&record))?;
        self.durable(site(1), &[record])
    }
}

/// Asserts that a judge of `property` objected with a sentence that holds `part`.
#[track_caller]
pub fn objects(result: Result<(), Violation>, property: &str, part: &str) {
    let violation = result.expect_err("a judge should have objected");
    assert!(violation.property == property && violation.explanation.contains(part), "{violation}");
}

fn through_bytes<T: Wire>(value: &T) -> T {
    T::from_bytes(&value.to_bytes()).unwrap()
}

pub fn site(number: u8) -> SiteId {
    SiteId::new(number).unwrap()
}

pub fn user(name: &str) -> User {
    name.parse().unwrap()
}

pub fn ballot(round: u64, number: u8) -> Ballot {
    Ballot { round, site: site(number) }
}

pub fn open(nonce: u64) -> Request {
    Request::Open { client: C1, nonce }
}

fn execute(number: u64, operation: Operation) -> Request {
    let session = Session { slot: 0, index: 0 };
    Request::Execute { client: C1, session, number, operation, is_last: false }
}

/// ann tweets, in the session that is opened at 0.0.
pub fn tweet(number: u64, text: &str) -> Request {
    let event = Event::Tweet { user: user("ann"), text: text.parse().unwrap() };
    execute(number, Operation::Event { event })
}

/// A block in the same session.
pub fn block(number: u64, name: &str, target: &str) -> Request {
    execute(number, Operation::Event { event: Event::block(user(name), user(target)).unwrap() })
}

/// A view in the same session.
pub fn view(number: u64, viewer: &str) -> Request {
    execute(number, Operation::View { view: looks(viewer) })
}

pub fn looks(viewer: &str) -> View {
    View { viewer: user(viewer), limit: 9, older_than: None }
}

pub fn applied(request: &Request, at: (u64, u64), answer: Answer) -> Message {
    Message::Applied { id: request.id(), at: Position { slot: at.0, index: at.1 }, answer }
}

pub fn numbered(origin: u8, number: (u64, u64), after: (u64, u64), request: Request) -> Arc<Submission> {
    let [number, after] = [number, after].map(|(incarnation, count)| Number { incarnation, count });
    Arc::new(Submission { origin: site(origin), number, after, request })
}

pub fn taken(submission: &Arc<Submission>) -> Record {
    Record::Taken { submission: submission.clone() }
}

pub fn entry(values: &[&Arc<Submission>]) -> LogEntry {
    Entry::of(values.iter().map(|value| (*value).clone()).collect::<Vec<_>>())
}

pub fn accepted(round: u64, number: u8, slot: u64, values: &[&Arc<Submission>]) -> Record {
    let (ballot, slot, entry) = (ballot(round, number), Slot(slot), entry(values));
    Record::Paxos { record: paxos::PaxosRecord::Accepted { ballot, slot, entry, is_new: false } }
}

/// The same by the leader itself, which put the entry together.
pub fn proposed(round: u64, number: u8, slot: u64, values: &[&Arc<Submission>]) -> Record {
    let (ballot, slot, entry) = (ballot(round, number), Slot(slot), entry(values));
    Record::Paxos { record: paxos::PaxosRecord::Accepted { ballot, slot, entry, is_new: true } }
}

pub fn accept(
    round: u64,
    number: u8,
    slot: u64,
    values: &[&Arc<Submission>],
) -> paxos::PaxosMessage<Arc<Submission>> {
    let (ballot, slot, entry) = (ballot(round, number), Slot(slot), entry(values));
    paxos::PaxosMessage::Accept { ballot, slot, chosen: Slot(0), entry }
}
