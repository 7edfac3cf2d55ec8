//! Which messages wait, which leave, and which share a datagram.

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
