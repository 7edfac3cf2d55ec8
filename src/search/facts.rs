//! What happened in many runs, and how often: a sweep in which nothing happened shows nothing.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::scenario::facts::facts;
use crate::scenario::{FactKind, Run, Service};

/// How often something happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fact {
    /// Number of runs in which it happened.
    pub runs: u64,
    /// Number of times that it happened, over all runs.
    pub times: u64,
}

/// Facts by name. There is one per name, whatever the number of runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts(BTreeMap<(FactKind, &'static str), Fact>);

impl Facts {
    /// Every named fact of `S`, with nothing counted.
    pub fn of<S: Service>() -> Facts {
        Facts(facts::<S>().into_iter().map(|name| (name, Fact::default())).collect())
    }

    /// Leaves out the steps of these kinds: it says nothing that they never fire.
    pub(super) fn without_steps<'a>(mut self, kinds: impl IntoIterator<Item = &'a str>) -> Facts {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        self.0.retain(|(kind, name), _| *kind != FactKind::Step || !kinds.contains(name));
        self
    }

    /// Counts the facts of a run that is over.
    pub fn add_run<S: Service>(&mut self, run: &Run<S>) {
        for (name, times) in run.world().statistics().counts() {
            self.add(FactKind::World, name, times);
        }
        for (name, times) in run.world().judge().noted() {
            self.add(FactKind::Note, name, *times);
        }
        let mut fired: Vec<&str> = run.world().fired_kinds().collect();
        fired.sort_unstable();
        for same in fired.chunk_by(|one, other| one == other) {
            self.add(FactKind::Step, same[0], same.len() as u64);
        }
    }

    fn add(&mut self, kind: FactKind, name: &'static str, times: u64) {
        if times > 0 {
            let fact = self.0.entry((kind, name)).or_default();
            fact.runs += 1;
            fact.times += times;
        }
    }

    /// Adds the counts of `others`.
    pub fn merge(&mut self, others: &Facts) {
        for (name, other) in &others.0 {
            let fact = self.0.entry(*name).or_default();
            fact.runs += other.runs;
            fact.times += other.times;
        }
    }

    /// Every fact, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (FactKind, &'static str, Fact)> {
        self.0.iter().map(|((kind, name), fact)| (*kind, *name, *fact))
    }

    /// Number of facts that happened, and number of all facts.
    pub fn coverage(&self) -> (usize, usize) {
        (self.0.values().filter(|fact| fact.runs > 0).count(), self.0.len())
    }
}
