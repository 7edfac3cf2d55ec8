//! What becomes of a datagram when no rule says otherwise: a pure function of what it is.
//!
//! Each copy's fate is drawn from a key and the link, kind, subject, time of sending and ordinal among identical
//! ones in that instant, before any rule looks. So no datagram, fault or command that comes or goes changes the
//! fate of another.

use alloc::collections::BTreeMap;

use crate::frame::Datagram;
use crate::ids::ProcessId;
use crate::mix::{self, Seed};
use crate::sim::network::{Chance, Latency, NetworkSettings};
use crate::time::{Duration, Instant};

/// The ChaCha8 stream that the key of all fates comes from.
const STREAM: u64 = 1;

/// One word a concern, so that a chance that is 0 in one run and not in another moves no other draw.
#[derive(Clone, Copy)]
enum Concern {
    Delay,
    Loss,
    Duplication,
    SecondDelay,
    Reordering,
    HeldBack,
}

/// What becomes of one datagram on its way to one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fate {
    pub(crate) is_lost: bool,
    /// How long it is under way.
    pub(crate) delay: Duration,
    /// How long a second copy is under way, if there is one.
    pub(crate) second: Option<Duration>,
    pub(crate) is_held_back: bool,
}

/// Draws fates.
#[derive(Clone, Debug)]
pub(crate) struct Fates {
    key: u64,
    /// How many of each identity were sent at `now`.
    ordinals: BTreeMap<[u64; 3], u64>,
    now: Instant,
}

impl Fates {
    pub(crate) fn new(seed: Seed) -> Fates {
        Fates { key: seed.key(STREAM), ordinals: BTreeMap::new(), now: Instant::ZERO }
    }

    /// The fate of `datagram` on its way to `to`, sent `now`.
    pub(crate) fn draw(
        &mut self,
        network: &NetworkSettings,
        now: Instant,
        datagram: &Datagram,
        to: ProcessId,
    ) -> Fate {
        let (kind, subject) = datagram.labels.first().expect("a datagram has a message");
        let link = u64::from(datagram.from.number()) << 32 | u64::from(to.number());
        let kind = mix::absorb(0, kind.as_bytes());
        let subject = mix::absorb(subject.number, subject.noun.as_bytes());
        if self.now != now {
            self.ordinals.clear();
            self.now = now;
        }
        let ordinal = self.ordinals.entry([link, kind, subject]).or_insert(0);
        let own = mix::mix(self.key, [link, kind, subject, now.as_micros(), *ordinal]);
        *ordinal += 1;
        let draw = |concern: Concern| mix::mix(own, [concern as u64]);
        let happens = |chance: Chance, concern| {
            chance.numerator > 0
                && mix::below(draw(concern), chance.denominator.into()) < chance.numerator.into()
        };
        let is_held_back = happens(network.reordering, Concern::Reordering);
        let held = if is_held_back {
            let most = network.reordering_by.as_micros().saturating_add(1);
            Duration::from_micros(mix::below(draw(Concern::HeldBack), most))
        } else {
            Duration::ZERO
        };
        let latency = |concern| under_way(&network.latency, datagram.from, to, draw(concern));
        Fate {
            is_lost: happens(network.loss, Concern::Loss),
            delay: latency(Concern::Delay) + held,
            second: happens(network.duplication, Concern::Duplication).then(|| latency(Concern::SecondDelay)),
            is_held_back,
        }
    }
}

/// How long the uniform word `draw` makes a datagram take.
fn under_way(latency: &Latency, from: ProcessId, to: ProcessId, draw: u64) -> Duration {
    match latency {
        Latency::Constant(length) => *length,
        Latency::Uniform(min, max) => {
            let width = (*max - *min).as_micros().saturating_add(1);
            *min + Duration::from_micros(mix::below(draw, width))
        }
        Latency::Exponential { min, mean } => *min + exponential(*mean, draw),
        Latency::Table(rows) => {
            let site = |process: ProcessId| process.as_site().map(|site| site.index());
            match (site(from), site(to)) {
                (Some(from), Some(to)) => {
                    under_way(&rows[from][to], ProcessId::site(0), ProcessId::site(0), draw)
                }
                (Some(near), None) | (None, Some(near)) => {
                    let others = rows[near].iter().enumerate().filter(|(other, _)| *other != near);
                    let lengths = others.map(|(_, latency)| under_way(latency, from, to, draw));
                    lengths.max().unwrap_or(Duration::ZERO)
                }
                (None, None) => Duration::ZERO,
            }
        }
    }
}

const STEPS: usize = 64;

/// `log2(1 + i / 64)` in units of 2^-32.
const LOG2: [u64; STEPS + 1] = log2_table();

/// The natural logarithm of 2 in units of 2^-32.
const LN_2: u64 = 2_977_044_472;

/// Bit by bit: squaring a number doubles its logarithm, and reaching 2 is one more bit of it.
const fn log2_table() -> [u64; STEPS + 1] {
    let mut table = [0; STEPS + 1];
    let mut at = 0;
    while at <= STEPS {
        // In units of 2^-62, from 1 to 2.
        let mut x = (1u128 << 62) + ((at as u128) << 62) / STEPS as u128;
        let mut log = 0;
        if at == STEPS {
            log = 1 << 32;
        } else {
            let mut bit = 1u64 << 31;
            while bit > 0 {
                x = (x * x) >> 62;
                if x >= 2 << 62 {
                    x >>= 1;
                    log |= bit;
                }
                bit >>= 1;
            }
        }
        table[at] = log;
        at += 1;
    }
    table
}

/// An exponentially distributed length of this mean, at most ten times the mean: minus the logarithm of a
/// uniform number, whose whole part is a count of leading zeros and whose fraction comes from a table.
fn exponential(mean: Duration, draw: u64) -> Duration {
    let uniform = draw | 1;
    let zeros = uniform.leading_zeros();
    // The bits behind the leading one, as a fraction of 64 steps: 6 bits choose, 32 bits interpolate.
    let fraction = uniform.checked_shl(zeros + 1).unwrap_or(0);
    let step = usize::try_from(fraction >> 58).expect("6 bits");
    let within = fraction << 6 >> 32;
    let log2 = LOG2[step] + (((LOG2[step + 1] - LOG2[step]) * within) >> 32);
    // -log2 of uniform / 2^64, in units of 2^-32.
    let bits = (u64::from(zeros + 1) << 32) - log2;
    let times = (u128::from(bits) * u128::from(LN_2)) >> 32;
    let micros = (u128::from(mean.as_micros()) * times) >> 32;
    let longest = mean.times(10);
    u64::try_from(micros).map_or(longest, |micros| Duration::from_micros(micros).min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_table_has_its_mean_its_median_and_its_end() {
        let mean = Duration::from_millis(10);
        let draws = 100_000u64;
        let lengths: alloc::vec::Vec<u64> =
            (0..draws).map(|n| exponential(mean, mix::mix(5, [n])).as_micros()).collect();
        let average = lengths.iter().sum::<u64>() / draws;
        assert!((9_900..10_100).contains(&average), "the mean of {draws} draws is {average} us");
        let below_median = lengths.iter().filter(|length| **length < 6_931).count();
        assert!((49_300..50_700).contains(&below_median), "{below_median} of {draws} are below the median");
        assert_eq!(exponential(mean, 0), mean.times(10));
        assert_eq!(exponential(mean, u64::MAX), Duration::ZERO);
        let descends = |n: u64| exponential(mean, n << 48) >= exponential(mean, (n + 1) << 48);
        assert!((0..65_535).all(descends), "more uniform means less waiting");
    }

    #[test]
    fn logarithms_of_the_table() {
        assert_eq!((LOG2[0], LOG2[STEPS]), (0, 1 << 32));
        assert_eq!(LOG2[32], 2_512_394_809, "log2 of 1.5");
    }
}
