//! The queue of future events, ordered by time and then by the order of scheduling.
//!
//! A hierarchical timing wheel (Varghese and Lauck, 1987) over a slab. Each level has 256 places and stands for one
//! base-256 digit of a time in microseconds. An event waits at the level of the highest digit in which its time
//! differs from the wheel's time. Each place holds a list in the order of scheduling. An event that is alone in its place
//! is taken from there, so that few events change their place before their time comes.
//!
//! 1. No time in the queue is before the wheel's time, which is the time of the last event that was taken in its
//!    turn.
//! 2. Everything at one level is due before everything at the levels above.
//! 3. A place of the lowest level holds events of one moment; a place of another level holds events of several.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use crate::time::Instant;

/// The position of one event in the order of all events of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Turn {
    /// The time at which it is due.
    pub at: Instant,
    /// The number of events scheduled before it.
    pub sequence: u64,
}

/// Bits of a digit.
const DIGIT: u32 = 8;

/// Digits of a time.
const LEVELS: usize = (u64::BITS / DIGIT) as usize;

/// Places of all levels, one level after the other.
const PLACES: usize = LEVELS << DIGIT;

/// Places that share a word with one bit for each.
const GROUP: usize = 64;

/// The end of a list.
const NONE: u32 = u32::MAX;

/// Scheduled events.
#[derive(Clone, Debug)]
pub(crate) struct EventQueue<E> {
    /// The wheel's time.
    time: u64,
    /// One bit per group of places, set if any event waits there.
    busy: u32,
    /// One bit per place, set if any event waits there.
    occupied: [u64; PLACES / GROUP],
    lists: Box<[SlotChain; PLACES]>,
    slab: Vec<Scheduled<E>>,
    /// The head of the list of entries without an event.
    free: u32,
    scheduled: u64,
}

/// A list linked through the entries; meaningless while nothing waits.
#[derive(Clone, Copy, Debug)]
struct SlotChain {
    head: u32,
    tail: u32,
}

#[derive(Clone, Debug)]
struct Scheduled<E> {
    turn: Turn,
    next: u32,
    event: Option<E>,
}

impl<E> EventQueue<E> {
    pub(crate) fn new() -> EventQueue<E> {
        let lists = Box::new([SlotChain { head: NONE, tail: NONE }; PLACES]);
        let (busy, occupied, slab) = (0, [0; PLACES / GROUP], Vec::new());
        EventQueue { time: 0, busy, occupied, lists, slab, free: NONE, scheduled: 0 }
    }

    /// Schedules `event` for `at`, after everything that is scheduled for that moment.
    ///
    /// # Panics
    /// If `at` is before an event that was taken in its turn.
    pub(crate) fn push(&mut self, at: Instant, event: E) {
        self.push_here(at, event);
    }

    /// [`push`](EventQueue::push), compiled into its caller.
    ///
    /// # Panics
    /// If `at` is before an event that was taken in its turn.
    #[inline(always)]
    pub(crate) fn push_here(&mut self, at: Instant, event: E) {
        assert!(at.as_micros() >= self.time, "{at} is over");
        let turn = Turn { at, sequence: self.scheduled };
        self.scheduled += 1;
        let entry = Scheduled { turn, next: NONE, event: Some(event) };
        let place = self.free;
        match self.slab.get_mut(place as usize) {
            Some(free) => {
                self.free = mem::replace(free, entry).next;
                self.link(place);
            }
            None => self.grow(entry),
        }
    }

    #[cold]
    fn grow(&mut self, entry: Scheduled<E>) {
        let place = u32::try_from(self.slab.len()).ok().filter(|place| *place < NONE);
        self.slab.push(entry);
        self.link(place.expect("fewer than 2^32 events are scheduled"));
    }

    /// Puts an entry at the end of the list where its time belongs.
    #[inline]
    fn link(&mut self, entry: u32) {
        let linked = &mut self.slab[entry as usize];
        linked.next = NONE;
        let at = linked.turn.at.as_micros();
        let place = place_of(at, self.time);
        let (occupied, list) = (&mut self.occupied[place / GROUP], &mut self.lists[place]);
        if *occupied & 1 << (place % GROUP) == 0 {
            *occupied |= 1 << (place % GROUP);
            self.busy |= 1 << (place / GROUP);
            list.head = entry;
        } else {
            self.slab[list.tail as usize].next = entry;
        }
        list.tail = entry;
    }

    /// Marks a place as empty.
    #[inline]
    fn vacate(&mut self, place: usize) {
        let occupied = &mut self.occupied[place / GROUP];
        *occupied &= !(1 << (place % GROUP));
        if *occupied == 0 {
            self.busy &= !(1 << (place / GROUP));
        }
    }

    /// The first place where events wait.
    #[inline]
    fn first_place(&self) -> Option<usize> {
        let group = self.busy.trailing_zeros() as usize;
        let occupied = self.occupied.get(group)?;
        Some(group * GROUP + occupied.trailing_zeros() as usize % GROUP)
    }

    /// The earliest turn.
    #[inline]
    pub(crate) fn first(&self) -> Option<Turn> {
        let place = self.first_place()?;
        let head = self.lists[place].head;
        if level_of(place) == 0 {
            return Some(self.slab[head as usize].turn);
        }
        self.list(head).map(|entry| entry.turn).min()
    }

    fn list(&self, head: u32) -> impl Iterator<Item = &Scheduled<E>> {
        let entry = |place: u32| self.slab.get(place as usize);
        core::iter::successors(entry(head), move |last| entry(last.next))
    }

    /// All scheduled turns, in no particular order.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (Turn, &E)> {
        self.slab.iter().filter_map(|entry| Some((entry.turn, entry.event.as_ref()?)))
    }

    /// The bytes of memory that the entries take.
    pub(crate) fn bytes(&self) -> u64 {
        (self.slab.len() * size_of::<Scheduled<E>>()) as u64
    }

    /// Takes out the event of this turn: directly if it is the first, otherwise with a pass over the queue.
    pub(crate) fn take(&mut self, turn: Turn) -> Option<E> {
        match self.first() == Some(turn) {
            true => self.take_until(turn.at).map(|(_, event)| event),
            false => self.take_out(turn),
        }
    }

    /// Takes the first event out, unless it is due after `until`. The wheel's time never gets past `until`.
    #[inline]
    pub(crate) fn take_until(&mut self, until: Instant) -> Option<(Turn, E)> {
        loop {
            let place = self.first_place()?;
            let list = &mut self.lists[place];
            let head = list.head;
            let entry = &mut self.slab[head as usize];
            let (turn, next) = (entry.turn, entry.next);
            if level_of(place) == 0 || next == NONE {
                if turn.at > until {
                    return None;
                }
                self.time = turn.at.as_micros();
                entry.next = mem::replace(&mut self.free, head);
                let event = entry.event.take()?;
                if next == NONE {
                    self.vacate(place);
                } else {
                    list.head = next;
                }
                return Some((turn, event));
            }
            if !self.spread(place, until) {
                return None;
            }
        }
    }

    /// Moves a list to the levels below, which are empty, unless all of it is due after `until`.
    #[inline(never)]
    fn spread(&mut self, place: usize, until: Instant) -> bool {
        let (first, last) = moments(self.time, place);
        let mut entry = self.lists[place].head;
        if last > until.as_micros() && self.list(entry).all(|entry| entry.turn.at > until) {
            return false;
        }
        self.time = first;
        self.vacate(place);
        while entry != NONE {
            let next = self.slab[entry as usize].next;
            self.link(entry);
            entry = next;
        }
        true
    }

    /// Takes out the event of this turn with a pass over the queue. No time passes.
    pub(crate) fn take_out(&mut self, turn: Turn) -> Option<E> {
        let found = self.slab.iter().position(|entry| entry.turn == turn && entry.event.is_some())?;
        let at = turn.at.as_micros();
        let place = place_of(at, self.time);
        let mut entry = self.lists[place].head;
        self.vacate(place);
        // The others of its list are put back in their order.
        while entry != NONE {
            let next = self.slab[entry as usize].next;
            if entry as usize != found {
                self.link(entry);
            }
            entry = next;
        }
        self.release(u32::try_from(found).ok()?)
    }

    /// Takes the event out of an entry that is in no list.
    #[inline]
    fn release(&mut self, entry: u32) -> Option<E> {
        let freed = &mut self.slab[entry as usize];
        freed.next = self.free;
        self.free = entry;
        freed.event.take()
    }
}

/// Where an event waits: at the level of the highest digit in which the two times differ.
#[inline]
const fn place_of(at: u64, time: u64) -> usize {
    let shift = (at ^ time | 1).ilog2() / DIGIT * DIGIT;
    let digit = at >> shift & ((1 << DIGIT) - 1);
    ((shift as usize / DIGIT as usize) << DIGIT | digit as usize) % PLACES
}

/// The level of a place.
const fn level_of(place: usize) -> usize {
    place >> DIGIT
}

/// The first and the last moment for which a place stands.
#[expect(clippy::cast_possible_truncation, reason = "a level is below 8")]
const fn moments(time: u64, place: usize) -> (u64, u64) {
    let shift = level_of(place) as u32 * DIGIT;
    let below = (1 << shift) - 1;
    let above = match u64::MAX.checked_shl(shift + DIGIT) {
        Some(mask) => time & mask,
        None => 0,
    };
    let first = above | (place as u64 & ((1 << DIGIT) - 1)) << shift;
    (first, first | below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_come_in_the_order_of_time_and_then_of_scheduling() {
        let mut queue = EventQueue::new();
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

    /// One operation on a queue. `later` counts from the last event that was taken.
    #[derive(Clone, Copy, Debug)]
    enum Change {
        Push {
            later: u64,
        },
        Take,
        /// If it is due this much later or before.
        TakeUntil {
            later: u64,
        },
        TakeAnother {
            of: usize,
        },
    }

    fn change() -> impl Strategy<Value = Change> {
        let later = (0u64..u64::MAX, 0u32..64).prop_map(|(word, bits)| Change::Push { later: word >> bits });
        prop_oneof![
            3 => (0u64..200).prop_map(|later| Change::Push { later }),
            2 => later,
            4 => Just(Change::Take),
            2 => (0u64..5_000).prop_map(|later| Change::TakeUntil { later }),
            1 => (0usize..50).prop_map(|of| Change::TakeAnother { of }),
        ]
    }

    proptest! {
        #[test]
        fn the_wheel_is_a_sorted_map(changes in proptest::collection::vec(change(), 0..400)) {
            let (mut queue, mut map) = (EventQueue::new(), alloc::collections::BTreeMap::new());
            let (mut now, mut sequence) = (0u64, 0);
            for change in changes {
                match change {
                    Change::Push { later } => {
                        let at = Instant::from_micros(now.saturating_add(later));
                        queue.push(at, sequence);
                        map.insert(Turn { at, sequence }, sequence);
                        sequence += 1;
                    }
                    Change::Take => {
                        prop_assert_eq!(queue.first(), map.keys().next().copied());
                        let Some((turn, event)) = map.pop_first() else { continue };
                        now = now.max(turn.at.as_micros());
                        prop_assert_eq!(queue.take(turn), Some(event));
                    }
                    Change::TakeUntil { later } => {
                        let until = Instant::from_micros(now.saturating_add(later));
                        let due = map.first_key_value().map(|(turn, _)| *turn).filter(|turn| turn.at <= until);
                        let event = due.and_then(|turn| map.remove(&turn));
                        // What comes next may be pushed at once, even where nothing was due.
                        now = now.max(due.map_or(0, |turn| turn.at.as_micros()));
                        prop_assert_eq!(queue.take_until(until), due.zip(event));
                    }
                    Change::TakeAnother { of } => {
                        let Some(turn) = map.keys().nth(of).copied() else { continue };
                        now = now.max(turn.at.as_micros());
                        prop_assert_eq!(queue.take(turn), map.remove(&turn));
                    }
                }
                prop_assert_eq!(queue.turns().count(), map.len());
            }
        }
    }
}
