//! Sites that do not let others catch up, or do not catch up themselves.

use aviary::replicated::paxos::{Entry, Slot};

use super::Saboteur;
use super::liar::{Lie, Paxos};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "supplies-a-no-op",
        "A site answers a fetch of a chosen slot with a no-op.",
        Lie::SiteOutput(|output| {
            for message in output.paxos() {
                if let Paxos::FetchReply { entry, .. } = message {
                    *entry = Entry::noop();
                }
            }
        }),
    ),
    Saboteur::new(
        "supplies-the-slot-before",
        "A site answers a fetch of a chosen slot with the entry of the slot before it.",
        Lie::SiteOutput(|output| {
            let log = output.site.log();
            for message in output.paxos() {
                if let Paxos::FetchReply { slot, entry, .. } = message
                    && let Some(other) = log.chosen_at(Slot(slot.0.saturating_sub(1)))
                {
                    *entry = other.clone();
                }
            }
        }),
    ),
    Saboteur::new(
        "supplies-nothing",
        "A site answers no fetch.",
        Lie::SiteOutput(|output| output.withhold("FetchReply")),
    ),
    Saboteur::new(
        "never-fetches",
        "A site never asks others for the slots that it misses.",
        Lie::SiteOutput(|output| output.withhold("Fetch")),
    ),
    Saboteur::new(
        "fetches-once",
        "A site asks for a missing slot once and never again.",
        Lie::SiteOutput(|output| output.send_once("Fetch")),
    ),
];
