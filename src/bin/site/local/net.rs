//! The network of a local cluster: real sockets between which links can be cut.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use aviary::udp::socket::Received;
use aviary::udp::{OffloadSocket, Socket};
use mio::event::Source;
use mio::{Interest, Registry, Token};

/// The links of a cluster: for each site the set of sites that it reaches, shared by all sites.
#[derive(Clone)]
pub(super) struct Links(Arc<Vec<AtomicU16>>);

const EVERYBODY: u16 = u16::MAX;

impl Links {
    pub(super) fn whole(count: usize) -> Links {
        Links(Arc::new((0..count).map(|_| AtomicU16::new(EVERYBODY)).collect()))
    }

    /// Cuts every link between sites of different groups. A site of no group reaches no other.
    pub(super) fn partition(&self, groups: &[Vec<usize>]) {
        for (site, reached) in self.0.iter().enumerate() {
            let group = groups.iter().find(|group| group.contains(&site));
            let set = group.map_or(1 << site, |group| group.iter().fold(0, |set, other| set | (1 << other)));
            reached.store(set, Ordering::SeqCst);
        }
    }

    pub(super) fn heal(&self) {
        self.0.iter().for_each(|reached| reached.store(EVERYBODY, Ordering::SeqCst));
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        self.0[from].load(Ordering::SeqCst) & (1 << to) != 0
    }
}

/// The socket of one site. Datagrams over a cut link are lost, whichever side sent them.
pub(super) struct CutSocket {
    pub(super) socket: OffloadSocket,
    pub(super) me: usize,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) links: Links,
}

impl CutSocket {
    fn reaches(&self, address: SocketAddr) -> bool {
        let site = self.addresses.iter().position(|other| *other == address);
        site.is_none_or(|site| self.links.reaches(self.me, site))
    }
}

impl Socket for CutSocket {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<Received> {
        loop {
            let received = self.socket.receive(into)?;
            if self.reaches(received.from) {
                return Ok(received);
            }
        }
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        if self.reaches(to) { self.socket.send(bytes, to) } else { Ok(()) }
    }

    fn send_run(&mut self, bytes: &[u8], length: usize, to: SocketAddr) -> io::Result<()> {
        if self.reaches(to) { self.socket.send_run(bytes, length, to) } else { Ok(()) }
    }
}

impl Source for CutSocket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket.deregister(registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_cuts_between_its_groups_and_heals() {
        let links = Links::whole(4);
        assert!(links.reaches(0, 3));
        links.partition(&[vec![0, 1], vec![2]]);
        let reached = |from: usize| (0..4).filter(|to| links.reaches(from, *to)).collect::<Vec<_>>();
        assert_eq!((0..4).map(reached).collect::<Vec<_>>(), [vec![0, 1], vec![0, 1], vec![2], vec![3]]);
        links.heal();
        assert!(links.reaches(3, 0));
    }
}
