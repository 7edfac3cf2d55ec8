//! Sites whose promises are not the whole truth.

use aviary::ids::ProcessId;
use aviary::replicated::paxos::{Ballot, Promise};
use aviary::tweets::site::Message;

use super::Saboteur;
use super::liar::{Lie, Paxos, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "reports-nothing",
        "A promise leaves out everything that its site accepted.",
        Lie::Says(|speech| {
            for promise in promises(speech) {
                promise.reports.clear();
            }
        }),
    ),
    Saboteur::new(
        "reports-not-the-last",
        "A promise leaves out the last slot that its site accepted, as though nothing were there.",
        Lie::Says(|speech| {
            for promise in promises(speech) {
                if let Some(last) = promise.reports.pop() {
                    (promise.to, promise.end) = (promise.to.min(last.slot), promise.end.min(last.slot));
                }
            }
        }),
    ),
    Saboteur::new(
        "first-part-is-whole",
        "The first part of a promise says that nothing follows, and nothing does.",
        Lie::Says(|speech| {
            let mut parts = 0;
            speech.given.messages.retain(|letter| {
                let is_part = matches!(letter.message, Message::Paxos { message: Paxos::Promise(_) });
                parts += u32::from(is_part);
                !is_part || parts == 1
            });
            for promise in promises(speech) {
                promise.end = promise.to;
            }
        }),
    ),
    Saboteur::new(
        "reports-the-wrong-ballot",
        "A promise reports accepts as those of the lowest ballot.",
        Lie::Says(|speech| {
            for promise in promises(speech) {
                for report in &mut promise.reports {
                    report.ballot = report.ballot.map(|ballot| Ballot { round: 1, ..ballot });
                }
            }
        }),
    ),
    Saboteur::new(
        "reports-as-chosen",
        "A promise reports as chosen what its site merely accepted.",
        Lie::Says(|speech| {
            for promise in promises(speech) {
                promise.reports.iter_mut().for_each(|report| report.ballot = None);
            }
        }),
    ),
    Saboteur::new(
        "promises-to-everybody",
        "A site that has promised a higher ballot promises the lower one too.",
        Lie::Says(|speech| {
            let Some((ProcessId::Site(_), Message::Paxos { message: Paxos::Prepare { ballot, first } })) =
                speech.heard
            else {
                return;
            };
            let (ballot, first) = (*ballot, *first);
            for message in speech.paxos() {
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
    speech: &'a mut Speech<'_>,
) -> impl Iterator<Item = &'a mut Promise<std::sync::Arc<aviary::tweets::site::Submission>>> {
    speech.paxos().filter_map(|message| match message {
        Paxos::Promise(promise) => Some(promise),
        _ => None,
    })
}
