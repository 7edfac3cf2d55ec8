//! A page of a timeline, as asked for and as shown.

use alloc::vec::Vec;
use core::fmt;

use crate::timeline::event::Position;
use crate::timeline::names::{Text, User};
use crate::wire::{Reader, U64_MAX, Wire, WireError, list_size, put_list};

/// Asks for a page of what `viewer` may see, newest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct View {
    /// Who looks.
    pub viewer: User,
    /// At most this many tweets; the page may hold fewer, since it also fits [`Page::BYTES_MAX`].
    pub limit: u64,
    /// Only tweets before this position in the log.
    pub older_than: Option<Position>,
}

/// A tweet and where in the log it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tweet {
    /// Where.
    pub position: Position,
    /// Who.
    pub user: User,
    /// What.
    pub text: Text,
}

/// A page of tweets, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The tweets.
    pub tweets: Vec<Tweet>,
    /// Whether older ones follow: ask again, older than the last of these.
    pub has_more: bool,
}

impl Tweet {
    /// Bytes of the largest tweet.
    pub const BYTES_MAX: usize = 2 * U64_MAX + 1 + User::BYTES_MAX + 2 + Text::BYTES_MAX;
}

impl Page {
    /// The most bytes of an encoded page: one largest tweet and what surrounds it, so every page makes progress.
    pub const BYTES_MAX: usize = 2 + Tweet::BYTES_MAX + 1;
}

impl fmt::Display for Tweet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.user, self.text)
    }
}

wire_struct!(View { viewer, limit, older_than });
wire_struct!(Tweet { position, user, text });

impl Wire for Page {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(out, &self.tweets);
        self.has_more.encode(out);
    }

    fn size(&self) -> usize {
        list_size(&self.tweets) + self.has_more.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Page, WireError> {
        Ok(Page { tweets: input.list(Page::BYTES_MAX)?, has_more: bool::decode(input)? })
    }
}
