//! Applies what is chosen to the replicated state, and answers those who waited for it.

use crate::process::Effects;
use crate::replicated::machine::{Machine, Position};
use crate::replicated::message::Message;
use crate::replicated::note::Note;
use crate::replicated::process::Replicated;
use crate::replicated::replica::{Applied, Standing};
use crate::replicated::submission::{Request, Submission};
use crate::time::Instant;

use super::Site;

impl<M: Machine> Site<M> {
    pub(super) fn apply_chosen(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        let before = self.replica.applied();
        let mut waits_elsewhere = false;
        while self.replica.applied() < self.paxos.log().chosen() {
            let slot = self.replica.applied();
            let entry =
                self.paxos.log().chosen_at(slot).expect("below the watermark everything is chosen").clone();
            self.replica.begin(slot);
            for (index, submission) in (0..).zip(entry.values()) {
                let at = Position { slot: slot.0, index };
                waits_elsewhere |= submission.origin != self.id;
                let outcome = self.replica.apply_one(at, submission);
                self.on_applied(now, at, submission, outcome, effects);
            }
            self.replica.finish();
        }
        if waits_elsewhere {
            self.paxos.announce_chosen(effects);
        }
        if before < self.replica.applied() {
            let applied = self.replica.applied();
            self.paxos.set_applied(self.replica.claim());
            let (ready, parked) =
                core::mem::take(&mut self.parked).into_iter().partition(|p| p.seen <= applied);
            self.parked = parked;
            for asked in ready {
                self.send_query_reply(&asked, effects);
            }
        }
    }

    /// Notes the outcome, and answers the client if this site is the origin.
    fn on_applied(
        &mut self,
        now: Instant,
        at: Position,
        submission: &Submission<M>,
        outcome: Applied<M>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        let (origin, number) = (submission.origin, submission.number);
        let taken = self.replica.origins().of(self.id);
        let waiting = if origin == self.id { self.queue.pop_taken(taken) } else { None };
        if waiting.is_some() {
            self.queue.retry_at = now + self.paxos.retry(now);
        }
        match outcome {
            Applied::NotTaken(Standing::Ahead) => {
                effects.note(Note::OutOfOrder(at, origin, number));
                if origin == self.id {
                    self.queue.start_over();
                }
            }
            Applied::NotTaken(Standing::Before | Standing::Next) => {
                effects.note(Note::Repeated(at, origin, number))
            }
            Applied::OutOfTurn => {
                effects.note(Note::OutOfTurn(at, origin, number));
            }
            Applied::Foreign => effects.note(Note::WrongClient(at, origin, number)),
            Applied::Expired { is_undone } => {
                let asked = waiting.and_then(|waiting| Some((waiting.client?, waiting.id)));
                match (asked, &submission.request) {
                    (Some((client, id)), _) => self.expire(client, id, is_undone, effects),
                    (None, Request::Execute { session, .. }) => effects.note(Note::Expired(*session)),
                    (None, Request::Open { .. }) => {}
                }
            }
            Applied::Answered { at: first, answer, client, is_repeated, evicted } => {
                if let Some(session) = evicted {
                    effects.note(Note::Evicted(session));
                }
                match &submission.request {
                    _ if is_repeated => effects.note(Note::Repeated(at, origin, number)),
                    Request::Open { .. } => {}
                    Request::Execute { operation, .. } => {
                        effects.note_if_watched(|| Note::Applied(at, operation.clone()));
                    }
                }
                if origin == self.id {
                    let id = waiting.map_or_else(|| submission.request.id(), |waiting| waiting.id);
                    effects.send(client, &Message::Applied { id, at: first, answer });
                }
            }
        }
    }
}
