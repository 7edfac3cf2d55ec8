//! The notes of sites and clients, for those who watch.

use alloc::vec::Vec;
use core::fmt;

use crate::ids::{ProcessId, SiteId};
use crate::process::{Label, Subject};
use crate::replicated::machine::{Machine, Position};
use crate::replicated::message::{Answer, BusyReason, Reply};
use crate::replicated::paxos::{self, Claim, Digest, Slot};
use crate::replicated::submission::{Number, Session};

/// Something that happened at a site or a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note<M: Machine> {
    /// An event of the protocol.
    Paxos(paxos::PaxosNote),
    /// The site took a request into its queue.
    Took(Number, M::Operation),
    /// The site took an opening into its queue.
    TookOpening(Number, ProcessId),
    /// The site refused a request.
    Refused(BusyReason),
    /// The site hands its queue over again, from this number on.
    Resubmits(Number),
    /// A submission took effect at this site.
    Applied(Position, M::Operation),
    /// A submission had taken effect before, and did not again.
    Repeated(Position, SiteId, Number),
    /// A submission came before its predecessor, and has no effect.
    OutOfOrder(Position, SiteId, Number),
    /// A request has no effect: its session has gone on without it, or has not come to it yet.
    OutOfTurn(Position, SiteId, Number),
    /// A request in the session of another client has no effect.
    WrongClient(Position, SiteId, Number),
    /// A session was evicted to make room for another.
    Evicted(Session),
    /// A request of an unknown, closed or evicted session has no effect.
    Expired(Session),
    /// A query waited in vain for this site to catch up.
    Behind(ProcessId, Slot),
    /// The site cannot show this client a linearizable view in time.
    ReadTimedOut(ProcessId, Slot),
    /// A peer has applied another log: the peer's claim, and this site's digest below the same slot.
    Differs(SiteId, Claim, Digest),
    /// The site lets nothing be chosen: its log differs below this slot, and no quorum is known to have it.
    Diverged(Slot),
    /// The site takes part again: a quorum has its log, which it has applied up to here.
    Reunited(Slot),
    /// The process dropped a message: its sender, its kind and the reason.
    Ignored(ProcessId, &'static str, &'static str),
    /// Client: the session is open.
    OpenedSession(Session),
    /// Client: the request waits durably at this site.
    Taken(SiteId),
    /// Client: the request is in the log.
    Done(Position, M::Operation, Answer<M>),
    /// Client: it leaves this session, which was idle for long.
    LeavesSession(Session),
    /// Client: the session expired and this was not done. The client asks for it in another session.
    AsksInNewSession(M::Operation),
    /// Client: one session after the other expired, and this was not done.
    GaveUp(M::Operation),
    /// Client: the session expired. Whether this request took effect is not known.
    OutcomeUnknown(M::Operation),
    /// Client: a site answered from its own state.
    LocalReply(u64, SiteId, Slot, Reply<M>),
    /// Client: a site showed the linearizable view that this query asked for.
    QuorumReply(u64, SiteId, Slot, M::Query, M::Reply),
    /// Client: a site is behind and cannot answer a query.
    FoundBehind(SiteId, Slot),
    /// Client: a site is busy.
    FoundBusy(SiteId, BusyReason),
    /// Client: no answer came, so it asks this site.
    Retries(SiteId),
    /// Client: it refuses a command, since too many wait.
    QueueFull,
}

/// Every kind of note.
const KINDS: [&str; 49] = [
    "campaigns",
    "leads",
    "follows",
    "follows through",
    "deposed",
    "lost quorum",
    "gives way",
    "resigns",
    "withholds",
    "overtaken",
    "splits promise",
    "reproposes",
    "closes hole",
    "chose",
    "fetches",
    "caught up",
    "surveys",
    "surveyed",
    "nacks",
    "ignored",
    "took",
    "took opening",
    "refused",
    "resubmits",
    "applied",
    "repeated",
    "out of order",
    "out of turn",
    "wrong client",
    "evicted",
    "expired",
    "behind",
    "read timed out",
    "differs",
    "diverged",
    "reunited",
    "opened session",
    "taken",
    "done",
    "leaves session",
    "asks in new session",
    "gave up",
    "outcome unknown",
    "local reply",
    "quorum reply",
    "found behind",
    "found busy",
    "retries",
    "queue full",
];

impl<M: Machine> Label for Note<M> {
    fn kinds() -> Vec<&'static str> {
        KINDS.into()
    }

    fn nouns() -> Vec<&'static str> {
        ["slot", "ballot", "submission"].into()
    }

    fn kind(&self) -> &'static str {
        match self {
            Note::Paxos(note) => note.kind(),
            Note::Took(..) => "took",
            Note::TookOpening(..) => "took opening",
            Note::Refused(_) => "refused",
            Note::Resubmits(_) => "resubmits",
            Note::Applied(..) => "applied",
            Note::Repeated(..) => "repeated",
            Note::OutOfOrder(..) => "out of order",
            Note::OutOfTurn(..) => "out of turn",
            Note::WrongClient(..) => "wrong client",
            Note::Evicted(_) => "evicted",
            Note::Expired(_) => "expired",
            Note::Behind(..) => "behind",
            Note::ReadTimedOut(..) => "read timed out",
            Note::Differs(..) => "differs",
            Note::Diverged(_) => "diverged",
            Note::Reunited(_) => "reunited",
            Note::Ignored(..) => "ignored",
            Note::OpenedSession(_) => "opened session",
            Note::Taken(_) => "taken",
            Note::Done(..) => "done",
            Note::LeavesSession(_) => "leaves session",
            Note::AsksInNewSession(_) => "asks in new session",
            Note::GaveUp(_) => "gave up",
            Note::OutcomeUnknown(_) => "outcome unknown",
            Note::LocalReply(..) => "local reply",
            Note::QuorumReply(..) => "quorum reply",
            Note::FoundBehind(..) => "found behind",
            Note::FoundBusy(..) => "found busy",
            Note::Retries(_) => "retries",
            Note::QueueFull => "queue full",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Note::Paxos(note) => note.subject(),
            Note::Applied(at, _)
            | Note::Repeated(at, ..)
            | Note::OutOfOrder(at, ..)
            | Note::OutOfTurn(at, ..)
            | Note::WrongClient(at, ..)
            | Note::Done(at, ..) => Subject::slot(at.slot),
            Note::Evicted(session)
            | Note::Expired(session)
            | Note::OpenedSession(session)
            | Note::LeavesSession(session) => Subject::slot(session.slot),
            Note::Took(number, _) | Note::TookOpening(number, _) | Note::Resubmits(number) => {
                Subject { noun: "submission", number: number.count }
            }
            Note::Differs(_, claim, _) => Subject::slot(claim.end.0),
            Note::Diverged(slot) | Note::Reunited(slot) => Subject::slot(slot.0),
            Note::Behind(_, slot)
            | Note::ReadTimedOut(_, slot)
            | Note::LocalReply(_, _, slot, _)
            | Note::QuorumReply(_, _, slot, ..)
            | Note::FoundBehind(_, slot) => Subject::slot(slot.0),
            Note::Refused(_) | Note::Ignored(..) | Note::Taken(_) | Note::OutcomeUnknown(_) => Subject::NONE,
            Note::AsksInNewSession(_) | Note::GaveUp(_) => Subject::NONE,
            Note::FoundBusy(..) | Note::Retries(_) | Note::QueueFull => Subject::NONE,
        }
    }
}

impl<M: Machine> fmt::Display for Note<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Paxos(note) => write!(f, "{note}"),
            Note::Took(number, operation) => write!(f, "took {number}: {operation}"),
            Note::TookOpening(number, client) => write!(f, "took {number}: {client} opens a session"),
            Note::Refused(reason) => write!(f, "refused a request: {reason}"),
            Note::Resubmits(number) => write!(f, "resubmits from {number}"),
            Note::Applied(at, operation) => write!(f, "applied {at}: {operation}"),
            Note::Repeated(at, origin, number) => {
                write!(f, "skipped {at}: {origin}'s {number} took effect before")
            }
            Note::OutOfOrder(at, origin, number) => {
                write!(f, "skipped {at}: {origin}'s {number} came before its predecessor")
            }
            Note::OutOfTurn(at, origin, number) => {
                write!(f, "skipped {at}: {origin}'s {number} is not its session's turn")
            }
            Note::WrongClient(at, origin, number) => {
                write!(f, "skipped {at}: {origin}'s {number} is in another client's session")
            }
            Note::Evicted(session) => write!(f, "evicted session {session}"),
            Note::Expired(session) => write!(f, "has no session {session}"),
            Note::Behind(client, applied) => write!(f, "is behind what {client} saw, at slot {applied}"),
            Note::ReadTimedOut(client, applied) => {
                write!(f, "could not finish a quorum read for {client} in time, at slot {applied}")
            }
            Note::Differs(from, Claim { end, digest }, own) => {
                write!(f, "differs from {from}: below slot {end} it has {own}, and {from} has {digest}")
            }
            Note::Diverged(end) => {
                write!(
                    f,
                    "lets nothing be chosen: it differs below slot {end}, and no quorum is known to agree with it"
                )
            }
            Note::Reunited(applied) => write!(f, "takes part again: a quorum has its log, at slot {applied}"),
            Note::Ignored(from, kind, reason) => write!(f, "ignored {kind} of {from}: {reason}"),
            Note::OpenedSession(session) => write!(f, "opened session {session}"),
            Note::Taken(site) => write!(f, "request taken at {site}"),
            Note::Done(at, operation, Answer::Of(outcome)) => {
                write!(f, "done at {at}: {operation}{}", After(outcome))
            }
            Note::Done(at, operation, Answer::Opened) => write!(f, "done at {at}: {operation}"),
            Note::LeavesSession(session) => write!(f, "leaves session {session}, which was idle"),
            Note::AsksInNewSession(operation) => {
                write!(f, "finds its session expired, asks in a new session: {operation}")
            }
            Note::GaveUp(operation) => {
                write!(f, "finds its session expired again, gives up what was not done: {operation}")
            }
            Note::OutcomeUnknown(operation) => {
                write!(f, "finds its session expired, outcome unknown: {operation}")
            }
            Note::LocalReply(_, site, applied, _) => {
                write!(f, "got a local reply from {site}, at slot {applied}")
            }
            Note::QuorumReply(_, site, applied, query, reply) => {
                write!(f, "got a quorum reply from {site}, at slot {applied}: {query}{}", After(reply))
            }
            Note::FoundBehind(site, applied) => write!(f, "finds {site} behind, at slot {applied}"),
            Note::FoundBusy(site, reason) => write!(f, "finds {site} busy: {reason}"),
            Note::Retries(site) => write!(f, "asks again, at {site}"),
            Note::QueueFull => f.write_str("refused a command: too many wait"),
        }
    }
}

/// Displays a result with a space before it; nothing if the result has no text.
struct After<'a, T>(&'a T);

impl<T: fmt::Display> fmt::Display for After<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = alloc::format!("{}", self.0);
        if text.is_empty() { Ok(()) } else { write!(f, " {text}") }
    }
}

impl fmt::Display for BusyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BusyReason::QueueFull => "its queue is full",
            BusyReason::DiskLow => "its disk is nearly full",
            BusyReason::Diverged => "its log differs from another site's, and no quorum is known to have it",
        })
    }
}
