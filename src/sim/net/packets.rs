//! The datagrams under way. Each is stored and read once, and its place is reused when its last copy is gone.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use crate::frame::Datagram;
use crate::outbox::Spare;
use crate::sim::net::fates::KnownWords;
use crate::sim::net::rules::RuleMask;
use crate::sim::watch::line::{Contents, SharedLabels, TracedCopy};
use crate::time::Instant;

/// A datagram under way, or one copy of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketId {
    /// The place of the datagram.
    place: u32,
    pub(crate) copy: CopyId,
}

/// The identity of one copy of a datagram, from where it is made to where it ends. Copies are numbered from 1 through
/// a run; what has not been sent to anybody yet, or came from outside of the world, has the number 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct CopyId {
    /// Its number.
    pub(crate) number: u32,
    /// The number of the copy that left its sender, which is `number` itself unless this is a copy of that one.
    pub(crate) of: u32,
}

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
    /// What its messages hold, if a trace asks for it.
    pub(crate) contents: Option<Contents>,
    pub(crate) copies: u32,
}

impl<M> Packet<M> {
    /// Name and subject of each message, for a trace.
    pub(crate) fn labels(&mut self) -> SharedLabels {
        Arc::clone(self.labels.get_or_insert_with(|| self.datagram.labels.as_slice().into()))
    }

    /// One copy of it, for a trace.
    pub(crate) fn traced(&mut self, copy: CopyId) -> TracedCopy {
        let (labels, contents) = (self.labels(), self.contents.clone());
        TracedCopy { labels, contents, copy, is_background: self.datagram.is_background }
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
    free: Vec<u32>,
    /// The number of copies so far.
    numbered: u32,
    words: KnownWords,
    /// Memory for the next datagrams.
    pub(crate) spare: Spare,
}

impl<M> Packets<M> {
    pub(crate) fn new() -> Packets<M> {
        let (slab, free, words) = (Vec::new(), Vec::new(), KnownWords::default());
        Packets { slab, free, numbered: 0, words, spare: Spare::default() }
    }

    /// Stores a datagram with one copy. The caller must release that copy too.
    #[inline]
    pub(crate) fn post(&mut self, datagram: Box<Datagram>) -> PacketId {
        let (kind, identity) = self.words.identity(&datagram.labels);
        let copy = CopyId::default();
        if let Some(place) = self.free.pop() {
            let packet = &mut self.slab[place as usize];
            self.spare.give(mem::replace(&mut packet.datagram, datagram));
            (packet.identity, packet.copies, packet.origin) = (identity, 1, Origin::Here);
            packet.mask = RuleMask::of(kind);
            return PacketId { place, copy };
        }
        let place = u32::try_from(self.slab.len()).expect("fewer than 2^32 datagrams are under way");
        let (messages, origin, labels) = (Vec::with_capacity(1), Origin::Here, None);
        let mask = RuleMask::of(kind);
        self.slab.push(Packet {
            datagram,
            messages,
            origin,
            identity,
            mask,
            labels,
            contents: None,
            copies: 1,
        });
        PacketId { place, copy }
    }

    pub(crate) fn get(&self, id: PacketId) -> &Packet<M> {
        &self.slab[id.place as usize]
    }

    pub(crate) fn get_mut(&mut self, id: PacketId) -> &mut Packet<M> {
        &mut self.slab[id.place as usize]
    }

    /// The copy that now leaves its sender.
    #[inline]
    pub(crate) const fn leave(&mut self, id: PacketId) -> PacketId {
        let number = self.number();
        PacketId { place: id.place, copy: CopyId { number, of: number } }
    }

    /// A further copy of the same bytes.
    pub(crate) const fn double(&mut self, id: PacketId) -> PacketId {
        let number = self.number();
        PacketId { place: id.place, copy: CopyId { number, of: id.copy.of } }
    }

    const fn number(&mut self) -> u32 {
        self.numbered = self.numbered.checked_add(1).expect("fewer than 2^32 copies are sent");
        self.numbered
    }

    /// Stores a further copy of a datagram, with its own origin. The caller must release it.
    pub(crate) fn post_again(&mut self, id: PacketId, origin: Origin) -> PacketId {
        let datagram = self.get(id).datagram.clone();
        let PacketId { copy, .. } = self.double(id);
        PacketId { copy, ..self.post_from(datagram, origin) }
    }

    /// Stores what became of a copy under way. The caller must release it.
    pub(crate) fn post_altered(&mut self, id: PacketId, datagram: Box<Datagram>, origin: Origin) -> PacketId {
        PacketId { copy: id.copy, ..self.post_from(datagram, origin) }
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

    /// Counts one copy less, of a datagram with one message, and takes that message.
    #[inline(always)]
    pub(crate) fn take_only(&mut self, id: PacketId) -> M
    where
        M: Clone,
    {
        let packet = &mut self.slab[id.place as usize];
        debug_assert_eq!(packet.messages.len(), 1);
        if packet.is_last()
            && let Some(message) = packet.messages.pop()
        {
            self.release(id);
            return message;
        }
        packet.copies -= 1;
        packet.messages[0].clone()
    }

    /// Counts one copy less. The last one frees the place.
    #[inline]
    pub(crate) fn release(&mut self, id: PacketId) {
        let packet = &mut self.slab[id.place as usize];
        packet.copies -= 1;
        if packet.copies == 0 {
            packet.messages.clear();
            packet.datagram.labels.clear();
            packet.datagram.bytes.clear();
            packet.labels = None;
            packet.contents = None;
            self.free.push(id.place);
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
