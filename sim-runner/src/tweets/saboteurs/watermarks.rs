//! Sites that report more as chosen than is chosen.

use aviary::replicated::paxos::Slot;

use super::Saboteur;
use super::liar::{Lie, Paxos, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "leader-inflates",
        "A leader's watermark covers proposals that no site has accepted yet.",
        Lie::SiteOutput(|output| {
            let end = output.site.log().end();
            inflate(output, end, |message| {
                matches!(message, Paxos::Heartbeat { .. } | Paxos::Chosen { .. } | Paxos::Accept { .. })
            });
        }),
    ),
    Saboteur::new(
        "follower-inflates",
        "A follower's watermark covers what it has only accepted.",
        Lie::SiteOutput(|output| {
            let end = output.site.log().end();
            inflate(output, end, |message| {
                matches!(message, Paxos::HeartbeatReply { .. } | Paxos::Nack { .. })
            });
        }),
    ),
    Saboteur::new(
        "promise-inflates",
        "A promise says that everything that its site accepted is chosen.",
        Lie::SiteOutput(|output| {
            let end = output.site.log().end();
            inflate(output, end, |message| matches!(message, Paxos::Promise(_)));
        }),
    ),
    Saboteur::new(
        "never-says-what-is-chosen",
        "A leader's watermark stays at the beginning of the log.",
        Lie::SiteOutput(|output| {
            for message in output.paxos() {
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

fn inflate(output: &mut SiteOutput<'_>, end: Slot, is_inflated: impl Fn(&Paxos) -> bool) {
    for message in output.paxos().filter(|message| is_inflated(message)) {
        match message {
            Paxos::Accept { chosen, .. }
            | Paxos::Chosen { chosen, .. }
            | Paxos::Nack { chosen, .. }
            | Paxos::Heartbeat { chosen, .. }
            | Paxos::HeartbeatReply { chosen, .. }
            | Paxos::SurveyReply { chosen, .. }
            | Paxos::FetchReply { chosen, .. } => *chosen = end.max(*chosen),
            Paxos::Promise(promise) => {
                promise.chosen = promise.end;
                promise.reports.clear();
                (promise.from, promise.to) = (promise.end, promise.end);
            }
            Paxos::Prepare { .. } | Paxos::Accepted { .. } | Paxos::Fetch { .. } | Paxos::Survey { .. } => {}
        }
    }
}
