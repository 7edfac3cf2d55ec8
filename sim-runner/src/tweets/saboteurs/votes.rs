//! Leaders and followers that vote where they must not.

use aviary::process::Letter;
use aviary::replicated::paxos::Entry;
use aviary::tweets::site::{Message, Record};

use super::Saboteur;
use super::liar::{Lie, Paxos, PaxosRecord, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "votes-for-all",
        "A site sends a vote for what it refuses, without accepting it.",
        Lie::SiteOutput(|output| {
            vote_for_refused(output);
        }),
    ),
    Saboteur::new(
        "accepts-below-its-promise",
        "A site accepts under a ballot below the one that it promised.",
        Lie::SiteOutput(|output| {
            let Some((_, Message::Paxos { message: Paxos::Accept { ballot, slot, entry, .. } })) =
                output.received
            else {
                return;
            };
            let (ballot, slot, entry) = (*ballot, *slot, entry.clone());
            if vote_for_refused(output) {
                let record = PaxosRecord::Accepted { ballot, slot, entry, is_new: false };
                output.given.records.push(Record::Paxos { record });
            }
        }),
    ),
    Saboteur::new(
        "votes-one-slot-ahead",
        "A site votes for the slot after the one that it accepted.",
        Lie::SiteOutput(|output| {
            for message in output.paxos() {
                if let Paxos::Accepted { slot, .. } = message {
                    *slot = slot.next();
                }
            }
        }),
    ),
    Saboteur::new(
        "proposes-nothing-to-some",
        "A leader proposes a no-op to one site and the real entry to the others.",
        Lie::SiteOutput(|output| {
            let mut split = Vec::new();
            for letter in &mut output.given.messages {
                let Letter { to, message, is_independent } = letter;
                let Message::Paxos { message: Paxos::Accept { ballot, slot, chosen, entry } } = message
                else {
                    continue;
                };
                let Some(last) = to.iter().last() else { continue };
                let rest = to.iter().filter(|id| *id != last).filter_map(|id| id.as_site()).collect();
                let entry = std::mem::replace(entry, Entry::noop());
                let (ballot, slot, chosen) = (*ballot, *slot, *chosen);
                let message = Message::Paxos { message: Paxos::Accept { ballot, slot, chosen, entry } };
                *to = last.into();
                split.push(Letter {
                    to: aviary::process::Recipients::Sites(rest),
                    message,
                    is_independent: *is_independent,
                });
            }
            output.given.messages.extend(split);
        }),
    ),
];

/// Sends `Accepted` where the site refused a proposal; returns whether it did.
fn vote_for_refused(output: &mut SiteOutput<'_>) -> bool {
    let Some((_, Message::Paxos { message: Paxos::Accept { ballot, slot, .. } })) = output.received else {
        return false;
    };
    let (ballot, slot) = (*ballot, *slot);
    let mut has_lied = false;
    for message in output.paxos() {
        if matches!(message, Paxos::Nack { .. }) {
            *message = Paxos::Accepted { ballot, slot };
            has_lied = true;
        }
    }
    has_lied
}
