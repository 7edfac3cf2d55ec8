//! The waiting queue: the submissions that a site took and has not applied yet.
//!
//! 1. A submission is durable before the site reports it, and stays until it is applied. The site writes it in a record
//!    of its own, or in that of the slot for which the site proposes it.
//! 2. Each submission names the one before it, so the log takes them in this order or not at all.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::replicated::machine::Machine;
use crate::replicated::message::RequestId;
use crate::replicated::submission::{Number, Request, Submission};
use crate::time::Instant;
use crate::wire::{Reader, Wire, WireError};

/// A site's own submissions, oldest first.
#[derive(Clone, Debug)]
pub struct Queue<M: Machine> {
    origin: SiteId,
    incarnation: u64,
    waiting: VecDeque<QueuedSubmission<M>>,
    /// An index of `waiting` by request.
    asked: BTreeSet<(RequestKey, Number)>,
    /// The number of submissions that this incarnation began with.
    recovered: usize,
    /// The last number given, by any incarnation.
    last: Number,
    /// Records hold the submissions up to this number.
    written: Number,
    /// The number of submissions from the front that were handed to the leader.
    handed: usize,
    /// The time to hand them over again.
    pub(super) retry_at: Instant,
}

/// Identifies a request by its id and client: the session that it names may be another client's.
type RequestKey = (RequestId, ProcessId);

/// One submission, and the client that asked this incarnation for it.
#[derive(Clone, Debug)]
pub(super) struct QueuedSubmission<M: Machine> {
    pub(super) submission: Arc<Submission<M>>,
    /// The id of its request.
    pub(super) id: RequestId,
    pub(super) client: Option<ProcessId>,
}

impl<M: Machine> Wire for QueuedSubmission<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.submission.encode(out);
        self.client.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<QueuedSubmission<M>, WireError> {
        let submission = Wire::decode(input)?;
        Ok(QueuedSubmission { client: Wire::decode(input)?, ..QueuedSubmission::new(submission) })
    }
}

impl<M: Machine> Wire for Queue<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        let Queue { origin, incarnation, waiting, asked: _, recovered, last, written, handed, retry_at } =
            self;
        (*origin, *incarnation).encode(out);
        waiting.encode(out);
        [*recovered, *handed].encode(out);
        (*last, *retry_at).encode(out);
        written.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Queue<M>, WireError> {
        let (origin, incarnation) = Wire::decode(input)?;
        let waiting = VecDeque::<QueuedSubmission<M>>::decode(input)?;
        let asked = waiting.iter().map(QueuedSubmission::asked).collect();
        let [recovered, handed] = Wire::decode(input)?;
        let (last, retry_at) = Wire::decode(input)?;
        let written = Wire::decode(input)?;
        Ok(Queue { origin, incarnation, waiting, asked, recovered, last, written, handed, retry_at })
    }
}

impl<M: Machine> Queue<M> {
    /// Whether a site can go on with it as the queue of `origin`.
    pub(super) fn is_sound(&self, origin: SiteId) -> bool {
        let numbers = self.waiting.iter().map(|waiting| waiting.submission.number);
        self.origin == origin
            && self.handed <= self.waiting.len()
            && self.waiting.iter().all(|waiting| waiting.submission.origin == origin)
            && numbers.chain([self.last]).is_sorted()
            && self.last.count < u64::MAX
            && self.written <= self.last
    }

    /// The queue of an incarnation that found `taken` in its journal.
    pub(super) fn recover(
        origin: SiteId,
        incarnation: u64,
        taken: impl Iterator<Item = Arc<Submission<M>>>,
    ) -> Queue<M> {
        let waiting: VecDeque<QueuedSubmission<M>> = taken.map(QueuedSubmission::new).collect();
        let last = waiting.back().map_or(Number::default(), |last| last.submission.number);
        let recovered = waiting.len();
        let asked = waiting.iter().map(QueuedSubmission::asked).collect();
        let (written, handed, retry_at) = (last, 0, Instant::ZERO);
        Queue { origin, incarnation, waiting, asked, recovered, last, written, handed, retry_at }
    }

    /// The number of submissions that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no submission waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The submissions that wait, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Submission<M>>> {
        self.waiting.iter().map(|waiting| &waiting.submission)
    }

    /// Removes the recovered submissions that the log took, those up to `taken`.
    pub(super) fn recover_taken(&mut self, taken: Number) {
        while self.pop_taken(taken).is_some() {}
        self.recovered = self.waiting.len();
    }

    /// The number of submissions that this incarnation found waiting. Those applied after the last durable watermark
    /// wait once more, so the queue may be over its limit.
    pub(super) fn recovered(&self) -> usize {
        self.recovered
    }

    /// Numbers `request`, whose id this is, and appends it to the queue.
    pub(super) fn take(
        &mut self,
        client: ProcessId,
        id: RequestId,
        request: Request<M>,
    ) -> Arc<Submission<M>> {
        let count = if self.last.incarnation == self.incarnation { self.last.count + 1 } else { 1 };
        let number = Number { incarnation: self.incarnation, count };
        let submission = Arc::new(Submission { origin: self.origin, number, after: self.last, request });
        self.last = number;
        let waiting = QueuedSubmission { submission: submission.clone(), id, client: Some(client) };
        self.asked.insert(waiting.asked());
        self.waiting.push_back(waiting);
        submission
    }

    /// Notes that a record holds the submissions up to `number`.
    pub(super) fn note_written(&mut self, number: Number) {
        self.written = self.written.max(number);
    }

    /// The bytes of the submissions that no record holds.
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.after(self.written).map(|waiting| waiting.submission.size()).sum()
    }

    /// The submissions that no record holds, oldest first. From here on they count as written.
    pub(super) fn take_unwritten(&mut self) -> impl Iterator<Item = &Arc<Submission<M>>> {
        let written = core::mem::replace(&mut self.written, self.last);
        self.after(written).map(|waiting| &waiting.submission)
    }

    fn after(&self, written: Number) -> impl Iterator<Item = &QueuedSubmission<M>> {
        let place = self.waiting.partition_point(|waiting| waiting.submission.number <= written);
        self.waiting.range(place..)
    }

    /// Forgets the submissions that no record holds, which it told nobody of. Returns the number of the last one that a
    /// record holds.
    pub(super) fn forget_unwritten(&mut self) -> Number {
        while let Some(last) = self.waiting.pop_back_if(|last| last.submission.number > self.written) {
            self.asked.remove(&last.asked());
        }
        self.handed = self.handed.min(self.waiting.len());
        self.last = self.written;
        self.written
    }

    /// Whether this very request waits. If so, remembers that `client` asks for it.
    pub(super) fn is_waiting(&mut self, client: ProcessId, id: RequestId) -> bool {
        let asked = (id, client);
        let first = self.asked.range((asked, Number::default())..).next();
        let Some((_, number)) = first.filter(|(found, _)| *found == asked) else { return false };
        let place = self.waiting.partition_point(|waiting| waiting.submission.number < *number);
        self.waiting[place].client = Some(client);
        true
    }

    /// Whether the submission of this number, one that it took, still waits.
    pub(super) fn waits(&self, number: Number) -> bool {
        self.waiting.front().is_some_and(|first| first.submission.number <= number)
    }

    /// Removes the oldest submission if the log took it: if its number is at most `taken`.
    pub(super) fn pop_taken(&mut self, taken: Number) -> Option<QueuedSubmission<M>> {
        let is_taken = self.waiting.front().is_some_and(|first| first.submission.number <= taken);
        if !is_taken {
            return None;
        }
        self.handed = self.handed.saturating_sub(1);
        let waiting = self.waiting.pop_front()?;
        self.asked.remove(&waiting.asked());
        Some(waiting)
    }

    /// Starts to hand over from the front again: the leader changed, or did not answer.
    pub(super) fn start_over(&mut self) {
        self.handed = 0;
    }

    /// The next submission to hand over, if fewer than `max` have been.
    pub(super) fn hand_over(&mut self, max: usize) -> Option<Arc<Submission<M>>> {
        if self.handed >= max {
            return None;
        }
        let next = self.waiting.get(self.handed)?.submission.clone();
        self.handed += 1;
        Some(next)
    }

    /// Whether something was handed over and has not come back in the log.
    pub(super) fn is_pending(&self) -> bool {
        self.handed > 0
    }
}

impl<M: Machine> QueuedSubmission<M> {
    /// A submission that no client of this incarnation asked for.
    fn new(submission: Arc<Submission<M>>) -> QueuedSubmission<M> {
        let id = submission.request.id();
        QueuedSubmission { submission, id, client: None }
    }

    /// The key of its request, and its number.
    fn asked(&self) -> (RequestKey, Number) {
        let Submission { number, request, .. } = &*self.submission;
        ((self.id, request.client()), *number)
    }
}
