//! The interface between protocol and host: what a protocol implements and what a host gives it.
//!
//! A [`Process`] does no I/O, and reads no clock, environment or randomness but what it was given. Every input enters
//! through [`Process::handle`] and every output leaves through [`Effects`]. The simulator and the UDP runtime are two
//! hosts of this one trait.

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
    /// Messages between sites and clients; each travels as bytes in a datagram.
    type Message: Wire + Label;
    /// One durable fact.
    type Record: Wire;
    /// An event, for traces, metrics and people. Notes carry no obligations, and no judge rules on notes alone.
    type Note: Clone + Debug + Display + Label;
    /// A request of a user to this process.
    type Command: Clone + Debug + Display;
    /// The configuration of every process of the cluster.
    type Config: Clone + Debug;

    /// A process that is about to run, built from everything it ever made durable.
    ///
    /// `seed` differs for every incarnation of a process, and for every site. Two clients may have the same seed.
    /// Records that contradict each other are [`Damage`], never a fresh start.
    fn start(
        config: &Self::Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Self::Record>,
    ) -> Result<Self, Damage>;

    /// The maximum number of items that its containers may be asked for in one input, per record, message and note that
    /// results (at least one). Simulations check the count of [`looks`](Process::looks) against this limit.
    const LOOKS_MAX: u64 = u64::MAX;

    /// Whether [`Input::Started`] is handed in before any other input, directly after [`start`](Process::start).
    const TAKES_STARTED: bool = false;

    /// The links that this protocol assumes. Scenarios run under these, unless they say another `order`.
    const LINKS: Links = Links::Datagrams;

    /// Handles one input. It drops malformed or impossible input from outside and notes the reason. An impossible state
    /// of its own is a panic, which the simulator turns into a verdict.
    ///
    /// `now` is the reading of the process's own clock. That clock may run fast or slow, jump ahead, and be set back;
    /// [`Steady`](crate::time::Steady) derives a time from it that never goes back.
    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>);

    /// When to hand in [`Input::Wake`] and for what purpose, on the clock that [`handle`](Process::handle) receives.
    /// The host asks after every input, and after the start unless [`Input::Started`] follows; a moment in the past
    /// means at once. Setting the clock back does not make a
    /// sleep longer: the wake-up comes although the clock shows less than the requested time.
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    /// Its present role, so that scenarios can say "the leader". By default a process never leads.
    fn role(&self) -> Role {
        Role::Follower
    }

    /// How much of what the cluster agreed on it knows, in any unit, so that scenarios can say "the laggard".
    fn progress(&self) -> u64 {
        0
    }

    /// Replaces all its later random draws by draws that its seed would not give: for searches that ask what else might
    /// have happened. A process that draws nothing once it runs does nothing here.
    fn rekey(&mut self, _salt: u64) {}

    /// How many items its containers were asked for since it started, as the containers count
    /// ([`Looks`](crate::cow_log::Looks)). A process that counts nothing is not judged for its work.
    fn looks(&self) -> u64 {
        0
    }

    /// How many commands it received and has not answered. A crash loses them, and worlds count that.
    fn unanswered(&self) -> usize {
        0
    }

    /// Shows the size of everything that grows with its input, and the limit. Called after every input, so it must not
    /// iterate to count. A process that shows nothing is not judged for its memory.
    fn sizes(&self, _see: impl FnMut(Size)) {}

    /// Its host says, directly after the start, that it will never clone this process: what only clones need can go.
    fn will_not_be_cloned(&mut self) {}
}

/// A process whose whole state in memory can be saved and loaded.
///
/// Once loaded, the process behaves exactly like the saved one.
pub trait Savable: Process<Command: Wire, Config: Wire> {
    /// Names the code of this process. Only the code that wrote a state reads it.
    const CODE: &'static str;

    /// Appends its whole state.
    fn save(&self, out: &mut Vec<u8>);

    /// The process `id` whose state fills `bytes`, with the same configuration as the saved one.
    ///
    /// # Errors When the bytes are not a state, or are a state from which a process cannot continue.
    fn load(config: &Self::Config, id: ProcessId, bytes: &[u8]) -> Result<Self, WireError>;
}

/// The role that a process reports, for aiming faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It leads. Of two leaders, the one with the greater `rank` is the current one.
    Leader {
        /// Orders leaderships: a ballot, an epoch.
        rank: u64,
    },
    /// It tries to lead.
    Candidate,
    /// It follows, or its protocol has no such roles.
    Follower,
    /// It sends requests and keeps nothing durable.
    Client,
}

/// Everything that a process made durable, as its host read it back.
#[derive(Clone, Debug)]
pub struct Recovered<R> {
    /// How often this process has been started, this start included: 1 for a fresh process. The host makes the number
    /// durable before the process starts, so no two incarnations share one.
    pub incarnation: u64,
    /// Its records, in the order in which they were appended.
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

/// Durable state that contradicts itself or does not decode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage(pub String);

impl Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "durable state is damaged: {}", self.0)
    }
}

impl core::error::Error for Damage {}

/// What a link between two programs promises, in each direction. A later one promises more.
///
/// The terminal of a site shares the links of the site's program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[cfg_attr(feature = "scenario", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "scenario", serde(rename(deserialize = "order of links")))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Links"))]
pub enum Links {
    /// Nothing, like UDP: datagrams are lost, doubled, damaged and overtaken.
    #[default]
    Datagrams,
    /// The order of sending: nothing arrives before what was sent earlier. Datagrams may be lost, and arrive twice in
    /// a row.
    Fifo,
    /// Connections, like TCP: while a link is up, everything arrives once, whole and in the order of sending. A long
    /// cut, or the end of either program, breaks the link. Both ends are told with the input `Link`.
    Stream,
}

/// One thing that happens to a process.
#[derive(Clone, Debug)]
pub enum Input<P: Process> {
    /// The process has just been started: its first input, for processes that [ask](Process::TAKES_STARTED) for it. A
    /// process that sends or appends while it is built, as many crates do, does so here.
    Started,
    /// A message arrived from another process or, after its wait in the outbox, from the process itself.
    Message {
        /// The sender that the message names; nothing proves it yet. The process itself only if it did send this: a
        /// host drops datagrams from elsewhere that claim so.
        from: ProcessId,
        /// The decoded message.
        message: P::Message,
    },
    /// The process's [deadline](Process::deadline) has passed.
    Wake,
    /// A user's request.
    Command(P::Command),
    /// The host's ability to reserve disk space ahead has changed.
    DiskSpace {
        /// Whether the host cannot reserve space. What is reserved then lasts for the records in flight and little
        /// more, so the process should accept no further requests until space is back.
        is_low: bool,
    },
    /// The link to another program broke, or is there again. Only worlds with [`Links::Stream`] hand it in. Every link
    /// is up when a program starts for the first time. When a program is started again, all its links are down until
    /// they are reported to be up.
    Link {
        /// The program at the other end: a site or a client.
        peer: ProcessId,
        /// Whether the link is there again. If not, what this process sent lately may be lost, and what it sends is
        /// lost until the link is up.
        up: bool,
    },
}

impl<P: Process> Input<P> {
    /// The same input of another type of process: for a process that wraps another and changes nothing.
    pub fn into_input_of<Q>(self) -> Input<Q>
    where
        Q: Process<Message = P::Message, Command = P::Command>,
    {
        match self {
            Input::Started => Input::Started,
            Input::Message { from, message } => Input::Message { from, message },
            Input::Wake => Input::Wake,
            Input::Command(command) => Input::Command(command),
            Input::DiskSpace { is_low } => Input::DiskSpace { is_low },
            Input::Link { peer, up } => Input::Link { peer, up },
        }
    }
}

/// How much one container of a process holds, and its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// A noun phrase for the items: `submissions in the queue`.
    pub what: &'static str,
    /// The number of items.
    pub holds: u64,
    /// The limit on the number of items.
    pub max: u64,
}

impl Size {
    /// A size of `holds` items, with the limit `max`.
    pub fn new(what: &'static str, holds: usize, max: usize) -> Size {
        Size { what, holds: holds as u64, max: max as u64 }
    }
}

/// Messages of this [rank](Label::rank) and above only say that their sender lives. Traces leave them out even when
/// they are lost.
pub const BACKGROUND: u8 = 30;

/// The kind and the subject of a message or a note, for rules, fates and traces.
///
/// `label_enum!` implements it for an enum.
pub trait Label {
    /// Every name that [`kind`](Label::kind) returns, so that scenarios can be checked for wrong names. Empty when the
    /// names are unknown: then a wrong name makes a run stale.
    fn kinds() -> Vec<&'static str> {
        Vec::new()
    }

    /// Every noun of its [subjects](Label::subject), for the same purpose. Empty when the nouns are unknown.
    fn nouns() -> Vec<&'static str> {
        Vec::new()
    }

    /// Its kind: `Accept`.
    fn kind(&self) -> &'static str;

    /// Its subject: an identity (a slot, a request), never a watermark, since fates are drawn from it.
    fn subject(&self) -> Subject;

    /// The sort key of messages that share a datagram; the sort is stable. Heartbeats come last.
    fn rank(&self) -> u8 {
        0
    }
}

/// The kinds of what a tuple variant holds, given its constructor: for `label_enum!`.
#[doc(hidden)]
pub fn kinds_in<T: Label, E>(_: fn(T) -> E) -> Vec<&'static str> {
    T::kinds()
}

/// The nouns of what a tuple variant holds, given its constructor: for `label_enum!`.
#[doc(hidden)]
pub fn nouns_in<T: Label, E>(_: fn(T) -> E) -> Vec<&'static str> {
    T::nouns()
}

/// The note type of processes that write no notes.
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

/// The subject of a message: a kind of thing and its number. Displayed as `slot 7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Subject {
    /// The kind of thing; `""` when the message is about nothing in particular.
    pub noun: &'static str,
    /// The number of the thing.
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

/// The recipients of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Recipients {
    /// One process.
    One(ProcessId),
    /// Several sites: one encoded buffer for all of them.
    Sites(SiteSet),
    /// The first `count` clients except the sender itself: one encoded buffer for all of them.
    Clients {
        /// The number of clients, from client 0 on.
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

    /// Whether a message to these recipients also comes back to its sender `me`.
    pub(crate) fn is_own(self, me: ProcessId) -> bool {
        match self {
            Recipients::One(_) | Recipients::Sites(_) => self.contains(me),
            Recipients::Clients { .. } => false,
        }
    }

    /// Each recipient, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = ProcessId> + Clone + use<> {
        self.iter_but(None)
    }

    /// Each recipient but `me`, in ascending order.
    #[inline]
    pub(crate) fn iter_but(self, me: Option<ProcessId>) -> impl Iterator<Item = ProcessId> + Clone + use<> {
        let mut client = 0u16;
        // An empty set of sites marks the end.
        let mut rest = match (self, me) {
            (Recipients::One(_), Some(me)) if self.contains(me) => Recipients::Sites(SiteSet::EMPTY),
            (Recipients::Sites(sites), Some(ProcessId::Site(me))) => Recipients::Sites(sites.without(me)),
            (all, _) => all,
        };
        core::iter::from_fn(move || match &mut rest {
            Recipients::Sites(sites) => sites.pop_first().map(ProcessId::Site),
            Recipients::One(one) => {
                let one = *one;
                rest = Recipients::Sites(SiteSet::EMPTY);
                Some(one)
            }
            Recipients::Clients { count } => {
                client = client.saturating_add((me == Some(ProcessId::Client(client))).into());
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

/// One message as given to [`Effects`]: encoded, with what hosts need to know about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sent {
    pub(crate) to: Recipients,
    pub(crate) is_independent: bool,
    pub(crate) kind: &'static str,
    pub(crate) subject: Subject,
    pub(crate) rank: u8,
    pub(crate) bytes: Range<usize>,
}

/// Why a process must not continue: something that it relies on does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The property that does not hold, in one word, as in verdicts: `divergence`.
    pub property: &'static str,
    /// One sentence with the values that show the violation, and what to do.
    pub reason: String,
}

/// The effects of one call of [`Process::handle`]. The host owns and reuses it. Effects are encoded as they are given.
#[derive(Clone, Debug)]
pub struct Effects<P: Process> {
    pub(crate) records: Records,
    pub(crate) buffer: Vec<u8>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) notes: Vec<P::Note>,
    /// Whether anybody reads the notes of ordinary work.
    pub(crate) is_watched: bool,
    pub(crate) stop: Option<Stop>,
}

impl<P: Process> Default for Effects<P> {
    fn default() -> Effects<P> {
        Effects {
            records: Records::default(),
            buffer: Vec::new(),
            sent: Vec::new(),
            notes: Vec::new(),
            is_watched: true,
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

    /// Sends `message` once everything appended earlier and *every* record of this call is durable, whether appended
    /// before or after `send`. A process may send to itself: that message skips the network, but not the wait.
    pub fn send(&mut self, to: impl Into<Recipients>, message: &P::Message) {
        self.push(to.into(), message, false);
    }

    /// Sends `message` at once. Correct only if the message stays true when a crash loses every unsynced record.
    pub fn send_independent(&mut self, to: impl Into<Recipients>, message: &P::Message) {
        self.push(to.into(), message, true);
    }

    /// Reports an event to observers.
    pub fn note(&mut self, note: P::Note) {
        self.notes.push(note);
    }

    /// Reports an event of ordinary work, if anybody reads such notes. A simulator always does.
    pub fn note_if_watched(&mut self, note: impl FnOnce() -> P::Note) {
        if self.is_watched {
            self.notes.push(note());
        }
    }

    /// Stops the process, as a failed disk would. Nothing of this call is appended or sent, not even what was given
    /// before `stop`; only its notes are reported. The process receives no further input. The first reason counts.
    ///
    /// For problems that the process finds in its cluster. An impossible state of its own is a panic.
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

    /// The number of records, messages and notes.
    pub(crate) fn outcomes(&self) -> usize {
        self.records.ends.len() + self.sent.len() + self.notes.len()
    }

    /// The number of bytes to append and send.
    pub fn bytes(&self) -> usize {
        self.records.bytes.len() + self.buffer.len()
    }

    /// Removes everything and keeps the buffers. [`crate::outbox::Outbox::absorb`] takes the messages.
    pub fn clear(&mut self) {
        self.records.clear();
        self.buffer.clear();
        self.sent.clear();
        self.notes.clear();
        self.stop = None;
    }

    /// The same effects as those of another type of process: for a process that wraps another and changes nothing.
    pub fn into_effects_of<Q>(self) -> Effects<Q>
    where
        Q: Process<Message = P::Message, Record = P::Record, Note = P::Note>,
    {
        let Effects { records, buffer, sent, notes, is_watched, stop } = self;
        Effects { records, buffer, sent, notes, is_watched, stop }
    }

    /// Takes everything out again, decoded: for a process that wraps another and changes its effects.
    ///
    /// # Errors When something does not decode as it was encoded, so that the codec of `P` is broken.
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
    /// The records to make durable, in this order.
    pub records: Vec<P::Record>,
    /// The messages to send, in this order.
    pub messages: Vec<Letter<P::Message>>,
    /// The notes, in this order.
    pub notes: Vec<P::Note>,
    /// Why the process stops, if it does. Then no record is appended and no message sent.
    pub stop: Option<Stop>,
}

/// One message as given to [`Effects`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter<M> {
    /// The recipients.
    pub to: Recipients,
    /// The message.
    pub message: M,
    /// Whether it is sent without waiting for a sync.
    pub is_independent: bool,
}

/// Encoded records in order: what a journal appends as one batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The size of all records together, in bytes.
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
