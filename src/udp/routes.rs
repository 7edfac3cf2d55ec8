//! The address of each process.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::ids::{ProcessId, SiteId};
use crate::time::{Duration, Instant};

/// The most clients whose addresses are kept. Beyond that the client that was heard of longest ago is forgotten.
const CLIENTS_MAX: usize = 4_096;

/// A client that was silent for this long may lose its number to another.
const HELD_FOR: Duration = Duration::from_secs(3);

/// Addresses of sites, which are configured, and of clients, which are learned.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    sites: Vec<SocketAddr>,
    clients: BTreeMap<u16, ClientRoute>,
    /// The number of datagrams heard from clients.
    received: u64,
}

/// The latest news of one client.
#[derive(Clone, Copy, Debug)]
struct ClientRoute {
    address: SocketAddr,
    /// The incarnation of its program, and the count of that program's newest datagram. A datagram that is not newer
    /// may be a replay, from anywhere.
    newest: (u64, u64),
    at: Instant,
    /// The number of that datagram among all datagrams of clients.
    order: u64,
}

impl Routes {
    pub(super) fn new(sites: Vec<SocketAddr>) -> Routes {
        Routes { sites, clients: BTreeMap::new(), received: 0 }
    }

    /// Records a genuine datagram, the `count`th of this incarnation of `from`, so that answers go to `source`, an
    /// address that the client has proven. False if the number belongs to another client.
    #[must_use]
    pub(super) fn learn(
        &mut self,
        now: Instant,
        from: ProcessId,
        (incarnation, count): (u64, u64),
        source: SocketAddr,
    ) -> bool {
        let ProcessId::Client(client) = from else { return true };
        self.received += 1;
        let newest =
            ClientRoute { address: source, newest: (incarnation, count), at: now, order: self.received };
        let Some(route) = self.clients.get_mut(&client) else {
            // An unknown client rarely meets a full table, and an ordered index would cost time with every datagram.
            if self.clients.len() >= CLIENTS_MAX
                && let Some(oldest) =
                    self.clients.iter().min_by_key(|(_, route)| route.order).map(|(it, _)| *it)
            {
                self.clients.remove(&oldest);
            }
            self.clients.insert(client, newest);
            return true;
        };
        let is_held = now.since(route.at) < HELD_FOR;
        if incarnation < route.newest.0 || (incarnation > route.newest.0 && is_held) {
            return false;
        }
        if newest.newest > route.newest {
            *route = newest;
        }
        true
    }

    pub(super) fn address(&self, of: ProcessId) -> Option<SocketAddr> {
        match of {
            ProcessId::Site(site) | ProcessId::Terminal(site) => self.site(site),
            ProcessId::Client(client) => self.clients.get(&client).map(|route| route.address),
        }
    }

    fn site(&self, site: SiteId) -> Option<SocketAddr> {
        self.sites.get(site.index()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Instant = |seconds| Instant::from_micros(seconds * 1_000_000);

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn sites_have_one_address_and_the_clients_heard_last_are_known() {
        let mut routes = Routes::new(vec![at(1), at(2)]);
        assert_eq!(routes.address(ProcessId::Terminal(SiteId::new(0).unwrap())), Some(at(1)));
        assert_eq!(routes.address(ProcessId::site(2)), None, "no such site");
        for client in 0..=4_096u16 {
            assert!(routes.learn(S(0), ProcessId::Client(client), (1, 1), at(100)));
            assert!(routes.learn(S(0), ProcessId::Client(0), (1, 2 + u64::from(client)), at(101)));
        }
        assert_eq!(routes.address(ProcessId::Client(0)), Some(at(101)));
        assert_eq!(routes.address(ProcessId::Client(1)), None);
        assert_eq!(routes.address(ProcessId::Client(2)), Some(at(100)));
        assert_eq!(routes.clients.len(), CLIENTS_MAX);
    }

    #[test]
    fn a_replay_leads_no_answer_away() {
        let mut routes = Routes::new(Vec::new());
        let client = ProcessId::Client(7);
        assert!(routes.learn(S(0), client, (5, 1), at(1)));
        assert!(routes.learn(S(0), client, (5, 2), at(2)), "it moved");
        assert!(routes.learn(S(100), client, (5, 1), at(9)), "harmless, and may be late");
        assert!(routes.learn(S(100), client, (5, 2), at(9)));
        assert!(!routes.learn(S(100), client, (4, 80), at(9)), "of a program before it");
        assert_eq!(routes.address(client), Some(at(2)));
    }

    #[test]
    fn a_number_is_another_clients_once_its_own_is_silent() {
        let mut routes = Routes::new(Vec::new());
        let client = ProcessId::Client(7);
        assert!(routes.learn(S(0), client, (5, 1), at(1)));
        assert!(!routes.learn(S(2), client, (6, 1), at(2)));
        assert_eq!(routes.address(client), Some(at(1)));
        assert!(routes.learn(S(3), client, (6, 2), at(2)));
        assert_eq!(routes.address(client), Some(at(2)));
        let documented = format!("once the first was silent for {} s", HELD_FOR.as_micros() / 1_000_000);
        assert!(include_str!("../../docs/deploying.md").contains(&documented), "{documented}");
    }
}
