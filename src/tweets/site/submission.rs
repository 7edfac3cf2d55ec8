//! What the log holds: requests of clients, numbered by the site that took them.

use core::fmt;

use crate::ids::{ProcessId, SiteId};
use crate::mix;
use crate::tweets::timeline::{Event, Position, Text, User, View};
use crate::wire::U64_MAX;

/// What a client asks to have done once. The unit of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// To open a session. Where it stands in the log becomes the session's id.
    Open {
        /// Who asks.
        client: ProcessId,
        /// Chosen by the client at random; makes a retried opening the same opening, no more.
        nonce: u64,
    },
    /// To do something within a session, once.
    Execute {
        /// Who asks: it has no effect unless the session is this client's.
        client: ProcessId,
        /// The session.
        session: Session,
        /// Counts the requests of this session from 1; one at a time is outstanding.
        number: u64,
        /// What.
        operation: Operation,
        /// Whether it is the last of its session: done, it closes the session.
        is_last: bool,
    },
}

/// A session's id: the position of its opening.
pub type Session = Position;

/// What a request may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// To change the timeline.
    Event {
        /// How.
        event: Event,
    },
    /// To look at it as of this place in the log: a linearizable view.
    View {
        /// At what.
        view: View,
    },
}

/// The number of a site's submission: ordered by incarnation, then by count. No two submissions of one site
/// ever share one, since the incarnation is durable before the site starts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Number {
    /// The incarnation that took it; 0 for "none before".
    pub incarnation: u64,
    /// Counts from 1.
    pub count: u64,
}

/// A request in the queue of the site that took it, its origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submission {
    /// The site that took it.
    pub origin: SiteId,
    /// Its number there.
    pub number: Number,
    /// The number of the origin's submission before it. Applied only behind that one.
    pub after: Number,
    /// What was asked.
    pub request: Request,
}

impl Operation {
    /// Tells it from every other one that a request of the same number may carry, up to chance.
    pub fn digest(&self) -> u64 {
        let of = |kind: u64, one: &User, other: &str| {
            mix::absorb(mix::absorb(kind, one.as_str().as_bytes()), other.as_bytes())
        };
        match self {
            Operation::Event { event: Event::Tweet { user, text } } => of(1, user, text.as_str()),
            Operation::Event { event: Event::Block { user, whom } } => of(2, user, whom.as_str()),
            Operation::Event { event: Event::Unblock { user, whom } } => of(3, user, whom.as_str()),
            Operation::View { view: View { viewer, limit, older_than } } => {
                let Position { slot, index } = older_than.unwrap_or_default();
                let state = mix::stir(of(4, viewer, ""), [*limit, older_than.is_some().into()]);
                mix::stir(state, [slot, index])
            }
        }
    }
}

impl Submission {
    /// Bytes of the largest submission.
    pub const BYTES_MAX: usize = {
        let event = 1 + (1 + User::BYTES_MAX) + (2 + Text::BYTES_MAX);
        let view = (1 + User::BYTES_MAX) + U64_MAX + 1 + 2 * U64_MAX;
        let operation = 1 + if event > view { event } else { view };
        1 + 4 * U64_MAX + (1 + ProcessId::BYTES + 3 * U64_MAX + operation + 1)
    };
}

impl Request {
    /// Who asks.
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

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Event { event } => write!(f, "{event}"),
            Operation::View { view } => write!(f, "view of {}", view.viewer),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Open { client, .. } => write!(f, "{client} opens a session"),
            Request::Execute { operation, .. } => write!(f, "{operation}"),
        }
    }
}

wire_enum!(Request {
    1 => Open { client, nonce },
    2 => Execute { client, session, number, operation, is_last },
});
wire_enum!(Operation { 1 => Event { event }, 2 => View { view } });
wire_struct!(Number { incarnation, count });
wire_struct!(Submission { origin, number, after, request });
