//! What a client asks a single site to show, and the answers.

use alloc::vec::Vec;

use super::limits::{LOG, STATUS};
use crate::ids::SiteId;
use crate::replicated::machine::{Machine, Position, Read};
use crate::replicated::paxos::{Ballot, Digest, Slot};
use crate::replicated::submission::Request;
use crate::wire::{Reader, Wire, WireError};

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

wire_struct!(LogLine<M: Machine> { position, request });

wire_enum!(Phase { 1 => Following, 2 => Campaigning, 3 => Leading, 4 => Diverged });

wire_struct!(Status { site, phase, ballot, leader, chosen, applied, queue, digest });

const LIST_MAX: usize = 1_024;

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
