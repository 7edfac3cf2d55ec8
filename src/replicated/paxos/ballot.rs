//! Ballots, slots, quorums, and what a slot holds.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{SITES_MAX, SiteId, SiteSet};
use crate::wire::{Reader, Wire, WireError, put_u64, u64_size};

/// A proposal number. Ordered by round, then by site, so no two sites ever share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Ballot {
    /// Counts the attempts to lead; 0 belongs to no site and is below every real ballot.
    pub round: u64,
    /// The site that proposes under it.
    pub site: SiteId,
}

impl Ballot {
    /// Below every ballot that any site leads under.
    pub const ZERO: Ballot = Ballot { round: 0, site: SiteId::new(0).expect("site 0 exists") };

    /// The most bytes of an encoded ballot.
    pub const BYTES_MAX: usize = u64_size(COUNT_MAX - 1) + 1;

    /// This ballot as one number that keeps the order.
    pub fn rank(self) -> u64 {
        self.round * u64::from(SITES_MAX) + u64::from(self.site.number())
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.round, self.site.number())
    }
}

impl Wire for Ballot {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.round);
        self.site.encode(out);
    }

    fn size(&self) -> usize {
        self.round.size() + self.site.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Ballot, WireError> {
        let round = below_max(input.u64()?, "round of a ballot")?;
        Ok(Ballot { round, site: SiteId::decode(input)? })
    }
}

/// Decoding refuses rounds and slots from here on. Sites refuse much nearer ones that are out of reach, so that no
/// count ever comes near.
pub(super) const COUNT_MAX: u64 = 1 << 56;

fn below_max(count: u64, what: &'static str) -> Result<u64, WireError> {
    if count < COUNT_MAX { Ok(count) } else { Err(WireError::Invalid(what)) }
}

/// A position in the log, from 0. As a watermark it is exclusive: everything below it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Slot(pub u64);

impl Slot {
    /// Bytes of the largest slot that is read.
    pub const BYTES_MAX: usize = u64_size(COUNT_MAX - 1);

    /// The slot after this one.
    #[must_use]
    pub const fn next(self) -> Slot {
        Slot(self.0 + 1)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Wire for Slot {
    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.0);
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Slot, WireError> {
        below_max(input.u64()?, "slot").map(Slot)
    }
}

/// The content of a slot: values, applied in this order. Log, message and record share it.
///
/// Without values it is a no-op, which closes a slot for which a prepare quorum reported no accept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<V>(Values<V>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Values<V> {
    /// Most slots hold one value, which is shared by itself.
    One(V),
    /// None, or two or more.
    Many(Arc<[V]>),
}

impl<V> Entry<V> {
    /// The entry that does nothing.
    pub fn noop() -> Entry<V> {
        Entry(Values::Many(Arc::default()))
    }

    /// The entry of these values; a no-op if there are none.
    pub fn of(values: impl Into<Vec<V>>) -> Entry<V> {
        let mut values = values.into();
        match values.pop() {
            Some(value) if values.is_empty() => Entry(Values::One(value)),
            last => {
                values.extend(last);
                Entry(Values::Many(values.into()))
            }
        }
    }

    /// The values, none for a no-op.
    pub fn values(&self) -> &[V] {
        match &self.0 {
            Values::One(value) => core::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }

    /// Whether it does nothing.
    pub fn is_noop(&self) -> bool {
        self.values().is_empty()
    }

    /// The same entry with other values.
    pub(super) fn map<W>(&self, value: impl FnMut(&V) -> W) -> Entry<W> {
        Entry::of(self.values().iter().map(value).collect::<Vec<W>>())
    }
}

/// The most values in one slot, whatever is configured.
pub const ENTRY_VALUES_MAX: usize = 256;

impl<V: Wire> Wire for Entry<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        crate::wire::put_list(out, self.values());
    }

    fn size(&self) -> usize {
        crate::wire::list_size(self.values())
    }

    fn decode(input: &mut Reader<'_>) -> Result<Entry<V>, WireError> {
        match input.length(ENTRY_VALUES_MAX)? {
            1 => V::decode(input).map(|value| Entry(Values::One(value))),
            count => {
                let values: Vec<V> = (0..count).map(|_| V::decode(input)).collect::<Result<_, _>>()?;
                Ok(Entry(Values::Many(values.into())))
            }
        }
    }
}

/// The quorums of a cluster. Any prepare quorum shares a site with any accept quorum of the same slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quorum {
    sites: u8,
}

impl Quorum {
    /// The quorums of a cluster of `sites` sites at `slot`. Every slot has the same until membership can change.
    pub const fn at(sites: u8, _slot: Slot) -> Quorum {
        Quorum { sites }
    }

    /// The sites whose promises and accepts count.
    pub const fn sites(self) -> SiteSet {
        SiteSet::first(self.sites)
    }

    /// Promises of this many sites let a ballot propose: `n/2 + 1`.
    pub const fn prepare(self) -> usize {
        self.sites as usize / 2 + 1
    }

    /// Accepts of this many sites choose: `n/2 + 1`, which for even sizes is one more than it takes to meet every
    /// prepare quorum.
    pub const fn accept(self) -> usize {
        self.sites as usize / 2 + 1
    }

    /// Whether `sites` can let a ballot propose.
    pub const fn is_prepared(self, sites: SiteSet) -> bool {
        sites.len() >= self.prepare()
    }

    /// Whether `sites` can choose.
    pub const fn is_chosen(self, sites: SiteSet) -> bool {
        sites.len() >= self.accept()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exhaustive for every size up to nine: any two quorums that must meet do.
    #[test]
    fn every_prepare_quorum_meets_every_accept_quorum() {
        for sites in 1..=SITES_MAX {
            let quorum = Quorum::at(sites, Slot(0));
            assert!(quorum.prepare() + quorum.accept() > usize::from(sites), "{sites} sites");
            let sets = (0u16..1 << sites).map(|bits| SiteSet::from_bytes(&bits.to_le_bytes()).unwrap());
            let (prepared, chosen): (Vec<_>, Vec<_>) = (
                sets.clone().filter(|s| quorum.is_prepared(*s)).collect(),
                sets.filter(|s| quorum.is_chosen(*s)).collect(),
            );
            for p in &prepared {
                assert!(chosen.iter().all(|c| p.iter().any(|site| c.contains(site))), "{sites} sites: {p}");
            }
        }
    }

    #[test]
    fn ballots_order_by_round_then_site() {
        let ballot = |round, site| Ballot { round, site: SiteId::new(site).unwrap() };
        let ascending = [Ballot::ZERO, ballot(1, 0), ballot(1, 8), ballot(2, 0)];
        assert!(ascending.is_sorted_by(|a, b| a < b && a.rank() < b.rank()));
    }
}
