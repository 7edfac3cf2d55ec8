//! Checks what a client may rely on when it reads from single sites (local views, the log, lists of blocks), whichever
//! site answers:
//!
//! - Read your writes: an answer includes everything that the client knew to be applied when it asked.
//! - Monotonic reads: an answer is as of no shorter prefix of the log than any that the client had seen when it asked.
//! - A query carries what the client has seen, and only a site that lacks it answers that it is behind.
//!
//! A linearizable view by a read round is as of no shorter prefix than any that *any* client had seen, or knew to be
//! applied, when the view was first asked for. All prefixes are of one log, so this is linearizability of their
//! lengths. `linearizable` checks what the pages show.
//!
//! A client uses new nonces (to open sessions) and new ids (for queries) in each of its lives. Otherwise it could take
//! an answer to an earlier life for one to this life. What it takes for its session was opened with a nonce of this
//! life.
//!
//! Does not check that pages are what their prefix gives (see `timelines`), two queries under way at once against each
//! other, nor a client that was restarted: it has seen nothing. Other clients may see less or more: views are local.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::ProcessId;
use crate::process::Recipients;
use crate::replicated::paxos::Slot;
use crate::sim::Violation;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact};
use crate::tweets::site::{Message, Note, Query, Request, RequestId};
use crate::tweets::timeline::TimelineQuery;

const PROPERTY: &str = "sessions";

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct SessionJudge {
    clients: BTreeMap<ProcessId, ClientLife>,
    names: BTreeMap<ProcessId, Names>,
    /// Some client saw, or knows to be applied, everything below this slot.
    known: Slot,
}

#[derive(Clone, Debug, Default)]
struct ClientLife {
    /// The client saw, or knows to be applied, everything below this slot.
    seen: Slot,
    /// The request that the client waits for.
    request: Option<RequestId>,
    /// The queries that the client waits for.
    queries: BTreeMap<u64, AskedOnce>,
}

#[derive(Clone, Copy, Debug)]
struct AskedOnce {
    /// Whether the query is a linearizable view.
    is_fresh: bool,
    /// What the client had seen when it first asked; for a linearizable view, what any client had seen.
    owed: Slot,
    /// The greatest slot that any copy of the query carries.
    carried: Slot,
}

/// The names that a client gave to its openings and queries.
#[derive(Clone, Debug, Default)]
struct Names {
    in_this_life: BTreeSet<CallIdentity>,
    in_earlier_ones: BTreeSet<CallIdentity>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum CallIdentity {
    Nonce(u64),
    Query(u64),
}

impl SessionJudge {
    pub(super) const LOOKS_AT: FactKinds =
        FactKinds::STARTED.and(FactKinds::REQUEST).and(FactKinds::QUERY).and(FactKinds::SHOWN);

    #[inline(never)]
    pub(super) fn look(&mut self, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, .. } => {
                self.clients.remove(&process);
                if let Some(names) = self.names.get_mut(&process) {
                    names.in_earlier_ones.append(&mut names.in_this_life);
                }
                Ok(())
            }
            SeenFact::Left { from, to, message } => self.on_left(from, to, message),
            SeenFact::Own { .. } | SeenFact::Durable { .. } => Ok(()),
        }
    }

    fn on_left(&mut self, from: ProcessId, to: Recipients, message: &Message) -> Result<(), Violation> {
        match message {
            Message::Request { request } => {
                if let Request::Open { nonce, .. } = request {
                    self.name(from, CallIdentity::Nonce(*nonce))?;
                }
                self.clients.entry(from).or_default().request = Some(request.id());
                Ok(())
            }
            Message::Query { id, seen, query } => {
                self.name(from, CallIdentity::Query(*id))?;
                let known = self.known;
                let client = self.clients.entry(from).or_default();
                let owed = client.seen;
                ensure!(
                    owed <= *seen,
                    PROPERTY,
                    "{from} asked query {id} as if it had seen what stands below {seen}, but it has seen {owed}"
                );
                let is_fresh = matches!(query, Query::Of(TimelineQuery::QuorumView { .. }));
                let owed = if is_fresh { known } else { owed };
                let asked = client.queries.entry(*id).or_insert(AskedOnce { is_fresh, owed, carried: *seen });
                asked.carried = asked.carried.max(*seen);
                Ok(())
            }
            Message::QueryReply { id, applied, .. } => {
                let Some(AskedOnce { is_fresh, owed, .. }) = self.asked(to, *id) else { return Ok(()) };
                ensure!(
                    owed <= *applied || !is_fresh,
                    PROPERTY,
                    "{from} showed a linearizable view as of slot {applied}, but somebody had seen {owed} before it was asked"
                );
                ensure!(
                    owed <= *applied,
                    PROPERTY,
                    "{from} answered query {id} as of slot {applied}, but who asked had seen {owed}"
                );
                Ok(())
            }
            Message::Behind { id, applied } => {
                let Some(AskedOnce { is_fresh, carried, .. }) = self.asked(to, *id) else { return Ok(()) };
                ensure!(
                    *applied < carried || is_fresh,
                    PROPERTY,
                    "{from} says of query {id} that it is behind with slot {applied}, but {carried} was asked for"
                );
                Ok(())
            }
            Message::Paxos { .. }
            | Message::Forward { .. }
            | Message::Relay { .. }
            | Message::Compare { .. }
            | Message::CompareReply { .. }
            | Message::Taken { .. }
            | Message::Applied { .. }
            | Message::Expired { .. }
            | Message::Busy { .. } => Ok(()),
        }
    }

    /// A client gives this name to an opening or a query.
    fn name(&mut self, client: ProcessId, name: CallIdentity) -> Result<(), Violation> {
        let names = self.names.entry(client).or_default();
        ensure!(
            !names.in_earlier_ones.contains(&name),
            PROPERTY,
            "{client} says {name:?}, as it did in an earlier life: an answer to that one may be taken for one to this"
        );
        names.in_this_life.insert(name);
        Ok(())
    }

    /// A client reports to its user: the session that it reports to have must be one that this life of it opened.
    pub(super) fn on_noted(
        &mut self,
        known: JudgeContext<'_>,
        process: ProcessId,
        note: &Note,
    ) -> Result<(), Violation> {
        let Note::OpenedSession(session) = note else { return Ok(()) };
        let opened = known.model.life(*session).filter(|life| life.client == process);
        let names = self.names.get(&process);
        let is_own =
            |nonce| names.is_some_and(|names| names.in_this_life.contains(&CallIdentity::Nonce(nonce)));
        ensure!(
            opened.is_some_and(|life| is_own(life.nonce)),
            PROPERTY,
            "{process} takes {session} for its session, which this life of it did not open"
        );
        Ok(())
    }

    fn asked(&self, client: Recipients, id: u64) -> Option<AskedOnce> {
        let Recipients::One(client) = client else { return None };
        self.clients.get(&client)?.queries.get(&id).copied()
    }

    /// A client receives a message: an answer that it waits for counts as seen.
    pub(super) fn on_client_received(&mut self, client: ProcessId, message: &Message) {
        let Some(client) = self.clients.get_mut(&client) else { return };
        match message {
            Message::Applied { id, at, .. } if client.request == Some(*id) => {
                client.request = None;
                client.seen = client.seen.max(Slot(at.slot.saturating_add(1)));
            }
            Message::Expired { id, .. } if client.request == Some(*id) => client.request = None,
            Message::QueryReply { id, applied, .. } if client.queries.remove(id).is_some() => {
                client.seen = client.seen.max(*applied);
            }
            _ => {}
        }
        self.known = self.known.max(client.seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SiteId;
    use crate::tweets::timeline::{Position, TimelineOutcome, TimelineReply};
    const C2: ProcessId = ProcessId::Client(2);

    use crate::tweets::judges::stage::{C1, Stage, applied, objects, open, site, tweet};
    use crate::tweets::site::{Answer, Command, Query, Reply};

    fn client_receives(stage: &mut Stage, message: &Message) {
        stage.delivered(site(0).into(), C1, message).unwrap();
    }

    fn ask(stage: &mut Stage, id: u64, seen: u64) -> Result<(), Violation> {
        let query = Query::Of(TimelineQuery::Blocks { after: None });
        stage.commanded(C1, &Command::Query(query.clone())).unwrap();
        stage.sent(C1, site(0), Message::Query { id, seen: Slot(seen), query })
    }

    fn query_reply(id: u64, applied: u64) -> Message {
        let reply = Reply::Of(TimelineReply::Blocks { blocks: alloc::vec![], has_more: false });
        Message::QueryReply { id, applied: Slot(applied), reply }
    }

    fn acknowledged() -> Message {
        applied(&tweet(2, "b"), (2, 0), Answer::Of(TimelineOutcome::Done))
    }

    #[test]
    fn what_was_acknowledged_and_shown_is_shown_again() {
        let mut stage = Stage::three_chosen();
        ask(&mut stage, 1, 0).unwrap();
        client_receives(&mut stage, &acknowledged());
        stage.sent(site(1), C1, query_reply(1, 2)).unwrap();
        client_receives(&mut stage, &query_reply(1, 2));
        ask(&mut stage, 2, 3).unwrap();
        stage.sent(site(1), C1, Message::Behind { id: 2, applied: Slot(2) }).unwrap();
        stage.sent(site(0), C1, query_reply(2, 3)).unwrap();
    }

    #[test]
    fn a_client_that_forgets_what_it_has_seen_is_caught() {
        let sentence = "C1 asked query 1 as if it had seen what stands below 2, but it has seen 3";
        let mut one = Stage::three_chosen();
        client_receives(&mut one, &acknowledged());
        objects(ask(&mut one, 1, 2), "sessions", sentence);
        let mut other = Stage::three_chosen();
        ask(&mut other, 7, 0).unwrap();
        client_receives(&mut other, &query_reply(7, 3));
        let sentence = "C1 asked query 8 as if it had seen what stands below 0, but it has seen 3";
        objects(ask(&mut other, 8, 0), "sessions", sentence);
    }

    #[test]
    fn an_answer_behind_what_was_seen_is_caught() {
        let check = |from: SiteId, answer: Message, sentence: &str| {
            let mut stage = Stage::three_chosen();
            client_receives(&mut stage, &acknowledged());
            ask(&mut stage, 1, 3).unwrap();
            objects(stage.sent(from, C1, answer), "sessions", sentence);
        };
        check(site(1), query_reply(1, 2), "S1 answered query 1 as of slot 2, but who asked had seen 3");
        let excuse = Message::Behind { id: 1, applied: Slot(3) };
        check(site(1), excuse, "S1 says of query 1 that it is behind with slot 3, but 3 was asked for");
    }

    #[test]
    fn what_an_earlier_life_said_is_not_said_again() {
        let mut stage = Stage::three_chosen();
        ask(&mut stage, 7, 0).unwrap();
        ask(&mut stage, 7, 0).unwrap();
        let started = SeenFact::Started { process: C1, incarnation: 3, recovered: &[] };
        stage.judges.sessions.look(&started).unwrap();
        ask(&mut stage, 8, 0).unwrap();
        let query = Query::Of(TimelineQuery::Blocks { after: None });
        let again = Message::Query { id: 7, seen: Slot(0), query };
        let again =
            stage.judges.sessions.look(&SeenFact::Left { from: C1, to: site(0).into(), message: &again });
        let sentence = "C1 says Query(7), as it did in an earlier life";
        objects(again, "sessions", sentence);
    }

    #[test]
    fn a_session_that_another_life_opened_is_caught() {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1)]).unwrap();
        stage.choose(1, &[tweet(1, "a")]).unwrap();
        let has = |slot| Note::OpenedSession(Position { slot, index: 0 });
        stage.noted(C1, &has(0)).unwrap();
        objects(stage.noted(C1, &has(1)), PROPERTY, "C1 takes 1.0 for its session");
        let started = SeenFact::Started { process: C1, incarnation: 2, recovered: &[] };
        stage.judges.sessions.look(&started).unwrap();
        objects(stage.noted(C1, &has(0)), PROPERTY, "which this life of it did not open");
    }

    /// A client other than the first asks for a linearizable view.
    fn ask_fresh(stage: &mut Stage, id: u64) {
        let query = Query::Of(TimelineQuery::QuorumView { view: crate::tweets::judges::stage::looks("bob") });
        stage.commanded(C2, &Command::Query(query.clone())).unwrap();
        stage.sent(C2, site(1), Message::Query { id, seen: Slot(0), query }).unwrap();
    }

    fn shown(stage: &mut Stage, id: u64, applied: u64) -> Result<(), Violation> {
        let reply = Reply::Of(TimelineReply::View { page: crate::tweets::timeline::Page::default() });
        let message = Message::QueryReply { id, applied: Slot(applied), reply };
        let from = site(1).into();
        stage.judges.sessions.look(&SeenFact::Left { from, to: C2.into(), message: &message })
    }

    #[test]
    fn a_linearizable_view_shows_what_anybody_was_told_of_before_it_was_asked() {
        let sentence =
            "S1 showed a linearizable view as of slot 2, but somebody had seen 3 before it was asked";
        let mut stage = Stage::three_chosen();
        ask_fresh(&mut stage, 7);
        client_receives(&mut stage, &acknowledged());
        shown(&mut stage, 7, 2).unwrap();
        // Asked again, the view is still the same one; another view began later.
        ask_fresh(&mut stage, 7);
        shown(&mut stage, 7, 2).unwrap();
        ask_fresh(&mut stage, 8);
        shown(&mut stage, 8, 3).unwrap();
        objects(shown(&mut stage, 8, 2), "sessions", sentence);
        // A site that cannot tell may say that it is behind.
        stage.sent(site(1), C2, Message::Behind { id: 8, applied: Slot(3) }).unwrap();
    }

    #[test]
    fn an_answer_that_nobody_waits_for_is_not_seen() {
        let mut stage = Stage::three_chosen();
        client_receives(&mut stage, &applied(&tweet(1, "a"), (1, 0), Answer::Of(TimelineOutcome::Done)));
        client_receives(&mut stage, &query_reply(9, 3));
        ask(&mut stage, 1, 0).unwrap();
    }
}
