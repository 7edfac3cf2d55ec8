//! Checks what clients are told of their requests: an `Applied` names the one position where, by the naive fold, the
//! request took effect (for an opening, a position that opened a session for that client and nonce) and an answer of
//! the right kind; an `Expired` is told only of a session that is not in the table, and never of an opening.
//!
//! Does not check pages (see `timelines`), nor that an answer is ever given. A session that was never opened counts
//! as expired, and so does one that was evicted behind what the answering site has applied.

use alloc::format;

use crate::ids::ProcessId;
use crate::oracle::words::{Id, Kind, To};
use crate::oracle::{Fact, Known, broken};
use crate::process::Recipients;
use crate::sim::Violation;
use crate::site::{Answer, Message, Operation, Request, RequestId};
use crate::timeline::Position;

const PROPERTY: &str = "exactly-once";

/// The judge.
#[derive(Clone, Copy, Debug)]
pub struct ExactlyOnce;

impl ExactlyOnce {
    pub(super) fn look(&self, known: Known<'_>, fact: &Fact<'_>) -> Result<(), Violation> {
        match *fact {
            Fact::Left { from, to, message: Message::Applied { id, at, answer } } => match *id {
                RequestId::Open { nonce } => check_opened(known, from, to, nonce, *at, answer),
                RequestId::Execute { .. } => check_executed(known, from, *id, *at, answer),
            },
            Fact::Left { from, to, message: Message::Expired { id } } => check_expired(known, from, to, *id),
            Fact::Left { .. } | Fact::Own { .. } | Fact::Started { .. } | Fact::Durable { .. } => Ok(()),
        }
    }
}

fn check_opened(
    known: Known<'_>,
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
        Kind(answer)
    );
    Ok(())
}

fn check_executed(
    known: Known<'_>,
    from: ProcessId,
    id: RequestId,
    at: Position,
    answer: &Answer,
) -> Result<(), Violation> {
    let RequestId::Execute { session, number } = id else { return Ok(()) };
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
        (Some(Request::Execute { operation, .. }), Answer::Done) => {
            matches!(operation, Operation::Event { .. })
        }
        (Some(Request::Execute { operation, .. }), Answer::Viewed { .. }) => {
            matches!(operation, Operation::View { .. })
        }
        (Some(Request::Execute { .. }), Answer::Opened) | (Some(Request::Open { .. }) | None, _) => false,
    };
    ensure!(
        is_fitting,
        PROPERTY,
        "{from} told {} of {}, which does not fit what was asked",
        Kind(answer),
        Id(id)
    );
    Ok(())
}

fn check_expired(known: Known<'_>, from: ProcessId, to: Recipients, id: RequestId) -> Result<(), Violation> {
    match id {
        RequestId::Open { nonce } => broken(
            PROPERTY,
            format!("{from} told {} that its opening with nonce {nonce} expired, which none can", To(to)),
        ),
        RequestId::Execute { session, number } => {
            let is_open = known.model.life(session).is_some_and(|life| life.evicted_by.is_none());
            ensure!(
                !is_open,
                PROPERTY,
                "{from} told {} that request {number} of session {session} expired, but nothing evicted it",
                To(to)
            );
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SiteId;
    use crate::oracle::stage::{C1, Stage, applied, objects, open, tweet};
    use crate::timeline::Page;

    const S0: SiteId = SiteId::new(0).unwrap();

    #[test]
    fn retries_are_answered_from_the_first_time() {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1)]).unwrap();
        stage.choose(1, &[tweet(1, "a"), open(1), tweet(1, "a")]).unwrap();
        stage.sent(S0, C1, applied(&open(1), (0, 0), Answer::Opened)).unwrap();
        stage.sent(S0, C1, applied(&tweet(1, "a"), (1, 0), Answer::Done)).unwrap();
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
        check(tweet(1, "a"), (1, 2), Answer::Done, "applied at 1.2, but it took effect at 1.0");
        check(tweet(3, "c"), (1, 3), Answer::Done, "applied at 1.3, but it never took effect");
        check(open(1), (1, 1), Answer::Opened, "opening with nonce 1 at 1.1, which opened no such session");
        check(tweet(1, "a"), (1, 0), Answer::Viewed { page }, "does not fit what was asked");
    }

    #[test]
    fn only_an_evicted_session_expires() {
        let expired = || Message::Expired { id: tweet(1, "a").id() };
        let mut stage = Stage::with_sessions(3, 2);
        stage.choose(0, &[open(1), open(2)]).unwrap();
        objects(stage.sent(S0, C1, expired()), "exactly-once", "session 0.0 expired, but nothing evicted it");
        let mut stage = Stage::with_sessions(3, 2);
        stage.choose(0, &[open(1), open(2), open(3)]).unwrap();
        stage.sent(S0, C1, expired()).unwrap();
        let result = stage.sent(S0, C1, Message::Expired { id: open(3).id() });
        objects(result, "exactly-once", "its opening with nonce 3 expired, which none can");
        let mut stage = Stage::with_sessions(3, 2);
        stage.choose(0, &[open(1), open(2), tweet(1, "a"), open(3)]).unwrap();
        objects(stage.sent(S0, C1, expired()), "exactly-once", "session 0.0 expired, but nothing evicted it");
    }
}
