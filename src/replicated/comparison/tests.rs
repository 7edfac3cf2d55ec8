use super::*;

use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::{Given, Input, Label, Process, Recovered};
use crate::replicated::config::Config;
use crate::replicated::message::{BusyReason, Phase};
use crate::replicated::paxos::{self, Ballot, Entry};
use crate::replicated::submission::Number;
use crate::time::Duration;
use crate::tweets::site::{
    Message, Note, Participant, Query, Record, Request, Site, Submission, TimelineQuery,
};

fn site(number: u8) -> SiteId {
    SiteId::new(number).unwrap()
}

fn entry(count: u64) -> Entry<alloc::sync::Arc<Submission>> {
    let request = Request::Open { client: ProcessId::Client(1), nonce: count };
    let number = Number { incarnation: 1, count };
    let after = Number { incarnation: u64::from(count > 1), count: count - 1 };
    Entry::of([alloc::sync::Arc::new(Submission { origin: site(1), number, after, request })])
}

/// Site 0 of `sites`, which has applied `slots` slots.
struct Stage {
    participant: Participant,
    effects: Effects<Participant>,
    now: Instant,
    slots: u64,
}

impl Stage {
    fn new(sites: u8, slots: u64) -> Stage {
        let learned = |slot: u64| Record::Paxos {
            record: paxos::PaxosRecord::Learned { slot: Slot(slot), entry: entry(slot + 1) },
        };
        let records = (0..slots).map(learned).collect();
        let recovered = Recovered { incarnation: 1, records };
        let participant =
            Participant::start(&Config::new(sites), ProcessId::site(0), crate::mix::Seed(1), recovered)
                .unwrap();
        Stage { participant, effects: Effects::default(), now: Instant::ZERO, slots }
    }

    fn hand(&mut self, input: Input<Participant>) -> Given<Participant> {
        self.participant.handle(self.now, input, &mut self.effects);
        self.effects.take().unwrap()
    }

    fn deliver(&mut self, from: u8, message: Message) -> Given<Participant> {
        self.hand(Input::Message { from: ProcessId::site(from), message })
    }

    /// Peer `from` answers a comparison with this claim.
    fn compared(&mut self, from: u8, claim: Claim) -> Given<Participant> {
        self.deliver(from, Message::CompareReply { claim })
    }

    fn site(&self) -> &Site {
        self.participant.as_site().unwrap()
    }

    /// This site's own claim below this slot.
    fn own(&self, end: u64) -> Claim {
        Claim { end: Slot(end), digest: self.site().replica.digests().at(Slot(end)).unwrap() }
    }

    fn is_alone(&self) -> bool {
        self.site().status().phase == Phase::Diverged
    }

    /// Peer 1 supplies one more slot.
    fn learn(&mut self) -> Given<Participant> {
        let (slot, entry) = (Slot(self.slots), entry(self.slots + 1));
        self.slots += 1;
        let chosen = Slot(self.slots);
        self.deliver(1, Message::Paxos { message: paxos::PaxosMessage::FetchReply { slot, entry, chosen } })
    }
}

fn other(end: u64, which: u64) -> Claim {
    Claim { end: Slot(end), digest: Digest(which) }
}

fn compares(given: &Given<Participant>) -> Vec<Claim> {
    let claims = given.messages.iter().filter_map(|letter| match &letter.message {
        Message::Compare { claim } => Some(*claim),
        _ => None,
    });
    claims.collect()
}

#[test]
fn who_differs_from_a_quorum_stops_and_says_by_what() {
    let mut stage = Stage::new(5, 9);
    for from in [1, 2] {
        assert_eq!(stage.compared(from, other(7, 1)).stop, None);
    }
    let own = stage.own(7).digest;
    let stop = stage.compared(4, other(7, 1)).stop.expect("three of five");
    assert_eq!(stop.property, "divergence");
    let sentence = format!(
        "the log that S0 has applied differs from that of S124, a quorum: below slot 7 its digest is {own}, and theirs \
         0000000000000001; "
    );
    assert!(stop.reason.starts_with(&sentence), "{}", stop.reason);
}

#[test]
fn nothing_is_done_in_the_call_that_stops() {
    let mut stage = Stage::new(3, 9);
    stage.compared(1, other(7, 1));
    stage.participant.handle(
        stage.now,
        Input::Message { from: ProcessId::site(2), message: Message::Compare { claim: other(7, 1) } },
        &mut stage.effects,
    );
    assert!(stage.effects.stop.is_some());
}

#[test]
fn one_voice_counts_once_and_stops_nobody() {
    let mut stage = Stage::new(3, 9);
    for end in [7, 8, 9, 7, 3] {
        assert_eq!(stage.compared(1, other(end, 1)).stop, None);
    }
    // Peers that differ at another slot are no quorum with it.
    assert_eq!(stage.compared(2, other(8, 1)).stop, None);
    assert_eq!(stage.compared(2, other(3, 2)).stop, None);
    assert!(stage.is_alone());
    // Nor does a claim count from outside of the cluster, or under this site's own number.
    for from in [0, 5, 8] {
        assert_eq!(stage.compared(from, other(3, 1)).stop, None);
    }
}

#[test]
fn nonsense_changes_nothing() {
    let mut stage = Stage::new(5, 9);
    for from in [1, 2, 3, 4, 8] {
        for end in [10, 1 << 40, (1 << 56) - 1] {
            let given = stage.compared(from, other(end, u64::MAX));
            assert_eq!((given.stop, given.messages.len(), given.notes.len()), (None, 0, 0));
            let given = stage.deliver(from, Message::Compare { claim: other(end, u64::MAX) });
            assert_eq!((given.stop, given.messages.len(), given.notes.len()), (None, 0, 0));
        }
    }
    assert!(!stage.is_alone());
    let from = ProcessId::Client(1);
    let given = stage.hand(Input::Message { from, message: Message::CompareReply { claim: other(7, 1) } });
    assert_eq!(given.notes.len(), 1, "a client has no log");
}

#[test]
fn a_difference_asks_all_and_lets_nothing_be_chosen_until_a_quorum_agrees() {
    let mut stage = Stage::new(3, 9);
    let given = stage.compared(1, other(7, 1));
    assert!(stage.is_alone());
    assert_eq!(compares(&given), [stage.own(7)]);
    let kinds: Vec<String> = given.notes.iter().map(|note| format!("{note}")).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    let ballot = Ballot { round: 1, site: site(1) };
    let accept =
        |slot| paxos::PaxosMessage::Accept { ballot, slot: Slot(slot), chosen: Slot(9), entry: entry(10) };
    let given = stage.deliver(1, Message::Paxos { message: accept(9) });
    assert!(given.records.is_empty() && given.messages.is_empty());
    let request = Request::Open { client: ProcessId::Client(3), nonce: 1 };
    let id = request.id();
    let given =
        stage.hand(Input::Message { from: ProcessId::Client(3), message: Message::Request { request } });
    assert!(given.records.is_empty());
    assert_eq!(given.messages[0].message, Message::Busy { id, reason: BusyReason::Diverged });
    // It shows what it has, but cannot say what a quorum has.
    let view = crate::tweets::timeline::View { viewer: "bob".parse().unwrap(), limit: 9, older_than: None };
    let mut ask = |query| {
        let message = Message::Query { id: 1, seen: Slot(0), query };
        stage.hand(Input::Message { from: ProcessId::Client(3), message }).messages[0].message.clone()
    };
    assert!(matches!(ask(Query::Of(TimelineQuery::View { view: view.clone() })), Message::QueryReply { .. }));
    assert!(matches!(ask(Query::Status), Message::QueryReply { .. }));
    assert!(matches!(ask(Query::Of(TimelineQuery::QuorumView { view })), Message::Behind { .. }));
    // Without an answer, it asks again.
    stage.now += Duration::from_millis(150);
    assert_eq!(compares(&stage.hand(Input::Wake)), [stage.own(7)]);
    // The other peer agrees, a little further on: with this site that is a quorum.
    let given = stage.compared(2, stage.own(8));
    assert!(!stage.is_alone() && given.stop.is_none());
    let given = stage.deliver(1, Message::Paxos { message: accept(9) });
    assert!(given.messages.iter().any(|letter| letter.message.kind() == "Accepted"));
    // The peer that differs says so again and again, and nothing follows.
    assert_eq!(compares(&stage.compared(1, other(9, 1))), []);
    assert!(!stage.is_alone());
}

#[test]
fn where_no_quorum_agrees_nobody_stops_and_nobody_goes_on() {
    let mut all_differ = Stage::new(3, 9);
    let mut two_against_two = Stage::new(4, 9);
    for (from, which) in [(1, 1), (2, 2)] {
        assert_eq!(all_differ.compared(from, other(7, which)).stop, None);
    }
    for from in [2, 3] {
        assert_eq!(two_against_two.compared(from, other(7, 1)).stop, None);
    }
    assert_eq!(two_against_two.compared(1, two_against_two.own(7)).stop, None);
    for mut stage in [all_differ, two_against_two] {
        for _ in 0..100 {
            stage.now += Duration::from_millis(150);
            assert_eq!(stage.hand(Input::Wake).stop, None);
            assert!(stage.is_alone());
        }
    }
}

#[test]
fn what_is_further_ahead_is_compared_when_this_site_is_there() {
    let mut ahead = Stage::new(3, 9);
    let mut right = Stage::new(3, 12);
    let claim = right.own(11);
    assert_eq!(ahead.compared(1, other(11, 1)).notes.len(), 0);
    // The lowest claim waits: under load the latest might never be reached.
    ahead.compared(1, other(500, 7));
    ahead.compared(2, claim);
    ahead.learn();
    assert!(!ahead.is_alone());
    let given = ahead.learn();
    assert!(given.notes.iter().any(|note| matches!(note, Note::Differs(from, ..) if *from == site(1))));
    assert!(!ahead.is_alone(), "site 2 has the same: a quorum");
    right.compared(1, claim);
    assert!(!right.is_alone());
}

#[test]
fn what_is_too_long_ago_is_not_compared() {
    let slots = crate::replicated::digests::DIGESTS_MAX as u64 + 20;
    let mut stage = Stage::new(3, slots);
    for from in [1, 2] {
        let given = stage.compared(from, other(20, 1));
        assert_eq!((given.stop, given.notes.len()), (None, 0));
        let given = stage.deliver(from, Message::Compare { claim: other(20, 1) });
        assert_eq!((given.stop, given.messages.len()), (None, 0));
    }
    stage.compared(1, other(21, 1));
    assert!(stage.compared(2, other(21, 1)).stop.is_some());
}

#[test]
fn who_asks_is_answered_and_compared_with() {
    let mut stage = Stage::new(3, 9);
    let given = stage.deliver(1, Message::Compare { claim: stage.own(5) });
    assert_eq!(given.messages.len(), 1);
    assert_eq!(given.messages[0].message, Message::CompareReply { claim: stage.own(5) });
    stage.deliver(1, Message::Compare { claim: other(5, 1) });
    assert!(stage.is_alone());
    assert!(stage.deliver(2, Message::Compare { claim: other(5, 1) }).stop.is_some());
}

#[test]
fn that_logs_agree_below_says_nothing_of_where_they_differ() {
    let mut stage = Stage::new(3, 9);
    stage.compared(1, other(7, 1));
    stage.compared(1, stage.own(6));
    assert!(stage.is_alone(), "an answer that came late");
    stage.compared(1, stage.own(7));
    assert!(!stage.is_alone(), "its storage is what it should be again");
}

#[test]
fn heartbeats_and_their_answers_say_what_is_applied() {
    let mut stage = Stage::new(3, 9);
    let ballot = Ballot { round: 1, site: site(1) };
    let heartbeat = |applied| Message::Paxos {
        message: paxos::PaxosMessage::Heartbeat {
            ballot,
            chosen: Slot(9),
            beat: 1,
            hears: SiteSet::first(3),
            applied,
        },
    };
    let given = stage.deliver(1, heartbeat(stage.own(9)));
    let answer = given.messages.iter().find_map(|letter| match &letter.message {
        Message::Paxos { message } => message.claim(),
        _ => None,
    });
    assert_eq!(answer, Some(stage.own(9)));
    assert!(!stage.is_alone());
    stage.deliver(1, heartbeat(other(9, 1)));
    assert!(stage.is_alone());
}

/// A peer that once agreed with this site may have voted for something else since.
#[test]
fn what_others_said_of_earlier_slots_says_nothing_of_a_later_difference() {
    let mut stage = Stage::new(3, 9);
    stage.compared(2, stage.own(6));
    let given = stage.compared(1, other(7, 1));
    assert_eq!(compares(&given), [stage.own(7)]);
    assert!(stage.is_alone());
    stage.compared(2, stage.own(7));
    assert!(!stage.is_alone());
    // A difference of the same peer further on is no other difference: peers that are known to agree are not asked
    // again.
    for end in [8, 9, 7] {
        assert_eq!(compares(&stage.compared(1, other(end, 1))), []);
        assert!(!stage.is_alone());
    }
    for _ in 0..2 * crate::replicated::digests::DIGESTS_MAX {
        stage.learn();
        let end = stage.slots;
        assert_eq!(compares(&stage.compared(1, other(end, 1))), []);
        assert!(!stage.is_alone());
    }
}

/// A candidate that stood aside leads once it takes part again, though all have promised and no further message comes.
#[test]
fn a_candidate_leads_when_it_takes_part_again() {
    let mut stage = Stage::new(3, 9);
    stage.hand(Input::Wake);
    stage.compared(2, other(7, 1));
    stage.now = Instant::ZERO + Duration::from_secs(5);
    let given = stage.hand(Input::Wake);
    let ballot = given.messages.iter().find_map(|letter| match &letter.message {
        Message::Paxos { message: paxos::PaxosMessage::Prepare { ballot, .. } } => Some(*ballot),
        _ => None,
    });
    let ballot = ballot.expect("it campaigns");
    for from in [0, 1] {
        let (from_slot, to, end, chosen) = (Slot(9), Slot(9), Slot(9), Slot(9));
        let reports = Vec::new();
        let promise = paxos::Promise { ballot, from: from_slot, to, end, chosen, sync: 0, reports };
        stage.deliver(from, Message::Paxos { message: paxos::PaxosMessage::Promise(promise) });
    }
    assert!(stage.site().paxos.leads_under().is_none());
    stage.compared(1, stage.own(9));
    assert_eq!(stage.site().paxos.leads_under(), Some(ballot));
}
