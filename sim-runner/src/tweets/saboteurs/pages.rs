//! Sites that misread limits, pages and lists of blocks, and that tell queries apart only by their numbers.

use std::collections::BTreeSet;

use aviary::process::Recipients;
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Block, Message, Note, Operation, Query, Reply, Request};
use aviary::tweets::timeline::{
    Page, Position, Timeline, TimelineOutcome, TimelineQuery, TimelineReply, User, View,
};
use aviary::wire::Wire;

use super::Saboteur;
use super::liar::{Lie, LieMemory, SiteInput, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "zero-is-no-limit",
        "A site shows as many tweets as usual when a view asks for none.",
        Lie::SiteInput(|input| {
            if let Some(view) = view(input)
                && view.limit == 0
            {
                view.limit = 20;
            }
        }),
    ),
    Saboteur::new(
        "no-page-holds-more-than-twenty",
        "A site shows twenty tweets when a view asks for more.",
        Lie::SiteInput(|input| {
            if let Some(view) = view(input) {
                view.limit = view.limit.min(20);
            }
        }),
    ),
    Saboteur::new(
        "hidden-tweets-count",
        "A site shows one tweet too few to a viewer whom somebody blocks.",
        Lie::SiteOutput(|output| {
            on_views(output, |timeline, view, page| {
                let is_full = page.tweets.len() as u64 == view.limit;
                if is_full && timeline.blocks().any(|(_, blocked)| *blocked == view.viewer) {
                    page.next = page.tweets.pop().map(|tweet| tweet.position.next());
                }
            });
        }),
    ),
    Saboteur::new(
        "cut-for-its-size-is-the-end",
        "A page that lacks tweets because they do not fit reports that there are no more.",
        Lie::SiteOutput(|output| {
            on_views(output, |_, view, page| {
                if (page.tweets.len() as u64) < view.limit {
                    page.next = None;
                }
            });
        }),
    ),
    Saboteur::new(
        "pages-skip-the-rest-of-a-slot",
        "A page that should begin inside a slot begins before that slot.",
        Lie::SiteInput(|input| {
            if let Some(Position { index, .. }) = view(input).and_then(|view| view.older_than.as_mut()) {
                *index = 0;
            }
        }),
    ),
    Saboteur::new(
        "pages-begin-with-a-whole-slot",
        "A page that should begin inside a slot shows the whole slot.",
        Lie::SiteInput(|input| {
            if let Some(older_than) = view(input).and_then(|view| view.older_than.as_mut())
                && older_than.index > 0
            {
                older_than.index = u64::MAX;
            }
        }),
    ),
    Saboteur::new(
        "fresh-views-forget-their-page",
        "A site answers a quorum view for an older page with the newest page.",
        Lie::SiteInput(|input| {
            if let Message::Query { query: Query::Of(TimelineQuery::QuorumView { view }), .. } = input.message
            {
                view.older_than = None;
            }
        }),
    ),
    Saboteur::new(
        "fresh-views-forget-their-limit",
        "A quorum view shows twenty tweets, whatever limit it has.",
        Lie::SiteInput(|input| {
            if let Message::Query { query: Query::Of(TimelineQuery::QuorumView { view }), .. } = input.message
            {
                view.limit = 20;
            }
        }),
    ),
    Saboteur::new(
        "older-pages-are-not-fresh",
        "A site answers a quorum view for an older page from what it has applied, without asking a quorum.",
        Lie::SiteInput(|input| {
            if let Message::Query { query, .. } = input.message
                && let Query::Of(TimelineQuery::QuorumView { view }) = query
                && view.older_than.is_some()
            {
                *query = Query::Of(TimelineQuery::View { view: view.clone() });
            }
        }),
    ),
    Saboteur::new(
        "agreed-views-forget-their-page",
        "A log view for an older page shows the newest page instead.",
        Lie::SiteOutput(|output| on_agreed_views(output, |view| view.older_than = None)),
    ),
    Saboteur::new(
        "agreed-views-forget-their-limit",
        "A log view shows twenty tweets, whatever limit it has.",
        Lie::SiteOutput(|output| on_agreed_views(output, |view| view.limit = 20)),
    ),
    Saboteur::new(
        "one-blocker-hides",
        "A site hides the tweets of only one of the users who block a viewer.",
        Lie::SiteOutput(|output| on_views(output, hide_one)),
    ),
    Saboteur::new(
        "lists-of-blocks-begin-again",
        "A site answers a query for the next page of its blocks with the first page.",
        Lie::SiteInput(|input| {
            if let Message::Query { query: Query::Of(TimelineQuery::Blocks { after }), .. } = input.message {
                *after = None;
            }
        }),
    ),
    Saboteur::new(
        "lists-of-blocks-leave-one-out",
        "The next page of a list of blocks begins one pair too late.",
        Lie::SiteInput(leave_one_out),
    ),
    Saboteur::new(
        "cut-lists-of-blocks-are-whole",
        "A list of blocks that was cut to fit a datagram reports that it is complete.",
        Lie::SiteOutput(|output| {
            for letter in &mut output.given.messages {
                if let Message::QueryReply {
                    reply: Reply::Of(TimelineReply::Blocks { has_more, .. }), ..
                } = &mut letter.message
                {
                    *has_more = false;
                }
            }
        }),
    ),
    Saboteur::new(
        "lists-of-blocks-are-short",
        "A site sends only eight pairs of a list of blocks, though more would fit.",
        Lie::SiteOutput(|output| {
            for letter in &mut output.given.messages {
                if let Message::QueryReply {
                    reply: Reply::Of(TimelineReply::Blocks { blocks, has_more }),
                    ..
                } = &mut letter.message
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
        "A site sends each answer to the client that last used the number of its query.",
        Lie::SiteOutput(|output| {
            let SiteOutput { received, given, memory, .. } = output;
            if let Some((client, Message::Query { id, .. })) = received {
                memory.askers.insert(*id, *client);
            }
            for letter in &mut given.messages {
                if let Message::QueryReply { id, .. } | Message::Behind { id, .. } = letter.message
                    && let Some(last) = memory.askers.get(&id)
                {
                    letter.to = Recipients::One(*last);
                }
            }
        }),
    ),
    Saboteur::new(
        "answers-what-was-asked-first",
        "A site answers every query with a number with the answer to the first query with that number.",
        Lie::SiteInput(|input| {
            if let Message::Query { id, query, .. } = input.message {
                *query = input.memory.queries.entry(*id).or_insert_with(|| query.clone()).clone();
            }
        }),
    ),
    Saboteur::new(
        "client-turns-no-page",
        "A client shows its user the first page that it got for every older page of a quorum or log view.",
        Lie::ClientNotes(turn_no_page),
    ),
];

fn turn_no_page(note: &mut Note, memory: &mut LieMemory) {
    let (view, page) = match note {
        Note::QuorumReply(_, _, _, TimelineQuery::QuorumView { view }, TimelineReply::View { page }) => {
            (view, page)
        }
        Note::Done(_, Operation::View { view }, Answer::Of(TimelineOutcome::Viewed { page })) => (view, page),
        _ => return,
    };
    if let Some(Message::QueryReply { reply: Reply::Of(TimelineReply::View { page: first }), .. }) =
        memory.kept.first()
    {
        if view.older_than.is_some() {
            *page = first.clone();
        }
    } else if view.older_than.is_none() {
        let reply = Reply::Of(TimelineReply::View { page: page.clone() });
        memory.kept.push(Message::QueryReply { id: 0, applied: Slot(0), reply });
    }
}

/// The view that a client requests from a site.
fn view<'a>(input: &'a mut SiteInput<'_>) -> Option<&'a mut View> {
    match input.message {
        Message::Query {
            query: Query::Of(TimelineQuery::View { view }) | Query::Of(TimelineQuery::QuorumView { view }),
            ..
        } => Some(view),
        _ => None,
    }
}

/// Applies `lie` to each page that the site sends, with the view that was requested.
fn on_views(output: &mut SiteOutput<'_>, lie: fn(&Timeline, &View, &mut Page)) {
    let SiteOutput { site, received, given, memory, .. } = output;
    if let Some((client, Message::Query { id, query, .. })) = received
        && let Query::Of(TimelineQuery::View { view }) | Query::Of(TimelineQuery::QuorumView { view }) = query
    {
        memory.views.insert((*client, *id), view.clone());
    }
    for letter in &mut given.messages {
        if let Message::QueryReply { id, reply: Reply::Of(TimelineReply::View { page }), .. } =
            &mut letter.message
            && let Some(view) = letter.to.iter().next().and_then(|client| memory.views.get(&(client, *id)))
        {
            lie(site.machine(), view, page);
        }
    }
}

/// Answers each view that is an entry of the log as if another view had been requested there.
fn on_agreed_views(output: &mut SiteOutput<'_>, lie: fn(&mut View)) {
    let site = output.site;
    for letter in &mut output.given.messages {
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

/// Hides the tweets of only one of the users who block the viewer, as far as the page fits.
fn hide_one(timeline: &Timeline, view: &View, page: &mut Page) {
    let hidden: BTreeSet<&User> =
        timeline.blocks().filter(|(_, blocked)| **blocked == view.viewer).map(|(user, _)| user).collect();
    let Some(first) = hidden.first() else { return };
    let asked = |position: Position| view.older_than.is_none_or(|older_than| position < older_than);
    let shown = timeline.tweets().rev().filter(|tweet| asked(tweet.position) && tweet.user != **first);
    let limit = usize::try_from(view.limit).unwrap_or(usize::MAX);
    let mut lie = Page { tweets: Vec::new(), next: page.next };
    for tweet in shown.take(limit) {
        lie.tweets.push(tweet);
        if lie.to_bytes().len() > Page::BYTES_MAX {
            lie.tweets.pop();
            break;
        }
    }
    *page = lie;
}

/// Makes the page begin after the first of its pairs.
fn leave_one_out(input: &mut SiteInput<'_>) {
    let SiteInput { site, message, .. } = input;
    if let Message::Query { query: Query::Of(TimelineQuery::Blocks { after: Some(after) }), .. } = message {
        let pair = (after.user.clone(), after.target.clone());
        let first = site.machine().blocks_after(Some(&pair)).next();
        if let Some((user, blocked)) = first {
            *after = Block { user: user.clone(), target: blocked.clone() };
        }
    }
}
