//! The facts that are counted in runs, by name.

use crate::scenario::service::Service;
use crate::sim::{Row, ScriptAction, Statistics};

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

/// Every named fact of runs of `S` on the links that it assumes, but for what only steps by hand do. Nothing draws
/// those.
pub(crate) fn facts<S: Service>() -> Vec<(FactKind, &'static str)> {
    let is_by_hand = |row: &&Row| row.is_by_hand;
    let by_hand: Vec<_> =
        ScriptAction::<()>::rows().filter(is_by_hand).filter_map(|row| row.counter).collect();
    let world = Statistics::default();
    let world = world.counts().filter(|(name, _)| S::LINKS.can_count(name) && !by_hand.contains(name));
    let world = world.map(|(name, _)| (FactKind::World, name));
    let steps = ScriptAction::<()>::rows().filter(|row| S::LINKS.has_step(row.kind) && !is_by_hand(row));
    let steps = steps.map(|row| (FactKind::Step, row.kind));
    let notes = S::notes().into_iter().map(|name| (FactKind::Note, name));
    world.chain(steps).chain(notes).collect()
}
