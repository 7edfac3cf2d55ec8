//! Whether calls that overlap have a linearization: an order in which each takes effect at one moment between its
//! beginning and its answer, such that a sequential model gives every answer.
//!
//! The search is Wing and Gong's ("Testing and verifying concurrent objects", JPDC 17, 1993): a call that no other was
//! answered before may come first, and what is left is searched behind it. Lowe's cache ("Testing for
//! linearizability", CCPE 29, 2017) keeps it from searching twice behind the same calls in the same state.
//!
//! 1. A call without an answer takes effect at any moment after its beginning, or never.
//! 2. An order is found in the order of the list first: whoever lists calls by a good guess is answered at once.
//!    A guess changes how long the search takes, never what it finds.
//! 3. [`Search::None`] is said only when every order was tried; when the steps are spent, [`Search::Unknown`].
//!
//! Does not partition: what may be left out of a history is its model's to say and to prove, see
//! [`Sequential::without`].

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::ProcessId;
use crate::time::Instant;

/// What calls do when they come one behind the other.
pub trait Sequential: Sized {
    /// What they change. Equal states have equal futures.
    type State: Clone + PartialEq;
    /// What is called for.
    type Operation: Clone;
    /// What is answered.
    type Answer: Clone;

    /// Before the first call.
    fn initial(&self) -> Self::State;

    /// The state behind `operation` in `state`; `None` if it does not answer this there. Without an answer nobody
    /// knows what it was, and it is always possible.
    fn apply(
        &self,
        state: Self::State,
        operation: &Self::Operation,
        answer: Option<&Self::Answer>,
    ) -> Option<Self::State>;

    /// Whether what is answered to `operation` says anything of the state. Where it does not, every answer is possible
    /// in every state, and comes to the same as none.
    fn tells(&self, _operation: &Self::Operation) -> bool {
        true
    }

    /// Whether `operation` reads the state, overwrites it, or both, when it is answered so. [`search`] does not ask.
    fn effect(&self, _operation: &Self::Operation, _answer: Option<&Self::Answer>) -> Effect {
        Effect::Both
    }

    /// A history with fewer calls, without the one of this index: one that has a linearization if `calls` has one.
    /// `None` where no such can be made.
    fn without(&self, _calls: &[Call<Self>], _index: usize) -> Option<Vec<Call<Self>>> {
        None
    }
}

/// What an operation does to the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The operation never changes the state.
    Reads,
    /// The operation is possible in every state, and leaves the same state after each of them.
    Overwrites,
    /// Neither is known.
    Both,
}

/// A moment of a history. No two things in it happen at the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Moment {
    /// The time.
    pub at: Instant,
    /// Counts the moments of the history.
    pub count: u64,
}

/// One call of a history.
pub struct Call<M: Sequential> {
    /// Who called.
    pub who: ProcessId,
    /// For what.
    pub operation: M::Operation,
    /// When.
    pub begun: Moment,
    /// When it was answered, and what; `None` if nobody knows what came of it.
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

/// What a search came to.
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

/// A call that took effect, what it came to, and where the search goes on behind it.
struct SearchLevel<S> {
    call: Option<usize>,
    state: S,
    next: usize,
}

/// Searches for a linearization of `calls`, for at most as many steps as `steps` says, which are taken off it.
pub fn search<M: Sequential>(model: &M, calls: &[Call<M>], steps: &mut u64) -> Search {
    let mut taken = Set::of_none(calls.len());
    let mut reached = BTreeMap::<Set, Vec<M::State>>::new();
    let mut levels = vec![SearchLevel { call: None, state: model.initial(), next: 0 }];
    loop {
        let depth = levels.len();
        let Some(level) = levels.last_mut() else { return Search::None };
        let left = calls.iter().enumerate().filter(|(index, _)| !taken.has(*index));
        // The first answer among those that are left: whoever begins behind it comes behind that call.
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

/// A part of `calls` that has no linearization and of which no call can be left out, if the search finds one within
/// `steps`; each single search may take `steps_each`. It is a proof that `calls` has none either.
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
            // Fewer calls are searched sooner. Behind a proof only a smaller one counts.
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
