//! A list by number with items that may change, which clones cheaply: what judges know of each slot.
//!
//! Items are kept in shared pages. A change after a clone copies the page of the item. A clone copies one pointer per
//! page.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// Items in a page.
const PAGE_LEN: usize = 32;

/// The list. A number with nothing stored under it is missing, or holds a default.
#[derive(Clone, Debug)]
pub struct CowVec<T> {
    pages: Vec<Arc<[T; PAGE_LEN]>>,
}

impl<T> Default for CowVec<T> {
    fn default() -> CowVec<T> {
        CowVec { pages: Vec::new() }
    }
}

impl<T: Clone + Default> CowVec<T> {
    /// The item under `number`.
    pub fn get(&self, number: u64) -> Option<&T> {
        let number = usize::try_from(number).ok()?;
        self.pages.get(number / PAGE_LEN).map(|page| &page[number % PAGE_LEN])
    }

    /// The item under `number`, to change it; a default if there was none. Every page below the item takes memory, so
    /// the caller must bound `number`.
    pub fn entry(&mut self, number: u64) -> &mut T {
        let number = usize::try_from(number).expect("numbers are bounded");
        while self.pages.len() <= number / PAGE_LEN {
            self.pages.push(Arc::new(core::array::from_fn(|_| T::default())));
        }
        &mut Arc::make_mut(&mut self.pages[number / PAGE_LEN])[number % PAGE_LEN]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_are_a_map_and_a_clone_goes_its_own_way(changes in proptest::collection::vec(0u64..200, 0..300)) {
            let (mut pages, mut map) = (CowVec::<usize>::default(), BTreeMap::<u64, usize>::new());
            let half = changes.len() / 2;
            let mut fork = None;
            for (step, number) in changes.into_iter().enumerate() {
                *pages.entry(number) += step;
                *map.entry(number).or_default() += step;
                if step == half {
                    fork = Some((pages.clone(), map.clone()));
                }
            }
            for (pages, map) in fork.into_iter().chain([(pages, map)]) {
                for number in 0..200 {
                    let kept = pages.get(number).copied().unwrap_or_default();
                    prop_assert_eq!(kept, map.get(&number).copied().unwrap_or_default());
                }
                prop_assert_eq!(pages.get(u64::MAX), None);
            }
        }
    }
}
