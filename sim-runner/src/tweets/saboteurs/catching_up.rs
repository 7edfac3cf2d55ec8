//! Sites that do not let others catch up, or do not themselves.

use aviary::replicated::paxos::{Entry, Slot};

use super::Saboteur;
use super::liar::{Lie, Paxos};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "supplies-a-no-op",
        "A site that is asked for a chosen slot says that it was closed by a no-op.",
        Lie::Says(|speech| {
            for message in speech.paxos() {
                if let Paxos::Supply { entry, .. } = message {
                    *entry = Entry::Noop;
                }
            }
        }),
    ),
    Saboteur::new(
        "supplies-the-slot-before",
        "A site that is asked for a chosen slot gives the one before it.",
        Lie::Says(|speech| {
            let log = speech.site.log();
            for message in speech.paxos() {
                if let Paxos::Supply { slot, entry, .. } = message
                    && let Some(other) = log.chosen_at(Slot(slot.0.saturating_sub(1)))
                {
                    *entry = other.clone();
                }
            }
        }),
    ),
    Saboteur::new(
        "supplies-nothing",
        "A site that is asked for chosen slots gives none.",
        Lie::Says(|speech| speech.withhold("Supply")),
    ),
    Saboteur::new(
        "never-fetches",
        "A site that misses slots asks nobody for them.",
        Lie::Says(|speech| speech.withhold("Fetch")),
    ),
    Saboteur::new(
        "fetches-once",
        "A site asks for a missing slot once and never again.",
        Lie::Says(|speech| speech.say_once("Fetch")),
    ),
];
