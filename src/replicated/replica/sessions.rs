//! The sessions of the log: what makes the requests of clients take effect once.

use alloc::collections::{BTreeMap, VecDeque};

use super::Applied;
use crate::ids::ProcessId;
use crate::replicated::machine::{Machine, Position};
use crate::replicated::message::Answer;
use crate::replicated::submission::Session;

/// The sessions of the log: the open ones, and up to the same number of those that ended last.
///
/// 1. A session opens once, since its id is the position of its opening. Once it has ended, no request of it is
///    executed.
/// 2. So the memory of an ended session is its whole history: its requests up to the last one took effect, and no other
///    ever will. A client whose request came after the last one may ask for the same in another session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sessions<M: Machine> {
    /// The most that are open, and the most ended ones that are remembered.
    pub(super) max: usize,
    pub(super) by_id: BTreeMap<Session, SessionState<M>>,
    pub(super) by_nonce: BTreeMap<(ProcessId, u64), Session>,
    /// The oldest end first.
    pub(super) ended: VecDeque<Session>,
    /// The uses of sessions, in the order of the log. Only the last use of a session counts; the others are dropped in
    /// time.
    pub(super) uses: VecDeque<(Position, Session)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SessionState<M: Machine> {
    pub(super) client: ProcessId,
    nonce: u64,
    /// The position of its last use. The session that was used longest ago is evicted first.
    pub(super) used: Position,
    pub(super) last: Option<Last<M>>,
    is_ended: bool,
}

/// The last request of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Last<M: Machine> {
    pub(super) number: u64,
    pub(super) digest: u64,
    pub(super) at: Position,
    pub(super) answer: Answer<M>,
}

/// The relation of a request to its session.
pub(super) enum SessionTurn<'a, M: Machine> {
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
    pub(super) fn turn(&self, number: u64, digest: u64) -> SessionTurn<'_, M> {
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
    pub(super) fn new(max: usize) -> Sessions<M> {
        Sessions {
            max: max.max(1),
            by_id: BTreeMap::new(),
            by_nonce: BTreeMap::new(),
            ended: VecDeque::new(),
            uses: VecDeque::new(),
        }
    }

    pub(super) fn open_count(&self) -> usize {
        self.by_id.len() - self.ended.len()
    }

    pub(super) fn open(&mut self, at: Position, client: ProcessId, nonce: u64) -> Applied<M> {
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

    pub(super) fn use_at(&mut self, at: Position, session: Session) {
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
    pub(super) fn end(&mut self, session: Session) {
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
