//! Checks what users see. Every page, list of blocks and piece of the log that leaves a site is what the naive fold
//! gives for the prefix that it names; so is every page of a linearizable view. A reply answers a query that its client
//! sent, from a prefix that includes what the client has seen. At the end of a run, a site's own tweets, blocks and log
//! equal the chosen log and its fold.
//!
//! A list of blocks or a piece of the log is cut only where the next item does not fit.
//!
//! Does not check that answers of several sites fit together (views are local), nor statuses (see `agreement`,
//! `status`).

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::process::Recipients;
use crate::replicated::paxos::Slot;
use crate::sim::Violation;
use crate::tweets::judges::chosen::LogEntry;
use crate::tweets::judges::describe::{Maybe, Shown};
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact, broken};
use crate::tweets::site::{Answer, Block, LogLine, Message, Operation, Query, Reply, Request, Submission};
use crate::tweets::timeline::{
    Page, Position, TimelineOutcome, TimelineQuery, TimelineReply, Tweet, User, View,
};
use crate::wire::Wire;

const PROPERTY: &str = "timelines";

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct TimelineJudge {
    /// By client and id, the queries sent, with what the client had seen: one, unless a restarted client reuses ids.
    queries: CowMap<(ProcessId, u64), Vec<(Slot, Query)>>,
}

impl TimelineJudge {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::QUERY.and(FactKinds::ANSWER).and(FactKinds::SHOWN);

    #[inline(never)]
    pub(super) fn look(&mut self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        let SeenFact::Left { from, to, message } = *fact else { return Ok(()) };
        match message {
            Message::Query { id, seen, query } => {
                let queries = self.queries.entry((from, *id));
                let query = (*seen, query.clone());
                if !queries.contains(&query) {
                    queries.reserve_exact(1);
                    queries.push(query);
                }
                Ok(())
            }
            Message::QueryReply { id, applied, reply } => {
                let Recipients::One(client) = to else { return Ok(()) };
                let queries = self.queries.get(&(client, *id)).into_iter().flatten();
                let mut why = "which it never asked".to_string();
                for (seen, query) in queries {
                    match check_reply(known, *seen, query, *applied, reply) {
                        Ok(()) => return Ok(()),
                        Err(reason) => why = reason,
                    }
                }
                broken(
                    PROPERTY,
                    format!("{from} answered query {id} of {client} as of slot {applied}, {why}"),
                )
            }
            Message::Applied { at, answer: Answer::Of(TimelineOutcome::Viewed { page }), .. } => {
                check_viewed(known, from, *at, page)
            }
            Message::Paxos { .. }
            | Message::Forward { .. }
            | Message::Relay { .. }
            | Message::Compare { .. }
            | Message::CompareReply { .. }
            | Message::Request { .. }
            | Message::Taken { .. }
            | Message::Applied { answer: Answer::Opened | Answer::Of(TimelineOutcome::Done), .. }
            | Message::Expired { .. }
            | Message::Busy { .. }
            | Message::Behind { .. } => Ok(()),
        }
    }
}

fn check_viewed(
    known: JudgeContext<'_>,
    from: ProcessId,
    at: Position,
    page: &Page,
) -> Result<(), Violation> {
    let request = known.log.submission(at).map(|submission| &submission.request);
    let Some(Request::Execute { operation: Operation::View { view }, .. }) = request else { return Ok(()) };
    check_page(known, at, view, page)
        .or_else(|why| broken(PROPERTY, format!("{from} answered the view at {at}, {why}")))
}

/// Whether `reply`, as of `applied`, answers `query`; the error says why not.
fn check_reply(
    known: JudgeContext<'_>,
    seen: Slot,
    query: &Query,
    applied: Slot,
    reply: &Reply,
) -> Result<(), String> {
    let end = Position { slot: applied.0, index: 0 };
    if applied < seen {
        return Err(format!("which is behind slot {seen} that the client has seen"));
    }
    match (query, reply) {
        (
            Query::Of(TimelineQuery::View { view }) | Query::Of(TimelineQuery::QuorumView { view }),
            Reply::Of(TimelineReply::View { page }),
        ) => check_page(known, end, view, page),
        (Query::Status, Reply::Status { .. }) => Ok(()),
        (
            Query::Of(TimelineQuery::Blocks { after }),
            Reply::Of(TimelineReply::Blocks { blocks, has_more }),
        ) => {
            let after = after.as_ref().map(|pair| (pair.user.clone(), pair.target.clone()));
            let all = known.model.blocks_before(end);
            let mut rest = all.into_iter().filter(|pair| after.as_ref().is_none_or(|after| pair > after));
            for block in blocks {
                let listed = (block.user.clone(), block.target.clone());
                let expected = rest.next();
                if expected.as_ref() != Some(&listed) {
                    let (user, target) = listed;
                    return Err(format!(
                        "reply that {user} blocks {target}, which is not what the log gives next"
                    ));
                }
            }
            match (rest.next(), has_more) {
                (Some((user, target)), false) => Err(format!("leaving out that {user} blocks {target}")),
                (None, true) => Err("promising more blocks than there are".into()),
                (Some((user, target)), true) => check_cut(blocks, &Block { user, target }),
                (None, false) => Ok(()),
            }
        }
        (Query::Log { from }, Reply::Log { lines, has_more }) => {
            if !lines.is_sorted_by(|a, b| a.position < b.position) {
                return Err("with lines of the log out of order".into());
            }
            let inside = known.log.submissions_from(Slot(from.slot));
            let mut rest =
                inside.skip_while(|(at, _)| at < from).take_while(|(at, _)| *at < end).map(|(at, _)| at);
            for line in lines {
                let position = line.position;
                let is_inside = (*from..end).contains(&position);
                let held = known.log.submission(position).map(|submission| &submission.request);
                if !is_inside || held != Some(&line.request) {
                    let (listed, held) = (&line.request, Maybe(held));
                    return Err(format!("with \"{listed}\" at {position}, where the log gives {held}"));
                }
                // The line is in the range, so the first item that was not listed is this one or one before it.
                if let Some(left_out) = rest.next().filter(|next| *next != position) {
                    return Err(format!("leaving out {left_out} of the log, before {position}"));
                }
            }
            match (rest.next(), has_more) {
                (Some(left_out), false) => Err(format!("leaving out {left_out} of the log, at its end")),
                (None, true) => Err("promising more of the log than there is".into()),
                (Some(position), true) => {
                    let next = known.log.submission(position).map(|submission| submission.request.clone());
                    next.map_or(Ok(()), |request| check_cut(lines, &LogLine { position, request }))
                }
                (None, false) => Ok(()),
            }
        }
        (
            Query::Of(TimelineQuery::View { .. })
            | Query::Of(TimelineQuery::QuorumView { .. })
            | Query::Log { .. }
            | Query::Of(TimelineQuery::Blocks { .. })
            | Query::Status,
            _,
        ) => Err("with something else than what was asked".into()),
    }
}

/// A list ends before `next` only if `next` does not fit.
fn check_cut<T: Wire>(listed: &[T], next: &T) -> Result<(), String> {
    let bytes: usize = listed.iter().chain([next]).map(Wire::size).sum();
    let (count, most) = (listed.len(), Submission::BYTES_MAX);
    if bytes > most {
        return Ok(());
    }
    Err(format!("cutting its list after {count} items, where one more makes {bytes} bytes of at most {most}"))
}

fn check_page(known: JudgeContext<'_>, end: Position, view: &View, page: &Page) -> Result<(), String> {
    let expected = known.model.view(end, view);
    if *page == expected {
        return Ok(());
    }
    let viewer = &view.viewer;
    let hidden = known.model.hidden_from(end, viewer);
    if let Some(tweet) = page.tweets.iter().find(|tweet| hidden.contains(&tweet.user)) {
        return Err(format!("showing {viewer} \"{tweet}\" of {}, who blocks {viewer}", tweet.position));
    }
    Err(format!("showing {viewer} {}, where the log gives {}", shown(page), shown(&expected)))
}

/// A page in a sentence: at most its newest five tweets, because the difference matters more than the content.
fn shown(page: &Page) -> String {
    let mut tweets: Vec<String> =
        page.tweets.iter().take(5).map(|tweet| format!("\"{tweet}\" of {}", tweet.position)).collect();
    if page.tweets.len() > tweets.len() {
        tweets.push(format!("{} more", page.tweets.len() - tweets.len()));
    }
    let more = match page.next {
        Some(next) => format!("more to come before {next}"),
        None => "no more".into(),
    };
    format!("[{}] with {more}", tweets.join(", "))
}

/// See [`crate::tweets::judges::Judges::check_site`].
pub(super) fn check_site<'a>(
    known: JudgeContext<'_>,
    site: SiteId,
    applied: Slot,
    tweets: impl IntoIterator<Item = Tweet>,
    blocks: impl IntoIterator<Item = (&'a User, &'a User)>,
    log: impl IntoIterator<Item = (Slot, &'a LogEntry)>,
) -> Result<(), Violation> {
    let chosen_end = known.log.end();
    ensure!(
        applied <= chosen_end,
        PROPERTY,
        "{site} applied everything below {applied}, but only {chosen_end} is chosen"
    );
    let end = Position { slot: applied.0, index: 0 };
    let (mut own, mut folded) = (tweets.into_iter(), known.model.tweets_before(end));
    loop {
        let (own, folded) = (own.next(), folded.next());
        ensure!(
            own == folded,
            PROPERTY,
            "{site} holds {} as of slot {applied}, where the log gives {}",
            Maybe(own.as_ref()),
            Maybe(folded.as_ref())
        );
        if own.is_none() {
            break;
        }
    }
    let own: BTreeSet<(User, User)> =
        blocks.into_iter().map(|(user, target)| (user.clone(), target.clone())).collect();
    let folded = known.model.blocks_before(end);
    if let Some((user, target)) = own.symmetric_difference(&folded).next() {
        let is_own = own.contains(&(user.clone(), target.clone()));
        let (holds, gives) = if is_own { ("holds", "does not") } else { ("does not hold", "does") };
        return broken(
            PROPERTY,
            format!("{site} {holds} that {user} blocks {target} as of slot {applied}, and the log {gives}"),
        );
    }
    let mut next = None;
    for (slot, entry) in log {
        let expected = next.unwrap_or(slot);
        ensure!(slot == expected, PROPERTY, "{site}'s log goes on with slot {slot} instead of {expected}");
        let Some(chosen) = known.log.entry(slot) else {
            return broken(
                PROPERTY,
                format!("slot {slot}: {site}'s log holds {}, but nothing is chosen", Shown(entry)),
            );
        };
        ensure!(
            chosen == entry,
            PROPERTY,
            "slot {slot}: {site}'s log holds {}, but {} is chosen",
            Shown(entry),
            Shown(chosen)
        );
        next = Some(slot.next());
    }
    let log_end = next.unwrap_or(known.log.first());
    ensure!(
        applied <= log_end,
        PROPERTY,
        "{site} applied everything below {applied}, but its log ends at {log_end}"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
