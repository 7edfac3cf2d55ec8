//! Sites that tell clients what is not so, and clients that forget or tell their users what is not so.

use aviary::process::Label;
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Message, Note, Reply, RequestId};
use aviary::tweets::timeline::{Page, Position, TimelineOutcome, TimelineReply};

use super::Saboteur;
use super::liar::{Lie, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "acknowledges-what-it-took",
        "A client is told that its request is in the log when it is merely in the queue.",
        Lie::Says(|speech| {
            let at = Position { slot: speech.site.replica().applied().0, index: 0 };
            for message in messages(speech) {
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
        "A client whose request took effect is told that its session expired.",
        Lie::Says(|speech| {
            for message in messages(speech) {
                if let Message::Applied { id: id @ RequestId::Execute { .. }, .. } = *message {
                    *message = Message::Expired { id, is_undone: false };
                }
            }
        }),
    ),
    Saboteur::new(
        "answers-from-elsewhere",
        "A client is told of the right answer at the wrong position.",
        Lie::Says(|speech| {
            for message in messages(speech) {
                if let Message::Applied { at, .. } = message {
                    at.index += 1;
                }
            }
        }),
    ),
    Saboteur::new(
        "hides-the-newest",
        "A page lacks its newest tweet.",
        Lie::Says(|speech| {
            for page in pages(speech) {
                if !page.tweets.is_empty() {
                    page.tweets.remove(0);
                }
            }
        }),
    ),
    Saboteur::new(
        "reads-all-for-each-tweet",
        "A site that is asked for anything reads its whole timeline once for each tweet.",
        Lie::Hears(|hearing| {
            let timeline = hearing.site.machine();
            if let Message::Query { .. } = hearing.message {
                timeline.tweets().for_each(|_| timeline.tweets().for_each(drop));
            }
        }),
    ),
    Saboteur::new(
        "shows-an-old-page",
        "A site answers every view with the first page that it ever showed.",
        Lie::Says(|speech| {
            let Speech { given, memory, .. } = speech;
            for letter in &mut given.messages {
                let Message::Told { reply: reply @ Reply::Of(TimelineReply::View { .. }), .. } =
                    &mut letter.message
                else {
                    continue;
                };
                match memory.kept.first() {
                    Some(Message::Told { reply: old, .. }) => *reply = old.clone(),
                    _ => memory.kept.push(letter.message.clone()),
                }
            }
        }),
    ),
    Saboteur::new(
        "answers-though-behind",
        "A site answers from what it knows, whatever the client has seen elsewhere.",
        Lie::Hears(|hearing| {
            if let Message::Query { seen, .. } = hearing.message {
                *seen = Slot(0);
            }
        }),
    ),
    Saboteur::new(
        "tells-a-later-slot",
        "A site says that it has applied more than it has.",
        Lie::Says(|speech| {
            for message in messages(speech) {
                if let Message::Told { applied, .. } | Message::Behind { applied, .. } = message {
                    *applied = applied.next();
                }
            }
        }),
    ),
    Saboteur::new(
        "tells-half-the-list",
        "Lists that a site tells lack their last item.",
        Lie::Says(|speech| {
            for message in messages(speech) {
                match message {
                    Message::Told { reply: Reply::Log { lines, .. }, .. } => {
                        lines.pop();
                    }
                    Message::Told { reply: Reply::Of(TimelineReply::Blocks { blocks, .. }), .. } => {
                        blocks.pop();
                    }
                    _ => {}
                }
            }
        }),
    ),
    Saboteur::new(
        "leaves-clients-waiting",
        "A site never says that it is busy, behind or without a session.",
        Lie::Says(|speech| {
            let is_bad_news = |kind: &str| ["Busy", "Behind", "Expired"].contains(&kind);
            speech.given.messages.retain(|letter| !is_bad_news(letter.message.kind()));
        }),
    ),
    Saboteur::new(
        "client-shows-an-old-page",
        "A client shows its user, for every linearizable view, the first page that it got.",
        Lie::Tells(|note, memory| {
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
        "A client does not tell the sites what it has seen.",
        Lie::Asks(|message, _| {
            if let Message::Query { seen, .. } = message {
                *seen = Slot(0);
            }
        }),
    ),
];

fn messages<'a>(speech: &'a mut Speech<'_>) -> impl Iterator<Item = &'a mut Message> {
    speech.given.messages.iter_mut().map(|letter| &mut letter.message)
}

pub(super) fn pages<'a>(speech: &'a mut Speech<'_>) -> impl Iterator<Item = &'a mut Page> {
    messages(speech).filter_map(|message| match message {
        Message::Told { reply: Reply::Of(TimelineReply::View { page }), .. }
        | Message::Applied { answer: Answer::Of(TimelineOutcome::Viewed { page }), .. } => Some(page),
        _ => None,
    })
}
