//! A ready judge of linearizability: it is notified of each call, and objects to the first answer that no order explains.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Moment, Sequential, smallest};
use crate::judges::models::Few;
use crate::judges::models::fewest::order_of_most;
use crate::judges::orders::{OrderFailure, Orders};
use crate::process::Process;
use crate::sim::{Observation, PlacedCall, UnexplainedCall, UnexplainedCalls, Violation};
use crate::time::Instant;

const PROPERTY: &str = "linearizable";

/// Most steps to judge one answer.
const STEPS_EACH: u64 = 200_000;

/// Most steps to look for a smaller history without a linearization.
const STEPS_FEWER: u64 = 4_000_000;

/// Most calls that a contradiction shows.
const SHOWN_MAX: usize = 12;

/// A model for [`Linearizable`]: calls that can be printed, each on one part of a state.
///
/// Parts are judged apart, which is sound only if no call depends on two of them. A model that has no parts has `()` as
/// its key, and itself as its part.
pub trait Model: Clone {
    /// The request of a call.
    type Operation: Clone + Display;
    /// The answer to a call.
    type Answer: Clone + Display;
    /// The name of a part, such as a key of a store.
    type Key: Clone + Ord;
    /// The model of one part.
    type Part: Sequential<Operation: PartialEq> + Clone;

    /// One part before its first call.
    fn part(&self) -> Self::Part;

    /// The part that `operation` is on, and what `operation` does there.
    fn split(&self, operation: &Self::Operation) -> (Self::Key, <Self::Part as Sequential>::Operation);

    /// What `answer` says of the part; `None` if it can never be the answer to `operation`.
    fn answer(
        &self,
        operation: &Self::Operation,
        answer: &Self::Answer,
    ) -> Option<<Self::Part as Sequential>::Answer>;

    /// The name of a part, for people; `None` if there is only one part.
    fn describe(&self, _key: &Self::Key) -> Option<String> {
        None
    }

    /// The state of a part, for people; `None` if it is not printed.
    fn describe_state(&self, _state: &<Self::Part as Sequential>::State) -> Option<String> {
        None
    }

    /// Few of these calls, which have no linearization, that have none either. If there is no such proof within `steps`,
    /// all of them. As it stands, calls are left out as [`Sequential::without`] says.
    fn fewest(part: Self::Part, calls: Vec<Call<Self::Part>>, steps: &mut u64) -> Few<Self::Part> {
        let calls = smallest(&part, &calls, STEPS_EACH, steps).unwrap_or(calls);
        Few { model: part, calls }
    }
}

/// A call of a client that begins or ends, as a note of its process reports it to [`Linearizable::follow`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallEvent<O, A> {
    /// The client asks. It never uses this number for another call before this one ends.
    Began(u64, O),
    /// The call with this number is answered.
    Answered(u64, A),
    /// The client waits for the answer to the call with this number no longer.
    Forgot(u64),
}

/// Whether what clients asked and were answered has a linearization: an order in which each call takes effect at one
/// moment between its beginning and its answer, such that the [model](crate::judges::models) gives every answer.
///
/// A call without an answer takes effect at any moment after it began, or never. The judge objects to the first answer
/// that no order explains, and shows few calls that contradict each other. When the steps for one answer are spent,
/// nothing more of that part is judged, and [`unknown`](Linearizable::unknown) says so. After a violation, ignore
/// whatever else the judge reports. A clone shares each part with its origin until one of the two changes that part.
///
/// The search is Lowe's just-in-time linearization ("Testing for linearizability", CCPE 29, 2017): the work for one
/// answer depends on the calls that are open then, and not on the number of those before.
///
/// ```
/// use aviary::prelude::*;
/// use aviary::judges::models::{Kv, KvAnswer, KvOperation};
///
/// let [writer, reader] = [0, 1].map(ProcessId::Client);
/// let at = Instant::from_micros;
/// let mut judge = Linearizable::<Kv<&str, u8>>::default();
/// judge.began(writer, 1, KvOperation::Put { key: "x", value: 7 }, at(1));
/// judge.answered(writer, 1, KvAnswer::Put, at(2)).unwrap();
/// judge.began(reader, 1, KvOperation::Get { key: "x" }, at(3));
/// let stale = judge.answered(reader, 1, KvAnswer::Found(None), at(4));
/// assert_eq!(stale.unwrap_err().property, "linearizable");
/// ```
#[derive(Clone)]
pub struct Linearizable<M: Model> {
    model: M,
    parts: BTreeMap<M::Key, Arc<PartHistory<M>>>,
    /// Each call that has begun and not ended: its part, and its number in that part's history.
    open: BTreeMap<usize, (M::Key, usize)>,
    /// By client and number of the client, the calls that have begun and not ended.
    named: BTreeMap<(ProcessId, u64), usize>,
    call_count: usize,
    moment_count: u64,
    steps: u64,
}

/// The history of one part.
#[derive(Clone)]
struct PartHistory<M: Model> {
    /// `None` once the steps are spent.
    orders: Option<Orders<M::Part>>,
    /// By beginning: who asked, what, and when. The answers are stored apart, so that clones share old calls.
    calls: CowLog<(ProcessId, M::Operation, Moment)>,
    answers: CowLog<(usize, Moment, M::Answer)>,
}

impl<M: Model + Default> Default for Linearizable<M> {
    fn default() -> Linearizable<M> {
        Linearizable::new(M::default())
    }
}

impl<M: Model> fmt::Debug for Linearizable<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linearizable")
            .field("open", &self.open.len())
            .field("call_count", &self.call_count)
            .finish_non_exhaustive()
    }
}

impl<M: Model> Linearizable<M> {
    /// A history without calls.
    pub const fn new(model: M) -> Linearizable<M> {
        Linearizable {
            model,
            parts: BTreeMap::new(),
            open: BTreeMap::new(),
            named: BTreeMap::new(),
            call_count: 0,
            moment_count: 0,
            steps: 0,
        }
    }

    /// Takes the notes that are beginnings or ends of calls. `event` picks them. A process that is started anew forgets
    /// its open calls.
    ///
    /// # Errors
    /// Those of [`answered`](Linearizable::answered).
    pub fn follow<P: Process>(
        &mut self,
        now: Instant,
        seen: &Observation<'_, P>,
        event: impl FnOnce(&P::Note) -> Option<CallEvent<M::Operation, M::Answer>>,
    ) -> Result<(), Violation> {
        match seen {
            Observation::Started { process, .. } => self.forgot(*process),
            Observation::Noted { process, note } => match event(note) {
                Some(CallEvent::Began(id, operation)) => self.began(*process, id, operation, now),
                Some(CallEvent::Answered(id, answer)) => return self.answered(*process, id, answer, now),
                Some(CallEvent::Forgot(id)) => self.forgot_call(*process, id),
                None => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// `who` asks for `operation`, and calls that `id`.
    ///
    /// # Panics
    /// When `who` has an open call of the same `id`, which must be answered or forgotten first.
    pub fn began(&mut self, who: ProcessId, id: u64, operation: M::Operation, now: Instant) {
        let number = self.begin(who, operation, now);
        let before = self.named.insert((who, id), number);
        assert!(before.is_none(), "{who} begins its call {id} again while that call is open");
    }

    /// `who` gets the answer to its call `id`.
    ///
    /// # Errors
    /// When no order explains all answers, or `answer` cannot answer that call, or `who` has no such open call: property
    /// `linearizable`.
    pub fn answered(
        &mut self,
        who: ProcessId,
        id: u64,
        answer: M::Answer,
        now: Instant,
    ) -> Result<(), Violation> {
        match self.named.remove(&(who, id)) {
            Some(number) => self.end(number, answer, now).map(|_| ()),
            None => broken(format!("{who} is answered \"{answer}\" to its call {id}, which is not open")),
        }
    }

    /// `who` crashed: the outcomes of all its open calls stay unknown. A judge may call this whenever a client starts.
    pub fn forgot(&mut self, who: ProcessId) {
        let of_client: Vec<u64> =
            self.named.range((who, 0)..=(who, u64::MAX)).map(|((_, id), _)| *id).collect();
        of_client.into_iter().for_each(|id| self.forgot_call(who, id));
    }

    /// The outcome of the call `id` of `who` stays unknown. Does nothing if that call is not open.
    pub fn forgot_call(&mut self, who: ProcessId, id: u64) {
        if let Some(number) = self.named.remove(&(who, id)) {
            self.forget(number);
        }
    }

    /// `who` begins a call that it has no number for. Returns the number of the call, by which it [ends](Self::end).
    pub fn begin(&mut self, who: ProcessId, operation: M::Operation, now: Instant) -> usize {
        let begun = self.moment(now);
        let (key, on_part) = self.model.split(&operation);
        let empty = || {
            let orders = Some(Orders::new(self.model.part()));
            Arc::new(PartHistory { orders, calls: CowLog::default(), answers: CowLog::default() })
        };
        let part = Arc::make_mut(self.parts.entry(key.clone()).or_insert_with(empty));
        let here = part.calls.len();
        if let Some(orders) = &mut part.orders {
            orders.begin(here, on_part);
        }
        part.calls.push((who, operation, begun));
        self.call_count += 1;
        self.open.insert(self.call_count, (key, here));
        self.call_count
    }

    /// The call of this number is answered. Returns the number. If the call has already ended, nothing is judged.
    ///
    /// # Errors
    /// When no order explains all answers, or `answer` cannot answer such a call: property `linearizable`.
    pub fn end(&mut self, number: usize, answer: M::Answer, now: Instant) -> Result<usize, Violation> {
        let at = self.moment(now);
        let Some((key, here)) = self.open.remove(&number) else { return Ok(number) };
        let part = self.parts.get_mut(&key).map(Arc::make_mut).expect("a call that began has a part");
        let (who, operation, _) = part.calls.get(here).expect("a call that began is kept");
        let Some(on_part) = self.model.answer(operation, &answer) else {
            return broken(format!("{who} is answered \"{answer}\" to \"{operation}\""));
        };
        part.answers.push((here, at, answer));
        let Some(orders) = &mut part.orders else { return Ok(number) };
        let mut steps = STEPS_EACH;
        let came_to = orders.answer(here, on_part, &mut steps);
        self.steps += STEPS_EACH - steps;
        match came_to {
            Ok(()) => Ok(number),
            Err(OrderFailure::NoOrder) => {
                let calls = part.contradiction(&self.model, &key);
                Err(Violation::new(PROPERTY, explained(&calls)).about(calls))
            }
            Err(OrderFailure::Spent) => {
                part.orders = None;
                Ok(number)
            }
        }
    }

    /// The outcome of the call of this number stays unknown. The verdict is the same for a call that never ends, but
    /// then more of the history is kept.
    pub fn forget(&mut self, number: usize) {
        let Some((key, here)) = self.open.remove(&number) else { return };
        let part = self.parts.get_mut(&key).map(Arc::make_mut).expect("a call that began has a part");
        if let Some(orders) = &mut part.orders {
            orders.lose(here);
        }
    }

    /// The steps of the search for all answers so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// A sentence about what could not be judged.
    pub fn unknown(&self) -> Option<String> {
        let mut unknown = self.parts.iter().filter(|(_, part)| part.orders.is_none()).map(|(key, _)| key);
        let (first, others) = (unknown.next()?, unknown.count());
        let on = match self.model.describe(first) {
            None => String::new(),
            Some(first) if others == 0 => format!(" on {first}"),
            Some(first) => format!(" on {first} and {others} more"),
        };
        Some(format!("{PROPERTY}: not everything{on} is judged: the search spent its steps"))
    }

    fn moment(&mut self, at: Instant) -> Moment {
        self.moment_count += 1;
        Moment { at, count: self.moment_count }
    }
}

impl<M: Model> PartHistory<M> {
    /// Few calls that no order explains, and the order that explains most of them.
    fn contradiction(&self, model: &M, key: &M::Key) -> UnexplainedCalls {
        let mut answers: BTreeMap<usize, (Moment, M::Answer)> = BTreeMap::new();
        answers.extend(self.answers.iter().map(|(here, at, answer)| (*here, (*at, answer.clone()))));
        let call = |(here, (who, operation, begun)): (usize, &(ProcessId, M::Operation, Moment))| Call {
            who: *who,
            operation: model.split(operation).1,
            begun: *begun,
            answer: answers
                .get(&here)
                .and_then(|(at, answer)| model.answer(operation, answer).map(|answer| (*at, answer))),
        };
        let calls: Vec<Call<M::Part>> = self.calls.iter().enumerate().map(call).collect();
        let mut few = M::fewest(model.part(), calls, &mut { STEPS_FEWER });
        few.calls.sort_by_key(|call| call.begun);
        // The calls as they were: those of the proof may be altered.
        let original = |call: &Call<M::Part>| {
            let here = self.calls.partition_point(|(_, _, at)| *at < call.begun);
            let (who, operation, begun) = self.calls.get(here).expect("it is one of the calls");
            let answer = answers.get(&here).map(|(at, answer)| (at.at, answer.to_string()));
            UnexplainedCall { who: *who, operation: operation.to_string(), begun: begun.at, answer }
        };
        let most = order_of_most(&few.model, &few.calls, STEPS_EACH);
        let (order, misfits) = most.map_or_else(Default::default, |most| {
            let placed =
                |(call, state): &(usize, _)| PlacedCall { call: *call, state: model.describe_state(state) };
            (most.order.iter().map(placed).collect(), Vec::from([most.without]))
        });
        let calls = few.calls.iter().map(original).collect();
        UnexplainedCalls { part: model.describe(key), calls, order, misfits }
    }
}

/// A sentence with these calls, and one about the order that explains most of them.
fn explained(unexplained: &UnexplainedCalls) -> String {
    let line = |call: &UnexplainedCall| {
        let UnexplainedCall { who, operation, begun, answer } = call;
        match answer {
            Some((at, answer)) => {
                format!("\"{operation}\" of {who} at {begun} was answered \"{answer}\" at {at}")
            }
            None => format!("\"{operation}\" of {who} at {begun} has no answer"),
        }
    };
    let left_out = unexplained.calls.len().saturating_sub(SHOWN_MAX);
    let mut lines: Vec<String> = unexplained.calls[left_out..].iter().map(line).collect();
    if left_out > 0 {
        lines.insert(0, format!("{left_out} calls before these"));
    }
    let on = unexplained.part.as_ref().map_or(String::new(), |part| format!("on {part}, "));
    let order = if left_out == 0 { unexplained.order_in_words() } else { String::new() };
    format!("{on}no order explains that {}{order}", lines.join("; "))
}

fn broken<T>(explanation: String) -> Result<T, Violation> {
    Err(Violation::new(PROPERTY, explanation))
}

#[cfg(test)]
mod tests;
