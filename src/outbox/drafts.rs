//! The datagrams of one call, which still take messages.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Outgoing;
use crate::frame::{self, Datagram, MESSAGE_PREFIX_MAX};
use crate::mix;
use crate::process::{Recipients, Sent};

/// The datagrams of one call, which still take messages for the same recipients while these fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Drafts {
    list: Vec<(bool, Box<Datagram>)>,
    /// Used once the list is long: a hash table from a way (independence and recipients) to one plus the place of its
    /// last draft. The length is a power of two, at least twice the length of the list.
    index: Vec<u32>,
}

/// Up to this many drafts are searched one by one.
const FEW: usize = 8;

impl Drafts {
    /// A datagram with room for `message` to `to`; `new` makes one if there is none.
    pub(super) fn draft(
        &mut self,
        to: Recipients,
        message: &Sent,
        datagram_max: usize,
        new: impl FnOnce() -> Box<Datagram>,
    ) -> &mut Datagram {
        let way = (message.is_independent, to);
        let room = datagram_max.saturating_sub(MESSAGE_PREFIX_MAX + message.bytes.len());
        let fits = |(is_independent, draft): &(bool, Box<Datagram>)| {
            (*is_independent, draft.to) == way && draft.bytes.len() <= room
        };
        let place = if self.list.len() <= FEW {
            self.list.iter().position(fits)
        } else {
            let last = self.index_of(way);
            last.filter(|place| self.list.get(*place).is_some_and(fits))
        };
        let place = place.unwrap_or_else(|| {
            self.list.push((message.is_independent, new()));
            let place = self.list.len() - 1;
            self.enter(way, place);
            place
        });
        &mut self.list[place].1
    }

    fn slot_of(&self, (is_independent, to): (bool, Recipients)) -> Option<usize> {
        let mask = self.index.len().checked_sub(1)?;
        let (tag, number) = match to {
            Recipients::One(one) => (0, one.number()),
            Recipients::Sites(sites) => (1, sites.iter().map(|site| 1 << site.number()).sum()),
            Recipients::Clients { count } => (2, u32::from(count)),
        };
        let key = mix::stir(u64::from(number), [tag, u64::from(is_independent)]);
        let start = usize::try_from(key & mask as u64).expect("below the length of a list");
        (0..=mask).map(|step| (start + step) & mask).find(|slot| {
            let entry = self.index[*slot];
            entry == 0 || self.way_at(entry) == (is_independent, to)
        })
    }

    fn way_at(&self, entry: u32) -> (bool, Recipients) {
        let (is_independent, draft) = &self.list[entry as usize - 1];
        (*is_independent, draft.to)
    }

    fn index_of(&self, way: (bool, Recipients)) -> Option<usize> {
        let entry = self.index[self.slot_of(way)?];
        (entry as usize).checked_sub(1)
    }

    /// Indexes the draft at `place`. Only the newest draft of a way may have room.
    fn enter(&mut self, way: (bool, Recipients), place: usize) {
        if place < FEW {
            return;
        }
        if place == FEW || (place + 1) * 2 > self.index.len() {
            let length = self.index.len().max(((place + 1) * 4).next_power_of_two());
            self.index.clear();
            self.index.resize(length, 0);
            for earlier in 0..place {
                let (is_independent, draft) = &self.list[earlier];
                self.put((*is_independent, draft.to), earlier);
            }
        }
        self.put(way, place);
    }

    fn put(&mut self, way: (bool, Recipients), place: usize) {
        let slot = self.slot_of(way).expect("the index is at most half full");
        self.index[slot] = u32::try_from(place + 1).expect("fewer drafts than 2^32");
    }

    /// Takes all drafts out, sealed, in the order of their first messages.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = (bool, Outgoing)> {
        self.list.drain(..).map(|(is_independent, mut draft)| {
            draft.hash = frame::seal(&mut draft.bytes);
            (is_independent, Outgoing::Datagram(draft))
        })
    }
}
