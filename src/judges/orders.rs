//! Keeps every state that the calls so far may have left, and updates those states at each answer.
//!
//! Checked: whether calls have a linearization. The work and the memory for one answer depend on the calls in flight
//! and on those with an unknown outcome, but not on the number of calls answered before. Not checked: which of the
//! calls contradict each other. States must be cheap to copy, as those of a register are.
//!
//! This is Lowe's just-in-time linearization ("Testing for linearizability", CCPE 29, 2017), with all orders side by
//! side: a call takes effect only when the answer to some call requires it.
//!
//! 1. A [`PossibleOrder`] (a "way") is the result of an order: which calls in flight took effect, and the state. A
//!    [`Front`] holds all ways at one moment. In a way, a call without an answer so far took effect or did not.
//! 2. An answer changes no front before the beginning of its call, so only the later fronts are computed again. Fronts
//!    before the first call whose outcome is open never change again, and only the last one of them is kept.
//! 3. A way is left out only where another way explains whatever the first one explains. The reasons are beside the
//!    code.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::judges::linearizable::{Call, Effect, Moment, Sequential};

/// Why an answer is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OrderFailure {
    /// No order explains the answer.
    NoOrder,
    /// The steps were spent first.
    Spent,
}

/// The orders in which the calls of a growing history may have taken effect, as far as the future depends on them.
#[derive(Clone)]
pub(super) struct Orders<M: Sequential> {
    model: M,
    /// Calls whose beginning is among the events, and those in flight before the events.
    calls: BTreeMap<usize, OpenCall<M>>,
    /// The number of answers in the whole history.
    answered_count: u64,
    /// The front before the first of the events. No later answer changes it.
    settled: Front<M::State>,
    /// Oldest first, each with the front after it.
    events: VecDeque<(CallEvent, Front<M::State>)>,
    /// The number of settled events, all before `events`.
    settled_count: usize,
}

#[derive(Clone)]
struct OpenCall<M: Sequential> {
    operation: M::Operation,
    ending: CallEnding<M::Answer>,
    /// The number of events before the beginning of the call.
    begun: usize,
}

#[derive(Clone)]
enum CallEnding<A> {
    /// The outcome is not known yet.
    Open,
    /// The outcome will never be known.
    Lost,
    /// `nth` counts the answers of the history.
    Answered { answer: A, nth: u64 },
}

#[derive(Clone, Copy)]
enum CallEvent {
    Begun(usize),
    Answered(usize),
}

/// All ways at one moment, and the calls in flight at that moment that may take effect.
#[derive(Clone)]
struct Front<S> {
    ways: Arc<Vec<PossibleOrder<S>>>,
    in_flight: BTreeSet<usize>,
}

/// The result of an order. The numbers of calls ascend.
#[derive(Clone)]
struct PossibleOrder<S> {
    /// Calls in flight that took effect and will be answered.
    taken: Vec<usize>,
    /// Calls without an answer that took effect.
    used: Vec<usize>,
    state: S,
}

/// A call in flight, with its answer if that is known.
struct Flying<'a, M: Sequential> {
    number: usize,
    operation: &'a M::Operation,
    answer: Option<&'a M::Answer>,
    nth: u64,
    effect: Effect,
}

impl<M: Sequential> Flying<'_, M> {
    fn apply(&self, model: &M, state: &M::State) -> Option<M::State> {
        model.apply(state.clone(), self.operation, self.answer)
    }

    fn is_left(&self, way: &PossibleOrder<M::State>) -> bool {
        !has(&way.taken, self.number) && !has(&way.used, self.number)
    }
}

/// A call in flight that changes the state.
struct Changing<'a, M: Sequential> {
    call: &'a Flying<'a, M>,
    /// The calls that may see the state after this call, if this call overwrites.
    seen_by: Vec<&'a Flying<'a, M>>,
    /// The equal call that takes effect before this one.
    before: Option<&'a Flying<'a, M>>,
}

impl<M: Sequential> Changing<'_, M> {
    /// Whether this call may take effect after `way`, in an order that ends with the call of this number.
    fn may_come(&self, way: &PossibleOrder<M::State>, number: usize) -> bool {
        self.call.is_left(way)
            && self.before.is_none_or(|before| !before.is_left(way))
            && (self.call.number == number
                || self.call.effect == Effect::Both
                || self.seen_by.iter().any(|call| call.is_left(way)))
    }
}

/// Ways, by their taken calls.
struct Ways<S>(BTreeMap<Vec<usize>, Vec<(Vec<usize>, S)>>);

impl<S: Clone + PartialEq> Ways<S> {
    /// Adds a way, unless one with the same state has used only some of the same calls: it may still use the others.
    fn add(&mut self, way: &PossibleOrder<S>) -> bool {
        let alike = self.0.entry(way.taken.clone()).or_default();
        if alike.iter().any(|(used, state)| *state == way.state && is_part_of(used, &way.used)) {
            return false;
        }
        alike.retain(|(used, state)| *state != way.state || !is_part_of(&way.used, used));
        alike.push((way.used.clone(), way.state.clone()));
        true
    }

    fn into_vec(self) -> Vec<PossibleOrder<S>> {
        let of_taken = |(taken, alike): (Vec<usize>, Vec<(Vec<usize>, S)>)| {
            alike.into_iter().map(move |(used, state)| PossibleOrder { taken: taken.clone(), used, state })
        };
        self.0.into_iter().flat_map(of_taken).collect()
    }
}

fn spend(steps: &mut u64, count: usize) -> Result<(), OrderFailure> {
    *steps = steps.checked_sub(count as u64).ok_or(OrderFailure::Spent)?;
    Ok(())
}

fn has(numbers: &[usize], number: usize) -> bool {
    numbers.binary_search(&number).is_ok()
}

fn insert(numbers: &mut Vec<usize>, number: usize) {
    if let Err(place) = numbers.binary_search(&number) {
        numbers.insert(place, number);
    }
}

fn is_part_of(few: &[usize], many: &[usize]) -> bool {
    few.iter().all(|number| has(many, *number))
}

/// Whether `calls` have a linearization; `None` when the steps were spent before that was known.
pub(super) fn has_order<M: Sequential<Operation: PartialEq>>(
    model: M,
    calls: &[Call<M>],
    steps: &mut u64,
) -> Option<bool> {
    let mut orders = Orders::new(model);
    let mut events: Vec<(Moment, CallEvent)> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        events.push((call.begun, CallEvent::Begun(number)));
        events.extend(call.answer.as_ref().map(|(at, _)| (*at, CallEvent::Answered(number))));
        let ending = match &call.answer {
            // The moments count up in the order of the answers, so they serve as `nth`.
            Some((at, answer)) => CallEnding::Answered { answer: answer.clone(), nth: at.count },
            None => CallEnding::Lost,
        };
        let call = OpenCall { operation: call.operation.clone(), ending, begun: 0 };
        orders.calls.insert(number, call);
    }
    events.sort_by_key(|(at, _)| *at);
    let mut front = orders.settled.clone();
    for (_, event) in events {
        match orders.follow(&front, event, steps) {
            Ok(next) => front = next,
            Err(OrderFailure::NoOrder) => return Some(false),
            Err(OrderFailure::Spent) => return None,
        }
    }
    Some(true)
}

impl<M: Sequential<Operation: PartialEq>> Orders<M> {
    /// The orders before the first call.
    pub(super) fn new(model: M) -> Orders<M> {
        let way = PossibleOrder { taken: Vec::new(), used: Vec::new(), state: model.initial() };
        Orders {
            model,
            calls: BTreeMap::new(),
            answered_count: 0,
            settled: Front { ways: Arc::new(vec![way]), in_flight: BTreeSet::new() },
            events: VecDeque::new(),
            settled_count: 0,
        }
    }

    /// The call of this number begins.
    pub(super) fn begin(&mut self, number: usize, operation: M::Operation) {
        let begun = self.settled_count + self.events.len();
        self.calls.insert(number, OpenCall { operation, ending: CallEnding::Open, begun });
        let mut front = self.last().clone();
        self.take_off(&mut front, number);
        self.events.push_back((CallEvent::Begun(number), front));
    }

    /// The outcome of the call of this number will never be known.
    pub(super) fn lose(&mut self, number: usize) {
        if let Some(call) = self.calls.get_mut(&number) {
            call.ending = CallEnding::Lost;
        }
        self.settle();
    }

    /// The call of this number is answered. After a failure these orders must not be used.
    pub(super) fn answer(
        &mut self,
        number: usize,
        answer: M::Answer,
        steps: &mut u64,
    ) -> Result<(), OrderFailure> {
        let call = self.calls.get_mut(&number).expect("a call without an outcome is kept");
        self.answered_count += 1;
        call.ending = CallEnding::Answered { answer, nth: self.answered_count };
        // Events before the beginning of the call stay as they are.
        let mut again = self.events.split_off(call.begun - self.settled_count);
        again.push_back((CallEvent::Answered(number), self.settled.clone()));
        for (event, _) in again {
            let front = self.follow(self.last(), event, steps)?;
            self.events.push_back((event, front));
        }
        self.settle();
        Ok(())
    }

    fn last(&self) -> &Front<M::State> {
        self.events.back().map_or(&self.settled, |(_, front)| front)
    }

    /// Drops the events up to the beginning of the first call whose outcome is open.
    fn settle(&mut self) {
        while let Some((event, front)) = self.events.pop_front() {
            let (CallEvent::Begun(number) | CallEvent::Answered(number)) = event;
            if matches!(self.calls.get(&number), Some(OpenCall { ending: CallEnding::Open, .. })) {
                self.events.push_front((event, front));
                break;
            }
            self.settled_count += 1;
            self.settled = front;
            if !self.settled.in_flight.contains(&number) {
                self.calls.remove(&number);
            }
        }
    }

    fn follow(
        &self,
        front: &Front<M::State>,
        event: CallEvent,
        steps: &mut u64,
    ) -> Result<Front<M::State>, OrderFailure> {
        let mut next = front.clone();
        match event {
            CallEvent::Begun(number) => self.take_off(&mut next, number),
            CallEvent::Answered(number) => {
                next.ways = Arc::new(self.advance(front, number, steps)?);
                next.in_flight.remove(&number);
            }
        }
        Ok(next)
    }

    /// From this front on, the call of this number may take effect. A read without an answer does not matter.
    fn take_off(&self, front: &mut Front<M::State>, number: usize) {
        let matters = |call: Flying<'_, M>| call.answer.is_some() || call.effect != Effect::Reads;
        if self.flying(number).is_some_and(matters) {
            front.in_flight.insert(number);
        }
    }

    fn flying(&self, number: usize) -> Option<Flying<'_, M>> {
        let OpenCall { operation, ending, .. } = self.calls.get(&number)?;
        let (answer, nth) = match ending {
            CallEnding::Answered { answer, nth } => (Some(answer), *nth),
            CallEnding::Open | CallEnding::Lost => (None, u64::MAX),
        };
        Some(Flying { number, operation, answer, nth, effect: self.model.effect(operation, answer) })
    }

    /// The ways that follow from those of `front` and in which the call of this number took effect. These ways do not
    /// list that call.
    ///
    /// Some orders are left out, each because another order explains as much:
    ///
    /// 1. A read takes effect in the first state that fits its answer, because a read changes nothing.
    /// 2. Nobody sees the effect of a call that is overwritten at once. If that call has no answer, it is left out. If
    ///    it has one, it is *hidden* by the call that overwrites it, as late as possible. So the calls that one call
    ///    hides are the first to be answered of all overwriting calls in flight: if A hides B, and not C which is
    ///    answered before B, then C takes effect after A, and B could be hidden there. For the same reason, if the call
    ///    of this number overwrites, no other call hides any.
    /// 3. So every other call that overwrites is seen by a call that does not overwrite.
    /// 4. Of equal calls without an answer, the oldest one takes effect first.
    fn advance(
        &self,
        front: &Front<M::State>,
        number: usize,
        steps: &mut u64,
    ) -> Result<Vec<PossibleOrder<M::State>>, OrderFailure> {
        let calls: Vec<Flying<'_, M>> =
            front.in_flight.iter().filter_map(|number| self.flying(*number)).collect();
        spend(steps, calls.len())?;
        let changing: Vec<Changing<'_, M>> = self.changing(&calls, number);
        let is_hidden = |call: &&Flying<'_, M>| call.effect == Effect::Overwrites && call.answer.is_some();
        let mut to_hide: Vec<&Flying<'_, M>> = calls.iter().filter(is_hidden).collect();
        to_hide.sort_by_key(|call| call.nth);
        let overwrites = to_hide.iter().any(|call| call.number == number);
        let (mut reached, mut done) = (Ways(BTreeMap::new()), Ways(BTreeMap::new()));
        let mut waiting = VecDeque::new();
        let mut reach = |mut way: PossibleOrder<M::State>,
                         waiting: &mut VecDeque<PossibleOrder<M::State>>| {
            for call in calls.iter().filter(|call| call.effect == Effect::Reads) {
                if call.is_left(&way) && call.apply(&self.model, &way.state).is_some() {
                    insert(&mut way.taken, call.number);
                }
            }
            if reached.add(&way) {
                waiting.push_back(way);
            }
        };
        front.ways.iter().for_each(|way| reach(way.clone(), &mut waiting));
        while let Some(mut way) = waiting.pop_front() {
            if let Ok(place) = way.taken.binary_search(&number) {
                way.taken.remove(place);
                done.add(&way);
                continue;
            }
            spend(steps, changing.len())?;
            for Changing { call, .. } in changing.iter().filter(|changing| changing.may_come(&way, number)) {
                let Some(state) = call.apply(&self.model, &way.state) else { continue };
                let is_idle = call.answer.is_none() && state == way.state;
                let mut next = PossibleOrder { state, ..way.clone() };
                insert(if call.answer.is_some() { &mut next.taken } else { &mut next.used }, call.number);
                if !is_idle {
                    reach(next.clone(), &mut waiting);
                }
                if call.effect == Effect::Overwrites && (call.number == number || !overwrites) {
                    for hidden in &to_hide {
                        if hidden.is_left(&next) {
                            insert(&mut next.taken, hidden.number);
                            reach(next.clone(), &mut waiting);
                        }
                    }
                }
            }
        }
        let done = done.into_vec();
        if done.is_empty() { Err(OrderFailure::NoOrder) } else { Ok(done) }
    }

    /// The calls that change the state and may have to take effect before the call of this number, and that call.
    fn changing<'a>(&self, calls: &'a [Flying<'a, M>], number: usize) -> Vec<Changing<'a, M>> {
        let mut changing = Vec::new();
        for (place, call) in calls.iter().enumerate().filter(|(_, call)| call.effect != Effect::Reads) {
            let seen_by = self.seen_by(call, calls);
            if call.effect == Effect::Overwrites && call.number != number && seen_by.is_empty() {
                continue;
            }
            let is_alike = |other: &&Flying<'_, M>| {
                call.answer.is_none() && other.answer.is_none() && call.operation == other.operation
            };
            changing.push(Changing { call, seen_by, before: calls[..place].iter().rfind(is_alike) });
        }
        changing
    }

    /// If `call` overwrites: the calls that may take effect next and do not overwrite.
    fn seen_by<'a>(&self, call: &Flying<'_, M>, calls: &'a [Flying<'a, M>]) -> Vec<&'a Flying<'a, M>> {
        let state = call.apply(&self.model, &self.model.initial());
        let Some(state) = state.filter(|_| call.effect == Effect::Overwrites) else { return Vec::new() };
        let sees = |other: &&Flying<'_, M>| {
            let after = other.apply(&self.model, &state);
            // A call without an answer that changes nothing is left out.
            other.effect != Effect::Overwrites
                && after.is_some_and(|after| other.answer.is_some() || after != state)
        };
        calls.iter().filter(sees).collect()
    }
}
