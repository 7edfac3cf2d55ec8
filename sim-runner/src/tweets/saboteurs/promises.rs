//! Sites whose promises are incomplete or false.

use aviary::ids::ProcessId;
use aviary::replicated::paxos::{Ballot, Promise};
use aviary::tweets::site::Message;

use super::Saboteur;
use super::liar::{Lie, Paxos, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "reports-nothing",
        "A promise leaves out everything that its site accepted.",
        Lie::SiteOutput(|output| {
            for promise in promises(output) {
                promise.reports.clear();
            }
        }),
    ),
    Saboteur::new(
        "reports-not-the-last",
        "A promise leaves out the last slot that its site accepted.",
        Lie::SiteOutput(|output| {
            for promise in promises(output) {
                if let Some(last) = promise.reports.pop() {
                    (promise.to, promise.end) = (promise.to.min(last.slot), promise.end.min(last.slot));
                }
            }
        }),
    ),
    Saboteur::new(
        "first-part-is-whole",
        "The first part of a promise says that nothing follows, and no other part is sent.",
        Lie::SiteOutput(|output| {
            let mut parts = 0;
            output.given.messages.retain(|letter| {
                let is_part = matches!(letter.message, Message::Paxos { message: Paxos::Promise(_) });
                parts += u32::from(is_part);
                !is_part || parts == 1
            });
            for promise in promises(output) {
                promise.end = promise.to;
            }
        }),
    ),
    Saboteur::new(
        "reports-the-wrong-ballot",
        "A promise reports every accept under the lowest ballot.",
        Lie::SiteOutput(|output| {
            for promise in promises(output) {
                for report in &mut promise.reports {
                    report.ballot = report.ballot.map(|ballot| Ballot { round: 1, ..ballot });
                }
            }
        }),
    ),
    Saboteur::new(
        "reports-as-chosen",
        "A promise reports as chosen what its site only accepted.",
        Lie::SiteOutput(|output| {
            for promise in promises(output) {
                promise.reports.iter_mut().for_each(|report| report.ballot = None);
            }
        }),
    ),
    Saboteur::new(
        "promises-to-everybody",
        "A site that has promised a higher ballot promises a lower one too.",
        Lie::SiteOutput(|output| {
            let Some((ProcessId::Site(_), Message::Paxos { message: Paxos::Prepare { ballot, first } })) =
                output.received
            else {
                return;
            };
            let (ballot, first) = (*ballot, *first);
            for message in output.paxos() {
                if let Paxos::Nack { chosen, .. } = *message {
                    let (from, end) = (first.max(chosen), first.max(chosen));
                    let (sync, reports) = (0, Vec::new());
                    *message = Paxos::Promise(Promise { ballot, from, to: end, end, chosen, sync, reports });
                }
            }
        }),
    ),
];

fn promises<'a>(
    output: &'a mut SiteOutput<'_>,
) -> impl Iterator<Item = &'a mut Promise<std::sync::Arc<aviary::tweets::site::Submission>>> {
    output.paxos().filter_map(|message| match message {
        Paxos::Promise(promise) => Some(promise),
        _ => None,
    })
}
