//! A register that clients read, write and swap (compare-and-swap): one of each call on a key in [`Kv`](super::Kv), a
//! configuration, a counter, a lock.
//!
//! Checked: the value that is found is the one that was stored last, and a swap stores its value only where it found what
//! it expected. Not checked: that any call is answered.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};

use crate::judges::linearizable::{Call, Effect, Model, Moment, Sequential};
use crate::judges::models::fewest::{Few, Reducible, Subject, fewest};

/// A register with the value that it has before the first call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Register<V> {
    initial: V,
}

impl<V> Register<V> {
    /// A register that has the value `initial` before the first call.
    pub const fn new(initial: V) -> Register<V> {
        Register { initial }
    }
}

/// A call on a register.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RegisterOperation<V> {
    /// Reads the value.
    Read,
    /// Stores this value, whatever was there.
    Write(V),
    /// Compare-and-swap: stores `to` if `from` is there.
    Swap {
        /// The expected value.
        from: V,
        /// The new value.
        to: V,
    },
}

/// The answer to a call on a register.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RegisterAnswer<V> {
    /// To a write: it took effect.
    Written,
    /// To a swap: it took effect.
    Swapped,
    /// To a read: the value. To a swap: it took no effect, because this is there instead of `from`.
    Found(V),
    /// To a swap: it took no effect, because something other than `from` is there.
    Differs,
}

impl<V: Display> Display for RegisterOperation<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterOperation::Read => write!(f, "read"),
            RegisterOperation::Write(value) => write!(f, "write {value}"),
            RegisterOperation::Swap { from, to } => write!(f, "swap {from} for {to}"),
        }
    }
}

impl<V: Display> Display for RegisterAnswer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterAnswer::Written => write!(f, "written"),
            RegisterAnswer::Swapped => write!(f, "swapped"),
            RegisterAnswer::Found(value) => write!(f, "found {value}"),
            RegisterAnswer::Differs => write!(f, "differs"),
        }
    }
}

impl<V: Clone + Ord> Sequential for Register<V> {
    type State = V;
    type Operation = RegisterOperation<V>;
    type Answer = RegisterAnswer<V>;

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn apply(
        &self,
        state: V,
        operation: &RegisterOperation<V>,
        answer: Option<&RegisterAnswer<V>>,
    ) -> Option<V> {
        match (operation, answer) {
            (RegisterOperation::Read, None) => Some(state),
            (RegisterOperation::Read, Some(RegisterAnswer::Found(value))) => {
                (*value == state).then_some(state)
            }
            (RegisterOperation::Write(value), None | Some(RegisterAnswer::Written)) => Some(value.clone()),
            (RegisterOperation::Swap { from, to }, None) => {
                Some(if *from == state { to.clone() } else { state })
            }
            (RegisterOperation::Swap { from, to }, Some(RegisterAnswer::Swapped)) => {
                (*from == state).then(|| to.clone())
            }
            (RegisterOperation::Swap { from, .. }, Some(RegisterAnswer::Found(value))) => {
                (*from != state && *value == state).then_some(state)
            }
            (RegisterOperation::Swap { from, .. }, Some(RegisterAnswer::Differs)) => {
                (*from != state).then_some(state)
            }
            (RegisterOperation::Read | RegisterOperation::Write(_), Some(_))
            | (RegisterOperation::Swap { .. }, Some(RegisterAnswer::Written)) => None,
        }
    }

    fn reveals_state(&self, operation: &RegisterOperation<V>) -> bool {
        !matches!(operation, RegisterOperation::Write(_))
    }

    fn effect(&self, operation: &RegisterOperation<V>, answer: Option<&RegisterAnswer<V>>) -> Effect {
        match (operation, answer) {
            (RegisterOperation::Read, _)
            | (RegisterOperation::Swap { .. }, Some(RegisterAnswer::Found(_) | RegisterAnswer::Differs)) => {
                Effect::Reads
            }
            (RegisterOperation::Write(_), _) => Effect::Overwrites,
            (RegisterOperation::Swap { .. }, _) => Effect::Both,
        }
    }
}

impl<V: Clone + Ord + Display> Model for Register<V> {
    type Operation = RegisterOperation<V>;
    type Answer = RegisterAnswer<V>;
    type Key = ();
    type Part = Register<V>;

    fn part(&self) -> Register<V> {
        self.clone()
    }

    fn split(&self, operation: &RegisterOperation<V>) -> ((), RegisterOperation<V>) {
        ((), operation.clone())
    }

    fn answer(
        &self,
        operation: &RegisterOperation<V>,
        answer: &RegisterAnswer<V>,
    ) -> Option<RegisterAnswer<V>> {
        fits(operation, answer).then(|| answer.clone())
    }

    fn describe_state(&self, value: &V) -> Option<String> {
        Some(value.to_string())
    }

    fn fewest(part: Register<V>, calls: Vec<Call<Register<V>>>, steps: &mut u64) -> Few<Register<V>> {
        fewest(part, calls, steps)
    }
}

/// Whether an answer of this kind can answer `operation`.
pub(super) fn fits<V>(operation: &RegisterOperation<V>, answer: &RegisterAnswer<V>) -> bool {
    match operation {
        RegisterOperation::Read => matches!(answer, RegisterAnswer::Found(_)),
        RegisterOperation::Write(_) => matches!(answer, RegisterAnswer::Written),
        RegisterOperation::Swap { .. } => !matches!(answer, RegisterAnswer::Written),
    }
}

impl<V: Clone + Ord> Reducible for Register<V> {
    type Value = V;

    fn subject(&self, call: &Call<Register<V>>) -> Subject<V> {
        match stored(call) {
            Some(value) => Subject::Value(value.clone()),
            None => Subject::Alone,
        }
    }

    /// Proof: take the linearization of `calls`. Replace each state in `gone` by the last state before it that is not in
    /// `gone`, or by the initial one. Whatever a call says of a state that is not in `gone` still holds.
    ///
    /// 1. A call that stores or finds a value in `gone` is left out. So is a read without an answer.
    /// 2. A swap from a value in `gone` to one that is not becomes a write.
    /// 3. A swap that differs is left out if its `from` is in `gone`. It is also left out if the state that it met may be
    ///    in `gone`: the state that replaces it could equal `from`.
    fn without_values(
        &self,
        calls: &[Call<Register<V>>],
        gone: &BTreeSet<V>,
    ) -> (Self, Vec<Call<Register<V>>>) {
        let mut fewer = Vec::new();
        for call in calls {
            let mut call = call.clone();
            if stored(&call).is_some_and(|value| gone.contains(value)) {
                continue;
            }
            let is_kept = match (&call.operation, &call.answer) {
                (RegisterOperation::Read, None) => false,
                (_, Some((_, RegisterAnswer::Found(value)))) => !gone.contains(value),
                (RegisterOperation::Swap { from, .. }, Some((at, RegisterAnswer::Differs))) => {
                    !gone.contains(from) && !may_be_met(calls, gone, call.begun, *at)
                }
                (RegisterOperation::Swap { from, to }, _) if gone.contains(from) => {
                    call.operation = RegisterOperation::Write(to.clone());
                    call.answer = call.answer.map(|(at, _)| (at, RegisterAnswer::Written));
                    true
                }
                _ => true,
            };
            if is_kept {
                fewer.push(call);
            }
        }
        (self.clone(), fewer)
    }
}

/// The value that the call leaves if it takes effect; `None` if it only reads.
fn stored<V: Clone + Ord>(call: &Call<Register<V>>) -> Option<&V> {
    match (&call.operation, &call.answer) {
        (RegisterOperation::Write(value), _) => Some(value),
        (RegisterOperation::Swap { .. }, Some((_, RegisterAnswer::Found(_) | RegisterAnswer::Differs)))
        | (RegisterOperation::Read, _) => None,
        (RegisterOperation::Swap { to, .. }, _) => Some(to),
    }
}

/// Whether one of the values `gone` may have been stored and there at some moment between `begun` and `answered`. That
/// is so if a call stored it before `answered`, and no other call surely overwrote that call before `begun`.
fn may_be_met<V: Clone + Ord>(
    calls: &[Call<Register<V>>],
    gone: &BTreeSet<V>,
    begun: Moment,
    answered: Moment,
) -> bool {
    let stores = |call: &&Call<Register<V>>, is_gone: bool| {
        stored(call).is_some_and(|value| gone.contains(value) == is_gone)
    };
    let is_over = |call: &&Call<Register<V>>| call.answer.as_ref().is_some_and(|(at, _)| *at < begun);
    let overwritten =
        calls.iter().filter(|call| stores(call, false)).filter(is_over).map(|call| call.begun).max();
    calls.iter().filter(|call| stores(call, true)).any(|call| {
        let is_overwritten = call.answer.as_ref().is_some_and(|(at, _)| Some(*at) < overwritten);
        call.begun < answered && !is_overwritten
    })
}
