//! Draws the members of a cluster.

use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::profile::{Profile, Span};
use crate::scenario::service::Shape;
use crate::time::Duration;

/// A drawn cluster, with what all parts of its scenario share.
#[derive(Clone, Debug)]
pub(super) struct DrawnCluster {
    pub(super) sites: u8,
    pub(super) clients: u16,
    /// Whether terminals and clients all draw the same.
    pub(super) clients_alike: bool,
    pub(super) machines: Option<Vec<Vec<u8>>>,
    /// The period in which commands and faults begin.
    pub(super) lasts: Duration,
    /// Whether the network is free of random faults.
    pub(super) is_quiet: bool,
}

impl DrawnCluster {
    /// The cluster in the form that a service gets.
    pub(super) fn shape(&self) -> Shape {
        let home = |site: u8| {
            let shared = self.machines.as_ref()?.iter().position(|machine| machine.contains(&site))?;
            u8::try_from(shared).ok()
        };
        let machines = (0..self.sites).map(|site| home(site).unwrap_or(site)).collect();
        Shape { sites: self.sites, clients: self.clients, machines }
    }

    /// Number of machines that have sites.
    pub(super) fn machines(&self) -> u8 {
        self.machines.as_ref().map_or(self.sites, |machines| machines.len().to_le_bytes()[0])
    }
}

/// A cluster with one of these numbers of sites, if possible within `bounds`.
pub(super) fn draw(profile: &Profile, seed: u64, possible: &[u8], bounds: Option<Span<u8>>) -> DrawnCluster {
    let mut draws = Draws::new(seed, Concern::Cluster);
    let mut weights = profile.sites.clone();
    let is_within = |sites: &u8| bounds.is_none_or(|Span(least, most)| (least..=most).contains(sites));
    weights.0.retain(|sites, _| possible.contains(sites) && is_within(sites));
    let mut others = possible.iter().copied().filter(is_within).chain(possible.iter().copied());
    let sites = draws.of(&weights).or_else(|| others.next()).unwrap_or(1);
    let clients = draws.number(profile.clients);
    let lasts = draws.time(profile.lasts);
    let is_quiet = draws.happens(profile.quiet);
    let shares = draws.happens(profile.shared_machines) && sites > 2;
    // One machine has two sites. With a third one, its loss would be that of a majority of five.
    let machines = shares.then(|| {
        let mut order: Vec<u8> = (0..sites).collect();
        draws.shuffle(&mut order);
        let mut machines: Vec<Vec<u8>> = order[1..].iter().map(|site| vec![*site]).collect();
        machines[0].push(order[0]);
        machines.iter_mut().for_each(|machine| machine.sort_unstable());
        machines.sort();
        machines
    });
    let clients_alike = draws.happens(profile.clients_alike);
    DrawnCluster { sites, clients, clients_alike, machines, lasts, is_quiet }
}
