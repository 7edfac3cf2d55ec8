//! An append-only list that clones cheaply: clones share the old items.
//!
//! A clone copies the open tail, fewer than [`CHUNK_LEN`] items, and one pointer for each sealed chunk.
//!
//! A list counts the items that were read from it: see [`Looks`].

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::wire::{Reader, Wire, WireError, put_u64};

/// The number of items in a sealed chunk.
pub const CHUNK_LEN: usize = 256;

/// How many items were read from a container, as the container itself counts: a judge of the work of the container's
/// owner need not trust the owner. The count is no part of the container's value: all counts are equal, and none is
/// saved.
///
/// Only the thread of the container's owner counts. The cell is atomic only so that the container can be shared.
#[derive(Debug, Default)]
pub struct Looks(AtomicU64);

impl Clone for Looks {
    fn clone(&self) -> Looks {
        Looks(AtomicU64::new(self.total()))
    }
}

impl PartialEq for Looks {
    fn eq(&self, _: &Looks) -> bool {
        true
    }
}

impl Eq for Looks {}

impl Looks {
    /// Counts one item more.
    pub fn count(&self) {
        self.0.store(self.total() + 1, Ordering::Relaxed);
    }

    /// The number counted so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An append-only list that clones cheaply.
#[derive(Clone, PartialEq, Eq)]
pub struct CowLog<T> {
    /// Each of exactly [`CHUNK_LEN`] items, so that equal lists have equal chunks.
    sealed: Vec<Arc<[T]>>,
    tail: Vec<T>,
    looks: Looks,
}

impl<T> Default for CowLog<T> {
    fn default() -> CowLog<T> {
        CowLog { sealed: Vec::new(), tail: Vec::new(), looks: Looks::default() }
    }
}

impl<T> CowLog<T> {
    /// Appends one item.
    pub fn push(&mut self, item: T) {
        self.tail.push(item);
        if self.tail.len() == CHUNK_LEN {
            self.sealed.push(self.tail.drain(..).collect());
        }
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.sealed.len() * CHUNK_LEN + self.tail.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items from `start` on, oldest first.
    pub fn iter_from(&self, start: usize) -> impl Iterator<Item = &T> {
        (start..self.len()).filter_map(|index| self.get(index))
    }

    /// How many items were read from the list.
    pub fn looks(&self) -> u64 {
        self.looks.total()
    }

    /// The item at this index, from 0.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.looks.count();
        match self.sealed.get(index / CHUNK_LEN) {
            Some(chunk) => chunk.get(index % CHUNK_LEN),
            None => self.tail.get(index - self.sealed.len() * CHUNK_LEN),
        }
    }

    /// The newest item.
    pub fn last(&self) -> Option<&T> {
        self.iter().next_back()
    }

    /// The items, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        let items = self.sealed.iter().flat_map(|chunk| chunk.iter()).chain(&self.tail);
        items.inspect(|_| self.looks.count())
    }

    /// Drops the oldest [`CHUNK_LEN`] items and returns their number: 0 when nothing is sealed. The index of each other
    /// item decreases by that number.
    pub fn forget_oldest(&mut self) -> usize {
        if self.sealed.is_empty() { 0 } else { self.sealed.remove(0).len() }
    }

    /// How many items at the front satisfy `is_before`, which must hold for a prefix of the list only.
    pub fn partition_point(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.get(middle).is_some_and(&is_before) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl<T: Wire> Wire for CowLog<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.len() as u64);
        self.iter().for_each(|item| item.encode(out));
    }

    fn decode(input: &mut Reader<'_>) -> Result<CowLog<T>, WireError> {
        let mut chunks = CowLog::default();
        for _ in 0..input.length(usize::MAX)? {
            chunks.push(T::decode(input)?);
        }
        Ok(chunks)
    }
}

impl<T: fmt::Debug> fmt::Debug for CowLog<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_any_length_reads_back_from_both_ends() {
        for len in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN] {
            let mut chunks = CowLog::default();
            (0..len).for_each(|item| chunks.push(item));
            assert_eq!((chunks.len(), chunks.last().copied()), (len, len.checked_sub(1)));
            assert!(chunks.iter().copied().eq(0..len) && chunks.iter().rev().copied().eq((0..len).rev()));
            assert!((0..len).all(|index| chunks.get(index) == Some(&index)), "{len} items");
            assert_eq!(chunks.get(len), None);
            assert_eq!(CowLog::from_bytes(&chunks.to_bytes()), Ok(chunks.clone()));
            let mut younger = chunks.clone();
            let forgotten = younger.forget_oldest();
            assert!(forgotten == CHUNK_LEN.min(len / CHUNK_LEN * CHUNK_LEN));
            assert!(younger.iter().copied().eq(forgotten..len));
            for point in 0..=len {
                assert_eq!(chunks.partition_point(|item| *item < point), point);
            }
        }
    }

    #[test]
    fn a_list_counts_what_it_is_asked_for() {
        let mut chunks = CowLog::default();
        (0..2 * CHUNK_LEN + 2).for_each(|item| chunks.push(item));
        let looks = |ask: &dyn Fn(&CowLog<usize>)| {
            let before = chunks.looks();
            ask(&chunks);
            chunks.looks() - before
        };
        assert_eq!(looks(&|_| ()), 0);
        assert_eq!(looks(&|chunks| assert_eq!(chunks.get(3), Some(&3))), 1);
        assert_eq!(looks(&|chunks| assert!(chunks.last().is_some())), 1);
        assert_eq!(looks(&|chunks| assert_eq!(chunks.iter().rev().take(300).count(), 300)), 300);
        assert_eq!(looks(&|chunks| assert_eq!(chunks.iter_from(5).take(7).count(), 7)), 7);
        assert_eq!(looks(&|chunks| assert_eq!(chunks.partition_point(|item| *item < 9), 9)), 9);
        assert!(chunks.clone() == chunks && chunks.clone().looks() == chunks.looks());
    }

    #[test]
    fn a_clone_shares_what_is_sealed_and_nothing_else() {
        let mut chunks = CowLog::default();
        (0..CHUNK_LEN + 2).for_each(|item| chunks.push(item));
        let mut clone = chunks.clone();
        assert!(Arc::ptr_eq(&chunks.sealed[0], &clone.sealed[0]));
        clone.push(7);
        assert!(clone != chunks && clone.len() == chunks.len() + 1);
    }
}
