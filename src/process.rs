//! The border: what a protocol implements and what a host hands it.
//!
//! A [`Process`] does no I/O and reads no clock, environment or randomness that it was not given. Everything
//! enters through [`Process::handle`] and everything leaves through [`Effects`]; the simulator and the UDP
//! runtime are two hosts of this one trait.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Debug, Display};
use core::ops::Range;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::time::Instant;
use crate::wire::{Wire, WireError};

/// A protocol, as one deterministic state machine.
pub trait Process: Clone {
    /// What sites and clients say to each other; every one travels as bytes in a datagram.
    type Message: Wire + Label;
    /// One durable fact.
    type Record: Wire;
    /// What happened, for traces, metrics and people. Notes carry no obligations and are not judged alone.
    type Note: Clone + Debug + Display + Label;
    /// What a user asks of this process.
    type Command: Clone + Debug + Display;
    /// What every process of the cluster is configured with.
    type Config: Clone + Debug;

    /// A process that is about to run, out of everything it ever made durable.
    ///
    /// `seed` differs for every incarnation of a process, and of every site. Two clients may have the same. Records that contradict each other are
    /// [`Damage`]: never a fresh start.
    fn start(
        config: &Self::Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Self::Record>,
    ) -> Result<Self, Damage>;

    /// How many items its containers may be asked for in one input, for each record, message and note that comes of it
    /// (at least one). What [`looks`](Process::looks) counts is held to this in simulations.
    const LOOKS_MAX: u64 = u64::MAX;

    /// Takes one input. Nonsense from outside is dropped and noted with its reason; an impossible state of
    /// its own is a panic, which the simulator turns into a verdict.
    ///
    /// `now` is what the process's own clock shows: it may run fast or slow, jump ahead, and be set back
    /// ([`Steady`](crate::time::Steady) makes a time of it that is not).
    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>);

    /// When to hand in [`Input::Wake`] and what for, by the clock that [`handle`](Process::handle) is told. Asked after
    /// every input; a moment in the past means at once. A clock that is set back does not make a sleep longer: the
    /// wake-up comes, though the clock shows less than what was asked for.
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    /// What it is at the moment, so that scenarios can say "the leader". Nobody leads where this is not written.
    fn role(&self) -> Role {
        Role::Follower
    }

    /// How much of what the cluster agreed on it knows, in whatever unit, so that scenarios can say "the laggard".
    fn progress(&self) -> u64 {
        0
    }

    /// Makes everything that it draws from here on another draw than its seed has in store: for searches that ask
    /// what else might have happened. A process that draws nothing once it runs has nothing to do.
    fn rekey(&mut self, _salt: u64) {}

    /// How many items its containers were asked for since it started, by their own count
    /// ([`Looks`](crate::cow_log::Looks)). A process that counts nothing is not judged for its work.
    fn looks(&self) -> u64 {
        0
    }

    /// How many commands it was handed and has not answered: whoever crashes loses them, and worlds count that.
    fn unanswered(&self) -> usize {
        0
    }

    /// Shows everything that grows with what comes in, and its limit. Called after every input, so it counts
    /// nothing. A process that shows nothing is not judged for its memory.
    fn sizes(&self, _see: impl FnMut(Size)) {}
}

/// A process whose whole state in memory can be written down and read back.
///
/// What is loaded does from then on what the saved one does, bit for bit.
pub trait Savable: Process<Command: Wire, Config: Wire> {
    /// Names the code of this process: a state is read by the code that wrote it and by no other.
    const CODE: &'static str;

    /// Appends its whole state.
    fn save(&self, out: &mut Vec<u8>);

    /// The process `id` whose state fills `bytes`, configured as the saved one was.
    ///
    /// # Errors
    /// When they are no state, or one that cannot be gone on with.
    fn load(config: &Self::Config, id: ProcessId, bytes: &[u8]) -> Result<Self, WireError>;
}

/// What a process says of itself to those who aim faults at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It leads; of two leaders the one with the greater `rank` is the current one.
    Leader {
        /// Orders leaderships: a ballot, an epoch.
        rank: u64,
    },
    /// It tries to lead.
    Candidate,
    /// It follows, or has no such roles.
    Follower,
    /// It asks and keeps nothing durable.
    Client,
}

/// Everything that a process made durable, as its host read it back.
#[derive(Clone, Debug)]
pub struct Recovered<R> {
    /// How often this process has been started, this time included: 1 for a fresh one. Durable before the
    /// process starts, so no two incarnations share a number.
    pub incarnation: u64,
    /// Its records, in the order of their appending.
    pub records: Vec<R>,
}

impl Recovered<Vec<u8>> {
    /// Decodes each record, as a journal returned it.
    pub fn decode<R: Wire>(&self) -> Result<Recovered<R>, Damage> {
        let count = self.records.len();
        let decode = |(index, bytes): (usize, &Vec<u8>)| {
            let damage = |error| Damage(format!("record {} of {count} does not decode: {error}", index + 1));
            R::from_bytes(bytes).map_err(damage)
        };
        let records = self.records.iter().enumerate().map(decode).collect::<Result<_, _>>()?;
        Ok(Recovered { incarnation: self.incarnation, records })
    }
}

/// Durable state that cannot be true.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage(pub String);

impl Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "durable state is damaged: {}", self.0)
    }
}

impl core::error::Error for Damage {}

/// One thing that happens to a process.
#[derive(Clone, Debug)]
pub enum Input<P: Process> {
    /// A message came, from another process or, after its wait, from itself.
    Message {
        /// Who says it sent this; nothing proves it yet. The process itself only when it did: a host drops
        /// datagrams from elsewhere that claim so.
        from: ProcessId,
        /// What it says.
        message: P::Message,
    },
    /// The process's [deadline](Process::deadline) has come.
    Wake,
    /// A user asks something.
    Command(P::Command),
    /// Whether the host can reserve disk space ahead has changed.
    DiskSpace {
        /// It cannot: what is reserved lasts for the records in flight and little more, so the process should
        /// take on nothing new until it hears otherwise.
        is_low: bool,
    },
}

/// How much one container of a process holds, and how much it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// What it holds: `submissions in the queue`.
    pub what: &'static str,
    /// How many.
    pub holds: u64,
    /// How many at most.
    pub max: u64,
}

impl Size {
    /// `holds` of at most `max`.
    pub fn new(what: &'static str, holds: usize, max: usize) -> Size {
        Size { what, holds: holds as u64, max: max as u64 }
    }
}

/// Messages of this [rank](Label::rank) and above say only that their sender lives: traces leave them out even
/// when they are lost.
pub const BACKGROUND: u8 = 30;

/// What a message or a note is called and what it is about, for rules, fates and traces.
///
/// `label_enum!` writes it for an enum.
pub trait Label {
    /// Every name that [`kind`](Label::kind) gives, so that scenarios can be checked for wrong ones. Empty when that
    /// is not known: then a wrong name makes a run stale.
    const KINDS: &'static [&'static str] = &[];

    /// Every noun of its [subjects](Label::subject), for the same purpose; empty when that is not known.
    const NOUNS: &'static [&'static str] = &[];

    /// Its name: `Accept`.
    fn kind(&self) -> &'static str;

    /// What it is about: an identity (a slot, a request), never a watermark, since fates are drawn from it.
    fn subject(&self) -> Subject;

    /// Messages that share a datagram are ordered by this, stably; heartbeats come last.
    fn rank(&self) -> u8 {
        0
    }
}

/// The note of processes that have nothing to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoNote {}

impl Label for NoNote {
    fn kind(&self) -> &'static str {
        match *self {}
    }

    fn subject(&self) -> Subject {
        match *self {}
    }
}

impl Display for NoNote {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// What a message is about: a kind of thing and which one. Displayed as `slot 7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Subject {
    /// The kind of thing; `""` when the message is about nothing in particular.
    pub noun: &'static str,
    /// Which one.
    pub number: u64,
}

impl Subject {
    /// Nothing in particular.
    pub const NONE: Subject = Subject { noun: "", number: 0 };

    /// A position in a log.
    pub const fn slot(number: u64) -> Subject {
        Subject { noun: "slot", number }
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.noun.is_empty() { Ok(()) } else { write!(f, "{} {}", self.noun, self.number) }
    }
}

/// Whom a message goes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Recipients {
    /// One process.
    One(ProcessId),
    /// Several sites: one encoded buffer for all of them.
    Sites(SiteSet),
    /// The first `count` clients but for the sender itself: one encoded buffer for all of them.
    Clients {
        /// How many, from client 0 on.
        count: u16,
    },
}

impl Recipients {
    /// Whether `id` is among them.
    pub fn contains(self, id: ProcessId) -> bool {
        match self {
            Recipients::One(one) => one == id,
            Recipients::Sites(sites) => id.as_site().is_some_and(|site| sites.contains(site)),
            Recipients::Clients { count } => matches!(id, ProcessId::Client(number) if number < count),
        }
    }

    /// Whether a message to these comes back to its sender `me` too.
    pub(crate) fn is_own(self, me: ProcessId) -> bool {
        match self {
            Recipients::One(_) | Recipients::Sites(_) => self.contains(me),
            Recipients::Clients { .. } => false,
        }
    }

    /// Each of them, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = ProcessId> + Clone + use<> {
        // Nobody, at the end, is a set of no sites.
        let (mut rest, mut client) = (self, 0);
        core::iter::from_fn(move || match &mut rest {
            Recipients::One(one) => {
                let one = *one;
                rest = Recipients::Sites(SiteSet::EMPTY);
                Some(one)
            }
            Recipients::Sites(sites) => sites.pop_first().map(ProcessId::Site),
            Recipients::Clients { count } => {
                let next = (client < *count).then_some(ProcessId::Client(client));
                client += 1;
                next
            }
        })
    }
}

impl From<ProcessId> for Recipients {
    fn from(one: ProcessId) -> Recipients {
        Recipients::One(one)
    }
}

impl From<SiteId> for Recipients {
    fn from(site: SiteId) -> Recipients {
        Recipients::One(site.into())
    }
}

impl From<SiteSet> for Recipients {
    fn from(sites: SiteSet) -> Recipients {
        Recipients::Sites(sites)
    }
}

/// One message as given to [`Effects`]: encoded, with what hosts need to know of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sent {
    pub(crate) to: Recipients,
    pub(crate) is_independent: bool,
    pub(crate) kind: &'static str,
    pub(crate) subject: Subject,
    pub(crate) rank: u8,
    pub(crate) bytes: Range<usize>,
}

/// Why a process must not go on: something that it relies on does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// What does not hold, in one word, as verdicts name it: `divergence`.
    pub property: &'static str,
    /// One sentence with the values that show it, and what to do.
    pub reason: String,
}

/// What one call of [`Process::handle`] wants done. Owned and reused by the host; encoded as it is given.
#[derive(Clone, Debug)]
pub struct Effects<P: Process> {
    pub(crate) records: Records,
    pub(crate) buffer: Vec<u8>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) notes: Vec<P::Note>,
    pub(crate) stop: Option<Stop>,
}

impl<P: Process> Default for Effects<P> {
    fn default() -> Effects<P> {
        Effects {
            records: Records::default(),
            buffer: Vec::new(),
            sent: Vec::new(),
            notes: Vec::new(),
            stop: None,
        }
    }
}

impl<P: Process> Effects<P> {
    /// Makes `record` durable. All records of one call become durable together or not at all.
    pub fn append(&mut self, record: &P::Record) {
        record.encode(&mut self.records.bytes);
        self.records.ends.push(self.records.bytes.len());
    }

    /// Sends `message` once *every* record of this call, whatever the order of the calls, and everything
    /// appended earlier is durable. A process may send to itself: that message skips the network, not the wait.
    pub fn send(&mut self, to: impl Into<Recipients>, message: &P::Message) {
        self.push(to.into(), message, false);
    }

    /// Sends `message` at once. Right only for what stays true if every unsynced record is lost in a crash.
    pub fn send_independent(&mut self, to: impl Into<Recipients>, message: &P::Message) {
        self.push(to.into(), message, true);
    }

    /// Tells whoever watches what happened.
    pub fn note(&mut self, note: P::Note) {
        self.notes.push(note);
    }

    /// Stops the process, as a disk that failed would: nothing of this call is appended or sent, whatever the order
    /// of the calls, only its notes are told; nothing is handed in any more. The first reason counts.
    ///
    /// For what the process finds out about the cluster it is in. An impossible state of its own is a panic.
    pub fn stop(&mut self, property: &'static str, reason: String) {
        self.stop.get_or_insert(Stop { property, reason });
    }

    fn push(&mut self, to: Recipients, message: &P::Message, is_independent: bool) {
        let start = self.buffer.len();
        message.encode(&mut self.buffer);
        let bytes = start..self.buffer.len();
        let (kind, subject, rank) = (message.kind(), message.subject(), message.rank());
        self.sent.push(Sent { to, is_independent, kind, subject, rank, bytes });
    }

    /// The records of this call, for the host's journal.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// How many records, messages and notes there are.
    pub(crate) fn outcomes(&self) -> usize {
        self.records.ends.len() + self.sent.len() + self.notes.len()
    }

    /// How much is to be written and sent, in bytes.
    pub fn bytes(&self) -> usize {
        self.records.bytes.len() + self.buffer.len()
    }

    /// Forgets everything, keeping the buffers. Messages are taken by [`crate::outbox::Outbox::absorb`].
    pub fn clear(&mut self) {
        self.records.clear();
        self.buffer.clear();
        self.sent.clear();
        self.notes.clear();
        self.stop = None;
    }

    /// Takes everything out again, decoded: for a process that wraps another and changes what it wants done.
    ///
    /// # Errors
    /// When something does not decode as it was encoded: the codec of `P` is broken.
    pub fn take(&mut self) -> Result<Given<P>, WireError> {
        let records = self.records.iter().map(P::Record::from_bytes).collect::<Result<_, _>>()?;
        let letter = |sent: &Sent| {
            let message = P::Message::from_bytes(&self.buffer[sent.bytes.clone()])?;
            Ok(Letter { to: sent.to, message, is_independent: sent.is_independent })
        };
        let messages = self.sent.iter().map(letter).collect::<Result<_, _>>()?;
        let (notes, stop) = (core::mem::take(&mut self.notes), self.stop.take());
        self.clear();
        Ok(Given { records, messages, notes, stop })
    }
}

/// Everything that one call of [`Process::handle`] gave to its [`Effects`].
#[derive(Clone, Debug)]
pub struct Given<P: Process> {
    /// To be made durable, in this order.
    pub records: Vec<P::Record>,
    /// To be sent, in this order.
    pub messages: Vec<Letter<P::Message>>,
    /// What happened.
    pub notes: Vec<P::Note>,
    /// Why the process stops, if it does: then nothing else of this is done.
    pub stop: Option<Stop>,
}

/// One message as given to [`Effects`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter<M> {
    /// To whom.
    pub to: Recipients,
    /// What.
    pub message: M,
    /// Whether it was sent without a wait.
    pub is_independent: bool,
}

/// Encoded records in order: what a journal appends as one batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes all of them have.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The encoded records, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    /// Appends one encoded record.
    pub fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_decode_or_the_bad_one_is_named() {
        let records = Vec::from([7u64.to_bytes(), 300u64.to_bytes()]);
        let mut recovered = Recovered { incarnation: 2, records };
        assert_eq!(recovered.decode::<u64>().unwrap().records, [7, 300]);
        recovered.records[1].push(0);
        let damage = recovered.decode::<u64>().unwrap_err();
        assert_eq!(damage.0, "record 2 of 2 does not decode: bytes remain behind the last value");
    }
}
