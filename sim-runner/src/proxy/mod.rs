//! A proxy between real sites: one socket stands for each site, and the simulator's rules apply to all datagrams.
//!
//! The proxy holds the keys, so it opens a copy of each datagram to read sender, recipient, kinds and slots. Then it
//! forwards, delays, drops, doubles or damages the sealed bytes. Its draws depend only on its seed and on the datagram
//! ([`Crossing`]); only time is wall time. It knows no protocol, and never creates a datagram.
//!
//! In `sites.ron` the sites have the addresses of the proxy's sockets, but they listen elsewhere. Each client has a
//! socket here, to which sites answer.

mod carrier;
mod mail;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use aviary::ids::{ProcessId, SiteId, SiteSet};
use aviary::mix::Seed;
use aviary::process::Label;
use aviary::sim::{Crossing, LinkLatency, LinkRule, NetworkSettings, Unfit};
use aviary::time::{Duration, Instant};
use aviary::udp::Keys;
use aviary::wire::Wire;
use mio::Waker;

use carrier::Carrier;

/// The cluster that a proxy serves.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// The number of the cluster.
    pub cluster: u64,
    /// The keys of the cluster's sites.
    pub keys: Keys,
    /// For each site, the address to which others send; the proxy listens there.
    pub fronts: Vec<SocketAddr>,
    /// For each site, the address where it listens.
    pub behind: Vec<SocketAddr>,
    /// The seed of all draws.
    pub seed: Seed,
}

/// A running proxy; it ends when it is dropped.
pub struct Proxy {
    shared: Arc<ProxyShared>,
    waker: Waker,
    carrier: Option<JoinHandle<io::Result<()>>>,
}

/// State shared between the thread that carries datagrams and the threads that control it.
pub(crate) struct ProxyShared {
    clock: mail::SinceStart,
    is_over: AtomicBool,
    state: Mutex<ProxyState>,
}

pub(crate) struct ProxyState {
    crossing: Crossing,
    counts: Counts,
    /// The last sender of each kind of message.
    last_senders: BTreeMap<&'static str, ProcessId>,
}

/// Counts of datagrams, once per recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Datagrams that arrived and could be opened.
    pub opened: u64,
    /// Datagrams that arrived and could not be opened, or had no recipient here. Those for a site were forwarded
    /// unchanged.
    pub opaque: u64,
    /// Copies that were sent on, whatever faults they had.
    pub forwarded: u64,
    /// Copies that could not be sent on.
    pub failed: u64,
}

/// No faults: everything passes at once.
pub fn calm() -> NetworkSettings {
    NetworkSettings::calm(LinkLatency::Constant(Duration::ZERO))
}

impl ProxyShared {
    pub(crate) fn state(&self) -> MutexGuard<'_, ProxyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Binds the sockets and starts a thread that carries datagrams. `M` is the message type of sites and clients.
    pub fn start<M: Wire + Label + 'static>(settings: ProxySettings) -> io::Result<Proxy> {
        let count = settings.fronts.len();
        let sites = (0..).take(count).filter_map(SiteId::new).fold(SiteSet::EMPTY, SiteSet::with);
        if settings.behind.len() != count || sites.len() != count {
            return Err(io::Error::other(
                "each site needs an address in front of the proxy and one behind it",
            ));
        }
        let crossing = Crossing::new(settings.seed, sites, calm());
        let state = ProxyState { crossing, counts: Counts::default(), last_senders: BTreeMap::new() };
        let shared = Arc::new(ProxyShared {
            clock: mail::SinceStart::start(),
            is_over: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        let (mut carrier, waker) = Carrier::<M>::start(settings, shared.clone())?;
        let thread = std::thread::Builder::new().name("proxy".into()).spawn(move || carrier.carry())?;
        Ok(Proxy { shared, waker, carrier: Some(thread) })
    }

    /// The proxy's time, on which the windows of rules are based.
    pub fn now(&self) -> Instant {
        self.shared.clock.now()
    }

    /// Replaces the network settings.
    ///
    /// # Panics
    /// When `network` has a bandwidth.
    pub fn set_network(&self, network: NetworkSettings) {
        self.shared.state().crossing.set_network(network);
    }

    /// Adds a rule after the others. The `Leader` in it is the last sender of a `Heartbeat`.
    pub fn add(&self, rule: LinkRule) -> Result<(), Unfit> {
        let leader = self.last_sender_of("Heartbeat").and_then(ProcessId::as_site);
        self.shared.state().crossing.add(rule, self.now(), leader)
    }

    /// Removes all rules and network faults. Datagrams in flight stay in flight.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        state.crossing.clear();
        state.crossing.set_network(calm());
    }

    /// The last sender of a message of this kind.
    pub fn last_sender_of(&self, kind: &str) -> Option<ProcessId> {
        self.shared.state().last_senders.get(kind).copied()
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// The number of datagrams that each rule, by its name, and each kind of link fault affected.
    pub fn touched(&self) -> BTreeMap<String, u64> {
        self.shared.state().crossing.touched().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // A carrier that has failed needs no waking; its error is dropped.
        let _ = self.waker.wake();
        let _ = self.carrier.take().map(JoinHandle::join);
    }
}
