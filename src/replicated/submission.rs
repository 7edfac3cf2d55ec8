//! The contents of the log: requests of clients, numbered by the site that took them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{ProcessId, SiteId};
use crate::replicated::machine::{Machine, Position};
use crate::wire::{Reader, U64_MAX, Wire, WireError};

/// A client's request, to be executed once. The unit of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request<M: Machine> {
    /// Opens a session. The position of the opening in the log becomes the session's id.
    Open {
        /// The client that asks.
        client: ProcessId,
        /// Drawn by the client at random. It makes a retried opening the same opening.
        nonce: u64,
    },
    /// Executes an operation within a session, once.
    Execute {
        /// The client that asks. The request has no effect unless the session is this client's.
        client: ProcessId,
        /// The session.
        session: Session,
        /// Counts the requests of this session from 1; one is outstanding at a time.
        number: u64,
        /// The operation.
        operation: M::Operation,
        /// Whether it is the last of its session. Once executed, it closes the session.
        is_last: bool,
    },
}

/// A session's id: the position of its opening.
pub type Session = Position;

/// The number of a site's submission, ordered by incarnation, then by count. No two submissions of one site share a
/// number, since the incarnation is durable before the site starts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Number {
    /// The incarnation that took the submission; 0 for "none before".
    pub incarnation: u64,
    /// Counts the submissions of the incarnation from 1.
    pub count: u64,
}

/// A request in the queue of the site that took it, its origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submission<M: Machine> {
    /// The site that took it.
    pub origin: SiteId,
    /// Its number at the origin.
    pub number: Number,
    /// The number of the origin's submission before it. This one is applied only after that one.
    pub after: Number,
    /// The client's request.
    pub request: Request<M>,
}

impl<M: Machine> Submission<M> {
    /// Bytes of the largest submission.
    pub const BYTES_MAX: usize =
        1 + 4 * U64_MAX + (1 + ProcessId::BYTES + 3 * U64_MAX + M::OPERATION_BYTES_MAX + 1);
}

impl<M: Machine> Request<M> {
    /// The client that asks.
    pub fn client(&self) -> ProcessId {
        match self {
            Request::Open { client, .. } | Request::Execute { client, .. } => *client,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.incarnation, self.count)
    }
}

impl<M: Machine> fmt::Display for Request<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Open { client, .. } => write!(f, "{client} opens a session"),
            Request::Execute { operation, .. } => write!(f, "{operation}"),
        }
    }
}

wire_enum!(Request<M: Machine> {
    1 => Open { client, nonce },
    2 => Execute { client, session, number, operation, is_last },
});
wire_struct!(Number { incarnation, count });

impl<M: Machine> Submission<M> {
    /// The first bytes of a submission, which tell its origin and number.
    const TELLING_BYTES: usize = 8;
}

impl<M: Machine> Wire for Submission<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        let Submission { origin, number, after, request } = self;
        origin.encode(out);
        number.encode(out);
        after.encode(out);
        request.encode(out);
    }

    fn size(&self) -> usize {
        let Submission { origin, number, after, request } = self;
        origin.size() + number.size() + after.size() + request.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Submission<M>, WireError> {
        Ok(Submission {
            origin: Wire::decode(input)?,
            number: Wire::decode(input)?,
            after: Wire::decode(input)?,
            request: Wire::decode(input)?,
        })
    }

    /// It stands in queues, in datagrams and in the log of every site.
    fn decode_arc(input: &mut Reader<'_>) -> Result<Arc<Submission<M>>, WireError> {
        input.shared(Self::TELLING_BYTES, |input| Self::decode(input).map(Arc::new))
    }
}
