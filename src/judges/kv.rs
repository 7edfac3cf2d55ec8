//! Judges a key-value store: each get, put, swap (compare-and-swap) and delete must seem to take effect at one moment.
//!
//! Checked: the calls on each key, with their answers, have a linearization. A call without an answer may take effect
//! at any moment after it began, or never. Not checked: calls on several keys (ranges, transactions), reads that may be
//! stale, and whether a call is ever answered. When the steps of a key are spent, nothing more is judged of it, and
//! [`KvHistory::unknown`] says so.
//!
//! Each key has a history of its own. That is sound and complete, because every call is on one key and linearizability
//! is local: a history has a linearization exactly if its part on each object has one (Herlihy and Wing,
//! "Linearizability: A Correctness Condition for Concurrent Objects", TOPLAS 12, 1990, theorem 1).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::marker::PhantomData;

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Effect, Moment, Sequential};
use crate::judges::orders::{OrderFailure, Orders};
use crate::sim::Violation;
use crate::time::Instant;

mod fewer;

const PROPERTY: &str = "linearizable";

/// Most steps to judge one answer.
const STEPS_EACH: u64 = 200_000;

/// Most steps to look for a smaller history without a linearization.
const STEPS_FEWER: u64 = 4_000_000;

/// A client's call on one key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KvOperation<V> {
    /// Reads the value of the key.
    Get,
    /// Stores this value under the key, whatever was there.
    Put(V),
    /// Compare-and-swap: stores `to` under the key if `from` is there.
    Swap {
        /// The expected value; `None` if the key must be absent.
        from: Option<V>,
        /// The new value.
        to: V,
    },
    /// Removes the key, whether it is there or not.
    Delete,
}

/// The answer to a call.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KvAnswer<V> {
    /// To a put: the put took effect.
    Put,
    /// To a swap: the swap took effect.
    Swapped,
    /// To a delete: the delete took effect.
    Deleted,
    /// To a get: the value there, if any. To a swap: it took no effect, because this is there instead of `from`.
    Found(Option<V>),
    /// To a swap: the swap took no effect, because something other than `from` is there.
    Differs,
}

impl<V: Display> Display for KvOperation<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KvOperation::Get => write!(f, "get"),
            KvOperation::Put(value) => write!(f, "put {value}"),
            KvOperation::Swap { from: Some(from), to } => write!(f, "swap {from} for {to}"),
            KvOperation::Swap { from: None, to } => write!(f, "swap nothing for {to}"),
            KvOperation::Delete => write!(f, "delete"),
        }
    }
}

impl<V: Display> Display for KvAnswer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KvAnswer::Put => write!(f, "put"),
            KvAnswer::Swapped => write!(f, "swapped"),
            KvAnswer::Deleted => write!(f, "deleted"),
            KvAnswer::Found(Some(value)) => write!(f, "found {value}"),
            KvAnswer::Found(None) => write!(f, "found nothing"),
            KvAnswer::Differs => write!(f, "differs"),
        }
    }
}

/// One key of the store as a model: a register that holds a value or nothing. It starts with nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register<V>(PhantomData<V>);

impl<V> Default for Register<V> {
    fn default() -> Register<V> {
        Register(PhantomData)
    }
}

impl<V: Clone + Ord> Sequential for Register<V> {
    type State = Option<V>;
    type Operation = KvOperation<V>;
    type Answer = KvAnswer<V>;

    fn initial(&self) -> Option<V> {
        None
    }

    fn apply(
        &self,
        state: Option<V>,
        operation: &KvOperation<V>,
        answer: Option<&KvAnswer<V>>,
    ) -> Option<Option<V>> {
        if answer.is_some_and(|answer| !fits(operation, answer)) {
            return None;
        }
        match operation {
            KvOperation::Get => match answer {
                Some(KvAnswer::Found(value)) => (*value == state).then_some(state),
                _ => Some(state),
            },
            KvOperation::Put(value) => Some(Some(value.clone())),
            KvOperation::Delete => Some(None),
            KvOperation::Swap { from, to } if *from == state => {
                matches!(answer, None | Some(KvAnswer::Swapped)).then(|| Some(to.clone()))
            }
            KvOperation::Swap { .. } => match answer {
                Some(KvAnswer::Swapped) => None,
                Some(KvAnswer::Found(value)) => (*value == state).then_some(state),
                _ => Some(state),
            },
        }
    }

    fn reveals_state(&self, operation: &KvOperation<V>) -> bool {
        matches!(operation, KvOperation::Get | KvOperation::Swap { .. })
    }

    fn effect(&self, operation: &KvOperation<V>, answer: Option<&KvAnswer<V>>) -> Effect {
        match operation {
            KvOperation::Get => Effect::Reads,
            KvOperation::Put(_) | KvOperation::Delete => Effect::Overwrites,
            KvOperation::Swap { .. } if matches!(answer, Some(KvAnswer::Found(_) | KvAnswer::Differs)) => {
                Effect::Reads
            }
            KvOperation::Swap { .. } => Effect::Both,
        }
    }

    /// Leaves out a call that only reads. For a call that stores a value, leaves out every mention of that value.
    fn without(&self, calls: &[Call<Self>], index: usize) -> Option<Vec<Call<Self>>> {
        let mut fewer = calls.to_vec();
        match fewer::stored(&calls[index]) {
            Some(value) => fewer = fewer::without(calls, &[value].into()),
            None => {
                fewer.remove(index);
            }
        }
        Some(fewer)
    }
}

/// Whether an answer of this kind can answer `operation`.
fn fits<V>(operation: &KvOperation<V>, answer: &KvAnswer<V>) -> bool {
    match operation {
        KvOperation::Get => matches!(answer, KvAnswer::Found(_)),
        KvOperation::Put(_) => matches!(answer, KvAnswer::Put),
        KvOperation::Swap { .. } => {
            matches!(answer, KvAnswer::Swapped | KvAnswer::Found(_) | KvAnswer::Differs)
        }
        KvOperation::Delete => matches!(answer, KvAnswer::Deleted),
    }
}

/// The history of a store, to which a judge adds each call when it sees the call begin and end.
///
/// Where a client waits for one call at a time, [`asked`](KvHistory::asked), [`answered`](KvHistory::answered) and
/// [`lost`](KvHistory::lost) identify a call by its client. [`begin`](KvHistory::begin), [`end`](KvHistory::end) and
/// [`lose`](KvHistory::lose) identify any number of calls by their numbers. After a violation, ignore whatever else the
/// history reports. A clone shares each key with its origin until one of the two changes that key.
///
/// ```
/// use aviary::prelude::*;
///
/// let [writer, reader] = [0, 1].map(ProcessId::Client);
/// let at = Instant::from_micros;
/// let mut history = KvHistory::default();
/// history.asked(at(1), writer, "x", kv::KvOperation::Put(7));
/// history.answered(at(2), writer, kv::KvAnswer::Put).unwrap();
/// history.asked(at(3), reader, "x", kv::KvOperation::Get);
/// let stale = history.answered(at(4), reader, kv::KvAnswer::Found(None));
/// assert_eq!(stale.unwrap_err().property, "linearizable");
/// ```
#[derive(Clone)]
pub struct KvHistory<K, V: Clone + Ord> {
    keys: BTreeMap<K, Arc<OneKey<V>>>,
    /// Each call that has begun and not ended: its key, and its number in that key's history.
    open: BTreeMap<usize, (K, usize)>,
    /// The call that each client waits for.
    waiting: BTreeMap<ProcessId, usize>,
    call_count: usize,
    moment_count: u64,
}

/// The history of one key.
#[derive(Clone)]
struct OneKey<V: Clone + Ord> {
    /// `None` once the steps are spent.
    orders: Option<Orders<Register<V>>>,
    /// By beginning. The answers are stored apart, so that clones share old calls.
    calls: CowLog<Call<Register<V>>>,
    answers: CowLog<(usize, Moment, KvAnswer<V>)>,
}

impl<V: Clone + Ord> Default for OneKey<V> {
    fn default() -> OneKey<V> {
        let orders = Some(Orders::new(Register::default()));
        OneKey { orders, calls: CowLog::default(), answers: CowLog::default() }
    }
}

impl<K, V: Clone + Ord> Default for KvHistory<K, V> {
    fn default() -> KvHistory<K, V> {
        let (open, waiting) = (BTreeMap::new(), BTreeMap::new());
        KvHistory { keys: BTreeMap::new(), open, waiting, call_count: 0, moment_count: 0 }
    }
}

impl<K: fmt::Debug, V: Clone + Ord> fmt::Debug for KvHistory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvHistory")
            .field("open", &self.open)
            .field("call_count", &self.call_count)
            .finish_non_exhaustive()
    }
}

impl<K: Clone + Ord + Display, V: Clone + Ord + Display> KvHistory<K, V> {
    /// `who` calls `operation` on `key`, and waits for the outcome.
    ///
    /// # Panics
    /// When `who` waits for the outcome of another call, which must be answered or [`lost`](KvHistory::lost) first.
    pub fn asked(&mut self, now: Instant, who: ProcessId, key: K, operation: KvOperation<V>) {
        let number = self.begin(now, who, key, operation);
        let before = self.waiting.insert(who, number);
        assert!(before.is_none(), "{who} asks while it waits for the outcome of another call");
    }

    /// `who` gets the answer to its call.
    ///
    /// # Errors
    /// When no order explains all answers, or `answer` cannot answer the call of `who`: property `linearizable`.
    pub fn answered(&mut self, now: Instant, who: ProcessId, answer: KvAnswer<V>) -> Result<(), Violation> {
        match self.waiting.remove(&who) {
            Some(number) => self.end(now, number, answer).map(|_| ()),
            None => broken(format!("{who} is answered \"{answer}\" and had asked for nothing")),
        }
    }

    /// The outcome of the call that `who` waits for stays unknown: the call may take effect at any moment after it
    /// began, or never. Does nothing if `who` waits for no call, so a judge may call this whenever a client starts.
    pub fn lost(&mut self, who: ProcessId) {
        if let Some(number) = self.waiting.remove(&who) {
            self.lose(number);
        }
    }

    /// `who` begins a call. Returns the number of the call, by which it ends.
    pub fn begin(&mut self, now: Instant, who: ProcessId, key: K, operation: KvOperation<V>) -> usize {
        let begun = self.moment(now);
        let one = Arc::make_mut(self.keys.entry(key.clone()).or_default());
        let here = one.calls.len();
        if let Some(orders) = &mut one.orders {
            orders.begin(here, operation.clone());
        }
        one.calls.push(Call { who, operation, begun, answer: None });
        self.call_count += 1;
        self.open.insert(self.call_count, (key, here));
        self.call_count
    }

    /// The call of this number is answered. Returns the number. If the call has already ended, nothing is judged.
    ///
    /// # Errors
    /// When no order explains all answers, or `answer` cannot answer such a call: property `linearizable`.
    pub fn end(&mut self, now: Instant, number: usize, answer: KvAnswer<V>) -> Result<usize, Violation> {
        let at = self.moment(now);
        let Some((key, here)) = self.open.remove(&number) else { return Ok(number) };
        let one = self.keys.get_mut(&key).map(Arc::make_mut).expect("a call that began has a key");
        let Call { who, operation, .. } = one.calls.get(here).expect("a call that began is kept");
        if !fits(operation, &answer) {
            return broken(format!("{who} is answered \"{answer}\" to \"{operation}\" on {key}"));
        }
        one.answers.push((here, at, answer.clone()));
        let Some(orders) = &mut one.orders else { return Ok(number) };
        match orders.answer(here, answer, &mut { STEPS_EACH }) {
            Ok(()) => Ok(number),
            Err(OrderFailure::NoOrder) => broken(one.contradiction(&key)),
            Err(OrderFailure::Spent) => {
                one.orders = None;
                Ok(number)
            }
        }
    }

    /// The outcome of the call of this number stays unknown. The verdict is the same for a call that never ends, but
    /// then more of the history is kept.
    pub fn lose(&mut self, number: usize) {
        let Some((key, here)) = self.open.remove(&number) else { return };
        let one = self.keys.get_mut(&key).map(Arc::make_mut).expect("a call that began has a key");
        if let Some(orders) = &mut one.orders {
            orders.lose(here);
        }
    }

    /// A sentence about what could not be judged.
    pub fn unknown(&self) -> Option<String> {
        let mut unknown = self.keys.iter().filter(|(_, one)| one.orders.is_none()).map(|(key, _)| key);
        let (first, others) = (unknown.next()?, unknown.count());
        let keys = if others == 0 { first.to_string() } else { format!("{first} and {others} other keys") };
        Some(format!("{PROPERTY}: not everything on {keys} is judged: the search spent its steps"))
    }

    fn moment(&mut self, at: Instant) -> Moment {
        self.moment_count += 1;
        Moment { at, count: self.moment_count }
    }
}

impl<V: Clone + Ord + Display> OneKey<V> {
    /// A sentence with few calls that no order explains.
    fn contradiction(&self, key: &impl Display) -> String {
        let mut calls: Vec<Call<Register<V>>> = self.calls.iter().cloned().collect();
        for (here, at, answer) in self.answers.iter() {
            calls[*here].answer = Some((*at, answer.clone()));
        }
        let explained = |Call { who, operation, begun, answer }: &Call<Register<V>>| {
            let asked = format!("\"{operation}\" of {who} at {}", begun.at);
            match answer {
                Some((at, answer)) => format!("{asked} was answered \"{answer}\" at {}", at.at),
                None => format!("{asked} has no answer"),
            }
        };
        let calls = fewer::fewest(calls, &mut { STEPS_FEWER });
        let calls: Vec<String> = calls.iter().map(explained).collect();
        format!("on {key}, no order explains that {}", calls.join("; "))
    }
}

fn broken<T>(explanation: String) -> Result<T, Violation> {
    Err(Violation { property: PROPERTY, explanation })
}

#[cfg(test)]
mod tests;
