//! Whether the clients of a key-value store are answered as by one store that does one thing at a time.
//!
//! A history of calls that get, put and compare-and-swap, searched for an order that explains every answer; see
//! [`linearizable`](crate::judges::linearizable). It is searched key by key: a history is linearizable if and only if that
//! of each object is (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", TOPLAS 12,
//! 1990, theorem 1).
//!
//! Does not check what a call that was never answered did: it took effect at any moment after its beginning, or never.
//! Nor what one client may expect of reads that may be behind: those are no calls of this history.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Debug};
use core::marker::PhantomData;

use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Sequential};
use crate::judges::{Contradiction, History};
use crate::sim::Violation;
use crate::time::Instant;

/// What is asked for of one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KvOperation<V> {
    /// What it has.
    Get,
    /// To have this.
    Put(V),
    /// To have `to` if it has `from`; `None` is nothing.
    Swap {
        /// What it must have.
        from: Option<V>,
        /// What it has then.
        to: V,
    },
}

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KvAnswer<V> {
    /// It has what was put.
    Put,
    /// It had `from`, and has `to`.
    Swapped,
    /// It has this, to whoever asked for that, or wanted to swap something else.
    Found(Option<V>),
}

/// One key, which has nothing before the first call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Register<V>(PhantomData<V>);

impl<V: Clone + PartialEq> Sequential for Register<V> {
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
        let (came_to, next) = match operation {
            KvOperation::Get => (KvAnswer::Found(state.clone()), state),
            KvOperation::Put(value) => (KvAnswer::Put, Some(value.clone())),
            KvOperation::Swap { from, to } if *from == state => (KvAnswer::Swapped, Some(to.clone())),
            KvOperation::Swap { .. } => (KvAnswer::Found(state.clone()), state),
        };
        answer.is_none_or(|answer| *answer == came_to).then_some(next)
    }

    fn tells(&self, operation: &KvOperation<V>) -> bool {
        !matches!(operation, KvOperation::Put(_))
    }

    /// A get changes nothing. What puts a value that no other call speaks of can be left out too: in an order with it,
    /// nobody was answered between it and the next change, but with what others were never told.
    fn without(&self, calls: &[Call<Self>], index: usize) -> Option<Vec<Call<Self>>> {
        let is_left_out = match &calls[index].operation {
            KvOperation::Get => true,
            KvOperation::Put(value) => !calls.iter().any(|call| speaks_of(call, value)),
            KvOperation::Swap { .. } => false,
        };
        is_left_out.then(|| {
            let others = calls.iter().enumerate().filter(|(other, _)| *other != index);
            others.map(|(_, call)| call.clone()).collect()
        })
    }
}

/// Whether the call found this value, or swaps it.
fn speaks_of<V: Clone + PartialEq>(call: &Call<Register<V>>, value: &V) -> bool {
    let is_from = matches!(&call.operation, KvOperation::Swap { from, .. } if from.as_ref() == Some(value));
    is_from || matches!(&call.answer, Some((_, KvAnswer::Found(found))) if found.as_ref() == Some(value))
}

/// All calls of a store, by key.
#[derive(Clone)]
pub struct KvHistory<K, V: Clone + PartialEq> {
    /// A clone shares those that have not changed since.
    keys: BTreeMap<K, Arc<History<Register<V>>>>,
    /// The key of each call that has begun and not ended, and its number there.
    open: BTreeMap<usize, (K, usize)>,
    count: usize,
}

impl<K, V: Clone + PartialEq> Default for KvHistory<K, V> {
    fn default() -> KvHistory<K, V> {
        KvHistory { keys: BTreeMap::new(), open: BTreeMap::new(), count: 0 }
    }
}

impl<K: Debug, V: Clone + PartialEq> Debug for KvHistory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvHistory")
            .field("open", &self.open)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl<K: Ord + Clone + Debug, V: Clone + PartialEq + Debug> KvHistory<K, V> {
    /// `who` calls now; the number of this call.
    pub fn begin(&mut self, now: Instant, who: ProcessId, key: K, operation: KvOperation<V>) -> usize {
        let new = || Arc::new(History::new(Register(PhantomData)));
        let history = Arc::make_mut(self.keys.entry(key.clone()).or_insert_with(new));
        let begun = history.moment(now);
        let number = history.begin(who, operation, begun);
        self.count += 1;
        self.open.insert(self.count, (key, number));
        self.count
    }

    /// The call of this number is answered now. Returns that number again; of a call that has ended, nothing is judged.
    ///
    /// # Errors
    /// When no order explains all answers: property `linearizable`.
    pub fn end(&mut self, now: Instant, number: usize, answer: KvAnswer<V>) -> Result<usize, Violation> {
        let Some((key, call)) = self.open.remove(&number) else { return Ok(number) };
        let Some(history) = self.keys.get_mut(&key) else { return Ok(number) };
        match Arc::make_mut(history).answer(call, now, answer, |_| None::<u64>) {
            Ok(()) => Ok(number),
            Err(Contradiction { calls }) => {
                let calls: Vec<String> = calls.iter().map(described).collect();
                let explanation = format!("no order explains the calls about {key:?}: {}", calls.join("; "));
                Err(Violation { property: "linearizable", explanation })
            }
        }
    }

    /// Where the search was given up, if it was: from there on nothing is judged of that key.
    pub fn unknown(&self) -> Option<String> {
        let given_up =
            |(key, history): (&K, &Arc<History<Register<V>>>)| Some((key.clone(), history.unknown()?));
        let (key, calls) = self.keys.iter().find_map(given_up)?;
        Some(format!("linearizable: gave up at {key:?} after {calls} calls"))
    }
}

fn described<V: Clone + PartialEq + Debug>(call: &Call<Register<V>>) -> String {
    let what = match &call.operation {
        KvOperation::Get => "get".into(),
        KvOperation::Put(value) => format!("put {value:?}"),
        KvOperation::Swap { from, to } => format!("swap {from:?} for {to:?}"),
    };
    let (who, begun) = (call.who, call.begun.at);
    match &call.answer {
        None => format!("{who} {what} from {begun} on, never answered"),
        Some((at, KvAnswer::Found(found))) => {
            format!("{who} {what} from {begun} to {}, found {found:?}", at.at)
        }
        Some((at, KvAnswer::Put | KvAnswer::Swapped)) => {
            format!("{who} {what} from {begun} to {}, done", at.at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    type Kv = KvHistory<&'static str, u8>;

    /// Plays lines like `1 put a 2`, `1 get a`, `1 swap a 2 3`, and their ends: `1 done`, `1 swapped`, `1 found 2`,
    /// `1 found -`. The last one alone may break anything; nothing does where `broken` is empty.
    #[track_caller]
    fn check(lines: &str, broken: &str) {
        let (mut kv, mut open) = (Kv::default(), BTreeMap::new());
        let value = |text: &str| (text != "-").then(|| text.parse().unwrap());
        let key = |text: &str| if text == "a" { "a" } else { "b" };
        let mut told = Ok(0);
        for (at, line) in lines.split(',').enumerate() {
            assert!(told.is_ok(), "{told:?} before {line}");
            let now = Instant::from_micros(at as u64);
            let words: Vec<&str> = line.split_whitespace().collect();
            let number: u16 = words[0].parse().unwrap();
            let mut begin = |of: &str, operation| {
                open.insert(number, kv.begin(now, ProcessId::Client(number), key(of), operation));
            };
            let answer = match words[1..] {
                ["get", of] => {
                    begin(of, KvOperation::Get);
                    continue;
                }
                ["put", of, to] => {
                    begin(of, KvOperation::Put(to.parse().unwrap()));
                    continue;
                }
                ["swap", of, from, to] => {
                    begin(of, KvOperation::Swap { from: value(from), to: to.parse().unwrap() });
                    continue;
                }
                ["done"] => KvAnswer::Put,
                ["swapped"] => KvAnswer::Swapped,
                ["found", found] => KvAnswer::Found(value(found)),
                _ => panic!("{line}"),
            };
            // A fork of a world goes on alone.
            let mut fork = kv.clone();
            let _ = fork.end(now, open[&number], KvAnswer::Found(Some(99)));
            told = kv.end(now, open[&number], answer);
        }
        let found = told.err().map(|violation| violation.explanation.to_string()).unwrap_or_default();
        assert!(found.contains(broken) && found.is_empty() == broken.is_empty(), "{lines}: {found}");
    }

    #[test]
    fn what_was_put_is_found_until_something_else_is() {
        check("1 get a, 1 found -", "");
        check("1 put a 1, 1 done, 2 get a, 2 found 1, 2 get b, 2 found -", "");
        check("1 put a 1, 1 done, 2 get a, 2 found -", "C1 put 1");
        check("1 put a 1, 1 done, 1 put a 2, 1 done, 2 get a, 2 found 1", "C2 get");
        check("1 get a, 1 found 1", "found Some(1)");
        // One of two that overlap comes last, for everybody.
        check("1 put a 1, 2 put a 2, 1 done, 2 done, 3 get a, 3 found 1, 4 get a, 4 found 1", "");
        check(
            "1 put a 1, 2 put a 2, 1 done, 2 done, 3 get a, 3 found 1, 4 get a, 4 found 2",
            "found Some(2)",
        );
        // Who was shown it once is shown it ever after, though its put is under way.
        check("1 put a 1, 2 get a, 2 found 1, 2 get a, 2 found -", "C1 put 1");
    }

    #[test]
    fn a_swap_found_what_it_swapped() {
        check("1 swap a - 1, 1 swapped, 2 swap a 1 2, 2 swapped, 1 get a, 1 found 2", "");
        check("1 put a 3, 1 done, 1 swap a 1 2, 1 found 3", "");
        check("1 put a 3, 1 done, 1 swap a 1 2, 1 swapped", "swap Some(1) for 2");
        check("1 put a 1, 1 done, 1 swap a 1 2, 1 found 1", "swap Some(1) for 2");
        // A lock that two took, and an update that was lost.
        check("1 swap a - 1, 2 swap a - 2, 1 swapped, 2 swapped", "swap None for");
        check("1 put a 1, 1 done, 1 swap a 1 2, 2 swap a 1 3, 2 swapped, 1 swapped", "swap Some(1) for 2");
    }

    #[test]
    fn what_was_never_answered_may_have_been_done_or_not() {
        check("1 put a 1, 2 get a, 2 found -, 2 get a, 2 found 1", "");
        check("1 put a 1, 2 get a, 2 found -, 2 get a, 2 found -", "");
        check("1 put a 1, 1 done, 2 swap a 1 2, 3 get a, 3 found 1, 3 get a, 3 found 2", "");
        check("1 put a 1, 1 done, 2 swap a 1 2, 3 get a, 3 found 2, 3 get a, 3 found 1", "found Some(1)");
    }

    proptest! {
        /// What a real store does is linearizable; what it never had is noticed.
        #[test]
        fn a_real_store_is_never_blamed_and_a_wrong_answer_always(
            calls in proptest::collection::vec((0..4_u64, 0..3_u8, 0..2_usize, 0..6_u8), 1..24),
            wrong in 0..24_usize,
        ) {
            // Each call begins, takes effect in the order of the list, and ends later: they overlap.
            let mut store = BTreeMap::<&str, u8>::new();
            let (mut honest, mut lying) = (Kv::default(), Kv::default());
            let mut ends = Vec::new();
            let mut is_caught = false;
            for (place, (later, kind, key, new)) in calls.iter().enumerate() {
                let (key, now) = (["a", "b"][*key], place as u64 * 2);
                let before = store.get(key).copied();
                let (operation, answer) = match kind {
                    0 => (KvOperation::Get, KvAnswer::Found(before)),
                    1 => (KvOperation::Put(*new), KvAnswer::Put),
                    _ if *new % 2 == 0 => (KvOperation::Swap { from: before, to: *new }, KvAnswer::Swapped),
                    _ => (KvOperation::Swap { from: Some(200), to: *new }, KvAnswer::Found(before)),
                };
                if answer == KvAnswer::Put || answer == KvAnswer::Swapped {
                    store.insert(key, *new);
                }
                let who = ProcessId::Client(u16::try_from(place).unwrap());
                let at = Instant::from_micros(now);
                let numbers = [&mut honest, &mut lying].map(|kv| kv.begin(at, who, key, operation.clone()));
                ends.push((place as u64 + later, place, numbers, answer));
                ends.sort_by_key(|(due, ..)| *due);
                while ends.first().is_some_and(|(due, ..)| *due <= place as u64) {
                    let (_, of, [number, lied], answer) = ends.remove(0);
                    let at = Instant::from_micros(now + 1);
                    prop_assert!(honest.end(at, number, answer.clone()).is_ok());
                    let is_lie = of == wrong && matches!(answer, KvAnswer::Found(_));
                    let told = if is_lie { KvAnswer::Found(Some(250)) } else { answer };
                    let judged = lying.end(at, lied, told);
                    prop_assert!(is_caught || judged.is_err() == is_lie);
                    is_caught |= is_lie;
                }
            }
            prop_assert_eq!(honest.unknown(), None);
        }
    }
}
