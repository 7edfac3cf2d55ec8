//! A queue, first in, first out: a message queue, a list of tasks.
//!
//! Checked: the calls have a linearization. So each value that is dequeued was enqueued before and is dequeued once, no
//! value overtakes another one that was enqueued before its enqueuing began, and the queue is found empty only where it
//! may have been. Not checked: leases that run out, values that are handed out again, and several queues at once.
//!
//! A search that puts enqueuings in order one by one fails, because any order of two that overlap stays possible until
//! one of the values is dequeued. So a state *holds* enqueuings, and dequeuings without an answer, from their beginning:
//!
//! 1. An item *blocks* another one if the first was enqueued before the enqueuing of the second began. A value is
//!    dequeued if nothing blocks it, in any order otherwise. Proof that this is a queue: let p(x) be the latest beginning
//!    of the enqueuing of x and of those that were dequeued before x, or the last moment at which the queue was found
//!    empty, if that is later. Each of those began before the enqueuing of x was answered, or x would have blocked it. So
//!    x can be enqueued at p(x), just after those before it, and that order is first in, first out. Items that are never
//!    dequeued come last, by their answers. The reverse holds because the first item of a queue is never blocked.
//! 2. The queue may be found empty unless it has an item whose enqueuing was answered before. Others are enqueued later.
//! 3. A dequeuing without an answer counts as a *spare*. A spare removes an item when another call needs that: all that
//!    blocks a value, or all that is surely there when the queue is found empty. Removed earlier, it helps nobody more.
//! 4. Of equal values, any one may be dequeued. Of those that the same items block, the one with the earliest answer is
//!    best, for it blocks the most.
//!
//! That few bad patterns suffice to show that a history of a queue has no linearization is due to Henzinger, Sezgin and
//! Vafeiadis ("Aspect-oriented linearizability proofs", CONCUR 2013): a value that was never enqueued, one that is
//! dequeued twice, two in the wrong order, and a queue found empty while it was not. They are what a contradiction shows.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::marker::PhantomData;

use crate::judges::linearizable::{Call, Effect, Model, Sequential, Span};
use crate::judges::models::fewest::{Few, Reducible, Subject, fewest};

/// A queue that is empty before the first call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Queue<V>(PhantomData<V>);

impl<V> Default for Queue<V> {
    fn default() -> Queue<V> {
        Queue(PhantomData)
    }
}

/// A call on a queue.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QueueOperation<V> {
    /// Puts this value at the end.
    Enqueue(V),
    /// Takes the first value, if there is one.
    Dequeue,
}

/// The answer to a call on a queue.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QueueAnswer<V> {
    /// To an enqueuing: it took effect.
    Enqueued,
    /// To a dequeuing: the value that it took; `None` if the queue was empty.
    Dequeued(Option<V>),
}

impl<V: Display> Display for QueueOperation<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueOperation::Enqueue(value) => write!(f, "enqueue {value}"),
            QueueOperation::Dequeue => write!(f, "dequeue"),
        }
    }
}

impl<V: Display> Display for QueueAnswer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueAnswer::Enqueued => write!(f, "enqueued"),
            QueueAnswer::Dequeued(Some(value)) => write!(f, "dequeued {value}"),
            QueueAnswer::Dequeued(None) => write!(f, "found empty"),
        }
    }
}

/// What a queue may contain.
#[derive(Clone, PartialEq, Debug)]
pub struct QueueState<V> {
    /// By the beginning of their enqueuing.
    items: Vec<Item<V>>,
    /// Dequeuings without an answer that have removed nothing so far.
    spares: usize,
}

#[derive(Clone, PartialEq, Debug)]
struct Item<V> {
    value: V,
    begun: u64,
    answered: u64,
    is_surely_there: bool,
}

impl<V> Item<V> {
    /// An item that blocks every later one.
    const fn in_order(value: V) -> Item<V> {
        Item { value, begun: 1, answered: 0, is_surely_there: true }
    }
}

impl<V: Clone + Ord> QueueState<V> {
    /// The places of the items that block the one at `place`.
    fn blocking(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let begun = self.items[place].begun;
        (0..place).filter(move |other| self.items[*other].answered < begun)
    }

    /// Every state without an item of this value at the front.
    fn dequeued(&self, value: &V) -> Vec<QueueState<V>> {
        // By the number of items that block each: the earlier it began, the fewer.
        let mut best: Vec<(usize, usize)> = Vec::new();
        for place in (0..self.items.len()).filter(|place| self.items[*place].value == *value) {
            let count = self.blocking(place).count();
            if count > self.spares {
                break;
            }
            match best.last_mut() {
                Some((of, other)) if *of == count => {
                    if self.items[place].answered < self.items[*other].answered {
                        *other = place;
                    }
                }
                _ => best.push((count, place)),
            }
        }
        let without = |(count, place): (usize, usize)| {
            let gone: BTreeSet<usize> = self.blocking(place).chain([place]).collect();
            let items = self.items.iter().enumerate().filter(|(place, _)| !gone.contains(place));
            let items = items.map(|(_, item)| item.clone()).collect();
            QueueState { items, spares: self.spares - count }
        };
        best.into_iter().map(without).collect()
    }

    /// The state in which the queue was found empty.
    fn emptied(mut self) -> Option<QueueState<V>> {
        let count = self.items.iter().filter(|item| item.is_surely_there).count();
        self.spares = self.spares.checked_sub(count)?;
        self.items.retain(|item| !item.is_surely_there);
        Some(self)
    }
}

impl<V: Clone + Ord> Sequential for Queue<V> {
    type State = QueueState<V>;
    type Operation = QueueOperation<V>;
    type Answer = QueueAnswer<V>;

    fn initial(&self) -> QueueState<V> {
        QueueState { items: Vec::new(), spares: 0 }
    }

    fn apply(
        &self,
        mut state: QueueState<V>,
        operation: &QueueOperation<V>,
        answer: Option<&QueueAnswer<V>>,
    ) -> Option<QueueState<V>> {
        match (operation, answer) {
            (QueueOperation::Enqueue(value), None | Some(QueueAnswer::Enqueued)) => {
                state.items.push(Item::in_order(value.clone()));
                Some(state)
            }
            (QueueOperation::Dequeue, None) => {
                if !state.items.is_empty() {
                    state.items.remove(0);
                }
                Some(state)
            }
            (QueueOperation::Dequeue, Some(QueueAnswer::Dequeued(None))) => state.emptied(),
            (QueueOperation::Dequeue, Some(QueueAnswer::Dequeued(Some(value)))) => {
                state.dequeued(value).into_iter().next()
            }
            (QueueOperation::Enqueue(_), Some(QueueAnswer::Dequeued(_)))
            | (QueueOperation::Dequeue, Some(QueueAnswer::Enqueued)) => None,
        }
    }

    fn reveals_state(&self, operation: &QueueOperation<V>) -> bool {
        *operation == QueueOperation::Dequeue
    }

    fn effect(&self, _: &QueueOperation<V>, answer: Option<&QueueAnswer<V>>) -> Effect {
        // With fewer spares and items the queue explains no more.
        if matches!(answer, Some(QueueAnswer::Dequeued(None))) { Effect::Narrows } else { Effect::Both }
    }

    fn after(
        &self,
        state: &QueueState<V>,
        operation: &QueueOperation<V>,
        answer: Option<&QueueAnswer<V>>,
    ) -> Vec<QueueState<V>> {
        match (operation, answer) {
            (QueueOperation::Dequeue, Some(QueueAnswer::Dequeued(Some(value)))) => state.dequeued(value),
            _ => self.apply(state.clone(), operation, answer).into_iter().collect(),
        }
    }

    fn holds(&self, operation: &QueueOperation<V>, answer: Option<&QueueAnswer<V>>) -> bool {
        matches!(operation, QueueOperation::Enqueue(_)) || answer.is_none()
    }

    fn hold(&self, state: &QueueState<V>, operation: &QueueOperation<V>, span: Span) -> QueueState<V> {
        let mut state = state.clone();
        match operation {
            QueueOperation::Enqueue(value) => {
                let (begun, answered) = (span.begun, span.answered.unwrap_or(u64::MAX));
                let value = value.clone();
                state.items.push(Item { value, begun, answered, is_surely_there: false });
            }
            QueueOperation::Dequeue => state.spares += 1,
        }
        state
    }

    fn settle(&self, state: &QueueState<V>, _: &QueueOperation<V>, span: Span) -> QueueState<V> {
        let mut state = state.clone();
        if let Some(item) = state.items.iter_mut().find(|item| item.begun == span.begun) {
            item.is_surely_there = true;
        }
        state
    }

    /// An item must go before the items that it blocks, and before the queue is found empty if it is surely there. The
    /// queue may have to be found empty before an item is surely there.
    fn helps(
        &self,
        state: &QueueState<V>,
        first: (&QueueOperation<V>, Option<&QueueAnswer<V>>),
        then: (&QueueOperation<V>, Option<&QueueAnswer<V>>),
    ) -> bool {
        match (first.1, then.1) {
            (Some(QueueAnswer::Dequeued(None)), then) => !matches!(then, Some(QueueAnswer::Dequeued(_))),
            (Some(QueueAnswer::Dequeued(Some(value))), Some(QueueAnswer::Dequeued(None))) => {
                state.items.iter().any(|item| item.is_surely_there && item.value == *value)
            }
            (Some(QueueAnswer::Dequeued(Some(value))), Some(QueueAnswer::Dequeued(Some(blocked)))) => {
                (0..state.items.len()).any(|place| {
                    state.items[place].value == *blocked
                        && state.blocking(place).any(|other| state.items[other].value == *value)
                })
            }
            _ => false,
        }
    }
}

impl<V: Clone + Ord + Display> Model for Queue<V> {
    type Operation = QueueOperation<V>;
    type Answer = QueueAnswer<V>;
    type Key = ();
    type Part = Queue<V>;

    fn part(&self) -> Queue<V> {
        self.clone()
    }

    fn split(&self, operation: &QueueOperation<V>) -> ((), QueueOperation<V>) {
        ((), operation.clone())
    }

    fn answer(&self, operation: &QueueOperation<V>, answer: &QueueAnswer<V>) -> Option<QueueAnswer<V>> {
        let is_enqueuing = matches!(operation, QueueOperation::Enqueue(_));
        (is_enqueuing == (*answer == QueueAnswer::Enqueued)).then(|| answer.clone())
    }

    fn describe_state(&self, state: &QueueState<V>) -> Option<String> {
        let items: Vec<String> = state.items.iter().map(|item| item.value.to_string()).collect();
        Some(if items.is_empty() { "nothing".into() } else { items.join(", ") })
    }

    fn fewest(part: Queue<V>, calls: Vec<Call<Queue<V>>>, steps: &mut u64) -> Few<Queue<V>> {
        fewest(part, calls, steps)
    }
}

impl<V: Clone + Ord> Reducible for Queue<V> {
    type Value = V;

    fn subject(&self, call: &Call<Queue<V>>) -> Subject<V> {
        match (&call.operation, &call.answer) {
            (QueueOperation::Enqueue(value), _)
            | (QueueOperation::Dequeue, Some((_, QueueAnswer::Dequeued(Some(value))))) => {
                Subject::Value(value.clone())
            }
            (QueueOperation::Dequeue, None) => Subject::Stays,
            (QueueOperation::Dequeue, Some(_)) => Subject::Alone,
        }
    }

    /// Proof: take these values out of every state of the linearization of `calls`. The others are still enqueued and
    /// dequeued first in, first out, and a queue that was empty still is. A dequeuing without an answer that took one of
    /// these values never took effect instead.
    fn without_values(&self, calls: &[Call<Queue<V>>], gone: &BTreeSet<V>) -> (Self, Vec<Call<Queue<V>>>) {
        let is_kept = |call: &&Call<Queue<V>>| match self.subject(call) {
            Subject::Value(value) => !gone.contains(&value),
            Subject::Alone | Subject::Stays => true,
        };
        (self.clone(), calls.iter().filter(is_kept).cloned().collect())
    }
}
