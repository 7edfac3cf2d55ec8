//! The queue of waiting messages: no message leaves before the records that it depends on are durable.
//!
//! Both hosts pass every [`Effects`] to one [`Outbox`]. It packs messages into datagrams and releases each datagram
//! when the journal is durable up to the [`Offset`] that was appended when the datagram was sent. Messages from a
//! process to itself wait too and come back as [`Outgoing::Own`], so no site counts its own vote before its sync.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use crate::frame::{self, Datagram, Head, MESSAGE_PREFIX_MAX, Sender};
use crate::ids::ProcessId;
use crate::mix;
use crate::process::{BACKGROUND, Effects, Process, Recipients, Sent};

/// A position in a journal: everything below it was appended. A journal that is durable up to an offset has synced
/// everything below it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Offset(pub u64);

/// Whether a host hands in inputs while a sync is in progress. It means the same in every host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncMode {
    /// It does; effects of these inputs wait for a later sync.
    #[default]
    Overlapped,
    /// It holds them until the sync is complete.
    Blocking,
}

/// Something that may leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// For the network.
    Datagram(Box<Datagram>),
    /// An encoded message to the process itself: hand it back as an input.
    Own(Arc<[u8]>),
}

/// Datagrams that were sent, kept to reuse their memory. A clone is empty.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "each goes out and comes back in its box")]
pub struct Spare(Vec<Box<Datagram>>);

impl Clone for Spare {
    fn clone(&self) -> Spare {
        Spare::default()
    }
}

impl Spare {
    /// Returns a datagram that is not needed any more.
    pub fn give(&mut self, datagram: Box<Datagram>) {
        self.0.push(datagram);
    }

    /// A datagram without messages.
    #[inline]
    fn take(&mut self, from: ProcessId, to: Recipients) -> Box<Datagram> {
        let Some(mut spare) = self.0.pop() else {
            // Most datagrams hold one short message, and there may be many.
            let (labels, bytes) = (Vec::with_capacity(1), Vec::with_capacity(128));
            return Box::new(Datagram { from, to, labels, is_background: true, bytes, hash: 0 });
        };
        spare.labels.clear();
        spare.bytes.clear();
        (spare.from, spare.to, spare.is_background) = (from, to, true);
        spare
    }
}

/// The waiting messages of one incarnation of one process.
#[derive(Clone, Debug)]
pub struct Outbox {
    sender: Sender,
    head: Head,
    datagram_max: usize,
    waiting: VecDeque<(Offset, Outgoing)>,
    waiting_bytes: usize,
    bytes_max: usize,
    /// Empty between calls.
    drafts: Drafts,
    own: Vec<(bool, Outgoing)>,
    appended: Offset,
    durable: Offset,
}

impl Outbox {
    /// An empty outbox. `datagram_max` and `bytes_max` are in bytes.
    pub fn new(sender: Sender, datagram_max: usize, bytes_max: usize) -> Outbox {
        Outbox {
            sender,
            head: Head::new(&sender),
            datagram_max,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            bytes_max,
            drafts: Drafts::default(),
            own: Vec::new(),
            appended: Offset(0),
            durable: Offset(0),
        }
    }

    /// Whether the messages and records that wait for a sync exceed the limit. Then the host must hand in nothing more
    /// until a sync completes.
    pub fn is_full(&self) -> bool {
        let records = self.appended.0.saturating_sub(self.durable.0);
        self.waiting_bytes as u64 + records > self.bytes_max as u64
    }

    /// The number of datagrams and own messages that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the messages of one `handle` call, whose records end at `appended`. Pushes to `ready` what may leave at
    /// once: independent messages, and the rest if the journal is `durable` up to `appended`. Reuses datagrams of
    /// `spare` first.
    ///
    /// # Panics When a message does not fit a datagram: its sender broke the limit that its configuration states.
    #[inline]
    pub fn absorb<P: Process>(
        &mut self,
        effects: &mut Effects<P>,
        appended: Offset,
        durable: Offset,
        ready: &mut VecDeque<Outgoing>,
        spare: &mut Spare,
    ) {
        assert!(self.waiting.back().is_none_or(|(last, _)| *last <= appended), "offsets never decrease");
        (self.appended, self.durable) = (appended, durable);
        match effects.sent.as_slice() {
            [] => return,
            [message] => self.absorb_one(message, &effects.buffer, (appended, durable), ready, spare),
            _ => self.absorb_several(effects, (appended, durable), ready, spare),
        }
        effects.sent.clear();
        effects.buffer.clear();
    }

    #[inline(always)]
    fn absorb_one(
        &mut self,
        message: &Sent,
        buffer: &[u8],
        offsets: (Offset, Offset),
        ready: &mut VecDeque<Outgoing>,
        spare: &mut Spare,
    ) {
        let bytes = &buffer[message.bytes.clone()];
        if let Some(to) = self.others(message.to) {
            let mut datagram = spare.take(self.sender.from, to);
            self.head.begin(&mut datagram.bytes, to);
            put(&mut datagram, message, bytes, self.datagram_max);
            datagram.hash = frame::seal(&mut datagram.bytes);
            self.let_go(message.is_independent, Outgoing::Datagram(datagram), offsets, ready);
        }
        if message.to.is_own(self.sender.from) {
            self.let_go(message.is_independent, Outgoing::Own(bytes.into()), offsets, ready);
        }
    }

    fn absorb_several<P: Process>(
        &mut self,
        effects: &mut Effects<P>,
        offsets: (Offset, Offset),
        ready: &mut VecDeque<Outgoing>,
        spare: &mut Spare,
    ) {
        effects.sent.sort_by_key(|message| message.rank);
        let mut drafts = mem::take(&mut self.drafts);
        let mut own = mem::take(&mut self.own);
        for message in &effects.sent {
            let bytes = &effects.buffer[message.bytes.clone()];
            if message.to.is_own(self.sender.from) {
                own.push((message.is_independent, Outgoing::Own(bytes.into())));
            }
            let Some(to) = self.others(message.to) else { continue };
            let draft = drafts.draft(to, message, self.datagram_max, || {
                let mut datagram = spare.take(self.sender.from, to);
                self.head.begin(&mut datagram.bytes, to);
                datagram
            });
            put(draft, message, bytes, self.datagram_max);
        }
        for (is_independent, outgoing) in drafts.finish().chain(own.drain(..)) {
            self.let_go(is_independent, outgoing, offsets, ready);
        }
        (self.drafts, self.own) = (drafts, own);
    }

    #[inline(always)]
    fn let_go(
        &mut self,
        is_independent: bool,
        outgoing: Outgoing,
        (appended, durable): (Offset, Offset),
        ready: &mut VecDeque<Outgoing>,
    ) {
        if is_independent || appended <= durable {
            ready.push_back(outgoing);
        } else {
            self.waiting_bytes += outgoing.bytes().len();
            self.waiting.push_back((appended, outgoing));
        }
    }

    /// Pushes to `ready`, in the order of sending, whatever waits for an offset of at most `durable`.
    pub fn release(&mut self, durable: Offset, ready: &mut VecDeque<Outgoing>) {
        self.durable = durable;
        while self.waiting.front().is_some_and(|(offset, _)| *offset <= durable) {
            if let Some((_, outgoing)) = self.waiting.pop_front() {
                self.waiting_bytes -= outgoing.bytes().len();
                ready.push_back(outgoing);
            }
        }
    }

    /// `to` without this process; `None` when no other recipient is left.
    fn others(&self, to: Recipients) -> Option<Recipients> {
        match (to, self.sender.from.as_site()) {
            (Recipients::One(one), _) if one == self.sender.from => None,
            (Recipients::Sites(sites), Some(me)) => {
                let others = sites.without(me);
                (!others.is_empty()).then_some(Recipients::Sites(others))
            }
            (Recipients::Sites(sites), None) if sites.is_empty() => None,
            (Recipients::Clients { count: 0 }, _) => None,
            (to, _) => Some(to),
        }
    }
}

impl Outgoing {
    fn bytes(&self) -> &[u8] {
        match self {
            Outgoing::Datagram(datagram) => &datagram.bytes,
            Outgoing::Own(bytes) => bytes,
        }
    }
}

/// Appends a message to a datagram that has room for it, and panics if it has none.
#[inline]
fn put(datagram: &mut Datagram, message: &Sent, bytes: &[u8], datagram_max: usize) {
    frame::put_message(&mut datagram.bytes, bytes);
    assert!(
        datagram.bytes.len() <= datagram_max,
        "{} about {} takes a datagram of {} bytes, more than the limit of {datagram_max}",
        message.kind,
        message.subject,
        datagram.bytes.len(),
    );
    datagram.labels.push((message.kind, message.subject));
    datagram.is_background &= message.rank >= BACKGROUND;
}

/// The datagrams of one call, which still take messages for the same recipients while these fit.
#[derive(Clone, Debug, Default)]
struct Drafts {
    list: Vec<(bool, Box<Datagram>)>,
    /// Used once the list is long: a hash table from a way (independence and recipients) to one plus the place of its
    /// last draft. The length is a power of two, at least twice the length of the list.
    index: Vec<u32>,
}

/// Up to this many drafts are searched one by one.
const FEW: usize = 8;

impl Drafts {
    /// A datagram with room for `message` to `to`; `new` makes one if there is none.
    fn draft(
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
    fn finish(&mut self) -> impl Iterator<Item = (bool, Outgoing)> {
        self.list.drain(..).map(|(is_independent, mut draft)| {
            draft.hash = frame::seal(&mut draft.bytes);
            (is_independent, Outgoing::Datagram(draft))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SiteSet;
    use crate::mix::Seed;
    use crate::process::{Damage, Input, Label, Recovered, Role, Subject};
    use crate::time::Instant;
    use crate::wire::{Reader, Wire, WireError};

    #[derive(Clone, Debug)]
    struct Talker;

    #[derive(Clone, Debug)]
    struct Word(u64, Vec<u8>);

    impl Wire for Word {
        fn encode(&self, out: &mut Vec<u8>) {
            self.0.encode(out);
            out.extend_from_slice(&self.1);
        }

        fn decode(input: &mut Reader<'_>) -> Result<Word, WireError> {
            let number = input.u64()?;
            Ok(Word(number, input.bytes(input.rest().len())?.into()))
        }
    }

    impl Label for Word {
        fn kind(&self) -> &'static str {
            "Word"
        }

        fn subject(&self) -> Subject {
            Subject::slot(self.0)
        }

        fn rank(&self) -> u8 {
            u8::from(self.0 == 9)
        }
    }

    impl Process for Talker {
        type Message = Word;
        type Record = u64;
        type Note = crate::process::NoNote;
        type Command = u64;
        type Config = ();

        fn start(_: &(), _: ProcessId, _: Seed, _: Recovered<u64>) -> Result<Talker, Damage> {
            Ok(Talker)
        }

        fn handle(&mut self, _: Instant, _: Input<Talker>, _: &mut Effects<Talker>) {}

        fn deadline(&self) -> Option<(Instant, &'static str)> {
            None
        }

        fn role(&self) -> Role {
            Role::Follower
        }
    }

    const ME: ProcessId = ProcessId::site(0);

    fn outbox() -> Outbox {
        let sender = Sender { cluster: 1, configuration: 0, from: ME, incarnation: 1 };
        Outbox::new(sender, 128, 200)
    }

    /// The words in each outgoing item; 777 stands in front of those that come back.
    fn words(ready: &mut VecDeque<Outgoing>) -> Vec<Vec<u64>> {
        let numbers = |outgoing| match outgoing {
            Outgoing::Datagram(datagram) => {
                assert!(datagram.bytes.len() <= 128);
                let (_, messages) = frame::read(&datagram.bytes).unwrap();
                messages.decode::<Word>().unwrap().iter().map(|word| word.0).collect()
            }
            Outgoing::Own(bytes) => [777, Word::from_bytes(&bytes).unwrap().0].into(),
        };
        ready.drain(..).map(numbers).collect()
    }

    #[test]
    fn a_message_waits_for_every_record_of_its_call() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        effects.send(SiteSet::first(3), &Word(1, Vec::new()));
        effects.send_independent(SiteSet::first(3).without(ME.as_site().unwrap()), &Word(2, Vec::new()));
        effects.append(&5);
        outbox.absorb(&mut effects, Offset(10), Offset(0), &mut ready, &mut Spare::default());
        assert_eq!(words(&mut ready), [[2]]);
        outbox.release(Offset(9), &mut ready);
        assert!(ready.is_empty(), "durable below the record's end is not durable");
        outbox.release(Offset(10), &mut ready);
        assert_eq!(words(&mut ready), [alloc::vec![1], alloc::vec![777, 1]]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_message_without_records_waits_for_what_was_appended_earlier() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        effects.send(ProcessId::site(1), &Word(1, Vec::new()));
        outbox.absorb(&mut effects, Offset(10), Offset(4), &mut ready, &mut Spare::default());
        assert!(ready.is_empty());
        outbox.release(Offset(10), &mut ready);
        assert_eq!(words(&mut ready), [[1]]);
    }

    #[test]
    fn messages_that_go_the_same_way_share_datagrams_within_the_limit() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        effects.send(ProcessId::site(1), &Word(9, Vec::new()));
        for number in 1..4 {
            effects.send(ProcessId::site(1), &Word(number, alloc::vec![0; 40]));
        }
        effects.send(ProcessId::site(2), &Word(4, Vec::new()));
        outbox.absorb(&mut effects, Offset(0), Offset(0), &mut ready, &mut Spare::default());
        assert_eq!(words(&mut ready), [alloc::vec![1, 2, 9], alloc::vec![3], alloc::vec![4]]);
    }

    /// Beyond a few datagrams an index finds the one with room: also in the second call, which reuses the first one's
    /// index.
    #[test]
    fn messages_to_many_share_a_datagram_each() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        let mut spare = Spare::default();
        for clients in [40, 10] {
            for number in 0..3 {
                (0..clients).for_each(|client| {
                    effects.send(ProcessId::Client(client), &Word(number, alloc::vec![0; 40]));
                });
            }
            outbox.absorb(&mut effects, Offset(0), Offset(0), &mut ready, &mut spare);
            let datagrams: Vec<Box<Datagram>> = ready
                .drain(..)
                .map(|outgoing| match outgoing {
                    Outgoing::Datagram(datagram) => datagram,
                    Outgoing::Own(_) => panic!("nobody wrote to itself"),
                })
                .collect();
            let numbers = |datagram: &Datagram| -> Vec<u64> {
                let (header, messages) = frame::read_sealed(datagram).unwrap();
                assert_eq!(header.to, datagram.to);
                messages.decode::<Word>().unwrap().iter().map(|word| word.0).collect()
            };
            let clients = usize::from(clients);
            assert_eq!(datagrams.len(), 2 * clients);
            assert!(datagrams[..clients].iter().all(|datagram| numbers(datagram) == [0, 1]));
            assert!(datagrams[clients..].iter().all(|datagram| numbers(datagram) == [2]));
            datagrams.into_iter().for_each(|datagram| spare.give(datagram));
        }
    }

    #[test]
    fn a_broadcast_to_clients_is_one_datagram_and_never_comes_back() {
        let sender = Sender { cluster: 1, configuration: 0, from: ProcessId::Client(1), incarnation: 1 };
        let mut outbox = Outbox::new(sender, 128, 200);
        let (mut effects, mut ready) = (Effects::<Talker>::default(), VecDeque::new());
        effects.send(Recipients::Clients { count: 3 }, &Word(1, Vec::new()));
        outbox.absorb(&mut effects, Offset(0), Offset(0), &mut ready, &mut Spare::default());
        let Some(Outgoing::Datagram(datagram)) = ready.pop_front() else { panic!("one datagram") };
        assert!(datagram.recipients().eq([0, 2].map(ProcessId::Client)) && ready.is_empty());
        assert_eq!(frame::read(&datagram.bytes).unwrap().0.to, Recipients::Clients { count: 3 });
    }

    #[test]
    fn a_full_outbox_says_so_until_the_sync() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        while !outbox.is_full() {
            effects.send(ProcessId::site(1), &Word(1, Vec::new()));
            outbox.absorb(&mut effects, Offset(10), Offset(0), &mut ready, &mut Spare::default());
        }
        assert!(ready.is_empty() && outbox.len() > 1);
        outbox.release(Offset(10), &mut ready);
        assert!(!outbox.is_full());
    }

    #[test]
    fn records_that_nothing_waits_for_fill_it_too() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        outbox.absorb(&mut effects, Offset(400), Offset(200), &mut ready, &mut Spare::default());
        assert!(!outbox.is_full());
        outbox.absorb(&mut effects, Offset(401), Offset(200), &mut ready, &mut Spare::default());
        assert!(outbox.is_full());
        outbox.release(Offset(400), &mut ready);
        assert!(!outbox.is_full());
    }
}
