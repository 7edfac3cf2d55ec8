//! How long a copy is under way: a function of the links and of one uniform word, in integers.

use crate::ids::ProcessId;
use crate::mix;
use crate::sim::net::settings::{LinkLatency, NetworkSettings};
use crate::time::Duration;

/// The latency that the uniform word `draw` gives a copy between these two.
#[inline]
pub(crate) fn latency(network: &NetworkSettings, (from, to): (ProcessId, ProcessId), draw: u64) -> Duration {
    match &network.latency {
        LinkLatency::Constant(length) => *length,
        LinkLatency::Uniform(min, max) => uniform(*min, *max, draw),
        latency => under_way(latency, from, to, draw),
    }
}

/// A length between the two, both included.
#[inline]
pub(crate) fn uniform(min: Duration, max: Duration, draw: u64) -> Duration {
    let width = (max - min).as_micros().saturating_add(1);
    min + Duration::from_micros(mix::below(draw, width))
}

/// The latency that the uniform word `draw` gives a datagram.
#[inline(never)]
fn under_way(latency: &LinkLatency, from: ProcessId, to: ProcessId, draw: u64) -> Duration {
    match latency {
        LinkLatency::Constant(length) => *length,
        LinkLatency::Uniform(min, max) => uniform(*min, *max, draw),
        LinkLatency::Exponential { min, mean } => *min + exponential(*mean, draw),
        LinkLatency::Table(rows) => {
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

/// Computed bit by bit: squaring a number doubles its logarithm, and reaching 2 adds one bit to it.
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

/// An exponentially distributed length with this mean, at most ten times the mean. It is computed from minus the
/// logarithm of a uniform number: the whole part is a count of leading zeros, and the fraction comes from a table.
fn exponential(mean: Duration, draw: u64) -> Duration {
    let uniform = draw | 1;
    let zeros = uniform.leading_zeros();
    // The bits after the leading one, as a fraction of 64 steps: 6 bits choose, 32 bits interpolate.
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
