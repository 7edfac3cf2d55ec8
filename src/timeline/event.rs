//! What users do, and where in the log it stands.

use core::fmt;

use crate::timeline::names::{Text, User};

/// One thing that a user did.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    /// `user` says `text`.
    Tweet {
        /// Who.
        user: User,
        /// What.
        text: Text,
    },
    /// `user` no longer shows tweets to `whom`: past and future ones.
    Block {
        /// Who blocks.
        user: User,
        /// Who is blocked; never the same.
        whom: User,
    },
    /// `user` shows tweets to `whom` again.
    Unblock {
        /// Who unblocks.
        user: User,
        /// Who is unblocked; never the same.
        whom: User,
    },
}

/// A place in the log: a slot and an index among the events of its entry. Displayed as `7.0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// The slot.
    pub slot: u64,
    /// The index.
    pub index: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.index)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Tweet { user, text } => write!(f, "{user}: {text}"),
            Event::Block { user, whom } => write!(f, "{user} blocks {whom}"),
            Event::Unblock { user, whom } => write!(f, "{user} unblocks {whom}"),
        }
    }
}

wire_enum!(Event {
    1 => Tweet { user, text },
    2 => Block { user, whom },
    3 => Unblock { user, whom },
});

wire_struct!(Position { slot, index });
