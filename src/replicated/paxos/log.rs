//! The log as one site knows it: the slots that it accepted, and those that it knows to be chosen.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::replicated::paxos::ballot::{Ballot, Entry, Slot};
use crate::wire::{Reader, Wire, WireError};

/// A slot above the chosen prefix.
#[derive(Clone, Debug)]
pub(super) struct OpenSlot<V> {
    /// The ballot of the last accept; `None` when the entry is known to be chosen.
    pub(super) ballot: Option<Ballot>,
    pub(super) entry: Entry<V>,
}

/// Slots in order: a prefix that is known to be chosen without a gap, and what is held above it.
#[derive(Clone, Debug)]
pub struct Log<V> {
    /// The log begins here: nothing below is held.
    first: Slot,
    prefix: CowLog<Entry<V>>,
    /// The slots by their distance above the prefix. The last one holds something.
    open: VecDeque<Option<OpenSlot<V>>>,
}

/// No slot this far above the prefix is held: many times more than any configuration lets a site accept there.
const OPEN_MAX: u64 = 1 << 17;

/// No log begins above this slot: at a million slots per second, filling that many takes two thousand years.
const FIRST_MAX: u64 = 1 << 56;

impl<V> Default for Log<V> {
    fn default() -> Log<V> {
        Log { first: Slot(0), prefix: CowLog::default(), open: VecDeque::new() }
    }
}

impl<V: Clone + PartialEq> Log<V> {
    /// An empty log that begins at `first`; `None` where no log can begin.
    pub(super) fn beginning_at(first: Slot) -> Option<Log<V>> {
        (first.0 <= FIRST_MAX).then(|| Log { first, ..Log::default() })
    }

    /// The slot at which it begins: everything below is over, and no site holds it.
    pub fn first(&self) -> Slot {
        self.first
    }

    /// Everything below is known to be chosen.
    pub fn chosen(&self) -> Slot {
        Slot(self.first.0 + self.prefix.len() as u64)
    }

    /// One past the last slot that holds anything.
    pub fn end(&self) -> Slot {
        Slot(self.chosen().0 + self.open.len() as u64)
    }

    /// The number of slots of the chosen prefix that were looked up.
    pub fn looks(&self) -> u64 {
        self.prefix.looks()
    }

    /// One past the last slot that is known to be chosen, with or without gaps below.
    pub(super) fn chosen_end(&self) -> Slot {
        let is_chosen = |held: &Option<OpenSlot<V>>| held.as_ref().is_some_and(|held| held.ballot.is_none());
        let above = self.open.iter().rposition(is_chosen).map_or(0, |place| place as u64 + 1);
        Slot(self.chosen().0 + above)
    }

    /// The chosen entries without a gap, from `first` on.
    pub fn chosen_from(&self, first: Slot) -> impl Iterator<Item = (Slot, &Entry<V>)> {
        // `first` may come from any sender: it is bounded before it is counted on from.
        let first = first.clamp(self.first, self.chosen());
        let start = usize::try_from(first.0 - self.first.0).unwrap_or(usize::MAX);
        (first.0..).map(Slot).zip(self.prefix.iter_from(start))
    }

    /// The entry of `slot`, if it is known to be chosen.
    pub fn chosen_at(&self, slot: Slot) -> Option<&Entry<V>> {
        if slot < self.chosen() {
            return self.prefix.get(usize::try_from(slot.0.checked_sub(self.first.0)?).ok()?);
        }
        let held = self.held(slot)?;
        held.ballot.is_none().then_some(&held.entry)
    }

    /// What `slot`, above the prefix, holds.
    pub(super) fn held(&self, slot: Slot) -> Option<&OpenSlot<V>> {
        self.open.get(self.place(slot)?)?.as_ref()
    }

    /// Everything above the prefix, in order, with the ballot under which it was accepted; without one, it is known to be
    /// chosen.
    pub fn above_prefix(&self) -> impl Iterator<Item = (Slot, Option<Ballot>, &Entry<V>)> {
        self.open().map(|(slot, held)| (slot, held.ballot, &held.entry))
    }

    /// Everything held above the prefix, in order.
    pub(super) fn open(&self) -> impl Iterator<Item = (Slot, &OpenSlot<V>)> {
        let slots = (self.chosen().0..).map(Slot);
        slots.zip(&self.open).filter_map(|(slot, held)| Some((slot, held.as_ref()?)))
    }

    /// Whether `slot` is near enough to be held.
    pub(super) fn reaches(&self, slot: Slot) -> bool {
        slot.0 < self.chosen().0 + OPEN_MAX
    }

    /// The distance of `slot` above the prefix; `None` when the slot is below the prefix's end.
    fn place(&self, slot: Slot) -> Option<usize> {
        usize::try_from(slot.0.checked_sub(self.chosen().0)?).ok()
    }

    fn hold(&mut self, slot: Slot, held: OpenSlot<V>) {
        assert!(self.reaches(slot), "slot {slot} is held, far above {}", self.chosen());
        let Some(place) = self.place(slot) else { return };
        if self.open.len() <= place {
            self.open.resize_with(place + 1, || None);
        }
        self.open[place] = Some(held);
    }

    /// The number of slots above the prefix, up to the last one held.
    pub(super) fn open_len(&self) -> usize {
        self.open.len()
    }

    /// Records that `entry` was accepted for `slot` under `ballot`.
    ///
    /// # Panics
    /// When the slot is known to be chosen.
    pub(super) fn accept(&mut self, slot: Slot, ballot: Ballot, entry: Entry<V>) {
        assert!(self.chosen_at(slot).is_none(), "slot {slot} is chosen, yet accepted again under {ballot}");
        self.hold(slot, OpenSlot { ballot: Some(ballot), entry });
    }

    /// Records that `entry` is chosen for `slot`. `false` if another entry is already known to be.
    #[must_use]
    pub(super) fn choose(&mut self, slot: Slot, entry: Entry<V>) -> bool {
        if let Some(known) = self.chosen_at(slot) {
            return *known == entry;
        }
        self.hold(slot, OpenSlot { ballot: None, entry });
        self.grow();
        true
    }

    /// Records that what `slot` holds is chosen. `false` if it holds nothing.
    #[must_use]
    pub(super) fn choose_held(&mut self, slot: Slot) -> bool {
        let Some(place) = self.place(slot) else { return true };
        let Some(Some(held)) = self.open.get_mut(place) else { return false };
        held.ballot = None;
        self.grow();
        true
    }

    /// Moves what is chosen without a gap to the prefix.
    fn grow(&mut self) {
        let is_next =
            |held: &mut Option<OpenSlot<V>>| held.as_ref().is_some_and(|held| held.ballot.is_none());
        while let Some(Some(held)) = self.open.pop_front_if(is_next) {
            self.prefix.push(held.entry);
        }
    }

    /// The first slot from the prefix's end up to `end` that is not known to be chosen.
    pub(super) fn first_gap(&self, end: Slot) -> Option<Slot> {
        (self.chosen().0..end.0).map(Slot).find(|slot| self.chosen_at(*slot).is_none())
    }
}

wire_struct!(OpenSlot<V: Wire> { ballot, entry });

impl<V: Wire> Wire for Log<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        let Log { first, prefix, open } = self;
        first.encode(out);
        prefix.encode(out);
        open.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Log<V>, WireError> {
        let log: Log<V> =
            Log { first: Wire::decode(input)?, prefix: Wire::decode(input)?, open: Wire::decode(input)? };
        let is_chosen = |held: &Option<OpenSlot<V>>| held.as_ref().is_some_and(|held| held.ballot.is_none());
        let is_sound = log.first.0 <= FIRST_MAX
            && log.open.len() as u64 <= OPEN_MAX
            && log.open.back().is_none_or(Option::is_some)
            && !log.open.front().is_some_and(is_chosen);
        if is_sound { Ok(log) } else { Err(WireError::Invalid("slots above the chosen prefix")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: u64) -> Entry<u64> {
        Entry::of([value])
    }

    #[test]
    fn the_prefix_grows_only_without_gaps() {
        let mut log = Log::default();
        assert!(log.choose(Slot(1), entry(1)));
        assert_eq!((log.chosen(), log.end(), log.first_gap(Slot(2))), (Slot(0), Slot(2), Some(Slot(0))));
        assert_eq!(log.chosen_end(), Slot(2));
        log.accept(Slot(0), Ballot::ZERO, entry(0));
        log.accept(Slot(3), Ballot::ZERO, entry(3));
        assert!(log.choose_held(Slot(0)));
        assert_eq!((log.chosen(), log.end(), log.first_gap(Slot(4))), (Slot(2), Slot(4), Some(Slot(2))));
        assert_eq!(log.chosen_end(), Slot(2));
        assert!(log.choose(Slot(1), entry(1)), "the same again is no contradiction");
        assert!(!log.choose(Slot(1), entry(9)), "another entry is");
        assert_eq!(log.chosen_from(Slot(1)).map(|(slot, _)| slot).collect::<Vec<_>>(), [Slot(1)]);
    }

    #[test]
    fn a_log_that_begins_late_holds_nothing_below() {
        let mut log = Log::beginning_at(Slot(70_000)).unwrap();
        assert!(log.choose(Slot(70_000), entry(1)));
        log.accept(Slot(70_001), Ballot::ZERO, entry(2));
        assert_eq!((log.first(), log.chosen(), log.end()), (Slot(70_000), Slot(70_001), Slot(70_002)));
        assert_eq!((log.chosen_at(Slot(69_999)), log.chosen_at(Slot(70_000))), (None, Some(&entry(1))));
        for from in [0, 69_999, 70_000] {
            let slots = log.chosen_from(Slot(from)).map(|(slot, _)| slot);
            assert_eq!(slots.collect::<Vec<_>>(), [Slot(70_000)], "from {from}");
        }
        let loaded = Log::<u64>::from_bytes(&log.to_bytes()).unwrap();
        assert_eq!((loaded.first(), loaded.chosen()), (log.first(), log.chosen()));
    }
}
