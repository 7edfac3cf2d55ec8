//! An ordered map that forgets nothing and clones cheaply: judges remember whole runs, and worlds are forked.
//!
//! New entries go to a short sorted list. A full list becomes a shared run, and runs of similar size are merged. So a
//! clone copies at most 64 entries and one pointer for each of a logarithmic number of runs.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

/// Entries of the short list when it is full.
const RECENT_MAX: usize = 64;

/// The map.
#[derive(Clone, Debug)]
pub struct CowMap<K, V> {
    /// Each sorted by key, older and longer runs first. Of equal keys the newest counts.
    runs: Vec<Arc<Vec<(K, V)>>>,
    /// Sorted by key.
    recent: Vec<(K, V)>,
}

impl<K, V> Default for CowMap<K, V> {
    fn default() -> CowMap<K, V> {
        CowMap { runs: Vec::new(), recent: Vec::new() }
    }
}

impl<K: Ord + Clone, V: Clone> CowMap<K, V> {
    /// The value under `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        match self.place(key) {
            Ok(place) => Some(&self.recent[place].1),
            Err(_) => self.get_sealed(key),
        }
    }

    /// Stores `value` under `key`, instead of any earlier value.
    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => self.recent[place].1 = value,
            Err(place) => {
                self.put(place, key, value);
            }
        }
    }

    /// The value under `key`, to change it; a default if there was none.
    pub fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                let value = self.get_sealed(&key).cloned().unwrap_or_default();
                self.put(place, key, value)
            }
        };
        &mut self.recent[place].1
    }

    /// The index of `key` among the recent entries, or where to insert it. Most keys come in ascending order.
    fn place(&self, key: &K) -> Result<usize, usize> {
        match self.recent.last() {
            Some((last, _)) if last < key => Err(self.recent.len()),
            Some(_) | None => self.recent.binary_search_by(|(other, _)| other.cmp(key)),
        }
    }

    fn get_sealed(&self, key: &K) -> Option<&V> {
        self.runs.iter().rev().find_map(|run| {
            let index = run.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
            run.get(index).map(|(_, value)| value)
        })
    }

    /// Inserts a new entry at its place; returns that place.
    fn put(&mut self, mut place: usize, key: K, value: V) -> usize {
        if self.recent.len() >= RECENT_MAX {
            self.seal();
            place = 0;
        }
        self.recent.insert(place, (key, value));
        place
    }

    fn seal(&mut self) {
        let mut run = mem::replace(&mut self.recent, Vec::with_capacity(RECENT_MAX));
        while let Some(older) = self.runs.pop_if(|older| older.len() <= 2 * run.len()) {
            run = merged(Arc::unwrap_or_clone(older), run);
        }
        self.runs.push(Arc::new(run));
    }
}

/// Merges both runs; of equal keys the newer counts.
fn merged<K: Ord, V>(older: Vec<(K, V)>, newer: Vec<(K, V)>) -> Vec<(K, V)> {
    let mut run = Vec::with_capacity(older.len() + newer.len());
    let mut old = older.into_iter().peekable();
    for new in newer {
        while let Some(item) = old.next_if(|item| item.0 < new.0) {
            run.push(item);
        }
        old.next_if(|item| item.0 == new.0);
        run.push(new);
    }
    run.extend(old);
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_shelf_is_a_map(changes in proptest::collection::vec((0u64..900, any::<bool>()), 0..2_000)) {
            let (mut shelf, mut map) = (CowMap::default(), BTreeMap::new());
            for (step, (key, is_insert)) in changes.into_iter().enumerate() {
                if is_insert {
                    shelf.insert(key, step);
                    map.insert(key, step);
                } else {
                    *shelf.entry(key) += 1;
                    *map.entry(key).or_default() += 1;
                }
            }
            for key in 0..900 {
                prop_assert_eq!(shelf.get(&key), map.get(&key));
            }
            prop_assert!(shelf.runs.len() < 8, "{} runs", shelf.runs.len());
        }
    }
}
