//! What is counted of runs, by name.

use crate::scenario::service::Service;
use crate::sim::{ScriptAction, Statistics};

/// What sort of fact it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FactKind {
    /// A counter of the simulator.
    World,
    /// A step of this kind fired.
    Step,
    /// A process noted this.
    Note,
}

impl FactKind {
    /// Every kind.
    pub const ALL: [FactKind; 3] = [FactKind::World, FactKind::Step, FactKind::Note];

    /// Its name in one word.
    pub const fn name(self) -> &'static str {
        match self {
            FactKind::World => "world",
            FactKind::Step => "step",
            FactKind::Note => "note",
        }
    }
}

/// Every fact of runs of `S` that is known by name.
pub(crate) fn facts<S: Service>() -> Vec<(FactKind, &'static str)> {
    let world = Statistics::default();
    let world = world.counts().map(|(name, _)| (FactKind::World, name));
    let steps = ScriptAction::<()>::rows().map(|row| (FactKind::Step, row.kind));
    let notes = S::NOTES.iter().map(|name| (FactKind::Note, *name));
    world.chain(steps).chain(notes).collect()
}
