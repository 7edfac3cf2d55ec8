//! Counts what is identical within one moment.

use alloc::vec::Vec;

/// Counts identical datagrams within one moment: a table with open addressing. Entries of other moments are free.
#[derive(Clone, Debug)]
pub(crate) struct Ordinals {
    /// Its length is a power of two, and it is at most half full.
    table: Vec<CountedCopies>,
    moment: u64,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct CountedCopies {
    what: u64,
    moment: u64,
    count: u64,
}

impl Ordinals {
    pub(crate) fn new() -> Ordinals {
        Ordinals {
            table: alloc::vec![CountedCopies { what: 0, moment: 0, count: 0 }; 32],
            moment: 1,
            used: 0,
        }
    }

    /// Starts another moment.
    pub(crate) fn forget(&mut self) {
        self.moment += 1;
        self.used = 0;
    }

    /// How often `what` was counted in this moment before.
    #[inline]
    pub(crate) fn next(&mut self, what: u64) -> u64 {
        if self.used >= self.table.len() / 2 {
            self.grow();
        }
        let moment = self.moment;
        // Nearly always its place is free.
        let place = self.place_of(what);
        if let Some(entry) = self.table.get_mut(place)
            && entry.moment != moment
        {
            *entry = CountedCopies { what, moment, count: 0 };
            self.used += 1;
            return 0;
        }
        self.next_of_many(what)
    }

    #[cold]
    fn next_of_many(&mut self, what: u64) -> u64 {
        let moment = self.moment;
        let entry = self.entry(what);
        if entry.moment == moment {
            entry.count += 1;
            return entry.count;
        }
        *entry = CountedCopies { what, moment, count: 0 };
        self.used += 1;
        0
    }

    #[cold]
    fn grow(&mut self) {
        {
            let length = self.table.len() * 2;
            let old = core::mem::take(&mut self.table);
            self.table.resize(length, CountedCopies { what: 0, moment: 0, count: 0 });
            let moment = self.moment;
            for counted in old.into_iter().filter(|counted| counted.moment == moment) {
                *self.entry(counted.what) = counted;
            }
        }
    }

    /// Where the entry of `what` is, unless others are in its way.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it is below the length of the table")]
    const fn place_of(&self, what: u64) -> usize {
        what as usize & self.table.len().wrapping_sub(1)
    }

    /// The entry of `what`, or the free entry where it belongs.
    fn entry(&mut self, what: u64) -> &mut CountedCopies {
        let mask = self.table.len() - 1;
        let mut place = self.place_of(what);
        while self.table[place].moment == self.moment && self.table[place].what != what {
            place = (place + 1) & mask;
        }
        &mut self.table[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_identical_within_a_moment_is_counted() {
        let mut ordinals = Ordinals::new();
        let ask = |ordinals: &mut Ordinals, what: u64| ordinals.next(what);
        assert_eq!([7, 7, 8, 7].map(|what| ask(&mut ordinals, what)), [0, 1, 0, 2]);
        assert!((100..1_000).all(|what| ask(&mut ordinals, what) == 0), "the table grows");
        assert_eq!(ask(&mut ordinals, 7), 3);
        ordinals.forget();
        assert_eq!(ask(&mut ordinals, 7), 0);
    }
}
