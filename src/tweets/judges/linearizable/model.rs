//! The service as its manual describes it, as a sequential model of users' calls.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::mem;

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Sequential};
use crate::tweets::site::{Operation, RequestId};
use crate::tweets::timeline::{Event, Page, Position, Text, User, View};

/// Something that was asked for, and the name of its request or query.
#[derive(Clone)]
pub struct UserCall {
    pub(super) asked: Asked,
    pub(super) name: Option<CallName>,
}

/// An operation in few bytes, since the history keeps every call.
#[derive(Clone)]
pub(super) enum Asked {
    Tweet { user: Arc<User>, text: Text },
    Block { pair: Box<(User, User)> },
    Unblock { pair: Box<(User, User)> },
    View { view: Box<View> },
}

/// The name under which something was asked for: a hint, which calls with very large numbers lack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CallName {
    /// The request of this number in this session.
    Request { slot: u64, index: u32, number: u32 },
    /// This query of this client.
    Query(ProcessId, u64),
}

/// The answer to a call.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// The event is done.
    Done,
    /// A page.
    Shown {
        /// The tweets, newest first.
        tweets: Box<[Statement]>,
        /// Whether older ones may follow; `None` if unknown, in a history from which tweets were left out.
        has_more: Option<bool>,
    },
}

/// The author and the text of a tweet.
pub type Statement = (User, Text);

/// The service as its manual describes it: tweets in one order, and blocks.
#[derive(Clone, Copy)]
pub struct TimelineModel;

/// The effects of users' calls so far.
#[derive(Clone, PartialEq, Default)]
pub struct UserCalls {
    tweets: CowLog<(Arc<User>, Text)>,
    blocks: BTreeSet<(User, User)>,
}

impl CallName {
    pub(super) fn of_request(id: RequestId) -> Option<CallName> {
        match id {
            RequestId::Execute { session: Position { slot, index }, number, .. } => {
                let (index, number) = (index.try_into().ok()?, number.try_into().ok()?);
                Some(CallName::Request { slot, index, number })
            }
            RequestId::Open { .. } => None,
        }
    }
}

impl Asked {
    /// The short form of an operation; `name` gives the shared name of a user.
    pub(super) fn of(operation: &Operation, name: impl FnOnce(&User) -> Arc<User>) -> Asked {
        let pair = |user: &User, target: &User| Box::new((user.clone(), target.clone()));
        match operation {
            Operation::Event { event: Event::Tweet { user, text } } => {
                Asked::Tweet { user: name(user), text: text.clone() }
            }
            Operation::Event { event: Event::Block { user, target } } => {
                Asked::Block { pair: pair(user, target) }
            }
            Operation::Event { event: Event::Unblock { user, target } } => {
                Asked::Unblock { pair: pair(user, target) }
            }
            Operation::View { view } => Asked::View { view: Box::new(view.clone()) },
        }
    }

    /// Whether it is the short form of this operation.
    pub(super) fn is(&self, operation: &Operation) -> bool {
        match (self, operation) {
            (
                Asked::Tweet { user, text },
                Operation::Event { event: Event::Tweet { user: by, text: said } },
            ) => **user == *by && text == said,
            (Asked::Block { pair }, Operation::Event { event: Event::Block { user, target } })
            | (Asked::Unblock { pair }, Operation::Event { event: Event::Unblock { user, target } }) => {
                (&pair.0, &pair.1) == (user, target)
            }
            (Asked::View { view }, Operation::View { view: other }) => **view == *other,
            (
                Asked::Tweet { .. } | Asked::Block { .. } | Asked::Unblock { .. } | Asked::View { .. },
                Operation::Event { .. } | Operation::View { .. },
            ) => false,
        }
    }
}

impl Sequential for TimelineModel {
    type State = UserCalls;
    type Operation = UserCall;
    type Answer = Response;

    fn initial(&self) -> UserCalls {
        UserCalls::default()
    }

    fn apply(&self, mut state: UserCalls, call: &UserCall, answer: Option<&Response>) -> Option<UserCalls> {
        match (&call.asked, answer) {
            (Asked::Tweet { user, text }, None | Some(Response::Done)) => {
                state.tweets.push((Arc::clone(user), text.clone()));
            }
            (Asked::Block { pair }, None | Some(Response::Done)) => {
                state.blocks.insert((**pair).clone());
            }
            (Asked::Unblock { pair }, None | Some(Response::Done)) => {
                state.blocks.remove(&**pair);
            }
            (Asked::View { .. }, None) => {}
            (Asked::View { view }, Some(Response::Shown { tweets, has_more })) => {
                let count = state.tweets.len();
                let ends = if view.older_than.is_some() { 0..=count } else { count..=count };
                let is_shown = |end: usize| {
                    let start = end.saturating_sub(Page::LOOKED_MAX);
                    let mut seen = (start..end)
                        .rev()
                        .filter_map(|index| state.tweets.get(index))
                        .filter(|tweet| !state.blocks.contains(&((*tweet.0).clone(), view.viewer.clone())));
                    let is_newest = tweets.iter().all(|(user, text)| {
                        seen.next().is_some_and(|(by, said)| **by == *user && said == text)
                    });
                    let is_left = seen.next().is_some();
                    let is_more = is_left || start > 0;
                    let stops_short =
                        tweets.is_empty() && view.limit > 0 && is_left && *has_more == Some(true);
                    is_newest && has_more.is_none_or(|more| more == is_more) && !stops_short
                };
                let is_within = tweets.len() as u64 <= view.limit;
                return (is_within && ends.into_iter().any(is_shown)).then_some(state);
            }
            (
                Asked::Tweet { .. } | Asked::Block { .. } | Asked::Unblock { .. },
                Some(Response::Shown { .. }),
            )
            | (Asked::View { .. }, Some(Response::Done)) => {
                return None;
            }
        }
        Some(state)
    }

    fn reveals_state(&self, call: &UserCall) -> bool {
        matches!(call.asked, Asked::View { .. })
    }

    /// Each case is sound, given a linearization of `calls`:
    ///
    /// 1. Without a view: a view changes nothing, so the others are explained without it.
    /// 2. Without all tweets of this text by this user, in events and in pages: take them out of the order and of every
    ///    page. What a viewer may see lacks just these tweets, in the same order, so a page still shows the newest of
    ///    it, cut no deeper than before. Where more tweets followed, it is unknown whether more still do. A page looks
    ///    at a bounded number of the newest tweets: of fewer tweets, it looks at all those left that it looked at
    ///    before.
    /// 3. Without a block or its end by a user of whom no tweet is left in events or pages: the block hides nothing.
    /// 4. Without a block, or its end, that hides tweets from a user who has no view left: no view depends on it.
    fn without(&self, calls: &[Call<TimelineModel>], index: usize) -> Option<Vec<Call<TimelineModel>>> {
        let mut fewer = calls.to_vec();
        match &calls[index].operation.asked {
            Asked::View { .. } => {
                fewer.remove(index);
            }
            Asked::Tweet { user: gone_by, text: gone } => {
                fewer.retain(|call| !matches!(&call.operation.asked, Asked::Tweet { user, text } if user == gone_by && text == gone));
                for call in &mut fewer {
                    if let Some((_, Response::Shown { tweets, has_more })) = &mut call.answer {
                        let mut left = mem::take(tweets).into_vec();
                        left.retain(|(user, text)| *user != **gone_by || text != gone);
                        *tweets = left.into();
                        *has_more = has_more.filter(|more| !more);
                    }
                }
            }
            Asked::Block { pair } | Asked::Unblock { pair } => {
                let (user, target) = &**pair;
                let matters = |call: &Call<TimelineModel>| match (&call.operation.asked, &call.answer) {
                    (Asked::Tweet { user: by, .. }, _) => **by == *user,
                    (_, Some((_, Response::Shown { tweets, .. }))) => tweets.iter().any(|(by, _)| by == user),
                    _ => false,
                };
                let looks = |call: &Call<TimelineModel>| matches!(&call.operation.asked, Asked::View { view } if view.viewer == *target);
                if calls.iter().any(matters) && calls.iter().any(looks) {
                    return None;
                }
                fewer.remove(index);
            }
        }
        Some(fewer)
    }
}

impl Display for UserCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.asked {
            Asked::Tweet { user, text } => write!(f, "{user}: {text}"),
            Asked::Block { pair } => write!(f, "{} blocks {}", pair.0, pair.1),
            Asked::Unblock { pair } => write!(f, "{} unblocks {}", pair.0, pair.1),
            Asked::View { view } => write!(f, "view of {}", view.viewer),
        }
    }
}

impl Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Done => f.write_str("done"),
            Response::Shown { tweets, .. } => {
                f.write_str(&statements(tweets.iter().map(|(user, text)| (user, text))))
            }
        }
    }
}

/// The tweets, oldest first, and the blocks.
impl Display for UserCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&statements(self.tweets.iter().map(|(user, text)| (&**user, text))))?;
        self.blocks.iter().try_for_each(|(user, target)| write!(f, "; {user} blocks {target}"))
    }
}

fn statements<'a>(tweets: impl Iterator<Item = (&'a User, &'a Text)>) -> String {
    let tweets: Vec<String> = tweets.map(|(user, text)| format!("\"{user}: {text}\"")).collect();
    if tweets.is_empty() { "nothing".to_string() } else { tweets.join(", ") }
}
