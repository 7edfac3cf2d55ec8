//! A key-value store: get, put, swap (compare-and-swap) and delete, each on one key.
//!
//! Checked: the calls on each key, with their answers, have a linearization. Not checked: calls on several keys (ranges,
//! transactions), and reads that may be stale.
//!
//! Each key has a history of its own, that of a [`Register`]. That is sound and complete, because every call is on one
//! key and linearizability is local: a history has a linearization exactly if its part on each object has one (Herlihy
//! and Wing, "Linearizability: A Correctness Condition for Concurrent Objects", TOPLAS 12, 1990, theorem 1).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::marker::PhantomData;

use crate::judges::linearizable::{Call, Model};
use crate::judges::models::fewest::{Few, fewest};
use crate::judges::models::register::{Register, RegisterAnswer, RegisterOperation, fits};

/// A store in which every key is absent before the first call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kv<K, V>(PhantomData<(K, V)>);

impl<K, V> Default for Kv<K, V> {
    fn default() -> Kv<K, V> {
        Kv(PhantomData)
    }
}

/// A client's call on one key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KvOperation<K, V> {
    /// Reads the value of the key.
    Get {
        /// The key.
        key: K,
    },
    /// Stores this value under the key, whatever was there.
    Put {
        /// The key.
        key: K,
        /// The new value.
        value: V,
    },
    /// Compare-and-swap: stores `to` under the key if `from` is there.
    Swap {
        /// The key.
        key: K,
        /// The expected value; `None` if the key must be absent.
        from: Option<V>,
        /// The new value.
        to: V,
    },
    /// Removes the key, whether it is there or not.
    Delete {
        /// The key.
        key: K,
    },
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

impl<K: Display, V: Display> Display for KvOperation<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KvOperation::Get { key } => write!(f, "get {key}"),
            KvOperation::Put { key, value } => write!(f, "put {value} under {key}"),
            KvOperation::Swap { key, from: Some(from), to } => write!(f, "swap {from} for {to} under {key}"),
            KvOperation::Swap { key, from: None, to } => write!(f, "swap nothing for {to} under {key}"),
            KvOperation::Delete { key } => write!(f, "delete {key}"),
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

impl<K: Clone + Ord + Display, V: Clone + Ord + Display> Model for Kv<K, V> {
    type Operation = KvOperation<K, V>;
    type Answer = KvAnswer<V>;
    type Key = K;
    type Part = Register<Option<V>>;

    fn part(&self) -> Register<Option<V>> {
        Register::new(None)
    }

    fn split(&self, operation: &KvOperation<K, V>) -> (K, RegisterOperation<Option<V>>) {
        let (key, part) = match operation {
            KvOperation::Get { key } => (key, RegisterOperation::Read),
            KvOperation::Put { key, value } => (key, RegisterOperation::Write(Some(value.clone()))),
            KvOperation::Swap { key, from, to } => {
                (key, RegisterOperation::Swap { from: from.clone(), to: Some(to.clone()) })
            }
            KvOperation::Delete { key } => (key, RegisterOperation::Write(None)),
        };
        (key.clone(), part)
    }

    fn answer(
        &self,
        operation: &KvOperation<K, V>,
        answer: &KvAnswer<V>,
    ) -> Option<RegisterAnswer<Option<V>>> {
        let part = match (operation, answer) {
            (KvOperation::Put { .. }, KvAnswer::Put) | (KvOperation::Delete { .. }, KvAnswer::Deleted) => {
                RegisterAnswer::Written
            }
            (_, KvAnswer::Swapped) => RegisterAnswer::Swapped,
            (_, KvAnswer::Found(value)) => RegisterAnswer::Found(value.clone()),
            (_, KvAnswer::Differs) => RegisterAnswer::Differs,
            (_, KvAnswer::Put | KvAnswer::Deleted) => return None,
        };
        fits(&self.split(operation).1, &part).then_some(part)
    }

    fn describe(&self, key: &K) -> Option<String> {
        Some(key.to_string())
    }

    fn describe_state(&self, value: &Option<V>) -> Option<String> {
        Some(value.as_ref().map_or_else(|| "nothing".into(), V::to_string))
    }

    fn fewest(
        part: Register<Option<V>>,
        calls: Vec<Call<Register<Option<V>>>>,
        steps: &mut u64,
    ) -> Few<Register<Option<V>>> {
        fewest(part, calls, steps)
    }
}
