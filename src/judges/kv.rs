//! Whether a key-value store looks like one that does everything at once: get, put, swap (compare-and-swap) and delete.
//!
//! Checked: that what clients asked of each key, and what they were answered, has a linearization. A call without an
//! answer may take effect at any moment after it began, or never.
//! Not checked: calls on several keys (ranges, transactions), reads that may be behind, and whether anything is answered
//! at all. Where the steps are spent, nothing more is judged of that key, and [`KvHistory::unknown`] says so.
//!
//! Each key has a history of its own. That is sound and leaves nothing out, because every call is on one key and
//! linearizability is local: a history has a linearization exactly if the part of it on each object has one (Herlihy
//! and Wing, "Linearizability: A Correctness Condition for Concurrent Objects", TOPLAS 12, 1990, theorem 1).

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

/// Steps of judging one answer.
const STEPS_EACH: u64 = 200_000;

/// Steps of looking for a smaller history that has no linearization either.
const STEPS_FEWER: u64 = 4_000_000;

/// What a client asks of one key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KvOperation<V> {
    /// The value of the key.
    Get,
    /// To store this value under the key, whatever was there.
    Put(V),
    /// To store `to` under the key if `from` is there: compare-and-swap.
    Swap {
        /// `None` if nothing must be there.
        from: Option<V>,
        /// The new value.
        to: V,
    },
    /// To remove the key, whether it is there or not.
    Delete,
}

/// What a client is answered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KvAnswer<V> {
    /// To a put: it took effect.
    Put,
    /// To a swap: it took effect.
    Swapped,
    /// To a delete: it took effect.
    Deleted,
    /// To a get: this is there, or nothing. To a swap: it took no effect, because this is there and not `from`.
    Found(Option<V>),
    /// To a swap: it took no effect, because something else than `from` is there.
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

/// One key of the store, as a model: a register with a value in it, or with nothing, as at first.
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

    fn tells(&self, operation: &KvOperation<V>) -> bool {
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

    /// Without a call that only reads, or without any mention of the value that the call stores.
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

/// Whether an answer of this kind can be one to `operation`.
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
/// [`lost`](KvHistory::lost) know a call by its client. [`begin`](KvHistory::begin), [`end`](KvHistory::end) and
/// [`lose`](KvHistory::lose) know any number of calls by their numbers. After a violation, nothing more that a history
/// says counts. A clone shares each key with its origin until one of the two changes that key.
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
    /// Each call that has begun and not ended: its key, and its number there.
    open: BTreeMap<usize, (K, usize)>,
    /// The call that each client waits for.
    waiting: BTreeMap<ProcessId, usize>,
    call_count: usize,
    moment_count: u64,
}

/// The history of one key.
#[derive(Clone)]
struct OneKey<V: Clone + Ord> {
    /// `None` once the steps were spent.
    orders: Option<Orders<Register<V>>>,
    /// In the order of their beginning. Their answers stand apart, so that clones share whatever is old.
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
    /// `who` asks for `operation` on `key`, and waits for the outcome.
    ///
    /// # Panics
    /// When `who` waits for the outcome of another call: that one is to be answered or [`lost`](KvHistory::lost) before.
    pub fn asked(&mut self, now: Instant, who: ProcessId, key: K, operation: KvOperation<V>) {
        let number = self.begin(now, who, key, operation);
        let before = self.waiting.insert(who, number);
        assert!(before.is_none(), "{who} asks while it waits for the outcome of another call");
    }

    /// `who` is answered what it asked for.
    ///
    /// # Errors
    /// When no order explains all answers, or this is none to what `who` asked for: property `linearizable`.
    pub fn answered(&mut self, now: Instant, who: ProcessId, answer: KvAnswer<V>) -> Result<(), Violation> {
        match self.waiting.remove(&who) {
            Some(number) => self.end(now, number, answer).map(|_| ()),
            None => broken(format!("{who} is answered \"{answer}\" and had asked for nothing")),
        }
    }

    /// Nobody will ever know the outcome of the call that `who` waits for: the call may take effect at any moment after
    /// it began, or never. If `who` waits for none, nothing happens, so a judge may say so whenever a client starts.
    pub fn lost(&mut self, who: ProcessId) {
        if let Some(number) = self.waiting.remove(&who) {
            self.lose(number);
        }
    }

    /// `who` calls now; the number of this call, by which it ends.
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

    /// The call of this number is answered now. Returns that number again; of a call that has ended, nothing is judged.
    ///
    /// # Errors
    /// When no order explains all answers, or this is none to such a call: property `linearizable`.
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

    /// Nobody will ever know the outcome of the call of this number. A call that never ends is judged in the same way,
    /// but more is kept of its history.
    pub fn lose(&mut self, number: usize) {
        let Some((key, here)) = self.open.remove(&number) else { return };
        let one = self.keys.get_mut(&key).map(Arc::make_mut).expect("a call that began has a key");
        if let Some(orders) = &mut one.orders {
            orders.lose(here);
        }
    }

    /// What could not be judged, in a sentence.
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
    /// Few calls that no order explains, in a sentence.
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
