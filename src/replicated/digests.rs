//! The digests of the slots that a site applied last.
//!
//! 1. Digests are folded where events are applied, from what is applied: those of a site that left an event out show
//!    it.
//! 2. [`DIGESTS_MAX`] of them are kept, in memory alone; a restart folds them again. Older ones are not compared.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::mix::absorb;
use crate::replicated::machine::Machine;
use crate::replicated::paxos::{Claim, Digest, Slot};
use crate::replicated::submission::Submission;
use crate::wire::Wire;

/// The number of slots whose digests a site keeps. A leader reports its progress with each heartbeat, and a comparison
/// is answered within a round trip. This is what a cluster applies meanwhile, with room to spare.
pub const DIGESTS_MAX: usize = 1_024;

/// The digests below the last slots that were applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Digests {
    /// The digests in order, that of `end` last; at least one.
    past: VecDeque<Digest>,
    end: Slot,
    /// The content of the slot below `end`, as far as it is applied.
    content: u64,
    /// Empty between calls.
    bytes: Vec<u8>,
}

impl Digests {
    /// The digests of an empty log that begins at `first`.
    pub(super) fn beginning_at(first: Slot) -> Digests {
        let past = VecDeque::from([Digest::default()]);
        Digests { past, end: first, content: 0, bytes: Vec::new() }
    }

    /// Begins the next slot, which holds nothing so far.
    pub(super) fn begin(&mut self) {
        if self.past.len() == DIGESTS_MAX {
            self.past.pop_front();
        }
        let before = self.past.back().copied().unwrap_or_default();
        self.content = 0;
        self.past.push_back(before.next(self.end, self.content));
        self.end = self.end.next();
    }

    /// Absorbs the next submission of the slot that was begun.
    pub(super) fn absorb<M: Machine>(&mut self, submission: &Submission<M>) {
        submission.encode(&mut self.bytes);
        self.content = absorb(self.content, &self.bytes);
        self.bytes.clear();
    }

    /// Ends the slot that was begun: all of it is applied.
    pub(super) fn finish(&mut self) {
        let Some(slot) = self.end.0.checked_sub(1).map(Slot) else { return };
        let before = self.past.len().checked_sub(2).and_then(|place| self.past.get(place));
        let digest = before.copied().unwrap_or_default().next(slot, self.content);
        if let Some(last) = self.past.back_mut() {
            *last = digest;
        }
    }

    /// The claim of what is applied.
    pub(super) fn claim(&self) -> Claim {
        Claim { end: self.end, digest: self.past.back().copied().unwrap_or_default() }
    }

    /// The digest of everything below `end`, if it is applied and recent enough.
    pub(super) fn at(&self, end: Slot) -> Option<Digest> {
        let ago = usize::try_from(self.end.0.checked_sub(end.0)?).ok()?;
        let place = self.past.len().checked_sub(ago + 1)?;
        self.past.get(place).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.past.len()
    }
}

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests {
    use super::*;
    use crate::ids::{ProcessId, SiteId};
    use crate::replicated::submission::Number;
    use crate::tweets::site::{Request, Submission};

    fn submission(count: u64) -> Submission {
        let request = Request::Open { client: ProcessId::Client(1), nonce: count };
        let number = Number { incarnation: 1, count };
        Submission { origin: SiteId::new(0).unwrap(), number, after: Number::default(), request }
    }

    fn fold(slots: &[&[u64]]) -> Digests {
        let mut digests = Digests::beginning_at(Slot(0));
        for slot in slots {
            digests.begin();
            slot.iter().for_each(|count| digests.absorb(&submission(*count)));
            digests.finish();
        }
        digests
    }

    #[test]
    fn a_digest_says_what_stands_where() {
        let of = |slots: &[&[u64]]| fold(slots).claim();
        assert_eq!(of(&[]), Claim::default());
        let all: [&[&[u64]]; 9] = [
            &[&[1], &[2]],
            &[&[2], &[1]],
            &[&[1, 2]],
            &[&[2, 1]],
            &[&[], &[1, 2]],
            &[&[1, 2], &[]],
            &[&[1], &[]],
            &[&[], &[1]],
            &[&[1], &[2], &[]],
        ];
        for (place, slots) in all.iter().enumerate() {
            assert_eq!(of(slots), of(slots));
            for other in &all[..place] {
                assert_ne!(of(slots).digest, of(other).digest, "{slots:?} {other:?}");
            }
        }
        // Sites exchange these digests: a change here needs a cluster that is stopped as a whole.
        assert_eq!(of(&[&[1], &[2]]).digest, Digest(14_357_053_126_483_444_622));
    }

    #[test]
    fn what_differed_once_differs_for_ever() {
        let (mut one, mut other) = (fold(&[&[1]]), fold(&[&[2]]));
        for count in 0..10_000 {
            for digests in [&mut one, &mut other] {
                digests.begin();
                digests.absorb(&submission(count));
                digests.finish();
            }
            assert_ne!(one.claim().digest, other.claim().digest);
        }
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let (mut digests, mut all) = (Digests::beginning_at(Slot(0)), Vec::from([Digest::default()]));
        for count in 0..3_000 {
            digests.begin();
            digests.absorb(&submission(count));
            digests.finish();
            all.push(digests.claim().digest);
            assert_eq!(digests.len(), all.len().min(DIGESTS_MAX));
        }
        let first = 3_001 - DIGESTS_MAX as u64;
        for end in 0..3_001 {
            let kept = (end >= first).then(|| all[usize::try_from(end).unwrap()]);
            assert_eq!(digests.at(Slot(end)), kept, "{end}");
        }
        assert_eq!((digests.at(Slot(3_001)), digests.at(Slot(u64::MAX))), (None, None));
    }
}
