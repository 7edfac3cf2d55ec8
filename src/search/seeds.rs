//! The seeds that a search tries, and how shards divide them.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;

/// Consecutive seeds, the end excluded. Without an end, they last as long as the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seeds {
    from: u64,
    /// Greater than `from`.
    to: Option<u64>,
}

impl Seeds {
    /// The seeds from this one on, without an end.
    pub const fn since(from: u64) -> Seeds {
        Seeds { from, to: None }
    }

    /// The first seed.
    pub const fn first(self) -> u64 {
        self.from
    }

    /// The seed after the last one, if there is an end.
    pub const fn end(self) -> Option<u64> {
        self.to
    }

    /// The nth seed of `shard`, from 0.
    pub fn nth(self, number: u64, shard: Shard) -> Option<u64> {
        let offset = number.checked_mul(shard.of.get())?.checked_add(shard.index)?;
        let seed = self.from.checked_add(offset)?;
        self.to.is_none_or(|to| seed < to).then_some(seed)
    }

    /// Number of seeds of `shard`, if there is an end.
    pub fn count(self, shard: Shard) -> Option<u64> {
        let all = self.to? - self.from;
        Some(all.saturating_sub(shard.index).div_ceil(shard.of.get()))
    }
}

/// `A..B` or `A..`.
impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let expected = || "expected the first seed and the one behind the last: 0..1000".to_owned();
        let (from, to) = text.split_once("..").ok_or_else(expected)?;
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| expected());
        let from = number(from)?;
        let to = if to.is_empty() { None } else { Some(number(to)?) };
        match to {
            Some(to) if to <= from => {
                Err(format!("no seed is in {text}: the last one is excluded and comes behind the first"))
            }
            to => Ok(Seeds { from, to }),
        }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..", self.from)?;
        self.to.map_or(Ok(()), |to| write!(f, "{to}"))
    }
}

impl From<core::ops::Range<u64>> for Seeds {
    /// An empty range becomes its first seed.
    fn from(range: core::ops::Range<u64>) -> Seeds {
        Seeds { from: range.start, to: Some(range.end.max(range.start.saturating_add(1))) }
    }
}

/// One of several parts of the seeds. Every seed is in exactly one part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Less than `of`.
    index: u64,
    of: NonZeroU64,
}

impl Shard {
    /// All seeds.
    pub const ALL: Shard = Shard { index: 0, of: NonZeroU64::MIN };

    /// Part `number` of `of`, from 1; `None` if there is no such part.
    pub fn new(number: u64, of: u64) -> Option<Shard> {
        let (index, of) = (number.checked_sub(1)?, NonZeroU64::new(of)?);
        (index < of.get()).then_some(Shard { index, of })
    }
}

/// `1/4`: the first of four.
impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let shard = numbers.and_then(|(number, of)| Shard::new(number, of));
        shard.ok_or_else(|| "expected which part of how many, from 1: 1/4".to_owned())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shards_have_every_seed_once(from in 0..=u64::MAX - 400, length in 1..300u64, of in 1..20u64) {
            let seeds = Seeds::from(from..from + length);
            let mut all = Vec::new();
            for number in 1..=of {
                let shard = Shard::new(number, of).expect("a part of them");
                let own: Vec<u64> = (0..).map_while(|nth| seeds.nth(nth, shard)).collect();
                prop_assert_eq!(seeds.count(shard), Some(own.len() as u64));
                all.extend(own);
            }
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(from..from + length));
        }

        #[test]
        fn shards_without_an_end_have_every_seed_once(from in 0..1_000u64, of in 1..20u64, rounds in 1..30u64) {
            let part = |number| Shard::new(number, of).expect("a part of them");
            let seed = |(nth, number)| Seeds::since(from).nth(nth, part(number));
            let rounds_of = |nth| (1..=of).map(move |number| (nth, number));
            let all: Vec<u64> = (0..rounds).flat_map(rounds_of).filter_map(seed).collect();
            prop_assert!(all.into_iter().eq(from..from + rounds * of));
        }
    }

    #[test]
    fn what_is_no_range_or_part_is_said() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.to_string());
        assert_eq!(seeds("0..3"), Ok("0..3".into()));
        assert_eq!(seeds("7.."), Ok("7..".into()));
        for empty in ["3..3", "4..3"] {
            assert!(seeds(empty).is_err_and(|why| why.contains("no seed is in")), "{empty}");
        }
        for wrong in ["", "3", "a..b", "..3", "-1..3", "1..=3"] {
            assert!(seeds(wrong).is_err_and(|why| why.contains("0..1000")), "{wrong}");
        }
        for wrong in ["", "1", "0/2", "3/2", "1/0", "a/b", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        assert_eq!("2/3".parse::<Shard>().map(|shard| shard.to_string()), Ok("2/3".into()));
        assert_eq!(Seeds::since(u64::MAX).nth(1, Shard::ALL), None);
    }
}
