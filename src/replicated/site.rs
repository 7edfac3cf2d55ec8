//! One member of the cluster: the protocol, the replicated state, the waiting queue, and answers to clients.

mod applying;
mod proposing;
mod queries;
mod requests;
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
use crate::replicated::machine::{Machine, Read};
use crate::replicated::message::{Message, Phase, Record, Status};
use crate::replicated::note::Note;
use crate::replicated::paxos::{self, Ballot, Deadline, Log, Paxos, earlier};
use crate::replicated::process::Replicated;
use crate::replicated::queue::Queue;
use crate::replicated::reads::Reads;
use crate::replicated::replica::Replica;
use crate::replicated::submission::Submission;
use crate::time::{Instant, Steady};
use proposing::Leading;
pub(super) use queries::Parked;
use requests::PendingTaken;

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

    pub(super) fn deadline(&self) -> Deadline {
        let is_retried = self.queue.is_pending() && self.leading.is_none();
        let first = earlier(self.paxos.deadline(), is_retried.then_some(self.queue.retry_at), "resubmit");
        let first = earlier(first, self.parked.front().map(|parked| parked.until), "query");
        let first = earlier(first, self.pending_taken.front().map(|pending_taken| pending_taken.at), "taken");
        let first = earlier(first, self.reads.deadline(), "query");
        let propose_at = self.leading.as_ref().and_then(|leading| leading.propose_at);
        earlier(earlier(first, propose_at, "propose"), self.comparison.deadline(), "compare")
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

    /// The number of items that were looked up in the log and the state, by their own count.
    pub(super) fn looks(&self) -> u64 {
        self.paxos.log().looks() + self.replica.machine().looks() + self.replica.looks()
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
