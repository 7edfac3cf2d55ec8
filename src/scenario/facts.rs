//! The facts that are counted in runs, by name.

use crate::scenario::service::Service;
use crate::sim::{ScriptAction, Statistics};

/// The kind of a fact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FactKind {
    /// A counter of the simulator.
    World,
    /// A step of this kind fired.
    Step,
    /// A process made this note.
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

/// Every named fact of runs of `S`.
pub(crate) fn facts<S: Service>() -> Vec<(FactKind, &'static str)> {
    let world = Statistics::default();
    let world = world.counts().map(|(name, _)| (FactKind::World, name));
    let steps = ScriptAction::<()>::rows().map(|row| (FactKind::Step, row.kind));
    let notes = S::notes().into_iter().map(|name| (FactKind::Note, name));
    world.chain(steps).chain(notes).collect()
}
