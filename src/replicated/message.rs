//! The messages between sites and clients, and the records that a site makes durable.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::frame::{DATAGRAM_MIN, FRAME_BYTES, MESSAGE_PREFIX_MAX};
use crate::ids::SiteId;
use crate::process::{Label, Subject};
use crate::replicated::machine::{Machine, Position, Read};
use crate::replicated::paxos::{self, Ballot, Claim, Digest, Slot};
use crate::replicated::submission::{Request, Session, Spelled, Submission};
use crate::wire::{Reader, Tagged, U64_MAX, Wire, WireError};

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message<M: Machine> {
    /// Between acceptors, proposers and learners.
    Paxos {
        /// The protocol's message.
        message: paxos::PaxosMessage<Arc<Submission<M>>>,
    },
    /// From an origin to the leader, or to the peer through which it follows the leader: asks to propose a submission.
    Forward {
        /// The submission to propose.
        submission: Arc<Submission<M>>,
    },
    /// From a site that hears the leader, for an origin that does not: asks to propose a submission. Never passed on.
    Relay {
        /// The submission to propose.
        submission: Arc<Submission<M>>,
    },
    /// From a client: asks to do something once.
    Request {
        /// The request.
        request: Request<M>,
    },
    /// To a client: the request is durable in this site's queue. It is not in the log yet.
    Taken {
        /// The id of the request.
        id: RequestId,
    },
    /// To a client: the request is in the log, for ever.
    Applied {
        /// The id of the request.
        id: RequestId,
        /// Where it took effect: slot and index.
        at: Position,
        /// The outcome.
        answer: Answer<M>,
    },
    /// To a client: its session is unknown, closed or evicted. No further request is executed in it.
    Expired {
        /// The id of the request.
        id: RequestId,
        /// Whether no copy of the request ever took effect or ever will. If `false`, the outcome is unknown.
        is_undone: bool,
    },
    /// To a client: this site did not take this copy; try later or elsewhere. Another site may have taken another copy.
    Busy {
        /// The id of the request.
        id: RequestId,
        /// The reason.
        reason: BusyReason,
    },
    /// From a client: asks for an answer from what this site has applied.
    Query {
        /// Chosen by the client; the answer repeats it. No other life of the client chooses the id of a linearizable
        /// view.
        id: u64,
        /// The site answers only once everything below this slot is applied.
        seen: Slot,
        /// The query.
        query: Query<M>,
    },
    /// To a client: the answer to a query.
    QueryReply {
        /// The id of the query.
        id: u64,
        /// This site has applied everything below this slot.
        applied: Slot,
        /// The answer.
        reply: Reply<M>,
    },
    /// From a site that knows of a difference: its claim of what it has applied below a slot. Asks for the recipient's
    /// claim.
    Compare {
        /// The sender's own claim.
        claim: Claim,
    },
    /// Answers `Compare` with what the sender has applied below the same slot.
    CompareReply {
        /// The sender's own claim.
        claim: Claim,
    },
    /// To a client: this site waited and is still behind what it would have to show, or cannot tell whether it is.
    Behind {
        /// The id of the query.
        id: u64,
        /// This site has applied everything below this slot.
        applied: Slot,
    },
}

/// Identifies a request of a client.
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
        /// The digest of the operation: an answer belongs to the request that asked for it, and to no other of the same
        /// number.
        digest: u64,
    },
}

/// The outcome of a request. The replicated state remembers it for retries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer<M: Machine> {
    /// The session is open; its id is the position of the answer.
    Opened,
    /// The outcome of the operation at the position of the answer.
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

/// A question to a single site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query<M: Machine> {
    /// About the state.
    Of(M::Query),
    /// The log from this position on.
    Log {
        /// The first position.
        from: Position,
    },
    /// The site's status.
    Status,
}

/// An answer to a query; lists are cut to fit a datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply<M: Machine> {
    /// About the state.
    Of(M::Reply),
    /// A piece of the log.
    Log {
        /// One line per request, in ascending order.
        lines: Vec<LogLine<M>>,
        /// Whether more follow.
        has_more: bool,
    },
    /// The site's status.
    Status {
        /// The status.
        status: Status,
    },
}

/// One request of the log. A retried request may stand there twice; it took effect once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine<M: Machine> {
    /// Its position in the log.
    pub position: Position,
    /// The request.
    pub request: Request<M>,
}

/// The status of a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The site that reports.
    pub site: SiteId,
    /// Its phase in the protocol.
    pub phase: Phase,
    /// The highest ballot that it has promised.
    pub ballot: Ballot,
    /// The leader that it follows, directly or through another site; itself if it leads.
    pub leader: Option<SiteId>,
    /// It knows everything below this slot to be chosen.
    pub chosen: Slot,
    /// It has applied everything below this slot.
    pub applied: Slot,
    /// The number of submissions in its queue.
    pub queue: u64,
    /// The digest of everything below `applied`.
    pub digest: Digest,
}

/// A site's phase in the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It follows.
    Following,
    /// It asks for promises.
    Campaigning,
    /// It leads.
    Leading,
    /// It takes no part in choosing, whichever site leads: its log differs from another site's, and no quorum is known
    /// to have it.
    Diverged,
}

/// One durable fact of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record<M: Machine> {
    /// A fact of its acceptor and learner.
    Paxos {
        /// The protocol's record.
        record: paxos::PaxosRecord<Arc<Submission<M>>>,
    },
    /// It took a request into its queue, and has not proposed it.
    Taken {
        /// The submission, numbered.
        submission: Arc<Submission<M>>,
    },
}

impl<M: Machine> Record<M> {
    /// The submissions that `site` took into its queue, at the latest, when it wrote this record. A leader that
    /// proposes a request of its own client at once writes only that it accepted it; such an entry may also hold
    /// submissions that it took before.
    pub fn taken_by(&self, site: SiteId) -> impl Iterator<Item = &Arc<Submission<M>>> {
        let (taken, entry) = match self {
            Record::Taken { submission } => (Some(submission), None),
            Record::Paxos { record: paxos::PaxosRecord::Accepted { entry, is_new: true, .. } } => {
                (None, Some(entry))
            }
            Record::Paxos { .. } => (None, None),
        };
        let proposed = entry.into_iter().flat_map(paxos::Entry::values);
        taken.into_iter().chain(proposed.filter(move |submission| submission.origin == site))
    }
}

impl<M: Machine> Request<M> {
    /// The id of this request.
    pub fn id(&self) -> RequestId {
        match *self {
            Request::Open { nonce, .. } => RequestId::Open { nonce },
            Request::Execute { session, number, ref operation, .. } => {
                RequestId::Execute { session, number, digest: M::digest(operation) }
            }
        }
    }
}

/// The most bytes of a datagram with one message, beside the submission in it.
const OVERHEAD_MAX: usize =
    FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + paxos::PaxosMessage::<()>::ENTRY_OVERHEAD_MAX + ENTRY_PREFIX_MAX;

/// Bytes of the count before the values of an entry.
pub(crate) const ENTRY_PREFIX_MAX: usize = 2;

/// The most bytes of any message with a query, a reply or an outcome, beside what it carries.
const QUERY_OVERHEAD_MAX: usize = FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + (1 + 4 * U64_MAX) + 2 * U64_MAX + 1;

/// The most bytes of the values of one entry, so that every message that carries the entry fits.
pub(crate) const fn entry_bytes_max(datagram_max: usize) -> usize {
    datagram_max - OVERHEAD_MAX
}

/// The most bytes of the log in one reply. The largest item, a line of the log, is smaller than the submission that it
/// shows, so every list makes progress.
pub(super) const fn list_bytes_max<M: Machine>() -> usize {
    Submission::<M>::BYTES_MAX
}

/// Checks the constraints on a machine when its sites are compiled.
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

/// Whether no tag is in both lists.
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

/// The tags that every machine leaves free.
const OPENED: u8 = 1;
const LOG: u8 = 2;
const STATUS: u8 = 4;

wire_enum!(Message<M: Machine> {
    1 => Paxos { message },
    2 => Forward { submission },
    3 => Request { request },
    4 => Taken { id },
    5 => Applied { id, at, answer },
    6 => Expired { id, is_undone },
    7 => Busy { id, reason },
    8 => Query { id, seen, query },
    9 => QueryReply { id, applied, reply },
    10 => Behind { id, applied },
    11 => Relay { submission },
    12 => Compare { claim },
    13 => CompareReply { claim },
});
/// Older journals have records of tags 1 and 2, with longer submissions.
impl<M: Machine> Wire for Record<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Record::Paxos { record } => {
                out.push(3);
                record.encode(out);
            }
            Record::Taken { submission } => {
                out.push(4);
                submission.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Record<M>, WireError> {
        Ok(match input.u8()? {
            1 => {
                let record = paxos::PaxosRecord::<Spelled<M>>::decode(input)?;
                Record::Paxos { record: record.map(|spelled| spelled.0.clone()) }
            }
            2 => Record::Taken { submission: Spelled::decode(input)?.0 },
            3 => Record::Paxos { record: Wire::decode(input)? },
            4 => Record::Taken { submission: Wire::decode(input)? },
            _ => return Err(WireError::Invalid("tag of a record")),
        })
    }
}

wire_enum!(BusyReason { 1 => QueueFull, 2 => DiskLow, 3 => Diverged });
wire_struct!(LogLine<M: Machine> { position, request });
wire_enum!(Phase { 1 => Following, 2 => Campaigning, 3 => Leading, 4 => Diverged });
wire_struct!(Status { site, phase, ballot, leader, chosen, applied, queue, digest });

/// A digest takes its 8 bytes, whatever its value: answers of one length cross the socket together.
impl Wire for RequestId {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            RequestId::Open { nonce } => {
                out.push(1);
                nonce.encode(out);
            }
            RequestId::Execute { session, number, digest } => {
                out.push(2);
                session.encode(out);
                number.encode(out);
                out.extend_from_slice(&digest.to_le_bytes());
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            RequestId::Open { nonce } => nonce.size(),
            RequestId::Execute { session, number, digest } => {
                session.size() + number.size() + size_of_val(digest)
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<RequestId, WireError> {
        Ok(match input.u8()? {
            1 => RequestId::Open { nonce: Wire::decode(input)? },
            2 => RequestId::Execute {
                session: Wire::decode(input)?,
                number: Wire::decode(input)?,
                digest: u64::from_le_bytes(input.array()?),
            },
            _ => return Err(WireError::Invalid("tag of an id of a request")),
        })
    }
}

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
    /// How much of the log the answer must show.
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
    "HeartbeatReply",
    "Fetch",
    "FetchReply",
    "Survey",
    "SurveyReply",
    "Forward",
    "Relay",
    "Request",
    "Taken",
    "Applied",
    "Expired",
    "Busy",
    "Query",
    "QueryReply",
    "Behind",
    "Compare",
    "CompareReply",
];

/// The kinds between sites that carry the protocol or the requests of clients.
#[cfg(feature = "scenario")]
pub(super) const BETWEEN_SITES: &[&str] = KINDS.split_at(14).0;

impl<M: Machine> Label for Message<M> {
    fn kinds() -> Vec<&'static str> {
        KINDS.into()
    }

    fn nouns() -> Vec<&'static str> {
        ["slot", "ballot", "beat", "submission", "opening", "request"].into()
    }

    fn kind(&self) -> &'static str {
        match self {
            Message::Paxos { message } => message.kind(),
            Message::Forward { .. } => "Forward",
            Message::Relay { .. } => "Relay",
            Message::Request { .. } => "Request",
            Message::Taken { .. } => "Taken",
            Message::Applied { .. } => "Applied",
            Message::Expired { .. } => "Expired",
            Message::Busy { .. } => "Busy",
            Message::Query { .. } => "Query",
            Message::QueryReply { .. } => "QueryReply",
            Message::Behind { .. } => "Behind",
            Message::Compare { .. } => "Compare",
            Message::CompareReply { .. } => "CompareReply",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Message::Paxos { message } => message.subject(),
            Message::Forward { submission } | Message::Relay { submission } => {
                Subject { noun: "submission", number: submission.number.count }
            }
            Message::Request { request } => request.subject(),
            Message::Taken { id }
            | Message::Applied { id, .. }
            | Message::Expired { id, .. }
            | Message::Busy { id, .. } => id.subject(),
            Message::Compare { claim } | Message::CompareReply { claim } => Subject::slot(claim.end.0),
            Message::Query { .. } | Message::QueryReply { .. } | Message::Behind { .. } => {
                // An id counts a client's queries: as an identity, it would change with every query left out before it.
                Subject::NONE
            }
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Message::Paxos { message } => message.rank(),
            Message::Forward { .. } | Message::Relay { .. } => 10,
            // Where no quorum agrees, sites repeat these for ever.
            Message::Compare { .. } | Message::CompareReply { .. } => 30,
            _ => 12,
        }
    }
}

impl RequestId {
    /// The name in traces. Openings have no identity in their order of appearance, so all are 0.
    pub fn subject(self) -> Subject {
        match self {
            RequestId::Open { .. } => Subject { noun: "opening", number: 0 },
            RequestId::Execute { number, .. } => Subject { noun: "request", number },
        }
    }
}

impl<M: Machine> Request<M> {
    /// The subject of its id, at less cost.
    fn subject(&self) -> Subject {
        match *self {
            Request::Open { nonce, .. } => RequestId::Open { nonce }.subject(),
            Request::Execute { session, number, .. } => {
                RequestId::Execute { session, number, digest: 0 }.subject()
            }
        }
    }
}
