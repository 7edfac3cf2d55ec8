//! The pages of a simulated disk. Whole worlds are kept and cloned, so a page that is probably complete is packed.
//!
//! Journals repeat themselves: their batches have equal headers, and records name the same users, sessions and ballots.
//! A packed page is a list of runs. A byte `n` below 128 begins a run of `n + 1` bytes, which follow. A byte `128 + n`
//! stands for a copy of `n + 4` earlier bytes of the page; two bytes follow that say how far back they begin. A copy may
//! overlap its own end.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// Bytes of a page.
pub(super) const PAGE: usize = 4_096;

/// One page: its bytes, or fewer bytes where it is packed. Clones share it until one of them is written.
#[derive(Clone, Debug)]
pub(super) struct DiskPage(Arc<[u8]>);

impl DiskPage {
    /// A page of zeros.
    pub(super) fn blank() -> DiskPage {
        DiskPage(Arc::new([0; PAGE]))
    }

    /// The bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }

    fn is_packed(&self) -> bool {
        self.0.len() < PAGE
    }

    /// The bytes in this range, unless the page is packed.
    pub(super) fn plain(&self, range: Range<usize>) -> Option<&[u8]> {
        (!self.is_packed()).then(|| &self.0[range])
    }

    /// Copies the bytes from `within` on.
    pub(super) fn read(&self, within: usize, into: &mut [u8]) {
        let range = within..within + into.len();
        if self.is_packed() {
            into.copy_from_slice(&unpacked(&self.0)[range]);
        } else {
            into.copy_from_slice(&self.0[range]);
        }
    }

    /// Whether the bytes in this range are zeros.
    pub(super) fn is_blank(&self, range: Range<usize>) -> bool {
        let are_zeros = |bytes: &[u8]| bytes.iter().fold(0, |any, byte| any | byte) == 0;
        if self.is_packed() { are_zeros(&unpacked(&self.0)[range]) } else { are_zeros(&self.0[range]) }
    }

    /// Replaces the bytes from `within` on.
    pub(super) fn write(&mut self, within: usize, bytes: &[u8]) {
        if self.is_packed() {
            self.0 = Arc::new(unpacked(&self.0));
        }
        Arc::make_mut(&mut self.0)[within..within + bytes.len()].copy_from_slice(bytes);
    }

    /// Packs the page if that makes it smaller.
    pub(super) fn pack(&mut self) {
        if let Ok(page) = self.0[..].try_into()
            && let Some(packed) = packed(page)
        {
            self.0 = packed.into();
        }
    }
}

/// The shortest copy; a shorter one takes as many bytes as what it stands for.
const COPY_MIN: usize = 4;
const COPY_MAX: usize = COPY_MIN + 127;
const PLAIN_MAX: usize = 128;
const COPY_BIT: u8 = 0x80;

/// Places of earlier bytes, by a hash of the first four.
const PLACES: usize = 1 << 11;

/// After this many places in a row without a copy, one more place is passed over each time.
const PATIENCE: usize = 32;

/// The packed form of a page; `None` if it is hardly smaller.
fn packed(page: &[u8; PAGE]) -> Option<Vec<u8>> {
    // Each one too many, so that zero is none.
    let mut places = [0u16; PLACES];
    let mut out = Vec::with_capacity(PAGE / 2);
    let (mut at, mut plain, mut misses) = (0, 0, 0);
    while let Some(start) = page[at..].first_chunk::<COPY_MIN>() {
        let place = &mut places[hash(*start)];
        let from = usize::from(*place).checked_sub(1);
        *place = u16::try_from(at + 1).expect("a place in a page");
        let length = from.map_or(0, |from| alike(page, from, at));
        match from.filter(|_| length >= COPY_MIN) {
            Some(from) => {
                put_plain(&mut out, &page[plain..at]);
                out.push(COPY_BIT | u8::try_from(length - COPY_MIN).expect("at most a copy's length"));
                out.extend_from_slice(&u16::try_from(at - from).expect("within a page").to_le_bytes());
                at += length;
                (plain, misses) = (at, 0);
            }
            None => {
                at += 1 + misses / PATIENCE;
                misses += 1;
            }
        }
        if at > PAGE {
            break;
        }
    }
    put_plain(&mut out, &page[plain..]);
    (out.len() < PAGE - PAGE / 8).then_some(out)
}

fn hash(start: [u8; COPY_MIN]) -> usize {
    const SHIFT: u32 = u32::BITS - PLACES.ilog2();
    (u32::from_le_bytes(start).wrapping_mul(0x9e37_79b1) >> SHIFT) as usize
}

/// How many bytes from `from` on equal those from `at` on.
fn alike(page: &[u8; PAGE], from: usize, at: usize) -> usize {
    let end = PAGE.min(at + COPY_MAX);
    let (one, other) = (&page[from..from + (end - at)], &page[at..end]);
    let (ones, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let mut length = 0;
    for (one, other) in ones.iter().zip(others) {
        let differs = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differs != 0 {
            return length + (differs.trailing_zeros() / u8::BITS) as usize;
        }
        length += 8;
    }
    let rest = one[length..].iter().zip(&other[length..]).take_while(|(one, other)| one == other);
    length + rest.count()
}

fn put_plain(out: &mut Vec<u8>, bytes: &[u8]) {
    for run in bytes.chunks(PLAIN_MAX) {
        out.push(u8::try_from(run.len() - 1).expect("at most a run's length"));
        out.extend_from_slice(run);
    }
}

/// The page of a packed form.
fn unpacked(mut packed: &[u8]) -> [u8; PAGE] {
    let mut page = [0; PAGE];
    let mut at = 0;
    while let [control, rest @ ..] = packed {
        let length = usize::from(control & !COPY_BIT);
        if control & COPY_BIT == 0 {
            let (run, rest) = rest.split_at(length + 1);
            page[at..at + run.len()].copy_from_slice(run);
            at += run.len();
            packed = rest;
        } else {
            let (back, rest) = rest.split_first_chunk().expect("a copy says where it begins");
            let (back, mut left) = (usize::from(u16::from_le_bytes(*back)), length + COPY_MIN);
            while left > 0 {
                let length = left.min(back);
                page.copy_within(at - back..at - back + length, at);
                (at, left) = (at + length, left - length);
            }
            packed = rest;
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(page: &[u8; PAGE]) -> usize {
        let mut kept = DiskPage(Arc::new(*page));
        kept.pack();
        let mut read = [1; PAGE];
        kept.read(0, &mut read);
        assert_eq!(read, *page);
        kept.bytes()
    }

    fn any_page() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            (any::<u8>(), 1usize..600).prop_map(|(byte, count)| alloc::vec![byte; count]),
            proptest::collection::vec(any::<u8>(), 1..200),
            proptest::collection::vec(0u8..2, 1..400),
            (0usize..20).prop_map(|count| b"a record of the journal".repeat(count)),
        ];
        proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_packed_page_is_the_page(start in any_page(), at in 0usize..PAGE, bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            let mut page = [0; PAGE];
            let length = start.len().min(PAGE);
            page[..length].copy_from_slice(&start[..length]);
            check(&page);
            let mut kept = DiskPage(Arc::new(page));
            kept.pack();
            let before = kept.clone();
            let end = PAGE.min(at + bytes.len());
            let mut written = page;
            written[at..end].copy_from_slice(&bytes[..end - at]);
            prop_assert_eq!(kept.is_blank(at..end), page[at..end].iter().all(|byte| *byte == 0));
            kept.write(at, &bytes[..end - at]);
            let mut read = [1; PAGE];
            kept.read(0, &mut read);
            prop_assert_eq!(read, written);
            before.read(0, &mut read);
            prop_assert_eq!(read, page, "a clone of it keeps what it was");
        }
    }

    #[test]
    fn what_repeats_takes_little_and_what_does_not_stays_plain() {
        assert!(check(&[0; PAGE]) < 120 && check(&[7; PAGE]) < 120);
        let mut state = 1;
        let mut random = [0; PAGE];
        random.fill_with(|| {
            state = crate::mix::stir(state, [1, 2]);
            state.to_le_bytes()[3]
        });
        assert_eq!(check(&random), PAGE);
        let mut records = [0; PAGE];
        for (number, record) in (0u32..).zip(records.chunks_mut(64)) {
            record[..4].copy_from_slice(&(number * 977).to_le_bytes());
            record[4..].fill(9);
        }
        assert!(check(&records) < PAGE / 4);
    }
}
