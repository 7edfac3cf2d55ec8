//! A page of a timeline: the query for one, and its tweets.

use alloc::vec::Vec;
use core::fmt;

use crate::replicated::Position;
use crate::tweets::timeline::names::{Text, User};
use crate::wire::{Reader, U64_MAX, Wire, WireError, list_size, put_list};

/// A query for a page of what `viewer` may see, newest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct View {
    /// The user who looks.
    pub viewer: User,
    /// At most this many tweets. The page may hold fewer: it fits [`Page::BYTES_MAX`] and looks at no more than
    /// [`Page::LOOKED_MAX`] tweets.
    pub limit: u64,
    /// Only tweets before this position in the log.
    pub older_than: Option<Position>,
}

/// A tweet and its position in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tweet {
    /// The position in the log.
    pub position: Position,
    /// The author.
    pub user: User,
    /// The words.
    pub text: Text,
}

/// A page of tweets, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The tweets: few or none where most of the tweets looked at are hidden from the viewer.
    pub tweets: Vec<Tweet>,
    /// `older_than` of the next page, which may hold tweets. `None` if the viewer may see no older tweets.
    pub next: Option<Position>,
}

impl Tweet {
    /// Bytes of the largest tweet.
    pub const BYTES_MAX: usize = 2 * U64_MAX + 1 + User::BYTES_MAX + 2 + Text::BYTES_MAX;
}

impl Page {
    /// The most bytes of the encoded list of tweets: its count and one largest tweet, so every page makes progress.
    pub const LIST_BYTES_MAX: usize = 2 + Tweet::BYTES_MAX;
    /// The most bytes of an encoded page.
    pub const BYTES_MAX: usize = Page::LIST_BYTES_MAX + 1 + 2 * U64_MAX;
    /// The most tweets that a page looks at, shown and hidden. This bounds its work in a timeline of any length.
    pub const LOOKED_MAX: usize = 256;

    /// Whether older tweets may follow.
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }
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
        self.next.encode(out);
    }

    fn size(&self) -> usize {
        list_size(&self.tweets) + self.next.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Page, WireError> {
        Ok(Page { tweets: input.list(Page::BYTES_MAX)?, next: Wire::decode(input)? })
    }
}
