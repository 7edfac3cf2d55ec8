//! History that clones cheaply: an append-only list whose past is sealed into shared chunks.

use alloc::sync::Arc;
use alloc::vec::Vec;

const CHUNK: usize = 256;

/// An append-only list. A clone shares every full chunk and copies at most one chunk's worth of items.
#[derive(Clone, Debug)]
pub struct Chunks<T> {
    sealed: Vec<Arc<[T]>>,
    open: Vec<T>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Chunks<T> {
        Chunks { sealed: Vec::new(), open: Vec::new() }
    }
}

impl<T> Chunks<T> {
    /// How many items.
    pub fn len(&self) -> usize {
        self.sealed.len() * CHUNK + self.open.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `item`.
    pub fn push(&mut self, item: T) {
        self.open.push(item);
        if self.open.len() == CHUNK {
            self.sealed.push(core::mem::take(&mut self.open).into());
        }
    }

    /// The item at `index`, from 0.
    pub fn get(&self, index: usize) -> Option<&T> {
        match self.sealed.get(index / CHUNK) {
            Some(chunk) => chunk.get(index % CHUNK),
            None => self.open.get(index - self.sealed.len() * CHUNK),
        }
    }

    /// Every item, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.sealed.iter().flat_map(|chunk| chunk.iter()).chain(&self.open)
    }

    /// The items from `start` on, oldest first.
    pub fn iter_from(&self, start: usize) -> impl Iterator<Item = &T> {
        (start..self.len()).filter_map(|index| self.get(index))
    }
}

impl<T: PartialEq> PartialEq for Chunks<T> {
    fn eq(&self, other: &Chunks<T>) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for Chunks<T> {}

impl<T> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Chunks<T> {
        let mut chunks = Chunks::default();
        items.into_iter().for_each(|item| chunks.push(item));
        chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_keeps_its_items_while_the_original_grows() {
        for count in [0, 1, CHUNK - 1, CHUNK, 3 * CHUNK + 7] {
            let mut chunks: Chunks<usize> = (0..count).collect();
            let twin = chunks.clone();
            chunks.push(count);
            assert_eq!((twin.len(), twin.get(count), chunks.get(count)), (count, None, Some(&count)));
            assert!(twin.iter().copied().eq(0..count) && chunks.iter().rev().copied().eq((0..=count).rev()));
            assert!(chunks.iter_from(count / 2).copied().eq(count / 2..=count));
            assert!(twin != chunks);
        }
    }
}
