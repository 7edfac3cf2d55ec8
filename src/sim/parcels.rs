//! The datagrams under way: each is kept once, read once, and its place used again when the last copy is gone.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use crate::frame::Datagram;
use crate::outbox::Spare;
use crate::sim::fates;
use crate::sim::rules::Sieve;
use crate::sim::trace::SharedLabels;

/// A datagram under way, by its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ParcelId(u32);

/// A datagram under way.
#[derive(Clone, Debug)]
pub(crate) struct Parcel<M> {
    pub(crate) datagram: Box<Datagram>,
    /// What it says. One that comes from elsewhere is read by its receiver, and says nothing here.
    pub(crate) messages: Vec<M>,
    pub(crate) is_from_elsewhere: bool,
    /// What its fates are drawn from.
    pub(crate) identity: u64,
    /// Which rules are about what it says, as [`Rules::sieve`](super::rules::Rules::sieve) told.
    pub(crate) sieve: Sieve,
    /// Made when a trace asks.
    labels: Option<SharedLabels>,
    copies: u32,
}

impl<M> Parcel<M> {
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
pub(crate) struct Parcels<M> {
    slab: Vec<Parcel<M>>,
    free: Vec<ParcelId>,
}

impl<M> Parcels<M> {
    pub(crate) const fn new() -> Parcels<M> {
        Parcels { slab: Vec::new(), free: Vec::new() }
    }

    /// Takes in a datagram, with one copy: whoever asked for it releases that one too.
    pub(crate) fn post(&mut self, datagram: Box<Datagram>, spare: &mut Spare) -> ParcelId {
        let identity = datagram.labels.first().map_or(0, |label| fates::identity(*label));
        if let Some(id) = self.free.pop() {
            let parcel = self.get_mut(id);
            spare.give(mem::replace(&mut parcel.datagram, datagram));
            (parcel.identity, parcel.copies, parcel.is_from_elsewhere) = (identity, 1, false);
            parcel.sieve = Sieve::default();
            return id;
        }
        let id = ParcelId(u32::try_from(self.slab.len()).expect("fewer than 2^32 datagrams are under way"));
        let (messages, is_from_elsewhere, labels) = (Vec::with_capacity(1), false, None);
        let sieve = Sieve::default();
        self.slab.push(Parcel { datagram, messages, is_from_elsewhere, identity, sieve, labels, copies: 1 });
        id
    }

    pub(crate) fn get(&self, id: ParcelId) -> &Parcel<M> {
        &self.slab[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: ParcelId) -> &mut Parcel<M> {
        &mut self.slab[id.0 as usize]
    }

    /// One more copy is under way.
    pub(crate) fn copy(&mut self, id: ParcelId) {
        self.get_mut(id).copies += 1;
    }

    /// A copy is gone.
    pub(crate) fn release(&mut self, id: ParcelId) {
        let parcel = &mut self.slab[id.0 as usize];
        parcel.copies -= 1;
        if parcel.copies == 0 {
            parcel.messages.clear();
            parcel.datagram.labels.clear();
            parcel.datagram.bytes.clear();
            parcel.labels = None;
            self.free.push(id);
        }
    }

    /// About how many bytes all of them have.
    pub(crate) fn bytes(&self) -> u64 {
        let of = |parcel: &Parcel<M>| {
            let messages = mem::size_of::<M>() * parcel.messages.capacity();
            mem::size_of::<Parcel<M>>() + messages + parcel.datagram.bytes.capacity()
        };
        self.slab.iter().map(of).sum::<usize>() as u64
    }

    /// How many copies are under way.
    #[cfg(test)]
    pub(crate) fn copies(&self) -> usize {
        self.slab.iter().map(|parcel| parcel.copies as usize).sum()
    }
}
