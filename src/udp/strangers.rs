//! Limits how many datagrams of strangers are opened.
//!
//! Opening is the largest part of a datagram's cost. Datagrams of known sources are always opened: of sites at their
//! addresses in `sites.ron`, of sources that sealed with the sites' key before, and of clients with a cookie. All other
//! sources fall into groups, by a secret of this process. Each group has a rate at which its datagrams are opened; the
//! rest is dropped unread. A flood from one address uses up its own group. A flood in the name of all addresses leaves
//! each group some, so that a newcomer gets through when it asks a few times.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::mix::{below, mix};
use crate::time::{Duration, Instant};

/// The number of groups of strangers.
const GROUPS: u64 = 256;

/// The most datagrams of a group that are opened at once: one program may start this many clients.
const BURST: u64 = 256;

/// The time in which a group regains one datagram.
const REGAINS: Duration = Duration::from_micros(16_000);

/// The most sources of sites besides their configured addresses: address translators may cause some.
const SITE_SOURCES_MAX: usize = 32;

/// The known sources, and the groups of all others.
pub(super) struct Strangers {
    salt: u64,
    sites: Vec<SocketAddr>,
    /// Sources that sealed with the sites' key, the oldest first.
    site_sources: VecDeque<SocketAddr>,
    groups: Vec<SourceGroup>,
}

/// A group of sources.
#[derive(Clone, Copy)]
struct SourceGroup {
    /// The number of datagrams that may still be opened.
    left: u64,
    /// The time at which the group last regained datagrams.
    at: Instant,
}

impl Strangers {
    /// `sites` are the addresses of the sites. The operating system draws `salt`.
    pub(super) fn new(sites: Vec<SocketAddr>, salt: u64) -> Strangers {
        let group = SourceGroup { left: BURST, at: Instant::ZERO };
        let groups = (0..GROUPS).map(|_| group).collect();
        Strangers { salt, sites, site_sources: VecDeque::new(), groups }
    }

    /// Whether this source is known as a site's.
    pub(super) fn is_site(&self, source: SocketAddr) -> bool {
        self.sites.contains(&source) || self.site_sources.contains(&source)
    }

    /// Records that a site was heard from this source.
    pub(super) fn record_site(&mut self, source: SocketAddr) {
        if !self.is_site(source) {
            if self.site_sources.len() >= SITE_SOURCES_MAX {
                self.site_sources.pop_front();
            }
            self.site_sources.push_back(source);
        }
    }

    /// Whether a datagram of a stranger at this source may be opened. The call counts as such a datagram.
    pub(super) fn may_open(&mut self, now: Instant, source: SocketAddr) -> bool {
        let place = usize::try_from(self.group(source)).expect("below 256");
        let group = &mut self.groups[place];
        let regained = now.since(group.at).as_micros() / REGAINS.as_micros();
        if regained > 0 {
            group.left = BURST.min(group.left.saturating_add(regained));
            group.at = now;
        }
        let may = group.left > 0;
        group.left = group.left.saturating_sub(1);
        may
    }

    fn group(&self, source: SocketAddr) -> u64 {
        let ip = match source.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        let (halves, _) = ip.as_chunks::<8>();
        let (high, low) = (u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1]));
        below(mix(self.salt, [high, low, source.port().into()]), GROUPS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn ms(milliseconds: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_flood_from_one_address_uses_up_its_own_share() {
        let mut strangers = Strangers::new(vec![at(1)], 7);
        let opened = (0..50_000).filter(|n| strangers.may_open(ms(n / 50), at(2))).count();
        assert!((256..=256 + 1_000 / 16).contains(&opened), "{opened} of 50,000 in a second");
        let others = (100..1_100).filter(|port| strangers.may_open(ms(1_000), at(*port))).count();
        assert!(others > 980, "{others} of 1,000 newcomers were opened");
        assert!((0..1_000).all(|_| strangers.is_site(at(1))));
    }

    #[test]
    fn a_flood_in_the_name_of_all_addresses_is_bounded_and_leaves_newcomers_some() {
        let mut strangers = Strangers::new(Vec::new(), 7);
        let mut flood = |second: u64| {
            (0..50_000u64)
                .filter(|n| {
                    let [low, high, ..] = n.to_le_bytes();
                    let port = u16::from_le_bytes([low, high]);
                    let source = SocketAddr::from(([10, 0, high, low], port));
                    strangers.may_open(ms(1_000 * second + n / 50), source)
                })
                .count()
        };
        let opened: Vec<usize> = (0..5).map(&mut flood).collect();
        // By then the groups have used up their initial allowance.
        assert!((1..=16_000).contains(&opened[4]), "{opened:?}");
        let newcomer = at(9);
        assert!((0..100).any(|n| strangers.may_open(ms(5_000 + 20 * n), newcomer)));
    }

    #[test]
    fn sites_that_were_heard_elsewhere_are_known_up_to_a_number() {
        let mut strangers = Strangers::new(vec![at(1)], 7);
        for port in 1..100 {
            strangers.record_site(at(port));
        }
        assert_eq!(strangers.site_sources.len(), SITE_SOURCES_MAX);
        assert!(strangers.is_site(at(1)) && strangers.is_site(at(99)) && !strangers.is_site(at(2)));
    }
}
