//! The interface between protocol and host: what a protocol implements and what a host gives it.
//!
//! A [`Process`] does no I/O, and reads no clock, environment or randomness but what it was given. Every input enters
//! through [`Process::handle`] and every output leaves through [`Effects`]. The simulator and the UDP runtime are two
//! hosts of this one trait.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Debug, Display};

use crate::ids::ProcessId;
use crate::mix::Seed;
use crate::time::Instant;
use crate::wire::{Wire, WireError};

mod effects;
mod label;
mod recipients;

pub(crate) use effects::Sent;
pub use effects::{Effects, Given, Letter, Records, Stop};
pub use label::{BACKGROUND, Label, NoNote, Subject, kinds_in, nouns_in};
pub use recipients::Recipients;

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
    /// Decodes each record, as a journal returned it. Its bytes are gone then, so that not all records are in memory twice.
    pub fn decode<R: Wire>(self) -> Result<Recovered<R>, Damage> {
        self.decode_with(R::from_bytes)
    }

    /// [`decode`](Recovered::decode) with another function that decodes like [`Wire::from_bytes`].
    pub(crate) fn decode_with<R>(
        self,
        mut decode: impl FnMut(&[u8]) -> Result<R, WireError>,
    ) -> Result<Recovered<R>, Damage> {
        let Recovered { incarnation, records } = self;
        let count = records.len();
        // A list of their own: records that are decoded in place would keep the room of what was read.
        let mut decoded = Vec::with_capacity(count);
        for (index, bytes) in records.into_iter().enumerate() {
            let damage = |error| Damage(format!("record {} of {count} does not decode: {error}", index + 1));
            decoded.push(decode(&bytes).map_err(damage)?);
        }
        Ok(Recovered { incarnation, records: decoded })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_decode_or_the_bad_one_is_named() {
        let records = Vec::from([7u64.to_bytes(), 300u64.to_bytes()]);
        let mut recovered = Recovered { incarnation: 2, records };
        assert_eq!(recovered.clone().decode::<u64>().unwrap().records, [7, 300]);
        recovered.records[1].push(0);
        let damage = recovered.decode::<u64>().unwrap_err();
        assert_eq!(damage.0, "record 2 of 2 does not decode: bytes remain behind the last value");
    }
}
