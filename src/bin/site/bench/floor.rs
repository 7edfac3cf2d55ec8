//! The bare program: what any replicated log on datagrams and disks has to do, and nothing else.
//!
//! One leader takes events from clients, one per datagram. In a turn it takes all events that are there, sends them to
//! each acceptor in as few datagrams as the limit allows, writes them to its own file and syncs. Meanwhile the
//! acceptors write and sync too, and answer with one datagram per turn. Once a majority has synced, each client gets
//! its answer. Datagrams are sealed like those of sites. There are no ballots, sessions, retries or restarts: it is a
//! limit, not a protocol.
//!
//! There are two variants, by [`Calls`]. Most programs make one system call per datagram. Sites and their clients make
//! one per run of datagrams to one address, where there is a run.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use aviary::replicated::real;
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::timeline::Timeline;
use aviary::udp::seal::{Party, SEAL_BYTES, Sealer};
use aviary::udp::{
    Arrivals, CLIENT_KEY, ClientKey, Counters, Departures, KeyNumber, Keys, OffloadSocket, Socket, socket,
};
use mio::{Events, Interest, Poll, Token};

use crate::bench::load::{Figures, Load, LoadTimes, TEXT_BYTES};
use crate::children::{Children, Folder, loopback};
use crate::error::ProgramError;

/// The length of the file of each part, which is written over and over.
const FILE_BYTES: u64 = 64 << 20;

/// The length of an event: the client's number, the name of a user and a text.
const EVENT_BYTES: usize = 2 + 3 + TEXT_BYTES;

/// The key of all its clients, which `init` wrote.
const CLIENTS: Party = Party::Client(KeyNumber::FIRST);

/// The most datagrams of one turn, as at a site.
const TURN: usize = 512;

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> ProgramError {
    move |error| ProgramError::Run(format!("failed to {what}: {error}"))
}

/// How datagrams cross the socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Calls {
    /// One datagram per call.
    Single,
    /// Runs of datagrams, as at sites.
    Runs,
}

/// A socket, its key and its events.
struct FloorSocket {
    calls: Calls,
    socket: Box<dyn Socket>,
    poll: Poll,
    events: Events,
    sealer: Sealer,
    arrivals: Arrivals,
    departures: Departures,
    sealed: Vec<u8>,
    /// Not read: clients ask again for what gets lost.
    counters: Counters,
}

impl FloorSocket {
    fn bind(
        seal: impl FnOnce([u8; 32]) -> Sealer,
        address: SocketAddr,
        calls: Calls,
    ) -> Result<FloorSocket, ProgramError> {
        let socket = match calls {
            Calls::Single => socket::bind(address).map(|socket| Box::new(socket) as Box<dyn Socket>),
            Calls::Runs => OffloadSocket::bind(address).map(|socket| Box::new(socket) as Box<dyn Socket>),
        };
        let mut socket = socket.map_err(failed("listen"))?;
        let poll = Poll::new().map_err(failed("make a poll"))?;
        poll.registry()
            .register(&mut socket, Token(0), Interest::READABLE)
            .map_err(failed("watch a socket"))?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)
            .map_err(|error| ProgramError::Run(format!("failed to draw a seed: {error}")))?;
        let sealer = seal(seed);
        let events = Events::with_capacity(4);
        Ok(FloorSocket {
            calls,
            socket,
            poll,
            events,
            sealer,
            arrivals: Arrivals::default(),
            departures: Departures::default(),
            sealed: Vec::new(),
            counters: Counters::default(),
        })
    }

    fn wait(&mut self, timeout: Option<core::time::Duration>) -> Result<(), ProgramError> {
        let timeout = if self.arrivals.is_readable() { Some(core::time::Duration::ZERO) } else { timeout };
        self.poll.poll(&mut self.events, timeout).map_err(failed("wait"))?;
        if !self.events.is_empty() {
            self.arrivals.report();
        }
        Ok(())
    }

    /// The key, the frame and the source of the next datagram; `Some(None)` if it does not open, `None` if there is
    /// none.
    fn receive(&mut self) -> Option<Option<(Party, &[u8], SocketAddr)>> {
        let (place, from) = self.arrivals.next(&mut *self.socket).ok()??;
        let opened = self.sealer.open(self.arrivals.bytes(place)).ok();
        Some(opened.map(|opened| (opened.party, opened.frame, from)))
    }

    fn send(&mut self, party: Party, bytes: &[u8], to: &[SocketAddr]) {
        self.sealer.seal(party, bytes, &mut self.sealed);
        for to in to {
            match self.calls {
                Calls::Single => drop(self.socket.send(&self.sealed, *to)),
                Calls::Runs => {
                    self.departures.send(&mut *self.socket, &self.sealed, *to, &mut self.counters);
                }
            }
        }
    }

    /// Sends datagrams that wait for others of their run.
    fn flush(&mut self) {
        self.departures.flush(&mut *self.socket, &mut self.counters);
    }
}

/// A file whose every write is synced.
struct SyncedFile {
    file: File,
    at: u64,
}

impl SyncedFile {
    fn create(path: &Path) -> Result<SyncedFile, ProgramError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let file = file.map_err(failed("make a file"))?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, FILE_BYTES)
            .map_err(|error| failed("reserve space")(error.into()))?;
        // Blocks that were only reserved are synced more slowly; see the journal's files.
        let zeros = vec![0; 1 << 20];
        for at in (0..FILE_BYTES).step_by(zeros.len()) {
            file.write_all_at(&zeros, at).map_err(failed("write"))?;
        }
        file.sync_all().map_err(failed("sync"))?;
        Ok(SyncedFile { file, at: 0 })
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), ProgramError> {
        if self.at + bytes.len() as u64 > FILE_BYTES {
            self.at = 0;
        }
        self.file.write_all_at(bytes, self.at).map_err(failed("write"))?;
        self.at += bytes.len() as u64;
        self.file.sync_data().map_err(failed("sync"))
    }
}

/// The number of small syncs per second that the file system does, one after another.
pub(crate) fn sync_rate(path: &Path) -> Result<f64, ProgramError> {
    let mut log = SyncedFile::create(path)?;
    let load = Load::new(1, 500);
    let mut watch = load.start();
    while !watch.is_over() {
        log.keep(&[1; EVENT_BYTES])?;
        watch.answered(0);
    }
    watch.figures().map(|figures| figures.commits_per_second).map_err(ProgramError::Run)
}

/// Runs one part of it; part 0 leads.
pub(crate) fn run(config: &Path, id: u8, file: &Path, calls: Calls) -> Result<(), ProgramError> {
    let sites = Sites::read(config)?;
    let keys = Keys::read(config.parent().unwrap_or(Path::new(".")));
    let keys = keys.map_err(|error| ProgramError::Usage(error.to_string()))?;
    let addresses = sites.addresses();
    let net =
        FloorSocket::bind(|seed| Sealer::new(sites.cluster, &keys, seed), addresses[usize::from(id)], calls)?;
    let log = SyncedFile::create(file)?;
    match addresses.split_first() {
        Some((_, acceptors)) if id == 0 => lead(net, log, acceptors, sites.datagram_max - SEAL_BYTES),
        _ => accept(net, log, addresses[0]),
    }
}

/// Batches that wait for a majority: the number of each, and the clients to answer.
type Waiting = std::collections::VecDeque<(u64, Vec<(SocketAddr, [u8; 2])>)>;

fn lead(
    mut net: FloorSocket,
    mut log: SyncedFile,
    acceptors: &[SocketAddr],
    datagram_max: usize,
) -> Result<(), ProgramError> {
    let (mut batches, mut waiting) = (0u64, Waiting::new());
    let mut synced = vec![0u64; acceptors.len() + 1];
    loop {
        net.wait(None)?;
        let (mut batch, mut clients) = (Vec::new(), Vec::new());
        for _ in 0..TURN {
            match net.receive() {
                Some(Some((Party::Client(_), event, from))) => {
                    clients.push((from, [event[0], event[1]]));
                    batch.extend_from_slice(event);
                }
                Some(Some((Party::Sites, answer, from))) => {
                    if let (Some(at), Some(number)) =
                        (acceptors.iter().position(|other| *other == from), answer.first_chunk())
                    {
                        synced[at + 1] = synced[at + 1].max(u64::from_le_bytes(*number));
                    }
                }
                None => break,
                Some(None) => {}
            }
        }
        if !batch.is_empty() {
            let piece = (datagram_max - 8) / EVENT_BYTES * EVENT_BYTES;
            let pieces = batch.chunks(piece).count() as u64;
            for (at, events) in (1..).zip(batch.chunks(piece)) {
                let mut datagram = (batches + at).to_le_bytes().to_vec();
                datagram.extend_from_slice(events);
                net.send(Party::Sites, &datagram, acceptors);
            }
            batches += pieces;
            net.flush();
            waiting.push_back((batches, clients));
            log.keep(&batch)?;
            synced[0] = batches;
        }
        let mut sorted = synced.clone();
        sorted.sort_unstable();
        // The last batch that a majority has synced.
        let majority = sorted[(synced.len() - 1) / 2];
        while waiting.front().is_some_and(|(number, _)| *number <= majority) {
            for (client, number) in waiting.pop_front().into_iter().flat_map(|(_, clients)| clients) {
                net.send(CLIENTS, &number, &[client]);
            }
        }
        net.flush();
    }
}

fn accept(mut net: FloorSocket, mut log: SyncedFile, leader: SocketAddr) -> Result<(), ProgramError> {
    loop {
        net.wait(None)?;
        let (mut batch, mut last) = (Vec::new(), 0);
        for _ in 0..TURN {
            match net.receive() {
                Some(Some((_, datagram, _))) => {
                    if let Some((number, events)) = datagram.split_first_chunk() {
                        last = u64::from_le_bytes(*number).max(last);
                        batch.extend_from_slice(events);
                    }
                }
                None => break,
                Some(None) => {}
            }
        }
        if !batch.is_empty() {
            log.keep(&batch)?;
            net.send(Party::Sites, &last.to_le_bytes(), &[leader]);
            net.flush();
        }
    }
}

/// The bare program, running.
pub(crate) struct FloorCluster {
    calls: Calls,
    sites: Sites,
    dir: PathBuf,
    running: Children,
}

impl FloorCluster {
    pub(crate) fn start(
        folder: &Folder,
        count: u8,
        datagram_max: usize,
        calls: Calls,
    ) -> Result<FloorCluster, ProgramError> {
        let dir = folder.path().join(format!("bare-{calls:?}-{count}-{datagram_max}"));
        let sites = loopback(count)?.with_datagram_max(datagram_max).map_err(ProgramError::Usage)?;
        real::init::<Timeline>(&dir, &sites)?;
        let part = |id: u8| {
            let [config, file] = [dir.join("sites.ron"), dir.join(format!("file-{id}"))];
            let (config, file) = (config.display().to_string(), file.display().to_string());
            let calls = if calls == Calls::Runs { "runs" } else { "single" };
            let place = ["bench-part", "--config", &config, "--id", &id.to_string(), "--file", &file];
            place.into_iter().chain(["--calls", calls]).map(str::to_owned).collect()
        };
        let running = Children::start((0..count).map(part))?;
        Ok(FloorCluster { calls, sites, dir, running })
    }

    pub(crate) fn load(&self, load: &Load) -> Result<Figures, ProgramError> {
        let key = ClientKey::read(&self.dir.join(CLIENT_KEY));
        let key = [key.map_err(|error| ProgramError::Run(error.to_string()))?];
        let figures = load.run(|clients, watch| self.ask(&key, clients, watch));
        self.running.check()?;
        figures
    }

    /// Asks over one socket, in the name of these clients.
    fn ask(&self, key: &[ClientKey], clients: Range<u16>, watch: &mut LoadTimes) -> Result<(), ProgramError> {
        let seal = |seed| Sealer::of_clients(self.sites.cluster, key, seed);
        let mut net = FloorSocket::bind(seal, SocketAddr::from(([0, 0, 0, 0], 0)), self.calls)?;
        let leader = self.sites.members[0].address;
        let event = |client: u16| {
            let mut event = client.to_le_bytes().to_vec();
            event.resize(EVENT_BYTES, b'x');
            event
        };
        clients.clone().for_each(|client| net.send(CLIENTS, &event(client), &[leader]));
        while !watch.is_over() {
            net.flush();
            net.wait(Some(core::time::Duration::from_millis(20)))?;
            let mut answered = Vec::new();
            for _ in 0..TURN {
                match net.receive() {
                    Some(Some((_, number, _))) => {
                        answered.extend(number.first_chunk().map(|number| u16::from_le_bytes(*number)));
                    }
                    None => break,
                    Some(None) => {}
                }
            }
            if answered.is_empty() {
                answered.extend(clients.clone().filter(|client| watch.is_late((*client).into())));
                answered.iter().for_each(|client| net.send(CLIENTS, &event(*client), &[leader]));
                continue;
            }
            for client in answered.into_iter().filter(|client| clients.contains(client)) {
                watch.answered(client.into());
                net.send(CLIENTS, &event(client), &[leader]);
            }
        }
        Ok(())
    }
}
