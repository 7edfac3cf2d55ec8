//! Calls in flight, and the ways in which they may have taken effect.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::judges::linearizable::{Effect, Sequential, Span};

/// The result of an order. The numbers of calls ascend.
#[derive(Clone)]
pub(super) struct PossibleOrder<S> {
    /// Calls in flight that took effect and will be answered.
    pub(super) taken: Vec<usize>,
    /// Calls without an answer that took effect.
    pub(super) used: Vec<usize>,
    pub(super) state: S,
}

/// A call in flight, with its answer if that is known.
pub(super) struct Flying<'a, M: Sequential> {
    pub(super) number: usize,
    pub(super) operation: &'a M::Operation,
    pub(super) answer: Option<&'a M::Answer>,
    pub(super) span: Span,
    pub(super) effect: Effect,
    pub(super) is_held: bool,
}

impl<M: Sequential> Flying<'_, M> {
    pub(super) fn apply(&self, model: &M, state: &M::State) -> Option<M::State> {
        model.apply(state.clone(), self.operation, self.answer)
    }

    pub(super) fn after(&self, model: &M, state: &M::State) -> Vec<M::State> {
        if self.is_held {
            vec![model.settle(state, self.operation, self.span)]
        } else {
            model.after(state, self.operation, self.answer)
        }
    }

    /// Whether this call changes nothing in this state, and so may take effect at once.
    pub(super) fn is_free(&self, model: &M, state: &M::State) -> bool {
        match self.effect {
            Effect::Reads => self.apply(model, state).is_some(),
            Effect::Narrows => self.apply(model, state).is_some_and(|after| after == *state),
            Effect::Overwrites | Effect::Both => false,
        }
    }

    pub(super) fn helps(&self, model: &M, state: &M::State, then: &Flying<'_, M>) -> bool {
        model.helps(state, (self.operation, self.answer), (then.operation, then.answer))
    }

    pub(super) fn is_left(&self, way: &PossibleOrder<M::State>) -> bool {
        !has(&way.taken, self.number) && !has(&way.used, self.number)
    }
}

/// A call in flight that changes the state.
pub(super) struct Changing<'a, M: Sequential> {
    pub(super) call: &'a Flying<'a, M>,
    /// The calls that may see the state after this call, if this call overwrites.
    pub(super) seen_by: Vec<&'a Flying<'a, M>>,
    /// The equal call that takes effect before this one.
    pub(super) before: Option<&'a Flying<'a, M>>,
}

impl<M: Sequential> Changing<'_, M> {
    /// Whether this call may take effect after `way`, in an order that ends with the call of this number.
    pub(super) fn may_come(&self, way: &PossibleOrder<M::State>, number: usize) -> bool {
        self.call.is_left(way)
            && self.before.is_none_or(|before| !before.is_left(way))
            && (self.call.number == number
                || matches!(self.call.effect, Effect::Narrows | Effect::Both)
                || self.seen_by.iter().any(|call| call.is_left(way)))
    }
}

/// Ways, by their taken calls.
pub(super) struct Ways<S>(pub(super) BTreeMap<Vec<usize>, Vec<(Vec<usize>, S)>>);

impl<S: Clone + PartialEq> Ways<S> {
    /// Adds a way, unless one with the same state has used only some of the same calls: it may still use the others.
    pub(super) fn add(&mut self, way: &PossibleOrder<S>) -> bool {
        let alike = self.0.entry(way.taken.clone()).or_default();
        if alike.iter().any(|(used, state)| *state == way.state && is_part_of(used, &way.used)) {
            return false;
        }
        alike.retain(|(used, state)| *state != way.state || !is_part_of(&way.used, used));
        alike.push((way.used.clone(), way.state.clone()));
        true
    }

    pub(super) fn into_vec(self) -> Vec<PossibleOrder<S>> {
        let of_taken = |(taken, alike): (Vec<usize>, Vec<(Vec<usize>, S)>)| {
            alike.into_iter().map(move |(used, state)| PossibleOrder { taken: taken.clone(), used, state })
        };
        self.0.into_iter().flat_map(of_taken).collect()
    }
}

fn has(numbers: &[usize], number: usize) -> bool {
    numbers.binary_search(&number).is_ok()
}

pub(super) fn insert(numbers: &mut Vec<usize>, number: usize) {
    if let Err(place) = numbers.binary_search(&number) {
        numbers.insert(place, number);
    }
}

fn is_part_of(few: &[usize], many: &[usize]) -> bool {
    few.iter().all(|number| has(many, *number))
}
