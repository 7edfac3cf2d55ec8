//! The replicated state: a fold over the log that every site computes in the same way.
//!
//! Beside the state of the machine it holds what makes effects happen once and in order: the last number taken of each
//! origin, and the sessions with their last answers.
//!
//! 1. Nothing here depends on time, on the site, or on anything but the log.
//! 2. A submission is taken only if its predecessor from the same origin was taken, and at most once.
//! 3. A request of a session takes effect at most once; once a session is closed or evicted, none of its requests do.

mod frontier;
mod sessions;
#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;

use alloc::sync::Arc;

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::replicated::digests::Digests;
use crate::replicated::machine::{Level, Machine, Position};
use crate::replicated::message::{Answer, RequestId};
use crate::replicated::paxos::{Claim, Entry, Slot};
use crate::replicated::submission::{Request, Session, Submission};
use crate::wire::Wire;
pub use frontier::{Frontier, Standing};
use sessions::{Last, SessionTurn, Sessions};

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
