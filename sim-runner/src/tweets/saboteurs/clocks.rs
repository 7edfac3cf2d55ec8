//! Sites that rely on their host's clock never being set back.

use aviary::time::{Duration, Instant};

use super::Saboteur;
use super::liar::{Lie, LieMemory};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "stands-still-until-its-clock-is-back",
        "A site whose clock is set back lets no time pass until the clock shows the earlier reading again.",
        Lie::Clocks(|shown, memory| memory.latest.max(shown), |due, _| due),
    ),
    Saboteur::new(
        "waits-by-the-old-clock",
        "A site whose clock is set back goes on, but waits for each deadline by what the clock showed before.",
        Lie::Clocks(|shown, _| shown, |due, memory| due + memory.set_back),
    ),
];

/// Records the reading of the host's clock.
pub(super) fn notice(shown: Instant, memory: &mut LieMemory) {
    let steady = shown + memory.set_back;
    let behind: Duration = memory.steady.since(steady);
    memory.set_back = memory.set_back + behind;
    memory.steady = memory.steady.max(steady);
    memory.latest = memory.latest.max(shown);
}
