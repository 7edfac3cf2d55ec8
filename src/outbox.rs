//! The queue of waiting messages: nothing leaves before what it depends on is durable.
//!
//! Both hosts hand every [`Effects`] to one [`Outbox`]. It packs messages into datagrams and lets each go when
//! the journal is durable up to the [`Offset`] that had been appended when it was sent. Messages that a process
//! sends to itself wait alike and come back as [`Outgoing::Own`], so no site counts its own vote before its sync.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::frame::{self, Datagram, FRAME_BYTES, MESSAGE_PREFIX_MAX, Sender};
use crate::ids::ProcessId;
use crate::process::{BACKGROUND, Effects, Process, Recipients, Sent, Subject};

/// How much a journal holds: everything below it was appended. A journal that is durable up to an offset has
/// synced everything below.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Offset(pub u64);

/// Whether a host hands in inputs while a sync is under way. It means the same in every host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncMode {
    /// It does; what follows from them waits for a later sync.
    #[default]
    Overlapped,
    /// It holds them until the sync is complete.
    Blocking,
}

/// What may leave now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// For the network.
    Datagram(Datagram),
    /// An encoded message to the process itself: hand it back as an input.
    Own(Arc<[u8]>),
}

/// The waiting messages of one incarnation of one process.
#[derive(Clone, Debug)]
pub struct Outbox {
    sender: Sender,
    datagram_max: usize,
    waiting: VecDeque<(Offset, Outgoing)>,
    waiting_bytes: usize,
    bytes_max: usize,
    appended: Offset,
    durable: Offset,
}

impl Outbox {
    /// An empty one. `datagram_max` and `bytes_max` are in bytes.
    pub fn new(sender: Sender, datagram_max: usize, bytes_max: usize) -> Outbox {
        Outbox {
            sender,
            datagram_max,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            bytes_max,
            appended: Offset(0),
            durable: Offset(0),
        }
    }

    /// Whether so much waits for a sync, messages and records together, that the host must hand in nothing more
    /// until one completes.
    pub fn is_full(&self) -> bool {
        let records = self.appended.0.saturating_sub(self.durable.0);
        self.waiting_bytes as u64 + records > self.bytes_max as u64
    }

    /// How many datagrams and own messages wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the messages of one `handle` call, whose records end at `appended`, and pushes to `ready` what may
    /// leave at once: what is independent, and the rest if the journal is `durable` that far.
    ///
    /// # Panics
    /// When a message does not fit a datagram: its sender broke the limit that its configuration states.
    pub fn absorb<P: Process>(
        &mut self,
        effects: &mut Effects<P>,
        appended: Offset,
        durable: Offset,
        ready: &mut VecDeque<Outgoing>,
    ) {
        assert!(self.waiting.back().is_none_or(|(last, _)| *last <= appended), "offsets never decrease");
        (self.appended, self.durable) = (appended, durable);
        effects.sent.sort_by_key(|message| message.rank);
        let mut drafts: Vec<Draft> = Vec::new();
        let mut own: Vec<(bool, Outgoing)> = Vec::new();
        for message in &effects.sent {
            let bytes = &effects.buffer[message.bytes.clone()];
            if message.to.contains(self.sender.from) {
                own.push((message.is_independent, Outgoing::Own(bytes.into())));
            }
            let Some(to) = self.others(message.to) else { continue };
            let limit = self.datagram_max;
            match drafts.iter_mut().find(|draft| draft.has_room(to, message, limit)) {
                Some(draft) => draft.put(message, bytes),
                None => drafts.push(Draft::new(&self.sender, to, message, bytes, limit)),
            }
        }
        effects.sent.clear();
        effects.buffer.clear();
        let datagrams =
            drafts.into_iter().map(|draft| (draft.is_independent, draft.finish(self.sender.from)));
        for (is_independent, outgoing) in datagrams.chain(own) {
            if is_independent || appended <= durable {
                ready.push_back(outgoing);
            } else {
                self.waiting_bytes += outgoing.bytes().len();
                self.waiting.push_back((appended, outgoing));
            }
        }
    }

    /// Pushes to `ready` what waited for nothing beyond `durable`, in the order of sending.
    pub fn release(&mut self, durable: Offset, ready: &mut VecDeque<Outgoing>) {
        self.durable = durable;
        while self.waiting.front().is_some_and(|(offset, _)| *offset <= durable) {
            if let Some((_, outgoing)) = self.waiting.pop_front() {
                self.waiting_bytes -= outgoing.bytes().len();
                ready.push_back(outgoing);
            }
        }
    }

    /// `to` without this process; `None` when nobody else is left.
    fn others(&self, to: Recipients) -> Option<Recipients> {
        match (to, self.sender.from.as_site()) {
            (Recipients::One(one), _) if one == self.sender.from => None,
            (Recipients::Sites(sites), Some(me)) => {
                let others = sites.without(me);
                (!others.is_empty()).then_some(Recipients::Sites(others))
            }
            (Recipients::Sites(sites), None) if sites.is_empty() => None,
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

/// A datagram that still has room.
struct Draft {
    to: Recipients,
    is_independent: bool,
    labels: Vec<(&'static str, Subject)>,
    is_background: bool,
    bytes: Vec<u8>,
}

impl Draft {
    fn new(sender: &Sender, to: Recipients, first: &Sent, message: &[u8], datagram_max: usize) -> Draft {
        let mut bytes = Vec::with_capacity(FRAME_BYTES + MESSAGE_PREFIX_MAX + message.len());
        frame::begin(&mut bytes, sender, to);
        let mut draft = Draft {
            to,
            is_independent: first.is_independent,
            labels: Vec::new(),
            is_background: true,
            bytes,
        };
        draft.put(first, message);
        assert!(
            draft.bytes.len() <= datagram_max,
            "{} about {} takes a datagram of {} bytes, more than the limit of {datagram_max}",
            first.kind,
            first.subject,
            draft.bytes.len(),
        );
        draft
    }

    fn has_room(&self, to: Recipients, message: &Sent, datagram_max: usize) -> bool {
        self.to == to
            && self.is_independent == message.is_independent
            && self.bytes.len() + MESSAGE_PREFIX_MAX + message.bytes.len() <= datagram_max
    }

    fn put(&mut self, message: &Sent, bytes: &[u8]) {
        frame::put_message(&mut self.bytes, bytes);
        self.labels.push((message.kind, message.subject));
        self.is_background &= message.rank >= BACKGROUND;
    }

    fn finish(mut self, from: ProcessId) -> Outgoing {
        frame::seal(&mut self.bytes);
        Outgoing::Datagram(Datagram {
            from,
            to: self.to,
            labels: self.labels.into(),
            is_background: self.is_background,
            bytes: self.bytes.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SiteSet;
    use crate::mix::Seed;
    use crate::process::{Damage, Input, Label, Recovered, Role};
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

    /// What each outgoing thing is: its words, `own` in front of those that come back.
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
        outbox.absorb(&mut effects, Offset(10), Offset(0), &mut ready);
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
        outbox.absorb(&mut effects, Offset(10), Offset(4), &mut ready);
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
        outbox.absorb(&mut effects, Offset(0), Offset(0), &mut ready);
        assert_eq!(words(&mut ready), [alloc::vec![1, 2, 9], alloc::vec![3], alloc::vec![4]]);
    }

    #[test]
    fn a_full_outbox_says_so_until_the_sync() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        while !outbox.is_full() {
            effects.send(ProcessId::site(1), &Word(1, Vec::new()));
            outbox.absorb(&mut effects, Offset(10), Offset(0), &mut ready);
        }
        assert!(ready.is_empty() && outbox.len() > 1);
        outbox.release(Offset(10), &mut ready);
        assert!(!outbox.is_full());
    }

    #[test]
    fn records_that_nothing_waits_for_fill_it_too() {
        let (mut outbox, mut effects, mut ready) = (outbox(), Effects::<Talker>::default(), VecDeque::new());
        outbox.absorb(&mut effects, Offset(400), Offset(200), &mut ready);
        assert!(!outbox.is_full());
        outbox.absorb(&mut effects, Offset(401), Offset(200), &mut ready);
        assert!(outbox.is_full());
        outbox.release(Offset(400), &mut ready);
        assert!(!outbox.is_full());
    }
}
