//! Sites that report a log other than their own, or ignore that other sites have another log.

use aviary::replicated::paxos::{Claim, Digest};
use aviary::tweets::site::{Message, Reply};

use super::Saboteur;
use super::liar::{Lie, Paxos};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "tells-another-digest",
        "Site 1 reports a wrong digest of its log to everybody.",
        Lie::SiteOutput(|output| {
            if output.me.number() == 1 {
                output.given.messages.iter_mut().for_each(|letter| alter(&mut letter.message));
            }
        }),
    ),
    Saboteur::new(
        "compares-no-logs",
        "A site ignores what others report about their logs.",
        Lie::SiteInput(|input| match input.message {
            Message::Paxos {
                message: Paxos::Heartbeat { applied, .. } | Paxos::HeartbeatReply { applied, .. },
            } => {
                *applied = Claim::default();
            }
            Message::Compare { claim } | Message::CompareReply { claim } => *claim = Claim::default(),
            _ => {}
        }),
    ),
    Saboteur::new(
        "goes-on-though-outvoted",
        "A site whose log differs from a quorum goes on.",
        Lie::SiteOutput(|output| output.given.stop = None),
    ),
];

fn alter(message: &mut Message) {
    let digest = match message {
        Message::Paxos {
            message: Paxos::Heartbeat { applied, .. } | Paxos::HeartbeatReply { applied, .. },
        } => &mut applied.digest,
        Message::Compare { claim } | Message::CompareReply { claim } => &mut claim.digest,
        Message::QueryReply { reply: Reply::Status { status }, .. } => &mut status.digest,
        _ => return,
    };
    *digest = Digest(digest.0 ^ 1);
}
