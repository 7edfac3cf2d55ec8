//! The replicated state: a fold over the log that every site computes alike.
//!
//! Beside the timeline it holds what makes effects happen once and in order: the last number taken of each
//! origin, and the sessions with their last answers.
//!
//! 1. Nothing here depends on time, on the site, or on anything but the log.
//! 2. Of an origin's submissions only those whose predecessor was taken are taken, each at most once.
//! 3. A request of a session takes effect at most once; once a session is closed or evicted, none of its requests do.

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::{ProcessId, SITES_MAX};
use crate::replicated::digests::Digests;
use crate::replicated::machine::{Level, Machine, Position};
use crate::replicated::message::{Answer, RequestId};
use crate::replicated::paxos::{Claim, Entry, Slot};
use crate::replicated::submission::{Number, Request, Session, Submission};
use crate::wire::{Reader, Wire, WireError};

/// The state behind a prefix of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replica<M: Machine> {
    machine: M,
    origins: Frontier,
    sessions: Sessions<M>,
    applied: Slot,
    /// The slots applied that hold anything, in order.
    filled: CowLog<Slot>,
    digests: Digests,
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
    pub fn standing<M: Machine>(&self, submission: &Submission<M>) -> Standing {
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
    pub fn take<M: Machine>(&mut self, submission: &Submission<M>) -> Standing {
        let standing = self.standing(submission);
        if standing == Standing::Next {
            self.0[submission.origin.index()] = submission.number;
        }
        standing
    }
}

/// What applying one submission came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Applied<M: Machine> {
    /// It was not the next of its origin.
    NotTaken(Standing),
    /// It took effect, or had done so before: this is the answer, first given here.
    Answered {
        /// Where it took effect.
        at: Position,
        /// What came of it.
        answer: Answer<M>,
        /// Whom to tell.
        client: ProcessId,
        /// Whether it took effect earlier.
        is_repeated: bool,
        /// A session that had to go for this opening.
        evicted: Option<Session>,
    },
    /// Its session is unknown, closed or evicted: no effect.
    Expired {
        /// Whether it is certain that the request never took effect and never will.
        is_undone: bool,
    },
    /// An older request of its session, another one of the last number, or one that skips some: no effect and no answer.
    OutOfTurn,
    /// Its session is another client's: no effect and no answer.
    Foreign,
}

impl<M: Machine> Replica<M> {
    /// The state behind an empty log.
    pub fn new(sessions_max: usize) -> Replica<M> {
        Replica::beginning_at(Slot(0), sessions_max)
    }

    /// The state behind an empty log that begins at `first`.
    pub fn beginning_at(first: Slot, sessions_max: usize) -> Replica<M> {
        Replica {
            machine: M::default(),
            origins: Frontier::default(),
            sessions: Sessions::new(sessions_max),
            applied: first,
            filled: CowLog::default(),
            digests: Digests::beginning_at(first),
        }
    }

    /// The state.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// Every slot below is applied.
    pub fn applied(&self) -> Slot {
        self.applied
    }

    /// The last number taken of each origin.
    pub fn origins(&self) -> &Frontier {
        &self.origins
    }

    /// What is applied, for others to compare.
    pub fn claim(&self) -> Claim {
        self.digests.claim()
    }

    /// The slots applied that hold anything, from `first` on.
    pub fn filled_from(&self, first: Slot) -> impl Iterator<Item = Slot> {
        let start = self.filled.partition_point(|slot| *slot < first);
        self.filled.iter_from(start).copied()
    }

    /// How many of those slots were asked for.
    pub(super) fn looks(&self) -> u64 {
        self.filled.looks()
    }

    pub(super) fn digests(&self) -> &Digests {
        &self.digests
    }

    /// How many sessions are open.
    pub fn session_count(&self) -> usize {
        self.sessions.open_count()
    }

    /// How many that ended are remembered, closed or evicted.
    pub fn ended_count(&self) -> usize {
        self.sessions.ended.len()
    }

    /// How many uses of sessions are remembered, at most twice as many as sessions may be open.
    pub(super) fn use_count(&self) -> usize {
        self.sessions.uses.len()
    }

    /// Applies the next slot; tells of each submission what it came to.
    pub fn apply(
        &mut self,
        entry: &Entry<Arc<Submission<M>>>,
        mut tell: impl FnMut(Position, &Arc<Submission<M>>, Applied<M>),
    ) {
        let slot = self.applied;
        self.begin(slot);
        for (index, submission) in (0..).zip(entry.values()) {
            let position = Position { slot: slot.0, index };
            let outcome = self.apply_one(position, submission);
            tell(position, submission, outcome);
        }
        self.finish();
    }

    /// Begins the next slot: what it holds is to be applied one by one.
    ///
    /// # Panics
    /// When it is not the next.
    pub(super) fn begin(&mut self, slot: Slot) {
        assert!(slot == self.applied, "slot {slot} is applied, next is {}", self.applied);
        self.applied = slot.next();
        self.digests.begin();
    }

    /// The slot that was begun is applied.
    pub(super) fn finish(&mut self) {
        self.digests.finish();
    }

    /// Applies what stands next in the slot that was begun.
    pub(super) fn apply_one(&mut self, position: Position, submission: &Submission<M>) -> Applied<M> {
        self.digests.absorb(submission);
        if position.index == 0 {
            self.filled.push(Slot(position.slot));
        }
        let standing = self.origins.take(submission);
        if standing != Standing::Next {
            return Applied::NotTaken(standing);
        }
        match &submission.request {
            Request::Open { client, nonce } => self.sessions.open(position, *client, *nonce),
            Request::Execute { client, session, number, operation, is_last } => {
                let outcome = self.execute(position, *client, (*session, *number), operation);
                if *is_last && matches!(outcome, Applied::Answered { is_repeated: false, .. }) {
                    self.sessions.end(*session);
                }
                outcome
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
        operation: &M::Operation,
    ) -> Applied<M> {
        let Some(state) = self.sessions.by_id.get_mut(&session) else {
            return Applied::Expired { is_undone: false };
        };
        if state.client != by {
            return Applied::Foreign;
        }
        let client = state.client;
        let digest = M::digest(operation);
        match state.turn(number, digest) {
            SessionTurn::Next => {}
            SessionTurn::Repeated(Last { at, answer, .. }) => {
                let (at, answer) = (*at, answer.clone());
                return Applied::Answered { at, answer, client, is_repeated: true, evicted: None };
            }
            SessionTurn::Undone => return Applied::Expired { is_undone: true },
            SessionTurn::Past | SessionTurn::Ahead => return Applied::OutOfTurn,
        }
        let outcome = self.machine.apply(at, Level::FIRST, operation);
        let (size, max) = (outcome.size(), M::OUTCOME_BYTES_MAX);
        assert!(size <= max, "what came of `{operation}` takes {size} bytes, of {max} at most");
        let answer = Answer::Of(outcome);
        state.used = at;
        state.last = Some(Last { number, digest, at, answer: answer.clone() });
        self.sessions.use_at(at, session);
        Applied::Answered { at, answer, client, is_repeated: false, evicted: None }
    }

    /// What is known of a request before it is taken into any queue.
    pub fn look_up(&self, id: RequestId, client: ProcessId) -> KnownOutcome<M> {
        match id {
            RequestId::Open { nonce } => match self.sessions.by_nonce.get(&(client, nonce)) {
                Some(session) => KnownOutcome::Answered { at: *session, answer: Answer::Opened },
                None => KnownOutcome::New,
            },
            RequestId::Execute { session, number, digest } => match self.sessions.by_id.get(&session) {
                Some(state) if state.client != client => KnownOutcome::Foreign,
                // Its opening may stand in a slot that this site has not applied.
                None if session.slot >= self.applied.0 => KnownOutcome::New,
                None => KnownOutcome::Expired { is_undone: false },
                Some(state) => match state.turn(number, digest) {
                    SessionTurn::Repeated(last) => {
                        KnownOutcome::Answered { at: last.at, answer: last.answer.clone() }
                    }
                    SessionTurn::Past => KnownOutcome::Past,
                    SessionTurn::Undone => KnownOutcome::Expired { is_undone: true },
                    SessionTurn::Next | SessionTurn::Ahead => KnownOutcome::New,
                },
            },
        }
    }
}

/// What the replicated state knows of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KnownOutcome<M: Machine> {
    /// Nothing: it may be taken.
    New,
    /// It took effect here, and this came of it.
    Answered {
        /// Where.
        at: Position,
        /// What.
        answer: Answer<M>,
    },
    /// Its session is unknown, closed or evicted.
    Expired {
        /// Whether it is certain that the request never took effect and never will.
        is_undone: bool,
    },
    /// Its session has gone on since, or another request took its number.
    Past,
    /// Its session is another client's.
    Foreign,
}

/// The sessions of the log: those that are open, and as many that ended last.
///
/// 1. A session opens once, for its id is the position of its opening; once it has ended nothing of it is executed.
/// 2. So what is remembered of an ended session is its whole history: its requests up to the last one took effect, and
///    no other ever will. Whoever is told that a request came after the last may ask for the same in another session.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Sessions<M: Machine> {
    /// The most that are open, and the most ended ones that are remembered.
    max: usize,
    by_id: BTreeMap<Session, SessionState<M>>,
    by_nonce: BTreeMap<(ProcessId, u64), Session>,
    /// Oldest ending first.
    ended: VecDeque<Session>,
    /// Every use of a session, in the order of the log. Only the last one of each counts; the others leave in time.
    uses: VecDeque<(Position, Session)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct SessionState<M: Machine> {
    client: ProcessId,
    nonce: u64,
    /// Where it was used last: the one used longest ago is evicted first.
    used: Position,
    last: Option<Last<M>>,
    is_ended: bool,
}

/// The last request of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Last<M: Machine> {
    number: u64,
    digest: u64,
    at: Position,
    answer: Answer<M>,
}

/// How a request stands to its session.
enum SessionTurn<'a, M: Machine> {
    /// It is the one that took effect last.
    Repeated(&'a Last<M>),
    /// Others of its number or after it took effect, and it did not.
    Past,
    /// The session ended before it.
    Undone,
    /// It is the next.
    Next,
    /// It skips some.
    Ahead,
}

impl<M: Machine> SessionState<M> {
    fn turn(&self, number: u64, digest: u64) -> SessionTurn<'_, M> {
        let last_number = self.last.as_ref().map_or(0, |last| last.number);
        match &self.last {
            Some(last) if (number, digest) == (last.number, last.digest) => SessionTurn::Repeated(last),
            _ if number <= last_number => SessionTurn::Past,
            _ if self.is_ended => SessionTurn::Undone,
            _ if number == last_number + 1 => SessionTurn::Next,
            _ => SessionTurn::Ahead,
        }
    }
}

impl<M: Machine> Sessions<M> {
    fn new(max: usize) -> Sessions<M> {
        Sessions {
            max: max.max(1),
            by_id: BTreeMap::new(),
            by_nonce: BTreeMap::new(),
            ended: VecDeque::new(),
            uses: VecDeque::new(),
        }
    }

    fn open_count(&self) -> usize {
        self.by_id.len() - self.ended.len()
    }

    fn open(&mut self, at: Position, client: ProcessId, nonce: u64) -> Applied<M> {
        // Also that of a session that ended: a late copy of its opening opens none that nobody would use.
        if let Some(session) = self.by_nonce.get(&(client, nonce)) {
            let (at, answer) = (*session, Answer::Opened);
            return Applied::Answered { at, answer, client, is_repeated: true, evicted: None };
        }
        let evicted = if self.open_count() >= self.max { self.evict() } else { None };
        self.by_id.insert(at, SessionState { client, nonce, used: at, last: None, is_ended: false });
        self.by_nonce.insert((client, nonce), at);
        self.use_at(at, at);
        Applied::Answered { at, answer: Answer::Opened, client, is_repeated: false, evicted }
    }

    fn use_at(&mut self, at: Position, session: Session) {
        self.uses.push_back((at, session));
        // What is left after this is one use of each at most, so the next time is as many uses away.
        if self.uses.len() > 2 * self.max {
            let by_id = &self.by_id;
            self.uses.retain(|(at, session)| is_last_use(by_id, *at, *session));
        }
    }

    fn evict(&mut self) -> Option<Session> {
        while let Some((at, session)) = self.uses.pop_front() {
            if is_last_use(&self.by_id, at, session) {
                self.end(session);
                return Some(session);
            }
        }
        None
    }

    /// From here on nothing of it is executed. What is remembered of it serves retries until `max` others have ended.
    fn end(&mut self, session: Session) {
        let Some(state) = self.by_id.get_mut(&session) else { return };
        if core::mem::replace(&mut state.is_ended, true) {
            return;
        }
        self.ended.push_back(session);
        if self.ended.len() > self.max
            && let Some(oldest) = self.ended.pop_front()
            && let Some(state) = self.by_id.remove(&oldest)
        {
            self.by_nonce.remove(&(state.client, state.nonce));
        }
    }
}

/// Whether this is the last use of a session that is open.
fn is_last_use<M: Machine>(
    by_id: &BTreeMap<Session, SessionState<M>>,
    at: Position,
    session: Session,
) -> bool {
    by_id.get(&session).is_some_and(|state| !state.is_ended && state.used == at)
}
