//! The thread that carries datagrams from socket to socket.

use std::collections::BTreeMap;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aviary::frame::DATAGRAM_MAX;
use aviary::ids::{ProcessId, SiteId};
use aviary::process::Label;
use aviary::sim::Arrival;
use aviary::time::{Duration, Instant};
use aviary::udp::seal::Sealer;
use aviary::udp::socket;
use aviary::wire::Wire;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};

use super::mail::{self, MailHeader, ProxyPacket, UnderWay};
use super::{ProxySettings, ProxyShared};

/// A site's token is its number; after the sites come the waker, then the clients.
const WAKER: usize = 9;
const CLIENTS: usize = 10;

/// After this many datagrams of one socket, the next socket has its turn.
const AT_ONCE: usize = 64;

pub(super) struct Carrier<M> {
    settings: ProxySettings,
    shared: Arc<ProxyShared>,
    poll: Poll,
    sealer: Sealer,
    /// One socket per site, to which others send what is for that site.
    fronts: Vec<UdpSocket>,
    clients: BTreeMap<u16, Back>,
    under_way: UnderWay,
    received: Vec<u8>,
    opened: Vec<u8>,
    arrivals: Vec<Arrival>,
    messages: PhantomData<fn() -> M>,
}

/// The maximum number of clients with a socket here. For one more, the client heard from longest ago loses its socket.
const CLIENTS_MAX: usize = 256;

/// The socket that stands for a client towards the sites.
struct Back {
    socket: UdpSocket,
    /// The client's own address.
    address: SocketAddr,
    /// The newest datagram of the client: its program and its number within that program.
    newest: (u64, u64),
    /// When the proxy last heard from the client.
    last_received: Instant,
}

impl<M: Wire + Label> Carrier<M> {
    pub(super) fn start(
        settings: ProxySettings,
        shared: Arc<ProxyShared>,
    ) -> io::Result<(Carrier<M>, Waker)> {
        let poll = Poll::new()?;
        let mut fronts = Vec::new();
        for (site, address) in settings.fronts.iter().enumerate() {
            let mut front = socket::bind(*address)?;
            poll.registry().register(&mut front, Token(site), Interest::READABLE)?;
            fronts.push(front);
        }
        let waker = Waker::new(poll.registry(), Token(WAKER))?;
        let sealer = Sealer::of_bystander(settings.cluster, &settings.keys);
        let carrier = Carrier {
            settings,
            shared,
            poll,
            sealer,
            fronts,
            clients: BTreeMap::new(),
            under_way: UnderWay::default(),
            received: vec![0; DATAGRAM_MAX + 1],
            opened: Vec::new(),
            arrivals: Vec::new(),
            messages: PhantomData,
        };
        Ok((carrier, waker))
    }

    /// Carries datagrams until the proxy ends.
    pub(super) fn carry(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut readable = Vec::new();
        while !self.shared.is_over.load(Ordering::Relaxed) {
            let timeout = match self.under_way.next_at() {
                _ if !readable.is_empty() => Some(std::time::Duration::ZERO),
                Some(at) => {
                    Some(std::time::Duration::from_micros(at.since(self.shared.clock.now()).as_micros()))
                }
                None => None,
            };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            readable.extend(events.iter().map(|event| event.token()).filter(|token| token.0 != WAKER));
            // The poll reports a socket only once, so each socket is read until it is empty.
            readable.retain(|token| self.empty(*token));
            while let Some(parcel) = self.under_way.pop(self.shared.clock.now()) {
                self.hand_over(&parcel);
            }
        }
        Ok(())
    }

    /// Reads datagrams from one socket; true if there may be more.
    fn empty(&mut self, token: Token) -> bool {
        for _ in 0..AT_ONCE {
            let client = u16::try_from(token.0.saturating_sub(CLIENTS)).unwrap_or(u16::MAX);
            let socket = match self.fronts.get(token.0) {
                Some(front) => front,
                None => match self.clients.get(&client) {
                    Some(back) => &back.socket,
                    None => return false,
                },
            };
            match socket.recv_from(&mut self.received) {
                Ok((length, source)) => {
                    let to = match SiteId::new(u8::try_from(token.0).unwrap_or(u8::MAX)) {
                        Some(site) => ProcessId::Site(site),
                        None => ProcessId::Client(client),
                    };
                    self.take(length, source, to);
                }
                Err(error) => return error.kind() == io::ErrorKind::Interrupted,
            }
        }
        true
    }

    /// Handles one datagram that was sent to process `to`, or to its terminal.
    fn take(&mut self, length: usize, source: SocketAddr, to: ProcessId) {
        let sealed: Arc<[u8]> = self.received[..length].into();
        let now = self.shared.clock.now();
        let Some(MailHeader { header, count, labels }) =
            mail::read::<M>(&self.sealer, &sealed, &mut self.opened)
        else {
            self.shared.state().counts.opaque += 1;
            return self.hand_over(&ProxyPacket { from: to, to, sealed });
        };
        let from = header.sender.from;
        if let ProcessId::Client(number) = from
            && self.learn(number, source, (header.sender.incarnation, count)).is_err()
        {
            self.shared.state().counts.failed += 1;
            return;
        }
        let to = match to {
            ProcessId::Site(site) if !header.to.contains(to) => ProcessId::Terminal(site),
            to => to,
        };
        self.arrivals.clear();
        {
            let mut state = self.shared.state();
            state.counts.opened += 1;
            for (kind, _) in &labels {
                state.last_senders.insert(kind, from);
            }
            state.crossing.cross(now, (from, to), &labels, &mut self.arrivals);
        }
        for arrival in core::mem::take(&mut self.arrivals) {
            let mut bytes = sealed.to_vec();
            arrival.spoil(&mut bytes);
            let parcel = ProxyPacket { from, to: arrival.to, sealed: bytes.into() };
            if arrival.after == Duration::ZERO {
                self.hand_over(&parcel);
            } else if !self.under_way.push(now + arrival.after, parcel) {
                self.shared.state().counts.failed += 1;
            }
        }
    }

    /// Records the address of a client.
    fn learn(&mut self, number: u16, source: SocketAddr, newest: (u64, u64)) -> io::Result<()> {
        let last_received = self.shared.clock.now();
        if let Some(back) = self.clients.get_mut(&number) {
            back.last_received = last_received;
            if back.newest < newest {
                (back.address, back.newest) = (source, newest);
            }
            return Ok(());
        }
        let behind = self.settings.behind[0].ip();
        let mut socket = socket::bind(SocketAddr::new(behind, 0))?;
        let token = Token(CLIENTS + usize::from(number));
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        if self.clients.len() >= CLIENTS_MAX {
            let oldest =
                self.clients.iter().min_by_key(|(_, back)| back.last_received).map(|(number, _)| *number);
            oldest.and_then(|oldest| self.clients.remove(&oldest));
        }
        self.clients.insert(number, Back { socket, address: source, newest, last_received });
        Ok(())
    }

    fn hand_over(&mut self, parcel: &ProxyPacket) {
        let sent = match parcel.to {
            ProcessId::Site(site) | ProcessId::Terminal(site) => {
                let from = match parcel.from {
                    ProcessId::Client(number) => self.clients.get(&number).map(|back| &back.socket),
                    ProcessId::Site(_) | ProcessId::Terminal(_) => None,
                };
                let socket = from.or(self.fronts.get(site.index()));
                let address = self.settings.behind.get(site.index());
                socket.zip(address).map(|(socket, address)| socket.send_to(&parcel.sealed, *address))
            }
            ProcessId::Client(number) => {
                let back = self.clients.get(&number);
                back.map(|back| back.socket.send_to(&parcel.sealed, back.address))
            }
        };
        let mut state = self.shared.state();
        match sent {
            Some(Ok(_)) => state.counts.forwarded += 1,
            Some(Err(_)) | None => state.counts.failed += 1,
        }
    }
}
