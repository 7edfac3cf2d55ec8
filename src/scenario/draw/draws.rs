//! Draws from one stream: integers only, so that every machine draws the same.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::mix::below;
use crate::scenario::profile::{Share, Span, Weights};
use crate::sim::Chance;
use crate::time::Duration;

/// What is drawn from a stream of its own, so that more draws of one move nothing of another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Concern {
    Cluster = 1,
    Network = 2,
    Settings = 3,
    Workload = 4,
    Faults = 5,
    Recipe = 6,
}

/// One stream of draws.
#[derive(Clone, Debug)]
pub struct Draws {
    rng: ChaCha8Rng,
}

impl Draws {
    pub(crate) fn new(seed: u64, concern: Concern) -> Draws {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // A world's own streams have small numbers.
        rng.set_stream((1 << 32) | concern as u64);
        Draws { rng }
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        below(self.rng.next_u64(), bound)
    }

    /// A number between the two, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// A number of a span.
    pub fn number<N: Copy + Into<u64> + TryFrom<u64>>(&mut self, Span(least, most): Span<N>) -> N {
        N::try_from(self.between(least.into(), most.into())).unwrap_or(least)
    }

    /// Whether something of this chance happens.
    pub fn happens(&mut self, chance: Chance) -> bool {
        self.below(chance.denominator.into()) < chance.numerator.into()
    }

    /// Whether something happens `of` times in `out_of`.
    pub fn one_in(&mut self, out_of: u64) -> bool {
        self.below(out_of) == 0
    }

    /// A length of time, in whole milliseconds where the span is wide enough for that.
    pub fn time(&mut self, Span(least, most): Span<Duration>) -> Duration {
        let (least, most) = (least.as_micros(), most.as_micros());
        let unit = if most.saturating_sub(least) >= 20_000 { 1_000 } else { 10 };
        let drawn = self.between(least, most) / unit * unit;
        Duration::from_micros(drawn.max(least).min(most))
    }

    /// The same, where both ends are given in milliseconds.
    pub fn millis(&mut self, least: u64, most: u64) -> Duration {
        self.time(Span(Duration::from_millis(least), Duration::from_millis(most)))
    }

    /// A share of a span, small ones more often than great ones.
    pub(crate) fn share(&mut self, Span(Share(least), Share(most)): Span<Share>) -> Chance {
        let steps = |chance: Chance| u64::from(chance.numerator) * 1_000 / u64::from(chance.denominator);
        let (least, most) = (steps(least), steps(most));
        let drawn = self.between(least, most).min(self.between(least, most));
        match u32::try_from(drawn) {
            Ok(numerator) if numerator > 0 => Chance { numerator, denominator: 1_000 },
            _ => Chance::NEVER,
        }
    }

    /// One of them; `None` where there is none.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = self.below(all.len() as u64);
        all.get(usize::try_from(at).unwrap_or(0))
    }

    /// One of them, by its weight; `None` where no weight is above 0.
    pub fn weighted<T: Copy>(&mut self, all: &[(T, u32)]) -> Option<T> {
        let sum = all.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut at = self.below(sum);
        for (one, weight) in all {
            match at.checked_sub((*weight).into()) {
                None => return Some(*one),
                Some(rest) => at = rest,
            }
        }
        None
    }

    pub(crate) fn of<K: Copy + Ord>(&mut self, weights: &Weights<K>) -> Option<K> {
        let all: Vec<(K, u32)> = weights.0.iter().map(|(key, weight)| (*key, *weight)).collect();
        self.weighted(&all)
    }

    /// Puts them into another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).unwrap_or(0);
            all.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_their_own_and_repeat_themselves() {
        let drawn = |seed, concern| {
            let mut draws = Draws::new(seed, concern);
            [0; 8].map(|_: u8| draws.below(1_000))
        };
        assert_eq!(drawn(7, Concern::Faults), drawn(7, Concern::Faults));
        assert_ne!(drawn(7, Concern::Faults), drawn(7, Concern::Workload));
        assert_ne!(drawn(7, Concern::Faults), drawn(8, Concern::Faults));
    }

    #[test]
    fn everything_in_reach_is_drawn_and_nothing_else() {
        let mut draws = Draws::new(1, Concern::Cluster);
        let mut seen = [0; 5];
        for _ in 0..1_000 {
            seen[usize::try_from(draws.between(1, 3)).unwrap()] += 1;
        }
        assert!(seen[0] == 0 && seen[4] == 0 && seen[1..4].iter().all(|count| *count > 250), "{seen:?}");
        let weighted: Vec<_> =
            (0..1_000).filter_map(|_| draws.weighted(&[('a', 3), ('b', 0), ('c', 1)])).collect();
        let count = |letter| weighted.iter().filter(|one| **one == letter).count();
        assert_eq!((count('b'), weighted.len()), (0, 1_000));
        assert!((650..850).contains(&count('a')));
        assert_eq!(draws.weighted(&[('a', 0)]), None);
        let time = Span(Duration::from_millis(5), Duration::from_millis(400));
        assert!((0..100).all(|_| draws.time(time).as_micros().is_multiple_of(1_000)));
    }
}
