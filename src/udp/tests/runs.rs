//! Tests that runs deliver the same datagrams as single sends.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::event::Source;
use mio::{Interest, Registry, Token};
use proptest::prelude::*;

use crate::udp::counters::Drop;
use crate::udp::socket::{self, Received};
use crate::udp::{Arrivals, Counters, Departures, OffloadSocket, Socket};

/// One call of a socket.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Call {
    One { bytes: usize, port: u16 },
    Run { bytes: usize, length: usize, port: u16 },
}

/// A socket that receives what it sends, and may refuse runs.
#[derive(Debug, Default)]
struct Loop {
    calls: Vec<Call>,
    there: VecDeque<(Vec<u8>, usize, SocketAddr)>,
    refuses_runs: Option<io::ErrorKind>,
    refuses_all: Option<io::ErrorKind>,
}

fn refuse(kind: Option<io::ErrorKind>) -> io::Result<()> {
    kind.map_or(Ok(()), |kind| Err(kind.into()))
}

impl Socket for Loop {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<Received> {
        let (bytes, length, from) = self.there.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(Received { bytes: bytes.len(), length, from })
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.calls.push(Call::One { bytes: bytes.len(), port: to.port() });
        refuse(self.refuses_all)?;
        self.there.push_back((bytes.into(), bytes.len(), to));
        Ok(())
    }

    fn send_run(&mut self, bytes: &[u8], length: usize, to: SocketAddr) -> io::Result<()> {
        self.calls.push(Call::Run { bytes: bytes.len(), length, port: to.port() });
        refuse(self.refuses_runs.or(self.refuses_all))?;
        self.there.push_back((bytes.into(), length, to));
        Ok(())
    }
}

impl Source for Loop {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        unreachable!("nobody waits for it")
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        unreachable!("nobody waits for it")
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        unreachable!("nobody waits for it")
    }
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Sends datagrams of these lengths to these ports, each full of its number, as one turn does.
fn send(socket: &mut Loop, datagrams: &[(usize, u16)]) -> Counters {
    let (mut departures, mut counters) = (Departures::default(), Counters::default());
    for (number, (length, port)) in (0u8..).zip(datagrams) {
        departures.send(socket, &vec![number; *length], at(*port), &mut counters);
    }
    departures.flush(socket, &mut counters);
    counters
}

/// Takes everything there is: length, port and number of each.
fn take(socket: &mut impl Socket) -> Vec<(usize, u16, u8)> {
    let (mut arrivals, mut taken) = (Arrivals::default(), Vec::new());
    while let Some((place, from)) = arrivals.next(socket).unwrap() {
        let bytes = arrivals.bytes(place);
        let number = bytes.first().copied().unwrap_or(u8::MAX);
        assert!(bytes.iter().all(|byte| *byte == number), "a datagram of several");
        taken.push((bytes.len(), from.port(), number));
    }
    assert!(!arrivals.is_readable());
    taken
}

#[test]
fn datagrams_of_one_length_to_one_address_leave_in_one_call_with_one_shorter_behind_them() {
    let run = |bytes, length, port| Call::Run { bytes, length, port };
    let one = |bytes, port| Call::One { bytes, port };
    let check = |datagrams: &[(usize, u16)], expected: &[Call]| {
        let mut socket = Loop::default();
        let counters = send(&mut socket, datagrams);
        assert_eq!(socket.calls, expected, "{datagrams:?}");
        assert_eq!(counters.sent, datagrams.len() as u64, "{datagrams:?}");
    };
    check(&[(90, 1), (90, 1), (90, 1)], &[run(270, 90, 1)]);
    check(&[(90, 1), (90, 1), (80, 1), (80, 1)], &[run(260, 90, 1), one(80, 1)]);
    check(&[(90, 1), (91, 1), (91, 1)], &[one(90, 1), run(182, 91, 1)]);
    check(&[(90, 1), (90, 2), (90, 1), (80, 2)], &[run(180, 90, 1), run(170, 90, 2)]);
    let ten: Vec<_> = [1..=9, 1..=1, 10..=10].into_iter().flatten().map(|port| (90, port)).collect();
    let expected: Vec<_> = [run(180, 90, 1)].into_iter().chain((2..=10).map(|port| one(90, port))).collect();
    check(&ten, &expected);
    check(&[(1_233, 1), (1_233, 1)], &[one(1_233, 1), one(1_233, 1)]);
    check(&[(9, 1); 65], &[run(64 * 9, 9, 1), one(9, 1)]);
    check(&[(1_232, 1); 60], &[run(52 * 1_232, 1_232, 1), run(8 * 1_232, 1_232, 1)]);
    check(&[(0, 1), (0, 1)], &[one(0, 1), one(0, 1)]);
}

#[test]
fn what_a_socket_cannot_send_as_a_run_leaves_one_by_one() {
    for kind in [io::ErrorKind::Unsupported, io::ErrorKind::InvalidInput, io::ErrorKind::Other] {
        let mut socket = Loop { refuses_runs: Some(kind), ..Loop::default() };
        assert_eq!(send(&mut socket, &[(9, 1), (9, 1), (7, 1)]).sent, 3);
        assert_eq!(take(&mut socket), [(9, 1, 0), (9, 1, 1), (7, 1, 2)]);
    }
}

#[test]
fn each_datagram_that_cannot_leave_is_counted() {
    for (kind, reason) in
        [(io::ErrorKind::WouldBlock, Drop::SendBlocked), (io::ErrorKind::PermissionDenied, Drop::SendFailed)]
    {
        let mut socket = Loop { refuses_all: Some(kind), ..Loop::default() };
        let counters = send(&mut socket, &[(9, 1), (9, 1), (7, 1), (7, 2)]);
        assert_eq!((counters.sent, counters.dropped(reason)), (0, 4), "{kind:?}");
    }
}

#[test]
fn real_sockets_split_runs_and_join_them() {
    for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        let here = SocketAddr::new(ip, 0);
        if ip.is_ipv6() && socket::bind(here).is_err() {
            let _ = writeln!(io::stderr(), "skipped over IPv6: this machine has none");
            continue;
        }
        split_and_join(here);
    }
}

fn split_and_join(here: SocketAddr) {
    let mut sender = OffloadSocket::bind(here).unwrap();
    let from = sender.local_addr().unwrap().port();
    let mut plain = socket::bind(here).unwrap();
    let mut offload = OffloadSocket::bind(here).unwrap();
    let addresses = [plain.local_addr().unwrap(), offload.local_addr().unwrap()];
    let (mut departures, mut counters) = (Departures::default(), Counters::default());
    for to in addresses {
        for (number, length) in (0u8..).zip([200; 20].into_iter().chain([150, 300])) {
            departures.send(&mut sender, &vec![number; length], to, &mut counters);
        }
    }
    departures.flush(&mut sender, &mut counters);
    assert_eq!(counters.sent, 44);
    let length = |number: u8| if number < 20 { 200 } else { 150 * usize::from(number - 19) };
    let expected: Vec<_> = (0..22).map(|number| (length(number), from, number)).collect();
    assert_eq!(take(&mut plain), expected);
    assert_eq!(take(&mut offload), expected);
}

proptest! {
    #[test]
    fn datagrams_to_one_address_cross_whole_and_in_order(
        datagrams in proptest::collection::vec((1usize..6, 1u16..13), 0..100),
        has_runs in any::<bool>(),
    ) {
        let datagrams: Vec<_> = datagrams.iter().map(|(length, port)| (length * 300, *port)).collect();
        let refuses_runs = (!has_runs).then_some(io::ErrorKind::Unsupported);
        let mut socket = Loop { refuses_runs, ..Loop::default() };
        let counters = send(&mut socket, &datagrams);
        prop_assert_eq!(counters.sent, datagrams.len() as u64);
        let mut sent: Vec<_> =
            (0u8..).zip(&datagrams).map(|(number, (length, port))| (*length, *port, number)).collect();
        let mut taken = take(&mut socket);
        [&mut sent, &mut taken].into_iter().for_each(|all| all.sort_by_key(|(_, port, _)| *port));
        prop_assert_eq!(taken, sent);
    }
}
