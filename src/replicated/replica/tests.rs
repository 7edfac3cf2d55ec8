//! Tests sessions: which one ends when, what is remembered of it, and to which request an answer belongs.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::ids::SiteId;
use crate::replicated::machine::Position;
use crate::replicated::submission::Number;
use crate::tweets::site::{Answer, Operation, Request, Submission, TimelineOutcome};
use crate::tweets::timeline::Timeline;
use crate::tweets::timeline::{Event, View};

type Replica = crate::replicated::replica::Replica<Timeline>;
type KnownOutcome = crate::replicated::replica::KnownOutcome<Timeline>;
type Applied = crate::replicated::replica::Applied<Timeline>;

fn at(slot: u64) -> Position {
    Position { slot, index: 0 }
}

/// Stands for the client that opened the session.
const OWNER: ProcessId = ProcessId::Client(u16::MAX);

fn tweet(session: Session, number: u64, text: &str) -> Request {
    let event = Event::Tweet { user: "ann".parse().unwrap(), text: text.parse().unwrap() };
    let (client, operation) = (OWNER, Operation::Event { event });
    Request::Execute { client, session, number, operation, is_last: false }
}

fn last(session: Session, number: u64, text: &str) -> Request {
    match tweet(session, number, text) {
        Request::Execute { client, session, number, operation, .. } => {
            Request::Execute { client, session, number, operation, is_last: true }
        }
        Request::Open { .. } => unreachable!(),
    }
}

/// A log with one submission per slot.
struct Fold(Replica);

impl Fold {
    fn next(&mut self, mut request: Request) -> Applied {
        if let Request::Execute { client, session, .. } = &mut request
            && let Some(state) = self.0.sessions.by_id.get(session)
            && *client == OWNER
        {
            *client = state.client;
        }
        let slot = self.0.applied();
        let number = |count| Number { incarnation: 1, count };
        let after = if slot == Slot(0) { Number::default() } else { number(slot.0) };
        let origin = SiteId::new(0).unwrap();
        let submission = Submission { origin, number: number(slot.0 + 1), after, request };
        self.0.begin(slot);
        self.0.apply_one(at(slot.0), &submission)
    }

    fn open(&mut self, client: u16) -> Session {
        match self.next(Request::Open { client: ProcessId::Client(client), nonce: 7 }) {
            Applied::Answered { at, answer: Answer::Opened, is_repeated: false, .. } => at,
            other => panic!("{other:?}"),
        }
    }

    /// Where it took effect: slot and index; and whether that was earlier.
    fn done(&mut self, request: Request) -> (Position, bool) {
        match self.next(request) {
            Applied::Answered { at, answer: Answer::Of(TimelineOutcome::Done), is_repeated, .. } => {
                (at, is_repeated)
            }
            other => panic!("{other:?}"),
        }
    }

    fn known(&self, request: &Request, client: u16) -> KnownOutcome {
        self.0.look_up(request.id(), ProcessId::Client(client))
    }

    fn texts(&self) -> Vec<String> {
        self.0.machine().tweets().map(|tweet| tweet.text.to_string()).collect()
    }
}

#[test]
fn those_who_ask_once_and_go_evict_nobody() {
    let mut fold = Fold(Replica::new(1_024));
    let idle = fold.open(9);
    fold.done(tweet(idle, 1, "I am back in an hour"));
    for client in 100..1_130 {
        let session = fold.open(client);
        fold.done(last(session, 1, &format!("{client}")));
    }
    assert_eq!((fold.0.session_count(), fold.0.ended_count()), (1, 1_024));
    let (slot, is_repeated) = fold.done(tweet(idle, 2, "back"));
    assert!(!is_repeated && fold.texts().last().is_some_and(|last| last == "back"), "{slot}");
}

#[test]
fn a_closed_session_answers_its_last_request_again_and_does_nothing_more() {
    let mut fold = Fold(Replica::new(2));
    let session = fold.open(1);
    assert_eq!(fold.done(last(session, 1, "a")), (at(1), false));
    assert_eq!(fold.done(last(session, 1, "a")), (at(1), true));
    assert_eq!(
        fold.known(&last(session, 1, "a"), 1),
        KnownOutcome::Answered { at: at(1), answer: Answer::Of(TimelineOutcome::Done) }
    );
    assert_eq!(fold.next(tweet(session, 2, "b")), Applied::Expired { is_undone: true });
    assert_eq!(fold.known(&tweet(session, 2, "b"), 1), KnownOutcome::Expired { is_undone: true });
    // A late copy of its opening finds it, and opens no session that nobody would use.
    let opening = Request::Open { client: ProcessId::Client(1), nonce: 7 };
    assert_eq!(fold.known(&opening, 1), KnownOutcome::Answered { at: session, answer: Answer::Opened });
    assert!(matches!(fold.next(opening), Applied::Answered { is_repeated: true, .. }));
    assert_eq!((fold.texts(), fold.0.session_count()), (vec!["a".to_string()], 0));
}

/// Duplicates of a request of which one was executed before the session ended: the others must not pass for requests
/// that were not done, whether the session is remembered or not.
#[test]
fn what_is_known_of_a_session_that_ended_is_true_and_what_is_forgotten_is_not_known() {
    let mut fold = Fold(Replica::new(1));
    let session = fold.open(1);
    fold.done(tweet(session, 1, "a"));
    let second = fold.open(2);
    assert_eq!(fold.done(tweet(session, 1, "a")), (at(1), true), "its last answer is remembered");
    assert_eq!(fold.next(tweet(session, 2, "b")), Applied::Expired { is_undone: true });
    fold.done(last(second, 1, "c"));
    let unknown = Applied::Expired { is_undone: false };
    assert_eq!(fold.next(tweet(session, 1, "a")), unknown, "one more has ended since");
    assert_eq!(fold.next(tweet(session, 2, "b")), unknown);
    assert_eq!(fold.known(&tweet(session, 2, "b"), 1), KnownOutcome::Expired { is_undone: false });
    assert_eq!(fold.texts(), ["a", "c"]);
}

#[test]
fn an_answer_belongs_to_the_request_that_asked_for_it() {
    let mut fold = Fold(Replica::new(2));
    let session = fold.open(1);
    fold.done(tweet(session, 1, "mine"));
    assert_eq!(fold.next(tweet(session, 1, "of somebody else")), Applied::OutOfTurn);
    assert_eq!(fold.known(&tweet(session, 1, "of somebody else"), 1), KnownOutcome::Past);
    assert_eq!(fold.done(tweet(session, 1, "mine")), (at(1), true));
    // The same holds under an older number, and when the session has ended.
    fold.done(last(session, 2, "next"));
    assert_eq!(fold.next(tweet(session, 1, "mine")), Applied::OutOfTurn);
    assert_eq!(fold.next(tweet(session, 2, "of somebody else")), Applied::OutOfTurn);
    assert_eq!(fold.texts(), ["mine", "next"]);
}

#[test]
fn other_operations_have_other_digests() {
    let user = |name: &str| name.parse().unwrap();
    let event = |event| Operation::Event { event };
    let view = |viewer, limit, older_than| Operation::View {
        view: View { viewer: user(viewer), limit, older_than },
    };
    let all = [
        event(Event::Tweet { user: user("ann"), text: "bob".parse().unwrap() }),
        event(Event::Tweet { user: user("bob"), text: "ann".parse().unwrap() }),
        event(Event::Tweet { user: user("annb"), text: "ob".parse().unwrap() }),
        event(Event::block(user("ann"), user("bob")).unwrap()),
        event(Event::block(user("bob"), user("ann")).unwrap()),
        event(Event::unblock(user("ann"), user("bob")).unwrap()),
        view("ann", 1, None),
        view("ann", 2, None),
        view("ann", 1, Some(at(0))),
        view("ann", 1, Some(at(1))),
        view("bob", 1, None),
    ];
    let digests: alloc::collections::BTreeSet<u64> = all.iter().map(Timeline::digest).collect();
    assert_eq!(digests.len(), all.len());
    // Sites remember this digest, so it is the same on every machine.
    assert_eq!(Timeline::digest(&all[0]), 7_190_715_910_455_172_266);
}

#[test]
fn few_uses_are_kept_however_often_sessions_are_used() {
    let mut fold = Fold(Replica::new(3));
    let [one, two] = [1, 2].map(|client| fold.open(client));
    for number in 1..50 {
        fold.done(tweet(one, number, "x"));
        assert!(fold.0.use_count() <= 6, "{}", fold.0.use_count());
    }
    fold.open(3);
    let evicted = |outcome| match outcome {
        Applied::Answered { evicted, .. } => evicted,
        other => panic!("{other:?}"),
    };
    let mut opens =
        |client| evicted(fold.next(Request::Open { client: ProcessId::Client(client), nonce: 7 }));
    assert_eq!((opens(4), opens(5)), (Some(two), Some(one)));
}
