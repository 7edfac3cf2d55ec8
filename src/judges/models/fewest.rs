//! Reduces a history without a linearization to few calls that have none either, and so show the fault.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::judges::linearizable::{Call, Moment, Search, Sequential, search};
use crate::judges::orders::has_order;

/// A model that proves which calls of a history may be left out.
pub trait Reducible: Sequential<Operation: PartialEq> + Clone {
    /// What calls store and find.
    type Value: Ord + Clone;

    /// What must be left out together with this call.
    fn subject(&self, call: &Call<Self>) -> Subject<Self::Value>;

    /// The history without the calls on the values `gone`, and the model for it. It has a linearization if `calls` has.
    fn without_values(&self, calls: &[Call<Self>], gone: &BTreeSet<Self::Value>) -> (Self, Vec<Call<Self>>);
}

/// What must be left out of a history together with a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject<V> {
    /// Every call that stores this value, and other calls as `Reducible::without_values` proves.
    Value(V),
    /// Nothing: the call changes nothing.
    Alone,
    /// The call has no answer and may have changed anything, so a search needs it. If a search has found no order, then
    /// the other calls have none either, because this one may also never have taken effect.
    Stays,
}

/// Few calls without a linearization, and the model that says so.
pub struct Few<M: Sequential> {
    /// The model.
    pub model: M,
    /// The calls, by beginning. Some may differ from the original ones, where others were left out.
    pub calls: Vec<Call<M>>,
}

/// Few calls that show why a history has no linearization, as few as the steps allow.
pub(super) fn fewest<M: Reducible>(model: M, calls: Vec<Call<M>>, steps: &mut u64) -> Few<M> {
    let values: BTreeSet<M::Value> = calls
        .iter()
        .filter_map(|call| match model.subject(call) {
            Subject::Value(value) => Some(value),
            Subject::Alone | Subject::Stays => None,
        })
        .collect();
    let only = |kept: &[M::Value]| {
        let gone = values.iter().filter(|value| kept.binary_search(value).is_err()).cloned().collect();
        model.without_values(&calls, &gone)
    };
    let kept = few_enough(values.iter().cloned().collect(), |kept| {
        let (model, calls) = only(kept);
        has_order(model, &calls, steps) == Some(false)
    });
    let (model, calls) = only(&kept);
    // Calls that change nothing may be left out one by one.
    let is_alone = |call: &Call<M>| matches!(model.subject(call), Subject::Alone);
    let (alone, others): (Vec<_>, Vec<_>) = calls.into_iter().partition(is_alone);
    let alone = few_enough(alone, |alone| {
        let calls = [alone, &others].concat();
        has_order(model.clone(), &calls, steps) == Some(false)
    });
    let mut calls: Vec<Call<M>> = alone;
    calls.extend(others.into_iter().filter(|call| !matches!(model.subject(call), Subject::Stays)));
    calls.sort_by_key(|call| call.begun);
    Few { model, calls }
}

/// Few of the items that still pass `is_enough`, given that all of them do. Leaves out halves, then smaller parts.
fn few_enough<T: Clone>(mut items: Vec<T>, mut is_enough: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut part = items.len();
    loop {
        part = part.div_ceil(2);
        let mut end = items.len();
        while end > 0 {
            let start = end.saturating_sub(part);
            let fewer = [&items[..start], &items[end..]].concat();
            if is_enough(&fewer) {
                items = fewer;
            }
            end = start;
        }
        if part <= 1 {
            return items;
        }
    }
}

/// An order that explains most calls.
pub(crate) struct OrderOfMost<S> {
    /// The calls that take effect, by index, each with the state that it leaves.
    pub(crate) order: Vec<(usize, S)>,
    /// The index of the call that is left out.
    pub(crate) without: usize,
}

/// Most calls that are left out, one after another, to find an order that explains the others.
const LEFT_OUT_MAX: usize = 12;

/// An order that explains all of these calls but one. Each search takes at most `steps` steps.
pub(crate) fn order_of_most<M: Sequential>(
    model: &M,
    calls: &[Call<M>],
    steps: u64,
) -> Option<OrderOfMost<M::State>> {
    let answered = |index: &usize| calls[*index].answer.as_ref().map(|(at, _)| *at);
    let mut left_out: Vec<usize> = (0..calls.len()).collect();
    left_out.sort_by_key(|index| core::cmp::Reverse::<Option<Moment>>(answered(index)));
    left_out.into_iter().take(LEFT_OUT_MAX).find_map(|without| {
        let mut rest = calls.to_vec();
        rest.remove(without);
        let Search::Found(found) = search(model, &rest, &mut { steps }) else { return None };
        let mut state = model.initial();
        let mut order = Vec::with_capacity(found.len());
        for place in found {
            let answer = rest[place].answer.as_ref().map(|(_, answer)| answer);
            state = model.apply(state, &rest[place].operation, answer)?;
            order.push((if place < without { place } else { place + 1 }, state.clone()));
        }
        Some(OrderOfMost { order, without })
    })
}
