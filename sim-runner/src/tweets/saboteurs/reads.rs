//! Sites that read too early or from too few sites, and clients that show another reading.

use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Message, Note, Query, RequestId};
use aviary::tweets::timeline::{Position, TimelineOutcome, TimelineQuery, TimelineReply};

use super::Saboteur;
use super::liar::{Lie, LieMemory, Paxos, SiteInput, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "reads-alone",
        "A site answers a quorum view from what it has applied, without asking a quorum.",
        Lie::SiteInput(|input| {
            if let Message::Query { query, .. } = input.message
                && let Query::Of(TimelineQuery::QuorumView { view }) = query
            {
                *query = Query::Of(TimelineQuery::View { view: view.clone() });
            }
        }),
    ),
    Saboteur::new(
        "measures-what-is-chosen",
        "A site answers a survey with how far it knows its log to be chosen, instead of how far its log reaches.",
        Lie::SiteOutput(|output| {
            for message in output.paxos() {
                if let Paxos::SurveyReply { end, chosen, .. } = message {
                    *end = *chosen;
                }
            }
        }),
    ),
    Saboteur::new(
        "counts-earlier-answers",
        "A site counts late answers to its earlier surveys.",
        Lie::SiteInputAndOutput(take_for_the_last, remember_survey),
    ),
    Saboteur::new(
        "surveys-alike-in-every-life",
        "A site numbers its surveys the same way in each of its lives.",
        Lie::SiteInputAndOutput(take_for_this_life, forget_the_life),
    ),
    Saboteur::new(
        "waits-in-silence",
        "A site that waits for open slots does not report them to the leader.",
        Lie::SiteOutput(|output| {
            for message in output.paxos() {
                if let Paxos::Survey { reach, .. } = message {
                    *reach = Slot(0);
                }
            }
        }),
    ),
    Saboteur::new(
        "client-shows-an-old-reading",
        "A client shows its user the first page that it got for every quorum view.",
        Lie::ClientNotes(show_the_first),
    ),
];

/// Keeps the last survey that it sent.
fn remember_survey(output: &mut SiteOutput<'_>) {
    let SiteOutput { given, memory, .. } = output;
    for letter in &given.messages {
        if let Message::Paxos { message: Paxos::Survey { .. } } = &letter.message {
            memory.kept = vec![letter.message.clone()];
        }
    }
}

fn take_for_the_last(input: &mut SiteInput<'_>) {
    if let Message::Paxos { message: Paxos::SurveyReply { id, .. } } = input.message
        && let Some(Message::Paxos { message: Paxos::Survey { id: last, .. } }) = input.memory.kept.first()
    {
        *id = *last;
    }
}

/// Claims that this is the first incarnation, and keeps the true one.
fn forget_the_life(output: &mut SiteOutput<'_>) {
    remember_survey(output);
    for message in output.paxos() {
        if let Paxos::Survey { id, .. } = message {
            id.incarnation = 1;
        }
    }
}

fn take_for_this_life(input: &mut SiteInput<'_>) {
    if let Message::Paxos { message: Paxos::SurveyReply { id, .. } } = input.message
        && let Some(Message::Paxos { message: Paxos::Survey { id: last, .. } }) = input.memory.kept.first()
    {
        id.incarnation = last.incarnation;
    }
}

fn show_the_first(note: &mut Note, memory: &mut LieMemory) {
    let Note::QuorumReply(_, _, _, _, TimelineReply::View { page }) = note else { return };
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
