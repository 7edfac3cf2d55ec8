//! Datagrams that cross the socket together: sent one by one, short datagrams took a third of a loaded leader's time, and
//! half of its clients', on their way through the operating system.
//!
//! What a turn sends to one address, as to a program that many clients share, goes out in runs of equal length; what one
//! call took from the socket is handed over one by one.

use core::ops::Range;
use std::io;
use std::net::SocketAddr;

use super::counters::{Counters, Drop};
use super::socket::{Received, Socket};

/// What a socket holds, one by one.
#[derive(Debug)]
pub struct Arrivals {
    buffer: Vec<u8>,
    /// What was taken from the socket and not handed over yet.
    rest: Range<usize>,
    length: usize,
    from: Option<SocketAddr>,
    /// Whether the socket may hold more: it is reported once, then read until it is empty.
    is_readable: bool,
}

/// Longer than the longest run: a datagram of 16 bits.
const BUFFER_BYTES: usize = 1 << 16;

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals { buffer: vec![0; BUFFER_BYTES], rest: 0..0, length: 0, from: None, is_readable: true }
    }
}

impl Arrivals {
    /// Whether there may be a next one without waiting.
    pub fn is_readable(&self) -> bool {
        self.is_readable || !self.rest.is_empty()
    }

    /// The socket was reported to hold something.
    pub fn report(&mut self) {
        self.is_readable = true;
    }

    /// The place of the next datagram, and where it came from; nothing if none is there.
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

    /// The datagram at a place that [`Arrivals::next`] gave, until the next call of it.
    pub fn bytes(&mut self, place: Range<usize>) -> &mut [u8] {
        &mut self.buffer[place]
    }
}

/// What is to leave, in order. It keeps nothing longer than until [`Departures::flush`].
#[derive(Debug, Default)]
pub struct Departures {
    bytes: Vec<u8>,
    /// Of each of the run, but for the last.
    length: usize,
    count: u64,
    to: Option<SocketAddr>,
}

/// Longer datagrams leave alone: a run's are never split on their way, and this much fits the smallest packet that every
/// network carries (IPv6: 1,280 bytes).
const SHORT: usize = 1_232;

/// What Linux takes in one call, in datagrams,
const RUN_MAX: u64 = 64;

/// and, with the headers, in bytes.
const RUN_BYTES_MAX: usize = 65_000;

impl Departures {
    /// Sends a datagram, now or with others that follow. What cannot leave is lost, and counted.
    pub fn send(
        &mut self,
        socket: &mut (impl Socket + ?Sized),
        bytes: &[u8],
        to: SocketAddr,
        counters: &mut Counters,
    ) {
        let joins = self.to == Some(to)
            && !bytes.is_empty()
            && bytes.len() <= self.length
            && self.length <= SHORT
            && self.count < RUN_MAX
            && self.bytes.len() + bytes.len() <= RUN_BYTES_MAX;
        if !joins {
            self.flush(socket, counters);
            (self.to, self.length) = (Some(to), bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        self.count += 1;
        if bytes.len() < self.length {
            self.flush(socket, counters);
        }
    }

    /// Sends what is left.
    pub fn flush(&mut self, socket: &mut (impl Socket + ?Sized), counters: &mut Counters) {
        let Some(to) = self.to.take() else { return };
        if self.count == 1 {
            send(socket, &self.bytes, to, counters);
        } else {
            match socket.send_run(&self.bytes, self.length, to) {
                Ok(()) => counters.sent += self.count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    (0..self.count).for_each(|_| counters.drop(Drop::SendBlocked));
                }
                // What is wrong with a run, as a network card that can't split one, need not be with its datagrams.
                Err(_) => self.bytes.chunks(self.length).for_each(|one| send(socket, one, to, counters)),
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
