//! Sites that spoil the order and number of what they took.

use std::mem;
use std::sync::Arc;

use aviary::process::{Label, Letter};
use aviary::tweets::site::{Message, Number, Record, Submission};

use super::Saboteur;
use super::liar::{Lie, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "former-leader-forwards-nothing",
        "A site that led and does no longer never hands anything over to another.",
        Lie::Says(|speech| {
            if speech.given.notes.iter().any(|note| ["deposed", "lost quorum"].contains(&note.kind())) {
                speech.memory.said.insert(("led", 0));
            }
            if speech.memory.said.contains(&("led", 0)) {
                speech.withhold("Forward");
            }
        }),
    ),
    Saboteur::new(
        "submits-twice",
        "A site hands every request to the leader a second time, under the next number.",
        Lie::Says(|speech| {
            let mut doubled = Vec::new();
            for letter in &speech.given.messages {
                if let Message::Forward { submission } = &letter.message {
                    let after = submission.number;
                    let number = Number { count: after.count + 1, ..after };
                    let submission = Arc::new(Submission { number, after, ..Submission::clone(submission) });
                    doubled.push(Letter { message: Message::Forward { submission }, ..letter.clone() });
                }
            }
            speech.given.messages.extend(doubled);
        }),
    ),
    Saboteur::new(
        "names-no-predecessor",
        "A site's submissions do not name the one before them.",
        Lie::Says(|speech| renumber(speech, |submission| submission.after = Number::default())),
    ),
    Saboteur::new(
        "numbers-all-alike",
        "A site gives all that it takes the number 1 of its life.",
        Lie::Says(|speech| {
            renumber(speech, |submission| {
                submission.number.count = 1;
                submission.after = Number::default();
            });
        }),
    ),
    Saboteur::new(
        "forwards-once",
        "A site hands a request to the leader once and never again.",
        Lie::Says(|speech| speech.say_once("Forward")),
    ),
    Saboteur::new(
        "hands-over-the-wrong-way-round",
        "A site that hands requests to the leader again gives the first two the number of each other.",
        Lie::Says(|speech| {
            let Speech { given, memory, .. } = speech;
            let mut again = Vec::new();
            for letter in &mut given.messages {
                if let Message::Forward { submission } = &mut letter.message
                    && !memory.said.insert(("Forward", submission.number.count))
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

/// Changes its own submissions on their way to the disk and to the leader.
fn renumber(speech: &mut Speech<'_>, change: impl Fn(&mut Submission)) {
    let change = |submission: &mut Arc<Submission>| change(Arc::make_mut(submission));
    for record in &mut speech.given.records {
        if let Record::Taken { submission } = record {
            change(submission);
        }
    }
    for letter in &mut speech.given.messages {
        if let Message::Forward { submission } = &mut letter.message {
            change(submission);
        }
    }
}
