//! A client: it exchanges datagrams with sites, keeps a session, and asks until it gets an answer.
//!
//! One request is outstanding at a time. When no answer comes, the client asks the same site or the next one again; the
//! session makes the duplicate harmless. Queries run beside requests, and one site answers each. Asking a query again
//! is harmless too, since each asking is a separate read.

mod saved;
#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{ProcessId, SiteId};
use crate::mix::{Seed, mix};
use crate::process::{Effects, Label, Size};
use crate::replicated::config::Config;
use crate::replicated::machine::{Machine, Position, Read};
use crate::replicated::message::{Answer, Message, Query, Reply, RequestId};
use crate::replicated::note::Note;
use crate::replicated::paxos::Slot;
use crate::replicated::process::Replicated;
use crate::replicated::submission::{Request, Session};
use crate::time::{Duration, Instant, Steady};
use crate::wire::Wire;

/// A person's command to a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command<M: Machine> {
    /// Executes an operation, once.
    Do(M::Operation),
    /// Executes an operation, once, as the last of its session: for a user who is done and would leave the session
    /// open.
    DoLast(M::Operation),
    /// Asks a query.
    Query(Query<M>),
}

/// One client.
#[derive(Clone, Debug)]
pub struct ClientState<M: Machine> {
    id: ProcessId,
    /// The source of all its times, since its host's clock may be set back.
    pub(super) clock: Steady,
    seed: Seed,
    sites: u8,
    /// The site that it asks.
    at: SiteId,
    retry: Duration,
    queue_max: usize,
    session: Option<Session>,
    /// A session that was unused for this long is left for another before the next request.
    session_idle: Duration,
    /// When a site last opened the session or answered in it.
    used_at: Instant,
    /// Sessions opened so far. The nonce of the next opening is drawn with it.
    openings: u64,
    /// The number of the next request of the session.
    next: u64,
    /// The operations to execute, in order. If `asked` is set, the first one is under way.
    wanted: VecDeque<QueuedCommand<M>>,
    asked: Option<OutstandingRequest<M>>,
    queries: Vec<OutstandingQuery<M>>,
    next_query: u64,
    /// The high bits of query ids, drawn per life: an answer to another life of this client must not pass for one to
    /// this life, which asked later.
    life: u64,
    /// Everything below this slot was seen.
    seen: Slot,
}

/// An operation to execute.
#[derive(Clone, Debug)]
struct QueuedCommand<M: Machine> {
    operation: M::Operation,
    is_last: bool,
    /// The number of sessions that ended before the operation was done.
    undone: u64,
}

/// The most times that a client asks for an operation again in another session. A client that loses this many sessions
/// has more company than the table of sessions has room for, and would take turns with the others for ever.
const ANEW_MAX: u64 = 3;

/// The outstanding request.
#[derive(Clone, Debug)]
struct OutstandingRequest<M: Machine> {
    request: Request<M>,
    retry_at: Instant,
    is_taken: bool,
}

/// An outstanding query.
#[derive(Clone, Debug)]
struct OutstandingQuery<M: Machine> {
    id: u64,
    query: Query<M>,
    retry_at: Instant,
}

impl<M: Machine> ClientState<M> {
    pub(super) fn new(config: &Config, id: ProcessId, seed: Seed) -> ClientState<M> {
        let home = match id {
            ProcessId::Site(site) | ProcessId::Terminal(site) => site.number(),
            ProcessId::Client(number) => (number % u16::from(config.sites)).to_le_bytes()[0],
        };
        ClientState {
            id,
            clock: Steady::default(),
            seed,
            sites: config.sites,
            at: SiteId::new(home).expect("below the number of sites"),
            retry: config.client_retry,
            queue_max: config.client_queue_max,
            session: None,
            session_idle: config.session_idle,
            used_at: Instant::ZERO,
            openings: 0,
            next: 1,
            wanted: VecDeque::new(),
            asked: None,
            queries: Vec::new(),
            next_query: 1,
            life: life(seed),
            seen: Slot(0),
        }
    }

    /// Whether every command is answered.
    pub fn is_idle(&self) -> bool {
        self.unanswered() == 0
    }

    /// The number of commands without an answer.
    pub fn unanswered(&self) -> usize {
        self.wanted.len() + self.queries.len()
    }

    /// The open session.
    pub fn session(&self) -> Option<Session> {
        self.session
    }

    /// Whether a request is under way that may take effect even if no site answers it. An opening alone has no effect.
    pub fn may_be_done(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| matches!(asked.request, Request::Execute { .. }))
    }

    /// Reports everything that grows, with its limit.
    pub(super) fn sizes(&self, mut see: impl FnMut(Size)) {
        see(Size::new("commands", self.unanswered(), self.queue_max));
    }

    pub(super) fn deadline(&self) -> Option<(Instant, &'static str)> {
        let asked = self.asked.iter().map(|asked| asked.retry_at);
        let first = asked.chain(self.queries.iter().map(|asking| asking.retry_at)).min();
        first.map(|at| (at, "retry"))
    }

    pub(super) fn on_command(
        &mut self,
        now: Instant,
        command: Command<M>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        if self.unanswered() >= self.queue_max {
            effects.note(Note::QueueFull);
            return;
        }
        let is_last = matches!(command, Command::DoLast(_));
        match command {
            Command::Do(operation) | Command::DoLast(operation) => {
                let (size, max) = (operation.size(), M::OPERATION_BYTES_MAX);
                assert!(size <= max, "`{operation}` takes {size} bytes, of {max} at most");
                self.wanted.push_back(QueuedCommand { operation, is_last, undone: 0 });
                self.ask_next(now, effects);
            }
            Command::Query(query) => {
                let id = self.life | self.next_query;
                self.next_query += 1;
                let asking = OutstandingQuery { id, query, retry_at: now + self.retry };
                self.send_query(&asking, effects);
                self.queries.push(asking);
            }
        }
    }

    pub(super) fn on_message(
        &mut self,
        now: Instant,
        from: ProcessId,
        message: Message<M>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        let Some(site) = from.as_site() else {
            effects.note(Note::Ignored(from, message.kind(), "it is not from a site"));
            return;
        };
        match message {
            Message::Taken { id } => {
                if let Some(asked) = self.outstanding(id)
                    && !asked.is_taken
                {
                    asked.is_taken = true;
                    effects.note(Note::Taken(site));
                }
            }
            Message::Applied { id, at, answer } => self.on_applied(now, id, at, answer, effects),
            Message::Expired { id, is_undone } => self.on_expired(now, id, is_undone, effects),
            Message::Busy { id, reason } => {
                if self.outstanding(id).is_some() {
                    effects.note(Note::FoundBusy(site, reason));
                }
            }
            Message::QueryReply { id, applied, reply } => {
                let Some(query) = self.answered(id) else { return };
                self.seen = self.seen.max(applied);
                effects.note(match (query, reply) {
                    (Query::Of(query), Reply::Of(reply)) if M::read(&query) == Read::Quorum => {
                        Note::QuorumReply(id, site, applied, query, reply)
                    }
                    (_, reply) => Note::LocalReply(id, site, applied, reply),
                });
            }
            // The query stays outstanding. The client asks it again, at another site if it may.
            Message::Behind { id, applied } => {
                if self.queries.iter().any(|asking| asking.id == id) {
                    effects.note(Note::FoundBehind(site, applied));
                }
            }
            Message::Paxos { .. }
            | Message::Forward { .. }
            | Message::Relay { .. }
            | Message::Compare { .. }
            | Message::CompareReply { .. }
            | Message::Request { .. }
            | Message::Query { .. } => {
                effects.note(Note::Ignored(from, message.kind(), "it is not for a client"));
            }
        }
    }

    pub(super) fn on_wake(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        let is_late = |at: Instant| at <= now;
        let asked_is_late = self.asked.as_ref().is_some_and(|asked| is_late(asked.retry_at));
        if !asked_is_late && !self.queries.iter().any(|asking| is_late(asking.retry_at)) {
            return;
        }
        self.go_elsewhere();
        effects.note(Note::Retries(self.at));
        if asked_is_late && let Some(asked) = &mut self.asked {
            asked.retry_at = now + self.retry;
            effects.send(ProcessId::Site(self.at), &Message::Request { request: asked.request.clone() });
        }
        let mut queries = core::mem::take(&mut self.queries);
        for asking in queries.iter_mut().filter(|asking| is_late(asking.retry_at)) {
            asking.retry_at = now + self.retry;
            self.send_query(asking, effects);
        }
        self.queries = queries;
    }

    /// A terminal keeps its one site. Any other client moves to the next.
    fn go_elsewhere(&mut self) {
        if let ProcessId::Client(_) = self.id {
            let next = (self.at.number() + 1) % self.sites;
            self.at = SiteId::new(next).expect("below the number of sites");
        }
    }

    fn send_query(&self, asking: &OutstandingQuery<M>, effects: &mut Effects<Replicated<M>>) {
        let query = Message::Query { id: asking.id, seen: self.seen, query: asking.query.clone() };
        effects.send(ProcessId::Site(self.at), &query);
    }

    fn ask_next(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        let Some(wanted) = self.wanted.front() else { return };
        if self.asked.is_some() {
            return;
        }
        // Other clients may have had it evicted so long ago that no site knows the outcome of a request in it.
        if let Some(session) = self.session
            && now.since(self.used_at) >= self.session_idle
        {
            self.session = None;
            effects.note(Note::LeavesSession(session));
        }
        let request = match self.session {
            Some(session) => Request::Execute {
                client: self.id,
                session,
                number: self.next,
                operation: wanted.operation.clone(),
                is_last: wanted.is_last,
            },
            None => Request::Open { client: self.id, nonce: mix(self.seed.0, [self.openings]) },
        };
        effects.send(ProcessId::Site(self.at), &Message::Request { request: request.clone() });
        self.asked = Some(OutstandingRequest { request, retry_at: now + self.retry, is_taken: false });
    }

    fn outstanding(&mut self, id: RequestId) -> Option<&mut OutstandingRequest<M>> {
        self.asked.as_mut().filter(|asked| asked.request.id() == id)
    }

    /// Removes and returns the outstanding query with this id.
    fn answered(&mut self, id: u64) -> Option<Query<M>> {
        let place = self.queries.iter().position(|asking| asking.id == id)?;
        Some(self.queries.remove(place).query)
    }

    fn on_applied(
        &mut self,
        now: Instant,
        id: RequestId,
        at: Position,
        answer: Answer<M>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        if self.outstanding(id).is_none() {
            return;
        }
        self.asked = None;
        self.used_at = now;
        self.seen = self.seen.max(Slot(at.slot.saturating_add(1)));
        match id {
            RequestId::Open { .. } => {
                (self.session, self.next) = (Some(at), 1);
                self.openings += 1;
                effects.note(Note::OpenedSession(at));
            }
            RequestId::Execute { number, .. } => {
                self.next = number + 1;
                if let Some(QueuedCommand { operation, is_last, .. }) = self.wanted.pop_front() {
                    if is_last {
                        self.session = None;
                    }
                    effects.note(Note::Done(at, operation, answer));
                }
            }
        }
        self.ask_next(now, effects);
    }

    /// Handles the end of the session. The client asks for the operation in another session only if `is_undone`.
    ///
    /// `is_undone` is a fact of the log and stays true, so the message may come late, twice, or from a site that is
    /// behind. A site sends it for a session whose end it has applied and whose last executed request came before this
    /// one. No copy of this request was executed before that end: the session would have gone on to its number. No copy
    /// is executed after that end: the position of its one opening identifies the session. The id names the operation
    /// itself, so the message is about no other request.
    ///
    /// Without `is_undone` a duplicate may have been executed before the session ended, and no site remembers.
    fn on_expired(
        &mut self,
        now: Instant,
        id: RequestId,
        is_undone: bool,
        effects: &mut Effects<Replicated<M>>,
    ) {
        if self.outstanding(id).is_none() {
            return;
        }
        self.asked = None;
        self.session = None;
        if let Some(mut wanted) = self.wanted.pop_front() {
            if is_undone && wanted.undone < ANEW_MAX {
                wanted.undone += 1;
                effects.note(Note::AsksInNewSession(wanted.operation.clone()));
                self.wanted.push_front(wanted);
            } else if is_undone {
                effects.note(Note::GaveUp(wanted.operation));
            } else {
                effects.note(Note::OutcomeUnknown(wanted.operation));
            }
        }
        self.ask_next(now, effects);
    }
}

/// The bits of a query's id that count the queries of one life, from 1.
const QUERIES_BITS: u32 = 32;

/// The number of this life of a client, in the bits above the count of its queries.
fn life(seed: Seed) -> u64 {
    mix(seed.0, [u64::MAX]) << QUERIES_BITS | 1 << 63
}

/// How many queries its client asked in that life when it asked the one of this id, that one included.
pub const fn query_count(id: u64) -> u64 {
    id & ((1 << QUERIES_BITS) - 1)
}

impl<M: Machine> fmt::Display for Command<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Do(operation) => write!(f, "{operation}"),
            Command::DoLast(operation) => write!(f, "{operation}, and nothing more"),
            Command::Query(Query::Of(query)) => write!(f, "{query}"),
            Command::Query(Query::Log { .. }) => f.write_str("log"),
            Command::Query(Query::Status) => f.write_str("status"),
        }
    }
}
