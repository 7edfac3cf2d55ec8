//! A proxy between real sites: one socket stands for each site, and what crosses it meets the simulator's rules.
//!
//! It holds the keys, so it opens a copy of each datagram to know sender, recipient, kinds and slots, and then forwards,
//! delays, drops, doubles or damages the bytes as they were sealed. What it draws is a function of its seed and of what
//! the datagram is ([`Crossing`]); only the time is that of the wall. It knows no protocol, and never makes a datagram.
//!
//! Sites say in `sites.ron` that they are where the proxy's sockets are, and listen elsewhere. Each client has a socket
//! here, to which sites answer.

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

/// Between whom a proxy stands.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// Which cluster.
    pub cluster: u64,
    /// The keys of its sites.
    pub keys: Keys,
    /// Where others send what is for each site: the proxy listens there.
    pub fronts: Vec<SocketAddr>,
    /// Where each site listens.
    pub behind: Vec<SocketAddr>,
    /// What everything is drawn from.
    pub seed: Seed,
}

/// A proxy that runs, until it is dropped.
pub struct Proxy {
    shared: Arc<ProxyShared>,
    waker: Waker,
    carrier: Option<JoinHandle<io::Result<()>>>,
}

/// What the thread that carries datagrams shares with those who tell it what to do.
pub(crate) struct ProxyShared {
    clock: mail::SinceStart,
    is_over: AtomicBool,
    state: Mutex<ProxyState>,
}

pub(crate) struct ProxyState {
    crossing: Crossing,
    counts: Counts,
    /// Who last said something of each kind.
    spoke: BTreeMap<&'static str, ProcessId>,
}

/// What became of datagrams, once per recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Came in and were opened.
    pub opened: u64,
    /// Came in and could not be opened, or had nobody here to go to. Those for a site went on as they were.
    pub opaque: u64,
    /// Went out: copies, whatever had happened to them.
    pub forwarded: u64,
    /// Could not be sent on.
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
    /// Binds the sockets and starts to carry, in a thread of its own. `M` is what sites and clients say.
    pub fn start<M: Wire + Label + 'static>(settings: ProxySettings) -> io::Result<Proxy> {
        let count = settings.fronts.len();
        let sites = (0..).take(count).filter_map(SiteId::new).fold(SiteSet::EMPTY, SiteSet::with);
        if settings.behind.len() != count || sites.len() != count {
            return Err(io::Error::other(
                "each site needs an address in front of the proxy and one behind it",
            ));
        }
        let crossing = Crossing::new(settings.seed, sites, calm());
        let state = ProxyState { crossing, counts: Counts::default(), spoke: BTreeMap::new() };
        let shared = Arc::new(ProxyShared {
            clock: mail::SinceStart::start(),
            is_over: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        let (mut carrier, waker) = Carrier::<M>::start(settings, shared.clone())?;
        let thread = std::thread::Builder::new().name("proxy".into()).spawn(move || carrier.carry())?;
        Ok(Proxy { shared, waker, carrier: Some(thread) })
    }

    /// The proxy's time, by which rules have their windows.
    pub fn now(&self) -> Instant {
        self.shared.clock.now()
    }

    /// Changes the weather.
    ///
    /// # Panics
    /// When `network` has a bandwidth.
    pub fn set_network(&self, network: NetworkSettings) {
        self.shared.state().crossing.set_network(network);
    }

    /// Adds a rule behind the others. Its `Leader` is who sent a `Heartbeat` last.
    pub fn add(&self, rule: LinkRule) -> Result<(), Unfit> {
        let leader = self.last_to_say("Heartbeat").and_then(ProcessId::as_site);
        self.shared.state().crossing.add(rule, self.now(), leader)
    }

    /// Forgets all rules, and calms the weather. What is under way stays under way.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        state.crossing.clear();
        state.crossing.set_network(calm());
    }

    /// Who said something of this kind last.
    pub fn last_to_say(&self, kind: &str) -> Option<ProcessId> {
        self.shared.state().spoke.get(kind).copied()
    }

    /// What became of datagrams.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// How many datagrams each rule touched, by its name, and each kind of mishap.
    pub fn touched(&self) -> BTreeMap<String, u64> {
        self.shared.state().crossing.touched().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // A carrier that has failed needs no waking, and told its error by its silence.
        let _ = self.waker.wake();
        let _ = self.carrier.take().map(JoinHandle::join);
    }
}
