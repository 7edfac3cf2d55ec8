//! What becomes of a datagram when no rule says otherwise: a pure function of what it is.
//!
//! Each copy's fate is drawn from a key and the link, kind, subject, time of sending and ordinal among identical
//! ones in that instant, before any rule looks. So no datagram, fault or command that comes or goes changes the
//! fate of another.

use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::mix::{self, Seed};
use crate::process::Subject;
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

/// What the third fold of each concern's draw is made with: the first words of the fractional part of the square
/// roots of the first primes (those of SHA-512), as numbers that nobody chose.
const CONCERNS: [[u64; 2]; 6] = [
    [0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b],
    [0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1],
    [0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f],
    [0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179],
    [0xcbbb_9d5d_c105_9ed8, 0x629a_292a_367c_d507],
    [0x9159_015a_3070_dd17, 0x152f_ecd8_f70e_5939],
];

/// What becomes of one datagram on its way to one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fate {
    pub(crate) is_lost: bool,
    /// How long it is under way.
    pub(crate) delay: Duration,
    /// How long a second copy is under way, if there is one.
    pub(crate) second: Option<Duration>,
    pub(crate) is_held_back: bool,
    /// The part of `delay` that it is held back by.
    pub(crate) held: Duration,
}

/// What a datagram is, as one word: kind and subject of its first message.
pub(crate) fn identity((kind, subject): (&str, Subject)) -> u64 {
    let kind = mix::absorb(0, kind.as_bytes());
    mix::stir(mix::absorb(kind, subject.noun.as_bytes()), [subject.number, 0])
}

/// Draws fates.
#[derive(Clone, Debug)]
pub(crate) struct Fates {
    key: u64,
    /// What times are multiplied by; odd.
    spread: u64,
    now: Instant,
    ordinals: Ordinals,
}

impl Fates {
    pub(crate) fn new(seed: Seed) -> Fates {
        let key = seed.key(STREAM);
        Fates { key, spread: mix::mix(key, [0]) | 1, now: Instant::ZERO, ordinals: Ordinals::new() }
    }

    /// Draws everything from here on from another key, made of this one and `salt`.
    pub(crate) fn rekey(&mut self, salt: u64) {
        self.key = mix::mix(self.key, [salt]);
        self.spread = mix::mix(self.key, [0]) | 1;
    }

    /// The fate of a datagram of this [`identity`] from `from` to `to`, sent `now`.
    #[inline]
    pub(crate) fn draw(
        &mut self,
        network: &NetworkSettings,
        now: Instant,
        identity: u64,
        (from, to): (ProcessId, ProcessId),
    ) -> Fate {
        let link = u64::from(from.number()) << 32 | u64::from(to.number());
        if self.now != now {
            self.ordinals.forget();
            self.now = now;
        }
        let at = now.as_micros().wrapping_mul(self.spread);
        let on_link = mix::stir(self.key ^ at, [identity, link]);
        let own = mix::stir(on_link, [self.ordinals.next(on_link), self.key]);
        let draw = |concern: Concern| mix::stir(own, CONCERNS[concern as usize]);
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
        let latency = |concern| match &network.latency {
            Latency::Constant(length) => *length,
            Latency::Uniform(min, max) => uniform(*min, *max, draw(concern)),
            latency => under_way(latency, from, to, draw(concern)),
        };
        Fate {
            is_lost: happens(network.loss, Concern::Loss),
            delay: latency(Concern::Delay) + held,
            second: happens(network.duplication, Concern::Duplication).then(|| latency(Concern::SecondDelay)),
            is_held_back,
            held,
        }
    }
}

/// Counts what is identical within one moment: a table with open addresses, whose entries of other moments are free.
#[derive(Clone, Debug)]
struct Ordinals {
    /// A power of two long, and at most half full.
    table: Vec<Counted>,
    moment: u64,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    what: u64,
    moment: u64,
    count: u64,
}

impl Ordinals {
    fn new() -> Ordinals {
        Ordinals { table: alloc::vec![Counted { what: 0, moment: 0, count: 0 }; 32], moment: 1, used: 0 }
    }

    /// Another moment has come.
    fn forget(&mut self) {
        self.moment += 1;
        self.used = 0;
    }

    /// How often `what` was asked for in this moment before.
    #[inline]
    fn next(&mut self, what: u64) -> u64 {
        if self.used >= self.table.len() / 2 {
            self.grow();
        }
        let moment = self.moment;
        let entry = self.entry(what);
        if entry.moment == moment {
            entry.count += 1;
            return entry.count;
        }
        *entry = Counted { what, moment, count: 0 };
        self.used += 1;
        0
    }

    #[cold]
    fn grow(&mut self) {
        {
            let length = self.table.len() * 2;
            let old = core::mem::take(&mut self.table);
            self.table.resize(length, Counted { what: 0, moment: 0, count: 0 });
            let moment = self.moment;
            for counted in old.into_iter().filter(|counted| counted.moment == moment) {
                *self.entry(counted.what) = counted;
            }
        }
    }

    /// The entry of `what`, or the free one where it belongs.
    fn entry(&mut self, what: u64) -> &mut Counted {
        let mask = self.table.len() - 1;
        let mut place = usize::try_from(what & mask as u64).expect("below the length of a list");
        while self.table[place].moment == self.moment && self.table[place].what != what {
            place = (place + 1) & mask;
        }
        &mut self.table[place]
    }
}

fn uniform(min: Duration, max: Duration, draw: u64) -> Duration {
    let width = (max - min).as_micros().saturating_add(1);
    min + Duration::from_micros(mix::below(draw, width))
}

/// How long the uniform word `draw` makes a datagram take.
fn under_way(latency: &Latency, from: ProcessId, to: ProcessId, draw: u64) -> Duration {
    match latency {
        Latency::Constant(length) => *length,
        Latency::Uniform(min, max) => uniform(*min, *max, draw),
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

    /// As `mixed_words_are_uniform`: the mean is 255 and the 1-in-10,000 bound about 346.
    #[test]
    fn delays_of_neighbouring_moments_slots_and_links_are_uniform_and_unrelated() {
        let network = NetworkSettings {
            latency: Latency::Uniform(Duration::ZERO, Duration::from_micros(255)),
            loss: Chance { numerator: 1, denominator: 2 },
            duplication: Chance::NEVER,
            reordering: Chance::NEVER,
            reordering_by: Duration::ZERO,
        };
        let check = |what: &str, ways: &dyn Fn(u64) -> (u64, Subject, ProcessId)| {
            let mut fates = Fates::new(Seed(3));
            let (mut counts, mut pairs, mut lost_by_delay) = ([0u64; 256], [0u64; 256], [0u64; 256]);
            let mut last = 0;
            for n in 0..65_536 {
                let (at, subject, to) = ways(n);
                let ends = (ProcessId::site(0), to);
                let fate =
                    fates.draw(&network, Instant::from_micros(at), identity(("Accept", subject)), ends);
                let delay = usize::try_from(fate.delay.as_micros()).unwrap();
                counts[delay] += 1;
                lost_by_delay[delay] += u64::from(fate.is_lost);
                pairs[(delay % 16) * 16 + last % 16] += 1;
                last = delay;
            }
            // Half of them are lost: twice that has the mean of all of them, and twice the spread.
            let twice = lost_by_delay.map(|lost| lost * 2);
            let lost = lost_by_delay.iter().sum::<u64>();
            for (of, counts) in [("delays", counts), ("pairs", pairs), ("losses", twice)] {
                let chi: u64 = counts.iter().map(|&count| (count.abs_diff(256)).pow(2)).sum::<u64>() / 256;
                let bounds = if of == "losses" { 300..692 } else { 150..346 };
                assert!(bounds.contains(&chi), "chi-squared {chi} of {of} by {what}");
            }
            assert!((32_256..33_280).contains(&lost), "{lost} of 65536 lost by {what}");
        };
        let to = ProcessId::site(1);
        check("moment", &|n| (n, Subject::slot(1), to));
        check("slot", &|n| (5, Subject::slot(n), to));
        check("ordinal", &|_| (5, Subject::slot(1), to));
        check("link", &|n| {
            (n / 50_000, Subject::NONE, ProcessId::Client(u16::try_from(n % 50_000).unwrap()))
        });
    }

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

    #[test]
    fn logarithms_of_the_table() {
        assert_eq!((LOG2[0], LOG2[STEPS]), (0, 1 << 32));
        assert_eq!(LOG2[32], 2_512_394_809, "log2 of 1.5");
    }
}
