//! Planted bugs of the tweet service. The judges and scenarios are tested by whether they detect them.
//!
//! A saboteur here is a wrapper around the real process that lies at the border: about the state it is started from,
//! and about what it receives, sends, writes and when it wants to be woken. It does not know the inside of the process,
//! and the protocol has no switches for it. A bug that no wrapper can plant is a patch in `tests/saboteurs/`.
//!
//! Each family has a file; [`all`] is the table.

mod answers;
mod catching_up;
mod clocks;
mod divergence;
mod early;
mod held_out;
mod later;
mod liar;
mod lives;
mod lying;
mod pages;
mod promises;
mod promptness;
mod reads;
mod records;
mod recovery;
mod regained;
mod sessions;
mod sizes;
mod sleep;
mod submissions;
mod votes;
mod watermarks;

use std::fmt;

use aviary::scenario::{Outcome, Problem, RunOptions, Scenario, run_configured};

use liar::Lie;
pub use liar::{Liar, LiarConfig};
pub use lying::Lying;

/// One planted bug.
#[derive(Clone, Copy)]
pub struct Saboteur {
    /// Its name: letters, digits and `-`.
    pub name: &'static str,
    /// What it does wrong, in one sentence.
    pub about: &'static str,
    lie: Lie,
}

impl Saboteur {
    const fn new(name: &'static str, about: &'static str, lie: Lie) -> Saboteur {
        Saboteur { name, about, lie }
    }
}

impl fmt::Debug for Saboteur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every family, in the order of the table.
const FAMILIES: &[&[Saboteur]] = &[
    records::SABOTEURS,
    recovery::SABOTEURS,
    early::SABOTEURS,
    promises::SABOTEURS,
    votes::SABOTEURS,
    watermarks::SABOTEURS,
    catching_up::SABOTEURS,
    submissions::SABOTEURS,
    answers::SABOTEURS,
    sessions::SABOTEURS,
    reads::SABOTEURS,
    pages::SABOTEURS,
    sleep::SABOTEURS,
    later::SABOTEURS,
    divergence::SABOTEURS,
    held_out::SABOTEURS,
    promptness::SABOTEURS,
    clocks::SABOTEURS,
    sizes::SABOTEURS,
    regained::SABOTEURS,
    lives::SABOTEURS,
];

/// Every saboteur.
pub fn all() -> impl Iterator<Item = &'static Saboteur> {
    FAMILIES.iter().copied().flatten()
}

/// Whether the saboteur of this name was written after the default profile and its recipes were fixed, so that nothing in
/// them was made to find it.
pub fn is_held_out(name: &str) -> bool {
    held_out::SABOTEURS.iter().any(|saboteur| saboteur.name == name)
}

/// The saboteur of this name.
pub fn find(name: &str) -> Option<&'static Saboteur> {
    all().find(|saboteur| saboteur.name == name)
}

/// Runs `scenario` with `saboteur` inside every process, or with honest processes. The error lists its problems.
pub fn run(
    scenario: &Scenario<Lying>,
    saboteur: Option<&'static Saboteur>,
    options: &RunOptions,
) -> Result<Outcome, Vec<Problem>> {
    run_configured(scenario, options, |config| config.saboteur = saboteur)
}
