//! The datagrams under way: each is kept once, read once, and its place used again when the last copy is gone.

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

/// A datagram under way, by its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PacketId(u32);

/// Where a datagram comes from. All but those from here are read once more, by their receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Out of its sender, as it was sent: it was read when it left.
    Here,
    /// From outside of this world.
    Elsewhere,
    /// It was damaged under way.
    Damaged,
    /// It went to somebody else than whom it was sent to.
    Stray,
    /// It was sent then, and arrives once more.
    Again { sent: Instant },
}

/// A datagram under way.
#[derive(Clone, Debug)]
pub(crate) struct Packet<M> {
    pub(crate) datagram: Box<Datagram>,
    /// What it says. One that its receiver reads says nothing here.
    pub(crate) messages: Vec<M>,
    pub(crate) origin: Origin,
    /// What its fates are drawn from.
    pub(crate) identity: u64,
    /// Which rules are about what it says, as of the last look.
    pub(crate) mask: RuleMask,
    /// Made when a trace asks.
    labels: Option<SharedLabels>,
    copies: u32,
}

impl<M> Packet<M> {
    /// Name and subject of each message, for a trace.
    pub(crate) fn labels(&mut self) -> SharedLabels {
        Arc::clone(self.labels.get_or_insert_with(|| self.datagram.labels.as_slice().into()))
    }

    /// Whether nobody else will ask for it.
    pub(crate) const fn is_last(&self) -> bool {
        self.copies == 1
    }
}

/// All datagrams under way.
#[derive(Clone, Debug)]
pub(crate) struct Packets<M> {
    slab: Vec<Packet<M>>,
    free: Vec<PacketId>,
    /// Memory for datagrams that are sent next.
    pub(crate) spare: Spare,
}

impl<M> Packets<M> {
    pub(crate) fn new() -> Packets<M> {
        Packets { slab: Vec::new(), free: Vec::new(), spare: Spare::default() }
    }

    /// Takes in a datagram, with one copy: whoever asked for it releases that one too.
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

    /// Takes in another copy of a datagram, which comes from elsewhere; whoever asked for it releases it.
    pub(crate) fn post_again(&mut self, id: PacketId, origin: Origin) -> PacketId {
        let datagram = self.get(id).datagram.clone();
        self.post_from(datagram, origin)
    }

    /// Takes in a datagram that does not come out of its sender.
    pub(crate) fn post_from(&mut self, datagram: Box<Datagram>, origin: Origin) -> PacketId {
        let id = self.post(datagram);
        self.get_mut(id).origin = origin;
        id
    }

    /// One more copy is under way.
    pub(crate) fn copy(&mut self, id: PacketId) {
        self.get_mut(id).copies += 1;
    }

    /// A copy is gone.
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

    /// About how many bytes all of them have.
    pub(crate) fn bytes(&self) -> u64 {
        let of = |packet: &Packet<M>| {
            let messages = mem::size_of::<M>() * packet.messages.capacity();
            mem::size_of::<Packet<M>>() + messages + packet.datagram.bytes.capacity()
        };
        self.slab.iter().map(of).sum::<usize>() as u64
    }

    /// How many copies are under way.
    #[cfg(test)]
    pub(crate) fn copies(&self) -> usize {
        self.slab.iter().map(|packet| packet.copies as usize).sum()
    }
}
