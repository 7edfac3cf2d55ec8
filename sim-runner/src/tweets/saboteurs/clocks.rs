//! Sites that trust the clock of their host to go on.

use aviary::time::{Duration, Instant};

use super::Saboteur;
use super::liar::{Lie, LieMemory};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "stands-still-until-its-clock-is-back",
        "A site whose clock is set back lets no time pass until it shows what it did.",
        Lie::Clocks(|shown, memory| memory.latest.max(shown), |due, _| due),
    ),
    Saboteur::new(
        "waits-by-the-old-clock",
        "A site whose clock is set back goes on, and waits for every moment by what the clock showed before.",
        Lie::Clocks(|shown, _| shown, |due, memory| due + memory.set_back),
    ),
];

/// Notes what the clock of its host shows.
pub(super) fn notice(shown: Instant, memory: &mut LieMemory) {
    let steady = shown + memory.set_back;
    let behind: Duration = memory.steady.since(steady);
    memory.set_back = memory.set_back + behind;
    memory.steady = memory.steady.max(steady);
    memory.latest = memory.latest.max(shown);
}
