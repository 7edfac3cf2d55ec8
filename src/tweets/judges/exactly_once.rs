//! Checks what clients learn about their requests:
//!
//! - An `Applied` names the one position where the request took effect by the naive fold, and has an answer of the
//!   right kind. For an opening, the position opened a session for that client and nonce.
//! - An `Expired` names only a session that is not in the table, and never an opening. Where it says that nothing was
//!   done, the session was opened and has ended, and the request never took effect.
//!
//! Does not check pages (see `timelines`), that an answer is ever given, nor what was asked under the number that took
//! effect (see `acknowledged`). A session that was never opened counts as expired, and so does one that ended after the
//! slots that the answering site has applied.

use alloc::format;

use crate::ids::ProcessId;
use crate::process::Recipients;
use crate::sim::Violation;
use crate::tweets::judges::describe::{AnswerKind, Id, To};
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact, broken};
use crate::tweets::site::{Answer, Message, Operation, Request, RequestId};
use crate::tweets::timeline::{Position, TimelineOutcome};

const PROPERTY: &str = "exactly-once";

/// The judge.
#[derive(Clone, Copy, Debug)]
pub struct ExactlyOnce;

impl ExactlyOnce {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::ANSWER;

    #[inline(never)]
    pub(super) fn look(&self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Left { from, to, message: Message::Applied { id, at, answer } } => match *id {
                RequestId::Open { nonce } => check_opened(known, from, to, nonce, *at, answer),
                RequestId::Execute { .. } => check_executed(known, from, *id, *at, answer),
            },
            SeenFact::Left { from, to, message: Message::Expired { id, is_undone } } => {
                check_expired(known, from, to, *id, *is_undone)
            }
            SeenFact::Left { .. }
            | SeenFact::Own { .. }
            | SeenFact::Started { .. }
            | SeenFact::Durable { .. } => Ok(()),
        }
    }
}

fn check_opened(
    known: JudgeContext<'_>,
    from: ProcessId,
    to: Recipients,
    nonce: u64,
    at: Position,
    answer: &Answer,
) -> Result<(), Violation> {
    let life = known.model.life(at);
    let is_opened = life.is_some_and(|life| life.nonce == nonce && to == Recipients::One(life.client));
    ensure!(
        is_opened && *answer == Answer::Opened,
        PROPERTY,
        "{from} told {} {} of its opening with nonce {nonce} at {at}, which opened no such session",
        To(to),
        AnswerKind(answer)
    );
    Ok(())
}

fn check_executed(
    known: JudgeContext<'_>,
    from: ProcessId,
    id: RequestId,
    at: Position,
    answer: &Answer,
) -> Result<(), Violation> {
    let RequestId::Execute { session, number, .. } = id else { return Ok(()) };
    let Some(effect) = known.model.effect(session, number) else {
        return broken(
            PROPERTY,
            format!(
                "{from} told that request {number} of session {session} is applied at {at}, but it never took effect"
            ),
        );
    };
    ensure!(
        effect == at,
        PROPERTY,
        "{from} told that request {number} of session {session} is applied at {at}, but it took effect at {effect}"
    );
    let request = known.log.submission(at).map(|submission| &submission.request);
    let is_fitting = match (request, answer) {
        (Some(Request::Execute { operation, .. }), Answer::Of(TimelineOutcome::Done)) => {
            matches!(operation, Operation::Event { .. })
        }
        (Some(Request::Execute { operation, .. }), Answer::Of(TimelineOutcome::Viewed { .. })) => {
            matches!(operation, Operation::View { .. })
        }
        (Some(Request::Execute { .. }), Answer::Opened) | (Some(Request::Open { .. }) | None, _) => false,
    };
    ensure!(
        is_fitting,
        PROPERTY,
        "{from} told {} of {}, which does not fit what was asked",
        AnswerKind(answer),
        Id(id)
    );
    Ok(())
}

fn check_expired(
    known: JudgeContext<'_>,
    from: ProcessId,
    to: Recipients,
    id: RequestId,
    is_undone: bool,
) -> Result<(), Violation> {
    match id {
        RequestId::Open { nonce } => broken(
            PROPERTY,
            format!("{from} told {} that its opening with nonce {nonce} expired, which none can", To(to)),
        ),
        RequestId::Execute { session, number, .. } => {
            let life = known.model.life(session);
            let is_open = life.is_some_and(|life| life.ended_by.is_none());
            ensure!(
                !is_open,
                PROPERTY,
                "{from} told {} that request {number} of session {session} expired, but nothing evicted it",
                To(to)
            );
            ensure!(
                !is_undone || life.is_some(),
                PROPERTY,
                "{from} told {} that request {number} of session {session} was not done, but knows no such session",
                To(to)
            );
            let effect = known.model.effect(session, number).filter(|_| is_undone);
            if let Some(effect) = effect {
                let to = To(to);
                let sentence = format!(
                    "{from} told {to} that request {number} of session {session} was not done, but it was, at {effect}"
                );
                return broken(PROPERTY, sentence);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SiteId;
    use crate::tweets::judges::stage::{C1, Stage, applied, objects, open, tweet};
    use crate::tweets::timeline::Page;

    const S0: SiteId = SiteId::new(0).unwrap();

    #[test]
    fn retries_are_answered_from_the_first_time() {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1)]).unwrap();
        stage.choose(1, &[tweet(1, "a"), open(1), tweet(1, "a")]).unwrap();
        stage.sent(S0, C1, applied(&open(1), (0, 0), Answer::Opened)).unwrap();
        stage.sent(S0, C1, applied(&tweet(1, "a"), (1, 0), Answer::Of(TimelineOutcome::Done))).unwrap();
    }

    #[test]
    fn an_answer_from_the_second_time_is_caught() {
        let check = |request: Request, at: (u64, u64), answer: Answer, sentence: &str| {
            let mut stage = Stage::new(3);
            stage.choose(0, &[open(1)]).unwrap();
            stage.choose(1, &[tweet(1, "a"), open(1), tweet(1, "a"), tweet(3, "c")]).unwrap();
            objects(stage.sent(S0, C1, applied(&request, at, answer)), "exactly-once", sentence);
        };
        let page = Page::default();
        check(
            tweet(1, "a"),
            (1, 2),
            Answer::Of(TimelineOutcome::Done),
            "applied at 1.2, but it took effect at 1.0",
        );
        check(
            tweet(3, "c"),
            (1, 3),
            Answer::Of(TimelineOutcome::Done),
            "applied at 1.3, but it never took effect",
        );
        check(open(1), (1, 1), Answer::Opened, "opening with nonce 1 at 1.1, which opened no such session");
        check(
            tweet(1, "a"),
            (1, 0),
            Answer::Of(TimelineOutcome::Viewed { page }),
            "does not fit what was asked",
        );
    }

    #[test]
    fn only_an_evicted_session_expires() {
        let expired = || Message::Expired { id: tweet(1, "a").id(), is_undone: false };
        let mut stage = Stage::with_sessions(3, 2);
        stage.choose(0, &[open(1), open(2)]).unwrap();
        objects(stage.sent(S0, C1, expired()), "exactly-once", "session 0.0 expired, but nothing evicted it");
        let mut stage = Stage::with_sessions(3, 2);
        stage.choose(0, &[open(1), open(2), open(3)]).unwrap();
        stage.sent(S0, C1, expired()).unwrap();
        let result = stage.sent(S0, C1, Message::Expired { id: open(3).id(), is_undone: false });
        objects(result, "exactly-once", "its opening with nonce 3 expired, which none can");
        let mut stage = Stage::with_sessions(3, 2);
        stage.choose(0, &[open(1), open(2), tweet(1, "a"), open(3)]).unwrap();
        objects(stage.sent(S0, C1, expired()), "exactly-once", "session 0.0 expired, but nothing evicted it");
    }
    #[test]
    fn what_took_effect_is_not_told_to_be_undone() {
        let undone = |request: &Request| Message::Expired { id: request.id(), is_undone: true };
        let mut stage = Stage::with_sessions(3, 1);
        stage.choose(0, &[open(1), tweet(1, "a"), open(2)]).unwrap();
        stage.sent(S0, C1, undone(&tweet(2, "b"))).unwrap();
        let sentence = "request 1 of session 0.0 was not done, but it was, at 0.1";
        objects(stage.sent(S0, C1, undone(&tweet(1, "a"))), "exactly-once", sentence);
        let mut stage = Stage::new(3);
        let sentence = "request 1 of session 0.0 was not done, but knows no such session";
        objects(stage.sent(S0, C1, undone(&tweet(1, "a"))), "exactly-once", sentence);
    }
}
