//! The one socket of a host.

use std::io;
use std::net::SocketAddr;

use mio::event::Source;
use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

/// What a host asks of its socket. Neither call ever blocks: both fail with [`io::ErrorKind::WouldBlock`].
pub trait Socket: Source {
    /// Takes the next datagram; one that is longer than `into` is cut.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)>;

    /// Sends one datagram.
    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()>;
}

impl Socket for UdpSocket {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.recv_from(into)
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.send_to(bytes, to).map(|_| ())
    }
}

/// Asked of the operating system for either direction, which may give less: room for the bursts of eight peers
/// while this host waits for its disk.
const BUFFER_BYTES: usize = 1 << 20;

/// A socket bound to `address`.
pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // A smaller buffer only loses more datagrams under load.
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
