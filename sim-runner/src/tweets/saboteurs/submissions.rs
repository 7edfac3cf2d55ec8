//! Sites that spoil the order and the numbers of the submissions that they took.

use std::mem;
use std::sync::Arc;

use aviary::process::{Label, Letter};
use aviary::replicated::paxos::Entry;
use aviary::tweets::site::{Message, Number, Record, Submission};

use super::Saboteur;
use super::liar::{Lie, Paxos, PaxosRecord, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "former-leader-forwards-nothing",
        "A site that has lost its lead never forwards anything to another leader.",
        Lie::SiteOutput(|output| {
            if output.given.notes.iter().any(|note| ["deposed", "lost quorum"].contains(&note.kind())) {
                output.memory.seen.insert(("led", 0));
            }
            if output.memory.seen.contains(&("led", 0)) {
                output.withhold("Forward");
            }
        }),
    ),
    Saboteur::new(
        "submits-twice",
        "A site forwards every request a second time, under the next number.",
        Lie::SiteOutput(|output| {
            let mut doubled = Vec::new();
            for letter in &output.given.messages {
                if let Message::Forward { submission } = &letter.message {
                    let after = submission.number;
                    let number = Number { count: after.count + 1, ..after };
                    let submission = Arc::new(Submission { number, after, ..Submission::clone(submission) });
                    doubled.push(Letter { message: Message::Forward { submission }, ..letter.clone() });
                }
            }
            output.given.messages.extend(doubled);
        }),
    ),
    Saboteur::new(
        "names-no-predecessor",
        "A site's submissions do not name their predecessor.",
        Lie::SiteOutput(|output| renumber(output, |submission| submission.after = Number::default())),
    ),
    Saboteur::new(
        "numbers-all-alike",
        "A site gives the number 1 of its life to every submission.",
        Lie::SiteOutput(|output| {
            renumber(output, |submission| {
                submission.number.count = 1;
                submission.after = Number::default();
            });
        }),
    ),
    Saboteur::new(
        "forwards-once",
        "A site forwards a request to the leader once and never again.",
        Lie::SiteOutput(|output| output.send_once("Forward")),
    ),
    Saboteur::new(
        "hands-over-the-wrong-way-round",
        "A site that forwards requests again swaps the numbers of the first two.",
        Lie::SiteOutput(|output| {
            let SiteOutput { given, memory, .. } = output;
            let mut again = Vec::new();
            for letter in &mut given.messages {
                if let Message::Forward { submission } = &mut letter.message
                    && !memory.seen.insert(("Forward", submission.number.count))
                {
                    again.push(Arc::make_mut(submission));
                }
            }
            if let [first, second, ..] = again.as_mut_slice() {
                mem::swap(&mut first.request, &mut second.request);
            }
        }),
    ),
];

/// Changes the site's own submissions wherever they leave it: on their way to the disk, to the leader, and as the leader
/// to the other sites.
fn renumber(output: &mut SiteOutput<'_>, change: impl Fn(&mut Submission)) {
    let me = output.me;
    let change = |submission: &mut Arc<Submission>| {
        if submission.origin == me {
            change(Arc::make_mut(submission));
        }
    };
    let change_all = |entry: &mut Entry<Arc<Submission>>| {
        let mut values = entry.values().to_vec();
        values.iter_mut().for_each(change);
        *entry = Entry::of(values);
    };
    for record in &mut output.given.records {
        match record {
            Record::Taken { submission } => change(submission),
            Record::Paxos {
                record: PaxosRecord::Accepted { entry, .. } | PaxosRecord::Learned { entry, .. },
            } => {
                change_all(entry);
            }
            Record::Paxos { .. } => {}
        }
    }
    for letter in &mut output.given.messages {
        match &mut letter.message {
            Message::Forward { submission } => change(submission),
            Message::Paxos { message: Paxos::Accept { entry, .. } | Paxos::FetchReply { entry, .. } } => {
                change_all(entry);
            }
            Message::Paxos { message: Paxos::Promise(promise) } => {
                promise.reports.iter_mut().for_each(|report| change_all(&mut report.entry));
            }
            _ => {}
        }
    }
}
