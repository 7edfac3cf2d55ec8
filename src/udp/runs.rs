//! Runs: datagrams that cross the socket in one call. When short datagrams were sent one by one, the operating system
//! took a third of a loaded leader's time for them, and half of its clients' time.
//!
//! Datagrams of one turn to one address, such as another site or a program that many clients share, leave in runs of
//! equal length, also where datagrams to others come between them.
//! Datagrams that one call took from the socket are handed over one by one.

use core::ops::Range;
use std::io;
use std::net::SocketAddr;

use super::counters::{Counters, Drop};
use super::socket::{Received, Socket};

/// Takes datagrams from a socket, and hands them over one by one.
#[derive(Debug)]
pub struct Arrivals {
    buffer: Vec<u8>,
    /// The part of the buffer that is not handed over yet.
    rest: Range<usize>,
    length: usize,
    from: Option<SocketAddr>,
    /// Whether the socket may hold more. Readiness is reported once, so the socket is then read until it is empty.
    is_readable: bool,
}

/// Longer than the longest run, in bytes: UDP has lengths of 16 bits.
const BUFFER_BYTES: usize = 1 << 16;

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals { buffer: vec![0; BUFFER_BYTES], rest: 0..0, length: 0, from: None, is_readable: true }
    }
}

impl Arrivals {
    /// Whether there may be a next datagram without waiting.
    pub fn is_readable(&self) -> bool {
        self.is_readable || !self.rest.is_empty()
    }

    /// Notes that the socket was reported to be readable.
    pub fn report(&mut self) {
        self.is_readable = true;
    }

    /// The place of the next datagram in the buffer, and its source. `None` if the socket is empty.
    pub fn next(
        &mut self,
        socket: &mut (impl Socket + ?Sized),
    ) -> io::Result<Option<(Range<usize>, SocketAddr)>> {
        if self.rest.is_empty() {
            let received = loop {
                match socket.receive(&mut self.buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    received => break received,
                }
            };
            let Received { bytes, length, from } = match received {
                Ok(received) => received,
                Err(error) => {
                    self.is_readable = false;
                    return if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) };
                }
            };
            (self.rest, self.length, self.from) = (0..bytes.min(self.buffer.len()), length, Some(from));
        }
        let end = self.rest.end.min(self.rest.start + self.length);
        let place = self.rest.start..end;
        self.rest.start = end;
        Ok(self.from.map(|from| (place, from)))
    }

    /// The datagram at a place that [`Arrivals::next`] returned, valid until the next call of `next`.
    pub fn bytes(&mut self, place: Range<usize>) -> &mut [u8] {
        &mut self.buffer[place]
    }
}

/// Outgoing datagrams, those to one address in order. It keeps none beyond the next [`Departures::flush`].
#[derive(Debug, Default)]
pub struct Departures {
    /// One run per address. Those from `open` on are empty, and keep their memory.
    runs: Vec<Run>,
    open: usize,
}

/// Datagrams to one address that leave together.
#[derive(Debug)]
struct Run {
    to: SocketAddr,
    bytes: Vec<u8>,
    /// The length of each datagram but the last, in bytes.
    length: usize,
    count: u64,
    /// Whether the last datagram is shorter than the others, so that no further one joins.
    is_complete: bool,
}

/// The most addresses that datagrams wait for at once: the other sites, and a program of clients.
const OPEN_MAX: usize = 9;

/// Datagrams longer than this many bytes leave alone. The network never fragments datagrams of a run, and this length
/// fits the smallest packet that every network carries (IPv6: 1,280 bytes).
const SHORT: usize = 1_232;

/// The most datagrams that Linux takes in one call.
const RUN_MAX: u64 = 64;

/// The most bytes of a run: with the headers, Linux takes no more in one call.
const RUN_BYTES_MAX: usize = 65_000;

impl Departures {
    /// Sends a datagram, at once or together with later ones. A datagram that cannot leave is lost, and counted.
    pub fn send(
        &mut self,
        socket: &mut (impl Socket + ?Sized),
        bytes: &[u8],
        to: SocketAddr,
        counters: &mut Counters,
    ) {
        // Neighbours often go to one address.
        if let Some(run) = self.runs[..self.open].iter_mut().rfind(|run| run.to == to) {
            if !run.takes(bytes) {
                run.leave(socket, counters);
            }
            run.push(bytes);
            return;
        }
        if self.open == OPEN_MAX {
            self.flush(socket, counters);
        }
        if self.open == self.runs.len() {
            self.runs.push(Run { to, bytes: Vec::new(), length: 0, count: 0, is_complete: false });
        }
        let run = &mut self.runs[self.open];
        run.to = to;
        run.push(bytes);
        self.open += 1;
    }

    /// Sends the datagrams that wait.
    pub fn flush(&mut self, socket: &mut (impl Socket + ?Sized), counters: &mut Counters) {
        self.runs[..self.open].iter_mut().for_each(|run| run.leave(socket, counters));
        self.open = 0;
    }
}

impl Run {
    /// Whether a datagram may join those that wait.
    fn takes(&self, bytes: &[u8]) -> bool {
        !self.is_complete
            && !bytes.is_empty()
            && bytes.len() <= self.length
            && self.length <= SHORT
            && self.count < RUN_MAX
            && self.bytes.len() + bytes.len() <= RUN_BYTES_MAX
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.count == 0 {
            self.length = bytes.len();
        }
        self.is_complete = bytes.len() < self.length;
        self.bytes.extend_from_slice(bytes);
        self.count += 1;
    }

    /// Sends what waits.
    fn leave(&mut self, socket: &mut (impl Socket + ?Sized), counters: &mut Counters) {
        let (bytes, to) = (&self.bytes, self.to);
        if self.count == 1 {
            send(socket, bytes, to, counters);
        } else {
            match socket.send_run(bytes, self.length, to) {
                Ok(()) => counters.sent += self.count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    (0..self.count).for_each(|_| counters.drop(Drop::SendBlocked));
                }
                // A run may fail where single datagrams do not, as on a network card that cannot split runs.
                Err(_) => bytes.chunks(self.length).for_each(|one| send(socket, one, to, counters)),
            }
        }
        self.bytes.clear();
        self.count = 0;
    }
}

fn send(socket: &mut (impl Socket + ?Sized), bytes: &[u8], to: SocketAddr, counters: &mut Counters) {
    match socket.send(bytes, to) {
        Ok(()) => counters.sent += 1,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => counters.drop(Drop::SendBlocked),
        Err(error) => {
            tracing::debug!(%to, %error, "failed to send");
            counters.drop(Drop::SendFailed);
        }
    }
}
