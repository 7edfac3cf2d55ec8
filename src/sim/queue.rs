//! The queue of what is going to happen, ordered by time and then by the order of scheduling.
//!
//! The heap holds small keys and a slab the events, so that neither sifting nor cloning moves more than it must.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::time::Instant;

/// The place of one event in the order of all events of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Turn {
    /// When it is due.
    pub at: Instant,
    /// How many events had been scheduled before it.
    pub sequence: u64,
}

/// Scheduled events.
#[derive(Clone, Debug)]
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Reverse<(Turn, usize)>>,
    slab: Vec<Option<E>>,
    free: Vec<usize>,
    scheduled: u64,
}

impl<E> Queue<E> {
    pub(crate) fn new() -> Queue<E> {
        Queue { heap: BinaryHeap::new(), slab: Vec::new(), free: Vec::new(), scheduled: 0 }
    }

    /// Schedules `event` for `at`, behind everything that is scheduled for that moment.
    pub(crate) fn push(&mut self, at: Instant, event: E) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.slab.push(None);
            self.slab.len() - 1
        });
        self.slab[place] = Some(event);
        self.heap.push(Reverse((Turn { at, sequence: self.scheduled }, place)));
        self.scheduled += 1;
    }

    /// The turn that comes first.
    pub(crate) fn first(&self) -> Option<Turn> {
        self.heap.peek().map(|Reverse((turn, _))| *turn)
    }

    /// Every turn there is, in no particular order.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (Turn, &E)> {
        self.heap.iter().filter_map(|Reverse((turn, place))| Some((*turn, self.slab[*place].as_ref()?)))
    }

    /// Takes the event of this turn out: at once for the first, with a pass over the queue for any other.
    pub(crate) fn take(&mut self, turn: Turn) -> Option<E> {
        let place = if self.first() == Some(turn) {
            self.heap.pop().map(|Reverse((_, place))| place)?
        } else {
            let mut found = None;
            self.heap.retain(|Reverse((other, place))| {
                if *other == turn {
                    found = Some(*place);
                }
                *other != turn
            });
            found?
        };
        self.free.push(place);
        self.slab[place].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_the_order_of_time_and_then_of_scheduling() {
        let mut queue = Queue::new();
        for (at, name) in [(5, "c"), (1, "a"), (5, "d"), (1, "b"), (9, "e")] {
            queue.push(Instant::from_micros(at), name);
        }
        let last = queue.turns().map(|(turn, _)| turn).max().unwrap();
        assert_eq!(queue.clone().take(last), Some("e"), "any turn can be taken");
        let mut order = Vec::new();
        while let Some(turn) = queue.first() {
            order.extend(queue.take(turn));
        }
        assert_eq!(order, ["a", "b", "c", "d", "e"]);
        assert_eq!(queue.take(last), None);
    }
}
