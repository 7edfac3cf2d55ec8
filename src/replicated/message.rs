//! Everything that sites and clients say to each other, and what a site makes durable.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::frame::{DATAGRAM_MIN, FRAME_BYTES, MESSAGE_PREFIX_MAX};
use crate::ids::SiteId;
use crate::process::{Label, Subject};
use crate::replicated::machine::{Machine, Position, Read};
use crate::replicated::paxos::{self, Ballot, Claim, Digest, Slot};
use crate::replicated::submission::{Request, Session, Submission};
use crate::wire::{Reader, Tagged, U64_MAX, Wire, WireError};

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message<M: Machine> {
    /// Between acceptors, proposers and learners.
    Paxos {
        /// What.
        message: paxos::PaxosMessage<Arc<Submission<M>>>,
    },
    /// From an origin to the leader, or to the site through which it follows the leader: please propose this.
    Forward {
        /// What.
        submission: Arc<Submission<M>>,
    },
    /// From a site that hears the leader, for an origin that does not: please propose this. Never passed on.
    Relay {
        /// What.
        submission: Arc<Submission<M>>,
    },
    /// From a client: please do this once.
    Ask {
        /// What.
        request: Request<M>,
    },
    /// To a client: the request is durable in this site's queue. Not yet in the log.
    Taken {
        /// Which.
        id: RequestId,
    },
    /// To a client: the request is in the log, for ever.
    Applied {
        /// Which.
        id: RequestId,
        /// Where it took effect.
        at: Position,
        /// What came of it.
        answer: Answer<M>,
    },
    /// To a client: its session is unknown, closed or evicted; nothing is executed in it any more.
    Expired {
        /// Which.
        id: RequestId,
        /// Whether the request never took effect, under any copy, and never will. Else nobody can say any more.
        is_undone: bool,
    },
    /// To a client: this site did not take this copy, for this reason; try later or elsewhere. Another site may have taken
    /// another one.
    Busy {
        /// Which.
        id: RequestId,
        /// Why.
        reason: BusyReason,
    },
    /// From a client: please tell, from what this site has applied.
    Query {
        /// Chosen by the client; the answer names it. Of a linearizable view, no other life of the client chooses it.
        id: u64,
        /// Answer only when everything below is applied.
        seen: Slot,
        /// What.
        query: Query<M>,
    },
    /// To a client: the answer to a query.
    Told {
        /// Which.
        id: u64,
        /// How far this site has applied the log.
        applied: Slot,
        /// What.
        reply: Reply<M>,
    },
    /// From a site that knows of a difference: this is what it has applied below some slot; what has the recipient there?
    Compare {
        /// The sender's own.
        claim: Claim,
    },
    /// Answers that, with what the sender has below the same slot.
    Compared {
        /// The sender's own.
        claim: Claim,
    },
    /// To a client: this site waited and is still behind what it would have to show, or cannot tell whether it is.
    Behind {
        /// Which query.
        id: u64,
        /// How far this site has applied the log.
        applied: Slot,
    },
}

/// Which request of a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RequestId {
    /// The opening with this nonce.
    Open {
        /// The nonce.
        nonce: u64,
    },
    /// A request of a session.
    Execute {
        /// The session.
        session: Session,
        /// The request's number in it.
        number: u64,
        /// Of what was asked: an answer belongs to the request that asked for it, and to none that takes its number.
        digest: u64,
    },
}

/// What came of a request. Remembered in the replicated state, for retries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer<M: Machine> {
    /// The session is open; its id is the position of the answer.
    Opened,
    /// What came of the operation at the position of the answer.
    Of(M::Outcome),
}

/// Why a site takes no request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BusyReason {
    /// Its queue is full.
    QueueFull,
    /// Its disk is nearly full.
    DiskLow,
    /// Its log differs from another site's, and no quorum is known to have it.
    Diverged,
}

/// What can be asked of a single site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query<M: Machine> {
    /// About the state.
    Of(M::Query),
    /// The log from this position on.
    Log {
        /// The first position.
        from: Position,
    },
    /// How the site is.
    Status,
}

/// An answer to a query; lists are cut to fit a datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply<M: Machine> {
    /// About the state.
    Of(M::Reply),
    /// A piece of the log: what each position holds.
    Log {
        /// In ascending order.
        lines: Vec<LogLine<M>>,
        /// Whether more follow.
        has_more: bool,
    },
    /// How the site is.
    Status {
        /// How.
        status: Status,
    },
}

/// One request of the log. A retried one may stand there twice; it took effect once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine<M: Machine> {
    /// Where.
    pub position: Position,
    /// What.
    pub request: Request<M>,
}

/// How a site is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Whom it tells of.
    pub site: SiteId,
    /// What it does.
    pub phase: Phase,
    /// What it has promised.
    pub ballot: Ballot,
    /// Whom it follows, itself included, be it through another site.
    pub leader: Option<SiteId>,
    /// Below it, it knows everything to be chosen.
    pub chosen: Slot,
    /// Below it, it has applied everything.
    pub applied: Slot,
    /// How many submissions wait in its queue.
    pub queue: u64,
    /// The digest of everything below `applied`.
    pub digest: Digest,
}

/// What a site does in the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It follows.
    Following,
    /// It asks for promises.
    Campaigning,
    /// It leads.
    Leading,
    /// It lets nothing be chosen, whoever leads: its log differs from another site's, and no quorum is known to have it.
    Diverged,
}

/// One durable fact of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record<M: Machine> {
    /// Of its acceptor and learner.
    Paxos {
        /// What.
        record: paxos::PaxosRecord<Arc<Submission<M>>>,
    },
    /// It took a request into its queue.
    Taken {
        /// As numbered.
        submission: Arc<Submission<M>>,
    },
}

impl<M: Machine> Request<M> {
    /// Which request this is.
    pub fn id(&self) -> RequestId {
        match *self {
            Request::Open { nonce, .. } => RequestId::Open { nonce },
            Request::Execute { session, number, ref operation, .. } => {
                RequestId::Execute { session, number, digest: M::digest(operation) }
            }
        }
    }
}

/// Bytes that a datagram with one message takes beside a submission, at most.
const OVERHEAD_MAX: usize =
    FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + paxos::PaxosMessage::<()>::ENTRY_OVERHEAD_MAX + ENTRY_PREFIX_MAX;

/// Bytes of the count in front of the values of an entry.
pub(crate) const ENTRY_PREFIX_MAX: usize = 2;

/// Bytes beside what is asked or answered in any message that carries such.
const QUERY_OVERHEAD_MAX: usize = FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + (1 + 4 * U64_MAX) + 2 * U64_MAX + 1;

/// Bytes that the values of one entry may take, so that every message that carries the entry fits.
pub(crate) const fn entry_bytes_max(datagram_max: usize) -> usize {
    datagram_max - OVERHEAD_MAX
}

/// Bytes of a log that a reply tells at most. Its largest item, a line of the log, is smaller than the submission that it
/// shows, so every list makes progress.
pub(super) const fn list_bytes_max<M: Machine>() -> usize {
    Submission::<M>::BYTES_MAX
}

/// What must hold for a machine, checked when its sites are compiled.
pub(super) const fn check_machine<M: Machine>() {
    let room = DATAGRAM_MIN - QUERY_OVERHEAD_MAX;
    assert!(
        OVERHEAD_MAX + Submission::<M>::BYTES_MAX <= DATAGRAM_MIN,
        "OPERATION_BYTES_MAX does not fit the smallest datagram"
    );
    assert!(M::OUTCOME_BYTES_MAX <= room, "OUTCOME_BYTES_MAX does not fit the smallest datagram");
    assert!(M::QUERY_BYTES_MAX <= room, "QUERY_BYTES_MAX does not fit the smallest datagram");
    assert!(M::REPLY_BYTES_MAX <= room, "REPLY_BYTES_MAX does not fit the smallest datagram");
    assert!(2 + list_bytes_max::<M>() <= room, "a line of the log does not fit the smallest datagram");
    assert!(are_free(M::Outcome::TAGS, &[OPENED]), "tag 1 of outcomes is the site's");
    assert!(are_free(M::Query::TAGS, &[LOG, STATUS]), "tags 2 and 4 of queries are the site's");
    assert!(are_free(M::Reply::TAGS, &[LOG, STATUS]), "tags 2 and 4 of replies are the site's");
}

/// Whether none of `tags` is one of those.
pub(super) const fn are_free(tags: &[u8], of: &[u8]) -> bool {
    let mut index = 0;
    while index < tags.len() * of.len() {
        if tags[index / of.len()] == of[index % of.len()] {
            return false;
        }
        index += 1;
    }
    true
}

/// What the tags of a machine leave free.
const OPENED: u8 = 1;
const LOG: u8 = 2;
const STATUS: u8 = 4;

wire_enum!(Message<M: Machine> {
    1 => Paxos { message },
    2 => Forward { submission },
    3 => Ask { request },
    4 => Taken { id },
    5 => Applied { id, at, answer },
    6 => Expired { id, is_undone },
    7 => Busy { id, reason },
    8 => Query { id, seen, query },
    9 => Told { id, applied, reply },
    10 => Behind { id, applied },
    11 => Relay { submission },
    12 => Compare { claim },
    13 => Compared { claim },
});
wire_enum!(Record<M: Machine> { 1 => Paxos { record }, 2 => Taken { submission } });
wire_enum!(RequestId { 1 => Open { nonce }, 2 => Execute { session, number, digest } });
wire_enum!(BusyReason { 1 => QueueFull, 2 => DiskLow, 3 => Diverged });
wire_struct!(LogLine<M: Machine> { position, request });
wire_enum!(Phase { 1 => Following, 2 => Campaigning, 3 => Leading, 4 => Diverged });
wire_struct!(Status { site, phase, ballot, leader, chosen, applied, queue, digest });

const LIST_MAX: usize = 1_024;

impl<M: Machine> Wire for Answer<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Answer::Opened => out.push(OPENED),
            Answer::Of(outcome) => outcome.encode(out),
        }
    }

    fn size(&self) -> usize {
        match self {
            Answer::Opened => 1,
            Answer::Of(outcome) => outcome.size(),
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Answer<M>, WireError> {
        if input.peek() == Some(OPENED) {
            return input.u8().map(|_| Answer::Opened);
        }
        Wire::decode(input).map(Answer::Of)
    }
}

impl<M: Machine> Wire for Query<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Query::Of(query) => query.encode(out),
            Query::Log { from } => {
                out.push(LOG);
                from.encode(out);
            }
            Query::Status => out.push(STATUS),
        }
    }

    fn size(&self) -> usize {
        match self {
            Query::Of(query) => query.size(),
            Query::Log { from } => 1 + from.size(),
            Query::Status => 1,
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Query<M>, WireError> {
        match input.peek() {
            Some(LOG) => {
                input.u8()?;
                Ok(Query::Log { from: Wire::decode(input)? })
            }
            Some(STATUS) => input.u8().map(|_| Query::Status),
            _ => Wire::decode(input).map(Query::Of),
        }
    }
}

impl<M: Machine> Wire for Reply<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Reply::Of(reply) => reply.encode(out),
            Reply::Log { lines, has_more } => {
                out.push(LOG);
                crate::wire::put_list(out, lines);
                has_more.encode(out);
            }
            Reply::Status { status } => {
                out.push(STATUS);
                status.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Reply<M>, WireError> {
        match input.peek() {
            Some(LOG) => {
                input.u8()?;
                Ok(Reply::Log { lines: input.list(LIST_MAX)?, has_more: bool::decode(input)? })
            }
            Some(STATUS) => {
                input.u8()?;
                Ok(Reply::Status { status: Status::decode(input)? })
            }
            _ => Wire::decode(input).map(Reply::Of),
        }
    }
}

impl<M: Machine> Query<M> {
    /// How far the log must be applied before it is answered.
    pub fn read(&self) -> Read {
        match self {
            Query::Of(query) => M::read(query),
            Query::Log { .. } | Query::Status => Read::Local,
        }
    }
}

/// Every kind of message: first those between sites, in the order of the protocol.
const KINDS: [&str; 24] = [
    "Prepare",
    "Promise",
    "Accept",
    "Accepted",
    "Chosen",
    "Nack",
    "Heartbeat",
    "Heard",
    "Fetch",
    "Supply",
    "Survey",
    "Extent",
    "Forward",
    "Relay",
    "Ask",
    "Taken",
    "Applied",
    "Expired",
    "Busy",
    "Query",
    "Told",
    "Behind",
    "Compare",
    "Compared",
];

/// Those between sites that carry the protocol or what clients ask for.
#[cfg(feature = "scenario")]
pub(super) const BETWEEN_SITES: &[&str] = KINDS.split_at(14).0;

impl<M: Machine> Label for Message<M> {
    const KINDS: &'static [&'static str] = &KINDS;
    const NOUNS: &'static [&'static str] = &["slot", "ballot", "beat", "submission", "opening", "request"];

    fn kind(&self) -> &'static str {
        match self {
            Message::Paxos { message } => message.kind(),
            Message::Forward { .. } => "Forward",
            Message::Relay { .. } => "Relay",
            Message::Ask { .. } => "Ask",
            Message::Taken { .. } => "Taken",
            Message::Applied { .. } => "Applied",
            Message::Expired { .. } => "Expired",
            Message::Busy { .. } => "Busy",
            Message::Query { .. } => "Query",
            Message::Told { .. } => "Told",
            Message::Behind { .. } => "Behind",
            Message::Compare { .. } => "Compare",
            Message::Compared { .. } => "Compared",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Message::Paxos { message } => message.subject(),
            Message::Forward { submission } | Message::Relay { submission } => {
                Subject { noun: "submission", number: submission.number.count }
            }
            Message::Ask { request } => request.subject(),
            Message::Taken { id }
            | Message::Applied { id, .. }
            | Message::Expired { id, .. }
            | Message::Busy { id, .. } => id.subject(),
            Message::Compare { claim } | Message::Compared { claim } => Subject::slot(claim.end.0),
            Message::Query { .. } | Message::Told { .. } | Message::Behind { .. } => {
                // Ids count a client's queries: as an identity one would move with every query left out before it.
                Subject::NONE
            }
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Message::Paxos { message } => message.rank(),
            Message::Forward { .. } | Message::Relay { .. } => 10,
            // Where no quorum agrees they go on for ever.
            Message::Compare { .. } | Message::Compared { .. } => 30,
            _ => 12,
        }
    }
}

impl RequestId {
    /// What traces call it: openings by their order of appearance would not be an identity, so all are 0.
    pub fn subject(self) -> Subject {
        match self {
            RequestId::Open { .. } => Subject { noun: "opening", number: 0 },
            RequestId::Execute { number, .. } => Subject { noun: "request", number },
        }
    }
}

impl<M: Machine> Request<M> {
    /// That of its id, at less cost.
    fn subject(&self) -> Subject {
        match *self {
            Request::Open { nonce, .. } => RequestId::Open { nonce }.subject(),
            Request::Execute { session, number, .. } => {
                RequestId::Execute { session, number, digest: 0 }.subject()
            }
        }
    }
}
