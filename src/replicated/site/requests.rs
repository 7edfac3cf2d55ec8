//! What a client asks to be done: takes it into the queue once, and tells the client so.

use crate::ids::ProcessId;
use crate::process::Effects;
use crate::replicated::machine::Machine;
use crate::replicated::message::{BusyReason, Message, Record, RequestId};
use crate::replicated::note::Note;
use crate::replicated::process::Replicated;
use crate::replicated::replica::KnownOutcome;
use crate::replicated::submission::{Number, Request};
use crate::time::{Duration, Instant};
use crate::wire::Wire;

use super::Site;

/// A request that waits in the queue and whose client did not get `Taken` yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingTaken {
    pub(super) client: ProcessId,
    pub(super) id: RequestId,
    pub(super) number: Number,
    pub(super) at: Instant,
}

impl<M: Machine> Site<M> {
    /// Handles a client's request to do something once. The client gets `Taken` when the request is durable in the
    /// queue, and `Applied` when it is in the log. Only `Applied` acknowledges.
    pub(super) fn on_request(
        &mut self,
        now: Instant,
        client: ProcessId,
        request: Request<M>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        let id = request.id();
        if request.client() != client {
            effects.note(Note::Ignored(client, "Request", "it is in the name of somebody else"));
            return;
        }
        if let Request::Execute { operation, .. } = &request
            && operation.size() > M::OPERATION_BYTES_MAX
        {
            effects.note(Note::Ignored(client, "Request", "it is larger than an operation may be"));
            return;
        }
        match self.replica.look_up(id, client) {
            KnownOutcome::Answered { at, answer } => {
                effects.send(client, &Message::Applied { id, at, answer });
                return;
            }
            KnownOutcome::Expired { is_undone } => {
                self.expire(client, id, is_undone, effects);
                return;
            }
            KnownOutcome::Past => {
                effects.note(Note::Ignored(client, "Request", "its session has gone on without it"));
                return;
            }
            KnownOutcome::Foreign => {
                effects.note(Note::Ignored(client, "Request", "its session is another client's"));
                return;
            }
            KnownOutcome::New => {}
        }
        if !self.queue.is_waiting(client, id) {
            let busy = if self.queue.len() >= self.config.queue_max {
                Some(BusyReason::QueueFull)
            } else if self.comparison.is_alone() {
                Some(BusyReason::Diverged)
            } else {
                self.is_disk_low.then_some(BusyReason::DiskLow)
            };
            if let Some(reason) = busy {
                effects.note(Note::Refused(reason));
                effects.send(client, &Message::Busy { id, reason });
                return;
            }
            let submission = self.queue.take(client, id, request);
            effects.note_if_watched(|| match &submission.request {
                Request::Open { client, .. } => Note::TookOpening(submission.number, *client),
                Request::Execute { operation, .. } => Note::Took(submission.number, operation.clone()),
            });
            if self.config.taken_after > Duration::ZERO {
                let (number, at) = (submission.number, now + self.config.taken_after);
                self.pending_taken.push_back(PendingTaken { client, id, number, at });
                return;
            }
        }
        self.report_taken(client, id, effects);
    }

    /// Waits for the record, even if an earlier copy of the request wrote it and its sync is under way.
    fn report_taken(&mut self, client: ProcessId, id: RequestId, effects: &mut Effects<Replicated<M>>) {
        self.owes_taken = true;
        effects.send(client, &Message::Taken { id });
    }

    /// Writes what it took and has not proposed. What a leader is about to propose is written with its slot, unless
    /// somebody is told before that, or so much waits to be written that a later input would write too much at once.
    pub(super) fn write_taken(&mut self, effects: &mut Effects<Replicated<M>>) {
        let proposes = self.leading.as_ref().is_some_and(|leading| leading.propose_at.is_some());
        let is_much = || self.queue.unwritten_bytes() as u64 > self.config.burst_bytes_max() / 4;
        if core::mem::take(&mut self.owes_taken) || !proposes || is_much() {
            for submission in self.queue.take_unwritten() {
                effects.append(&Record::Taken { submission: submission.clone() });
            }
        }
    }

    /// Sends `Taken` for requests that have waited for long enough, and forgets requests that have left the queue.
    pub(super) fn send_taken(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        while let Some(PendingTaken { client, id, number, at }) = self.pending_taken.front().copied() {
            let waits = self.queue.waits(number);
            if waits && at > now {
                return;
            }
            self.pending_taken.pop_front();
            if waits {
                self.report_taken(client, id, effects);
            }
        }
    }

    pub(super) fn expire(
        &self,
        client: ProcessId,
        id: RequestId,
        is_undone: bool,
        effects: &mut Effects<Replicated<M>>,
    ) {
        if let RequestId::Execute { session, .. } = id {
            effects.note(Note::Expired(session));
        }
        effects.send(client, &Message::Expired { id, is_undone });
    }
}
