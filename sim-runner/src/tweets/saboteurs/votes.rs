//! Leaders and followers that vote as they may not.

use aviary::process::Letter;
use aviary::replicated::paxos::Entry;
use aviary::tweets::site::{Message, Record};

use super::Saboteur;
use super::liar::{Lie, Paxos, PaxosRecord, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "votes-for-all",
        "A site says that it accepted what it refuses, and does not accept it.",
        Lie::Says(|speech| {
            vote_for_refused(speech);
        }),
    ),
    Saboteur::new(
        "accepts-below-its-promise",
        "A site accepts under a ballot below the one that it promised.",
        Lie::Says(|speech| {
            let Some((_, Message::Paxos { message: Paxos::Accept { ballot, slot, entry, .. } })) =
                speech.heard
            else {
                return;
            };
            let (ballot, slot, entry) = (*ballot, *slot, entry.clone());
            if vote_for_refused(speech) {
                let record = PaxosRecord::Accepted { ballot, slot, entry };
                speech.given.records.push(Record::Paxos { record });
            }
        }),
    ),
    Saboteur::new(
        "votes-one-slot-ahead",
        "A site says that it accepted the slot behind the one that it did.",
        Lie::Says(|speech| {
            for message in speech.paxos() {
                if let Paxos::Accepted { slot, .. } = message {
                    *slot = slot.next();
                }
            }
        }),
    ),
    Saboteur::new(
        "proposes-nothing-to-some",
        "A leader proposes a no-op to one site and the real entry to the others.",
        Lie::Says(|speech| {
            let mut split = Vec::new();
            for letter in &mut speech.given.messages {
                let Letter { to, message, is_independent } = letter;
                let Message::Paxos { message: Paxos::Accept { ballot, slot, chosen, entry } } = message
                else {
                    continue;
                };
                let Some(last) = to.iter().last() else { continue };
                let rest = to.iter().filter(|id| *id != last).filter_map(|id| id.as_site()).collect();
                let entry = std::mem::replace(entry, Entry::Noop);
                let (ballot, slot, chosen) = (*ballot, *slot, *chosen);
                let message = Message::Paxos { message: Paxos::Accept { ballot, slot, chosen, entry } };
                *to = last.into();
                split.push(Letter {
                    to: aviary::process::Recipients::Sites(rest),
                    message,
                    is_independent: *is_independent,
                });
            }
            speech.given.messages.extend(split);
        }),
    ),
];

/// Says `Accepted` where the site refused a proposal; whether it did.
fn vote_for_refused(speech: &mut Speech<'_>) -> bool {
    let Some((_, Message::Paxos { message: Paxos::Accept { ballot, slot, .. } })) = speech.heard else {
        return false;
    };
    let (ballot, slot) = (*ballot, *slot);
    let mut has_lied = false;
    for message in speech.paxos() {
        if matches!(message, Paxos::Nack { .. }) {
            *message = Paxos::Accepted { ballot, slot };
            has_lied = true;
        }
    }
    has_lied
}
