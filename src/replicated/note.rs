//! What sites and clients tell those who watch.

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
    /// In the protocol.
    Paxos(paxos::PaxosNote),
    /// The site took a request into its queue.
    Took(Number, M::Operation),
    /// The site took an opening into its queue.
    TookOpening(Number, ProcessId),
    /// It refused a request.
    Refused(BusyReason),
    /// It hands what waits over again, from this number on.
    Resubmits(Number),
    /// A submission took effect at this site.
    Applied(Position, M::Operation),
    /// A submission had taken effect before, and did not again.
    Repeated(Position, SiteId, Number),
    /// A submission came before its predecessor, and has no effect.
    OutOfOrder(Position, SiteId, Number),
    /// A request of a session that has gone on without it, or has not come to it yet, has no effect.
    OutOfTurn(Position, SiteId, Number),
    /// A request in the session of another client has no effect.
    Foreign(Position, SiteId, Number),
    /// A session was evicted for another.
    Evicted(Session),
    /// A request of an unknown, closed or evicted session has no effect.
    Expired(Session),
    /// A query waited for this site to catch up, in vain.
    Behind(ProcessId, Slot),
    /// It cannot show this client a linearizable view in time.
    Unread(ProcessId, Slot),
    /// A peer has applied another log: what it says, and what this site has below the same slot.
    Differs(SiteId, Claim, Digest),
    /// It lets nothing be chosen: its log differs below this slot, and no quorum is known to have it.
    Diverged(Slot),
    /// It takes part again: a quorum has its log, which it has applied up to here.
    Reunited(Slot),
    /// It dropped a message.
    Ignored(ProcessId, &'static str, &'static str),
    /// Client: the session is open.
    Opened(Session),
    /// Client: the request waits durably at this site.
    Waits(SiteId),
    /// Client: the request is in the log.
    Done(Position, M::Operation, Answer<M>),
    /// Client: it does not ask in this session any more, which was idle for long.
    Leaves(Session),
    /// Client: the session expired and this was not done; it is asked for in another one.
    AsksAnew(M::Operation),
    /// Client: the sessions expired one after the other, and this was not done.
    Undone(M::Operation),
    /// Client: the session expired; whether this request took effect is not known.
    Lost(M::Operation),
    /// Client: a site told what was asked.
    Told(SiteId, Slot, Reply<M>),
    /// Client: a site showed the linearizable view that was asked for as this query.
    Shown(u64, SiteId, Slot, M::Query, M::Reply),
    /// Client: a site cannot answer a query, for it is behind.
    FoundBehind(SiteId, Slot),
    /// Client: a site is busy.
    FoundBusy(SiteId, BusyReason),
    /// Client: no answer; it asks this site.
    Retries(SiteId),
    /// Client: too many commands wait; this one was not taken.
    QueueFull,
}

impl<M: Machine> Label for Note<M> {
    const KINDS: &'static [&'static str] = &[
        "campaigns",
        "leads",
        "follows",
        "leans",
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
        "foreign",
        "evicted",
        "expired",
        "behind",
        "unread",
        "differs",
        "diverged",
        "reunited",
        "opened",
        "waits",
        "done",
        "leaves",
        "asks anew",
        "undone",
        "lost",
        "told",
        "shown",
        "found behind",
        "found busy",
        "retries",
        "queue full",
    ];
    const NOUNS: &'static [&'static str] = &["slot", "ballot", "submission"];

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
            Note::Foreign(..) => "foreign",
            Note::Evicted(_) => "evicted",
            Note::Expired(_) => "expired",
            Note::Behind(..) => "behind",
            Note::Unread(..) => "unread",
            Note::Differs(..) => "differs",
            Note::Diverged(_) => "diverged",
            Note::Reunited(_) => "reunited",
            Note::Ignored(..) => "ignored",
            Note::Opened(_) => "opened",
            Note::Waits(_) => "waits",
            Note::Done(..) => "done",
            Note::Leaves(_) => "leaves",
            Note::AsksAnew(_) => "asks anew",
            Note::Undone(_) => "undone",
            Note::Lost(_) => "lost",
            Note::Told(..) => "told",
            Note::Shown(..) => "shown",
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
            | Note::Foreign(at, ..)
            | Note::Done(at, ..) => Subject::slot(at.slot),
            Note::Evicted(session)
            | Note::Expired(session)
            | Note::Opened(session)
            | Note::Leaves(session) => Subject::slot(session.slot),
            Note::Took(number, _) | Note::TookOpening(number, _) | Note::Resubmits(number) => {
                Subject { noun: "submission", number: number.count }
            }
            Note::Differs(_, claim, _) => Subject::slot(claim.end.0),
            Note::Diverged(slot) | Note::Reunited(slot) => Subject::slot(slot.0),
            Note::Behind(_, slot)
            | Note::Unread(_, slot)
            | Note::Told(_, slot, _)
            | Note::Shown(_, _, slot, ..)
            | Note::FoundBehind(_, slot) => Subject::slot(slot.0),
            Note::Refused(_) | Note::Ignored(..) | Note::Waits(_) | Note::Lost(_) => Subject::NONE,
            Note::AsksAnew(_) | Note::Undone(_) => Subject::NONE,
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
            Note::Foreign(at, origin, number) => {
                write!(f, "skipped {at}: {origin}'s {number} is in another client's session")
            }
            Note::Evicted(session) => write!(f, "evicted session {session}"),
            Note::Expired(session) => write!(f, "has no session {session}"),
            Note::Behind(client, applied) => write!(f, "is behind what {client} saw, at slot {applied}"),
            Note::Unread(client, applied) => {
                write!(f, "cannot tell in time what {client} must be shown, at slot {applied}")
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
            Note::Opened(session) => write!(f, "has session {session}"),
            Note::Waits(site) => write!(f, "is taken at {site}"),
            Note::Done(at, operation, Answer::Of(outcome)) => {
                write!(f, "done at {at}: {operation}{}", After(outcome))
            }
            Note::Done(at, operation, Answer::Opened) => write!(f, "done at {at}: {operation}"),
            Note::Leaves(session) => write!(f, "leaves session {session}, which was idle"),
            Note::AsksAnew(operation) => {
                write!(f, "was told that its session expired, and asks anew: {operation}")
            }
            Note::Undone(operation) => {
                write!(
                    f,
                    "was told again that its session expired, and gives up what was not done: {operation}"
                )
            }
            Note::Lost(operation) => {
                write!(f, "was told that its session expired, outcome unknown: {operation}")
            }
            Note::Told(site, applied, _) => write!(f, "was told by {site}, at slot {applied}"),
            Note::Shown(_, site, applied, query, reply) => {
                write!(f, "was shown by {site}, at slot {applied}: {query}{}", After(reply))
            }
            Note::FoundBehind(site, applied) => write!(f, "finds {site} behind, at slot {applied}"),
            Note::FoundBusy(site, reason) => write!(f, "finds {site} busy: {reason}"),
            Note::Retries(site) => write!(f, "asks again, at {site}"),
            Note::QueueFull => f.write_str("refused a command: too many wait"),
        }
    }
}

/// What came of something, after it: nothing where there is nothing to say.
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
