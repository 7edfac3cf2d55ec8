//! The events of a timeline: what users do.

use crate::tweets::timeline::names::{Text, User};
use crate::wire::{Reader, Wire, WireError};
use alloc::vec::Vec;
use core::fmt;

/// One thing that a user did.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Event {
    /// `user` says `text`.
    Tweet {
        /// The author.
        user: User,
        /// The words.
        text: Text,
    },
    /// `user` hides all tweets, past and future, from `target`.
    Block {
        /// The user who blocks.
        user: User,
        /// The user who is blocked; never equal to `user`.
        target: User,
    },
    /// `user` shows tweets to `target` again.
    Unblock {
        /// The user who unblocks.
        user: User,
        /// The user who is unblocked; never equal to `user`.
        target: User,
    },
}

/// The user who tried to block or unblock themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SelfBlock(pub User);

impl Event {
    /// `user` blocks `target`, unless they are the same.
    pub fn block(user: User, target: User) -> Result<Event, SelfBlock> {
        if user == target { Err(SelfBlock(user)) } else { Ok(Event::Block { user, target }) }
    }

    /// `user` unblocks `target`, unless they are the same.
    pub fn unblock(user: User, target: User) -> Result<Event, SelfBlock> {
        if user == target { Err(SelfBlock(user)) } else { Ok(Event::Unblock { user, target }) }
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
            Event::Block { user, target } => write!(f, "{user} blocks {target}"),
            Event::Unblock { user, target } => write!(f, "{user} unblocks {target}"),
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
            Event::Block { user, target } => {
                put(2, user);
                target.encode(out);
            }
            Event::Unblock { user, target } => {
                put(3, user);
                target.encode(out);
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Event::Tweet { user, text } => user.size() + text.size(),
            Event::Block { user, target } | Event::Unblock { user, target } => user.size() + target.size(),
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
