//! Everything that sites and clients say to each other, and what a site makes durable.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::frame::{DATAGRAM_MIN, FRAME_BYTES, MESSAGE_PREFIX_MAX};
use crate::ids::SiteId;
use crate::process::{Label, Subject};
use crate::replicated::paxos::{self, Ballot, Claim, Digest, Slot};
use crate::tweets::site::submission::{Request, Session, Submission};
use crate::tweets::timeline::{Page, Position, User, View};
use crate::wire::{Reader, Wire, WireError};

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// Between acceptors, proposers and learners.
    Paxos {
        /// What.
        message: paxos::Message<Arc<Submission>>,
    },
    /// From an origin to the leader, or to the site through which it follows the leader: please propose this.
    Forward {
        /// What.
        submission: Arc<Submission>,
    },
    /// From a site that hears the leader, for an origin that does not: please propose this. Never passed on.
    Relay {
        /// What.
        submission: Arc<Submission>,
    },
    /// From a client: please do this once.
    Ask {
        /// What.
        request: Request,
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
        answer: Answer,
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
        query: Query,
    },
    /// To a client: the answer to a query.
    Told {
        /// Which.
        id: u64,
        /// How far this site has applied the log.
        applied: Slot,
        /// What.
        telling: Telling,
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
pub enum Answer {
    /// The session is open; its id is the position of the answer.
    Opened,
    /// The event is in the timeline.
    Done,
    /// The view as of the position of the answer.
    Viewed {
        /// What is seen.
        page: Page,
    },
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
pub enum Query {
    /// A page of a timeline, as far as this site knows it.
    View {
        /// Of what.
        view: View,
    },
    /// The log from this position on.
    Log {
        /// The first position.
        from: Position,
    },
    /// Who blocks whom, behind this pair.
    Blocks {
        /// The last pair that is known.
        after: Option<Block>,
    },
    /// How the site is.
    Status,
    /// A page of a timeline, linearizable: nothing that anybody was told of before this was asked is missing from what
    /// it shows. The site asks a quorum how far the logs reach.
    Fresh {
        /// Of what.
        view: View,
    },
}

/// `user` blocks `whom`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Block {
    /// Who blocks.
    pub user: User,
    /// Who is blocked.
    pub whom: User,
}

/// An answer to a query; lists are cut to fit a datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Telling {
    /// A page of a timeline.
    View {
        /// What is seen.
        page: Page,
    },
    /// A piece of the log: what each position holds.
    Log {
        /// In ascending order.
        lines: Vec<LogLine>,
        /// Whether more follow.
        has_more: bool,
    },
    /// Who blocks whom, in ascending order.
    Blocks {
        /// The pairs.
        blocks: Vec<Block>,
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
pub struct LogLine {
    /// Where.
    pub position: Position,
    /// What.
    pub request: Request,
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
pub enum Record {
    /// Of its acceptor and learner.
    Paxos {
        /// What.
        record: paxos::Record<Arc<Submission>>,
    },
    /// It took a request into its queue.
    Taken {
        /// As numbered.
        submission: Arc<Submission>,
    },
}

impl Request {
    /// Which request this is.
    pub fn id(&self) -> RequestId {
        match *self {
            Request::Open { nonce, .. } => RequestId::Open { nonce },
            Request::Execute { session, number, ref operation, .. } => {
                RequestId::Execute { session, number, digest: operation.digest() }
            }
        }
    }
}

impl Message {
    /// Bytes that a datagram with one message takes beside a submission, at most.
    const OVERHEAD_MAX: usize = FRAME_BYTES
        + MESSAGE_PREFIX_MAX
        + 1
        + paxos::Message::<Submission>::ENTRY_OVERHEAD_MAX
        + ENTRY_PREFIX_MAX;
}

/// Bytes of the count in front of the values of an entry.
pub(crate) const ENTRY_PREFIX_MAX: usize = 2;

/// Bytes beside the page of any message that carries one.
const PAGE_OVERHEAD_MAX: usize = FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + (1 + 4 * 10) + 2 * 10 + 1;

// The largest event fits every message that carries it in the smallest datagram that may be configured.
const _: () = assert!(Message::OVERHEAD_MAX + Submission::BYTES_MAX <= DATAGRAM_MIN);
const _: () = assert!(PAGE_OVERHEAD_MAX + Page::BYTES_MAX <= DATAGRAM_MIN);
const _: () = assert!(PAGE_OVERHEAD_MAX + 2 + LIST_BYTES_MAX <= DATAGRAM_MIN);

/// Bytes that the items of a told list take at most. The largest item, a line of the log, is smaller than the
/// submission that it shows, so every list makes progress.
pub(super) const LIST_BYTES_MAX: usize = Submission::BYTES_MAX;

impl Message {
    /// Bytes that the values of one entry may take, so that every message that carries the entry fits.
    pub(crate) const fn entry_bytes_max(datagram_max: usize) -> usize {
        datagram_max - Message::OVERHEAD_MAX
    }
}

wire_enum!(Message {
    1 => Paxos { message },
    2 => Forward { submission },
    3 => Ask { request },
    4 => Taken { id },
    5 => Applied { id, at, answer },
    6 => Expired { id, is_undone },
    7 => Busy { id, reason },
    8 => Query { id, seen, query },
    9 => Told { id, applied, telling },
    10 => Behind { id, applied },
    11 => Relay { submission },
    12 => Compare { claim },
    13 => Compared { claim },
});
wire_enum!(Record { 1 => Paxos { record }, 2 => Taken { submission } });
wire_enum!(RequestId { 1 => Open { nonce }, 2 => Execute { session, number, digest } });
wire_enum!(Answer { 1 => Opened, 2 => Done, 3 => Viewed { page } });
wire_enum!(BusyReason { 1 => QueueFull, 2 => DiskLow, 3 => Diverged });
wire_enum!(Query { 1 => View { view }, 2 => Log { from }, 3 => Blocks { after }, 4 => Status, 5 => Fresh { view } });
wire_struct!(Block { user, whom });
wire_struct!(LogLine { position, request });
wire_enum!(Phase { 1 => Following, 2 => Campaigning, 3 => Leading, 4 => Diverged });
wire_struct!(Status { site, phase, ballot, leader, chosen, applied, queue, digest });

const LIST_MAX: usize = 1_024;

impl Wire for Telling {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Telling::View { page } => {
                out.push(1);
                page.encode(out);
            }
            Telling::Log { lines, has_more } => {
                out.push(2);
                crate::wire::put_list(out, lines);
                has_more.encode(out);
            }
            Telling::Blocks { blocks, has_more } => {
                out.push(3);
                crate::wire::put_list(out, blocks);
                has_more.encode(out);
            }
            Telling::Status { status } => {
                out.push(4);
                status.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Telling, WireError> {
        Ok(match input.u8()? {
            1 => Telling::View { page: Page::decode(input)? },
            2 => Telling::Log { lines: input.list(LIST_MAX)?, has_more: bool::decode(input)? },
            3 => Telling::Blocks { blocks: input.list(LIST_MAX)?, has_more: bool::decode(input)? },
            4 => Telling::Status { status: Status::decode(input)? },
            _ => return Err(WireError::Invalid("tag of a telling")),
        })
    }
}

impl Label for Message {
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

impl Request {
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
