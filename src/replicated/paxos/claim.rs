//! What a site says of the log that it applied, so that others can compare.
//!
//! 1. A digest is a function of what stands in the slots below its end, and of nothing else: no ballot, no site, no
//!    time. Equal logs have equal digests everywhere; different logs have different ones for ever after, but for one
//!    chance in 2^64 a slot.
//! 2. Only what is chosen is applied, and what is chosen stays so whatever a site loses: a claim depends on nothing
//!    that is not synced.
//!
//! It finds accidents, not forgers: whoever may write to the log could search for two entries with one digest.

use core::fmt;

use crate::mix::mix;
use crate::replicated::paxos::ballot::Slot;
use crate::wire::{Reader, Wire, WireError};

/// The digest of everything below a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest one slot on: `slot` holds values whose bytes have this `content`, a running [`absorb`] from 0 over
    /// the encoding of each.
    ///
    /// What users choose is only ever mixed in, never multiplied with what stood there before, so that no content can
    /// make the log before it be forgotten.
    ///
    /// [`absorb`]: crate::mix::absorb
    #[must_use]
    pub fn next(self, slot: Slot, content: u64) -> Digest {
        Digest(mix(self.0, [slot.0, content]))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Wire for Digest {
    fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn size(&self) -> usize {
        size_of::<u64>()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Digest, WireError> {
        let bytes = input.bytes(size_of::<u64>())?;
        Ok(Digest(bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))))
    }
}

/// A site has applied everything below a slot, and this is the digest of that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Claim {
    /// Everything below is applied.
    pub end: Slot,
    /// The digest of that; 0 of nothing.
    pub digest: Digest,
}

wire_struct!(Claim { end, digest });
