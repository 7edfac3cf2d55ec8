//! What a carrier reads, and what it holds until its time.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "real datagrams take real time")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aviary::frame::{self, Header};
use aviary::ids::ProcessId;
use aviary::process::{Label, Subject};
use aviary::time::Instant;
use aviary::udp::seal::Sealer;
use aviary::wire::Wire;

/// Monotonic microseconds since its start.
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

/// What an opened datagram says of itself.
pub(super) struct MailHeader {
    pub(super) header: Header,
    /// Which of its sender's it is.
    pub(super) count: u64,
    pub(super) labels: Vec<(&'static str, Subject)>,
}

/// Opens a copy of `sealed` in `scratch`; nothing if it is not one of this cluster's.
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

/// One copy under way.
pub(super) struct ProxyPacket {
    pub(super) from: ProcessId,
    pub(super) to: ProcessId,
    pub(super) sealed: Arc<[u8]>,
}

/// The most bytes under way; what comes on top is lost, as on any network.
const UNDER_WAY_MAX: usize = 64 << 20;

/// What is under way, by its time of arrival.
#[derive(Default)]
pub(super) struct UnderWay {
    parcels: BTreeMap<(Instant, u64), ProxyPacket>,
    count: u64,
    bytes: usize,
}

impl UnderWay {
    /// False if there is no room.
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
