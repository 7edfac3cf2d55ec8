//! The datagrams under way. Each is stored and read once, and its place is reused when its last copy is gone.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use crate::frame::Datagram;
use crate::outbox::Spare;
use crate::sim::net::fates;
use crate::sim::net::rules::RuleMask;
use crate::sim::watch::trace::SharedLabels;
use crate::time::Instant;

/// The place of a datagram under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PacketId(u32);

/// The origin of a datagram. Its receiver reads it again unless the origin is `Here`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Straight from its sender, as it was sent. It was read when it left.
    Here,
    /// From outside this world.
    Elsewhere,
    /// Damaged under way.
    Damaged,
    /// Delivered to another process than its addressee.
    Stray,
    /// A copy that arrives once more; it was sent at this time.
    Again { sent: Instant },
}

/// A datagram under way.
#[derive(Clone, Debug)]
pub(crate) struct Packet<M> {
    pub(crate) datagram: Box<Datagram>,
    /// Its messages. Empty for a datagram that its receiver will read.
    pub(crate) messages: Vec<M>,
    pub(crate) origin: Origin,
    /// The word that its fates are drawn from.
    pub(crate) identity: u64,
    /// Which rules admit its messages, as of the last match.
    pub(crate) mask: RuleMask,
    /// Made when a trace asks for it.
    labels: Option<SharedLabels>,
    copies: u32,
}

impl<M> Packet<M> {
    /// Name and subject of each message, for a trace.
    pub(crate) fn labels(&mut self) -> SharedLabels {
        Arc::clone(self.labels.get_or_insert_with(|| self.datagram.labels.as_slice().into()))
    }

    /// Whether only one copy of it is left.
    pub(crate) const fn is_last(&self) -> bool {
        self.copies == 1
    }
}

/// All datagrams under way.
#[derive(Clone, Debug)]
pub(crate) struct Packets<M> {
    slab: Vec<Packet<M>>,
    free: Vec<PacketId>,
    /// Memory for the next datagrams.
    pub(crate) spare: Spare,
}

impl<M> Packets<M> {
    pub(crate) fn new() -> Packets<M> {
        Packets { slab: Vec::new(), free: Vec::new(), spare: Spare::default() }
    }

    /// Stores a datagram with one copy. The caller must release that copy too.
    pub(crate) fn post(&mut self, datagram: Box<Datagram>) -> PacketId {
        let identity = fates::identity(&datagram.labels);
        if let Some(id) = self.free.pop() {
            let packet = &mut self.slab[id.0 as usize];
            self.spare.give(mem::replace(&mut packet.datagram, datagram));
            (packet.identity, packet.copies, packet.origin) = (identity, 1, Origin::Here);
            packet.mask = RuleMask::default();
            return id;
        }
        let id = PacketId(u32::try_from(self.slab.len()).expect("fewer than 2^32 datagrams are under way"));
        let (messages, origin, labels) = (Vec::with_capacity(1), Origin::Here, None);
        let mask = RuleMask::default();
        self.slab.push(Packet { datagram, messages, origin, identity, mask, labels, copies: 1 });
        id
    }

    pub(crate) fn get(&self, id: PacketId) -> &Packet<M> {
        &self.slab[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: PacketId) -> &mut Packet<M> {
        &mut self.slab[id.0 as usize]
    }

    /// Stores another copy of a datagram, with its own origin. The caller must release it.
    pub(crate) fn post_again(&mut self, id: PacketId, origin: Origin) -> PacketId {
        let datagram = self.get(id).datagram.clone();
        self.post_from(datagram, origin)
    }

    /// Stores a datagram that does not come straight from its sender.
    pub(crate) fn post_from(&mut self, datagram: Box<Datagram>, origin: Origin) -> PacketId {
        let id = self.post(datagram);
        self.get_mut(id).origin = origin;
        id
    }

    /// Counts one more copy under way.
    pub(crate) fn copy(&mut self, id: PacketId) {
        self.get_mut(id).copies += 1;
    }

    /// Counts one copy less. The last one frees the place.
    pub(crate) fn release(&mut self, id: PacketId) {
        let packet = &mut self.slab[id.0 as usize];
        packet.copies -= 1;
        if packet.copies == 0 {
            packet.messages.clear();
            packet.datagram.labels.clear();
            packet.datagram.bytes.clear();
            packet.labels = None;
            self.free.push(id);
        }
    }

    /// About how many bytes of memory they all take.
    pub(crate) fn bytes(&self) -> u64 {
        let of = |packet: &Packet<M>| {
            let messages = mem::size_of::<M>() * packet.messages.capacity();
            mem::size_of::<Packet<M>>() + messages + packet.datagram.bytes.capacity()
        };
        self.slab.iter().map(of).sum::<usize>() as u64
    }

    /// The number of copies under way.
    #[cfg(test)]
    pub(crate) fn copies(&self) -> usize {
        self.slab.iter().map(|packet| packet.copies as usize).sum()
    }
}
