//! Small keyed mixing: a pure function from a key and a few words to one uniform word.
//!
//! Fates of datagrams and jitter of sites are drawn with it, so removing one draw changes no other. Each round is a
//! 64×64→128-bit multiply folded to 64 bits, the core of wyhash (Wang Yi, 2019); three rounds pass uniformity tests
//! that two rounds fail. It is not cryptographic. Keys come from ChaCha8, one stream per concern.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const ODD: [u64; 3] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3];

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let (low, high) = a.carrying_mul(b, 0);
    low ^ high
}

/// One uniform word, which depends only on `key` and `words`.
pub fn mix<const N: usize>(key: u64, words: [u64; N]) -> u64 {
    let mut state = key ^ ODD[0];
    let mut at = 0;
    while at < N {
        state = fold(state ^ words[at], ODD[1]).wrapping_add(ODD[2] ^ at as u64);
        at += 1;
    }
    state = fold(state ^ ODD[2], ODD[0] ^ N as u64);
    state = fold(state ^ key, ODD[1]);
    fold(state ^ ODD[0], ODD[2])
}

/// A number below `bound`, made from the uniform word `draw`; 0 when `bound` is 0.
///
/// Multiply-shift (Lemire, 2019) without rejection: the bias is below `bound` / 2^64.
#[inline]
pub const fn below(draw: u64, bound: u64) -> u64 {
    ((draw as u128 * bound as u128) >> 64) as u64
}

/// Folds two words into a running one, with one multiplication.
#[inline]
pub fn stir(state: u64, words: [u64; 2]) -> u64 {
    fold(state ^ words[0], words[1] ^ ODD[1]).wrapping_add(ODD[2])
}

/// Folds bytes into a running word, 16 bytes per multiplication: the basis of fingerprints and of checksums of
/// datagrams. Stable across platforms and builds.
#[inline]
pub fn absorb(state: u64, bytes: &[u8]) -> u64 {
    let mut state = state ^ (bytes.len() as u64).wrapping_mul(ODD[0]);
    let (pairs, rest) = bytes.as_chunks::<16>();
    for pair in pairs {
        let [a, b, c, d, e, f, g, h, rest @ ..] = *pair;
        let low = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        state = fold(low ^ ODD[1], u64::from_le_bytes(rest) ^ state);
    }
    // Both ends of what is left. They may overlap, which loses nothing since the length is in the state.
    let (low, high) = match (rest.first_chunk::<8>(), rest.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
            }
            _ => (rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
        },
    };
    fold(low ^ ODD[2], high ^ state).wrapping_add(ODD[0])
}

/// The source of one party's random choices. Two different seeds have unrelated draws.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The key for one concern of a run: the first word of the ChaCha8 stream `stream`.
    pub fn key(self, stream: u64) -> u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.0);
        rng.set_stream(stream);
        rng.next_u64()
    }

    /// The seed of one part, for instance one incarnation of one process.
    #[must_use]
    pub fn part<const N: usize>(self, words: [u64; N]) -> Seed {
        Seed(mix(self.0, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of mixed neighbouring inputs are spread evenly: a chi-squared test with 255 degrees of freedom, whose
    /// mean is 255 and whose 1-in-10,000 bound is about 346.
    #[test]
    fn mixed_words_are_uniform() {
        for byte in [0, 3, 7] {
            let mut counts = [0u64; 256];
            for n in 0..65_536u64 {
                counts[usize::from(mix(7, [n / 256, n % 256]).to_le_bytes()[byte])] += 1;
            }
            let chi: u64 = counts.iter().map(|&count| (count.abs_diff(256)).pow(2)).sum::<u64>() / 256;
            assert!((150..346).contains(&chi), "chi-squared {chi} of byte {byte}");
        }
    }

    /// Every saved scenario depends on these values: a change here changes every run.
    #[test]
    fn drawn_values_are_pinned() {
        assert_eq!(mix(1, [2, 3]), 0xa48441da93e0224b);
        assert_eq!(Seed(7).key(1), 0xfdfad737a8d7aac7);
        assert_eq!(absorb(0, b"a tweet of more than sixteen bytes"), 3_979_032_326_882_035_906);
        assert_eq!(stir(1, [2, 3]), 4_883_845_269_032_354_157);
        assert_eq!((below(u64::MAX, 10), below(0, 10), below(1 << 63, 10)), (9, 0, 5));
    }
}
