//! A second, naive fold over the chosen log: what took effect where, who blocks whom, what a viewer may see.
//!
//! Written from the rules alone, never from the site's code. It answers for every past prefix.
//!
//! 1. An origin's submission is taken iff `after <= last < number`. Once taken, it moves `last`, whatever its outcome.
//! 2. An opening repeats an earlier one if a session of its client and nonce is in the table, or among those that left
//!    the table last, up to as many as the table has room for. Otherwise it opens a session whose id is its position. A
//!    full table first evicts the session whose last use (its opening or its last executed request) is earliest in the
//!    log.
//! 3. A request of a session in the table is executed iff its number follows the last one executed there. If it is the
//!    last of its session, the session leaves the table with it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::{ProcessId, SITES_MAX};
use crate::replicated::paxos::Slot;
use crate::tweets::judges::chosen::ChosenLog;
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::site::{Number, Operation, Request, Session, Submission};
use crate::tweets::timeline::{Event, Page, Position, Tweet, User, View};
use crate::wire::Wire;

/// A session, whether it is open or has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionLife {
    /// The client that opened it.
    pub client: ProcessId,
    /// The nonce of its opening.
    pub nonce: u64,
    /// The position of the opening that evicted it, or of its own last request.
    pub ended_by: Option<Position>,
}

/// A session of the table.
#[derive(Clone, Copy, Debug)]
struct OpenSession {
    client: ProcessId,
    nonce: u64,
    last: u64,
    used: Position,
}

/// A block or its end.
#[derive(Clone, Debug)]
struct BlockChange {
    position: Position,
    user: User,
    target: User,
    is_blocked: bool,
}

/// The fold.
#[derive(Clone, Debug)]
pub struct Model {
    sessions_max: usize,
    folded: Slot,
    taken: [Number; SITES_MAX as usize],
    table: BTreeMap<Session, OpenSession>,
    /// The client and the opening nonce of each session that left the table; oldest first.
    left: Vec<(ProcessId, u64)>,
    lives: CowMap<Session, SessionLife>,
    effects: CowMap<(Session, u64), Position>,
    /// The submissions that tweet, each with its position.
    tweets: CowLog<(Position, Arc<Submission>)>,
    blocks: CowLog<BlockChange>,
}

impl Model {
    /// The fold of the empty log, with room for `sessions_max` sessions.
    pub fn new(sessions_max: usize) -> Model {
        Model {
            sessions_max,
            folded: Slot(0),
            taken: [Number::default(); SITES_MAX as usize],
            table: BTreeMap::new(),
            left: Vec::new(),
            lives: CowMap::default(),
            effects: CowMap::default(),
            tweets: CowLog::default(),
            blocks: CowLog::default(),
        }
    }

    /// Folds in what was chosen since the last call.
    pub fn advance(&mut self, log: &ChosenLog) {
        for (position, submission) in log.submissions_from(self.folded) {
            self.apply(position, submission);
        }
        self.folded = log.end();
    }

    /// The end of the folded prefix: everything below is folded in.
    pub fn folded(&self) -> Slot {
        self.folded
    }

    /// Where the request of this number took effect.
    pub fn effect(&self, session: Session, number: u64) -> Option<Position> {
        // Judges ask most about requests that are under way.
        if self.table.get(&session).is_some_and(|open| number > open.last) {
            return None;
        }
        self.effects.get(&(session, number)).copied()
    }

    /// The session that was opened at this position.
    pub fn life(&self, session: Session) -> Option<&SessionLife> {
        self.lives.get(&session)
    }

    /// The page for `view` as of `end`: of the [`Page::LOOKED_MAX`] newest tweets that it asks for, those that are not
    /// hidden, as many as fit.
    pub fn view(&self, end: Position, view: &View) -> Page {
        let hidden: BTreeSet<User> = self.hidden_from(end, &view.viewer);
        let end = view.older_than.map_or(end, |older_than| older_than.min(end));
        let looked: Vec<Tweet> = self.tweets_before(end).rev().take(Page::LOOKED_MAX + 1).collect();
        let (looked, beyond) = looked.split_at(looked.len().min(Page::LOOKED_MAX));
        let behind = |tweet: &Tweet| Position { slot: tweet.position.slot, index: tweet.position.index + 1 };
        let mut page = Page { tweets: Vec::new(), next: beyond.first().map(behind) };
        for tweet in looked.iter().filter(|tweet| !hidden.contains(&tweet.user)) {
            page.tweets.push(tweet.clone());
            let list: usize = page.tweets.iter().map(Wire::size).sum();
            let count = if page.tweets.len() < 128 { 1 } else { 2 };
            if page.tweets.len() as u64 > view.limit || count + list > Page::LIST_BYTES_MAX {
                page.tweets.pop();
                page.next = Some(behind(tweet));
                break;
            }
        }
        page
    }

    /// Every tweet before `end`, oldest first.
    pub fn tweets_before(&self, end: Position) -> impl DoubleEndedIterator<Item = Tweet> {
        let count = self.tweets.partition_point(|(position, _)| *position < end);
        (0..count).filter_map(|index| tweet_of(self.tweets.get(index)?))
    }

    /// The blocks in force at `end`: each user who blocks, with the user who is blocked.
    pub fn blocks_before(&self, end: Position) -> BTreeSet<(User, User)> {
        let mut blocks = BTreeSet::new();
        for change in self.blocks.iter().take_while(|change| change.position < end) {
            let pair = (change.user.clone(), change.target.clone());
            let _ = if change.is_blocked { blocks.insert(pair) } else { blocks.remove(&pair) };
        }
        blocks
    }

    /// The users whose tweets `viewer` may not see at `end`.
    pub fn hidden_from(&self, end: Position, viewer: &User) -> BTreeSet<User> {
        let mut hidden = BTreeSet::new();
        let changes = self.blocks.iter().take_while(|change| change.position < end);
        for change in changes.filter(|change| change.target == *viewer) {
            let user = change.user.clone();
            let _ = if change.is_blocked { hidden.insert(user) } else { hidden.remove(&user) };
        }
        hidden
    }

    fn apply(&mut self, position: Position, submission: &Arc<Submission>) {
        let last = &mut self.taken[submission.origin.index()];
        let is_taken = submission.after <= *last && *last < submission.number;
        if !is_taken {
            return;
        }
        *last = submission.number;
        match &submission.request {
            Request::Open { client, nonce } => self.open(position, *client, *nonce),
            Request::Execute { client, session, number, operation, is_last } => {
                let Some(live) = self.table.get_mut(session) else { return };
                if live.client != *client || *number != live.last + 1 {
                    return;
                }
                (live.last, live.used) = (*number, position);
                self.effects.insert((*session, *number), position);
                if let Operation::Event { event } = operation {
                    self.execute(position, event, submission);
                }
                if *is_last {
                    self.leave(*session, position);
                }
            }
        }
    }

    fn open(&mut self, position: Position, client: ProcessId, nonce: u64) {
        let is_here = self.table.values().any(|live| live.client == client && live.nonce == nonce);
        if is_here || self.left.contains(&(client, nonce)) {
            return;
        }
        while self.table.len() >= self.sessions_max.max(1) {
            let oldest = self.table.iter().min_by_key(|(_, live)| live.used);
            let Some((&session, _)) = oldest else { break };
            self.leave(session, position);
        }
        self.table.insert(position, OpenSession { client, nonce, last: 0, used: position });
        self.lives.insert(position, SessionLife { client, nonce, ended_by: None });
    }

    fn leave(&mut self, session: Session, by: Position) {
        let Some(OpenSession { client, nonce, .. }) = self.table.remove(&session) else { return };
        self.lives.insert(session, SessionLife { client, nonce, ended_by: Some(by) });
        self.left.push((client, nonce));
        let room = self.sessions_max.max(1);
        let too_many = self.left.len().saturating_sub(room);
        self.left.drain(..too_many);
    }

    fn execute(&mut self, position: Position, event: &Event, submission: &Arc<Submission>) {
        match event.clone() {
            Event::Tweet { .. } => self.tweets.push((position, Arc::clone(submission))),
            Event::Block { user, target } => {
                self.blocks.push(BlockChange { position, user, target, is_blocked: true });
            }
            Event::Unblock { user, target } => {
                self.blocks.push(BlockChange { position, user, target, is_blocked: false });
            }
        }
    }
}

/// The tweet of a submission.
fn tweet_of((position, submission): &(Position, Arc<Submission>)) -> Option<Tweet> {
    match &submission.request {
        Request::Execute { operation: Operation::Event { event: Event::Tweet { user, text } }, .. } => {
            Some(Tweet { position: *position, user: user.clone(), text: text.clone() })
        }
        Request::Execute { .. } | Request::Open { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tweets::judges::stage::{C1, Stage, numbered, open, site, user};
    use crate::tweets::timeline::Timeline;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn position(index: u64) -> Position {
        Position { slot: 0, index }
    }

    fn tweet_in(session: u64, number: u64) -> Request {
        let event = Event::Tweet { user: user("ann"), text: "x".parse().unwrap() };
        let operation = Operation::Event { event };
        Request::Execute { client: C1, session: position(session), number, operation, is_last: false }
    }

    /// The fold of one slot with these requests, numbered in order by one origin.
    fn fold(sessions_max: usize, requests: &[Request]) -> Model {
        let mut stage = Stage::with_sessions(3, sessions_max);
        stage.choose(0, requests).unwrap();
        stage.judges.model().clone()
    }

    #[test]
    fn the_session_used_least_lately_is_evicted() {
        let check = |requests: &[Request], evicted: u64, by: u64| {
            let model = fold(2, requests);
            for session in 0..requests.len() as u64 {
                let by = (session == evicted).then_some(position(by));
                assert_eq!(model.life(position(session)).and_then(|life| life.ended_by), by, "{session}");
            }
        };
        check(&[open(1), open(2), open(3)], 0, 2);
        check(&[open(1), open(2), tweet_in(0, 1), open(3)], 1, 3);
        check(&[open(1), open(2), tweet_in(0, 2), open(3)], 0, 3);
        check(&[open(1), open(2), open(1), open(3)], 0, 3);
    }

    #[test]
    fn a_request_takes_effect_once_in_its_turn_and_never_behind_an_eviction() {
        let requests = [
            open(1),
            tweet_in(0, 2),
            tweet_in(0, 1),
            tweet_in(0, 1),
            tweet_in(0, 2),
            tweet_in(9, 1),
            open(2),
            tweet_in(0, 3),
        ];
        let model = fold(1, &requests);
        let effects: Vec<_> = (1..4).map(|number| model.effect(position(0), number)).collect();
        assert_eq!(effects, [Some(position(2)), Some(position(4)), None]);
        assert_eq!(model.tweets_before(position(9)).count(), 2);
    }

    #[test]
    fn an_opening_opens_anew_when_the_session_that_it_opened_is_forgotten() {
        let model = fold(1, &[open(1), open(1), open(2), open(1), open(3), open(1)]);
        let opened: Vec<u64> = (0..6).filter(|index| model.life(position(*index)).is_some()).collect();
        assert_eq!(opened, [0, 2, 4, 5]);
    }

    #[test]
    fn a_session_leaves_with_its_last_request() {
        let Request::Execute { client, session, number, operation, .. } = tweet_in(0, 1) else {
            unreachable!()
        };
        let last = Request::Execute { client, session, number, operation, is_last: true };
        let model = fold(2, &[open(1), open(2), last.clone(), last, tweet_in(0, 2), open(3), tweet_in(1, 1)]);
        let ended: Vec<_> =
            [0, 1, 5].map(|index| model.life(position(index)).and_then(|life| life.ended_by)).into();
        assert_eq!(ended, [Some(position(2)), None, None], "its room is another one's");
        assert_eq!(model.tweets_before(position(9)).count(), 2);
    }

    proptest! {
        /// In whatever order a leader puts submissions, and however often it repeats them, those of each origin take
        /// effect once and in the order of their numbers.
        #[test]
        fn origins_take_effect_once_and_in_order(
            chosen in proptest::collection::vec((0u8..3, 1u64..8), 0..60),
        ) {
            let (mut model, mut opened) = (Model::new(1_000), Vec::new());
            for (index, (origin, count)) in (0..).zip(chosen) {
                let request = Request::Open { client: ProcessId::Client(origin.into()), nonce: count };
                let after = if count == 1 { (0, 0) } else { (1, count - 1) };
                model.apply(position(index), &numbered(origin, (1, count), after, request));
                opened.extend(model.life(position(index)).map(|_| (origin, count)));
            }
            for origin in 0..3 {
                let counts = opened.iter().filter(|(other, _)| *other == origin).map(|(_, count)| *count);
                prop_assert!(counts.eq((1..).take(opened.iter().filter(|(other, _)| *other == origin).count())));
            }
        }
    }

    #[test]
    fn submissions_of_a_lost_incarnation_are_passed_over() {
        let mut model = Model::new(10);
        let request = |nonce| Request::Open { client: C1, nonce };
        let steps = [
            ((1, 6), (0, 0), true),
            ((2, 1), (1, 6), true),
            ((1, 7), (1, 6), false),
            ((2, 3), (2, 2), false),
        ];
        for (index, (number, after, is_taken)) in (0..).zip(steps) {
            model.apply(position(index), &numbered(0, number, after, request(index)));
            assert_eq!(model.life(position(index)).is_some(), is_taken, "{number:?} after {after:?}");
        }
        assert_eq!(model.taken[site(0).index()], Number { incarnation: 2, count: 1 });
    }

    proptest! {
        /// Two independent folds agree at every prefix.
        #[test]
        fn the_timeline_and_its_naive_fold_agree(
            steps in proptest::collection::vec((0u8..4, 0usize..3, 0usize..3), 0..40),
            limit in 0u64..9,
            older_than in proptest::option::of(0u64..40),
        ) {
            let names = ["ann", "bob", "cat"].map(user);
            let (mut model, mut timeline) = (Model::new(10), Timeline::default());
            for (index, (kind, name, target)) in (0..).zip(steps) {
                let (user, target) = (names[name].clone(), names[target].clone());
                let tweet = Event::Tweet { user: user.clone(), text: "x".repeat(250).parse().unwrap() };
                let event = match kind {
                    0 => Event::block(user, target).unwrap_or(tweet),
                    1 => Event::unblock(user, target).unwrap_or(tweet),
                    _ => tweet,
                };
                let operation = Operation::Event { event: event.clone() };
                let (session, number) = (Position::default(), index);
                let request = Request::Execute { client: C1, session, number, operation, is_last: false };
                model.execute(position(index), &event, &numbered(0, (1, 1), (0, 0), request));
                timeline.change(position(index), &event);
                let end = position(index + 1);
                for viewer in names.clone() {
                    let view = View { viewer, limit, older_than: older_than.map(position) };
                    prop_assert_eq!(model.view(end, &view), timeline.view(&view));
                }
                prop_assert!(model.tweets_before(end).eq(timeline.tweets()));
                let blocks = model.blocks_before(end);
                prop_assert!(blocks.iter().map(|(user, target)| (user, target)).eq(timeline.blocks()));
            }
        }
    }

    proptest! {
        /// A site's sessions follow the rules, whichever clients open, close and ask in whichever order.
        #[test]
        fn the_sessions_of_a_site_and_those_of_its_naive_fold_agree(
            sessions_max in 1usize..4,
            steps in proptest::collection::vec((0u8..6, 0u16..3, 0usize..4, 0u64..3), 0..60),
        ) {
            use crate::replicated::paxos::Entry;
            use crate::replicated::replica::{Applied, Replica};
            let (mut model, mut replica) = (Model::new(sessions_max), Replica::new(sessions_max));
            let mut opened: Vec<Session> = Vec::new();
            for (slot, (kind, client, back, number)) in (0..).zip(steps) {
                let position = Position { slot, index: 0 };
                let session = opened.iter().rev().nth(back).copied().unwrap_or_default();
                let next = (1..).find(|number| model.effect(session, *number).is_none()).unwrap_or(1);
                let request = match (kind, tweet_in(0, 1)) {
                    (2.., Request::Execute { operation, .. }) => {
                        let number = (next + 1).saturating_sub(number);
                        let other = ProcessId::Client(client);
                        let owner = model.life(session).map_or(other, |life| life.client);
                        let client = if kind == 5 { other } else { owner };
                        Request::Execute { client, session, number, operation, is_last: kind == 2 }
                    }
                    _ => Request::Open { client: ProcessId::Client(client), nonce: number },
                };
                let after = if slot == 0 { (0, 0) } else { (1, slot) };
                let submission = numbered(0, (1, slot + 1), after, request.clone());
                let before = model.effect(session, next);
                model.apply(position, &submission);
                let mut outcome = None;
                replica.apply(&Entry::of([submission]), |_, _, found| outcome = Some(found));
                let life = model.life(position);
                match (&request, outcome.unwrap()) {
                    (Request::Open { .. }, Applied::Answered { is_repeated, evicted, .. }) => {
                        prop_assert_eq!(is_repeated, life.is_none());
                        let by = evicted.and_then(|evicted| model.life(evicted)?.ended_by);
                        prop_assert_eq!(by, evicted.map(|_| position));
                    }
                    (Request::Execute { number, .. }, Applied::Answered { at, is_repeated, .. }) => {
                        prop_assert_eq!(model.effect(session, *number), Some(at));
                        prop_assert_eq!(is_repeated, at != position);
                    }
                    (Request::Execute { number, .. }, Applied::Expired { is_undone }) => {
                        prop_assert!(model.life(session).is_none_or(|life| life.ended_by.is_some()));
                        prop_assert!(!is_undone || model.effect(session, *number).is_none());
                    }
                    (Request::Execute { number, .. }, Applied::OutOfTurn) => {
                        prop_assert!(*number != next || before.is_some(), "{number} is next");
                    }
                    (Request::Execute { client, .. }, Applied::Foreign) => {
                        prop_assert!(model.life(session).is_some_and(|life| life.client != *client));
                    }
                    (request, outcome) => prop_assert!(false, "{request} came to {outcome:?}"),
                }
                opened.extend(life.map(|_| position));
                prop_assert_eq!(replica.session_count(), model.table.len());
            }
            prop_assert!(model.tweets.iter().filter_map(tweet_of).eq(replica.machine().tweets()));
        }
    }
}
