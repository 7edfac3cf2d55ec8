//! From the queue into the log: hands submissions over to the leader, and proposes them where this site leads.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::SiteId;
use crate::process::Effects;
use crate::replicated::machine::Machine;
use crate::replicated::message::Message;
use crate::replicated::note::Note;
use crate::replicated::paxos::Entry;
use crate::replicated::process::Replicated;
use crate::replicated::replica::{Frontier, Standing};
use crate::replicated::submission::Submission;
use crate::time::{Duration, Instant};
use crate::wire::Wire;

use super::Site;

/// A leader's state beside the protocol.
#[derive(Clone, Debug)]
pub(super) struct Leading<M: Machine> {
    /// The last number of each origin once everything that it proposed is applied. A submission that is not next by
    /// this frontier would have no effect, and is not proposed.
    pub(super) frontier: Frontier,
    /// Submissions that wait for room in the window.
    pub(super) offered: VecDeque<Arc<Submission<M>>>,
    /// When they are proposed, if the leader waits for more.
    pub(super) propose_at: Option<Instant>,
}

impl<M: Machine> Site<M> {
    /// An origin asks its leader to propose a submission, or asks a peer that hears the leader when the origin does
    /// not. A submission that is not next of its origin would have no effect; the origin hands it over again in order.
    pub(super) fn on_forward(
        &mut self,
        now: Instant,
        from: SiteId,
        submission: Arc<Submission<M>>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        if submission.origin != from {
            effects.note(Note::Ignored(from.into(), "Forward", "it is another site's"));
            return;
        }
        match self.paxos.heard_leader(now) {
            Some(leader) if leader.site != from => {
                effects.send(leader.site, &Message::Relay { submission });
            }
            Some(_) | None => self.offer(from, "Forward", submission, effects),
        }
    }

    /// Takes a submission of any site to propose, if this site leads.
    pub(super) fn offer(
        &mut self,
        from: SiteId,
        kind: &'static str,
        submission: Arc<Submission<M>>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        let limit = self.config.forward_max * usize::from(self.config.sites);
        let reason = match &mut self.leading {
            _ if submission.origin.number() >= self.config.sites => "it is of no site of this cluster",
            None => "does not lead",
            Some(leading) if leading.offered.len() >= limit => "too many wait",
            Some(leading) => {
                leading.offered.push_back(submission);
                return;
            }
        };
        effects.note(Note::Ignored(from.into(), kind, reason));
    }

    /// After a change of leader, hands over everything in the queue again.
    pub(super) fn notice_leader(&mut self, effects: &mut Effects<Replicated<M>>) {
        let leader = self.paxos.route();
        let leads = self.paxos.leads_under().is_some();
        if leader == self.followed && leads == self.leading.is_some() {
            return;
        }
        self.followed = leader;
        self.leading = leads.then(|| {
            let mut frontier = *self.replica.origins();
            let proposed = self.paxos.proposed_from(self.replica.applied());
            proposed.flat_map(Entry::values).for_each(|submission| {
                frontier.take(submission);
            });
            Leading { frontier, offered: VecDeque::new(), propose_at: None }
        });
        if self.queue.is_pending() && leader.is_some() {
            self.resubmit(effects);
        } else {
            self.queue.start_over();
        }
    }

    pub(super) fn resubmit(&mut self, effects: &mut Effects<Replicated<M>>) {
        self.queue.start_over();
        if let Some(first) = self.queue.iter().next() {
            effects.note(Note::Resubmits(first.number));
        }
    }

    pub(super) fn hand_over(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        let Some((_, next)) = self.followed else { return };
        let was_pending = self.queue.is_pending();
        while let Some(submission) = self.queue.hand_over(self.config.forward_max) {
            match &mut self.leading {
                // It is proposed already: it waits in the queue until it is applied.
                Some(leading) if leading.frontier.standing(&submission) == Standing::Before => {}
                Some(leading) => leading.offered.push_back(submission),
                None => effects.send(next, &Message::Forward { submission }),
            }
        }
        if !was_pending && self.queue.is_pending() {
            self.queue.retry_at = now + self.paxos.retry(now);
        }
    }

    /// Proposes what was offered, or sets the time to do so. Until then, further submissions join the same slot.
    pub(super) fn propose_offered(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        let Some(leading) = &mut self.leading else { return };
        if leading.offered.is_empty() || !self.paxos.has_room() {
            leading.propose_at = None;
        } else if self.config.propose_after == Duration::ZERO || leading.offered.len() >= self.config.batch {
            self.propose(now, effects);
        } else {
            leading.propose_at.get_or_insert(now + self.config.propose_after);
        }
    }

    /// Fills slots while the window has room, each with all that fits.
    pub(super) fn propose(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        let Some(leading) = &mut self.leading else { return };
        let bytes_max = self.config.entry_bytes_max();
        leading.propose_at = None;
        while self.paxos.has_room() {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while let Some(submission) = leading.offered.front() {
                if leading.frontier.standing(submission) != Standing::Next {
                    leading.offered.pop_front();
                    continue;
                }
                bytes += submission.size();
                if batch.len() == self.config.batch || (bytes > bytes_max && !batch.is_empty()) {
                    break;
                }
                leading.frontier.take(submission);
                if submission.origin == self.id {
                    self.queue.note_written(submission.number);
                }
                batch.extend(leading.offered.pop_front());
            }
            if batch.is_empty() {
                return;
            }
            self.paxos.propose(now, Entry::of(batch), effects);
        }
    }
}
