//! The timeline as a state machine: what requests do to it, and what may be asked of it.

use alloc::vec::Vec;
use core::fmt;

use crate::mix;
use crate::replicated::{Chunk, Level, Machine, Position, Read, Submission};
use crate::tweets::timeline::event::Event;
use crate::tweets::timeline::names::{Text, User};
use crate::tweets::timeline::page::{Page, Tweet, View};
use crate::tweets::timeline::state::Timeline;
use crate::wire::{U64_MAX, WireError};

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

/// What came of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimelineOutcome {
    /// The event is in the timeline.
    Done,
    /// The view as of the position of the answer.
    Viewed {
        /// What is seen.
        page: Page,
    },
}

/// What may be asked of the timeline at a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimelineQuery {
    /// A page of a timeline, as far as this site knows it.
    View {
        /// Of what.
        view: View,
    },
    /// Who blocks whom, after this pair.
    Blocks {
        /// The last pair that is known.
        after: Option<Block>,
    },
    /// A page of a timeline, linearizable: nothing that anybody was told of before this was asked is missing from what
    /// it shows.
    Fresh {
        /// Of what.
        view: View,
    },
}

/// The answer to that; lists are cut to fit a datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimelineReply {
    /// A page of a timeline.
    View {
        /// What is seen.
        page: Page,
    },
    /// Who blocks whom, in ascending order.
    Blocks {
        /// The pairs.
        blocks: Vec<Block>,
        /// Whether more follow.
        has_more: bool,
    },
}

/// `user` blocks `whom`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Block {
    /// Who blocks.
    pub user: User,
    /// Who is blocked.
    pub whom: User,
}

/// Bytes that the pairs of a list take at most.
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
    /// Of each tweet a page looks at its author and at who blocks, and at the text of those that it shows.
    const LOOKS_MAX: u64 = 4 * Page::LOOKED_MAX as u64;

    fn apply(&mut self, at: Position, _: Level, operation: &Operation) -> TimelineOutcome {
        match operation {
            Operation::Event { event } => {
                // An event that changes nothing is applied all the same, everywhere alike.
                self.change(at, event);
                TimelineOutcome::Done
            }
            Operation::View { view } => TimelineOutcome::Viewed { page: self.view(view) },
        }
    }

    fn query(&self, query: &TimelineQuery) -> TimelineReply {
        match query {
            TimelineQuery::View { view } | TimelineQuery::Fresh { view } => {
                TimelineReply::View { page: self.view(view) }
            }
            TimelineQuery::Blocks { after } => {
                let after = after.as_ref().map(|pair| (pair.user.clone(), pair.whom.clone()));
                let pairs = self.blocks_after(after.as_ref());
                let pairs = pairs.map(|(user, whom)| Block { user: user.clone(), whom: whom.clone() });
                let (blocks, has_more) = crate::wire::cut(pairs, BLOCKS_BYTES_MAX);
                TimelineReply::Blocks { blocks, has_more }
            }
        }
    }

    fn read(query: &TimelineQuery) -> Read {
        match query {
            TimelineQuery::View { .. } | TimelineQuery::Blocks { .. } => Read::Local,
            TimelineQuery::Fresh { .. } => Read::Quorum,
        }
    }

    /// Tweets in the order of the log, then blocks in ascending order.
    fn save(&self, _: Level) -> impl Iterator<Item = Chunk> {
        let tweets = self.tweets().cloned().map(|tweet| Saved::Tweet { tweet });
        let pairs = self.blocks().map(|(user, whom)| Block { user: user.clone(), whom: whom.clone() });
        Chunk::of(tweets.chain(pairs.map(|block| Saved::Block { block })))
    }

    fn load(_: Level, chunks: impl Iterator<Item = Chunk>) -> Result<Timeline, WireError> {
        let mut timeline = Timeline::default();
        let mut last = None;
        for item in Chunk::items(chunks)? {
            match item {
                Saved::Tweet { tweet: Tweet { position, user, text } } => {
                    if last.replace(position) >= Some(position) {
                        return Err(WireError::Invalid("order of saved tweets"));
                    }
                    timeline.change(position, &Event::Tweet { user, text });
                }
                Saved::Block { block: Block { user, whom } } => {
                    timeline.change(Position::default(), &Event::Block { user, whom });
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
            Operation::Event { event: Event::Block { user, whom } } => of(2, user, whom.as_str()),
            Operation::Event { event: Event::Unblock { user, whom } } => of(3, user, whom.as_str()),
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
            TimelineQuery::Fresh { view } => write!(f, "fresh view of {}", view.viewer),
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

// Tags that are left out belong to the site that carries these.
wire_enum!(Operation { 1 => Event { event }, 2 => View { view } });
wire_enum!(TimelineOutcome { 2 => Done, 3 => Viewed { page } });
wire_enum!(TimelineQuery { 1 => View { view }, 3 => Blocks { after }, 5 => Fresh { view } });
wire_enum!(Saved { 1 => Tweet { tweet }, 2 => Block { block } });
wire_struct!(Block { user, whom });
wire_enum!(TimelineReply { 1 => View { page }, 3 => Blocks { blocks, has_more } });
