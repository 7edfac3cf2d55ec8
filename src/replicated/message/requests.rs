//! What a client asks to be done, by its id, and what comes of it.

use alloc::vec::Vec;

use super::limits::OPENED;
use crate::process::Subject;
use crate::replicated::machine::Machine;
use crate::replicated::submission::{Request, Session};
use crate::wire::{Reader, Wire, WireError};

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

wire_enum!(BusyReason { 1 => QueueFull, 2 => DiskLow, 3 => Diverged });

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
    pub(super) fn subject(&self) -> Subject {
        match *self {
            Request::Open { nonce, .. } => RequestId::Open { nonce }.subject(),
            Request::Execute { session, number, .. } => {
                RequestId::Execute { session, number, digest: 0 }.subject()
            }
        }
    }
}
