//! A cache of decoded values: a record that several sites hold is decoded once.
//!
//! Its [shared parts](SharedValues) are those of the datagrams that carried them.
//!
//! Decoding is a function of the bytes, so a cached value equals a fresh one. The two differ only in shared memory,
//! which is safe because nobody changes the values. A clone starts empty.

use alloc::vec::Vec;

use crate::mix;
use crate::wire::{SharedValues, Wire, WireError};

/// The most values in the cache.
const SLOTS: usize = 256;

/// In bytes. Shorter values decode faster than a lookup takes.
const BYTES_MIN: usize = 24;

/// In bytes. Longer values would take too much memory.
const BYTES_MAX: usize = 16 << 10;

/// Decoded values by their bytes.
#[derive(Debug)]
pub(crate) struct DecodeCache<T> {
    /// Indexed by a hash of the bytes.
    slots: Vec<Option<(Vec<u8>, T)>>,
}

impl<T> Default for DecodeCache<T> {
    fn default() -> DecodeCache<T> {
        DecodeCache { slots: Vec::new() }
    }
}

impl<T> Clone for DecodeCache<T> {
    fn clone(&self) -> DecodeCache<T> {
        DecodeCache::default()
    }
}

impl<T: Wire> DecodeCache<T> {
    /// Decodes `bytes`, or returns the cached value.
    pub(crate) fn decode(&mut self, bytes: &[u8], shared: &mut SharedValues) -> Result<T, WireError> {
        if !(BYTES_MIN..=BYTES_MAX).contains(&bytes.len()) {
            return shared.decode(bytes);
        }
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        let place = mix::absorb(0, bytes) % SLOTS as u64;
        let slot = &mut self.slots[usize::try_from(place).expect("below the number of slots")];
        if let Some((_, value)) = slot.as_ref().filter(|(known, _)| known == bytes) {
            return Ok(value.clone());
        }
        let value = shared.decode::<T>(bytes)?;
        let mut known = slot.take().map_or_else(Vec::new, |(known, _)| known);
        known.clear();
        known.extend_from_slice(bytes);
        *slot = Some((known, value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;

    #[derive(Clone, PartialEq, Debug)]
    struct Texts(Vec<u64>);

    impl Wire for Texts {
        fn encode(&self, out: &mut Vec<u8>) {
            crate::wire::put_list(out, &self.0);
        }

        fn decode(input: &mut crate::wire::Reader<'_>) -> Result<Texts, WireError> {
            input.list(1_000).map(Texts)
        }
    }

    #[test]
    fn what_is_remembered_is_what_would_be_decoded() {
        let (mut memo, mut shared) = (DecodeCache::<Arc<Texts>>::default(), SharedValues::default());
        for round in 0..3 {
            for number in 0..2_000u64 {
                let value = Arc::new(Texts((0..number % 50).map(|item| item * number).collect()));
                let bytes = value.to_bytes();
                assert_eq!(
                    memo.decode(&bytes, &mut shared).as_ref(),
                    Ok(&value),
                    "{number} in round {round}"
                );
                let cut = bytes.len() - 1;
                assert_eq!(memo.decode(&bytes[..cut], &mut shared), Arc::<Texts>::from_bytes(&bytes[..cut]));
            }
        }
        let bytes = Arc::new(Texts((0..40).collect())).to_bytes();
        let (one, other) =
            (memo.decode(&bytes, &mut shared).unwrap(), memo.decode(&bytes, &mut shared).unwrap());
        assert!(Arc::ptr_eq(&one, &other), "the second is remembered");
        assert!(
            !Arc::ptr_eq(&one, &memo.clone().decode(&bytes, &mut shared).unwrap()),
            "a clone starts anew"
        );
    }
}
