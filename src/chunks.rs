//! An append-only list whose past is shared: cloning it costs what was added lately, not what it holds.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Items that a sealed chunk holds.
const CHUNK: usize = 256;

/// An append-only list. Full chunks are sealed and shared between clones; the open tail is copied.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    sealed: VecDeque<Arc<[T]>>,
    tail: Vec<T>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks { sealed: VecDeque::new(), tail: Vec::new() }
    }
}

impl<T> Chunks<T> {
    /// Adds `item` at the end.
    pub fn push(&mut self, item: T) {
        self.tail.push(item);
        if self.tail.len() == CHUNK {
            self.sealed.push_back(core::mem::take(&mut self.tail).into());
        }
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.sealed.len() * CHUNK + self.tail.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.tail.is_empty()
    }

    /// Forgets the oldest sealed chunk and says how many items that were; 0 when nothing is sealed.
    pub fn forget_oldest(&mut self) -> usize {
        self.sealed.pop_front().map_or(0, |chunk| chunk.len())
    }

    /// The newest item.
    pub fn last(&self) -> Option<&T> {
        self.tail.last().or_else(|| self.sealed.back().and_then(|chunk| chunk.last()))
    }

    /// All items, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.sealed.iter().flat_map(|chunk| chunk.iter()).chain(&self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_past_and_part_ways() {
        let mut one = Chunks::default();
        (0..1_000).for_each(|number| one.push(number));
        let mut two = one.clone();
        assert!(Arc::ptr_eq(&one.sealed[2], &two.sealed[2]));
        two.push(7);
        assert_eq!((one.len(), two.len(), one.last(), two.last()), (1_000, 1_001, Some(&999), Some(&7)));
        assert!(one.iter().copied().eq(0..1_000));
        assert_eq!((two.forget_oldest(), two.len(), two.iter().next()), (CHUNK, 745, Some(&256)));
    }
}
