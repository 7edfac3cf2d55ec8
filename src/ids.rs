//! Identities: sites, terminals, clients, and sets of sites.

use core::fmt;

use crate::wire::{Reader, Wire, WireError};

/// The most sites that one cluster may have.
pub const SITES_MAX: u8 = 9;

/// One member that runs the protocol, numbered from 0; always below [`SITES_MAX`].
// As wide as the number of a client, so that every `ProcessId` has its number in the same place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u8", into = "u8")
)]
pub struct SiteId(u16);

impl SiteId {
    /// The site with this number, or `None` from [`SITES_MAX`] on.
    pub const fn new(number: u8) -> Option<SiteId> {
        if number < SITES_MAX { Some(SiteId(number as u16)) } else { None }
    }

    /// Its number, from 0.
    #[expect(clippy::cast_possible_truncation, reason = "it is below `SITES_MAX`")]
    pub const fn number(self) -> u8 {
        self.0 as u8
    }

    /// Its place in an array by site.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<u8> for SiteId {
    type Error = WireError;

    fn try_from(number: u8) -> Result<SiteId, WireError> {
        SiteId::new(number).ok_or(WireError::Invalid("site number"))
    }
}

impl From<SiteId> for u8 {
    fn from(site: SiteId) -> u8 {
        site.number()
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}", self.0)
    }
}

impl Wire for SiteId {
    fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        out.push(self.number());
    }

    fn size(&self) -> usize {
        1
    }

    fn decode(input: &mut Reader<'_>) -> Result<SiteId, WireError> {
        SiteId::new(input.u8()?).ok_or(WireError::Invalid("site number"))
    }
}

/// Anything that sends and receives datagrams.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ProcessId {
    /// A member of the cluster.
    Site(SiteId),
    /// The client inside the program of this site; its datagrams to that site never cross a network.
    Terminal(SiteId),
    /// A client on a machine of its own.
    Client(u16),
}

impl ProcessId {
    /// The site with this number.
    ///
    /// # Panics When the number is [`SITES_MAX`] or more.
    pub const fn site(number: u8) -> ProcessId {
        ProcessId::Site(SiteId::new(number).expect("a site number below SITES_MAX"))
    }

    /// The site that this process is, if it is one.
    pub const fn as_site(self) -> Option<SiteId> {
        match self {
            ProcessId::Site(site) => Some(site),
            ProcessId::Terminal(_) | ProcessId::Client(_) => None,
        }
    }

    /// Whether the two processes share a program, so that no network lies between them.
    #[inline]
    pub fn shares_program_with(self, other: ProcessId) -> bool {
        let is_client = |process| matches!(process, ProcessId::Client(_));
        // Their numbers differ most often.
        self.parts().1 == other.parts().1 && is_client(self) == is_client(other)
    }

    /// The process that its program is called after: the site of a terminal, any other process itself.
    pub(crate) const fn program(self) -> ProcessId {
        match self {
            ProcessId::Terminal(site) => ProcessId::Site(site),
            ProcessId::Site(_) | ProcessId::Client(_) => self,
        }
    }

    /// A number that differs for every process; keys and hashes are made from it.
    #[inline]
    pub const fn number(self) -> u32 {
        let (kind, number) = self.parts();
        kind << 16 | number as u32
    }

    /// Its kind, and its number among its kind.
    const fn parts(self) -> (u32, u16) {
        match self {
            ProcessId::Site(site) => (0, site.0),
            ProcessId::Terminal(site) => (1, site.0),
            ProcessId::Client(number) => (2, number),
        }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessId::Site(site) => write!(f, "{site}"),
            ProcessId::Terminal(site) => write!(f, "T{}", site.0),
            ProcessId::Client(number) => write!(f, "C{number}"),
        }
    }
}

impl From<SiteId> for ProcessId {
    fn from(site: SiteId) -> ProcessId {
        ProcessId::Site(site)
    }
}

impl Wire for ProcessId {
    fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        let number = self.number().to_le_bytes();
        out.extend_from_slice(&number[..3]);
    }

    fn size(&self) -> usize {
        3
    }

    fn decode(input: &mut Reader<'_>) -> Result<ProcessId, WireError> {
        ProcessId::from_wire(input.array()?)
    }
}

impl ProcessId {
    /// The size of a process in messages and records, in bytes.
    pub(crate) const BYTES: usize = 3;

    #[inline]
    pub(crate) fn from_wire([low, high, kind]: [u8; Self::BYTES]) -> Result<ProcessId, WireError> {
        let number = u16::from_le_bytes([low, high]);
        let site = || {
            let number = u8::try_from(number).map_err(|_| WireError::Invalid("site number"))?;
            SiteId::new(number).ok_or(WireError::Invalid("site number"))
        };
        match kind {
            0 => Ok(ProcessId::Site(site()?)),
            1 => Ok(ProcessId::Terminal(site()?)),
            2 => Ok(ProcessId::Client(number)),
            _ => Err(WireError::Invalid("kind of process")),
        }
    }
}

/// A set of sites, iterated in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u16", into = "u16")
)]
pub struct SiteSet(u16);

impl TryFrom<u16> for SiteSet {
    type Error = WireError;

    fn try_from(bits: u16) -> Result<SiteSet, WireError> {
        SiteSet::from_bits(bits).ok_or(WireError::Invalid("set of sites"))
    }
}

impl From<SiteSet> for u16 {
    fn from(sites: SiteSet) -> u16 {
        sites.bits()
    }
}

impl SiteSet {
    /// The empty set.
    pub const EMPTY: SiteSet = SiteSet(0);

    /// The first `count` sites.
    ///
    /// # Panics
    /// When `count` exceeds [`SITES_MAX`].
    pub const fn first(count: u8) -> SiteSet {
        assert!(count <= SITES_MAX, "more sites than SITES_MAX");
        SiteSet((1 << count) - 1)
    }

    /// The set with one bit per site, from the lowest on; `None` if a bit stands for no site.
    pub const fn from_bits(bits: u16) -> Option<SiteSet> {
        if bits >> SITES_MAX == 0 { Some(SiteSet(bits)) } else { None }
    }

    /// One bit per site, from the lowest on.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The number of sites.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The size of a majority, which is more than half: any two majorities share a site.
    pub const fn majority(self) -> usize {
        self.len() / 2 + 1
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the set contains `site`.
    pub const fn contains(self, site: SiteId) -> bool {
        self.0 & (1 << site.0) != 0
    }

    /// Adds `site` and returns whether it was missing.
    pub const fn insert(&mut self, site: SiteId) -> bool {
        let is_new = !self.contains(site);
        self.0 |= 1 << site.0;
        is_new
    }

    /// Removes `site`.
    pub const fn remove(&mut self, site: SiteId) {
        self.0 &= !(1 << site.0);
    }

    /// This set with `site`.
    #[must_use]
    pub const fn with(mut self, site: SiteId) -> SiteSet {
        self.insert(site);
        self
    }

    /// This set without `site`.
    #[must_use]
    pub const fn without(mut self, site: SiteId) -> SiteSet {
        self.remove(site);
        self
    }

    /// The sites of this set that are not in `other`.
    #[must_use]
    pub const fn minus(self, other: SiteSet) -> SiteSet {
        SiteSet(self.0 & !other.0)
    }

    /// Its sites, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = SiteId> {
        let mut rest = self;
        core::iter::from_fn(move || rest.pop_first())
    }

    /// Removes and returns the first site.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it is at most 16")]
    pub fn pop_first(&mut self) -> Option<SiteId> {
        if self.is_empty() {
            return None;
        }
        let number = self.0.trailing_zeros() as u16;
        self.0 &= self.0 - 1;
        Some(SiteId(number))
    }
}

impl Extend<SiteId> for SiteSet {
    fn extend<I: IntoIterator<Item = SiteId>>(&mut self, sites: I) {
        *self = sites.into_iter().fold(*self, SiteSet::with);
    }
}

impl FromIterator<SiteId> for SiteSet {
    fn from_iter<I: IntoIterator<Item = SiteId>>(sites: I) -> SiteSet {
        sites.into_iter().fold(SiteSet::EMPTY, SiteSet::with)
    }
}

impl fmt::Display for SiteSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S")?;
        for site in self.iter() {
            write!(f, "{}", site.0)?;
        }
        Ok(())
    }
}

impl Wire for SiteSet {
    fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<SiteSet, WireError> {
        SiteSet::from_bits(u16::from_le_bytes(input.array()?)).ok_or(WireError::Invalid("set of sites"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_of_sites_keeps_order_and_count() {
        let site = |number| SiteId::new(number).unwrap();
        let set: SiteSet = [site(4), site(0), site(8)].into_iter().collect();
        assert_eq!(set.iter().map(SiteId::number).collect::<alloc::vec::Vec<_>>(), [0, 4, 8]);
        assert_eq!((set.len(), set.without(site(4)).len(), SiteSet::first(9).len()), (3, 2, 9));
        assert!(SiteId::new(SITES_MAX).is_none());
    }

    #[test]
    fn every_process_id_survives_the_wire() {
        for id in [ProcessId::site(8), ProcessId::Terminal(SiteId(3)), ProcessId::Client(65_535)] {
            let bytes = id.to_bytes();
            assert_eq!(ProcessId::from_bytes(&bytes), Ok(id));
        }
        assert!(ProcessId::from_bytes(&[9, 0, 0]).is_err());
    }
}
