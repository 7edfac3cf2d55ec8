//! Starts and serves one real site.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ids::SiteId;
use crate::mix::Seed;
use crate::process::Process;
use crate::replicated::real::{RealError, random, terms};
use crate::replicated::sites_ron::Sites;
use crate::replicated::{Config, Machine};
use crate::udp::{
    CLIENT_MASTER_KEY, CLUSTER_KEY, Files, Host, HostSettings, Key, KeyError, KeyKind, Keys, OffloadSocket,
    Recorder, Socket, Starting,
};

/// The most bytes that may wait for one sync before a site takes nothing more.
const OUTBOX_MAX: usize = 1 << 20;

/// Opens site `me` of these, on the storage in `data`, with this socket.
///
/// # Errors
/// When the storage is another cluster's, is damaged or was made for other limits.
pub fn open<M: Machine, P: Process<Config = Config>, S: Socket>(
    sites: &Sites,
    me: SiteId,
    keys: Keys,
    (data, disk): (&Path, Files),
    socket: S,
    recorder: Option<Recorder<P>>,
) -> Result<Host<P, Files, S>, RealError> {
    let of_storage = |error: String| RealError::Failed(format!("storage in {}: {error}", data.display()));
    terms::check(data, sites).map_err(of_storage)?;
    let config = sites.config.clone();
    let settings = HostSettings {
        cluster: sites.cluster,
        configuration: sites.configuration(),
        me,
        addresses: sites.addresses(),
        record_max: config.record_bytes_max::<M>(),
        datagram_max: config.datagram_max,
        config,
        keys,
        outbox_max: OUTBOX_MAX,
        sync_mode: sites.sync,
        seed: Seed(random("a seed")?),
    };
    Host::start_recorded(settings, socket, disk, recorder).map_err(|error| of_storage(error.to_string()))
}

/// As [`open`]. Meanwhile the site answers clients that it reads its journal.
///
/// # Errors
/// Those of [`open`], and when the operating system refuses.
pub fn open_and_announce<M: Machine, P: Process<Config = Config>>(
    sites: &Sites,
    me: SiteId,
    keys: Keys,
    storage: (&Path, Files),
    socket: OffloadSocket,
    recorder: Option<Recorder<P>>,
) -> Result<Host<P, Files, OffloadSocket>, RealError> {
    let starting = Starting::answer(&socket, sites.cluster, &keys, sites.config.datagram_max);
    let starting = starting.map_err(|error| {
        RealError::Failed(format!("failed to answer clients while the journal is read: {error}"))
    })?;
    let opened = open::<M, P, _>(sites, me, keys, storage, socket, recorder);
    drop(starting);
    opened
}

/// Makes a write beyond the limit on a file's size (`ulimit -f`) fail, instead of ending the program.
///
/// # Errors
/// When the operating system refuses.
pub fn outlive_file_limits() -> io::Result<()> {
    // The code that writes checks the error.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false))).map(drop)
}

/// Starts site `id` of the cluster whose files [`init`](super::init) wrote to `dir`.
///
/// # Errors
/// When a file is wrong or missing, the address is taken, or another program serves the site.
pub fn start<M: Machine, P: Process<Config = Config>>(dir: &Path, id: u8) -> Result<Serving<P>, RealError> {
    let wrong = |error: &dyn std::fmt::Display| RealError::Wrong(error.to_string());
    outlive_file_limits()
        .map_err(|error| RealError::Failed(format!("failed to watch for signals: {error}")))?;
    let sites = Sites::read(&dir.join("sites.ron")).map_err(|error| wrong(&error))?;
    let me = sites.site(id).ok_or_else(|| {
        let last = sites.members.len() - 1;
        RealError::Wrong(format!("there is no site {id} in {}: they are 0 to {last}", dir.display()))
    })?;
    let key = |name, kind| Key::read(&dir.join(name), kind).map_err(|error: KeyError| wrong(&error));
    let keys = Keys {
        sites: Some(key(CLUSTER_KEY, KeyKind::Cluster)?),
        client_master: Some(key(CLIENT_MASTER_KEY, KeyKind::ClientMaster)?),
        denied: sites.denied,
    };
    let data = dir.join(format!("site-{id}"));
    let disk = Files::open(&data).map_err(|error| RealError::Failed(error.to_string()))?;
    let address = sites.members[me.index()].address;
    let socket = OffloadSocket::bind(address)
        .map_err(|error| RealError::Failed(format!("failed to listen on {address}: {error}")))?;
    open_and_announce::<M, P>(&sites, me, keys, (&data, disk), socket, None).map(|host| Serving { host, me })
}

/// A site that runs while its program serves it, [until a signal comes](Serving::until_a_signal).
pub struct Serving<P: Process> {
    host: Host<P, Files, OffloadSocket>,
    me: SiteId,
}

impl<P: Process> Serving<P> {
    /// Serves until SIGINT or SIGTERM, then syncs what the site took and ends. Even `kill -9` loses nothing that was
    /// acknowledged.
    ///
    /// # Errors
    /// When the disk or the socket fails. The site acknowledges nothing after that.
    pub fn until_a_signal(mut self) -> Result<(), RealError> {
        let is_over = Arc::new(AtomicBool::new(false));
        let failed = |error: io::Error| RealError::Failed(format!("failed to watch for signals: {error}"));
        self.watch(&is_over).map_err(failed)?;
        let me = self.me;
        let stopped = |error| RealError::Failed(format!("{me} stopped: {error}"));
        while !is_over.load(Ordering::SeqCst) {
            self.host.turn(None).map_err(stopped)?;
            drop(self.host.take_notes());
        }
        self.host.stop().map_err(stopped)
    }

    fn watch(&self, is_over: &Arc<AtomicBool>) -> io::Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let (waker, is_over) = (self.host.waker(), is_over.clone());
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
        let wait = move || {
            for _ in signals.forever() {
                is_over.store(true, Ordering::SeqCst);
                // Without a host there is nothing to wake.
                let _ = waker.wake();
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(wait).map(|_| ())
    }
}
