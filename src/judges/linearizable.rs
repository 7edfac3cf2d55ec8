//! Decides whether calls that overlap have a linearization: an order in which each takes effect at one moment between
//! its beginning and its answer, such that a sequential model gives every answer.
//!
//! The search is Wing and Gong's ("Testing and verifying concurrent objects", JPDC 17, 1993): a call may come first if
//! no other call was answered before it began; the rest is searched after that call. With Lowe's cache ("Testing for
//! linearizability", CCPE 29, 2017), the search never visits the same set of calls in the same state twice.
//!
//! 1. A call without an answer takes effect at any moment after its beginning, or never.
//! 2. The search tries calls in the order of the list first, so a list in a well guessed order is answered at once. A
//!    guess changes how long the search takes, never what it finds.
//! 3. [`Search::None`] means that every order was tried. When the steps are spent first, it is [`Search::Unknown`].
//!
//! [`search`] takes a whole history. [`Linearizable`] judges a growing one, with [ready models](crate::judges::models) or
//! one of your own. [`History`](crate::judges::History) does too, for a model of large states of which a guess gives the
//! order.
//!
//! The search does not partition a history. The model says, and must prove, which calls may be left out: see
//! [`Sequential::without`].

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::ProcessId;
use crate::time::Instant;

mod judge;

pub use judge::{CallEvent, Linearizable, Model};

/// A sequential model: how calls behave when they run one after another.
pub trait Sequential: Sized {
    /// The state that calls read and change. Equal states have equal futures.
    type State: Clone + PartialEq;
    /// The request of a call.
    type Operation: Clone;
    /// The answer to a call.
    type Answer: Clone;

    /// The state before the first call.
    fn initial(&self) -> Self::State;

    /// The state after `operation` in `state`; `None` if `operation` cannot give this answer there. Without an answer
    /// the operation is always possible.
    fn apply(
        &self,
        state: Self::State,
        operation: &Self::Operation,
        answer: Option<&Self::Answer>,
    ) -> Option<Self::State>;

    /// Whether the answer to `operation` says anything about the state. If it does not, every answer is possible in
    /// every state, and the answer carries no more information than none.
    fn reveals_state(&self, _operation: &Self::Operation) -> bool {
        true
    }

    /// Whether `operation` with this answer reads the state, overwrites it, or both. [`search`] does not use it.
    fn effect(&self, _operation: &Self::Operation, _answer: Option<&Self::Answer>) -> Effect {
        Effect::Both
    }

    /// Every state that `operation` may leave in `state`. There are several only where a state stands for several orders
    /// of [held](Sequential::holds) calls. [`search`] does not use it.
    fn after(
        &self,
        state: &Self::State,
        operation: &Self::Operation,
        answer: Option<&Self::Answer>,
    ) -> Vec<Self::State> {
        self.apply(state.clone(), operation, answer).into_iter().collect()
    }

    /// Whether states [hold](Sequential::hold) such a call from its beginning, so that a judge of growing histories need
    /// not try its places in the order one by one. [`search`] does not use it, and applies every call.
    fn holds(&self, _operation: &Self::Operation, _answer: Option<&Self::Answer>) -> bool {
        false
    }

    /// The state when a call that is held begins: the call may take effect from here on.
    fn hold(&self, state: &Self::State, _operation: &Self::Operation, _span: Span) -> Self::State {
        state.clone()
    }

    /// The state when a call that is held is answered: the call has taken effect.
    fn settle(&self, state: &Self::State, _operation: &Self::Operation, _span: Span) -> Self::State {
        state.clone()
    }

    /// Whether `first` may have to take effect before `then`, each given with its answer. If not, then any order from
    /// `state` in which `first` comes before `then` is also possible without `first`, which may then follow. [`search`]
    /// does not use it.
    fn helps(
        &self,
        _state: &Self::State,
        _first: (&Self::Operation, Option<&Self::Answer>),
        _then: (&Self::Operation, Option<&Self::Answer>),
    ) -> bool {
        true
    }

    /// A smaller history without the call at this index. It has a linearization if `calls` has one. `None` if there is
    /// no such history.
    fn without(&self, _calls: &[Call<Self>], _index: usize) -> Option<Vec<Call<Self>>> {
        None
    }
}

/// The effect of an operation on the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The operation never changes the state.
    Reads,
    /// The operation is possible in every state, and leaves the same state after each of them.
    Overwrites,
    /// The operation leaves the state as it is, or one that explains no more than that.
    Narrows,
    /// Nothing of this is known.
    Both,
}

/// The beginning and the answer of a call, as numbers of events in a history. No two events share a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The number of the beginning.
    pub begun: u64,
    /// The number of the answer; `None` while there is none. Then it is greater than all numbers so far.
    pub answered: Option<u64>,
}

/// A moment of a history. No two events of a history share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Moment {
    /// The time.
    pub at: Instant,
    /// The number of this moment in the history.
    pub count: u64,
}

/// One call of a history.
pub struct Call<M: Sequential> {
    /// The client.
    pub who: ProcessId,
    /// The request.
    pub operation: M::Operation,
    /// When the call began.
    pub begun: Moment,
    /// When it was answered, and the answer; `None` if the outcome is unknown.
    pub answer: Option<(Moment, M::Answer)>,
}

impl<M: Sequential> Clone for Call<M> {
    fn clone(&self) -> Call<M> {
        let Call { who, operation, begun, answer } = self;
        Call { who: *who, operation: operation.clone(), begun: *begun, answer: answer.clone() }
    }
}

impl<M: Sequential<Operation: fmt::Debug, Answer: fmt::Debug>> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { who, operation, begun, answer } = self;
        write!(f, "{who} {begun:?} {operation:?} {answer:?}")
    }
}

/// The result of a search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Search {
    /// A linearization, by index: the calls that take effect, in their order.
    Found(Vec<usize>),
    /// There is none.
    None,
    /// The steps were spent before every order was tried.
    Unknown,
}

/// A set of calls, by index.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Set(Vec<u64>);

impl Set {
    fn of_none(count: usize) -> Set {
        Set(vec![0; count.div_ceil(64)])
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] >> (index % 64) & 1 == 1
    }

    fn flip(&mut self, index: usize) {
        self.0[index / 64] ^= 1 << (index % 64);
    }
}

/// A call that took effect, the state after it, and the index where the search goes on from there.
struct SearchLevel<S> {
    call: Option<usize>,
    state: S,
    next: usize,
}

/// Searches for a linearization of `calls`. Takes at most `steps` steps, and subtracts those that it took.
pub fn search<M: Sequential>(model: &M, calls: &[Call<M>], steps: &mut u64) -> Search {
    let mut taken = Set::of_none(calls.len());
    let mut reached = BTreeMap::<Set, Vec<M::State>>::new();
    let mut levels = vec![SearchLevel { call: None, state: model.initial(), next: 0 }];
    loop {
        let depth = levels.len();
        let Some(level) = levels.last_mut() else { return Search::None };
        let left = calls.iter().enumerate().filter(|(index, _)| !taken.has(*index));
        // The first answer among the calls that are left: a call that begins after it comes after that call.
        let Some(first) = left.filter_map(|(_, call)| call.answer.as_ref()).map(|(at, _)| *at).min() else {
            return Search::Found(levels.iter().filter_map(|level| level.call).collect());
        };
        let may_come = |index: &usize| !taken.has(*index) && calls[*index].begun < first;
        let Some(index) = (level.next..calls.len()).find(may_come) else {
            if let Some(call) = level.call {
                taken.flip(call);
            }
            levels.truncate(depth - 1);
            continue;
        };
        if *steps == 0 {
            return Search::Unknown;
        }
        *steps -= 1;
        level.next = index + 1;
        let answer = calls[index].answer.as_ref().map(|(_, answer)| answer);
        let Some(state) = model.apply(level.state.clone(), &calls[index].operation, answer) else { continue };
        taken.flip(index);
        let states = reached.entry(taken.clone()).or_default();
        if states.contains(&state) {
            taken.flip(index);
            continue;
        }
        states.push(state.clone());
        levels.push(SearchLevel { call: Some(index), state, next: 0 });
    }
}

/// A part of `calls` that has no linearization and from which no call can be left out, if the search finds one within
/// `steps`. Each single search takes at most `steps_each`. The part proves that `calls` has no linearization either.
pub fn smallest<M: Sequential>(
    model: &M,
    calls: &[Call<M>],
    steps_each: u64,
    steps: &mut u64,
) -> Option<Vec<Call<M>>> {
    let (mut calls, mut proof) = (calls.to_vec(), None);
    let mut index = calls.len();
    while index > 0 && *steps > 0 {
        index = index.min(calls.len()) - 1;
        let Some(fewer) = model.without(&calls, index) else { continue };
        let mut here = steps_each.min(*steps);
        let before = here;
        let came_to = search(model, &fewer, &mut here);
        *steps -= before - here;
        match came_to {
            Search::Found(_) => continue,
            Search::None => proof = Some(fewer.clone()),
            // A smaller history takes less time to search. After a proof, only a smaller proof counts.
            Search::Unknown if proof.is_none() => {}
            Search::Unknown => continue,
        }
        calls = fewer;
        index = calls.len();
    }
    proof
}

#[cfg(test)]
pub(crate) mod tests;
