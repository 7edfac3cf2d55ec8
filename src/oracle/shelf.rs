//! An ordered map that forgets nothing and clones cheaply: judges remember whole runs, and worlds are forked.
//!
//! New entries go to a small tree; a full tree becomes a sorted, shared run, and runs of like size are merged.
//! So a clone copies at most 64 entries and one pointer for each of a logarithmic number of runs.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

/// Entries of the tree when it is full.
const RECENT_MAX: usize = 64;

/// The map.
#[derive(Clone, Debug)]
pub struct Shelf<K, V> {
    /// Sorted by key, older and longer ones first. Of equal keys the newest counts.
    runs: Vec<Arc<[(K, V)]>>,
    recent: BTreeMap<K, V>,
}

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Shelf<K, V> {
        Shelf { runs: Vec::new(), recent: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Shelf<K, V> {
    /// What is kept under `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.recent.get(key).or_else(|| self.get_sealed(key))
    }

    /// Keeps `value` under `key`, instead of what was there.
    pub fn insert(&mut self, key: K, value: V) {
        self.seal_if_full();
        self.recent.insert(key, value);
    }

    /// What is kept under `key`, to be changed; a default if there was nothing.
    pub fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.seal_if_full();
        let sealed = match self.recent.contains_key(&key) {
            true => None,
            false => self.get_sealed(&key).cloned(),
        };
        self.recent.entry(key).or_insert_with(|| sealed.unwrap_or_default())
    }

    fn get_sealed(&self, key: &K) -> Option<&V> {
        self.runs.iter().rev().find_map(|run| {
            let index = run.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
            run.get(index).map(|(_, value)| value)
        })
    }

    fn seal_if_full(&mut self) {
        if self.recent.len() < RECENT_MAX {
            return;
        }
        let mut run: Arc<[(K, V)]> = mem::take(&mut self.recent).into_iter().collect();
        while let Some(older) = self.runs.pop_if(|older| older.len() <= 2 * run.len()) {
            run = merged(&older, &run);
        }
        self.runs.push(run);
    }
}

/// Both runs in one; of equal keys the newer counts.
fn merged<K: Ord + Clone, V: Clone>(older: &[(K, V)], newer: &[(K, V)]) -> Arc<[(K, V)]> {
    let mut run = Vec::with_capacity(older.len() + newer.len());
    let mut old = older.iter().peekable();
    for new in newer {
        while let Some(item) = old.next_if(|item| item.0 < new.0) {
            run.push(item.clone());
        }
        old.next_if(|item| item.0 == new.0);
        run.push(new.clone());
    }
    run.extend(old.cloned());
    run.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_shelf_is_a_map(changes in proptest::collection::vec((0u64..900, any::<bool>()), 0..2_000)) {
            let (mut shelf, mut map) = (Shelf::default(), BTreeMap::new());
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
