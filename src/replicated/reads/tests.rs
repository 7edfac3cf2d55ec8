//! Tests which survey serves which view, at one site of three that holds two slots and knows of no leader.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::mix::Seed;
use crate::process::{Effects, Input, Process, Recipients, Recovered};
use crate::replicated::Config;
use crate::replicated::paxos::{self, Ballot, Entry, Slot, SurveyId};
use crate::time::{Duration, Instant};
use crate::tweets::site::{
    Command, Message, Note, Participant, Query, Record, Reply, Submission, TimelineQuery, TimelineReply,
};
use crate::tweets::timeline::{Page, View};

const CLIENT: ProcessId = ProcessId::Client(1);
const NOW: Instant = Instant::from_micros(1_000);

fn fresh() -> Query {
    Query::Of(TimelineQuery::QuorumView {
        view: View { viewer: "ann".parse().unwrap(), limit: 5, older_than: None },
    })
}

struct ReadStage {
    participant: Participant,
    effects: Effects<Participant>,
}

impl ReadStage {
    /// It holds slots 0 and 1, and knows those below `chosen` to be chosen.
    fn new(chosen: u64, config: Config) -> ReadStage {
        let accepted = |slot| Record::Paxos {
            record: paxos::PaxosRecord::Accepted {
                ballot: Ballot { round: 1, site: SiteId::new(1).unwrap() },
                slot: Slot(slot),
                entry: Entry::<Arc<Submission>>::noop(),
                is_new: false,
            },
        };
        let mark = Record::Paxos { record: paxos::PaxosRecord::Chosen(Slot(chosen)) };
        let recovered = Recovered { incarnation: 3, records: vec![accepted(0), accepted(1), mark] };
        let participant = Participant::start(&config, ProcessId::site(0), Seed(1), recovered).unwrap();
        ReadStage { participant, effects: Effects::default() }
    }

    /// Its messages in answer to that, in short.
    fn deliver(&mut self, at: Instant, from: ProcessId, message: Message) -> Vec<String> {
        self.participant.handle(at, Input::Message { from, message }, &mut self.effects);
        self.outputs()
    }

    fn outputs(&mut self) -> Vec<String> {
        let short = |to: Recipients, message: Message| match message {
            Message::Paxos { message: paxos::PaxosMessage::Survey { id, reach } } => {
                let far = if reach > Slot(3) { " too far" } else { "" };
                Some(alloc::format!("survey {id}{far}"))
            }
            Message::QueryReply { id, applied, .. } => Some(alloc::format!("told {id} as of {applied}")),
            Message::Behind { id, .. } => Some(alloc::format!("behind {id}")),
            _ => {
                assert!(!to.contains(CLIENT));
                None
            }
        };
        let given = self.effects.take().unwrap();
        given.messages.into_iter().filter_map(|letter| short(letter.to, letter.message)).collect()
    }

    fn asked(&mut self, at: Instant, id: u64) -> Vec<String> {
        self.deliver(at, CLIENT, Message::Query { id, seen: Slot(0), query: fresh() })
    }

    fn extent(&mut self, count: u64, end: u64) -> Vec<String> {
        let id = SurveyId { incarnation: 3, count };
        let message = paxos::PaxosMessage::SurveyReply { id, end: Slot(end), chosen: Slot(0) };
        self.deliver(NOW, ProcessId::site(1), Message::Paxos { message })
    }

    fn chosen(&mut self, slot: u64) -> Vec<String> {
        let message =
            paxos::PaxosMessage::FetchReply { slot: Slot(slot), entry: Entry::noop(), chosen: Slot(0) };
        self.deliver(NOW, ProcessId::site(1), Message::Paxos { message })
    }
}

#[test]
fn a_view_waits_for_a_quorum_and_then_until_that_much_is_applied() {
    let mut all_known = ReadStage::new(2, Config::new(3));
    assert_eq!(all_known.asked(NOW, 7), ["survey 3.1"]);
    assert_eq!(all_known.extent(1, 1), ["told 7 as of 2"]);
    let mut stage = ReadStage::new(0, Config::new(3));
    stage.asked(NOW, 7);
    assert_eq!(stage.extent(1, 3), [""; 0]);
    for slot in [2, 0] {
        assert_eq!(stage.chosen(slot), [""; 0], "slot 1 is missing");
    }
    assert_eq!(stage.chosen(1), ["told 7 as of 3"]);
}

#[test]
fn what_comes_during_a_survey_waits_for_the_next_and_all_of_it_shares_that() {
    let mut stage = ReadStage::new(2, Config::new(3));
    assert_eq!(stage.asked(NOW, 7), ["survey 3.1"]);
    for id in [8, 9, 7] {
        assert_eq!(stage.asked(NOW, id), [""; 0]);
    }
    assert_eq!(stage.extent(1, 0), ["told 7 as of 2", "survey 3.2"]);
    assert_eq!(stage.extent(1, 0), [""; 0], "that was the one before");
    assert_eq!(stage.extent(2, 0), ["told 8 as of 2", "told 9 as of 2"]);
}

#[test]
fn who_waits_for_long_is_told_so() {
    let mut stage = ReadStage::new(2, Config { reads_max: 2, ..Config::new(3) });
    let later = NOW + Duration::from_millis(10);
    assert_eq!(stage.asked(NOW, 7), ["survey 3.1"]);
    assert_eq!(stage.asked(later, 8), [""; 0]);
    let due = NOW + Config::new(3).parked_for;
    let wake = |stage: &mut ReadStage, at| {
        stage.participant.handle(at, Input::Wake, &mut stage.effects);
        stage.outputs()
    };
    assert_eq!(wake(&mut stage, due), ["survey 3.1", "behind 7", "survey 3.2"]);
    assert_eq!(stage.extent(1, 9), [""; 0], "nobody waits for that one");
    assert_eq!(stage.extent(2, 2), ["told 8 as of 2"]);
    let Some((wakes_at, reason)) = stage.participant.deadline() else { panic!("it campaigns") };
    assert!(wakes_at > NOW && reason != "survey" && reason != "query", "{reason} at {wakes_at}");
}

#[test]
fn a_client_waits_for_a_few_views_and_its_oldest_makes_room_for_the_next() {
    let other = ProcessId::Client(2);
    let mut stage = ReadStage::new(2, Config::new(3));
    assert_eq!(stage.asked(NOW, 1), ["survey 3.1"]);
    for id in [2, 3, 4] {
        assert_eq!(stage.asked(NOW, id), [""; 0]);
    }
    assert_eq!(stage.asked(NOW, 5), ["behind 1", "survey 3.2"], "nobody waits for the first any more");
    let query = Message::Query { id: 6, seen: Slot(0), query: fresh() };
    assert_eq!(stage.deliver(NOW, other, query), [""; 0], "the other's place is its own");
    assert_eq!(stage.asked(NOW, 7), ["behind 2"]);
    assert_eq!(stage.extent(2, 0), ["told 3 as of 2", "told 4 as of 2", "told 5 as of 2", "survey 3.3"]);
    assert_eq!(stage.extent(3, 0), ["told 6 as of 2", "told 7 as of 2"]);
}

#[test]
fn a_client_that_claims_to_have_seen_what_nobody_can_is_turned_away_at_once() {
    let reachable = 2 + Config::new(3).window;
    let query = |id, seen, query| Message::Query { id, seen: Slot(seen), query };
    let Query::Of(TimelineQuery::QuorumView { view }) = fresh() else { panic!("it is fresh") };
    let local = || Query::Of(TimelineQuery::View { view: view.clone() });
    let mut stage = ReadStage::new(2, Config::new(3));
    for (id, seen) in [(1, reachable + 1), (2, u64::MAX)] {
        assert_eq!(stage.deliver(NOW, CLIENT, query(id, seen, fresh())), [alloc::format!("behind {id}")]);
        assert_eq!(stage.deliver(NOW, CLIENT, query(id, seen, local())), [alloc::format!("behind {id}")]);
    }
    assert_eq!(stage.deliver(NOW, CLIENT, query(3, reachable, local())), [""; 0]);
    // Whatever slot a view waits for, no leader is asked to close slots up to there.
    assert_eq!(stage.deliver(NOW, CLIENT, query(4, reachable, fresh())), ["survey 3.1"]);
    assert_eq!(stage.extent(1, 2), [""; 0]);
    assert_eq!(stage.deliver(NOW, CLIENT, query(5, 0, fresh())), ["survey 3.2"]);
    assert_eq!(stage.extent(2, 2), ["told 5 as of 2"]);
    // A site that hears of a higher slot waits for more.
    let ballot = Ballot { round: 1, site: SiteId::new(1).unwrap() };
    let message = Message::Paxos { message: paxos::PaxosMessage::Chosen { ballot, chosen: Slot(90) } };
    stage.deliver(NOW, ProcessId::site(1), message);
    assert_eq!(stage.deliver(NOW, CLIENT, query(6, reachable + 1, fresh())), ["survey 3.3"]);
}

#[test]
fn one_who_asks_for_what_nobody_knows_leaves_places_to_others() {
    let ask = |stage: &mut ReadStage, client, id, seen| {
        let Query::Of(TimelineQuery::QuorumView { view }) = fresh() else { panic!("it is fresh") };
        let message = Message::Query { id, seen: Slot(seen), query: Query::Of(TimelineQuery::View { view }) };
        stage.deliver(NOW, ProcessId::Client(client), message)
    };
    let mut stage = ReadStage::new(2, Config { parked_max: 6, ..Config::new(3) });
    assert_eq!(ask(&mut stage, 9, 90, 3), [""; 0]);
    for id in 1..50 {
        let gone: Vec<String> = (id > 4).then(|| alloc::format!("behind {}", id - 4)).into_iter().collect();
        assert_eq!(ask(&mut stage, 1, id, 20), gone);
    }
    assert_eq!(ask(&mut stage, 2, 51, 3), [""; 0]);
    assert_eq!(ask(&mut stage, 3, 52, 3), ["behind 90"], "it is full: the oldest goes");
    assert_eq!(stage.chosen(2), ["told 51 as of 3", "told 52 as of 3"]);
}

/// Sends the first query of a client with this seed, and hands the client this answer. Returns the query's id and the
/// notes.
fn client(seed: u64, answer: impl Fn(u64) -> Message) -> (u64, Vec<Note>) {
    let fresh_life = Recovered { incarnation: 1, records: Vec::new() };
    let mut participant = Participant::start(&Config::new(3), CLIENT, Seed(seed), fresh_life).unwrap();
    let mut effects = Effects::default();
    participant.handle(NOW, Input::Command(Command::Query(fresh())), &mut effects);
    let sent = effects.take().unwrap().messages;
    let Message::Query { id, .. } = sent[0].message else { panic!("{sent:?}") };
    participant.handle(NOW, Input::Message { from: ProcessId::site(1), message: answer(id) }, &mut effects);
    (id, effects.take().unwrap().notes)
}

#[test]
fn a_client_takes_no_answer_to_another_of_its_lives() {
    let reply = |id| Message::QueryReply {
        id,
        applied: Slot(4),
        reply: Reply::Of(TimelineReply::View { page: Page::default() }),
    };
    let (id, notes) = client(1, reply);
    let (Query::Of(query), page) = (fresh(), Page::default()) else { panic!("it is fresh") };
    let shown = TimelineReply::View { page };
    assert_eq!(notes, [Note::QuorumReply(id, SiteId::new(1).unwrap(), Slot(4), query, shown)]);
    let (another, notes) = client(2, |_| reply(id));
    assert!(another != id && notes.is_empty(), "{another} {notes:?}");
}
