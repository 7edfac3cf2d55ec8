//! Tests what a site does without room on its disk, and what it writes once there is room.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::replicated::paxos::PaxosMessage;
use crate::replicated::paxos::tests::{LATER, NOW, Port, ballot, entry, recovered, site};

/// A site that accepted slot 0 under 5.2, durably, and then has no room.
fn low() -> Paxos<u64> {
    let accepted =
        PaxosRecord::Accepted { ballot: ballot(5, 2), slot: Slot(0), entry: entry(0), is_new: false };
    let mut paxos = recovered(vec![accepted]);
    let mut port = Port::default();
    paxos.on_disk_space(NOW, true, &mut port);
    assert!(port.records.is_empty() && port.sent.is_empty());
    paxos
}

fn accept(slot: u64) -> PaxosMessage<u64> {
    PaxosMessage::Accept { ballot: ballot(5, 2), slot: Slot(slot), chosen: Slot(0), entry: entry(slot) }
}

fn supply(slot: u64) -> PaxosMessage<u64> {
    PaxosMessage::FetchReply { slot: Slot(slot), entry: entry(slot), chosen: Slot(slot + 1) }
}

#[test]
fn without_room_a_site_gives_no_vote_and_repeats_those_that_it_gave() {
    let (mut paxos, mut port) = (low(), Port::default());
    paxos.on_message(NOW, site(2), accept(1), &mut port);
    assert!(port.notes.contains(&PaxosNote::Withholds { from: site(2), kind: "Accepted" }), "{port:?}");
    assert_eq!(port.kinds(), [""; 0]);
    paxos.on_message(NOW, site(2), accept(0), &mut port);
    assert_eq!(port.kinds(), ["Accepted"]);
    // Long after that it hears no leader.
    let mut port = Port::default();
    let prepare = |round| PaxosMessage::Prepare { ballot: ballot(round, 1), first: Slot(0) };
    paxos.on_message(LATER, site(1), prepare(6), &mut port);
    assert_eq!((port.kinds(), paxos.promised()), (vec![], ballot(5, 2)));
    paxos.on_message(LATER, site(1), prepare(5), &mut port);
    assert_eq!(port.kinds(), ["Nack"], "refusing takes no room");
    for _ in 0..5 {
        let (at, _) = paxos.deadline();
        paxos.on_wake(at, &mut port);
    }
    assert!(!paxos.is_campaigning() && port.records.is_empty(), "{port:?}");
    paxos.on_disk_space(LATER, false, &mut port);
    paxos.on_message(LATER, site(1), prepare(6), &mut port);
    assert_eq!(paxos.promised(), ballot(6, 1));
}

#[test]
fn a_leader_without_room_resigns_and_writes_nothing_for_it() {
    let (mut paxos, mut port) = (recovered(Vec::new()), Port::default());
    paxos.on_wake(NOW, &mut port);
    paxos.on_wake(LATER, &mut port);
    let mine = paxos.promised();
    for number in [0, 1] {
        paxos.on_message(
            LATER,
            site(number),
            crate::replicated::paxos::tests::promise(mine, (0, 0), 0, vec![]),
            &mut port,
        );
    }
    paxos.propose(LATER, entry(1), &mut port);
    assert_eq!(paxos.leads_under(), Some(mine));
    let mut port = Port::default();
    paxos.on_disk_space(LATER, true, &mut port);
    assert_eq!(port.notes, [PaxosNote::Resigns(mine)]);
    assert!(paxos.leads_under().is_none() && port.records.is_empty());
    // Its own vote for its proposal comes back too late.
    paxos.on_message(LATER, site(0), PaxosMessage::Accepted { ballot: mine, slot: Slot(0) }, &mut port);
    assert!(port.records.is_empty());
}

#[test]
fn what_was_learned_without_room_is_written_in_order_before_the_next_vote() {
    let (mut paxos, mut port) = (low(), Port::default());
    // Slot 4 is missing.
    for slot in [0, 1, 2, 3, 5] {
        paxos.on_message(NOW, site(2), supply(slot), &mut port);
    }
    assert!(port.records.is_empty(), "{:?}", port.records);
    assert_eq!(paxos.log().chosen(), Slot(4));
    paxos.on_disk_space(NOW, false, &mut port);
    assert_eq!(paxos.deadline(), (Instant::ZERO, "records"));
    paxos.on_message(NOW, site(2), accept(6), &mut port);
    assert!(!port.kinds().contains(&"Accepted"), "it owes records yet");
    paxos.on_wake(NOW, &mut port);
    assert_ne!(paxos.deadline().1, "records");
    let learned = |slot| PaxosRecord::Learned { slot: Slot(slot), entry: entry(slot) };
    let first = [learned(1), learned(2), learned(3), PaxosRecord::Chosen(Slot(4))];
    assert_eq!(port.records, first.into_iter().chain([learned(5)]).collect::<Vec<_>>());
    // Recovery reads whatever a crash leaves of the records, and the watermark covers nothing else.
    let accepted =
        PaxosRecord::Accepted { ballot: ballot(5, 2), slot: Slot(0), entry: entry(0), is_new: false };
    for kept in 0..=port.records.len() {
        let records = [accepted.clone()].into_iter().chain(port.records[..kept].iter().cloned());
        let again = recovered(records.collect());
        assert_eq!(again.log().chosen(), Slot(if kept < 4 { 0 } else { 4 }), "{kept} records");
    }
    paxos.on_message(NOW, site(2), accept(6), &mut port);
    assert!(port.kinds().contains(&"Accepted"));
}

#[test]
fn room_that_is_gone_again_leaves_the_rest_for_later() {
    let (mut paxos, mut port) = (low(), Port::default());
    for slot in 0..8 {
        paxos.on_message(NOW, site(2), supply(slot), &mut port);
    }
    paxos.on_disk_space(NOW, false, &mut port);
    paxos.on_disk_space(NOW, true, &mut port);
    paxos.on_wake(NOW, &mut port);
    assert_eq!(port.records.len(), 4, "one batch of three, and how far it goes");
    paxos.on_message(NOW, site(2), supply(8), &mut port);
    paxos.on_disk_space(NOW, false, &mut port);
    while paxos.deadline().1 == "records" {
        paxos.on_wake(NOW, &mut port);
    }
    let learned = |record: &&PaxosRecord<u64>| matches!(record, PaxosRecord::Learned { .. });
    assert_eq!(port.records.iter().filter(learned).count(), 8);
    assert_eq!(port.records.last(), Some(&PaxosRecord::Chosen(Slot(9))));
}
