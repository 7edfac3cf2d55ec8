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

use crate::judges::linearizable::{Call, Effect, Moment, Sequential, Span};

mod ways;

use ways::{Changing, Flying, PossibleOrder, Ways, insert};

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
    /// `at` is the number of events before the answer.
    Answered { answer: A, at: usize },
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

fn spend(steps: &mut u64, count: usize) -> Result<(), OrderFailure> {
    *steps = steps.checked_sub(count as u64).ok_or(OrderFailure::Spent)?;
    Ok(())
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
    }
    events.sort_by_key(|(at, _)| *at);
    for (place, (_, event)) in events.iter().enumerate() {
        match *event {
            CallEvent::Begun(number) => {
                let operation = calls[number].operation.clone();
                let call = OpenCall { operation, ending: CallEnding::Lost, begun: place };
                orders.calls.insert(number, call);
            }
            CallEvent::Answered(number) => {
                let answer = calls[number].answer.as_ref().map(|(_, answer)| answer.clone());
                if let (Some(call), Some(answer)) = (orders.calls.get_mut(&number), answer) {
                    call.ending = CallEnding::Answered { answer, at: place };
                }
            }
        }
    }
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
        call.ending = CallEnding::Answered { answer, at: self.settled_count + self.events.len() };
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

    /// From this front on, the call of this number may take effect. A read without an answer does not matter. A call
    /// that is held stays in flight only for its answer.
    fn take_off(&self, front: &mut Front<M::State>, number: usize) {
        let Some(call) = self.flying(number) else { return };
        if call.is_held {
            let hold = |way: &PossibleOrder<M::State>| PossibleOrder {
                state: self.model.hold(&way.state, call.operation, call.span),
                ..way.clone()
            };
            front.ways = Arc::new(front.ways.iter().map(hold).collect());
        }
        if call.answer.is_some() || (!call.is_held && call.effect != Effect::Reads) {
            front.in_flight.insert(number);
        }
    }

    fn flying(&self, number: usize) -> Option<Flying<'_, M>> {
        let OpenCall { operation, ending, begun } = self.calls.get(&number)?;
        let (answer, answered) = match ending {
            CallEnding::Answered { answer, at } => (Some(answer), Some(*at as u64)),
            CallEnding::Open | CallEnding::Lost => (None, None),
        };
        let span = Span { begun: *begun as u64, answered };
        let (effect, is_held) = (self.model.effect(operation, answer), self.model.holds(operation, answer));
        Some(Flying { number, operation, answer, span, effect, is_held })
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
    /// 5. A call that [helps](Sequential::helps) neither the call of this number nor a call that narrows the state, which
    ///    that one could make impossible, may as well take effect later.
    fn advance(
        &self,
        front: &Front<M::State>,
        number: usize,
        steps: &mut u64,
    ) -> Result<Vec<PossibleOrder<M::State>>, OrderFailure> {
        let calls: Vec<Flying<'_, M>> =
            front.in_flight.iter().filter_map(|number| self.flying(*number)).collect();
        let calls: Vec<Flying<'_, M>> =
            calls.into_iter().filter(|call| !call.is_held || call.number == number).collect();
        let last = self.flying(number).expect("a call that is answered is kept");
        spend(steps, calls.len())?;
        let changing: Vec<Changing<'_, M>> = self.changing(&calls, number);
        let is_hidden = |call: &&Flying<'_, M>| call.effect == Effect::Overwrites && call.answer.is_some();
        let mut to_hide: Vec<&Flying<'_, M>> = calls.iter().filter(is_hidden).collect();
        to_hide.sort_by_key(|call| call.span.answered);
        let overwrites = to_hide.iter().any(|call| call.number == number);
        let (mut reached, mut done) = (Ways(BTreeMap::new()), Ways(BTreeMap::new()));
        let mut waiting = VecDeque::new();
        let mut reach = |mut way: PossibleOrder<M::State>,
                         waiting: &mut VecDeque<PossibleOrder<M::State>>| {
            for call in &calls {
                if call.is_left(&way) && call.is_free(&self.model, &way.state) {
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
                if call.number != number && !self.may_help(&way, call, &last, &calls) {
                    continue;
                }
                for state in call.after(&self.model, &way.state) {
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
        }
        let done = done.into_vec();
        if done.is_empty() { Err(OrderFailure::NoOrder) } else { Ok(done) }
    }

    /// Whether `call` helps `last`, or a call that narrows the state and itself helps `last`.
    fn may_help(
        &self,
        way: &PossibleOrder<M::State>,
        call: &Flying<'_, M>,
        last: &Flying<'_, M>,
        calls: &[Flying<'_, M>],
    ) -> bool {
        let helps = |first: &Flying<'_, M>, then| first.helps(&self.model, &way.state, then);
        helps(call, last)
            || calls.iter().any(|other| {
                other.effect == Effect::Narrows
                    && other.number != call.number
                    && other.is_left(way)
                    && helps(other, last)
                    && helps(call, other)
            })
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
        if call.effect != Effect::Overwrites {
            return Vec::new();
        }
        let Some(state) = call.apply(&self.model, &self.model.initial()) else { return Vec::new() };
        let sees = |other: &&Flying<'_, M>| {
            let after = other.apply(&self.model, &state);
            // A call without an answer that changes nothing is left out.
            other.effect != Effect::Overwrites
                && after.is_some_and(|after| other.answer.is_some() || after != state)
        };
        calls.iter().filter(sees).collect()
    }
}
