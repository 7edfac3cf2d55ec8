//! Fewer calls of a history that has no linearization, which have none either: they show what is wrong.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::judges::kv::{KvAnswer, KvOperation, Register};
use crate::judges::linearizable::{Call, Moment};
use crate::judges::orders::has_order;

type KvCall<V> = Call<Register<V>>;

/// What the call leaves if it takes effect: `Some(None)` if nothing; `None` if it only reads.
pub(super) fn stored<V: Clone + Ord>(call: &KvCall<V>) -> Option<Option<V>> {
    match (&call.operation, &call.answer) {
        (KvOperation::Get, _) => None,
        (KvOperation::Put(value), _) => Some(Some(value.clone())),
        (KvOperation::Swap { .. }, Some((_, KvAnswer::Found(_) | KvAnswer::Differs))) => None,
        (KvOperation::Swap { to, .. }, _) => Some(Some(to.clone())),
        (KvOperation::Delete, _) => Some(None),
    }
}

/// The history without the values `gone`: a history that has a linearization if `calls` has one.
///
/// Take the linearization of `calls`. Where the state is one of those that are gone, put the last one before it that is
/// not, or nothing if there is none. Whatever a call says of a state that is not gone still holds.
///
/// 1. A call that stores a value that is gone, or finds it, is left out. So is a get without an answer.
/// 2. A swap from a value that is gone to one that is not becomes a put.
/// 3. A swap that differs is left out if it is from a value that is gone. It is also left out if it may have met one:
///    the value before that may be just the one that it is from.
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

/// Whether one of the values `gone` may have been there at some moment between `begun` and `answered`: it was stored
/// before the end, and by no call that another one surely overwrote before the beginning.
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

/// Few calls of a history without a linearization that show why there is none, as far as the steps go.
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
    // As they were, which some of those that are left are not.
    let left: BTreeSet<Moment> = reads.iter().chain(&changes).map(|call| call.begun).collect();
    calls.into_iter().filter(|call| left.contains(&call.begun)).collect()
}

/// Few of the items that are still enough, given that all of them are: halves are left out, then smaller parts.
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
