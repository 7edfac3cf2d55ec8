//! Judges a growing history of calls: compares it with its [model](Sequential) at each answer that says something.
//!
//! The history keeps an order that explains everything so far, and of that order only the state at its end. A call that
//! is answered is usually appended to it, which costs one step, some time later: answers that say nothing wait for one
//! that does, or until there are many. Where a call does not fit, the whole history is searched.
//!
//! 1. Only an answer that [tells](Sequential::tells) something can break a history that had a linearization. A call
//!    whose answer says nothing may stand at the end of it, where everything is possible. So only such answers start a
//!    search.
//! 2. In the kept order, no call stands after one that began after its answer, and no answered call is missing before
//!    one that began after its answer. Calls in the order that are not answered yet are owed: the answer must fit the
//!    states that the order assumed, or the order is given up.
//! 3. Once a search has spent its steps nothing more is judged, and [`unknown`](History::unknown) says so.

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Display;

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Moment, Search, Sequential, search, smallest};
use crate::judges::models::fewest::{OrderOfMost, order_of_most};
use crate::sim::{PlacedCall, UnexplainedCall, UnexplainedCalls};
use crate::time::Instant;

/// Most steps of one search.
const STEPS_EACH: u64 = 40_000;

/// Most steps of all searches for a smaller history together.
const STEPS_ALL: u64 = 400_000;

/// Answered calls that wait to be appended to the kept order, until all of them are. Tests get there with few calls.
const WAITING_MAX: usize = if cfg!(test) { 3 } else { 64 };

/// A history of calls. A clone copies the calls that are not in the kept order, and shares the rest.
pub struct History<M: Sequential> {
    model: M,
    /// By beginning: who asked, what, and when.
    calls: CowLog<(ProcessId, M::Operation, Moment)>,
    /// The answers, stored apart so that clones share old calls: number of the call, moment, answer.
    answers: CowLog<(usize, Moment, M::Answer)>,
    count: u64,
    /// Whether there is a kept order: one that explains everything so far.
    is_kept: bool,
    /// The state at the end of the kept order.
    state: M::State,
    /// The latest beginning of any call in the kept order.
    newest: Moment,
    /// The calls that are not in the kept order, with their answers so far.
    open: BTreeMap<usize, Option<(Moment, M::Answer)>>,
    /// The number of answers in `open`.
    waiting: usize,
    /// The calls in the kept order without an answer, with the states before and after each.
    owed: BTreeMap<usize, (M::State, M::State)>,
    /// The number of calls when a search spent its steps.
    unknown: Option<usize>,
}

impl<M: Sequential + Clone> Clone for History<M> {
    fn clone(&self) -> History<M> {
        History {
            model: self.model.clone(),
            calls: self.calls.clone(),
            answers: self.answers.clone(),
            count: self.count,
            is_kept: self.is_kept,
            state: self.state.clone(),
            newest: self.newest,
            open: self.open.clone(),
            waiting: self.waiting,
            owed: self.owed.clone(),
            unknown: self.unknown,
        }
    }
}

/// A set of calls that no order explains, as small as the search found.
pub struct Contradiction<M: Sequential> {
    /// The calls, by beginning.
    pub calls: Vec<Call<M>>,
    /// The order that explains most of them, if one is known.
    most: Option<OrderOfMost<M::State>>,
}

impl<M> Contradiction<M>
where
    M: Sequential<State: Display, Operation: Display, Answer: Display>,
{
    /// The calls, printed, with the order that explains most of them.
    pub fn unexplained(&self) -> UnexplainedCalls {
        let call = |Call { who, operation, begun, answer }: &Call<M>| UnexplainedCall {
            who: *who,
            operation: operation.to_string(),
            begun: begun.at,
            answer: answer.as_ref().map(|(at, answer)| (at.at, answer.to_string())),
        };
        let order = self.most.iter().flat_map(|most| &most.order);
        UnexplainedCalls {
            part: None,
            calls: self.calls.iter().map(call).collect(),
            order: order
                .map(|(call, state)| PlacedCall { call: *call, state: Some(state.to_string()) })
                .collect(),
            misfits: self.most.iter().map(|most| most.without).collect(),
        }
    }
}

impl<M: Sequential> History<M> {
    /// An empty history.
    pub fn new(model: M) -> History<M> {
        let state = model.initial();
        History {
            model,
            calls: CowLog::default(),
            answers: CowLog::default(),
            count: 0,
            is_kept: true,
            state,
            newest: Moment::default(),
            open: BTreeMap::new(),
            waiting: 0,
            owed: BTreeMap::new(),
            unknown: None,
        }
    }

    /// Makes the next moment of the history.
    pub fn moment(&mut self, at: Instant) -> Moment {
        self.count += 1;
        Moment { at, count: self.count }
    }

    /// Adds a call of `who` that began at the moment `begun`. Returns the number of the call, by which it is answered.
    pub fn begin(&mut self, who: ProcessId, operation: M::Operation, begun: Moment) -> usize {
        let number = self.calls.len();
        self.calls.push((who, operation, begun));
        self.open.insert(number, None);
        number
    }

    /// The request of the call with this number.
    pub fn operation(&self, number: usize) -> Option<&M::Operation> {
        self.calls.get(number).map(|(_, operation, _)| operation)
    }

    /// The number of calls when a search spent its steps; `None` while everything is judged.
    pub fn unknown(&self) -> Option<usize> {
        self.unknown
    }

    /// Takes the answer to the call of this number.
    ///
    /// `guess` gives the place in some order where an operation may have taken effect, if it did. It is only a hint: a
    /// right guess makes the judge quick, and no guess changes the verdict.
    pub fn answer<R: Ord>(
        &mut self,
        number: usize,
        at: Instant,
        answer: M::Answer,
        guess: impl Fn(&M::Operation) -> Option<R>,
    ) -> Result<(), Contradiction<M>> {
        let at = self.moment(at);
        let reveals_state =
            self.operation(number).is_some_and(|operation| self.model.reveals_state(operation));
        self.answers.push((number, at, answer.clone()));
        let fits = match self.open.get_mut(&number) {
            Some(open) => {
                self.waiting += usize::from(open.replace((at, answer)).is_none());
                let waits = !reveals_state && self.waiting < WAITING_MAX;
                self.is_kept && (waits || self.extend(reveals_state.then_some(number), &guess))
            }
            None => !reveals_state || self.is_what_it_was_taken_for(number, &answer),
        };
        self.is_kept &= fits;
        if self.is_kept || !reveals_state || self.unknown.is_some() { Ok(()) } else { self.judge(&guess) }
    }

    /// Whether this answer fits a call that stands in the kept order and was not answered when it was put there.
    fn is_what_it_was_taken_for(&mut self, number: usize, answer: &M::Answer) -> bool {
        let Some((before, behind)) = self.owed.remove(&number) else { return false };
        let came_to =
            self.operation(number).and_then(|operation| self.model.apply(before, operation, Some(answer)));
        came_to.is_some_and(|came_to| came_to == behind)
    }

    /// Appends calls to the kept order: that of this number and all that are guessed to come before it, or all with an
    /// answer and those before them. Returns `false` if the result is no linearization, or where one of them has no place.
    fn extend<R: Ord>(&mut self, until: Option<usize>, guess: &impl Fn(&M::Operation) -> Option<R>) -> bool {
        let place = |number: &usize| Some((guess(self.operation(*number)?)?, *number));
        let answered = || self.open.iter().filter(|(_, answer)| answer.is_some()).map(|(number, _)| number);
        let last = match &until {
            Some(number) => place(number),
            None => answered().map(place).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max()),
        };
        let Some(last) = last else { return false };
        let mut next: Vec<(R, usize)> =
            self.open.keys().filter_map(place).filter(|place| *place <= last).collect();
        next.sort();
        next.into_iter().all(|(_, number)| self.put(number))
    }

    /// Appends the call of this number to the kept order, if it may stand there.
    fn put(&mut self, number: usize) -> bool {
        let (Some((_, operation, begun)), Some(answer)) = (self.calls.get(number), self.open.remove(&number))
        else {
            return false;
        };
        self.waiting -= usize::from(answer.is_some());
        let is_late = answer.as_ref().is_some_and(|(at, _)| *at < self.newest);
        let passes_by = self.open.values().flatten().any(|(at, _)| *at < *begun);
        if is_late || passes_by {
            return false;
        }
        let answer = answer.map(|(_, answer)| answer);
        let is_owed = answer.is_none() && self.model.reveals_state(operation);
        let owed = is_owed.then(|| self.state.clone());
        let state = core::mem::replace(&mut self.state, self.model.initial());
        let Some(state) = self.model.apply(state, operation, answer.as_ref()) else { return false };
        self.owed.extend(owed.map(|before| (number, (before, state.clone()))));
        (self.state, self.newest) = (state, self.newest.max(*begun));
        true
    }

    /// Searches the whole history, in the guessed order first.
    fn judge<R: Ord>(&mut self, guess: &impl Fn(&M::Operation) -> Option<R>) -> Result<(), Contradiction<M>> {
        let call = |(who, operation, begun): &(ProcessId, M::Operation, Moment)| Call {
            who: *who,
            operation: operation.clone(),
            begun: *begun,
            answer: None,
        };
        let mut calls: Vec<Call<M>> = self.calls.iter().map(call).collect();
        for (number, at, answer) in self.answers.iter() {
            calls[*number].answer = Some((*at, answer.clone()));
        }
        let mut numbered: Vec<(usize, Call<M>)> = calls.into_iter().enumerate().collect();
        numbered.sort_by_cached_key(|(number, call)| {
            let rank = guess(&call.operation);
            (rank.is_none(), rank, *number)
        });
        let (numbers, calls): (Vec<usize>, Vec<Call<M>>) = numbered.into_iter().unzip();
        match search(&self.model, &calls, &mut { STEPS_EACH }) {
            Search::Found(order) => {
                self.keep(&order.into_iter().map(|index| numbers[index]).collect::<Vec<_>>());
                Ok(())
            }
            came_to => {
                let found = smallest(&self.model, &calls, STEPS_EACH, &mut { STEPS_ALL });
                let proof = found.or_else(|| (came_to == Search::None).then_some(calls));
                match proof {
                    Some(mut calls) => {
                        calls.sort_by_key(|call| call.begun);
                        let most = order_of_most(&self.model, &calls, STEPS_EACH);
                        Err(Contradiction { calls, most })
                    }
                    None => {
                        self.unknown = Some(self.calls.len());
                        Ok(())
                    }
                }
            }
        }
    }

    /// Makes `order` the kept order.
    fn keep(&mut self, order: &[usize]) {
        self.is_kept = true;
        (self.state, self.newest) = (self.model.initial(), Moment::default());
        self.owed.clear();
        self.open = (0..self.calls.len()).map(|number| (number, None)).collect();
        for (number, at, answer) in self.answers.iter() {
            self.open.insert(*number, Some((*at, answer.clone())));
        }
        self.waiting = self.answers.len();
        for number in order {
            let is_put = self.put(*number);
            assert!(is_put, "call {number} does not stand where the search put it, in {order:?}");
        }
    }
}
