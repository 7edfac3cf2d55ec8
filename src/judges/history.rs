//! A history of calls as it grows, held against its [model](Sequential) whenever an answer tells something.
//!
//! An order that explains everything so far is kept, and a call that is answered usually goes behind it: that costs
//! one step. Where it does not fit, the whole history is searched. What is kept of an order is the state behind it.
//!
//! 1. Only an answer that [tells](Sequential::tells) something can break a history that had a linearization: a call
//!    whose answer tells nothing may stand at the end of it, where everything is possible. So the history is searched
//!    on such answers only.
//! 2. In the order that is kept, no call stands behind one that began after its answer, and none that was answered is
//!    missing in front of one that began after its answer. Calls in it that were not answered yet are owed: their
//!    answer must be what they were taken for, or the order is given up.
//! 3. Once a search has spent its steps nothing more is judged, and that is [told](History::unknown).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Moment, Search, Sequential, search, smallest};
use crate::time::Instant;

/// Steps of one search.
const STEPS_EACH: u64 = 40_000;

/// Steps of all searches for a smaller history.
const STEPS_ALL: u64 = 400_000;

/// The history. A clone copies what is open, and shares the rest.
pub struct History<M: Sequential> {
    model: M,
    calls: CowLog<Call<M>>,
    /// Which call was answered when, and what.
    answers: CowLog<(usize, Moment, M::Answer)>,
    count: u64,
    /// Whether an order is kept: one that explains everything so far.
    is_kept: bool,
    /// The state behind it.
    state: M::State,
    /// When the call began that began last in it.
    newest: Moment,
    /// Calls that are not in it, and what was answered.
    open: BTreeMap<usize, Option<(Moment, M::Answer)>>,
    /// Calls in it without an answer, and the states before and behind them.
    owed: BTreeMap<usize, (M::State, M::State)>,
    /// How many calls there were when the steps were spent.
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
            owed: self.owed.clone(),
            unknown: self.unknown,
        }
    }
}

/// Calls that no order explains, as few as were found.
pub struct Contradiction<M: Sequential> {
    /// In the order of their beginning.
    pub calls: Vec<Call<M>>,
}

impl<M: Sequential> History<M> {
    /// Before the first call.
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
            owed: BTreeMap::new(),
            unknown: None,
        }
    }

    /// The next moment.
    pub fn moment(&mut self, at: Instant) -> Moment {
        self.count += 1;
        Moment { at, count: self.count }
    }

    /// `who` called at the moment `begun`; its number, by which it is answered.
    pub fn begin(&mut self, who: ProcessId, operation: M::Operation, begun: Moment) -> usize {
        let number = self.calls.len();
        self.calls.push(Call { who, operation, begun, answer: None });
        self.open.insert(number, None);
        number
    }

    /// What the call of this number is for.
    pub fn operation(&self, number: usize) -> Option<&M::Operation> {
        self.calls.get(number).map(|call| &call.operation)
    }

    /// How many calls there were when a search spent its steps; `None` while everything was judged.
    pub fn unknown(&self) -> Option<usize> {
        self.unknown
    }

    /// The call of this number is answered.
    ///
    /// `guess` says where in some order an operation may have taken effect, if it did. It is a hint that makes the
    /// judge quick where it is right, and changes nothing in what it says.
    pub fn answer<R: Ord>(
        &mut self,
        number: usize,
        at: Instant,
        answer: M::Answer,
        guess: impl Fn(&M::Operation) -> Option<R>,
    ) -> Result<(), Contradiction<M>> {
        let at = self.moment(at);
        let tells = self.operation(number).is_some_and(|operation| self.model.tells(operation));
        self.answers.push((number, at, answer.clone()));
        let fits = match self.open.get_mut(&number) {
            Some(open) => {
                *open = Some((at, answer));
                self.is_kept && self.extend(number, &guess)
            }
            None => !tells || self.is_what_it_was_taken_for(number, &answer),
        };
        self.is_kept &= fits;
        if self.is_kept || !tells || self.unknown.is_some() { Ok(()) } else { self.judge(&guess) }
    }

    /// Whether a call of the order that is kept, which was not answered when it was put there, could be answered so.
    fn is_what_it_was_taken_for(&mut self, number: usize, answer: &M::Answer) -> bool {
        let Some((before, behind)) = self.owed.remove(&number) else { return false };
        let came_to =
            self.operation(number).and_then(|operation| self.model.apply(before, operation, Some(answer)));
        came_to.is_some_and(|came_to| came_to == behind)
    }

    /// Puts what is guessed to come before it, and the call of this number, behind the order that is kept; `false`
    /// when that is no linearization.
    fn extend<R: Ord>(&mut self, number: usize, guess: &impl Fn(&M::Operation) -> Option<R>) -> bool {
        let place = |number: &usize| Some((guess(self.operation(*number)?)?, *number));
        let Some(last) = place(&number) else { return false };
        let mut next: Vec<(R, usize)> =
            self.open.keys().filter_map(place).filter(|place| *place <= last).collect();
        next.sort();
        next.into_iter().all(|(_, number)| self.put(number))
    }

    /// Puts the call of this number behind the order that is kept, if it may stand there.
    fn put(&mut self, number: usize) -> bool {
        let (Some(call), Some(answer)) = (self.calls.get(number), self.open.remove(&number)) else {
            return false;
        };
        let is_late = answer.as_ref().is_some_and(|(at, _)| *at < self.newest);
        let passes_by = self.open.values().flatten().any(|(at, _)| *at < call.begun);
        if is_late || passes_by {
            return false;
        }
        let answer = answer.map(|(_, answer)| answer);
        let is_owed = answer.is_none() && self.model.tells(&call.operation);
        let owed = is_owed.then(|| self.state.clone());
        let state = core::mem::replace(&mut self.state, self.model.initial());
        let Some(state) = self.model.apply(state, &call.operation, answer.as_ref()) else { return false };
        self.owed.extend(owed.map(|before| (number, (before, state.clone()))));
        (self.state, self.newest) = (state, self.newest.max(call.begun));
        true
    }

    /// Searches the whole history, as guessed first.
    fn judge<R: Ord>(&mut self, guess: &impl Fn(&M::Operation) -> Option<R>) -> Result<(), Contradiction<M>> {
        let mut calls: Vec<Call<M>> = self.calls.iter().cloned().collect();
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
                        Err(Contradiction { calls })
                    }
                    None => {
                        self.unknown = Some(self.calls.len());
                        Ok(())
                    }
                }
            }
        }
    }

    /// Keeps this order.
    fn keep(&mut self, order: &[usize]) {
        self.is_kept = true;
        (self.state, self.newest) = (self.model.initial(), Moment::default());
        self.owed.clear();
        self.open = (0..self.calls.len()).map(|number| (number, None)).collect();
        for (number, at, answer) in self.answers.iter() {
            self.open.insert(*number, Some((*at, answer.clone())));
        }
        for number in order {
            let is_put = self.put(*number);
            assert!(is_put, "call {number} does not stand where the search put it, in {order:?}");
        }
    }
}
