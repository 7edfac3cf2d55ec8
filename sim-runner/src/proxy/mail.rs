//! The datagrams that a carrier reads, and those that it holds until their time.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "real datagrams take real time")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aviary::frame::{self, Header};
use aviary::ids::ProcessId;
use aviary::process::{Label, Subject};
use aviary::time::Instant;
use aviary::udp::seal::Sealer;
use aviary::wire::Wire;

/// A clock of monotonic microseconds since its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct SinceStart(std::time::Instant);

impl SinceStart {
    pub(super) fn start() -> SinceStart {
        SinceStart(std::time::Instant::now())
    }

    pub(super) fn now(self) -> Instant {
        Instant::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// The header and the message labels of an opened datagram.
pub(super) struct MailHeader {
    pub(super) header: Header,
    /// The sender's number for this datagram.
    pub(super) count: u64,
    pub(super) labels: Vec<(&'static str, Subject)>,
}

/// Opens a copy of `sealed` in `scratch`; `None` if it is not a datagram of this cluster.
pub(super) fn read<M: Wire + Label>(
    sealer: &Sealer,
    sealed: &[u8],
    scratch: &mut Vec<u8>,
) -> Option<MailHeader> {
    scratch.clear();
    scratch.extend_from_slice(sealed);
    let opened = sealer.open(scratch).ok()?;
    let (header, messages) = frame::read(opened.frame).ok()?;
    let messages: Vec<M> = messages.decode().ok()?;
    let labels = messages.iter().map(|message| (message.kind(), message.subject())).collect();
    Some(MailHeader { header, count: opened.count, labels })
}

/// One copy in flight.
pub(super) struct ProxyPacket {
    pub(super) from: ProcessId,
    pub(super) to: ProcessId,
    pub(super) sealed: Arc<[u8]>,
}

/// The maximum number of bytes in flight; further ones are lost, as on any network.
const UNDER_WAY_MAX: usize = 64 << 20;

/// The copies in flight, by their time of arrival.
#[derive(Default)]
pub(super) struct UnderWay {
    parcels: BTreeMap<(Instant, u64), ProxyPacket>,
    count: u64,
    bytes: usize,
}

impl UnderWay {
    /// Returns false if there is no room.
    pub(super) fn push(&mut self, at: Instant, parcel: ProxyPacket) -> bool {
        if self.bytes + parcel.sealed.len() > UNDER_WAY_MAX {
            return false;
        }
        self.count += 1;
        self.bytes += parcel.sealed.len();
        self.parcels.insert((at, self.count), parcel);
        true
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<ProxyPacket> {
        let first = self.parcels.first_entry().filter(|first| first.key().0 <= now)?;
        let parcel = first.remove();
        self.bytes -= parcel.sealed.len();
        Some(parcel)
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.parcels.first_key_value().map(|((at, _), _)| *at)
    }
}
