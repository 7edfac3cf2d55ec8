//! The one socket of a host.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

use mio::event::Source;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

/// The interface of a host's socket. No call blocks: instead it fails with [`io::ErrorKind::WouldBlock`].
pub trait Socket: Source {
    /// Takes the next datagram, or several at once from one address. A datagram longer than `into` is truncated.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<Received>;

    /// Sends one datagram.
    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()>;

    /// Sends a run of datagrams in one call: each holds `length` of these bytes, and the last holds the rest. After an
    /// error none was sent. A socket that cannot send runs fails with [`io::ErrorKind::Unsupported`].
    fn send_run(&mut self, _bytes: &[u8], _length: usize, _to: SocketAddr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The result of one [`Socket::receive`]: datagrams of `length` bytes each; the last one holds the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// The length of all of them together, in bytes.
    pub bytes: usize,
    /// The length of each but the last, in bytes.
    pub length: usize,
    /// The address that they came from.
    pub from: SocketAddr,
}

impl Received {
    /// A single datagram.
    pub fn one(bytes: usize, from: SocketAddr) -> Received {
        Received { bytes, length: bytes, from }
    }
}

impl Socket for UdpSocket {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<Received> {
        self.recv_from(into).map(|(bytes, from)| Received::one(bytes, from))
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.send_to(bytes, to).map(|_| ())
    }
}

/// The buffer requested for each direction, in bytes; the operating system may give less. It has room for the bursts of
/// eight peers while this host waits for its disk.
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

/// A socket that sends and takes runs of datagrams where the operating system can. Linux since 5.0 splits a run after
/// it has passed the network stack (`UDP_SEGMENT`, udp(7)), and joins datagrams from one sender (`UDP_GRO`).
#[derive(Debug)]
pub struct OffloadSocket {
    socket: UdpSocket,
    /// Whether the operating system knows runs: older ones would send a whole run as one datagram.
    has_runs: bool,
    control: Vec<u8>,
}

impl OffloadSocket {
    /// A socket bound to `address`.
    pub fn bind(address: SocketAddr) -> io::Result<OffloadSocket> {
        let socket = bind(address)?;
        let has_runs = setsockopt(&socket, sockopt::UdpGroSegment, &true).is_ok();
        Ok(OffloadSocket { socket, has_runs, control: nix::cmsg_space!(i32) })
    }

    /// A second handle to the same socket: each datagram reaches only one of the two.
    pub(super) fn share(&self) -> io::Result<OffloadSocket> {
        let socket = std::net::UdpSocket::from(self.socket.as_fd().try_clone_to_owned()?);
        Ok(OffloadSocket {
            socket: UdpSocket::from_std(socket),
            has_runs: self.has_runs,
            control: nix::cmsg_space!(i32),
        })
    }

    /// The address that it is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

impl Socket for OffloadSocket {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<Received> {
        if !self.has_runs {
            return self.socket.receive(into);
        }
        let mut parts = [io::IoSliceMut::new(into)];
        let (descriptor, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
        let got = recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut self.control), flags)?;
        let from = got.address.as_ref().and_then(address).ok_or(io::ErrorKind::InvalidData)?;
        let joined = got.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::UdpGroSegments(length) => usize::try_from(length).ok().filter(|it| *it > 0),
            _ => None,
        });
        Ok(Received { bytes: got.bytes, length: joined.unwrap_or(got.bytes), from })
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        Socket::send(&mut self.socket, bytes, to)
    }

    fn send_run(&mut self, bytes: &[u8], length: usize, to: SocketAddr) -> io::Result<()> {
        let length = u16::try_from(length).ok().filter(|_| self.has_runs);
        let length = length.ok_or(io::ErrorKind::Unsupported)?;
        let control = [ControlMessage::UdpGsoSegments(&length)];
        let (parts, to) = ([io::IoSlice::new(bytes)], SockaddrStorage::from(to));
        sendmsg(self.socket.as_raw_fd(), &parts, &control, MsgFlags::empty(), Some(&to))?;
        Ok(())
    }
}

fn address(found: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = found.as_sockaddr_in().map(|v4| SocketAddr::V4(SocketAddrV4::from(*v4)));
    v4.or_else(|| found.as_sockaddr_in6().map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6))))
}

impl Source for OffloadSocket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket.deregister(registry)
    }
}
