//! The replicated state: a fold over the log that every site computes in the same way.
//!
//! Beside the state of the machine it holds what makes effects happen once and in order: the last number taken of each
//! origin, and the sessions with their last answers.
//!
//! 1. Nothing here depends on time, on the site, or on anything but the log.
//! 2. A submission is taken only if its predecessor from the same origin was taken, and at most once.
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

/// The state after a prefix of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replica<M: Machine> {
    machine: M,
    origins: Frontier,
    sessions: Sessions<M>,
    applied: Slot,
    /// The applied slots that hold any value, in order.
    filled: CowLog<Slot>,
    digests: Digests,
}

/// The last number taken of each origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Frontier([Number; SITES_MAX as usize]);

/// The relation of a submission to a frontier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is the next of its origin.
    Next,
    /// It was taken before, or a later one of its origin was.
    Before,
    /// One before it was not taken yet. It has no effect here, and its origin proposes it again.
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

    /// The relation of `submission` to this frontier.
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

    /// Takes `submission` if it is the next of its origin. Returns its relation before that.
    pub fn take<M: Machine>(&mut self, submission: &Submission<M>) -> Standing {
        let standing = self.standing(submission);
        if standing == Standing::Next {
            self.0[submission.origin.index()] = submission.number;
        }
        standing
    }
}

/// The result of applying one submission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Applied<M: Machine> {
    /// It was not the next of its origin.
    NotTaken(Standing),
    /// It took effect, here or earlier, with this answer.
    Answered {
        /// Where it took effect: slot and index.
        at: Position,
        /// The outcome.
        answer: Answer<M>,
        /// The client to answer.
        client: ProcessId,
        /// Whether it took effect earlier.
        is_repeated: bool,
        /// The session that this opening evicted.
        evicted: Option<Session>,
    },
    /// Its session is unknown, closed or evicted: no effect.
    Expired {
        /// Whether it is certain that the request never took effect and never will.
        is_undone: bool,
    },
    /// It skips a number, is older than the session's last request, or differs from the last one of the same number: no
    /// effect and no answer.
    OutOfTurn,
    /// Its session is another client's: no effect and no answer.
    Foreign,
}

impl<M: Machine> Replica<M> {
    /// The state of an empty log.
    pub fn new(sessions_max: usize) -> Replica<M> {
        Replica::beginning_at(Slot(0), sessions_max)
    }

    /// The state of an empty log that begins at `first`.
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

    /// Every slot below this one is applied.
    pub fn applied(&self) -> Slot {
        self.applied
    }

    /// The last number taken of each origin.
    pub fn origins(&self) -> &Frontier {
        &self.origins
    }

    /// The claim of what is applied, for other sites to compare.
    pub fn claim(&self) -> Claim {
        self.digests.claim()
    }

    /// The applied slots that hold any value, from `first` on.
    pub fn filled_from(&self, first: Slot) -> impl Iterator<Item = Slot> {
        let start = self.filled.partition_point(|slot| *slot < first);
        self.filled.iter_from(start).copied()
    }

    /// The number of those slots that were looked up.
    pub(super) fn looks(&self) -> u64 {
        self.filled.looks()
    }

    pub(super) fn digests(&self) -> &Digests {
        &self.digests
    }

    /// The number of open sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.open_count()
    }

    /// The number of ended sessions that are remembered, closed or evicted.
    pub fn ended_count(&self) -> usize {
        self.sessions.ended.len()
    }

    /// The number of uses of sessions that are remembered, at most twice as many as sessions may be open.
    pub(super) fn use_count(&self) -> usize {
        self.sessions.uses.len()
    }

    /// Applies the next slot, and reports the result of each submission to `report`.
    pub fn apply(
        &mut self,
        entry: &Entry<Arc<Submission<M>>>,
        mut report: impl FnMut(Position, &Arc<Submission<M>>, Applied<M>),
    ) {
        let slot = self.applied;
        self.begin(slot);
        for (index, submission) in (0..).zip(entry.values()) {
            let position = Position { slot: slot.0, index };
            let outcome = self.apply_one(position, submission);
            report(position, submission, outcome);
        }
        self.finish();
    }

    /// Begins the next slot. Its submissions are then applied one by one.
    ///
    /// # Panics
    /// When `slot` is not the next.
    pub(super) fn begin(&mut self, slot: Slot) {
        assert!(slot == self.applied, "slot {slot} is applied, next is {}", self.applied);
        self.applied = slot.next();
        self.digests.begin();
    }

    /// Ends the slot that was begun: all of it is applied.
    pub(super) fn finish(&mut self) {
        self.digests.finish();
    }

    /// Applies the next submission of the slot that was begun.
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

    /// Sites check the owner before they take a request, but a site that has not applied the opening cannot know it.
    /// Here every site can.
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

    /// Looks up the outcome of a request before it is taken into any queue.
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

/// The replicated state's knowledge of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KnownOutcome<M: Machine> {
    /// Nothing: it may be taken.
    New,
    /// It took effect with this answer.
    Answered {
        /// Where it took effect: slot and index.
        at: Position,
        /// The outcome.
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

/// The sessions of the log: the open ones, and up to the same number of those that ended last.
///
/// 1. A session opens once, since its id is the position of its opening. Once it has ended, no request of it is
///    executed.
/// 2. So the memory of an ended session is its whole history: its requests up to the last one took effect, and no other
///    ever will. A client whose request came after the last one may ask for the same in another session.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Sessions<M: Machine> {
    /// The most that are open, and the most ended ones that are remembered.
    max: usize,
    by_id: BTreeMap<Session, SessionState<M>>,
    by_nonce: BTreeMap<(ProcessId, u64), Session>,
    /// The oldest end first.
    ended: VecDeque<Session>,
    /// The uses of sessions, in the order of the log. Only the last use of a session counts; the others are dropped in
    /// time.
    uses: VecDeque<(Position, Session)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct SessionState<M: Machine> {
    client: ProcessId,
    nonce: u64,
    /// The position of its last use. The session that was used longest ago is evicted first.
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

/// The relation of a request to its session.
enum SessionTurn<'a, M: Machine> {
    /// It is the one that took effect last.
    Repeated(&'a Last<M>),
    /// Another request of its number, or a later one, took effect.
    Past,
    /// The session ended before it.
    Undone,
    /// It is the next.
    Next,
    /// It skips a number.
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
        // This finds an ended session too: a late copy of its opening opens no session that nobody would use.
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
        // Before the list grows, which would double its memory. This leaves at most one use of each session, so the next
        // time is about as many uses away.
        if self.uses.len() >= 2 * self.max {
            let by_id = &self.by_id;
            self.uses.retain(|(at, session)| is_last_use(by_id, *at, *session));
        }
        self.uses.push_back((at, session));
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

    /// From here on no request of it is executed. Its memory serves retries until `max` other sessions have ended.
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

/// Whether this is the last use of an open session.
fn is_last_use<M: Machine>(
    by_id: &BTreeMap<Session, SessionState<M>>,
    at: Position,
    session: Session,
) -> bool {
    by_id.get(&session).is_some_and(|state| !state.is_ended && state.used == at)
}
