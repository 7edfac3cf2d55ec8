//! Which survey serves which view, at a single site of three that holds one slot and knows of no leader.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::mix::Seed;
use crate::paxos::{self, Ballot, Entry, Slot, SurveyId};
use crate::process::{Effects, Input, Process, Recipients, Recovered};
use crate::site::{Bird, Command, Config, Message, Note, Query, Record, Submission, Telling};
use crate::time::{Duration, Instant};
use crate::timeline::{Page, View};

const CLIENT: ProcessId = ProcessId::Client(1);
const NOW: Instant = Instant::from_micros(1_000);

fn fresh() -> Query {
    Query::Fresh { view: View { viewer: "ann".parse().unwrap(), limit: 5, older_than: None } }
}

struct Stage {
    bird: Bird,
    effects: Effects<Bird>,
}

impl Stage {
    /// Below `chosen` it knows its log to be chosen, which reaches up to slot 2.
    fn new(chosen: u64, config: Config) -> Stage {
        let accepted = |slot| Record::Paxos {
            record: paxos::Record::Accepted {
                ballot: Ballot { round: 1, site: SiteId::new(1).unwrap() },
                slot: Slot(slot),
                entry: Entry::<Arc<Submission>>::Noop,
            },
        };
        let mark = Record::Paxos { record: paxos::Record::Chosen(Slot(chosen)) };
        let recovered = Recovered { incarnation: 3, records: vec![accepted(0), accepted(1), mark] };
        let bird = Bird::start(&config, ProcessId::site(0), Seed(1), recovered).unwrap();
        Stage { bird, effects: Effects::default() }
    }

    /// What it says to that, in short.
    fn says(&mut self, at: Instant, from: ProcessId, message: Message) -> Vec<String> {
        self.bird.handle(at, Input::Message { from, message }, &mut self.effects);
        self.said()
    }

    fn said(&mut self) -> Vec<String> {
        let short = |to: Recipients, message: Message| match message {
            Message::Paxos { message: paxos::Message::Survey { id, .. } } => {
                Some(alloc::format!("survey {id}"))
            }
            Message::Told { id, applied, .. } => Some(alloc::format!("told {id} as of {applied}")),
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
        self.says(at, CLIENT, Message::Query { id, seen: Slot(0), query: fresh() })
    }

    fn extent(&mut self, count: u64, end: u64) -> Vec<String> {
        let id = SurveyId { incarnation: 3, count };
        let message = paxos::Message::Extent { id, end: Slot(end), chosen: Slot(0) };
        self.says(NOW, ProcessId::site(1), Message::Paxos { message })
    }

    fn chosen(&mut self, slot: u64) -> Vec<String> {
        let message = paxos::Message::Supply { slot: Slot(slot), entry: Entry::Noop, chosen: Slot(0) };
        self.says(NOW, ProcessId::site(1), Message::Paxos { message })
    }
}

#[test]
fn a_view_waits_for_a_quorum_and_then_until_that_much_is_applied() {
    let mut all_known = Stage::new(2, Config::new(3));
    assert_eq!(all_known.asked(NOW, 7), ["survey 3.1"]);
    assert_eq!(all_known.extent(1, 1), ["told 7 as of 2"]);
    let mut stage = Stage::new(0, Config::new(3));
    stage.asked(NOW, 7);
    assert_eq!(stage.extent(1, 3), [""; 0]);
    for slot in [2, 0] {
        assert_eq!(stage.chosen(slot), [""; 0], "slot 1 is missing");
    }
    assert_eq!(stage.chosen(1), ["told 7 as of 3"]);
}

#[test]
fn what_comes_during_a_survey_waits_for_the_next_and_all_of_it_shares_that() {
    let mut stage = Stage::new(2, Config::new(3));
    assert_eq!(stage.asked(NOW, 7), ["survey 3.1"]);
    for id in [8, 9, 7] {
        assert_eq!(stage.asked(NOW, id), [""; 0]);
    }
    assert_eq!(stage.extent(1, 0), ["told 7 as of 2", "survey 3.2"]);
    assert_eq!(stage.extent(1, 0), [""; 0], "that was the one before");
    assert_eq!(stage.extent(2, 0), ["told 8 as of 2", "told 9 as of 2"]);
}

#[test]
fn who_waits_for_long_is_told_so_and_so_is_who_comes_when_it_is_full() {
    let mut stage = Stage::new(2, Config { reads_max: 2, ..Config::new(3) });
    let later = NOW + Duration::from_millis(10);
    assert_eq!(stage.asked(NOW, 7), ["survey 3.1"]);
    assert_eq!(stage.asked(later, 8), [""; 0]);
    assert_eq!(stage.asked(later, 9), ["behind 9"]);
    let due = NOW + Config::new(3).parked_for;
    let wake = |stage: &mut Stage, at| {
        stage.bird.handle(at, Input::Wake, &mut stage.effects);
        stage.said()
    };
    assert_eq!(wake(&mut stage, due), ["survey 3.1", "behind 7", "survey 3.2"]);
    assert_eq!(stage.extent(1, 9), [""; 0], "nobody waits for that one");
    assert_eq!(stage.extent(2, 2), ["told 8 as of 2"]);
    let Some((wakes_at, reason)) = stage.bird.deadline() else { panic!("it campaigns") };
    assert!(wakes_at > NOW && reason != "survey" && reason != "query", "{reason} at {wakes_at}");
}

/// Sends the first query of a client with this seed, and hands it this answer; what it sends and notes.
fn client(seed: u64, answer: impl Fn(u64) -> Message) -> (u64, Vec<Note>) {
    let fresh_life = Recovered { incarnation: 1, records: Vec::new() };
    let mut bird = Bird::start(&Config::new(3), CLIENT, Seed(seed), fresh_life).unwrap();
    let mut effects = Effects::default();
    bird.handle(NOW, Input::Command(Command::Tell(fresh())), &mut effects);
    let sent = effects.take().unwrap().messages;
    let Message::Query { id, .. } = sent[0].message else { panic!("{sent:?}") };
    bird.handle(NOW, Input::Message { from: ProcessId::site(1), message: answer(id) }, &mut effects);
    (id, effects.take().unwrap().notes)
}

#[test]
fn a_client_takes_no_answer_to_another_of_its_lives() {
    let told = |id| Message::Told { id, applied: Slot(4), telling: Telling::View { page: Page::default() } };
    let (id, notes) = client(1, told);
    let Query::Fresh { view } = fresh() else { panic!("it is fresh") };
    assert_eq!(notes, [Note::Shown(id, SiteId::new(1).unwrap(), Slot(4), view, Page::default())]);
    let (another, notes) = client(2, |_| told(id));
    assert!(another != id && notes.is_empty(), "{another} {notes:?}");
}
