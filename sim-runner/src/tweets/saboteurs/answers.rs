//! Sites that give clients false answers, and clients that forget or give their users false answers.

use aviary::process::Label;
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Message, Note, Reply, RequestId};
use aviary::tweets::timeline::{Page, Position, TimelineOutcome, TimelineReply};

use super::Saboteur;
use super::liar::{Lie, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "acknowledges-what-it-took",
        "A site answers that a request is in the log when the request is only in the queue.",
        Lie::SiteOutput(|output| {
            let at = Position { slot: output.site.replica().applied().0, index: 0 };
            for message in messages(output) {
                if let Message::Taken { id } = *message {
                    let answer = match id {
                        RequestId::Open { .. } => Answer::Opened,
                        RequestId::Execute { .. } => Answer::Of(TimelineOutcome::Done),
                    };
                    *message = Message::Applied { id, at, answer };
                }
            }
        }),
    ),
    Saboteur::new(
        "expires-live-sessions",
        "A site answers a client whose request took effect that its session expired.",
        Lie::SiteOutput(|output| {
            for message in messages(output) {
                if let Message::Applied { id: id @ RequestId::Execute { .. }, .. } = *message {
                    *message = Message::Expired { id, is_undone: false };
                }
            }
        }),
    ),
    Saboteur::new(
        "answers-from-elsewhere",
        "A site sends the right answer with the wrong position.",
        Lie::SiteOutput(|output| {
            for message in messages(output) {
                if let Message::Applied { at, .. } = message {
                    at.index += 1;
                }
            }
        }),
    ),
    Saboteur::new(
        "hides-the-newest",
        "A page lacks its newest tweet.",
        Lie::SiteOutput(|output| {
            for page in pages(output) {
                if !page.tweets.is_empty() {
                    page.tweets.remove(0);
                }
            }
        }),
    ),
    Saboteur::new(
        "reads-all-for-each-tweet",
        "A site reads its whole timeline once per tweet for every query.",
        Lie::SiteInput(|input| {
            let timeline = input.site.machine();
            if let Message::Query { .. } = input.message {
                timeline.tweets().for_each(|_| timeline.tweets().for_each(drop));
            }
        }),
    ),
    Saboteur::new(
        "shows-an-old-page",
        "A site answers every view with the first page that it ever showed.",
        Lie::SiteOutput(|output| {
            let SiteOutput { given, memory, .. } = output;
            for letter in &mut given.messages {
                let Message::QueryReply { reply: reply @ Reply::Of(TimelineReply::View { .. }), .. } =
                    &mut letter.message
                else {
                    continue;
                };
                match memory.kept.first() {
                    Some(Message::QueryReply { reply: old, .. }) => *reply = old.clone(),
                    _ => memory.kept.push(letter.message.clone()),
                }
            }
        }),
    ),
    Saboteur::new(
        "answers-though-behind",
        "A site answers from what it knows, even if the client has seen more elsewhere.",
        Lie::SiteInput(|input| {
            if let Message::Query { seen, .. } = input.message {
                *seen = Slot(0);
            }
        }),
    ),
    Saboteur::new(
        "tells-a-later-slot",
        "A site reports that it has applied more than it has.",
        Lie::SiteOutput(|output| {
            for message in messages(output) {
                if let Message::QueryReply { applied, .. } | Message::Behind { applied, .. } = message {
                    *applied = applied.next();
                }
            }
        }),
    ),
    Saboteur::new(
        "tells-half-the-list",
        "A site omits the last item of every list that it sends.",
        Lie::SiteOutput(|output| {
            for message in messages(output) {
                match message {
                    Message::QueryReply { reply: Reply::Log { lines, .. }, .. } => {
                        lines.pop();
                    }
                    Message::QueryReply {
                        reply: Reply::Of(TimelineReply::Blocks { blocks, .. }), ..
                    } => {
                        blocks.pop();
                    }
                    _ => {}
                }
            }
        }),
    ),
    Saboteur::new(
        "leaves-clients-waiting",
        "A site never answers that it is busy, behind or without a session.",
        Lie::SiteOutput(|output| {
            let is_bad_news = |kind: &str| ["Busy", "Behind", "Expired"].contains(&kind);
            output.given.messages.retain(|letter| !is_bad_news(letter.message.kind()));
        }),
    ),
    Saboteur::new(
        "client-shows-an-old-page",
        "A client shows its user the first page that it got for every log view.",
        Lie::ClientNotes(|note, memory| {
            let Note::Done(_, _, answer @ Answer::Of(TimelineOutcome::Viewed { .. })) = note else { return };
            match memory.kept.first() {
                Some(Message::Applied { answer: old, .. }) => *answer = old.clone(),
                _ => {
                    let (id, at) = (RequestId::Open { nonce: 0 }, Position::default());
                    memory.kept.push(Message::Applied { id, at, answer: answer.clone() });
                }
            }
        }),
    ),
    Saboteur::new(
        "client-forgets-what-it-saw",
        "A client does not report to sites what it has seen.",
        Lie::ClientOutput(|message, _| {
            if let Message::Query { seen, .. } = message {
                *seen = Slot(0);
            }
        }),
    ),
];

fn messages<'a>(output: &'a mut SiteOutput<'_>) -> impl Iterator<Item = &'a mut Message> {
    output.given.messages.iter_mut().map(|letter| &mut letter.message)
}

pub(super) fn pages<'a>(output: &'a mut SiteOutput<'_>) -> impl Iterator<Item = &'a mut Page> {
    messages(output).filter_map(|message| match message {
        Message::QueryReply { reply: Reply::Of(TimelineReply::View { page }), .. }
        | Message::Applied { answer: Answer::Of(TimelineOutcome::Viewed { page }), .. } => Some(page),
        _ => None,
    })
}
