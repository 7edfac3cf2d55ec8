//! Tests the replicated state by the rules of origins and sessions, and every codec on arbitrary bytes.

mod messages;

use crate::replicated::machine::Position;
use crate::replicated::paxos::{self, Claim, Entry, Slot};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::replica::Standing;
use super::*;
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::tweets::site::{
    Answer, Message, Note, Operation, Participant, Query, Record, Request, Site, Submission, TimelineOutcome,
    TimelineQuery,
};
use crate::tweets::timeline::{Event, Page, Timeline, User, View};
use crate::wire::Wire;

type Replica = crate::replicated::replica::Replica<Timeline>;
type KnownOutcome = crate::replicated::replica::KnownOutcome<Timeline>;
type Applied = crate::replicated::replica::Applied<Timeline>;
type Queue = crate::replicated::queue::Queue<Timeline>;

const CLIENT: ProcessId = ProcessId::Client(1);

fn number(incarnation: u64, count: u64) -> Number {
    Number { incarnation, count }
}

fn submission(number: Number, after: Number, request: Request) -> Submission {
    Submission { origin: SiteId::new(1).unwrap(), number, after, request }
}

fn open(nonce: u64) -> Request {
    Request::Open { client: CLIENT, nonce }
}

fn tweet(session: Session, number: u64, text: &str) -> Request {
    tweet_by(CLIENT, session, number, text)
}

fn tweet_by(client: ProcessId, session: Session, number: u64, text: &str) -> Request {
    let event = Event::Tweet { user: "ann".parse().unwrap(), text: text.parse().unwrap() };
    let operation = Operation::Event { event };
    Request::Execute { client, session, number, operation, is_last: false }
}

fn at(slot: u64) -> Position {
    Position { slot, index: 0 }
}

/// A replica, and a log of one submission per slot.
struct Fold {
    replica: Replica,
    last: Number,
}

impl Fold {
    fn new(sessions_max: usize) -> Fold {
        Fold { replica: Replica::new(sessions_max), last: Number::default() }
    }

    fn apply(&mut self, submission: Submission) -> Applied {
        let mut outcomes = Vec::new();
        let entry = Entry::of([Arc::new(submission)]);
        self.replica.apply(&entry, |_, _, outcome| outcomes.push(outcome));
        outcomes.remove(0)
    }

    /// Applies `request` as the next of its origin.
    fn next(&mut self, request: Request) -> Applied {
        let (after, next) = (self.last, number(1, self.last.count + 1));
        self.last = next;
        self.apply(submission(next, after, request))
    }

    fn texts(&self) -> Vec<String> {
        self.replica.machine().tweets().map(|tweet| tweet.text.to_string()).collect()
    }
}

fn answered(slot: u64, answer: Answer, is_repeated: bool) -> Applied {
    Applied::Answered { at: at(slot), answer, client: CLIENT, is_repeated, evicted: None }
}

#[test]
fn an_origin_is_taken_in_its_own_order_and_each_number_once() {
    let mut fold = Fold::new(4);
    let check = |fold: &mut Fold, n: Number, after: Number, standing: Option<Standing>| {
        let outcome = fold.apply(submission(n, after, open(n.count * 10 + n.incarnation)));
        match standing {
            Some(standing) => assert_eq!(outcome, Applied::NotTaken(standing), "{n} after {after}"),
            None => assert!(matches!(outcome, Applied::Answered { .. }), "{n} after {after}: {outcome:?}"),
        }
    };
    let none = number(0, 0);
    check(&mut fold, number(1, 2), number(1, 1), Some(Standing::Ahead));
    check(&mut fold, number(1, 1), none, None);
    check(&mut fold, number(1, 1), none, Some(Standing::Before));
    check(&mut fold, number(1, 2), number(1, 1), None);
    // The origin lost its unsynced 3 in a crash, though a leader had it chosen. Its next incarnation continues after 2,
    // and nothing is confused.
    check(&mut fold, number(1, 3), number(1, 2), None);
    check(&mut fold, number(2, 1), number(1, 2), None);
    check(&mut fold, number(1, 3), number(1, 2), Some(Standing::Before));
}

#[test]
fn a_request_takes_effect_once_however_often_it_is_chosen() {
    let mut fold = Fold::new(4);
    assert_eq!(fold.next(open(7)), answered(0, Answer::Opened, false));
    assert_eq!(
        fold.next(open(7)),
        answered(0, Answer::Opened, true),
        "a retried opening is the same session"
    );
    assert_eq!(fold.next(tweet(at(0), 1, "a")), answered(2, Answer::Of(TimelineOutcome::Done), false));
    assert_eq!(fold.next(tweet(at(0), 1, "a")), answered(2, Answer::Of(TimelineOutcome::Done), true));
    assert_eq!(fold.next(tweet(at(0), 2, "b")), answered(4, Answer::Of(TimelineOutcome::Done), false));
    assert_eq!(fold.next(tweet(at(0), 1, "a")), Applied::OutOfTurn);
    assert_eq!(fold.next(tweet(at(0), 9, "c")), Applied::OutOfTurn);
    assert_eq!(fold.texts(), ["a", "b"]);
}

/// A site that had not applied the opening may take such a request: no site lets it take the owner's turn.
#[test]
fn a_request_in_the_session_of_another_client_has_no_effect() {
    let mut fold = Fold::new(4);
    fold.next(open(7));
    let other = ProcessId::Client(2_000);
    let forge = |number| tweet_by(other, at(0), number, "forged");
    assert_eq!(fold.next(forge(1)), Applied::Foreign);
    assert_eq!(fold.next(tweet(at(0), 1, "a")), answered(2, Answer::Of(TimelineOutcome::Done), false));
    // The owner's answer is not repeated to another client either.
    assert_eq!(fold.next(forge(1)), Applied::Foreign);
    assert_eq!(fold.next(forge(2)), Applied::Foreign);
    assert_eq!(fold.next(tweet(at(0), 2, "b")), answered(5, Answer::Of(TimelineOutcome::Done), false));
    assert_eq!(fold.texts(), ["a", "b"]);
    let look_up = |number, client| fold.replica.look_up(tweet(at(0), number, "b").id(), client);
    assert_eq!((look_up(3, other), look_up(2, other)), (KnownOutcome::Foreign, KnownOutcome::Foreign));
    assert_eq!(look_up(3, CLIENT), KnownOutcome::New);
}

/// A lone leader with a quick disk, with its messages to clients and its notes.
struct AloneSite {
    participant: Participant,
    sent: Vec<(ProcessId, Message)>,
    notes: Vec<Note>,
}

impl AloneSite {
    fn hand_in(&mut self, at: u64, input: crate::process::Input<Participant>) {
        use crate::process::{Effects, Input, Process, Recipients};
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = Effects::<Participant>::default();
            let now = crate::time::Instant::from_micros(at * 1_000);
            self.participant.handle(now, input, &mut effects);
            let given = effects.take().unwrap();
            self.notes.extend(given.notes);
            for letter in given.messages {
                match letter.to {
                    Recipients::One(to @ ProcessId::Client(_)) => self.sent.push((to, letter.message)),
                    to if to.contains(ProcessId::site(0)) => {
                        inputs.push(Input::Message { from: ProcessId::site(0), message: letter.message });
                    }
                    _ => {}
                }
            }
        }
    }

    fn ask(&mut self, from: ProcessId, request: Request) {
        self.sent.clear();
        self.notes.clear();
        let message = Message::Request { request };
        self.hand_in(1_100, crate::process::Input::Message { from, message });
    }
}

#[test]
fn a_site_takes_no_request_in_the_session_of_another_client() {
    use crate::mix::Seed;
    use crate::process::{Input, Process, Recovered};
    let fresh = Recovered { incarnation: 1, records: Vec::new() };
    let participant = Participant::start(&Config::new(1), ProcessId::site(0), Seed(1), fresh).unwrap();
    let mut site = AloneSite { participant, sent: Vec::new(), notes: Vec::new() };
    [0, 900, 1_000].into_iter().for_each(|at| site.hand_in(at, Input::Wake));
    let other = ProcessId::Client(2_000);
    site.ask(CLIENT, open(7));
    let session = site.sent.iter().find_map(|(_, message)| match message {
        Message::Applied { at, answer: Answer::Opened, .. } => Some(*at),
        _ => None,
    });
    let session = session.unwrap();
    let forged = |client| tweet_by(client, session, 1, "forged");
    let check = |site: &mut AloneSite, request: Request, reason: &'static str| {
        site.ask(other, request);
        assert_eq!(site.notes, [Note::Ignored(other, "Request", reason)]);
        assert_eq!(site.sent, []);
    };
    check(&mut site, forged(other), "its session is another client's");
    check(&mut site, forged(CLIENT), "it is in the name of somebody else");
    check(&mut site, open(8), "it is in the name of somebody else");
    site.ask(CLIENT, tweet(session, 1, "a"));
    let is_done = |(to, message): &(ProcessId, Message)| {
        *to == CLIENT && matches!(message, Message::Applied { answer: Answer::Of(TimelineOutcome::Done), .. })
    };
    assert!(site.sent.iter().any(is_done), "{:?}", site.sent);
    check(&mut site, forged(other), "its session is another client's");
    // A session that this site has not applied yet may be any client's: both requests wait, each as its own.
    let ahead = Position { slot: session.slot + 100, index: 0 };
    let early = |client| tweet_by(client, ahead, 1, "early");
    let mut queue = Queue::recover(SiteId::new(0).unwrap(), 1, core::iter::empty());
    let id = early(other).id();
    queue.take(other, id, early(other));
    assert!(queue.is_waiting(other, id));
    assert!(!queue.is_waiting(CLIENT, id), "the owner's own request is not taken for the forged one");
}

#[test]
fn the_session_used_longest_ago_is_evicted_and_nothing_of_it_is_executed_again() {
    let mut fold = Fold::new(2);
    fold.next(open(1));
    fold.next(open(2));
    fold.next(tweet(at(0), 1, "first"));
    let evicted = |outcome| match outcome {
        Applied::Answered { evicted, .. } => evicted,
        other => panic!("{other:?}"),
    };
    assert_eq!(evicted(fold.next(open(3))), Some(at(1)), "the other one was used since");
    assert_eq!(fold.next(tweet(at(1), 1, "late")), Applied::Expired { is_undone: true });
    assert_eq!(fold.next(tweet(at(77), 1, "never opened")), Applied::Expired { is_undone: false });
    assert_eq!((fold.texts(), fold.replica.session_count()), (vec!["first".to_string()], 2));
    let look_up = |session, number| fold.replica.look_up(tweet(session, number, "first").id(), CLIENT);
    assert_eq!(look_up(at(1), 1), KnownOutcome::Expired { is_undone: true });
    assert_eq!(
        look_up(at(0), 1),
        KnownOutcome::Answered { at: at(2), answer: Answer::Of(TimelineOutcome::Done) }
    );
    assert_eq!(look_up(at(0), 2), KnownOutcome::New);
    assert_eq!(
        look_up(at(99), 1),
        KnownOutcome::New,
        "it may be opened in a slot that is not applied here yet"
    );
}

#[test]
fn a_linearizable_view_shows_its_place_in_the_log_and_keeps_showing_it() {
    let mut fold = Fold::new(4);
    fold.next(open(1));
    fold.next(tweet(at(0), 1, "a"));
    let view = View { viewer: "bob".parse().unwrap(), limit: 10, older_than: None };
    let operation = Operation::View { view };
    let ask = Request::Execute { client: CLIENT, session: at(0), number: 2, operation, is_last: false };
    let Applied::Answered { answer: Answer::Of(TimelineOutcome::Viewed { page }), .. } =
        fold.next(ask.clone())
    else {
        panic!("no view")
    };
    assert_eq!(page.tweets.len(), 1);
    let mut other = Fold { replica: fold.replica.clone(), last: fold.last };
    other.next(open(2));
    let again = other.next(ask);
    assert_eq!(again, answered(2, Answer::Of(TimelineOutcome::Viewed { page }), true));
}

#[test]
fn recovery_refuses_submissions_that_it_cannot_have_taken() {
    use crate::mix::Seed;
    use crate::process::Recovered;
    let me = SiteId::new(1).unwrap();
    let taken = |n: Number| Record::Taken { submission: Arc::new(submission(n, number(0, 0), open(1))) };
    let recover =
        |records| Site::recover(&Config::new(3), me, Seed(1), Recovered { incarnation: 3, records });
    let site = recover(vec![taken(number(1, 1)), taken(number(2, 1))]).unwrap();
    assert_eq!((site.queue().len(), site.status().applied), (2, Slot(0)));
    let damage = recover(vec![taken(number(2, 1)), taken(number(1, 1))]).unwrap_err();
    assert_eq!(damage.0, "S1 took S1's 1.1, out of its order");
}

#[test]
fn a_site_refuses_requests_while_its_disk_is_low_and_takes_them_again_when_it_has_room() {
    use crate::mix::Seed;
    use crate::process::{Effects, Input, Process, Recovered};
    use crate::time::Instant;
    let fresh = Recovered { incarnation: 1, records: Vec::new() };
    let mut site = Participant::start(&Config::new(3), ProcessId::site(0), Seed(1), fresh).unwrap();
    let mut effects = Effects::<Participant>::default();
    let mut taken = Vec::new();
    for (nonce, is_low) in [(1, true), (2, false), (3, true)] {
        let ask = Input::Message { from: CLIENT, message: Message::Request { request: open(nonce) } };
        for input in [Input::DiskSpace { is_low }, ask] {
            site.handle(Instant::ZERO, input, &mut effects);
            taken.extend(effects.records().iter().map(|record| Record::from_bytes(record).unwrap()));
            effects.clear();
        }
    }
    let expected =
        Submission { origin: SiteId::new(0).unwrap(), ..submission(number(1, 1), number(0, 0), open(2)) };
    assert_eq!(taken, [Record::Taken { submission: Arc::new(expected) }]);
}

/// Submission 1 of site 1 goes from site 1 through site 0 to the leader, site 2, and no other way.
#[test]
fn who_hears_the_leader_passes_on_what_an_origin_hands_to_it_and_nothing_else() {
    use crate::mix::Seed;
    use crate::process::{Effects, Input, Process, Recovered};
    use crate::time::{Duration, Instant};
    let fresh = Recovered { incarnation: 1, records: Vec::new() };
    let mut site = Participant::start(&Config::new(3), ProcessId::site(0), Seed(1), fresh).unwrap();
    let submission = Arc::new(submission(number(1, 1), number(0, 0), open(1)));
    let forward = Message::Forward { submission: submission.clone() };
    let relay = Message::Relay { submission };
    let early = Instant::ZERO + Duration::from_millis(10);
    let late = early + Duration::from_secs(9);
    let mut sent = |at: Instant, from: u8, message: &Message| {
        let mut effects = Effects::<Participant>::default();
        let (from, message) = (ProcessId::site(from), message.clone());
        site.handle(at, Input::Message { from, message }, &mut effects);
        effects
            .take()
            .unwrap()
            .messages
            .into_iter()
            .map(|letter| (letter.to, letter.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(sent(early, 1, &forward), [], "it hears no leader");
    let ballot = paxos::Ballot { round: 1, site: SiteId::new(2).unwrap() };
    let heartbeat = paxos::PaxosMessage::Heartbeat {
        ballot,
        chosen: Slot(0),
        beat: 1,
        hears: SiteSet::first(9),
        applied: Claim::default(),
    };
    sent(early, 2, &Message::Paxos { message: heartbeat });
    assert_eq!(sent(early, 1, &forward), [(ProcessId::site(2).into(), relay.clone())]);
    assert_eq!(sent(early, 2, &forward), [], "it is not site 2's");
    assert_eq!(sent(early, 1, &relay), [], "one step only");
    assert_eq!(sent(late, 1, &forward), [], "a leader that is silent is not heard");
}

#[test]
fn a_request_waits_from_its_taking_until_the_log_took_it_and_for_its_own_client_only() {
    let other = ProcessId::Client(2);
    let id = |number| tweet(at(1), number, if number == 1 { "one" } else { "two" }).id();
    let opening = RequestId::Open { nonce: 7 };
    let taken = [
        submission(number(1, 1), number(0, 0), open(7)),
        submission(number(1, 2), number(1, 1), tweet(at(1), 1, "one")),
    ];
    let mut queue = Queue::recover(SiteId::new(1).unwrap(), 2, taken.map(Arc::new).into_iter());
    let mut take = |request: Request| queue.take(other, request.id(), request).number;
    let second = take(tweet_by(other, at(1), 2, "two"));
    let third = take(Request::Open { client: other, nonce: 7 });
    let waits = |queue: &Queue| {
        let mut queue = queue.clone();
        [(CLIENT, opening), (other, opening), (CLIENT, id(1)), (other, id(2)), (CLIENT, id(3))]
            .map(|(client, id)| queue.is_waiting(client, id))
    };
    assert_eq!(waits(&queue), [true, true, true, true, false]);
    assert!(!queue.is_waiting(CLIENT, id(2)), "it is another client's");
    let popped = |queue: &mut Queue, taken| {
        let mut clients = Vec::new();
        while let Some(waiting) = queue.pop_taken(taken) {
            clients.push(waiting.client);
        }
        clients
    };
    assert_eq!(popped(&mut queue, number(1, 1)), [None]);
    assert_eq!(waits(&queue), [false, true, true, true, false]);
    assert_eq!(popped(&mut queue, second), [None, Some(other)]);
    assert_eq!(waits(&queue), [false, true, false, false, false]);
    assert_eq!(popped(&mut queue, third), [Some(other)]);
    assert_eq!(waits(&queue), [false; 5]);
}
