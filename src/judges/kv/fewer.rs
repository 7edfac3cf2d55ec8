//! Reduces a history without a linearization to few calls that have none either, and so show the fault.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::judges::kv::{KvAnswer, KvOperation, Register};
use crate::judges::linearizable::{Call, Moment};
use crate::judges::orders::has_order;

type KvCall<V> = Call<Register<V>>;

/// The value that the call leaves if it takes effect: `Some(None)` for nothing; `None` if the call only reads.
pub(super) fn stored<V: Clone + Ord>(call: &KvCall<V>) -> Option<Option<V>> {
    match (&call.operation, &call.answer) {
        (KvOperation::Get, _) => None,
        (KvOperation::Put(value), _) => Some(Some(value.clone())),
        (KvOperation::Swap { .. }, Some((_, KvAnswer::Found(_) | KvAnswer::Differs))) => None,
        (KvOperation::Swap { to, .. }, _) => Some(Some(to.clone())),
        (KvOperation::Delete, _) => Some(None),
    }
}

/// The history without the values `gone`. It has a linearization if `calls` has one.
///
/// Proof: take the linearization of `calls`. Replace each state in `gone` by the last state before it that is not in
/// `gone`, or by nothing if there is none. Whatever a call says of a state that is not in `gone` still holds.
///
/// 1. A call that stores or finds a value in `gone` is left out. So is a get without an answer.
/// 2. A swap from a value in `gone` to one that is not becomes a put.
/// 3. A swap that differs is left out if its `from` is in `gone`. It is also left out if the state that it met may be
///    in `gone`: the state that replaces it could equal `from`.
pub(super) fn without<V: Clone + Ord>(calls: &[KvCall<V>], gone: &BTreeSet<Option<V>>) -> Vec<KvCall<V>> {
    let mut fewer = Vec::new();
    for call in calls {
        let mut call = call.clone();
        if stored(&call).is_some_and(|value| gone.contains(&value)) {
            continue;
        }
        let is_kept = match (&call.operation, &call.answer) {
            (KvOperation::Get, None) => false,
            (_, Some((_, KvAnswer::Found(value)))) => !gone.contains(value),
            (KvOperation::Swap { from, .. }, Some((at, KvAnswer::Differs))) => {
                !gone.contains(from) && !may_be_met(calls, gone, call.begun, *at)
            }
            (KvOperation::Swap { from, to }, _) if gone.contains(from) => {
                call.operation = KvOperation::Put(to.clone());
                call.answer = call.answer.map(|(at, _)| (at, KvAnswer::Put));
                true
            }
            _ => true,
        };
        if is_kept {
            fewer.push(call);
        }
    }
    fewer
}

/// Whether one of the values `gone` may have been there at some moment between `begun` and `answered`. That is so if a
/// call stored it before `answered`, and no other call surely overwrote that call before `begun`.
fn may_be_met<V: Clone + Ord>(
    calls: &[KvCall<V>],
    gone: &BTreeSet<Option<V>>,
    begun: Moment,
    answered: Moment,
) -> bool {
    let stores =
        |call: &&KvCall<V>, is_gone: bool| stored(call).is_some_and(|value| gone.contains(&value) == is_gone);
    let is_over = |call: &&KvCall<V>| call.answer.as_ref().is_some_and(|(at, _)| *at < begun);
    let overwritten =
        calls.iter().filter(|call| stores(call, false)).filter(is_over).map(|call| call.begun).max();
    calls.iter().filter(|call| stores(call, true)).any(|call| {
        let is_overwritten = call.answer.as_ref().is_some_and(|(at, _)| Some(*at) < overwritten);
        call.begun < answered && !is_overwritten
    })
}

/// Few calls that show why a history has no linearization, as few as the steps allow.
pub(super) fn fewest<V: Clone + Ord>(calls: Vec<KvCall<V>>, steps: &mut u64) -> Vec<KvCall<V>> {
    let mut is_proof = |calls: &[KvCall<V>]| has_order(Register::default(), calls, steps) == Some(false);
    let values: BTreeSet<Option<V>> = calls.iter().filter_map(stored).collect();
    let only = |kept: &[Option<V>]| {
        let gone = values.iter().filter(|value| kept.binary_search(value).is_err()).cloned().collect();
        without(&calls, &gone)
    };
    let kept = few_enough(values.iter().cloned().collect(), |kept| is_proof(&only(kept)));
    // Calls that only read may be left out one by one.
    let (reads, changes): (Vec<_>, Vec<_>) = only(&kept).into_iter().partition(|call| stored(call).is_none());
    let reads = few_enough(reads, |reads| is_proof(&[reads, &changes].concat()));
    // The original calls: `without` changed some of those that are left.
    let left: BTreeSet<Moment> = reads.iter().chain(&changes).map(|call| call.begun).collect();
    calls.into_iter().filter(|call| left.contains(&call.begun)).collect()
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
