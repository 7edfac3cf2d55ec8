//! The contents of the log: requests of clients, numbered by the site that took them.

use core::fmt;

use alloc::vec::Vec;

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

/// Tags of requests. An execution that is not the last of its session may state so in a byte of its own, as older
/// journals do.
const OPEN: u8 = 1;
const EXECUTE: u8 = 2;
const EXECUTE_NOT_LAST: u8 = 3;

impl<M: Machine> Wire for Request<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Request::Open { client, nonce } => {
                out.push(OPEN);
                client.encode(out);
                nonce.encode(out);
            }
            Request::Execute { client, session, number, operation, is_last } => {
                out.push(if *is_last { EXECUTE } else { EXECUTE_NOT_LAST });
                client.encode(out);
                session.encode(out);
                number.encode(out);
                operation.encode(out);
                if *is_last {
                    is_last.encode(out);
                }
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Request::Open { client, nonce } => client.size() + nonce.size(),
            Request::Execute { client, session, number, operation, is_last } => {
                client.size() + session.size() + number.size() + operation.size() + usize::from(*is_last)
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Request<M>, WireError> {
        Ok(match input.u8()? {
            OPEN => Request::Open { client: Wire::decode(input)?, nonce: Wire::decode(input)? },
            tag @ (EXECUTE | EXECUTE_NOT_LAST) => Request::Execute {
                client: Wire::decode(input)?,
                session: Wire::decode(input)?,
                number: Wire::decode(input)?,
                operation: Wire::decode(input)?,
                is_last: tag == EXECUTE && bool::decode(input)?,
            },
            _ => return Err(WireError::Invalid("tag of a request")),
        })
    }
}

wire_struct!(Number { incarnation, count });

/// Beside the origin in the first byte of a submission: it follows the one that was counted before it, and does not
/// name that one. Older journals name every predecessor.
const FOLLOWS: u8 = 1 << 4;

impl Number {
    /// The number that its incarnation gave before this one, if it gave any.
    fn before(self) -> Option<Number> {
        let count = self.count.checked_sub(1).filter(|count| *count > 0)?;
        Some(Number { count, ..self })
    }
}

impl<M: Machine> Submission<M> {
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
        let origin = SiteId::new(first & !FOLLOWS).ok_or(WireError::Invalid("site"))?;
        let number = Number::decode(input)?;
        let after = match first & FOLLOWS {
            0 => Number::decode(input)?,
            _ => number.before().ok_or(WireError::Invalid("number of a submission"))?,
        };
        Ok(Submission { origin, number, after, request: Request::decode(input)? })
    }
}

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests {
    use super::*;
    use crate::tweets::site::{Operation, Request, Submission};
    use crate::tweets::timeline::Event;

    #[test]
    fn what_older_journals_spell_out_is_read_and_written_shorter() {
        let request = Request::Execute {
            client: ProcessId::Client(5),
            session: Session { slot: 9, index: 0 },
            number: 3,
            operation: Operation::Event {
                event: Event::Tweet { user: "ann".parse().unwrap(), text: "hello".parse().unwrap() },
            },
            is_last: false,
        };
        let number = |incarnation, count| Number { incarnation, count };
        let of = |number, after| Submission {
            origin: SiteId::new(2).unwrap(),
            number,
            after,
            request: request.clone(),
        };
        let spelled = |submission: &Submission| {
            let mut out = alloc::vec![2];
            submission.number.encode(&mut out);
            submission.after.encode(&mut out);
            let written = submission.request.to_bytes();
            out.push(EXECUTE);
            out.extend_from_slice(&written[1..]);
            out.push(0);
            out
        };
        for (submission, saved) in [
            (of(number(4, 200), number(4, 199)), 4),
            (of(number(4, 200), number(4, 198)), 1),
            (of(number(4, 1), number(3, 7)), 1),
            (of(number(4, 1), number(4, 0)), 1),
            (of(number(1, 1), Number::default()), 1),
        ] {
            let (old, new) = (spelled(&submission), submission.to_bytes());
            assert_eq!(Submission::from_bytes(&old), Ok(submission.clone()));
            assert_eq!(Submission::from_bytes(&new), Ok(submission.clone()));
            assert_eq!((new.len(), submission.size()), (old.len() - saved, new.len()), "{submission:?}");
        }
    }
}
