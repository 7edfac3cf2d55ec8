//! The timeline as a replicated state machine: its operations and its queries.

use alloc::vec::Vec;
use core::fmt;

use crate::mix;
use crate::replicated::{Chunk, Level, Machine, Position, Read, Submission};
use crate::tweets::timeline::event::Event;
use crate::tweets::timeline::names::{Text, User};
use crate::tweets::timeline::page::{Page, Tweet, View};
use crate::tweets::timeline::state::Timeline;
use crate::wire::{U64_MAX, WireError};

/// The operation of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Changes the timeline.
    Event {
        /// The change.
        event: Event,
    },
    /// Looks at the timeline as of this place in the log: a linearizable view.
    View {
        /// The page asked for.
        view: View,
    },
}

/// The outcome of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimelineOutcome {
    /// The event is in the timeline.
    Done,
    /// The view as of the position of the answer.
    Viewed {
        /// The tweets shown.
        page: Page,
    },
}

/// A query about the timeline at a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimelineQuery {
    /// A page of a timeline, as far as this site knows it.
    View {
        /// The page asked for.
        view: View,
    },
    /// The blocks after this pair.
    Blocks {
        /// The last pair that the client has; `None` to list from the first.
        after: Option<Block>,
    },
    /// A linearizable page: it includes everything that any client had seen, or knew to be done, when the query began.
    QuorumView {
        /// The page asked for.
        view: View,
    },
}

/// The answer to a query. A list is cut to fit a datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimelineReply {
    /// A page of a timeline.
    View {
        /// The tweets shown.
        page: Page,
    },
    /// The blocks, in ascending order.
    Blocks {
        /// The pairs.
        blocks: Vec<Block>,
        /// Whether more follow.
        has_more: bool,
    },
}

/// `user` blocks `target`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Block {
    /// The user who blocks.
    pub user: User,
    /// The user who is blocked.
    pub target: User,
}

/// Most bytes that the pairs of a list take.
const BLOCKS_BYTES_MAX: usize = Submission::<Timeline>::BYTES_MAX;

/// Bytes of the largest view.
const VIEW_BYTES_MAX: usize = (1 + User::BYTES_MAX) + U64_MAX + 1 + 2 * U64_MAX;

const fn larger(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

impl Machine for Timeline {
    type Operation = Operation;
    type Outcome = TimelineOutcome;
    type Query = TimelineQuery;
    type Reply = TimelineReply;

    const OPERATION_BYTES_MAX: usize =
        1 + larger(1 + (1 + User::BYTES_MAX) + (2 + Text::BYTES_MAX), VIEW_BYTES_MAX);
    const OUTCOME_BYTES_MAX: usize = 1 + Page::BYTES_MAX;
    const QUERY_BYTES_MAX: usize = 1 + larger(VIEW_BYTES_MAX, 1 + 2 * (1 + User::BYTES_MAX));
    const REPLY_BYTES_MAX: usize = 1 + larger(Page::BYTES_MAX, 2 + BLOCKS_BYTES_MAX + 1);
    /// For each tweet a page looks at its author and at the author's block, and for each shown tweet at its text.
    const LOOKS_MAX: u64 = 4 * Page::LOOKED_MAX as u64;

    fn apply(&mut self, at: Position, _: Level, operation: &Operation) -> TimelineOutcome {
        match operation {
            Operation::Event { event } => {
                // An event that changes nothing is applied too, equally at every site.
                self.change(at, event);
                TimelineOutcome::Done
            }
            Operation::View { view } => TimelineOutcome::Viewed { page: self.view(view) },
        }
    }

    fn query(&self, query: &TimelineQuery) -> TimelineReply {
        match query {
            TimelineQuery::View { view } | TimelineQuery::QuorumView { view } => {
                TimelineReply::View { page: self.view(view) }
            }
            TimelineQuery::Blocks { after } => {
                let after = after.as_ref().map(|pair| (pair.user.clone(), pair.target.clone()));
                let pairs = self.blocks_after(after.as_ref());
                let pairs = pairs.map(|(user, target)| Block { user: user.clone(), target: target.clone() });
                let (blocks, has_more) = crate::wire::cut(pairs, BLOCKS_BYTES_MAX);
                TimelineReply::Blocks { blocks, has_more }
            }
        }
    }

    fn read(query: &TimelineQuery) -> Read {
        match query {
            TimelineQuery::View { .. } | TimelineQuery::Blocks { .. } => Read::Local,
            TimelineQuery::QuorumView { .. } => Read::Quorum,
        }
    }

    /// Tweets in the order of the log, then blocks in ascending order.
    fn save(&self, _: Level) -> impl Iterator<Item = Chunk> {
        let tweets = self.tweets().map(|tweet| Saved::Tweet { tweet });
        let pairs = self.blocks().map(|(user, target)| Block { user: user.clone(), target: target.clone() });
        Chunk::of(tweets.chain(pairs.map(|block| Saved::Block { block })))
    }

    fn load(_: Level, chunks: impl Iterator<Item = Chunk>) -> Result<Timeline, WireError> {
        let mut timeline = Timeline::default();
        let mut last = None;
        for item in Chunk::items(chunks)? {
            match item {
                Saved::Tweet { tweet: Tweet { position, user, text } } => {
                    if last.replace(position) >= Some(position) || u32::try_from(position.index).is_err() {
                        return Err(WireError::Invalid("order of saved tweets"));
                    }
                    timeline.change(position, &Event::Tweet { user, text });
                }
                Saved::Block { block: Block { user, target } } => {
                    timeline.change(Position::default(), &Event::Block { user, target });
                }
            }
        }
        Ok(timeline)
    }

    fn digest(operation: &Operation) -> u64 {
        let of = |kind: u64, one: &User, other: &str| {
            mix::absorb(mix::absorb(kind, one.as_str().as_bytes()), other.as_bytes())
        };
        match operation {
            Operation::Event { event: Event::Tweet { user, text } } => of(1, user, text.as_str()),
            Operation::Event { event: Event::Block { user, target } } => of(2, user, target.as_str()),
            Operation::Event { event: Event::Unblock { user, target } } => of(3, user, target.as_str()),
            Operation::View { view: View { viewer, limit, older_than } } => {
                let Position { slot, index } = older_than.unwrap_or_default();
                let state = mix::stir(of(4, viewer, ""), [*limit, older_than.is_some().into()]);
                mix::stir(state, [slot, index])
            }
        }
    }

    fn looks(&self) -> u64 {
        Timeline::looks(self)
    }
}

/// One item of a saved timeline.
#[derive(Clone, Debug)]
enum Saved {
    Tweet { tweet: Tweet },
    Block { block: Block },
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Event { event } => write!(f, "{event}"),
            Operation::View { view } => write!(f, "view of {}", view.viewer),
        }
    }
}

impl fmt::Display for TimelineQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimelineQuery::View { view } => write!(f, "view of {}", view.viewer),
            TimelineQuery::QuorumView { view } => write!(f, "quorum view of {}", view.viewer),
            TimelineQuery::Blocks { .. } => f.write_str("blocks"),
        }
    }
}

impl fmt::Display for TimelineOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimelineOutcome::Done => Ok(()),
            TimelineOutcome::Viewed { page } => write!(f, "shows {} tweets", page.tweets.len()),
        }
    }
}

impl fmt::Display for TimelineReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimelineReply::View { page } => write!(f, "shows {} tweets", page.tweets.len()),
            TimelineReply::Blocks { .. } => Ok(()),
        }
    }
}

// The tags that are left out are the site's own.
wire_enum!(Operation { 1 => Event { event }, 2 => View { view } });
wire_enum!(TimelineOutcome { 2 => Done, 3 => Viewed { page } });
wire_enum!(TimelineQuery { 1 => View { view }, 3 => Blocks { after }, 5 => QuorumView { view } });
wire_enum!(Saved { 1 => Tweet { tweet }, 2 => Block { block } });
wire_struct!(Block { user, target });
wire_enum!(TimelineReply { 1 => View { page }, 3 => Blocks { blocks, has_more } });
