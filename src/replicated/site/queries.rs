//! What a client asks to be shown: an answer once this site has applied enough.

use crate::ids::ProcessId;
use crate::process::Effects;
use crate::replicated::machine::{Machine, Read};
use crate::replicated::message::{Message, Query};
use crate::replicated::note::Note;
use crate::replicated::paxos::Slot;
use crate::replicated::process::Replicated;
use crate::replicated::replies;
use crate::replicated::waiting::{self, Room};
use crate::time::Instant;

use super::Site;

/// A query that waits until this site has applied enough.
#[derive(Clone, Debug)]
pub(in crate::replicated) struct Parked<M: Machine> {
    pub(in crate::replicated) client: ProcessId,
    pub(in crate::replicated) id: u64,
    pub(in crate::replicated) seen: Slot,
    pub(super) query: Query<M>,
    pub(in crate::replicated) until: Instant,
}

impl<M: Machine> Site<M> {
    pub(super) fn on_query(&mut self, asked: Parked<M>, effects: &mut Effects<Replicated<M>>) {
        let waits_already = |parked: &Parked<M>| (parked.client, parked.id) == (asked.client, asked.id);
        if asked.seen <= self.replica.applied() {
            self.send_query_reply(&asked, effects);
        } else if self.parked.iter().any(waits_already) {
            // Asked again while it waits: the first asking set the deadline.
        } else {
            let clients = self.parked.iter().map(|parked| parked.client);
            let late = match waiting::find(clients, asked.client, self.config.parked_max) {
                Room::None => return self.turn_away(&asked, effects),
                Room::InsteadOf(place) => self.parked.remove(place),
                Room::Free => None,
            };
            self.parked.push_back(asked);
            if let Some(late) = late {
                self.turn_away(&late, effects);
            }
        }
    }

    /// Whether `seen` is further above everything that this site ever heard of than a leader may be ahead. A site that
    /// was away for long rejects a true `seen` as well: the client asks again, and by then the site has heard a leader.
    pub(super) fn is_too_far_ahead(&self, seen: Slot) -> bool {
        seen.0 > self.paxos.reported_end().0.saturating_add(self.config.window)
    }

    /// Answers that this site cannot show the client enough.
    pub(in crate::replicated) fn turn_away(&self, asked: &Parked<M>, effects: &mut Effects<Replicated<M>>) {
        let applied = self.replica.applied();
        effects.note(match asked.query.read() {
            Read::Quorum => Note::ReadTimedOut(asked.client, applied),
            Read::Local => Note::Behind(asked.client, applied),
        });
        effects.send_independent(asked.client, &Message::Behind { id: asked.id, applied });
    }

    /// Answers a query. What is applied is chosen, and stays so whatever this site loses: answers about the state and
    /// the log depend on nothing unsynced. A status does, so it waits.
    pub(in crate::replicated) fn send_query_reply(
        &mut self,
        asked: &Parked<M>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        let reply = replies::answer(self, &asked.query);
        let message = Message::QueryReply { id: asked.id, applied: self.replica.applied(), reply };
        match asked.query {
            Query::Status => {
                self.owes_taken = true;
                effects.send(asked.client, &message);
            }
            Query::Of(_) | Query::Log { .. } => {
                effects.send_independent(asked.client, &message);
            }
        }
    }
}
