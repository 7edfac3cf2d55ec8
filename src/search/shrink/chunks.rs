//! Leaving out as much of a list as goes: large pieces first, then smaller ones, at last one by one.

use crate::scenario::{Scenario, Service};
use crate::search::shrink::trials::Trials;

/// Leaves out what goes of `count` things. `only` makes a scenario of the one at hand before, with only the things
/// whose numbers it is given, in ascending order. Later things go first: they are the likelier not to matter.
pub(super) fn leave_out<S: Service>(
    trials: &mut Trials<'_, S>,
    count: usize,
    only: impl Fn(&Scenario<S>, &[usize]) -> Scenario<S>,
) {
    let all: Vec<usize> = (0..count).collect();
    leave_out_of(trials, all, only);
}

/// The same for things with numbers of their own; those that are left.
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
