//! An append-only list that clones cheaply: what is old is shared.
//!
//! A clone copies the open tail, fewer than [`CHUNK_LEN`] items, and one pointer for each sealed chunk.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::wire::{Reader, Wire, WireError, put_u64};

/// Items of a sealed chunk.
pub const CHUNK_LEN: usize = 256;

/// The list.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunks<T> {
    /// Each of exactly [`CHUNK_LEN`] items, so that equal lists are cut alike.
    sealed: Vec<Arc<[T]>>,
    tail: Vec<T>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks { sealed: Vec::new(), tail: Vec::new() }
    }
}

impl<T> Chunks<T> {
    /// Appends one item.
    pub fn push(&mut self, item: T) {
        self.tail.push(item);
        if self.tail.len() == CHUNK_LEN {
            self.sealed.push(self.tail.drain(..).collect());
        }
    }

    /// How many items.
    pub fn len(&self) -> usize {
        self.sealed.len() * CHUNK_LEN + self.tail.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items from `start` on, oldest first.
    pub fn iter_from(&self, start: usize) -> impl Iterator<Item = &T> {
        (start..self.len()).filter_map(|index| self.get(index))
    }

    /// The item at this index, from 0.
    pub fn get(&self, index: usize) -> Option<&T> {
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
        self.sealed.iter().flat_map(|chunk| chunk.iter()).chain(&self.tail)
    }

    /// Forgets the oldest [`CHUNK_LEN`] items and says how many that were: 0 when nothing is sealed. The
    /// index of each other item is less by as many.
    pub fn forget_oldest(&mut self) -> usize {
        if self.sealed.is_empty() { 0 } else { self.sealed.remove(0).len() }
    }

    /// How many items from the front satisfy `is_before`, which holds for a front part of the list only.
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

impl<T: Wire> Wire for Chunks<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.len() as u64);
        self.iter().for_each(|item| item.encode(out));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Chunks<T>, WireError> {
        let mut chunks = Chunks::default();
        for _ in 0..input.length(usize::MAX)? {
            chunks.push(T::decode(input)?);
        }
        Ok(chunks)
    }
}

impl<T: fmt::Debug> fmt::Debug for Chunks<T> {
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
            let mut chunks = Chunks::default();
            (0..len).for_each(|item| chunks.push(item));
            assert_eq!((chunks.len(), chunks.last().copied()), (len, len.checked_sub(1)));
            assert!(chunks.iter().copied().eq(0..len) && chunks.iter().rev().copied().eq((0..len).rev()));
            assert!((0..len).all(|index| chunks.get(index) == Some(&index)), "{len} items");
            assert_eq!(chunks.get(len), None);
            assert_eq!(Chunks::from_bytes(&chunks.to_bytes()), Ok(chunks.clone()));
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
    fn a_clone_shares_what_is_sealed_and_nothing_else() {
        let mut chunks = Chunks::default();
        (0..CHUNK_LEN + 2).for_each(|item| chunks.push(item));
        let mut clone = chunks.clone();
        assert!(Arc::ptr_eq(&chunks.sealed[0], &clone.sealed[0]));
        clone.push(7);
        assert!(clone != chunks && clone.len() == chunks.len() + 1);
    }
}
