//! The contents of the log: requests of clients, numbered by the site that took them.

mod spelled;

use core::fmt;

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::replicated::machine::{Machine, Position};
use crate::wire::{Reader, U64_MAX, Wire, WireError};

pub(super) use spelled::Spelled;

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

impl<M: Machine> Wire for Request<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Request::Open { client, nonce } => {
                out.push(1);
                client.encode(out);
                nonce.encode(out);
            }
            Request::Execute { client, session, number, operation, is_last } => {
                out.push(if *is_last { 3 } else { 2 });
                client.encode(out);
                session.encode(out);
                number.encode(out);
                operation.encode(out);
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Request::Open { client, nonce } => client.size() + nonce.size(),
            Request::Execute { client, session, number, operation, is_last: _ } => {
                client.size() + session.size() + number.size() + operation.size()
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Request<M>, WireError> {
        Ok(match input.u8()? {
            1 => Request::Open { client: Wire::decode(input)?, nonce: Wire::decode(input)? },
            tag @ (2 | 3) => Request::Execute {
                client: Wire::decode(input)?,
                session: Wire::decode(input)?,
                number: Wire::decode(input)?,
                operation: Wire::decode(input)?,
                is_last: tag == 3,
            },
            _ => return Err(WireError::Invalid("tag of a request")),
        })
    }
}

wire_struct!(Number { incarnation, count });

/// Beside the origin in the first byte of a submission: it follows the one that was counted before it, and does not
/// name that one.
const FOLLOWS: u8 = 1 << 4;

impl Number {
    /// The number that its incarnation gave before this one, if it gave any.
    fn before(self) -> Option<Number> {
        let count = self.count.checked_sub(1).filter(|count| *count > 0)?;
        Some(Number { count, ..self })
    }
}

impl<M: Machine> Submission<M> {
    /// The first bytes of a submission, which tell its origin and number.
    const TELLING_BYTES: usize = 8;

    fn follows(&self) -> bool {
        self.number.before() == Some(self.after)
    }
}

impl<M: Machine> Wire for Submission<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        let Submission { origin, number, after, request } = self;
        let follows = self.follows();
        out.push(origin.number() | if follows { FOLLOWS } else { 0 });
        number.encode(out);
        if !follows {
            after.encode(out);
        }
        request.encode(out);
    }

    fn size(&self) -> usize {
        let after = if self.follows() { 0 } else { self.after.size() };
        1 + self.number.size() + after + self.request.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Submission<M>, WireError> {
        let first = input.u8()?;
        let origin = SiteId::new(first & !FOLLOWS).ok_or(WireError::Invalid("site number"))?;
        let number = Number::decode(input)?;
        let before = number.before();
        let after = if first & FOLLOWS == 0 {
            Some(Number::decode(input)?).filter(|after| before != Some(*after))
        } else {
            before
        };
        let after = after.ok_or(WireError::Invalid("predecessor of a submission"))?;
        Ok(Submission { origin, number, after, request: Request::decode(input)? })
    }

    /// It stands in queues, in datagrams and in the log of every site.
    fn decode_arc(input: &mut Reader<'_>) -> Result<Arc<Submission<M>>, WireError> {
        input.shared(Self::TELLING_BYTES, |input| Self::decode(input).map(Arc::new))
    }
}
