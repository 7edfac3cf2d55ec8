//! Sites that take limits, pages and lists of blocks for what they are not, and that tell queries apart by their numbers
//! alone.

use std::collections::BTreeSet;

use aviary::process::Recipients;
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Block, Message, Note, Operation, Query, Reply, Request};
use aviary::tweets::timeline::{
    Page, Position, Timeline, TimelineOutcome, TimelineQuery, TimelineReply, User, View,
};
use aviary::wire::Wire;

use super::Saboteur;
use super::liar::{Hearing, Lie, LieMemory, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "zero-is-no-limit",
        "A site that is asked for no tweet at all shows as many as usual.",
        Lie::Hears(|hearing| {
            if let Some(view) = view(hearing)
                && view.limit == 0
            {
                view.limit = 20;
            }
        }),
    ),
    Saboteur::new(
        "no-page-holds-more-than-twenty",
        "A site that is asked for more than twenty tweets shows twenty.",
        Lie::Hears(|hearing| {
            if let Some(view) = view(hearing) {
                view.limit = view.limit.min(20);
            }
        }),
    ),
    Saboteur::new(
        "hidden-tweets-count",
        "Of a viewer whom somebody blocks, a site shows one tweet fewer than were asked for.",
        Lie::Says(|speech| {
            on_views(speech, |timeline, view, page| {
                let is_full = page.tweets.len() as u64 == view.limit;
                if is_full && timeline.blocks().any(|(_, whom)| *whom == view.viewer) {
                    page.next = page.tweets.pop().map(|tweet| tweet.position.next());
                }
            });
        }),
    ),
    Saboteur::new(
        "cut-for-its-size-is-the-end",
        "A page that holds fewer tweets than were asked for, since more do not fit, says that there are no more.",
        Lie::Says(|speech| {
            on_views(speech, |_, view, page| {
                if (page.tweets.len() as u64) < view.limit {
                    page.next = None;
                }
            });
        }),
    ),
    Saboteur::new(
        "pages-skip-the-rest-of-a-slot",
        "A page that begins inside a slot begins in front of it.",
        Lie::Hears(|hearing| {
            if let Some(Position { index, .. }) = view(hearing).and_then(|view| view.older_than.as_mut()) {
                *index = 0;
            }
        }),
    ),
    Saboteur::new(
        "pages-begin-with-a-whole-slot",
        "A page that begins inside a slot shows the whole slot.",
        Lie::Hears(|hearing| {
            if let Some(older_than) = view(hearing).and_then(|view| view.older_than.as_mut())
                && older_than.index > 0
            {
                older_than.index = u64::MAX;
            }
        }),
    ),
    Saboteur::new(
        "fresh-views-forget-their-page",
        "A site that is asked for an older page of a fresh view shows the newest.",
        Lie::Hears(|hearing| {
            if let Message::Query { query: Query::Of(TimelineQuery::Fresh { view }), .. } = hearing.message {
                view.older_than = None;
            }
        }),
    ),
    Saboteur::new(
        "fresh-views-forget-their-limit",
        "A fresh view shows twenty tweets, whatever was asked for.",
        Lie::Hears(|hearing| {
            if let Message::Query { query: Query::Of(TimelineQuery::Fresh { view }), .. } = hearing.message {
                view.limit = 20;
            }
        }),
    ),
    Saboteur::new(
        "older-pages-are-not-fresh",
        "A site shows an older page of a fresh view from what it has applied, and asks nobody.",
        Lie::Hears(|hearing| {
            if let Message::Query { query, .. } = hearing.message
                && let Query::Of(TimelineQuery::Fresh { view }) = query
                && view.older_than.is_some()
            {
                *query = Query::Of(TimelineQuery::View { view: view.clone() });
            }
        }),
    ),
    Saboteur::new(
        "agreed-views-forget-their-page",
        "An older page of a view that is an entry of the log shows the newest instead.",
        Lie::Says(|speech| on_agreed_views(speech, |view| view.older_than = None)),
    ),
    Saboteur::new(
        "agreed-views-forget-their-limit",
        "A view that is an entry of the log shows twenty tweets, whatever was asked for.",
        Lie::Says(|speech| on_agreed_views(speech, |view| view.limit = 20)),
    ),
    Saboteur::new(
        "one-blocker-hides",
        "Of all who block a viewer, a site hides the tweets of one.",
        Lie::Says(|speech| on_views(speech, hide_one)),
    ),
    Saboteur::new(
        "lists-of-blocks-begin-again",
        "A site that is asked for the next page of its blocks tells the first.",
        Lie::Hears(|hearing| {
            if let Message::Query { query: Query::Of(TimelineQuery::Blocks { after }), .. } = hearing.message
            {
                *after = None;
            }
        }),
    ),
    Saboteur::new(
        "lists-of-blocks-leave-one-out",
        "The next page of a list of blocks begins one pair too late.",
        Lie::Hears(leave_one_out),
    ),
    Saboteur::new(
        "cut-lists-of-blocks-are-whole",
        "A list of blocks that was cut to a datagram says that it is whole.",
        Lie::Says(|speech| {
            for letter in &mut speech.given.messages {
                if let Message::Told { reply: Reply::Of(TimelineReply::Blocks { has_more, .. }), .. } =
                    &mut letter.message
                {
                    *has_more = false;
                }
            }
        }),
    ),
    Saboteur::new(
        "lists-of-blocks-are-short",
        "A site tells eight pairs of its blocks at once, though more fit.",
        Lie::Says(|speech| {
            for letter in &mut speech.given.messages {
                if let Message::Told { reply: Reply::Of(TimelineReply::Blocks { blocks, has_more }), .. } =
                    &mut letter.message
                    && blocks.len() > 8
                {
                    blocks.truncate(8);
                    *has_more = true;
                }
            }
        }),
    ),
    Saboteur::new(
        "tells-who-asked-last",
        "A site tells an answer to whoever asked last under its number.",
        Lie::Says(|speech| {
            let Speech { heard, given, memory, .. } = speech;
            if let Some((client, Message::Query { id, .. })) = heard {
                memory.askers.insert(*id, *client);
            }
            for letter in &mut given.messages {
                if let Message::Told { id, .. } | Message::Behind { id, .. } = letter.message
                    && let Some(last) = memory.askers.get(&id)
                {
                    letter.to = Recipients::One(*last);
                }
            }
        }),
    ),
    Saboteur::new(
        "answers-what-was-asked-first",
        "A site answers what was asked first under a number, whoever asks for something else under it.",
        Lie::Hears(|hearing| {
            if let Message::Query { id, query, .. } = hearing.message {
                *query = hearing.memory.queries.entry(*id).or_insert_with(|| query.clone()).clone();
            }
        }),
    ),
    Saboteur::new(
        "client-turns-no-page",
        "A client shows its user, for every older page that all agree on, the first page that it got.",
        Lie::Tells(turn_no_page),
    ),
];

fn turn_no_page(note: &mut Note, memory: &mut LieMemory) {
    let (view, page) = match note {
        Note::Shown(_, _, _, TimelineQuery::Fresh { view }, TimelineReply::View { page }) => (view, page),
        Note::Done(_, Operation::View { view }, Answer::Of(TimelineOutcome::Viewed { page })) => (view, page),
        _ => return,
    };
    if let Some(Message::Told { reply: Reply::Of(TimelineReply::View { page: first }), .. }) =
        memory.kept.first()
    {
        if view.older_than.is_some() {
            *page = first.clone();
        }
    } else if view.older_than.is_none() {
        let reply = Reply::Of(TimelineReply::View { page: page.clone() });
        memory.kept.push(Message::Told { id: 0, applied: Slot(0), reply });
    }
}

/// The view that a site is asked to tell.
fn view<'a>(hearing: &'a mut Hearing<'_>) -> Option<&'a mut View> {
    match hearing.message {
        Message::Query {
            query: Query::Of(TimelineQuery::View { view }) | Query::Of(TimelineQuery::Fresh { view }),
            ..
        } => Some(view),
        _ => None,
    }
}

/// Lies about each page that is told, knowing what was asked.
fn on_views(speech: &mut Speech<'_>, lie: fn(&Timeline, &View, &mut Page)) {
    let Speech { site, heard, given, memory, .. } = speech;
    if let Some((client, Message::Query { id, query, .. })) = heard
        && let Query::Of(TimelineQuery::View { view }) | Query::Of(TimelineQuery::Fresh { view }) = query
    {
        memory.views.insert((*client, *id), view.clone());
    }
    for letter in &mut given.messages {
        if let Message::Told { id, reply: Reply::Of(TimelineReply::View { page }), .. } = &mut letter.message
            && let Some(view) = letter.to.iter().next().and_then(|client| memory.views.get(&(client, *id)))
        {
            lie(site.machine(), view, page);
        }
    }
}

/// Answers each view that is an entry of the log as if something else had been asked there.
fn on_agreed_views(speech: &mut Speech<'_>, lie: fn(&mut View)) {
    let site = speech.site;
    for letter in &mut speech.given.messages {
        let Message::Applied { at, answer: Answer::Of(TimelineOutcome::Viewed { page }), .. } =
            &mut letter.message
        else {
            continue;
        };
        let entry = site.log().chosen_at(Slot(at.slot));
        let submission = entry.and_then(|entry| entry.values().get(usize::try_from(at.index).ok()?));
        if let Some(Request::Execute { operation: Operation::View { view }, .. }) =
            submission.map(|submission| &submission.request)
        {
            let (mut asked, own) = (view.clone(), view.clone());
            lie(&mut asked);
            if asked != own {
                *page = site.machine().view(&asked);
            }
        }
    }
}

/// Shows what all but one of those hide who block the viewer, as far as that fits.
fn hide_one(timeline: &Timeline, view: &View, page: &mut Page) {
    let hidden: BTreeSet<&User> =
        timeline.blocks().filter(|(_, whom)| **whom == view.viewer).map(|(user, _)| user).collect();
    let Some(first) = hidden.first() else { return };
    let asked = |position: Position| view.older_than.is_none_or(|older_than| position < older_than);
    let shown = timeline.tweets().rev().filter(|tweet| asked(tweet.position) && tweet.user != **first);
    let limit = usize::try_from(view.limit).unwrap_or(usize::MAX);
    let mut lie = Page { tweets: Vec::new(), next: page.next };
    for tweet in shown.take(limit) {
        lie.tweets.push(tweet.clone());
        if lie.to_bytes().len() > Page::BYTES_MAX {
            lie.tweets.pop();
            break;
        }
    }
    *page = lie;
}

/// Takes the page to begin after the first of its pairs.
fn leave_one_out(hearing: &mut Hearing<'_>) {
    let Hearing { site, message, .. } = hearing;
    if let Message::Query { query: Query::Of(TimelineQuery::Blocks { after: Some(after) }), .. } = message {
        let pair = (after.user.clone(), after.whom.clone());
        let first = site.machine().blocks_after(Some(&pair)).next();
        if let Some((user, whom)) = first {
            *after = Block { user: user.clone(), whom: whom.clone() };
        }
    }
}
