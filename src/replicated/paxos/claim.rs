//! A site's claim of the log that it has applied, for other sites to compare.
//!
//! 1. A digest is a function of the contents of the slots below its end, and of nothing else: no ballot, no site, no
//!    time. Equal logs have equal digests everywhere. Different logs have different digests for ever after, except for
//!    one chance in 2^64 per slot.
//! 2. Only what is chosen is applied, and it stays chosen whatever a site loses: a claim depends on nothing unsynced.
//!
//! A digest finds accidents, not forgers: anybody who may write to the log could search for two entries with one
//! digest.

use core::fmt;

use crate::mix::mix;
use crate::replicated::paxos::ballot::Slot;
use crate::wire::{Reader, Wire, WireError};

/// The digest of everything below a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Digest(pub u64);

impl Digest {
    /// The digest one slot further on. `content` is a running [`absorb`], from 0, over the encoding of each value in
    /// `slot`.
    ///
    /// What users choose is only ever mixed in, and never multiplied with what stood there before, so that no content
    /// can make the digest forget the log before it.
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
    /// The digest of that; 0 if nothing is applied.
    pub digest: Digest,
}

wire_struct!(Claim { end, digest });
