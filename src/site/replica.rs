//! The replicated state: a fold over the log that every site computes alike.
//!
//! Beside the timeline it holds what makes effects happen once and in order: the last number taken of each
//! origin, and the sessions with their last answers.
//!
//! 1. Nothing here depends on time, on the site, or on anything but the log.
//! 2. Of an origin's submissions only those whose predecessor was taken are taken, each at most once.
//! 3. A request of a session takes effect at most once; once a session is evicted, none of its requests do.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SITES_MAX};
use crate::paxos::{Entry, Slot};
use crate::site::message::{Answer, RequestId};
use crate::site::submission::{Number, Operation, Request, Session, Submission};
use crate::timeline::{Position, Timeline};
use crate::wire::{Reader, Wire, WireError};

/// The state behind a prefix of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replica {
    timeline: Timeline,
    origins: Frontier,
    sessions: Sessions,
    applied: Slot,
}

/// The last number taken of each origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Frontier([Number; SITES_MAX as usize]);

/// How a submission stands to a frontier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is the next of its origin.
    Next,
    /// It, or one behind it, was taken before.
    Before,
    /// One before it was not taken yet: it has no effect here, and its origin proposes it again.
    Ahead,
}

impl Wire for Frontier {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Frontier, WireError> {
        Wire::decode(input).map(Frontier)
    }
}

impl Frontier {
    /// The last number taken of this origin.
    pub fn of(&self, origin: crate::ids::SiteId) -> Number {
        self.0[origin.index()]
    }

    /// How `submission` stands.
    pub fn standing(&self, submission: &Submission) -> Standing {
        let last = self.of(submission.origin);
        if submission.number <= last {
            Standing::Before
        } else if submission.after <= last {
            Standing::Next
        } else {
            Standing::Ahead
        }
    }

    /// Takes `submission` if it is the next of its origin; says how it stood.
    pub fn take(&mut self, submission: &Submission) -> Standing {
        let standing = self.standing(submission);
        if standing == Standing::Next {
            self.0[submission.origin.index()] = submission.number;
        }
        standing
    }
}

/// What applying one submission came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was not the next of its origin.
    NotTaken(Standing),
    /// It took effect, or had done so before: this is the answer, first given here.
    Answered {
        /// Where it took effect.
        at: Position,
        /// What came of it.
        answer: Answer,
        /// Whom to tell.
        client: ProcessId,
        /// Whether it took effect earlier.
        is_repeated: bool,
        /// A session that had to go for this opening.
        evicted: Option<Session>,
    },
    /// Its session is unknown or evicted: no effect.
    Expired,
    /// An older request of its session, or one that skips some: no effect and no answer.
    OutOfTurn,
    /// Its session is another client's: no effect and no answer.
    Foreign,
}

impl Replica {
    /// The state behind an empty log.
    pub fn new(sessions_max: usize) -> Replica {
        Replica {
            timeline: Timeline::default(),
            origins: Frontier::default(),
            sessions: Sessions { max: sessions_max, by_id: Vec::new(), by_nonce: BTreeMap::new() },
            applied: Slot(0),
        }
    }

    /// The timeline.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Every slot below is applied.
    pub fn applied(&self) -> Slot {
        self.applied
    }

    /// The last number taken of each origin.
    pub fn origins(&self) -> &Frontier {
        &self.origins
    }

    /// How many sessions are open.
    pub fn session_count(&self) -> usize {
        self.sessions.by_id.len()
    }

    /// Applies the next slot; tells of each submission what it came to.
    pub fn apply(
        &mut self,
        entry: &Entry<Arc<Submission>>,
        mut tell: impl FnMut(Position, &Arc<Submission>, Outcome),
    ) {
        let slot = self.applied;
        self.begin(slot);
        for (index, submission) in (0..).zip(entry.values()) {
            let position = Position { slot: slot.0, index };
            let outcome = self.apply_one(position, submission);
            tell(position, submission, outcome);
        }
    }

    /// Begins the next slot: what it holds is to be applied one by one.
    ///
    /// # Panics
    /// When it is not the next.
    pub(super) fn begin(&mut self, slot: Slot) {
        assert!(slot == self.applied, "slot {slot} is applied, next is {}", self.applied);
        self.applied = slot.next();
    }

    /// Applies what stands next in the slot that was begun.
    pub(super) fn apply_one(&mut self, position: Position, submission: &Submission) -> Outcome {
        let standing = self.origins.take(submission);
        if standing != Standing::Next {
            return Outcome::NotTaken(standing);
        }
        match &submission.request {
            Request::Open { client, nonce } => self.sessions.open(position, *client, *nonce),
            Request::Execute { client, session, number, operation } => {
                self.execute(position, *client, (*session, *number), operation)
            }
        }
    }

    /// Sites ask for the owner before they take a request, but one that has not applied the opening cannot know: here
    /// every site does.
    fn execute(
        &mut self,
        at: Position,
        by: ProcessId,
        (session, number): (Session, u64),
        operation: &Operation,
    ) -> Outcome {
        let Some(state) = self.sessions.get_mut(session) else { return Outcome::Expired };
        if state.client != by {
            return Outcome::Foreign;
        }
        let client = state.client;
        let last = state.last_number();
        if number == last
            && let Some(Last { at, answer, .. }) = state.last.clone()
        {
            return Outcome::Answered { at, answer, client, is_repeated: true, evicted: None };
        }
        if number != last + 1 {
            return Outcome::OutOfTurn;
        }
        let answer = match operation {
            Operation::Event { event } => {
                // An event that changes nothing is applied all the same, everywhere alike.
                self.timeline.apply(at, event);
                Answer::Done
            }
            Operation::View { view } => Answer::Viewed { page: self.timeline.view(view) },
        };
        state.used = at;
        state.last = Some(Last { number, at, answer: answer.clone() });
        Outcome::Answered { at, answer, client, is_repeated: false, evicted: None }
    }

    /// What is known of a request before it is taken into any queue.
    pub fn look_up(&self, id: RequestId, client: ProcessId) -> Known {
        match id {
            RequestId::Open { nonce } => match self.sessions.by_nonce.get(&(client, nonce)) {
                Some(session) => Known::Answered { at: *session, answer: Answer::Opened },
                None => Known::New,
            },
            RequestId::Execute { session, number } => match self.sessions.get(session) {
                Some(state) if state.client != client => Known::Foreign,
                // Its opening may stand in a slot that this site has not applied.
                None if session.slot >= self.applied.0 => Known::New,
                None => Known::Expired,
                Some(state) => match &state.last {
                    Some(last) if last.number == number => {
                        Known::Answered { at: last.at, answer: last.answer.clone() }
                    }
                    Some(last) if last.number > number => Known::Old,
                    Some(_) | None => Known::New,
                },
            },
        }
    }
}

/// What the replicated state knows of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Known {
    /// Nothing: it may be taken.
    New,
    /// It took effect here, and this came of it.
    Answered {
        /// Where.
        at: Position,
        /// What.
        answer: Answer,
    },
    /// Its session is unknown or evicted.
    Expired,
    /// Its session has gone on since.
    Old,
    /// Its session is another client's.
    Foreign,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Sessions {
    max: usize,
    /// In ascending order, which is that of their opening.
    by_id: Vec<(Session, SessionState)>,
    by_nonce: BTreeMap<(ProcessId, u64), Session>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct SessionState {
    client: ProcessId,
    nonce: u64,
    /// Where it was used last: the one used longest ago is evicted first.
    used: Position,
    last: Option<Last>,
}

/// The last request of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Last {
    number: u64,
    at: Position,
    answer: Answer,
}

impl SessionState {
    fn last_number(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.number)
    }
}

impl Sessions {
    fn place(&self, session: Session) -> Option<usize> {
        self.by_id.binary_search_by_key(&session, |(id, _)| *id).ok()
    }

    fn get(&self, session: Session) -> Option<&SessionState> {
        self.place(session).map(|place| &self.by_id[place].1)
    }

    fn get_mut(&mut self, session: Session) -> Option<&mut SessionState> {
        self.place(session).map(|place| &mut self.by_id[place].1)
    }

    fn open(&mut self, at: Position, client: ProcessId, nonce: u64) -> Outcome {
        if let Some(session) = self.by_nonce.get(&(client, nonce)) {
            let (at, answer) = (*session, Answer::Opened);
            return Outcome::Answered { at, answer, client, is_repeated: true, evicted: None };
        }
        let evicted = if self.by_id.len() >= self.max { self.evict() } else { None };
        self.by_id.push((at, SessionState { client, nonce, used: at, last: None }));
        self.by_nonce.insert((client, nonce), at);
        Outcome::Answered { at, answer: Answer::Opened, client, is_repeated: false, evicted }
    }

    fn evict(&mut self) -> Option<Session> {
        // Openings into a full table are rare, and every request would pay for an order by use.
        let (place, _) = self.by_id.iter().enumerate().min_by_key(|(_, (_, state))| state.used)?;
        let (session, state) = self.by_id.remove(place);
        self.by_nonce.remove(&(state.client, state.nonce));
        Some(session)
    }
}
