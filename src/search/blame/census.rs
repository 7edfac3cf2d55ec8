//! Finds kinds of events that failing forks have and other forks do not have.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::{Run, Service};
use crate::search::blame::Point;
use crate::search::blame::chance::{by_chance, confidence};
use crate::search::blame::curve::Forks;
use crate::time::Instant;

/// A kind of event that failing forks have more often than others. It says where to look, not what is to blame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspect {
    /// The kind of event, like `note leads by S1`.
    pub what: String,
    /// Number of failing forks in which it happened.
    pub in_failing: u32,
    /// Number of failing forks.
    pub failing: u32,
    /// Number of other forks in which it happened in the same time.
    pub in_others: u32,
    /// Number of other forks.
    pub others: u32,
    /// The confidence that this is not chance, in thousandths. It allows for all kinds of events that were compared.
    pub confidence: u32,
}

impl Suspect {
    /// How much more frequent it is in failing forks, per mille.
    fn excess(&self) -> i64 {
        let share = |count: u32, of: u32| i64::from((count * 1_000).checked_div(of).unwrap_or(0));
        share(self.in_failing, self.failing) - share(self.in_others, self.others)
    }
}

/// The greatest number of suspects.
const SUSPECTS: usize = 8;

/// The least excess of a suspect, per mille.
const EXCESS_MIN: i64 = 300;

/// The least confidence in a suspect, in thousandths.
const SURE: u32 = 500;

/// The census of one sort runs at most this many times the forks of one point.
const FORKS_FACTOR: u32 = 4;

/// One fork: its end, and the first time of each kind of event.
struct ForkCensus {
    end: Instant,
    first: BTreeMap<String, Instant>,
}

/// With fewer failing or other forks than this, nothing is compared.
const EACH_MIN: usize = 4;

impl<S: Service> Forks<'_, S> {
    /// Compares failing forks with others. Both sorts start where both ends are likeliest or, if that gives too few
    /// of one sort, from both sides of the jump. `full` is the run before its first event, with a full trace.
    pub(super) fn suspects(&mut self, full: &Run<S>, jump: Option<(Point, Point)>) -> Vec<Suspect> {
        let open = self.most_open().map(|point| (point, point));
        for (others_from, failing_from) in open.into_iter().chain(jump) {
            let mut base = full.clone();
            go_on(&mut base, others_from.turns);
            let mut later = base.clone();
            go_on(&mut later, failing_from.turns - others_from.turns);
            let others = self.census(&base, &base, false);
            let failing = self.census(&base, &later, true);
            if others.len().min(failing.len()) >= EACH_MIN {
                return compare(&failing, &others);
            }
        }
        Vec::new()
    }

    /// The events since `base` in forks of `from`: in forks that fail if `of_failing`, else in the others.
    fn census(&mut self, base: &Run<S>, from: &Run<S>, of_failing: bool) -> Vec<ForkCensus> {
        let mut all = Vec::new();
        for number in 0..self.forks_wanted() * FORKS_FACTOR {
            if self.is_spent() || all.len() >= self.forks_wanted() as usize {
                break;
            }
            let mut fork = self.fork(from, number);
            fork.finish();
            if self.is_failure(&fork) == of_failing {
                all.push(seen(base, &fork));
            }
        }
        all
    }
}

fn go_on<S: Service>(run: &mut Run<S>, turns: u64) {
    for _ in 0..turns {
        run.step();
    }
}

fn seen<S: Service>(base: &Run<S>, fork: &Run<S>) -> ForkCensus {
    let new = fork.world().trace().written() - base.world().trace().written();
    let lines = fork.world().trace().lines().rev().take(usize::try_from(new).unwrap_or(usize::MAX));
    let mut first = BTreeMap::new();
    for line in lines {
        for topic in line.topics() {
            // Lines are read backwards: the last one put in is the first event.
            first.insert(topic, line.at());
        }
    }
    ForkCensus { end: fork.world().now(), first }
}

/// Other forks count up to the time at which half of the failing ones had failed: after that, more happens in them.
fn compare(failing: &[ForkCensus], others: &[ForkCensus]) -> Vec<Suspect> {
    let mut ends: Vec<Instant> = failing.iter().map(|seen| seen.end).collect();
    ends.sort_unstable();
    let Some(horizon) = ends.get(ends.len() / 2).copied() else { return Vec::new() };
    let count = |list: &[ForkCensus], what: &str| {
        let has = |seen: &&ForkCensus| seen.first.get(what).is_some_and(|first| *first <= horizon);
        u32::try_from(list.iter().filter(has).count()).unwrap_or(u32::MAX)
    };
    let size = |list: &[ForkCensus]| u32::try_from(list.len()).unwrap_or(u32::MAX);
    let all: BTreeSet<&String> = failing.iter().flat_map(|seen| seen.first.keys()).collect();
    let kinds = all.len();
    let suspect = |what: &String| {
        let (in_failing, failing) = (count(failing, what), size(failing));
        let (in_others, others) = (count(others, what), size(others));
        let confidence = confidence(by_chance((in_others, others), (in_failing, failing)), kinds);
        Suspect { what: what.clone(), in_failing, failing, in_others, others, confidence }
    };
    let mut suspects: Vec<Suspect> = all.into_iter().map(suspect).collect();
    suspects.retain(|suspect| suspect.excess() >= EXCESS_MIN && suspect.confidence >= SURE);
    suspects.sort_by_key(|suspect| -suspect.excess());
    suspects.truncate(SUSPECTS);
    suspects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_as_often_is_no_suspect() {
        let seen = |end, first: &[(&str, u64)]| ForkCensus {
            end: Instant::from_micros(end),
            first: first.iter().map(|(what, at)| ((*what).to_owned(), Instant::from_micros(*at))).collect(),
        };
        let failing: Vec<ForkCensus> = (0..10)
            .flat_map(|_| [seen(9, &[("a", 1), ("b", 2)]), seen(9, &[("a", 1), ("c", 9)])])
            .chain([seen(9, &[("a", 1), ("d", 4)])])
            .collect();
        let others: Vec<ForkCensus> =
            (0..10).flat_map(|_| [seen(20, &[("b", 3), ("c", 19)]), seen(20, &[("b", 12)])]).collect();
        let suspects = compare(&failing, &others);
        let row = |one: &Suspect| {
            format!("{} {}/{} {}/{}", one.what, one.in_failing, one.failing, one.in_others, one.others)
        };
        assert_eq!(suspects.iter().map(row).collect::<Vec<_>>(), ["a 21/21 0/20", "c 10/21 0/20"]);
        assert!(suspects.iter().all(|one| one.confidence >= 990), "{suspects:?}");
        assert_eq!(compare(&[], &others), []);
    }
}
