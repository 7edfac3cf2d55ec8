//! One member of the cluster: the protocol, the replicated state, the waiting queue, and answers to clients.

mod saved;
#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::mix::Seed;
use crate::process::{Damage, Effects, Label, Recipients, Recovered, Role, Size};
use crate::replicated::comparison::Comparison;
use crate::replicated::config::Config;
use crate::replicated::digests::DIGESTS_MAX;
use crate::replicated::machine::{Machine, Position, Read};
use crate::replicated::message::{BusyReason, Message, Phase, Query, Record, RequestId, Status};
use crate::replicated::note::Note;
use crate::replicated::paxos::{self, Ballot, Entry, Log, Paxos, Slot};
use crate::replicated::process::Replicated;
use crate::replicated::queue::Queue;
use crate::replicated::reads::Reads;
use crate::replicated::replica::{Applied, Frontier, KnownOutcome, Replica, Standing};
use crate::replicated::replies;
use crate::replicated::submission::{Number, Request, Submission};
use crate::replicated::waiting::{self, Room};
use crate::time::{Duration, Instant, Steady};
use crate::wire::Wire;

/// A whole site.
#[derive(Clone, Debug)]
pub struct Site<M: Machine> {
    pub(super) id: SiteId,
    /// The source of all its times, since its host's clock may be set back.
    pub(super) clock: Steady,
    pub(super) config: Arc<Config>,
    pub(super) paxos: Paxos<Arc<Submission<M>>>,
    pub(super) replica: Replica<M>,
    pub(super) comparison: Comparison,
    queue: Queue<M>,
    /// The leader's ballot, and the site to which the queue is handed over: the leader, or a peer that hears it.
    followed: Option<(Ballot, SiteId)>,
    leading: Option<Leading<M>>,
    parked: VecDeque<Parked<M>>,
    pub(super) reads: Reads<M>,
    pending_taken: VecDeque<PendingTaken>,
    /// Whether this call reported something that depends on the queue.
    owes_taken: bool,
    is_disk_low: bool,
}

/// A leader's state beside the protocol.
#[derive(Clone, Debug)]
struct Leading<M: Machine> {
    /// The last number of each origin once everything that it proposed is applied. A submission that is not next by
    /// this frontier would have no effect, and is not proposed.
    frontier: Frontier,
    /// Submissions that wait for room in the window.
    offered: VecDeque<Arc<Submission<M>>>,
    /// When they are proposed, if the leader waits for more.
    propose_at: Option<Instant>,
}

/// A query that waits until this site has applied enough.
#[derive(Clone, Debug)]
pub(super) struct Parked<M: Machine> {
    pub(super) client: ProcessId,
    pub(super) id: u64,
    pub(super) seen: Slot,
    query: Query<M>,
    pub(super) until: Instant,
}

/// A request that waits in the queue and whose client did not get `Taken` yet.
#[derive(Clone, Copy, Debug)]
struct PendingTaken {
    client: ProcessId,
    id: RequestId,
    number: Number,
    at: Instant,
}

impl<M: Machine> Site<M> {
    pub(super) fn recover(
        config: &Config,
        id: SiteId,
        seed: Seed,
        recovered: Recovered<Record<M>>,
    ) -> Result<Site<M>, Damage> {
        let (mut of_paxos, mut taken) = (Vec::new(), Vec::<Arc<Submission<M>>>::new());
        for record in recovered.records {
            for submission in record.taken_by(id) {
                let (origin, number) = (submission.origin, submission.number);
                let follows = taken.last().is_none_or(|last| last.number < number);
                let known = || taken.get(taken.partition_point(|taken| taken.number < number));
                match &record {
                    _ if origin == id && follows => taken.push(submission.clone()),
                    // It was written before it was proposed.
                    Record::Paxos { .. } if known() == Some(submission) => {}
                    Record::Paxos { .. } | Record::Taken { .. } => {
                        return Err(Damage(alloc::format!(
                            "{id} took {origin}'s {number}, out of its order"
                        )));
                    }
                }
            }
            if let Record::Paxos { record } = record {
                of_paxos.push(record);
            }
        }
        let paxos = Paxos::recover(config.paxos(), id, seed, of_paxos)?;
        let mut site = Site {
            id,
            clock: Steady::default(),
            config: Arc::new(config.clone()),
            replica: Replica::beginning_at(paxos.log().first(), config.sessions_max),
            paxos,
            comparison: Comparison::default(),
            queue: Queue::recover(id, recovered.incarnation, taken.into_iter()),
            followed: None,
            leading: None,
            parked: VecDeque::new(),
            reads: Reads::new(recovered.incarnation, config.reads_max),
            pending_taken: VecDeque::new(),
            owes_taken: false,
            is_disk_low: false,
        };
        for (_, entry) in site.paxos.log().chosen_from(site.paxos.log().first()) {
            site.replica.apply(entry, |_, _, _| {});
        }
        let applied = site.replica.origins().of(id);
        site.queue.recover_taken(applied);
        site.paxos.set_applied(site.replica.claim());
        Ok(site)
    }

    /// The status of this site.
    pub fn status(&self) -> Status {
        let phase = if self.comparison.is_alone() {
            Phase::Diverged
        } else if self.paxos.leads_under().is_some() {
            Phase::Leading
        } else if self.paxos.is_campaigning() {
            Phase::Campaigning
        } else {
            Phase::Following
        };
        Status {
            site: self.id,
            phase,
            ballot: self.paxos.promised(),
            leader: self.paxos.leader().map(|ballot| ballot.site),
            chosen: self.paxos.log().chosen(),
            applied: self.replica.applied(),
            queue: self.queue.len() as u64,
            digest: self.replica.claim().digest,
        }
    }

    /// The log as far as this site knows it.
    pub fn log(&self) -> &Log<Arc<Submission<M>>> {
        self.paxos.log()
    }

    /// The state that results from its log.
    pub fn replica(&self) -> &Replica<M> {
        &self.replica
    }

    /// The state of the machine, as far as the site has applied the log.
    pub fn machine(&self) -> &M {
        self.replica.machine()
    }

    /// The submissions that it took and has not applied yet.
    pub fn queue(&self) -> &Queue<M> {
        &self.queue
    }

    pub(super) fn role(&self) -> Role {
        match self.paxos.leads_under() {
            Some(ballot) => Role::Leader { rank: ballot.rank() },
            None if self.paxos.is_campaigning() => Role::Candidate,
            None => Role::Follower,
        }
    }

    /// Reports everything that grows, with its limit. The log and the timeline are the site's purpose: they grow for
    /// ever.
    pub(super) fn sizes(&self, mut see: impl FnMut(Size)) {
        let Config { queue_max, forward_max, sites, batch, .. } = *self.config;
        let recovered = self.queue.recovered();
        let open_max = usize::try_from(self.config.paxos().open_max()).unwrap_or(usize::MAX);
        see(Size::new("submissions in its queue", self.queue.len(), queue_max.max(recovered)));
        see(Size::new("submissions recovered into its queue", recovered, queue_max + open_max * batch));
        if let Some(leading) = &self.leading {
            let max = forward_max * (usize::from(sites) + 1);
            see(Size::new("submissions offered to it as leader", leading.offered.len(), max));
        }
        see(Size::new("clients to be told that they wait", self.pending_taken.len(), queue_max));
        see(Size::new("queries that wait", self.parked.len(), self.config.parked_max));
        see(Size::new("linearizable views that wait", self.reads.len(), self.config.reads_max));
        let sessions_max = self.config.sessions_max;
        see(Size::new("sessions", self.replica.session_count(), sessions_max));
        see(Size::new("sessions that ended", self.replica.ended_count(), sessions_max));
        see(Size::new("uses of sessions", self.replica.use_count(), 2 * sessions_max));
        see(Size::new("digests of slots", self.replica.digests().len(), DIGESTS_MAX));
        self.paxos.sizes(see);
    }

    /// Draws the later waits for a leader as if from another seed.
    pub(super) fn rekey(&mut self, salt: u64) {
        self.paxos.rekey(salt);
    }

    pub(super) fn deadline(&self) -> (Instant, &'static str) {
        let retry =
            (self.queue.is_pending() && self.leading.is_none()).then_some((self.queue.retry_at, "resubmit"));
        let parked = self.parked.front().map(|parked| (parked.until, "query"));
        let pending_taken = self.pending_taken.front().map(|pending_taken| (pending_taken.at, "taken"));
        let reads = self.reads.deadline().map(|until| (until, "query"));
        let compare = self.comparison.deadline().map(|at| (at, "compare"));
        let propose = self.leading.as_ref().and_then(|leading| leading.propose_at).map(|at| (at, "propose"));
        [retry, parked, pending_taken, reads, propose, compare]
            .into_iter()
            .flatten()
            .fold(self.paxos.deadline(), |a, b| if b.0 < a.0 { b } else { a })
    }

    pub(super) fn on_message(
        &mut self,
        now: Instant,
        from: ProcessId,
        message: Message<M>,
        effects: &mut Effects<Replicated<M>>,
    ) {
        match (message, from) {
            (Message::Paxos { message }, ProcessId::Site(from)) => {
                if let Some(claim) = message.claim() {
                    self.on_claim(from, claim, effects);
                }
                self.paxos.on_message(now, from, message, effects)
            }
            (Message::Compare { claim }, ProcessId::Site(from)) => self.on_compare(from, claim, effects),
            (Message::CompareReply { claim }, ProcessId::Site(from)) => self.on_claim(from, claim, effects),
            (Message::Forward { submission }, ProcessId::Site(from)) => {
                self.on_forward(now, from, submission, effects)
            }
            (Message::Relay { submission }, ProcessId::Site(from)) => {
                self.offer(from, "Relay", submission, effects)
            }
            (Message::Request { request }, ProcessId::Terminal(_) | ProcessId::Client(_)) => {
                self.on_request(now, from, request, effects);
            }
            (Message::Query { id, seen, query }, ProcessId::Terminal(_) | ProcessId::Client(_)) => {
                let asked = Parked { client: from, id, seen, query, until: now + self.config.parked_for };
                match asked.query.read() {
                    _ if self.is_too_far_ahead(seen) => self.turn_away(&asked, effects),
                    // Where logs differ, no quorum can say what a view must show.
                    Read::Quorum if self.comparison.is_alone() => self.turn_away(&asked, effects),
                    Read::Quorum => self.on_read(asked, effects),
                    Read::Local => self.on_query(asked, effects),
                }
            }
            (message, _) => {
                effects.note(Note::Ignored(from, message.kind(), "it is not from whom it should be"))
            }
        }
        self.settle(now, effects);
        self.write_taken(effects);
    }

    pub(super) fn on_wake(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        self.paxos.on_wake(now, effects);
        while let Some(late) = self.parked.pop_front_if(|parked| parked.until <= now) {
            self.turn_away(&late, effects);
        }
        self.expire_reads(now, effects);
        if self.leading.is_none() && self.queue.is_pending() && now >= self.queue.retry_at {
            self.resubmit(effects);
        }
        let is_due = |leading: &Leading<M>| leading.propose_at.is_some_and(|at| at <= now);
        let is_due = self.leading.as_ref().is_some_and(is_due);
        self.settle(now, effects);
        if is_due {
            self.propose(now, effects);
        }
        self.write_taken(effects);
    }

    /// Without room, a site appends nothing: no vote, and no client's request.
    pub(super) fn on_disk_space(&mut self, now: Instant, is_low: bool, effects: &mut Effects<Replicated<M>>) {
        self.is_disk_low = is_low;
        if is_low {
            let written = self.queue.forget_unwritten();
            self.pending_taken.retain(|pending| pending.number <= written);
        }
        self.paxos.on_disk_space(now, is_low, effects);
        self.settle(now, effects);
        self.write_taken(effects);
    }

    /// Handles a client's request to do something once. The client gets `Taken` when the request is durable in the
    /// queue, and `Applied` when it is in the log. Only `Applied` acknowledges.
    fn on_request(
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
    fn write_taken(&mut self, effects: &mut Effects<Replicated<M>>) {
        let proposes = self.leading.as_ref().is_some_and(|leading| leading.propose_at.is_some());
        let is_much = || self.queue.unwritten_bytes() as u64 > self.config.burst_bytes_max() / 4;
        if core::mem::take(&mut self.owes_taken) || !proposes || is_much() {
            for submission in self.queue.take_unwritten() {
                effects.append(&Record::Taken { submission: submission.clone() });
            }
        }
    }

    /// Sends `Taken` for requests that have waited for long enough, and forgets requests that have left the queue.
    fn send_taken(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
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

    fn expire(
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

    fn on_query(&mut self, asked: Parked<M>, effects: &mut Effects<Replicated<M>>) {
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
    fn is_too_far_ahead(&self, seen: Slot) -> bool {
        seen.0 > self.paxos.reported_end().0.saturating_add(self.config.window)
    }

    /// Answers that this site cannot show the client enough.
    pub(super) fn turn_away(&self, asked: &Parked<M>, effects: &mut Effects<Replicated<M>>) {
        let applied = self.replica.applied();
        effects.note(match asked.query.read() {
            Read::Quorum => Note::ReadTimedOut(asked.client, applied),
            Read::Local => Note::Behind(asked.client, applied),
        });
        effects.send_independent(asked.client, &Message::Behind { id: asked.id, applied });
    }

    /// The number of items that were looked up in the log and the state, by their own count.
    pub(super) fn looks(&self) -> u64 {
        self.paxos.log().looks() + self.replica.machine().looks() + self.replica.looks()
    }

    /// Answers a query. What is applied is chosen, and stays so whatever this site loses: answers about the state and
    /// the log depend on nothing unsynced. A status does, so it waits.
    pub(super) fn send_query_reply(&mut self, asked: &Parked<M>, effects: &mut Effects<Replicated<M>>) {
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

    /// An origin asks its leader to propose a submission, or asks a peer that hears the leader when the origin does
    /// not. A submission that is not next of its origin would have no effect; the origin hands it over again in order.
    fn on_forward(
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
    fn offer(
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

    /// Brings the rest of the site in line with the state of the protocol.
    fn settle(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        self.apply_chosen(now, effects);
        self.settle_comparison(now, effects);
        if !self.comparison.is_alone() {
            self.settle_reads(now, effects);
        }
        self.notice_leader(effects);
        self.hand_over(now, effects);
        self.propose_offered(now, effects);
        self.send_taken(now, effects);
    }

    fn apply_chosen(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
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

    /// After a change of leader, hands over everything in the queue again.
    fn notice_leader(&mut self, effects: &mut Effects<Replicated<M>>) {
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

    fn resubmit(&mut self, effects: &mut Effects<Replicated<M>>) {
        self.queue.start_over();
        if let Some(first) = self.queue.iter().next() {
            effects.note(Note::Resubmits(first.number));
        }
    }

    fn hand_over(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
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
    fn propose_offered(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
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
    fn propose(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
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

impl<M: Machine> paxos::Port<Arc<Submission<M>>> for Effects<Replicated<M>> {
    fn append(&mut self, record: paxos::PaxosRecord<Arc<Submission<M>>>) {
        Effects::append(self, &Record::Paxos { record });
    }

    fn send(&mut self, to: impl Into<Recipients>, message: paxos::PaxosMessage<Arc<Submission<M>>>) {
        Effects::send(self, to, &Message::Paxos { message });
    }

    fn send_independent(
        &mut self,
        to: impl Into<Recipients>,
        message: paxos::PaxosMessage<Arc<Submission<M>>>,
    ) {
        Effects::send_independent(self, to, &Message::Paxos { message });
    }

    fn note(&mut self, note: paxos::PaxosNote) {
        Effects::note(self, Note::Paxos(note));
    }
}
