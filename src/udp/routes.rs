//! Where each process is.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::ids::{ProcessId, SiteId};

/// The most clients whose addresses are known; of more, those that were heard of longest ago are forgotten.
const CLIENTS_MAX: usize = 4_096;

/// Addresses of sites, which are configured, and of clients, which are learned.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    sites: Vec<SocketAddr>,
    /// Where each client's last datagram came from, and when it was heard, in datagrams of clients.
    clients: BTreeMap<u16, (SocketAddr, u64)>,
    heard: BTreeMap<u64, u16>,
    clock: u64,
}

impl Routes {
    pub(super) fn new(sites: Vec<SocketAddr>) -> Routes {
        Routes { sites, clients: BTreeMap::new(), heard: BTreeMap::new(), clock: 0 }
    }

    /// Whether a datagram of `from` may come from `source`: those of sites and their terminals come from the
    /// site's address alone.
    pub(super) fn may_come_from(&self, from: ProcessId, source: SocketAddr) -> bool {
        match from {
            ProcessId::Site(site) | ProcessId::Terminal(site) => self.site(site) == Some(source),
            ProcessId::Client(_) => true,
        }
    }

    /// Keeps the source of a datagram that was taken, for the answers.
    pub(super) fn learn(&mut self, from: ProcessId, source: SocketAddr) {
        let ProcessId::Client(client) = from else { return };
        self.clock += 1;
        if let Some((_, at)) = self.clients.insert(client, (source, self.clock)) {
            self.heard.remove(&at);
        }
        self.heard.insert(self.clock, client);
        if self.clients.len() > CLIENTS_MAX
            && let Some((_, oldest)) = self.heard.pop_first()
        {
            self.clients.remove(&oldest);
        }
    }

    pub(super) fn address(&self, of: ProcessId) -> Option<SocketAddr> {
        match of {
            ProcessId::Site(site) | ProcessId::Terminal(site) => self.site(site),
            ProcessId::Client(client) => self.clients.get(&client).map(|(address, _)| *address),
        }
    }

    fn site(&self, site: SiteId) -> Option<SocketAddr> {
        self.sites.get(site.index()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_have_one_address_and_the_clients_heard_last_are_known() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut routes = Routes::new(vec![at(1), at(2)]);
        assert!(routes.may_come_from(ProcessId::site(1), at(2)));
        assert!(!routes.may_come_from(ProcessId::site(1), at(3)));
        assert!(!routes.may_come_from(ProcessId::site(2), at(3)), "no such site");
        assert_eq!(routes.address(ProcessId::Terminal(SiteId::new(0).unwrap())), Some(at(1)));
        for client in 0..=4_096u16 {
            assert!(routes.may_come_from(ProcessId::Client(client), at(9)));
            routes.learn(ProcessId::Client(client), at(100));
            routes.learn(ProcessId::Client(0), at(101));
        }
        assert_eq!(routes.address(ProcessId::Client(0)), Some(at(101)));
        assert_eq!(routes.address(ProcessId::Client(1)), None);
        assert_eq!(routes.address(ProcessId::Client(2)), Some(at(100)));
        assert_eq!(routes.clients.len(), routes.heard.len());
    }
}
