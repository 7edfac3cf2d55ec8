//! The sites of a run at one moment.

use core::fmt::Debug;

use crate::ids::{SiteId, SiteSet};
use crate::protocol::{Protocol, Sites};
use crate::scenario::Cluster;
use crate::time::Instant;

/// The sites of a run at one moment: a [`Cluster`] without its clients.
#[derive(Clone, Copy, Debug)]
pub struct SitesOf<'a, P: Protocol> {
    cluster: &'a Cluster<'a, Sites<P>>,
}

impl<'a, P: Protocol> SitesOf<'a, P> {
    /// The sites of `cluster`.
    pub fn new(cluster: &'a Cluster<'a, Sites<P>>) -> SitesOf<'a, P> {
        SitesOf { cluster }
    }

    /// The simulated time.
    pub fn now(&self) -> Instant {
        self.cluster.now
    }

    /// The sites that must agree: they can vote and can be reached.
    pub fn core(&self) -> SiteSet {
        self.cluster.core
    }

    /// The state of a site, or why there is none.
    pub fn site(&self, site: SiteId) -> Result<&'a P, String> {
        let process = self.cluster.state(site)?;
        Ok(process.site().expect("a site runs the protocol of sites"))
    }

    /// Every running site, in ascending order.
    pub fn running(&self) -> impl Iterator<Item = (SiteId, &'a P)> {
        self.cluster.running().filter_map(|(id, process)| Some((id.as_site()?, process.site()?)))
    }

    /// Checks that all sites of the core have the same of this. The error names the first site that differs from the
    /// first of the core, and `what`, like "holds"; or a site of the core that is not running.
    pub fn agree<T: PartialEq + Debug>(&self, what: &str, of: impl Fn(&P) -> T) -> Result<(), String> {
        let state = |process: &Sites<P>| of(process.site().expect("a site runs the protocol of sites"));
        self.cluster.agree(what, state)
    }

    /// Checks that `holds` is true of every running site. The error names one for which it is not, followed by
    /// `otherwise`, like "waits for votes".
    pub fn all(&self, holds: impl Fn(&P) -> bool, otherwise: &str) -> Result<(), String> {
        self.cluster.all(|process| process.site().is_none_or(&holds), otherwise)
    }

    /// The site that leads with the highest rank; of several, the one with the lowest number.
    pub fn leader(&self) -> Option<SiteId> {
        self.cluster.leader()
    }
}
