//! Draws from one random stream: rand's distributions over ChaCha8, the same on every machine.
//!
//! 1. Numbers are drawn as `u64`, chances as ratios of two `u32`. A ratio is one division of doubles, which IEEE 754
//!    rounds alike everywhere, and the draw compares integers.
//! 2. For a slice, rand draws an index. It draws a `u32` for any slice whose length fits a `u32`, so 32-bit and
//!    64-bit machines draw the same (`IndexedRandom::choose`, `UniformUsize`; `SliceRandom::shuffle`,
//!    `IncreasingUniform`). A weighted choice draws the type of its weights, here `u64`, and searches for the index.
//! 3. A minor version of rand may draw other values: the requirement names one, and a test pins what is drawn.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::scenario::profile::{Share, Span, Weights};
use crate::sim::Chance;
use crate::time::Duration;

/// The parts of a scenario. Each has a stream of its own, so that more draws for one part move nothing in another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Concern {
    Cluster = 1,
    Network = 2,
    Settings = 3,
    Workload = 4,
    Faults = 5,
    Recipe = 6,
    People = 16,
    Calm = 17,
    Rollovers = 18,
    Lives = 20,
    History = 21,
}

/// One random stream.
#[derive(Clone, Debug)]
pub struct Draws {
    rng: ChaCha8Rng,
}

impl Draws {
    pub(crate) fn new(seed: u64, concern: Concern) -> Draws {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // The streams of a world have small numbers.
        rng.set_stream((1 << 32) | concern as u64);
        Draws { rng }
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.rng.random_range(0..bound) }
    }

    /// A number from `least` to `most`, both included; `least` if `most` is less.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.rng.random_range(least..=most.max(least))
    }

    /// A number in a span.
    pub fn number<N: Copy + Into<u64> + TryFrom<u64>>(&mut self, Span(least, most): Span<N>) -> N {
        N::try_from(self.between(least.into(), most.into())).unwrap_or(least)
    }

    /// Whether something with this chance happens.
    pub fn happens(&mut self, chance: Chance) -> bool {
        self.rng.random_ratio(chance.numerator, chance.denominator)
    }

    /// True once in `out_of` draws; always if `out_of` is 0.
    pub fn one_in(&mut self, out_of: u32) -> bool {
        self.rng.random_ratio(1, out_of.max(1))
    }

    /// A duration in a span, in whole milliseconds if the span is at least 20 ms wide.
    pub fn time(&mut self, Span(least, most): Span<Duration>) -> Duration {
        let (least, most) = (least.as_micros(), most.as_micros());
        let unit = if most.saturating_sub(least) >= 20_000 { 1_000 } else { 10 };
        let drawn = self.between(least, most) / unit * unit;
        Duration::from_micros(drawn.max(least).min(most))
    }

    /// The same, with both ends in milliseconds.
    pub fn millis(&mut self, least: u64, most: u64) -> Duration {
        self.time(Span(Duration::from_millis(least), Duration::from_millis(most)))
    }

    /// A share in a span; small shares are more likely than great ones.
    pub(crate) fn share(&mut self, Span(Share(least), Share(most)): Span<Share>) -> Chance {
        let steps = |chance: Chance| u64::from(chance.numerator) * 1_000 / u64::from(chance.denominator);
        let (least, most) = (steps(least), steps(most));
        let drawn = self.between(least, most).min(self.between(least, most));
        match u32::try_from(drawn) {
            Ok(numerator) if numerator > 0 => Chance { numerator, denominator: 1_000 },
            _ => Chance::NEVER,
        }
    }

    /// One of the items; `None` if there are none.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.choose(&mut self.rng)
    }

    /// One of the items, by weight; `None` if no weight is above 0.
    pub fn weighted<T: Copy>(&mut self, all: &[(T, u32)]) -> Option<T> {
        all.choose_weighted(&mut self.rng, |(_, weight)| u64::from(*weight)).ok().map(|(one, _)| *one)
    }

    pub(crate) fn of<K: Copy + Ord>(&mut self, weights: &Weights<K>) -> Option<K> {
        let all: Vec<(K, u32)> = weights.0.iter().map(|(key, weight)| (*key, *weight)).collect();
        self.weighted(&all)
    }

    /// Shuffles the items.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        all.shuffle(&mut self.rng);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first draws of seed 2026, by method.
    const PINNED: &str = "\
below: [932, 744, 379, 170, 514, 652, 568, 769]
below the greatest: [17202225056445168496, 6998117543491493961]
between: [12, 11, 9, 8, 10, 10, 10, 11, 8, 11, 7, 8]
number: [187, 150, 78, 36, 104, 132, 115, 155]
happens: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0]
one_in: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0]
time: [373000, 297000, 151000, 68000, 205000, 260000]
millis: [8390, 6700, 3410, 1530, 4620, 5870]
share: [224, 51, 154, 171, 98, 4, 40, 38]
one_of: [1, 5, 3, 4, 1, 2, 5, 1, 2, 3, 3, 4]
weighted: [4, 3, 1, 1, 1, 3, 3, 3, 1, 3, 1, 1]
of: [5, 5, 3, 3, 3, 5, 3, 5, 3, 5, 1, 3]
shuffle: [[4, 3, 0, 1, 5, 7, 2, 6], [0, 2, 3, 1, 4, 7, 5, 6], [7, 3, 2, 4, 0, 6, 5, 1]]";

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

    /// The name of a method and its first draws from one stream.
    fn drawn<T: core::fmt::Debug>(method: &str, draw: impl Fn(&mut Draws) -> T, count: usize) -> String {
        let mut draws = Draws::new(2_026, Concern::Faults);
        let values: Vec<T> = (0..count).map(|_| draw(&mut draws)).collect();
        format!("{method}: {values:?}")
    }

    /// If these values change, each seed stands for another scenario.
    #[test]
    fn what_a_seed_draws_is_pinned() {
        let chance = Chance { numerator: 30, denominator: 100 };
        let share = |percent| Share(Chance { numerator: percent, denominator: 100 });
        let (shares, times) = (Span(share(0), share(30)), Span(Duration::ZERO, Duration::from_millis(400)));
        let weights = Weights([(1_u8, 2), (3, 60), (5, 38)].into());
        let shuffled = |draws: &mut Draws| {
            let mut all = [0_u8, 1, 2, 3, 4, 5, 6, 7];
            draws.shuffle(&mut all);
            all
        };
        let all = [
            drawn("below", |draws| draws.below(1_000), 8),
            drawn("below the greatest", |draws| draws.below(u64::MAX), 2),
            drawn("between", |draws| draws.between(7, 12), 12),
            drawn("number", |draws| draws.number(Span(3_u8, 200)), 8),
            drawn("happens", |draws| u8::from(draws.happens(chance)), 16),
            drawn("one_in", |draws| u8::from(draws.one_in(4)), 16),
            drawn("time", |draws| draws.time(times).as_micros(), 6),
            drawn("millis", |draws| draws.millis(0, 9).as_micros(), 6),
            drawn("share", |draws| draws.share(shares).numerator, 8),
            drawn("one_of", |draws| *draws.one_of(&[1, 2, 3, 4, 5]).unwrap(), 12),
            drawn("weighted", |draws| draws.weighted(&[(1, 5), (2, 0), (3, 3), (4, 1)]).unwrap(), 12),
            drawn("of", |draws| draws.of(&weights).unwrap(), 12),
            drawn("shuffle", shuffled, 3),
        ];
        assert_eq!(all.join("\n"), PINNED);
    }

    #[test]
    fn what_is_certain_or_impossible_is_drawn_as_such() {
        let mut draws = Draws::new(3, Concern::Recipe);
        let always = Chance { numerator: 7, denominator: 7 };
        for _ in 0..200 {
            assert!(draws.happens(always) && draws.one_in(1) && draws.one_in(0));
            assert!(!draws.happens(Chance::NEVER));
            assert_eq!(
                (draws.below(0), draws.below(1), draws.between(9, 9), draws.between(9, 4)),
                (0, 0, 9, 9)
            );
        }
        assert_eq!(draws.one_of::<u8>(&[]), None);
        assert_eq!(draws.weighted::<u8>(&[]), None);
        // The sum of these weights is more than a `u32` holds.
        assert!(draws.weighted(&[(1, u32::MAX), (2, u32::MAX)]).is_some());
        draws.shuffle::<u8>(&mut []);
    }
}
