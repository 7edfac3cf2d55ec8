//! A client: speaks only datagrams, has a session, asks until it is answered.
//!
//! It has one request outstanding, and asks the same site or the next one again when no answer comes; the
//! session makes that harmless. Queries go beside requests and are answered by one site; asking once more is harmless,
//! since each asking is a reading of its own.

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

/// What a person asks of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command<M: Machine> {
    /// To do something, once.
    Do(M::Operation),
    /// The same, as the last of its session: for who will ask for nothing more, and would leave the session open.
    DoLast(M::Operation),
    /// To tell something.
    Tell(Query<M>),
}

/// One client.
#[derive(Clone, Debug)]
pub struct ClientState<M: Machine> {
    id: ProcessId,
    /// What all its times are by: its host's clock may be set back.
    pub(super) clock: Steady,
    seed: Seed,
    sites: u8,
    /// The site that it asks.
    at: SiteId,
    retry: Duration,
    queue_max: usize,
    session: Option<Session>,
    /// A session that was not used for this long is left for another before anything is asked in it.
    session_idle: Duration,
    /// When the session was opened or answered last.
    used_at: Instant,
    /// Sessions opened so far: the next opening's nonce is drawn with it.
    openings: u64,
    /// The number of the next request of the session.
    next: u64,
    /// What is to be done, in order; the first is outstanding if `asked` is.
    wanted: VecDeque<QueuedCommand<M>>,
    asked: Option<OutstandingRequest<M>>,
    queries: Vec<OutstandingQuery<M>>,
    next_query: u64,
    /// What the ids of queries begin with: an answer to another life of this client must not be taken for
    /// one to this, which asked later.
    life: u64,
    /// Everything below was seen.
    seen: Slot,
}

/// Something to be done.
#[derive(Clone, Debug)]
struct QueuedCommand<M: Machine> {
    operation: M::Operation,
    is_last: bool,
    /// How many sessions ended before they did it.
    undone: u64,
}

/// So often at most something is asked for once more in another session. Who finds a session gone so often has more
/// company than the table of sessions has room for, and would take turns with the others for ever.
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

    /// Whether every command was answered.
    pub fn is_idle(&self) -> bool {
        self.unanswered() == 0
    }

    /// How many commands were not answered.
    pub(super) fn unanswered(&self) -> usize {
        self.wanted.len() + self.queries.len()
    }

    /// The open session.
    pub fn session(&self) -> Option<Session> {
        self.session
    }

    /// Whether a request is under way that may take effect though nobody answers it: an opening alone does nothing.
    pub fn may_be_done(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| matches!(asked.request, Request::Execute { .. }))
    }

    /// What grows, and how far.
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
            Command::Tell(query) => {
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
                    effects.note(Note::Waits(site));
                }
            }
            Message::Applied { id, at, answer } => self.on_applied(now, id, at, answer, effects),
            Message::Expired { id, is_undone } => self.on_expired(now, id, is_undone, effects),
            Message::Busy { id, reason } => {
                if self.outstanding(id).is_some() {
                    effects.note(Note::FoundBusy(site, reason));
                }
            }
            Message::Told { id, applied, reply } => {
                let Some(query) = self.answered(id) else { return };
                self.seen = self.seen.max(applied);
                effects.note(match (query, reply) {
                    (Query::Of(query), Reply::Of(reply)) if M::read(&query) == Read::Quorum => {
                        Note::Shown(id, site, applied, query, reply)
                    }
                    (_, reply) => Note::Told(site, applied, reply),
                });
            }
            // The query stays: it is asked again, elsewhere if this client may go elsewhere.
            Message::Behind { id, applied } => {
                if self.queries.iter().any(|asking| asking.id == id) {
                    effects.note(Note::FoundBehind(site, applied));
                }
            }
            Message::Paxos { .. }
            | Message::Forward { .. }
            | Message::Relay { .. }
            | Message::Compare { .. }
            | Message::Compared { .. }
            | Message::Ask { .. }
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
            effects.send(ProcessId::Site(self.at), &Message::Ask { request: asked.request.clone() });
        }
        let mut queries = core::mem::take(&mut self.queries);
        for asking in queries.iter_mut().filter(|asking| is_late(asking.retry_at)) {
            asking.retry_at = now + self.retry;
            self.send_query(asking, effects);
        }
        self.queries = queries;
    }

    /// A terminal has one site. A client of its own asks the next.
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
        // Others may have had it evicted, so long ago that nobody could say what became of a request in it.
        if let Some(session) = self.session
            && now.since(self.used_at) >= self.session_idle
        {
            self.session = None;
            effects.note(Note::Leaves(session));
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
        effects.send(ProcessId::Site(self.at), &Message::Ask { request: request.clone() });
        self.asked = Some(OutstandingRequest { request, retry_at: now + self.retry, is_taken: false });
    }

    fn outstanding(&mut self, id: RequestId) -> Option<&mut OutstandingRequest<M>> {
        self.asked.as_mut().filter(|asked| asked.request.id() == id)
    }

    /// The query that is answered by this, if it waits.
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
                effects.note(Note::Opened(at));
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

    /// The session ended. What was wanted is asked for in another one only if nothing was done.
    ///
    /// `is_undone` is a fact of the log that stays true, so it may come late, twice, or from a site that is behind: a
    /// site says it of a session whose ending it applied and whose last executed request came before this one. No copy
    /// of this request was executed before that ending, for the session would have gone on to its number. None is
    /// executed after it, for what a session is known by is the one position of its opening. And the id names the
    /// operation itself, so it is not said of another request.
    ///
    /// Without it a doubled copy may have been executed before the session went, and nobody remembers.
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
                effects.note(Note::AsksAnew(wanted.operation.clone()));
                self.wanted.push_front(wanted);
            } else if is_undone {
                effects.note(Note::Undone(wanted.operation));
            } else {
                effects.note(Note::Lost(wanted.operation));
            }
        }
        self.ask_next(now, effects);
    }
}

/// A number of this life of a client, above all that count its queries.
fn life(seed: Seed) -> u64 {
    const QUERIES_BITS: u32 = 32;
    mix(seed.0, [u64::MAX]) << QUERIES_BITS | 1 << 63
}

impl<M: Machine> fmt::Display for Command<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Do(operation) => write!(f, "{operation}"),
            Command::DoLast(operation) => write!(f, "{operation}, and nothing more"),
            Command::Tell(Query::Of(query)) => write!(f, "{query}"),
            Command::Tell(Query::Log { .. }) => f.write_str("log"),
            Command::Tell(Query::Status) => f.write_str("status"),
        }
    }
}
