//! Sites that say that more is chosen than is.

use aviary::replicated::paxos::Slot;

use super::Saboteur;
use super::liar::{Lie, Paxos, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "leader-inflates",
        "A leader's watermark covers what it has proposed and nobody has accepted yet.",
        Lie::Says(|speech| {
            let end = speech.site.log().end();
            inflate(speech, end, |message| {
                matches!(message, Paxos::Heartbeat { .. } | Paxos::Chosen { .. } | Paxos::Accept { .. })
            });
        }),
    ),
    Saboteur::new(
        "follower-inflates",
        "A follower's watermark covers what it has merely accepted.",
        Lie::Says(|speech| {
            let end = speech.site.log().end();
            inflate(speech, end, |message| matches!(message, Paxos::Heard { .. } | Paxos::Nack { .. }));
        }),
    ),
    Saboteur::new(
        "promise-inflates",
        "A promise says that everything that its site accepted is chosen.",
        Lie::Says(|speech| {
            let end = speech.site.log().end();
            inflate(speech, end, |message| matches!(message, Paxos::Promise(_)));
        }),
    ),
    Saboteur::new(
        "never-says-what-is-chosen",
        "A leader's watermark stays at the beginning.",
        Lie::Says(|speech| {
            for message in speech.paxos() {
                if let Paxos::Heartbeat { chosen, .. }
                | Paxos::Chosen { chosen, .. }
                | Paxos::Accept { chosen, .. } = message
                {
                    *chosen = Slot(0);
                }
            }
        }),
    ),
];

fn inflate(speech: &mut Speech<'_>, end: Slot, is_inflated: impl Fn(&Paxos) -> bool) {
    for message in speech.paxos().filter(|message| is_inflated(message)) {
        match message {
            Paxos::Accept { chosen, .. }
            | Paxos::Chosen { chosen, .. }
            | Paxos::Nack { chosen, .. }
            | Paxos::Heartbeat { chosen, .. }
            | Paxos::Heard { chosen, .. }
            | Paxos::Extent { chosen, .. }
            | Paxos::Supply { chosen, .. } => *chosen = end.max(*chosen),
            Paxos::Promise(promise) => {
                promise.chosen = promise.end;
                promise.reports.clear();
                (promise.from, promise.to) = (promise.end, promise.end);
            }
            Paxos::Prepare { .. } | Paxos::Accepted { .. } | Paxos::Fetch { .. } | Paxos::Survey { .. } => {}
        }
    }
}
