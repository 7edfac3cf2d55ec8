//! Sites that say something else of their log than they have, or look away where others have another.

use aviary::replicated::paxos::{Claim, Digest};
use aviary::tweets::site::{Message, Reply};

use super::Saboteur;
use super::liar::{Lie, Paxos};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "tells-another-digest",
        "Site 1 says of its log another digest than it has, whomever it tells.",
        Lie::Says(|speech| {
            if speech.me.number() == 1 {
                speech.given.messages.iter_mut().for_each(|letter| alter(&mut letter.message));
            }
        }),
    ),
    Saboteur::new(
        "compares-no-logs",
        "What others say of their logs is not looked at.",
        Lie::Hears(|hearing| match hearing.message {
            Message::Paxos { message: Paxos::Heartbeat { applied, .. } | Paxos::Heard { applied, .. } } => {
                *applied = Claim::default();
            }
            Message::Compare { claim } | Message::Compared { claim } => *claim = Claim::default(),
            _ => {}
        }),
    ),
    Saboteur::new(
        "goes-on-though-outvoted",
        "A site that has another log than a quorum goes on.",
        Lie::Says(|speech| speech.given.stop = None),
    ),
];

fn alter(message: &mut Message) {
    let digest = match message {
        Message::Paxos { message: Paxos::Heartbeat { applied, .. } | Paxos::Heard { applied, .. } } => {
            &mut applied.digest
        }
        Message::Compare { claim } | Message::Compared { claim } => &mut claim.digest,
        Message::Told { reply: Reply::Status { status }, .. } => &mut status.digest,
        _ => return,
    };
    *digest = Digest(digest.0 ^ 1);
}
