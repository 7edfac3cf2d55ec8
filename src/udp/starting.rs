//! Answers clients while a site reads its journal. Until the journal is read, the site takes part in nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use mio::{Events, Interest, Poll, Token, Waker};

use super::clock::Clock;
use super::counters::Counters;
use super::keys::Keys;
use super::notices::Notice;
use super::runs::{Arrivals, Departures};
use super::seal::{Opened, Party, SEAL_BYTES, Sealer};
use super::socket::OffloadSocket;
use super::strangers::Strangers;
use crate::frame::FRAME_BYTES;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// The time before the first answer. Most journals are read sooner, and datagrams wait in the socket for the site
/// itself.
const GRACE: core::time::Duration = core::time::Duration::from_millis(200);

/// Answers clients from a site's socket, in a thread of its own, until it is dropped. Datagrams that it takes from the
/// socket are lost to the site, as if the network had lost them.
#[derive(Debug)]
pub struct Starting {
    is_over: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Starting {
    /// Starts to answer on `socket` for a site of this cluster, with these keys and this limit on datagrams, in bytes.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn answer(
        socket: &OffloadSocket,
        cluster: u64,
        keys: &Keys,
        datagram_max: usize,
    ) -> io::Result<Starting> {
        let mut socket = socket.share()?;
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let is_over = Arc::new(AtomicBool::new(false));
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        let salt = getrandom::u64().map_err(io::Error::other)?;
        let mut desk = StartingDesk {
            clock: Clock::start(),
            socket,
            arrivals: Arrivals::default(),
            sealer: Sealer::new(cluster, keys, seed),
            strangers: Strangers::new(Vec::new(), salt),
            datagram_max,
            sealed: Vec::new(),
        };
        let ends = is_over.clone();
        let run = move || desk.run(poll, &ends);
        let thread = thread::Builder::new().name("starting".into()).spawn(run)?;
        Ok(Starting { is_over, waker, thread: Some(thread) })
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // The thread also looks by itself.
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct StartingDesk {
    clock: Clock,
    socket: OffloadSocket,
    arrivals: Arrivals,
    sealer: Sealer,
    strangers: Strangers,
    datagram_max: usize,
    sealed: Vec<u8>,
}

impl StartingDesk {
    fn run(&mut self, mut poll: Poll, is_over: &AtomicBool) {
        let mut events = Events::with_capacity(4);
        let (mut counters, mut departures) = (Counters::default(), Departures::default());
        let start = self.clock.now();
        let grace = crate::time::Duration::from_micros(u64::try_from(GRACE.as_micros()).unwrap_or(u64::MAX));
        while !is_over.load(Ordering::SeqCst) {
            // This returns at a datagram, at the end, and when the grace period is over.
            if let Err(error) = poll.poll(&mut events, Some(GRACE))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::debug!(%error, "clients are not told that the journal is read");
                return;
            }
            if self.clock.now().since(start) < grace {
                continue;
            }
            self.arrivals.report();
            while !is_over.load(Ordering::SeqCst) && self.arrivals.is_readable() {
                if let Ok(Some((place, source))) = self.arrivals.next(&mut self.socket)
                    && self.take(place, source)
                {
                    departures.send(&mut self.socket, &self.sealed, source, &mut counters);
                }
            }
            departures.flush(&mut self.socket, &mut counters);
        }
    }

    /// Seals the answer to the datagram at `place`. False if it gets none: only clients do.
    fn take(&mut self, place: core::ops::Range<usize>, source: SocketAddr) -> bool {
        if place.len() > self.datagram_max + SEAL_BYTES || place.len() < FRAME_BYTES + SEAL_BYTES {
            return false;
        }
        let bytes = self.arrivals.bytes(place);
        let Ok(claim) = self.sealer.claim(bytes) else { return false };
        let Party::Client(key) = claim.party else { return false };
        if !self.strangers.may_open(self.clock.now(), source) {
            return false;
        }
        let Ok(Opened { count, .. }) = self.sealer.open(bytes) else { return false };
        self.sealer.notify(key, &Notice::Starting { count }, &mut self.sealed)
    }
}
