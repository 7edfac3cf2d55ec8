//! The blocks between users: lists them in order, and looks them up for each tweet of a page at a cost that does not
//! depend on their number.
//!
//! 1. Users who tweet or block are numbered in the order of their first appearance in the log, so equally at every
//!    site.
//! 2. The users hidden from a viewer are a set of such numbers: a tree of fixed depth, so no choice of names or numbers
//!    makes a lookup longer.
//! 3. Every listed pair and every lookup is counted: see [`Looks`].

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Bound;

use crate::cow_log::Looks;
use crate::tweets::timeline::names::User;

/// All blocks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Blocks {
    /// Each pair: the user who blocks, and the user who is blocked.
    pairs: BTreeSet<(User, User)>,
    /// The number of each user that appeared.
    numbers: BTreeMap<User, u32>,
    /// Each user that appeared, by number.
    names: Vec<User>,
    /// By viewer, the users who block that viewer. No set is empty.
    hidden: BTreeMap<User, Numbers>,
    looks: Looks,
}

/// The users whose tweets are hidden from one viewer.
pub struct Hidden<'a> {
    numbers: Option<&'a Numbers>,
    looks: &'a Looks,
}

impl Hidden<'_> {
    /// Whether the user of this number is hidden.
    pub fn contains(&self, number: u32) -> bool {
        self.looks.count();
        self.numbers.is_some_and(|numbers| numbers.contains(number))
    }
}

impl Blocks {
    /// The number of `user`; assigns one if there is none.
    pub fn number(&mut self, user: &User) -> u32 {
        self.looks.count();
        let next = u32::try_from(self.names.len()).expect("users fit into memory");
        match self.numbers.get(user) {
            Some(number) => *number,
            None => {
                self.names.push(user.clone());
                *self.numbers.entry(user.clone()).or_insert(next)
            }
        }
    }

    /// The user of this number, which [`number`](Blocks::number) has assigned.
    pub fn name(&self, number: u32) -> &User {
        self.looks.count();
        &self.names[usize::try_from(number).expect("users fit into memory")]
    }

    /// Adds the block of `target` by `user`; returns whether it was missing.
    pub fn insert(&mut self, user: &User, target: &User) -> bool {
        self.looks.count();
        let is_news = self.pairs.insert((user.clone(), target.clone()));
        if is_news {
            let number = self.number(user);
            self.hidden.entry(target.clone()).or_default().insert(number);
        }
        is_news
    }

    /// Removes the block of `target` by `user`; returns whether it was there.
    pub fn remove(&mut self, user: &User, target: &User) -> bool {
        self.looks.count();
        let is_news = self.pairs.remove(&(user.clone(), target.clone()));
        if is_news {
            let number = self.number(user);
            let hidden = self.hidden.get_mut(target).expect("a pair stands in both");
            hidden.remove(number);
            if hidden.is_empty() {
                self.hidden.remove(target);
            }
        }
        is_news
    }

    /// The users whose tweets `viewer` may not see.
    pub fn hidden_from(&self, viewer: &User) -> Hidden<'_> {
        self.looks.count();
        Hidden { numbers: self.hidden.get(viewer), looks: &self.looks }
    }

    /// The blocks in ascending order of both users, after this pair if there is one.
    pub fn after(
        &self,
        pair: Option<&(User, User)>,
    ) -> impl DoubleEndedIterator<Item = (&User, &User)> + use<'_> {
        let start = pair.map_or(Bound::Unbounded, |pair| Bound::Excluded(pair.clone()));
        let pairs = self.pairs.range((start, Bound::Unbounded));
        pairs.inspect(|_| self.looks.count()).map(|(user, target)| (user, target))
    }

    /// The number of pairs listed and users looked up.
    pub fn looks(&self) -> u64 {
        self.looks.total()
    }
}

/// Bits of a number that one node of the tree distinguishes.
const NODE_BITS: u32 = 6;

/// Bits of a number below those that the root distinguishes.
const ROOT_SHIFT: u32 = u32::BITS / NODE_BITS * NODE_BITS;

/// A set of numbers: a tree of fixed depth, with a bit for each part that is not empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Numbers {
    present: u64,
    /// One for each set bit, in their order; empty in the lowest nodes, whose bits are the numbers.
    parts: Vec<Numbers>,
}

impl Numbers {
    fn contains(&self, number: u32) -> bool {
        let (mut node, mut shift) = (self, ROOT_SHIFT);
        while shift > 0 {
            let bit = bit(number, shift);
            if node.present & bit == 0 {
                return false;
            }
            node = &node.parts[node.place(bit)];
            shift -= NODE_BITS;
        }
        node.present & bit(number, 0) != 0
    }

    fn insert(&mut self, number: u32) {
        let (mut node, mut shift) = (self, ROOT_SHIFT);
        while shift > 0 {
            let bit = bit(number, shift);
            let place = node.place(bit);
            if node.present & bit == 0 {
                node.present |= bit;
                // Most nodes have one part. A growing list would reserve room for four and waste it.
                node.parts.reserve_exact(1);
                node.parts.insert(place, Numbers::default());
            }
            node = &mut node.parts[place];
            shift -= NODE_BITS;
        }
        node.present |= bit(number, 0);
    }

    fn remove(&mut self, number: u32) {
        self.remove_below(number, ROOT_SHIFT);
    }

    fn remove_below(&mut self, number: u32, shift: u32) {
        let bit = bit(number, shift);
        if shift > 0 && self.present & bit != 0 {
            let place = self.place(bit);
            self.parts[place].remove_below(number, shift - NODE_BITS);
            if !self.parts[place].is_empty() {
                return;
            }
            self.parts.remove(place);
        }
        self.present &= !bit;
    }

    fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// The index of the part for this bit, present or not.
    fn place(&self, bit: u64) -> usize {
        usize::try_from((self.present & (bit - 1)).count_ones()).expect("at most 64")
    }
}

fn bit(number: u32, shift: u32) -> u64 {
    1 << (number >> shift & (u64::BITS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_a_set(
            steps in proptest::collection::vec(
                (any::<bool>(), prop_oneof![0u32..200, 4_000u32..4_200, any::<u32>(), u32::MAX - 70..=u32::MAX]),
                0..300,
            ),
        ) {
            let (mut numbers, mut set) = (Numbers::default(), BTreeSet::new());
            for (is_there, number) in steps {
                if is_there {
                    numbers.insert(number);
                    set.insert(number);
                } else {
                    // Every other removal is of a number that is there.
                    let number = if number % 2 == 0 { set.first().copied().unwrap_or(number) } else { number };
                    numbers.remove(number);
                    set.remove(&number);
                }
                for near in [number.saturating_sub(1), number, number.saturating_add(1), number ^ 1 << 12] {
                    prop_assert_eq!(numbers.contains(near), set.contains(&near), "{}", near);
                }
                prop_assert_eq!(numbers.is_empty(), set.is_empty());
            }
            let mut again = Numbers::default();
            set.iter().rev().for_each(|number| again.insert(*number));
            prop_assert_eq!(again, numbers);
        }
    }
}
