//! Tests the rules that a literal reading of the papers breaks, one by one, at a single site.

mod hearing;

use crate::replicated::paxos::Claim;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::process::Recipients;

/// Keeps what leaves, in order.
#[derive(Default, Debug)]
pub(super) struct Port {
    pub(super) records: Vec<PaxosRecord<u64>>,
    pub(super) sent: Vec<(Recipients, PaxosMessage<u64>)>,
    pub(super) notes: Vec<PaxosNote>,
}

impl super::Port<u64> for Port {
    fn append(&mut self, record: PaxosRecord<u64>) {
        self.records.push(record);
    }

    fn send(&mut self, to: impl Into<Recipients>, message: PaxosMessage<u64>) {
        self.sent.push((to.into(), message));
    }

    fn send_independent(&mut self, to: impl Into<Recipients>, message: PaxosMessage<u64>) {
        self.sent.push((to.into(), message));
    }

    fn note(&mut self, note: PaxosNote) {
        self.notes.push(note);
    }
}

impl Port {
    pub(super) fn proposals(&self) -> Vec<(u64, Entry<u64>)> {
        let proposal = |message: &PaxosMessage<u64>| match message {
            PaxosMessage::Accept { slot, entry, .. } => Some((slot.0, entry.clone())),
            _ => None,
        };
        self.sent.iter().filter_map(|(_, message)| proposal(message)).collect()
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.sent.iter().map(|(_, message)| message.kind()).collect()
    }

    pub(super) fn ignored(&self) -> Vec<&'static str> {
        let reason = |note: &PaxosNote| match note {
            PaxosNote::Ignored { reason, .. } => Some(*reason),
            _ => None,
        };
        self.notes.iter().filter_map(reason).collect()
    }
}

pub(super) fn config() -> Config {
    Config {
        sites: 3,
        heartbeat: Duration::from_millis(50),
        election: Duration::from_millis(300),
        election_jitter: Duration::from_millis(100),
        retry: Duration::from_millis(100),
        chosen_after: Duration::ZERO,
        window: 4,
        fetch_max: 3,
        entry_bytes: 64,
        promise_bytes: 24,
    }
}

pub(super) fn site(number: u8) -> SiteId {
    SiteId::new(number).unwrap()
}

pub(super) fn ballot(round: u64, number: u8) -> Ballot {
    Ballot { round, site: site(number) }
}

pub(super) fn entry(value: u64) -> Entry<u64> {
    Entry::of([value])
}

pub(super) fn recovered(records: Vec<PaxosRecord<u64>>) -> Paxos<u64> {
    Paxos::recover(config(), site(0), Seed(1), records).unwrap()
}

pub(super) const NOW: Instant = Instant::from_micros(1_000_000);
pub(super) const LATER: Instant = Instant::from_micros(9_000_000);

/// A site 0 that campaigns; `held` is what it accepted before.
pub(super) fn candidate(held: Vec<PaxosRecord<u64>>) -> (Paxos<u64>, Ballot) {
    let mut paxos = recovered(held);
    let mut port = Port::default();
    paxos.on_wake(NOW, &mut port);
    paxos.on_wake(LATER, &mut port);
    assert!(paxos.is_campaigning());
    let ballot = paxos.promised();
    assert!(
        port.records.contains(&PaxosRecord::Promised(ballot)),
        "the ballot is durable before anyone is asked"
    );
    paxos.on_message(LATER, site(0), PaxosMessage::Prepare { ballot, first: Slot(0) }, &mut port);
    (paxos, ballot)
}

pub(super) fn promise(
    ballot: Ballot,
    range: (u64, u64),
    end: u64,
    reports: Vec<Report<u64>>,
) -> PaxosMessage<u64> {
    let (from, to) = (Slot(range.0), Slot(range.1));
    PaxosMessage::Promise(Promise { ballot, from, to, end: Slot(end), chosen: Slot(0), sync: 0, reports })
}

pub(super) fn report(slot: u64, ballot: Option<Ballot>, value: u64) -> Report<u64> {
    Report { slot: Slot(slot), ballot, entry: entry(value) }
}

pub(super) fn accepted(round: u64, number: u8, slot: u64, value: u64) -> PaxosRecord<u64> {
    let (ballot, slot) = (ballot(round, number), Slot(slot));
    PaxosRecord::Accepted { ballot, slot, entry: entry(value), is_new: false }
}

/// The first heartbeat of a leader that hears everybody.
fn heartbeat(ballot: Ballot, chosen: Slot) -> PaxosMessage<u64> {
    let (beat, hears, applied) = (1, SiteSet::first(9), Claim::default());
    PaxosMessage::Heartbeat { ballot, chosen, beat, hears, applied }
}

#[test]
fn of_several_reports_the_highest_ballot_is_proposed_again_and_only_an_unreported_slot_becomes_a_no_op() {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    let one = vec![report(0, Some(ballot(1, 1)), 10), report(2, Some(ballot(1, 2)), 12)];
    let other = vec![report(0, Some(ballot(1, 2)), 20), report(3, None, 13)];
    paxos.on_message(LATER, site(1), promise(mine, (0, 3), 3, one), &mut port);
    assert!(port.proposals().is_empty(), "one promise of three is no quorum");
    paxos.on_message(LATER, site(2), promise(mine, (0, 4), 4, other), &mut port);
    assert_eq!(port.proposals(), [(0, entry(20)), (1, Entry::noop()), (2, entry(12))]);
    assert_eq!(paxos.log().chosen_at(Slot(3)), Some(&entry(13)), "reported as chosen: learned, not proposed");
}

#[test]
fn a_promise_in_parts_counts_only_when_no_gap_is_left() {
    let parts = [((0, 2), vec![report(1, Some(ballot(1, 1)), 11)]), ((2, 3), vec![]), ((3, 5), vec![])];
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
        let (mut paxos, mine) = candidate(vec![]);
        let mut port = Port::default();
        paxos.on_message(LATER, site(0), promise(mine, (0, 0), 0, vec![]), &mut port);
        for (count, part) in order.into_iter().enumerate() {
            let (range, reports) = parts[part].clone();
            // Twice each: a duplicate fills no gap.
            for _ in 0..2 {
                assert!(paxos.is_campaigning(), "after {count} parts of {order:?}");
                paxos.on_message(LATER, site(2), promise(mine, range, 5, reports.clone()), &mut port);
                if count == 2 {
                    break;
                }
            }
        }
        assert!(paxos.leads_under() == Some(mine), "{order:?}");
    }
}

#[test]
fn a_promise_too_big_for_a_datagram_is_split_and_its_parts_state_their_ranges() {
    let mut paxos = recovered((0..4).map(|slot| accepted(1, 1, slot, 1 << 40)).collect());
    let mut port = Port::default();
    let prepare = PaxosMessage::Prepare { ballot: ballot(5, 2), first: Slot(0) };
    paxos.on_message(NOW, site(2), prepare, &mut port);
    let ranges = port.sent.iter().filter_map(|(_, message)| match message {
        PaxosMessage::Promise(part) => Some((part.from.0, part.to.0, part.end.0, part.reports.len())),
        _ => None,
    });
    assert_eq!(ranges.collect::<Vec<_>>(), [(0, 2, 4, 2), (2, 4, 4, 2)]);
    assert!(port.notes.contains(&PaxosNote::SplitsPromise(ballot(5, 2), 2)));
}

#[test]
fn a_reply_to_another_ballot_is_ignored() {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    let old = Ballot { round: mine.round - 1, ..mine };
    assert_eq!(old.round, 0, "the first campaign has no predecessor");
    let later = Ballot { round: mine.round + 3, ..mine };
    for number in [1, 2] {
        paxos.on_message(LATER, site(number), promise(later, (0, 0), 0, vec![]), &mut port);
        paxos.on_message(LATER, site(number), promise(ballot(mine.round, 1), (0, 0), 0, vec![]), &mut port);
    }
    assert!(paxos.is_campaigning());
    let not_mine = "a ballot of somebody else";
    let answers = "it answers an earlier ballot";
    assert_eq!(port.ignored(), [answers, not_mine, answers, not_mine]);
}

#[test]
fn a_watermark_counts_only_for_what_was_accepted_under_exactly_its_ballot() {
    let mut paxos = recovered(vec![accepted(1, 1, 0, 10), accepted(2, 2, 1, 11), accepted(2, 2, 2, 12)]);
    let mut port = Port::default();
    let watermark = PaxosMessage::Chosen { ballot: ballot(2, 2), chosen: Slot(3) };
    paxos.on_message(NOW, site(2), watermark, &mut port);
    assert_eq!((paxos.log().chosen(), paxos.log().chosen_at(Slot(0))), (Slot(0), None));
    assert_eq!(paxos.log().chosen_at(Slot(1)), Some(&entry(11)));
    let fetch = PaxosMessage::Fetch { first: Slot(0), end: Slot(3) };
    assert_eq!(
        port.sent,
        [(site(2).into(), fetch)],
        "the slot accepted under another ballot is fetched, at once"
    );
    let supply = PaxosMessage::FetchReply { slot: Slot(0), entry: entry(99), chosen: Slot(3) };
    paxos.on_message(NOW, site(1), supply, &mut port);
    assert_eq!((paxos.log().chosen(), paxos.log().chosen_at(Slot(0))), (Slot(3), Some(&entry(99))));
    assert!(
        port.records.contains(&PaxosRecord::Learned { slot: Slot(0), entry: entry(99) }),
        "it held something else"
    );
}

#[test]
fn only_chosen_slots_are_served() {
    let mut paxos =
        recovered(vec![accepted(1, 1, 0, 10), accepted(1, 1, 1, 11), PaxosRecord::Chosen(Slot(1))]);
    let mut port = Port::default();
    paxos.on_message(NOW, site(2), PaxosMessage::Fetch { first: Slot(0), end: Slot(2) }, &mut port);
    let supply = PaxosMessage::FetchReply { slot: Slot(0), entry: entry(10), chosen: Slot(1) };
    assert_eq!(port.sent, [(site(2).into(), supply)]);
}

#[test]
fn catching_up_goes_in_bounded_batches_and_asks_the_next_site_when_one_is_silent() {
    let mut paxos = recovered(vec![]);
    let mut port = Port::default();
    paxos.on_message(NOW, site(1), heartbeat(ballot(1, 1), Slot(7)), &mut port);
    let fetches = |port: &Port| -> Vec<(Recipients, u64, u64)> {
        let fetch = |(to, message): &(Recipients, PaxosMessage<u64>)| match message {
            PaxosMessage::Fetch { first, end } => Some((*to, first.0, end.0)),
            _ => None,
        };
        port.sent.iter().filter_map(fetch).collect()
    };
    paxos.on_wake(NOW + Duration::from_millis(100), &mut port);
    for slot in 0..7 {
        let supply = PaxosMessage::FetchReply { slot: Slot(slot), entry: entry(slot), chosen: Slot(7) };
        paxos.on_message(NOW + Duration::from_millis(120), site(2), supply, &mut port);
    }
    let (first, next) = (site(1).into(), site(2).into());
    assert_eq!(fetches(&port), [(first, 0, 3), (next, 0, 3), (next, 3, 6), (next, 6, 7)]);
    assert!(port.notes.contains(&PaxosNote::CaughtUp(Slot(7))));
}

#[test]
fn what_a_site_caught_up_with_is_known_to_be_chosen_after_a_restart_too() {
    let mut paxos = recovered(vec![accepted(1, 1, 0, 10)]);
    let mut port = Port::default();
    paxos.on_message(NOW, site(1), heartbeat(ballot(1, 1), Slot(3)), &mut port);
    for slot in 1..3 {
        let supply = PaxosMessage::FetchReply { slot: Slot(slot), entry: entry(slot), chosen: Slot(3) };
        paxos.on_message(NOW, site(1), supply, &mut port);
    }
    assert_eq!(paxos.log().chosen(), Slot(3));
    let durable = [vec![accepted(1, 1, 0, 10)], port.records].concat();
    assert_eq!(recovered(durable).log().chosen(), Slot(3));
}

#[test]
fn nothing_below_a_promise_is_accepted_and_the_refusal_names_it() {
    let mut paxos = recovered(vec![PaxosRecord::Promised(ballot(5, 2))]);
    let mut port = Port::default();
    let accept =
        PaxosMessage::Accept { ballot: ballot(5, 1), slot: Slot(0), chosen: Slot(0), entry: entry(1) };
    paxos.on_message(NOW, site(1), accept, &mut port);
    let nack =
        PaxosMessage::Nack { ballot: ballot(5, 1), promised: ballot(5, 2), chosen: Slot(0), leader: None };
    assert_eq!((port.records.len(), port.sent), (0, vec![(site(1).into(), nack)]));
}

#[test]
fn a_duplicated_accept_is_written_once_and_answered_twice() {
    let mut paxos = recovered(vec![]);
    let mut port = Port::default();
    for _ in 0..2 {
        let accept =
            PaxosMessage::Accept { ballot: ballot(1, 1), slot: Slot(0), chosen: Slot(0), entry: entry(1) };
        paxos.on_message(NOW, site(1), accept, &mut port);
    }
    assert_eq!(port.records, [accepted(1, 1, 0, 1)]);
    assert_eq!(port.kinds(), ["Accepted", "Accepted"]);
}

#[test]
fn a_starved_slot_holds_back_the_slots_a_window_behind_it() {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    for number in [0, 1] {
        paxos.on_message(LATER, site(number), promise(mine, (0, 0), 0, vec![]), &mut port);
    }
    let mut proposed = 0;
    while paxos.has_room() {
        paxos.propose(LATER, entry(proposed), &mut port);
        proposed += 1;
        for number in [0, 2] {
            if proposed > 1 {
                let accepted = PaxosMessage::Accepted { ballot: mine, slot: Slot(proposed - 1) };
                paxos.on_message(LATER, site(number), accepted, &mut port);
            }
        }
    }
    assert_eq!((proposed, paxos.log().chosen()), (config().window, Slot(0)));
}

#[test]
fn after_a_restart_a_site_campaigns_above_every_ballot_it_ever_promised() {
    let (paxos, mine) = candidate(vec![accepted(7, 0, 0, 1)]);
    assert_eq!((mine, paxos.leads_under()), (ballot(8, 0), None));
}

#[test]
fn records_that_contradict_each_other_are_damage() {
    let check = |records: Vec<PaxosRecord<u64>>, reason: &str| {
        let damage = Paxos::recover(config(), site(0), Seed(1), records).unwrap_err();
        assert_eq!(damage.0, reason);
    };
    check(
        vec![PaxosRecord::Promised(ballot(2, 1)), PaxosRecord::Promised(ballot(1, 1))],
        "a promise of 1.1 behind one of 2.1",
    );
    check(
        vec![PaxosRecord::Promised(ballot(2, 1)), accepted(1, 1, 0, 1)],
        "slot 0 accepted under 1.1 behind a promise of 2.1",
    );
    check(vec![PaxosRecord::Chosen(Slot(1))], "slot 0 is chosen below 1, yet nothing is held");
    let learned = |value| PaxosRecord::Learned { slot: Slot(0), entry: entry(value) };
    check(vec![learned(1), learned(2)], "two entries are chosen for slot 0");
    let late = || PaxosRecord::Begins(Slot(9));
    check(vec![learned(0), late()], "the log begins at slot 9, after other records");
    check(vec![late(), late()], "the log begins at slot 9, after other records");
    for first in [u64::MAX, u64::MAX - 1, 1 << 60] {
        let records = vec![PaxosRecord::Begins(Slot(first)), accepted(1, 1, first, 10)];
        check(records, &format!("no log begins as late as at slot {first}"));
    }
    check(vec![late(), learned(0)], "slot 0 is below 9, where the log begins");
    check(vec![late(), accepted(1, 1, 8, 1)], "slot 8 is below 9, where the log begins");
}

#[test]
fn a_log_that_begins_late_goes_on_from_there() {
    let first = Slot(70_000);
    let begun =
        || vec![PaxosRecord::Begins(first), accepted(1, 1, 70_000, 10), PaxosRecord::Chosen(Slot(70_001))];
    let mut paxos = recovered(begun());
    assert_eq!((paxos.log().first(), paxos.log().chosen()), (first, Slot(70_001)));
    let nonsense = [
        (
            1,
            PaxosMessage::Accept { ballot: ballot(1, 1), slot: Slot(69_999), chosen: first, entry: entry(1) },
        ),
        (2, PaxosMessage::FetchReply { slot: Slot(5), entry: entry(1), chosen: first }),
    ];
    for (from, message) in nonsense {
        let mut port = Port::default();
        paxos.on_message(NOW, site(from), message, &mut port);
        assert_eq!((port.ignored(), port.records), (vec!["a slot before the log begins"], vec![]));
    }
    let mut port = Port::default();
    paxos.on_message(NOW, site(2), PaxosMessage::Fetch { first: Slot(0), end: Slot(70_002) }, &mut port);
    assert_eq!(port.kinds(), Vec::<&str>::new(), "no more is fetched at once, and nothing of that is held");
    paxos.on_message(NOW, site(2), PaxosMessage::Fetch { first, end: Slot(70_002) }, &mut port);
    assert_eq!(port.kinds(), ["FetchReply"]);
}

#[test]
fn messages_that_make_no_sense_are_dropped_with_a_reason() {
    let far = Slot(1 << 50);
    let (mine, b) = (ballot(1, 0), ballot(1, 1));
    let check = |from: u8, message: PaxosMessage<u64>, reason: &str| {
        let (mut paxos, _) = candidate(vec![]);
        let mut port = Port::default();
        paxos.on_message(LATER, site(from), message, &mut port);
        assert_eq!(port.ignored(), [reason]);
        assert!(paxos.is_campaigning() && port.records.is_empty());
    };
    check(7, PaxosMessage::Fetch { first: Slot(0), end: far }, "no site of this cluster");
    check(2, PaxosMessage::Prepare { ballot: b, first: Slot(0) }, "a ballot of somebody else");
    check(1, promise(mine, (2, 1), 2, vec![]), "its ranges make no sense");
    check(1, promise(mine, (0, 1), 1, vec![report(5, None, 1)]), "its ranges make no sense");
    check(1, promise(mine, (0, 1 << 50), 1 << 50, vec![]), "its ranges make no sense");
    let unreachable = Ballot { round: (1 << 56) - 1, site: site(1) };
    check(
        1,
        PaxosMessage::Chosen { ballot: unreachable, chosen: Slot(0) },
        "a round that nobody can have reached",
    );
    let nack = PaxosMessage::Nack { ballot: mine, promised: unreachable, chosen: Slot(0), leader: None };
    check(1, nack, "a round that nobody can have reached");
    let large = Entry::of(vec![1 << 60; 40]);
    let supply = PaxosMessage::FetchReply { slot: Slot(0), entry: large, chosen: Slot(1) };
    check(1, supply, "an entry larger than any that this cluster makes");
    check(
        1,
        PaxosMessage::FetchReply { slot: far, entry: entry(1), chosen: far },
        "too far ahead of what is known to be chosen",
    );
}
