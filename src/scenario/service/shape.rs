//! The members of a cluster, as a scenario names them.

use core::fmt::Debug;

use crate::ids::{SiteId, SiteSet};
use crate::ron_file::{Place, Problem};

/// The members of a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Number of sites.
    pub sites: u8,
    /// Number of clients; terminals do not count.
    pub clients: u16,
    /// The machine of each site, by site number.
    pub machines: Vec<u8>,
}

impl Shape {
    /// Every site.
    pub fn all_sites(&self) -> SiteSet {
        SiteSet::first(self.sites)
    }

    /// The site with this number, if there is one.
    pub fn site(&self, number: u8) -> Option<SiteId> {
        SiteId::new(number).filter(|_| number < self.sites)
    }

    /// The sites on this machine.
    pub fn on_machine(&self, machine: u8) -> SiteSet {
        self.all_sites().iter().filter(|site| self.machines.get(site.index()) == Some(&machine)).collect()
    }

    /// The sites of each machine.
    pub fn all_machines(&self) -> Vec<SiteSet> {
        let count = self.machines.iter().max().map_or(0, |most| *most + 1);
        (0..count).map(|machine| self.on_machine(machine)).collect()
    }

    /// A problem at `place` unless site `number` exists.
    pub fn check_site(&self, number: u8, place: Place) -> Option<Problem> {
        let problem = || Problem::new(place, format!("there is no site {number}")).help(self.which_sites());
        self.site(number).is_none().then(problem)
    }

    /// A problem at `place` unless client `number` exists.
    pub fn check_client(&self, number: u16, place: Place) -> Option<Problem> {
        let help = match self.clients {
            0 => "this scenario has `clients: 0`".to_owned(),
            1 => "the only client is 0".to_owned(),
            clients => format!("the clients are 0 to {}", clients - 1),
        };
        let problem = || Problem::new(place, format!("there is no client {number}")).help(help);
        (number >= self.clients).then(problem)
    }

    pub(crate) fn which_sites(&self) -> String {
        match self.sites {
            0 | 1 => "the only site is 0".to_owned(),
            sites => format!("the sites are 0 to {}", sites - 1),
        }
    }
}
