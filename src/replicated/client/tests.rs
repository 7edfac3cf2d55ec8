//! Tests how a client handles the ends of its sessions.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::process::{Input, Process, Recovered};
use crate::replicated::machine::Position;
use crate::tweets::site::{
    Answer, Command, Message, Note, Operation, Participant, Query, Reply, Request, TimelineOutcome,
    TimelineQuery, TimelineReply,
};
use crate::tweets::timeline::{Event, Page, View};

const ME: ProcessId = ProcessId::Client(1);

struct Asker(Participant, Effects<Participant>);

impl Asker {
    fn start(seed: u64) -> Asker {
        let recovered = Recovered { incarnation: 1, records: Vec::new() };
        let client = Participant::start(&Config::new(3), ME, Seed(seed), recovered).unwrap();
        Asker(client, Effects::default())
    }

    /// The messages that it sends, and its notes.
    fn hand_in(&mut self, now: Duration, input: Input<Participant>) -> (Vec<Message>, Vec<Note>) {
        self.0.handle(Instant::ZERO + now, input, &mut self.1);
        let given = self.1.take().unwrap();
        self.1.clear();
        (given.messages.into_iter().map(|letter| letter.message).collect(), given.notes)
    }

    fn command(&mut self, command: Command) -> Vec<Message> {
        self.hand_in(Duration::ZERO, Input::Command(command)).0
    }

    fn receive(&mut self, message: Message) -> (Vec<Message>, Vec<Note>) {
        self.hand_in(Duration::ZERO, Input::Message { from: ProcessId::site(0), message })
    }

    fn may_be_done(&self) -> bool {
        self.0.as_client().unwrap().may_be_done()
    }
}

fn tweet() -> Operation {
    Operation::Event { event: Event::Tweet { user: "ann".parse().unwrap(), text: "hello".parse().unwrap() } }
}

fn asked(messages: &[Message]) -> Request {
    match messages {
        [Message::Request { request }] => request.clone(),
        other => panic!("{other:?}"),
    }
}

fn opened(request: &Request, slot: u64) -> Message {
    let at = Position { slot, index: 0 };
    Message::Applied { id: request.id(), at, answer: Answer::Opened }
}

#[test]
fn who_finds_session_after_session_gone_says_at_last_that_nothing_was_done() {
    let mut asker = Asker::start(1);
    let mut opening = asked(&asker.command(Command::Do(tweet())));
    for time in 0..=ANEW_MAX {
        assert!(!asker.may_be_done(), "an opening does nothing");
        let request = asked(&asker.receive(opened(&opening, time)).0);
        assert!(asker.may_be_done());
        let expired = Message::Expired { id: request.id(), is_undone: true };
        let (sent, notes) = asker.receive(expired.clone());
        if time == ANEW_MAX {
            assert_eq!((sent, notes), (vec![], vec![Note::GaveUp(tweet())]));
        } else {
            opening = asked(&sent);
            assert_eq!(notes, [Note::AsksInNewSession(tweet())]);
            // A second copy is about a request that is over.
            assert_eq!(asker.receive(expired), (vec![], vec![]));
        }
    }
    assert!(!asker.may_be_done() && asker.0.as_client().unwrap().is_idle());
}

#[test]
fn what_nobody_remembers_is_not_asked_for_again() {
    let mut asker = Asker::start(1);
    let opening = asked(&asker.command(Command::Do(tweet())));
    let request = asked(&asker.receive(opened(&opening, 0)).0);
    // It is about another request, though that has the same number.
    let RequestId::Execute { session, number, digest } = request.id() else { unreachable!() };
    let other = RequestId::Execute { session, number, digest: digest ^ 1 };
    assert_eq!(asker.receive(Message::Expired { id: other, is_undone: true }), (vec![], vec![]));
    let at = Position { slot: 1, index: 0 };
    let applied = Message::Applied { id: other, at, answer: Answer::Of(TimelineOutcome::Done) };
    assert_eq!(asker.receive(applied), (vec![], vec![]), "nor is its answer one to this");
    let expired = Message::Expired { id: request.id(), is_undone: false };
    assert_eq!(asker.receive(expired), (vec![], vec![Note::OutcomeUnknown(tweet())]));
}

#[test]
fn the_last_request_of_a_session_is_followed_by_another_opening() {
    let mut asker = Asker::start(1);
    let opening = asked(&asker.command(Command::DoLast(tweet())));
    assert_eq!(asker.command(Command::Do(tweet())), []);
    let request = asked(&asker.receive(opened(&opening, 0)).0);
    assert!(matches!(request, Request::Execute { is_last: true, .. }), "{request:?}");
    let at = Position { slot: 1, index: 0 };
    let (sent, _) =
        asker.receive(Message::Applied { id: request.id(), at, answer: Answer::Of(TimelineOutcome::Done) });
    let next = asked(&sent);
    assert!(matches!(next, Request::Open { .. }) && next.id() != opening.id(), "{next:?}");
}

/// Programs draw the numbers of their clients: an answer to an earlier client must not pass for one to a later client.
#[test]
fn no_query_of_one_client_has_the_id_of_another_of_the_same_number() {
    let view = View { viewer: "ann".parse().unwrap(), limit: 9, older_than: None };
    let id = |seed| match &Asker::start(seed)
        .command(Command::Query(Query::Of(TimelineQuery::View { view: view.clone() })))[..]
    {
        [Message::Query { id, .. }] => *id,
        other => panic!("{other:?}"),
    };
    let mut later = Asker::start(2);
    later.command(Command::Query(Query::Of(TimelineQuery::View { view: view.clone() })));
    let reply = |id| {
        let reply = Reply::Of(TimelineReply::View { page: Page::default() });
        Message::QueryReply { id, applied: Slot(3), reply }
    };
    assert_eq!(later.receive(reply(id(1))), (vec![], vec![]));
    assert_eq!(later.receive(reply(id(2))).1.len(), 1);
}
