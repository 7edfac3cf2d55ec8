//! What users do, and where in the log it stands.

use crate::tweets::timeline::names::{Text, User};
use crate::wire::{Reader, Wire, WireError};
use alloc::vec::Vec;
use core::fmt;

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

/// Somebody would block or unblock themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SelfBlock(pub User);

impl Event {
    /// `user` blocks `whom`, unless they are the same.
    pub fn block(user: User, whom: User) -> Result<Event, SelfBlock> {
        if user == whom { Err(SelfBlock(user)) } else { Ok(Event::Block { user, whom }) }
    }

    /// `user` unblocks `whom`, unless they are the same.
    pub fn unblock(user: User, whom: User) -> Result<Event, SelfBlock> {
        if user == whom { Err(SelfBlock(user)) } else { Ok(Event::Unblock { user, whom }) }
    }
}

impl fmt::Display for SelfBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot block or unblock themselves", self.0)
    }
}

impl core::error::Error for SelfBlock {}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Tweet { user, text } => write!(f, "{user}: {text}"),
            Event::Block { user, whom } => write!(f, "{user} blocks {whom}"),
            Event::Unblock { user, whom } => write!(f, "{user} unblocks {whom}"),
        }
    }
}

impl Wire for Event {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut put = |tag: u8, user: &User| {
            out.push(tag);
            user.encode(out);
        };
        match self {
            Event::Tweet { user, text } => {
                put(1, user);
                text.encode(out);
            }
            Event::Block { user, whom } => {
                put(2, user);
                whom.encode(out);
            }
            Event::Unblock { user, whom } => {
                put(3, user);
                whom.encode(out);
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Event::Tweet { user, text } => user.size() + text.size(),
            Event::Block { user, whom } | Event::Unblock { user, whom } => user.size() + whom.size(),
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Event, WireError> {
        let refused = |_| WireError::Invalid("block of oneself");
        let (tag, user) = (input.u8()?, User::decode(input)?);
        match tag {
            1 => Ok(Event::Tweet { user, text: Text::decode(input)? }),
            2 => Event::block(user, User::decode(input)?).map_err(refused),
            3 => Event::unblock(user, User::decode(input)?).map_err(refused),
            _ => Err(WireError::Invalid("tag of Event")),
        }
    }
}
