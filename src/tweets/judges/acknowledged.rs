//! Checks that nothing is invented and nothing acknowledged is lost. Every submission that a site durably queued or
//! that is chosen carries a request that its client asked before, word for word. An `Applied` goes to that client and
//! names a position where, by durable accepts of a quorum, the log holds that request. So does what the client reports
//! to its user.
//!
//! Does not check whether the request took effect there and with which outcome (see `exactly_once`), nor that a request
//! is ever answered. What is chosen stays chosen, or `agreement` objects.

use alloc::format;

use crate::ids::ProcessId;
use crate::process::Recipients;
use crate::replicated::paxos::Slot;
use crate::sim::Violation;
use crate::tweets::judges::describe::{Id, Maybe, To};
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact, broken, prints};
use crate::tweets::site::{Message, Note, Request, RequestId};
use crate::tweets::timeline::Position;

const PROPERTY: &str = "acknowledged";

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    /// Fingerprints of the requests that were asked: each by its client, and by anybody.
    asked: CowMap<u64, ()>,
    /// The end of the part of the chosen log that is checked.
    looked: Slot,
}

impl Acknowledged {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::DURABLE.and(FactKinds::REQUEST).and(FactKinds::ANSWER);

    #[inline(never)]
    pub(super) fn look(&mut self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Left { from, message: Message::Request { request }, .. } => {
                self.on_asked(from, request)
            }
            SeenFact::Left { from, to, message: Message::Applied { id, at, .. } } => {
                check_applied(known, from, to, *id, *at)?;
            }
            SeenFact::Durable { site, records } => {
                for submission in records.iter().flat_map(|record| record.taken_by(site)) {
                    ensure!(
                        self.is_asked(known, &submission.request),
                        PROPERTY,
                        "{site} queued \"{}\" as submission {}, which no client of it had asked",
                        submission.request,
                        submission.number
                    );
                }
            }
            SeenFact::Left { .. } | SeenFact::Own { .. } | SeenFact::Started { .. } => {}
        }
        if known.log.end() <= self.looked {
            return Ok(());
        }
        for (position, submission) in known.log.submissions_from(self.looked) {
            ensure!(
                self.is_asked(known, &submission.request),
                PROPERTY,
                "position {position}: \"{}\" is chosen, which no client of it had asked",
                submission.request
            );
        }
        self.looked = known.log.end();
        Ok(())
    }

    /// A client reports to its user: the log must hold what it reports as done, where it says.
    pub(super) fn on_noted(
        known: JudgeContext<'_>,
        process: ProcessId,
        note: &Note,
    ) -> Result<(), Violation> {
        let Note::Done(at, operation, _) = note else { return Ok(()) };
        let request = known.log.submission(*at).map(|submission| &submission.request);
        let is_there =
            matches!(request, Some(Request::Execute { operation: there, .. }) if there == operation);
        ensure!(
            is_there,
            PROPERTY,
            "{process} says that \"{operation}\" is done at {at}, but the log holds {} there",
            Maybe(request)
        );
        Ok(())
    }

    fn on_asked(&mut self, from: ProcessId, request: &Request) {
        for client in [Some(from), None] {
            let print = prints::of_request(request, client);
            if self.asked.get(&print).is_none() {
                self.asked.insert(print, ());
            }
        }
    }

    fn is_asked(&self, known: JudgeContext<'_>, request: &Request) -> bool {
        self.asked.get(&prints::of_request(request, client_of(known, request))).is_some()
    }
}

/// The client who may ask this; `None` when its session was never opened.
fn client_of(known: JudgeContext<'_>, request: &Request) -> Option<ProcessId> {
    match request {
        Request::Open { client, .. } => Some(*client),
        Request::Execute { session, .. } => known.model.life(*session).map(|life| life.client),
    }
}

fn check_applied(
    known: JudgeContext<'_>,
    from: ProcessId,
    to: Recipients,
    id: RequestId,
    at: Position,
) -> Result<(), Violation> {
    let request = known.log.submission(at).map(|submission| &submission.request);
    let Some(request) = request.filter(|request| request.id() == id) else {
        let (to, id, holds) = (To(to), Id(id), Maybe(request));
        let sentence =
            format!("{from} told {to} that {id} is applied at {at}, but the log holds {holds} there");
        return broken(PROPERTY, sentence);
    };
    let client = client_of(known, request);
    ensure!(
        client.is_none_or(|client| to == Recipients::One(client)),
        PROPERTY,
        "{from} told {} that \"{request}\" is applied at {at}, but somebody else asked for it",
        To(to)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SiteId;
    use crate::tweets::judges::stage::{C1, Stage, applied, numbered, objects, open, taken, tweet};
    use crate::tweets::site::Answer;
    use crate::tweets::timeline::TimelineOutcome;

    const S0: SiteId = SiteId::new(0).unwrap();

    #[test]
    fn what_was_asked_and_chosen_may_be_acknowledged() {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1)]).unwrap();
        stage.choose(1, &[tweet(1, "a")]).unwrap();
        stage.sent(S0, C1, applied(&open(1), (0, 0), Answer::Opened)).unwrap();
        stage.sent(S0, C1, applied(&tweet(1, "a"), (1, 0), Answer::Of(TimelineOutcome::Done))).unwrap();
    }

    #[test]
    fn what_a_user_is_told_stands_where_it_is_said_to() {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1)]).unwrap();
        stage.asked(&tweet(1, "a"));
        stage.choose(1, &[tweet(1, "a")]).unwrap();
        let Request::Execute { operation, .. } = tweet(1, "a") else { unreachable!() };
        let done = |slot| {
            Note::Done(Position { slot, index: 0 }, operation.clone(), Answer::Of(TimelineOutcome::Done))
        };
        let sentence = "C1 says that \"ann: a\" is done at 0.0, but the log holds";
        objects(stage.noted(C1, &done(0)), PROPERTY, sentence);
        objects(stage.noted(C1, &done(2)), PROPERTY, "is done at 2.0, but the log holds nothing");
        stage.noted(C1, &done(1)).unwrap();
    }

    #[test]
    fn an_invented_request_is_caught() {
        let mut stage = Stage::new(3);
        stage.asked(&tweet(1, "a"));
        let invented = numbered(0, (1, 1), (0, 0), tweet(1, "b"));
        objects(
            stage.durable(S0, &[taken(&invented)]),
            "acknowledged",
            "S0 queued \"ann: b\" as submission 1.1",
        );
        let mut stage = Stage::new(3);
        objects(stage.choose_unasked(0, &[open(1)]), "acknowledged", "position 0.0: \"C1 opens a session\"");
    }

    #[test]
    fn an_acknowledged_event_that_is_not_in_the_log_is_caught() {
        let check = |at: (u64, u64), to: ProcessId, property: &str, sentence: &str| {
            let mut stage = Stage::new(3);
            stage.choose(0, &[open(1)]).unwrap();
            stage.choose(1, &[tweet(1, "a")]).unwrap();
            stage.asked(&tweet(2, "b"));
            let id = if to == C1 { tweet(2, "b") } else { tweet(1, "a") };
            objects(
                stage.sent(S0, to, applied(&id, at, Answer::Of(TimelineOutcome::Done))),
                property,
                sentence,
            );
        };
        check((1, 0), C1, "acknowledged", "applied at 1.0, but the log holds \"ann: a\" there");
        check((1, 1), C1, "acknowledged", "applied at 1.1, but the log holds nothing there");
        check((2, 0), C1, "agreement", "slot 2: S0 answered from everything below 3");
        check((1, 0), ProcessId::Client(7), "acknowledged", "but somebody else asked for it");
    }
}
