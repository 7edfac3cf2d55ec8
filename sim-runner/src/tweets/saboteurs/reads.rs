//! Sites that read too early or from too little, and clients that show another reading.

use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Message, Note, Query, RequestId};
use aviary::tweets::timeline::{Position, TimelineOutcome, TimelineQuery, TimelineReply};

use super::Saboteur;
use super::liar::{Hearing, Lie, LieMemory, Paxos, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "reads-alone",
        "A site shows a fresh view from what it has applied, and asks nobody.",
        Lie::Hears(|hearing| {
            if let Message::Query { query, .. } = hearing.message
                && let Query::Of(TimelineQuery::Fresh { view }) = query
            {
                *query = Query::Of(TimelineQuery::View { view: view.clone() });
            }
        }),
    ),
    Saboteur::new(
        "measures-what-is-chosen",
        "A site that is asked how far its log reaches tells how far it knows it to be chosen.",
        Lie::Says(|speech| {
            for message in speech.paxos() {
                if let Paxos::Extent { end, chosen, .. } = message {
                    *end = *chosen;
                }
            }
        }),
    ),
    Saboteur::new(
        "counts-earlier-answers",
        "A site counts what others answered to its earlier surveys.",
        Lie::HearsAndSays(take_for_the_last, remember_survey),
    ),
    Saboteur::new(
        "surveys-alike-in-every-life",
        "The surveys of a site bear the same numbers in each of its lives.",
        Lie::HearsAndSays(take_for_this_life, forget_the_life),
    ),
    Saboteur::new(
        "waits-in-silence",
        "A site that waits for slots does not tell the leader, who may know of nothing there.",
        Lie::Says(|speech| {
            for message in speech.paxos() {
                if let Paxos::Survey { reach, .. } = message {
                    *reach = Slot(0);
                }
            }
        }),
    ),
    Saboteur::new(
        "client-shows-an-old-reading",
        "A client shows its user, for every fresh view, the first page that it got.",
        Lie::Tells(show_the_first),
    ),
];

/// Keeps the last survey that it sent.
fn remember_survey(speech: &mut Speech<'_>) {
    let Speech { given, memory, .. } = speech;
    for letter in &given.messages {
        if let Message::Paxos { message: Paxos::Survey { .. } } = &letter.message {
            memory.kept = vec![letter.message.clone()];
        }
    }
}

fn take_for_the_last(hearing: &mut Hearing<'_>) {
    if let Message::Paxos { message: Paxos::Extent { id, .. } } = hearing.message
        && let Some(Message::Paxos { message: Paxos::Survey { id: last, .. } }) = hearing.memory.kept.first()
    {
        *id = *last;
    }
}

/// Says that it is the first life, and keeps which it is.
fn forget_the_life(speech: &mut Speech<'_>) {
    remember_survey(speech);
    for message in speech.paxos() {
        if let Paxos::Survey { id, .. } = message {
            id.incarnation = 1;
        }
    }
}

fn take_for_this_life(hearing: &mut Hearing<'_>) {
    if let Message::Paxos { message: Paxos::Extent { id, .. } } = hearing.message
        && let Some(Message::Paxos { message: Paxos::Survey { id: last, .. } }) = hearing.memory.kept.first()
    {
        id.incarnation = last.incarnation;
    }
}

fn show_the_first(note: &mut Note, memory: &mut LieMemory) {
    let Note::Shown(_, _, _, _, TimelineReply::View { page }) = note else { return };
    match memory.kept.first() {
        Some(Message::Applied { answer: Answer::Of(TimelineOutcome::Viewed { page: first }), .. }) => {
            *page = first.clone()
        }
        _ => {
            let (id, at) = (RequestId::Open { nonce: 0 }, Position::default());
            memory.kept.push(Message::Applied {
                id,
                at,
                answer: Answer::Of(TimelineOutcome::Viewed { page: page.clone() }),
            });
        }
    }
}
