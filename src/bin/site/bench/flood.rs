//! What garbage costs: datagrams that look like ours until they are opened, at the rate of honest requests.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench measures real time")]

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::bench::load::Load;
use crate::bench::ours::{Cluster, Recording};
use crate::bench::{Bench, table};
use crate::children::Folder;

/// As long as an honest request.
const GARBAGE_BYTES: usize = 300;

pub(crate) fn measure(arguments: &Bench, folder: &Folder) -> Result<(), Failure> {
    let cluster = Cluster::start(folder, 3, 1_200, arguments.sync_mode(), Recording::Off)?;
    for outstanding in &arguments.outstanding {
        let load = Load::new(*outstanding, arguments.milliseconds);
        let leader = cluster.leader()?;
        cluster.load(&load)?;
        let before = cluster.memory_mib(leader);
        let mut pairs = Vec::new();
        for _ in 0..arguments.pairs {
            let calm = cluster.load(&load)?;
            let stop = Arc::new(AtomicBool::new(false));
            let (target, seen) = (cluster.target(leader), stop.clone());
            let flood = thread::spawn(move || send(target, calm.commits_per_second, &seen));
            let flooded = cluster.load(&load);
            stop.store(true, Ordering::SeqCst);
            let sent = flood.join().map_err(|_| Failure::Run("the flood failed".into()))?;
            sent.map_err(|error| Failure::Run(format!("failed to send garbage: {error}")))?;
            pairs.push((calm, flooded?));
        }
        table::flood(arguments.json, *outstanding, &pairs, (before, cluster.memory_mib(leader)))?;
    }
    Ok(())
}

/// Sends so many a second, in bursts of a millisecond.
fn send(
    (to, head): (std::net::SocketAddr, Vec<u8>),
    per_second: f64,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    let mut garbage = head;
    garbage.resize(GARBAGE_BYTES, 0xa5);
    let start = Instant::now();
    let mut sent = 0.0;
    while !stop.load(Ordering::SeqCst) {
        while sent < start.elapsed().as_secs_f64() * per_second {
            socket.send_to(&garbage, to)?;
            sent += 1.0;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
