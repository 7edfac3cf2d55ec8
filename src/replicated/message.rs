//! The messages between sites and clients, and the records that a site makes durable.

mod limits;
mod queries;
mod record;
mod requests;

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::process::{Label, Subject};
use crate::replicated::machine::{Machine, Position};
use crate::replicated::paxos::{self, Claim, Slot};
use crate::replicated::submission::{Request, Submission};
#[cfg(test)]
pub(super) use limits::are_free;
pub(crate) use limits::{ENTRY_PREFIX_MAX, entry_bytes_max};
pub(super) use limits::{check_machine, list_bytes_max};
pub use queries::{LogLine, Phase, Query, Reply, Status};
pub use record::Record;
pub use requests::{Answer, BusyReason, RequestId};

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
