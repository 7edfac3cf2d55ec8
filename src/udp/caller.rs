//! Clients over a socket: any number of processes that keep nothing durable, in one program, on one socket.
//!
//! The counterpart of [`Host`](super::Host) for clients: no journal, no syncs, nothing to recover.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::{Events, Interest, Poll, Token};

use super::clock::{Clock, since_1970};
use super::counters::{Counters, Drop};
use super::error::HostError;
use super::keys::ClientKey;
use super::notices::ASKS_FOR_COUNTERS;
use super::runs::{Arrivals, Departures};
use super::seal::{Party, Sealer};
use super::socket::OffloadSocket;
use crate::frame::{Datagram, Sender};
use crate::ids::{ProcessId, SiteId};
use crate::mix::Seed;
use crate::outbox::{Offset, Outbox, Outgoing, Spare};
use crate::process::{Effects, Input, Process, Recovered};
use crate::time::{Duration, Instant};

mod arriving;

use arriving::Looked;

const SOCKET: Token = Token(0);

/// The most datagrams that a caller takes before it sends the requests that follow from them: sites work on these while
/// the caller takes the rest.
const DATAGRAMS_PER_TURN: usize = 32;

/// The most datagrams that are kept after they were sent, for sites that challenge a client to prove its address.
const SENT_MAX: usize = 4_096;

/// The most bytes of these datagrams.
const SENT_BYTES_MAX: usize = 256 << 10;

/// The settings of a caller.
#[derive(Clone, Debug)]
pub struct CallerSettings<C> {
    /// The number of the cluster.
    pub cluster: u64,
    /// The configuration that all sites share, as one number.
    pub configuration: u32,
    /// The address of each site, in the order of their numbers.
    pub addresses: Vec<SocketAddr>,
    /// The configuration of the processes.
    pub config: C,
    /// The limit on one datagram before it is sealed, in bytes.
    pub datagram_max: usize,
    /// The client keys. Only their clients can be added.
    pub keys: Vec<ClientKey>,
}

struct CallingProcess<P: Process> {
    process: P,
    outbox: Outbox,
    effects: Effects<P>,
    /// The cookie that each site gave to this client, if it has given one.
    cookies: Vec<Option<u64>>,
}

/// A datagram that was sent to a site.
struct SentDatagram {
    count: u64,
    client: u16,
    site: usize,
    /// How often this frame was sent before, in answer to challenges.
    proofs: u8,
    frame: Vec<u8>,
}

/// A notice from a site's host, for any service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SiteNotice {
    /// The site is reading its journal, and takes part in nothing yet.
    Starting,
    /// The datagram counters of the site's host since its start.
    Counters(Counters),
}

/// Running clients.
pub struct Caller<P: Process> {
    settings: CallerSettings<P::Config>,
    clock: Clock,
    poll: Poll,
    events: Events,
    socket: OffloadSocket,
    arrivals: Arrivals,
    /// Datagrams that leave at the next turn at the latest.
    departures: Departures,
    sealed: Vec<u8>,
    sealer: Sealer,
    /// The datagrams that were sent last, in order.
    sent: VecDeque<SentDatagram>,
    sent_bytes: usize,
    /// The cookie that each site gave last to any client here. Clients of one key have the same cookie, unless
    /// something between them and the site gives each an address of its own.
    cookies: Vec<u64>,
    incarnation: u64,
    seats: BTreeMap<u16, CallingProcess<P>>,
    /// No process wants to be woken before this time. It is computed again when it has come.
    wake_at: Instant,
    ready: VecDeque<Outgoing>,
    spare: Spare,
    notes: Vec<(ProcessId, P::Note)>,
    notices: Vec<(SiteId, SiteNotice)>,
    counters: Counters,
}

impl<P: Process> Caller<P> {
    /// Binds a socket of its own. It has no processes yet.
    pub fn start(settings: CallerSettings<P::Config>) -> Result<Caller<P>, HostError> {
        const { super::check_links::<P>() }
        let any: IpAddr = match settings.addresses.first() {
            Some(SocketAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
            Some(SocketAddr::V4(_)) | None => Ipv4Addr::UNSPECIFIED.into(),
        };
        let mut socket =
            OffloadSocket::bind(SocketAddr::new(any, 0)).map_err(HostError::io("make a socket"))?;
        let poll = Poll::new().map_err(HostError::io("make a poll"))?;
        poll.registry()
            .register(&mut socket, SOCKET, Interest::READABLE)
            .map_err(HostError::io("watch the socket"))?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other).map_err(HostError::io("draw a seed"))?;
        Ok(Caller {
            clock: Clock::start(),
            poll,
            events: Events::with_capacity(4),
            socket,
            arrivals: Arrivals::default(),
            departures: Departures::default(),
            sealed: Vec::new(),
            sealer: Sealer::of_clients(settings.cluster, &settings.keys, seed),
            sent: VecDeque::new(),
            sent_bytes: 0,
            cookies: vec![0; settings.addresses.len()],
            // Sites give a client's number to a later program that uses it, and never back to an earlier one.
            incarnation: since_1970().as_micros(),
            seats: BTreeMap::new(),
            wake_at: Instant::ZERO,
            ready: VecDeque::new(),
            spare: Spare::default(),
            notes: Vec::new(),
            notices: Vec::new(),
            counters: Counters::default(),
            settings,
        })
    }

    /// Starts a client with this number. Sites tell clients apart by their numbers: if two programs use one number at
    /// the same time, the second is not heard.
    ///
    /// # Errors
    /// When the key for this number is missing.
    pub fn add(&mut self, number: u16) -> Result<ProcessId, HostError> {
        let id = ProcessId::Client(number);
        if !self.sealer.has(Party::of(id)) {
            return Err(HostError::ForeignClient(number));
        }
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(io::Error::other).map_err(HostError::io("draw a seed"))?;
        let recovered = Recovered { incarnation: self.incarnation, records: Vec::new() };
        let seed = Seed(u64::from_le_bytes(seed));
        let mut process = P::start(&self.settings.config, id, seed, recovered)?;
        process.will_not_be_cloned();
        let CallerSettings { cluster, configuration, datagram_max, .. } = self.settings;
        let sender = Sender { cluster, configuration, from: id, incarnation: self.incarnation };
        let outbox = Outbox::new(sender, datagram_max, usize::MAX);
        let cookies = vec![None; self.settings.addresses.len()];
        self.seats.insert(number, CallingProcess { process, outbox, effects: Effects::default(), cookies });
        self.wake_at = Instant::ZERO;
        if P::TAKES_STARTED {
            self.hand_in(number, Input::Started);
            self.settle(number);
        }
        Ok(id)
    }

    /// Removes a client. Datagrams to it are dropped from here on.
    pub fn remove(&mut self, client: ProcessId) {
        if let ProcessId::Client(number) = client {
            self.seats.remove(&number);
        }
    }

    /// The address that the socket is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The process of a client that was added.
    pub fn process(&self, client: ProcessId) -> Option<&P> {
        let ProcessId::Client(number) = client else { return None };
        self.seats.get(&number).map(|seat| &seat.process)
    }

    /// The time since the caller's start.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The datagram counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Hands a client a command. The messages for it leave at the next turn, with those for other commands until then.
    ///
    /// # Panics
    /// When `client` was not added.
    pub fn command(&mut self, client: ProcessId, command: P::Command) {
        let ProcessId::Client(number) = client else { panic!("{client} is no client") };
        self.hand_in(number, Input::Command(command));
        self.settle(number);
    }

    /// The notes of the clients since the last call, in order.
    pub fn take_notes(&mut self) -> Vec<(ProcessId, P::Note)> {
        core::mem::take(&mut self.notes)
    }

    /// Asks the host of a site for its datagram counters, in the name of a client.
    ///
    /// # Panics
    /// When `client` was not added, or there is no such site.
    pub fn ask_for_counters(&mut self, client: ProcessId, site: SiteId) {
        let ProcessId::Client(number) = client else { panic!("{client} is no client") };
        assert!(site.index() < self.settings.addresses.len(), "there is no {site}");
        self.send_to(site.index(), number, &ASKS_FOR_COUNTERS, 0);
    }

    /// The notices from hosts of sites since the last call, in order.
    pub fn take_notices(&mut self) -> Vec<(SiteId, SiteNotice)> {
        core::mem::take(&mut self.notices)
    }

    /// Waits until there is something to do, at most until `until`, and does it.
    pub fn turn(&mut self, until: Instant) -> Result<(), HostError> {
        self.departures.flush(&mut self.socket, &mut self.counters);
        let timeout = match self.arrivals.is_readable() {
            true => Duration::ZERO,
            false => self.wake_at.min(until).since(self.clock.now()),
        };
        let timeout = core::time::Duration::from_micros(timeout.as_micros());
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(HostError::io("wait for events")(error));
            }
            Ok(()) | Err(_) => {}
        }
        if !self.events.is_empty() {
            self.arrivals.report();
        }
        let mut numbers = Vec::new();
        for _ in 0..DATAGRAMS_PER_TURN {
            if !self.arrivals.is_readable() {
                break;
            }
            match self.receive() {
                Ok(Looked::For(number)) => numbers.push(number),
                Ok(Looked::Notice) => {}
                Ok(Looked::Nothing) => break,
                Err(reason) => self.counters.drop(reason),
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().for_each(|number| self.settle(number));
        self.wake_late();
        self.departures.flush(&mut self.socket, &mut self.counters);
        Ok(())
    }

    fn wake_late(&mut self) {
        let now = self.clock.now();
        if now < self.wake_at {
            return;
        }
        let mut next = now + Duration::from_secs(3_600);
        let numbers: Vec<u16> = self.seats.keys().copied().collect();
        for number in numbers {
            let due = |caller: &Caller<P>| caller.seats[&number].process.deadline().map(|(at, _)| at);
            if due(self).is_some_and(|at| at <= now) {
                self.hand_in(number, Input::Wake);
                self.settle(number);
            }
            next = due(self).map_or(next, |at| at.min(next));
        }
        self.wake_at = next;
    }

    fn hand_in(&mut self, number: u16, input: Input<P>) {
        let now = self.clock.now();
        let seat = self.seats.get_mut(&number).expect("only clients that were added are asked and answered");
        seat.process.handle(now, input, &mut seat.effects);
        if let Some((at, _)) = seat.process.deadline() {
            self.wake_at = self.wake_at.min(at);
        }
    }

    /// Does the effects of a client.
    fn settle(&mut self, number: u16) {
        let seat = self.seats.get_mut(&number).expect("it was handed something");
        let id = ProcessId::Client(number);
        self.notes.extend(seat.effects.notes.drain(..).map(|note| (id, note)));
        let records = seat.effects.records();
        assert!(records.is_empty(), "{id} keeps nothing, but appends {} records", records.len());
        assert!(seat.effects.stop.is_none(), "{id} is a client, and stops: {:?}", seat.effects.stop);
        let nothing = Offset::default();
        seat.outbox.absorb(&mut seat.effects, nothing, nothing, &mut self.ready, &mut self.spare);
        seat.effects.clear();
        while let Some(outgoing) = self.ready.pop_front() {
            match outgoing {
                Outgoing::Datagram(datagram) => self.send(datagram),
                Outgoing::Own(_) => panic!("{id} sends to itself, which no client does"),
            }
        }
    }

    fn send(&mut self, datagram: Box<Datagram>) {
        let ProcessId::Client(client) = datagram.from else {
            panic!("{} is no client", datagram.from);
        };
        for to in datagram.recipients() {
            match to.as_site().map(SiteId::index).filter(|site| *site < self.settings.addresses.len()) {
                None => self.counters.drop(Drop::NoAddress),
                Some(site) => self.send_to(site, client, &datagram.bytes, 0),
            }
        }
        self.spare.give(datagram);
    }

    fn send_to(&mut self, site: usize, client: u16, frame: &[u8], proofs: u8) {
        let own = self.seats.get(&client).and_then(|seat| seat.cookies[site]);
        let (cookie, party) = (own.unwrap_or(self.cookies[site]), Party::of(ProcessId::Client(client)));
        let is_sealed = self.sealer.seal_with(party, cookie, frame, &mut self.sealed);
        assert!(is_sealed, "a caller has the key of client {client}, which it added");
        let to = self.settings.addresses[site];
        self.departures.send(&mut self.socket, &self.sealed, to, &mut self.counters);
        let mut kept = Vec::new();
        while (self.sent_bytes + frame.len() > SENT_BYTES_MAX || self.sent.len() >= SENT_MAX)
            && let Some(oldest) = self.sent.pop_front()
        {
            self.sent_bytes -= oldest.frame.len();
            kept = oldest.frame;
        }
        kept.clear();
        kept.extend_from_slice(frame);
        self.sent_bytes += frame.len();
        self.sent.push_back(SentDatagram { count: self.sealer.count(), client, site, proofs, frame: kept });
    }
}
