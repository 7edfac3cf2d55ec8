//! Measures what garbage costs: datagrams that look like ours until they are opened, at the rate of honest requests and
//! as a flood.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench measures real time")]

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aviary::frame::{self, Sender};
use aviary::ids::ProcessId;
use aviary::process::Recipients;
use aviary::udp::KeyNumber;
use aviary::udp::seal::{Party, SEAL_BYTES, Sealer};

use crate::bench::load::{Figures, Load};
use crate::bench::ours::{Recording, SiteCluster};
use crate::bench::{Bench, table};
use crate::children::Folder;
use crate::error::ProgramError;

/// The length of an honest request.
const REQUEST_BYTES: usize = 300;

/// The datagrams of a flood per second. Each has the length that crosses common networks unfragmented.
const FLOOD_PER_SECOND: f64 = 50_000.0;
const FLOOD_BYTES: usize = 1_200;

/// The kind of garbage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Garbage {
    /// To a socket that nobody reads: the cost to the machine of sending and losing it.
    Elsewhere,
    /// From a stranger: the site drops most of it unread.
    Strange,
    /// With the cookie of a client: the site opens each datagram, and finds a wrong seal.
    Opened,
}

/// The cost of one kind of garbage.
pub(crate) struct GarbageCost {
    pub(crate) garbage: Garbage,
    pub(crate) bytes: usize,
    /// Datagrams that were sent per second, at the median.
    pub(crate) per_second: f64,
    /// The results of loads without and with it, in turns.
    pub(crate) pairs: Vec<(Figures, Figures)>,
    /// The part of one processor that the site takes with nothing else to do, without and with the garbage.
    pub(crate) idle: (f64, f64),
}

pub(crate) fn measure(arguments: &Bench, folder: &Folder) -> Result<(), ProgramError> {
    let cluster = SiteCluster::start(folder, 3, 1_200, arguments.sync_mode(), Recording::Off)?;
    for outstanding in &arguments.outstanding {
        let load = Load::new(*outstanding, arguments.milliseconds);
        cluster.load(&load)?;
        let leader = cluster.leader()?;
        let before = cluster.memory_mib(leader);
        for (garbage, rate, bytes) in [
            (Garbage::Strange, None, REQUEST_BYTES),
            (Garbage::Elsewhere, Some(FLOOD_PER_SECOND), FLOOD_BYTES),
            (Garbage::Strange, Some(FLOOD_PER_SECOND), FLOOD_BYTES),
            (Garbage::Opened, Some(FLOOD_PER_SECOND), FLOOD_BYTES),
        ] {
            let leader = cluster.leader()?;
            let (mut pairs, mut rates) = (Vec::new(), Vec::new());
            for _ in 0..arguments.pairs {
                let calm = cluster.load(&load)?;
                let rate = rate.unwrap_or(calm.commits_per_second);
                let flood = Flood::start(&cluster, leader, garbage, rate, bytes)?;
                let flooded = cluster.load(&load);
                rates.push(flood.stop()?);
                pairs.push((calm, flooded?));
            }
            let rate = rate.unwrap_or_else(|| table::median(rates.clone()));
            let watched = Duration::from_millis(arguments.milliseconds);
            let calm = cluster.processor_share(leader, watched)?;
            let flood = Flood::start(&cluster, leader, garbage, rate, bytes)?;
            let flooded = cluster.processor_share(leader, watched);
            rates.push(flood.stop()?);
            let cost = GarbageCost {
                garbage,
                bytes,
                per_second: table::median(rates),
                pairs,
                idle: (calm, flooded?),
            };
            table::flood(arguments.json, *outstanding, &cost)?;
        }
        table::flood_memory(arguments.json, *outstanding, (before, cluster.memory_mib(leader)))?;
    }
    Ok(())
}

/// Garbage that is sent until it is stopped.
struct Flood {
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<std::io::Result<f64>>,
}

impl Flood {
    fn start(
        cluster: &SiteCluster,
        at: usize,
        garbage: Garbage,
        per_second: f64,
        bytes: usize,
    ) -> Result<Flood, ProgramError> {
        let failed = |error: std::io::Error| ProgramError::Run(format!("failed to send garbage: {error}"));
        let socket = UdpSocket::bind(("127.0.0.1", 0)).map_err(failed)?;
        let (mut to, head) = cluster.target(at);
        let mut datagram = head;
        datagram.resize(bytes, 0xa5);
        let nobody = UdpSocket::bind(("127.0.0.1", 0)).map_err(failed)?;
        match garbage {
            Garbage::Elsewhere => to = nobody.local_addr().map_err(failed)?,
            Garbage::Strange => {}
            Garbage::Opened => datagram = false_seal(cluster, &socket, to, bytes)?,
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = is_over.clone();
        let thread = thread::spawn(move || {
            let _open = nobody;
            send(&socket, &datagram, to, per_second, &seen)
        });
        Ok(Flood { is_over, thread })
    }

    /// Ends the flood. Returns the datagrams that were sent per second.
    fn stop(self) -> Result<f64, ProgramError> {
        self.is_over.store(true, Ordering::SeqCst);
        let sent = self.thread.join().map_err(|_| ProgramError::Run("the flood failed".into()))?;
        sent.map_err(|error| ProgramError::Run(format!("failed to send garbage: {error}")))
    }
}

/// A datagram with the cookie that the site gives to this socket, and with a wrong seal.
fn false_seal(
    cluster: &SiteCluster,
    socket: &UdpSocket,
    to: std::net::SocketAddr,
    bytes: usize,
) -> Result<Vec<u8>, ProgramError> {
    let failed = |error: std::io::Error| ProgramError::Run(format!("failed to get a cookie: {error}"));
    let party = Party::Client(KeyNumber::FIRST);
    let mut sealer = Sealer::of_clients(cluster.number(), &[cluster.key()], [0x5e; 32]);
    let (mut frame, mut sealed, mut answer) = (Vec::new(), Vec::new(), [0; 2_000]);
    let from = ProcessId::Client(*KeyNumber::FIRST.clients().end());
    let sender =
        Sender { cluster: cluster.number(), configuration: cluster.configuration(), from, incarnation: 1 };
    frame::Head::new(&sender).begin(&mut frame, Recipients::Sites(aviary::ids::SiteSet::first(3)));
    frame::seal(&mut frame);
    sealer.seal(party, &frame, &mut sealed);
    socket.set_read_timeout(Some(Duration::from_secs(5))).map_err(failed)?;
    socket.send_to(&sealed, to).map_err(failed)?;
    let length = socket.recv(&mut answer).map_err(failed)?;
    let challenge = sealer.open(&mut answer[..length]).ok().and_then(|opened| opened.challenge());
    let challenge = challenge.ok_or_else(|| ProgramError::Run("the site gave no cookie".into()))?;
    let body = vec![0xa5; bytes - SEAL_BYTES];
    sealer.seal_with(party, challenge.cookie, &body, &mut sealed);
    sealed[bytes - 1] ^= 1;
    Ok(sealed)
}

/// Sends this many datagrams per second, in bursts of a millisecond. Returns how many per second were sent.
fn send(
    socket: &UdpSocket,
    garbage: &[u8],
    to: std::net::SocketAddr,
    per_second: f64,
    is_over: &AtomicBool,
) -> std::io::Result<f64> {
    let start = Instant::now();
    let mut sent = 0.0;
    while !is_over.load(Ordering::SeqCst) {
        while sent < start.elapsed().as_secs_f64() * per_second && !is_over.load(Ordering::SeqCst) {
            socket.send_to(garbage, to)?;
            sent += 1.0;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(sent / start.elapsed().as_secs_f64())
}
