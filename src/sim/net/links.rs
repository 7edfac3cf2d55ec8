//! The cut links, by direction. A terminal shares the links of its site's program.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SITES_MAX, SiteId, SiteSet};

/// The cut links between the programs of a world.
#[derive(Clone, Debug)]
pub(crate) struct CutLinks {
    sites: SiteSet,
    programs: usize,
    /// One bit per link and direction, set if it is cut. Empty while none is.
    cut: Arc<Vec<u64>>,
}

impl CutLinks {
    pub(crate) fn new(sites: SiteSet, clients: u16) -> CutLinks {
        CutLinks { sites, programs: usize::from(SITES_MAX) + usize::from(clients), cut: Arc::default() }
    }

    fn program(&self, process: ProcessId) -> usize {
        let program = match process {
            ProcessId::Site(site) | ProcessId::Terminal(site) => site.index(),
            ProcessId::Client(number) => usize::from(SITES_MAX) + usize::from(number),
        };
        assert!(program < self.programs, "{process} is not of this world");
        program
    }

    #[inline]
    pub(crate) fn are_any_cut(&self) -> bool {
        !self.cut.is_empty()
    }

    #[inline]
    pub(crate) fn is_cut(&self, from: ProcessId, to: ProcessId) -> bool {
        if self.cut.is_empty() {
            return false;
        }
        let bit = self.program(from) * self.programs + self.program(to);
        self.cut[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// The ends of every cut link, from sender to recipient, in their order. Links between clients carry nothing.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (ProcessId, ProcessId)> {
        let set = |(place, word): (usize, &u64)| {
            let word = *word;
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| place * 64 + bit)
        };
        let process = |program: usize| match program.checked_sub(usize::from(SITES_MAX)) {
            None => self.sites.iter().find(|site| site.index() == program).map(ProcessId::Site),
            Some(number) => u16::try_from(number).ok().map(ProcessId::Client),
        };
        self.cut.iter().enumerate().flat_map(set).filter_map(move |bit| {
            let (from, to) = (process(bit / self.programs)?, process(bit % self.programs)?);
            (from.as_site().is_some() || to.as_site().is_some()).then_some((from, to))
        })
    }

    fn set(&mut self, from: usize, to: usize, is_cut: bool) {
        if from == to || (self.cut.is_empty() && !is_cut) {
            return;
        }
        let cut = Arc::make_mut(&mut self.cut);
        cut.resize((self.programs * self.programs).div_ceil(64), 0);
        let bit = from * self.programs + to;
        if is_cut {
            cut[bit / 64] |= 1 << (bit % 64);
        } else {
            cut[bit / 64] &= !(1 << (bit % 64));
        }
    }

    /// Cuts every link of `process`, both ways.
    pub(crate) fn isolate(&mut self, process: ProcessId) {
        let program = self.program(process);
        for other in 0..self.programs {
            self.set(program, other, true);
            self.set(other, program, true);
        }
    }

    /// Cuts the links between sites of different groups, both ways.
    pub(crate) fn partition(&mut self, groups: &[SiteSet]) {
        for (at, one) in groups.iter().enumerate() {
            for (_, other) in groups.iter().enumerate().filter(|(other, _)| *other != at) {
                self.cut(*one, *other);
            }
        }
    }

    /// Cuts the links from these sites to those.
    pub(crate) fn cut(&mut self, from: SiteSet, to: SiteSet) {
        for from in from.iter() {
            for to in to.iter() {
                self.set(from.index(), to.index(), true);
            }
        }
    }

    /// Mends the links between two sites, both ways.
    pub(crate) fn mend(&mut self, one: SiteId, other: SiteId) {
        self.set(one.index(), other.index(), false);
        self.set(other.index(), one.index(), false);
    }

    /// Mends every link.
    pub(crate) fn mend_all(&mut self) {
        self.cut = Arc::default();
    }

    /// Mends the links among these sites and between them and all clients.
    pub(crate) fn mend_core(&mut self, core: SiteSet) {
        if self.cut.is_empty() {
            return;
        }
        let (programs, outside) = (self.programs, self.sites.minus(core));
        let is_mended = |program: usize| !outside.iter().any(|site| site.index() == program);
        for (place, word) in Arc::make_mut(&mut self.cut).iter_mut().enumerate() {
            let mut cut = *word;
            while cut != 0 {
                let bit = place * 64 + cut.trailing_zeros() as usize;
                if is_mended(bit / programs) && is_mended(bit % programs) {
                    *word &= !(1 << (bit % 64));
                }
                cut &= cut - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const C0: ProcessId = ProcessId::Client(0);

    #[test]
    fn cuts_have_a_direction_and_mending_has_none() {
        let site = |number| SiteId::new(number).unwrap();
        let at = ProcessId::site;
        let only = |number| SiteSet::EMPTY.with(site(number));
        let mut links = CutLinks::new(SiteSet::first(4), 1);
        links.cut(only(0), only(1).with(site(2)));
        assert!(links.is_cut(at(0), at(1)) && links.is_cut(at(0), at(2)) && !links.is_cut(at(1), at(0)));
        assert!(links.is_cut(ProcessId::Terminal(site(0)), at(1)), "a terminal shares its site's links");
        assert!(links.pairs().eq([(at(0), at(1)), (at(0), at(2))]));
        links.mend(site(1), site(0));
        assert!(!links.is_cut(at(0), at(1)) && links.is_cut(at(0), at(2)));
        links.mend_all();
        links.partition(&[only(0), only(1).with(site(2))]);
        assert!(links.is_cut(at(1), at(0)) && !links.is_cut(at(1), at(2)) && !links.is_cut(at(0), at(3)));
        assert!(!links.is_cut(C0, at(0)));
        links.isolate(at(3));
        assert!(links.is_cut(C0, at(3)) && links.is_cut(at(3), at(0)));
        assert_eq!(links.pairs().filter(|(from, to)| [*from, *to].contains(&C0)).count(), 2);
        assert!(!links.is_cut(at(3), at(3)));
        links.mend_core(SiteSet::first(3));
        assert!(!links.is_cut(at(0), at(1)) && !links.is_cut(C0, at(1)) && links.is_cut(C0, at(3)));
    }
}
