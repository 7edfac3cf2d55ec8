//! Leaves out as much of a list as possible: large pieces first, then smaller ones, finally one by one.

use crate::scenario::{Scenario, Service};
use crate::search::shrink::trials::Trials;

/// Leaves out as many of `count` things as possible. `only` makes a scenario from the one before, with only the
/// things whose numbers it gets, in ascending order. Later things go first, because they are likelier not to matter.
pub(super) fn leave_out<S: Service>(
    trials: &mut Trials<'_, S>,
    count: usize,
    only: impl Fn(&Scenario<S>, &[usize]) -> Scenario<S>,
) {
    let all: Vec<usize> = (0..count).collect();
    leave_out_of(trials, all, only);
}

/// The same for things with numbers of their own. Returns those that are left.
pub(super) fn leave_out_of<S: Service>(
    trials: &mut Trials<'_, S>,
    mut left: Vec<usize>,
    only: impl Fn(&Scenario<S>, &[usize]) -> Scenario<S>,
) -> Vec<usize> {
    let base = trials.best().clone();
    let mut size = left.len();
    while size > 0 && !trials.is_spent() {
        let mut end = left.len();
        while end > 0 && !trials.is_spent() {
            let start = end.saturating_sub(size);
            let rest: Vec<usize> = left[..start].iter().chain(&left[end..]).copied().collect();
            if trials.adopt(only(&base, &rest)) {
                left = rest;
            }
            end = start;
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    left
}
