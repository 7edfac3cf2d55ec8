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
mod tests {
    use super::*;
    use crate::tweets::judges::stage::{C1, Stage, applied, block, objects, open, tweet, user, view};
    use crate::tweets::site::Command;
    use alloc::vec;

    const S0: SiteId = SiteId::new(0).unwrap();

    fn shown_tweet(at: (u64, u64), text: &str) -> Tweet {
        let position = Position { slot: at.0, index: at.1 };
        Tweet { position, user: user("ann"), text: text.parse().unwrap() }
    }

    /// ann tweets, blocks bob, and tweets again.
    fn stage() -> Stage {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1), tweet(1, "a")]).unwrap();
        stage.choose(1, &[block(2, "ann", "bob")]).unwrap();
        stage.choose(2, &[tweet(3, "b"), view(4, "bob")]).unwrap();
        stage
    }

    fn answer_query(
        stage: &mut Stage,
        seen: u64,
        query: Query,
        applied: u64,
        reply: Reply,
    ) -> Result<(), Violation> {
        stage.commanded(C1, &Command::Query(query.clone())).unwrap();
        stage.sent(C1, S0, Message::Query { id: 7, seen: Slot(seen), query }).unwrap();
        stage.sent(S0, C1, Message::QueryReply { id: 7, applied: Slot(applied), reply })
    }

    #[test]
    fn pages_of_the_named_prefix_pass_and_others_are_caught() {
        let answer = |viewer: &str, applied: u64, tweets: Vec<Tweet>| {
            let view = View { viewer: user(viewer), limit: 9, older_than: None };
            let page = Page { tweets, next: None };
            answer_query(
                &mut stage(),
                1,
                Query::Of(TimelineQuery::View { view }),
                applied,
                Reply::Of(TimelineReply::View { page }),
            )
        };
        let (a, b) = (shown_tweet((0, 1), "a"), shown_tweet((2, 0), "b"));
        answer("bob", 1, vec![a.clone()]).unwrap();
        answer("bob", 2, vec![]).unwrap();
        answer("cat", 3, vec![b.clone(), a.clone()]).unwrap();
        objects(
            answer("bob", 2, vec![a.clone()]),
            "timelines",
            "showing bob \"ann: a\" of 0.1, who blocks bob",
        );
        objects(
            answer("cat", 3, vec![a.clone()]),
            "timelines",
            "where the log gives [\"ann: b\" of 2.0, \"ann: a\"",
        );
        objects(answer("cat", 0, vec![]), "timelines", "which is behind slot 1 that the client has seen");
        let unasked = Message::QueryReply {
            id: 8,
            applied: Slot(1),
            reply: Reply::Of(TimelineReply::View { page: Page::default() }),
        };
        objects(stage().sent(S0, C1, unasked), "timelines", "which it never asked");
    }

    #[test]
    fn a_linearizable_view_shows_the_log_before_it() {
        let answer = |tweets| {
            let page = Page { tweets, next: None };
            stage().sent(
                S0,
                C1,
                applied(&view(4, "bob"), (2, 1), Answer::Of(TimelineOutcome::Viewed { page })),
            )
        };
        answer(vec![]).unwrap();
        objects(
            answer(vec![shown_tweet((2, 0), "b")]),
            "timelines",
            "showing bob \"ann: b\" of 2.0, who blocks bob",
        );
    }

    #[test]
    fn lists_of_blocks_and_pieces_of_the_log_are_held_against_the_log() {
        let blocks = |applied, blocks, has_more| {
            let reply = Reply::Of(TimelineReply::Blocks { blocks, has_more });
            answer_query(&mut stage(), 0, Query::Of(TimelineQuery::Blocks { after: None }), applied, reply)
        };
        let pair = || vec![Block { user: user("ann"), target: user("bob") }];
        blocks(2, pair(), false).unwrap();
        objects(blocks(1, pair(), false), "timelines", "reply that ann blocks bob, which is not");
        objects(blocks(2, vec![], false), "timelines", "leaving out that ann blocks bob");
        objects(
            blocks(2, vec![], true),
            "timelines",
            "cutting its list after 0 items, where one more makes 8 bytes",
        );
        let log = |request| {
            let position = Position { slot: 0, index: 1 };
            let reply = Reply::Log { lines: vec![LogLine { position, request }], has_more: false };
            answer_query(&mut stage(), 0, Query::Log { from: position }, 1, reply)
        };
        log(tweet(1, "a")).unwrap();
        objects(log(tweet(1, "b")), "timelines", "with \"ann: b\" at 0.1, where the log gives \"ann: a\"");
    }

    #[test]
    fn a_list_ends_where_the_next_item_does_not_fit() {
        let items = |count: usize| vec![[0_u8; 8]; count];
        let most = Submission::BYTES_MAX / 8;
        check_cut(&items(most), &[0; 8]).unwrap();
        check_cut(&items(most - 1), &[0; 8]).unwrap_err();
    }

    #[test]
    fn a_piece_of_the_log_leaves_nothing_out() {
        let held = [
            ((0, 0), open(1)),
            ((0, 1), tweet(1, "a")),
            ((1, 0), block(2, "ann", "bob")),
            ((2, 0), tweet(3, "b")),
            ((2, 1), view(4, "bob")),
        ];
        let answer = |from: (u64, u64), applied, indexes: &[usize], has_more| {
            let at = |(slot, index)| Position { slot, index };
            let line = |index: &usize| held[*index].clone();
            let lines = indexes.iter().map(line);
            let lines = lines.map(|(position, request)| LogLine { position: at(position), request });
            let reply = Reply::Log { lines: lines.collect(), has_more };
            answer_query(&mut stage(), 0, Query::Log { from: at(from) }, applied, reply)
        };
        answer((0, 0), 3, &[0, 1, 2, 3, 4], false).unwrap();
        answer((0, 0), 2, &[0, 1, 2], false).unwrap();
        answer((0, 7), 3, &[2, 3, 4], false).unwrap();
        answer((9, 0), 3, &[], false).unwrap();
        objects(
            answer((0, 0), 3, &[1, 2, 3, 4], false),
            "timelines",
            "leaving out 0.0 of the log, before 0.1",
        );
        objects(answer((0, 1), 3, &[1, 3, 4], false), "timelines", "leaving out 1.0 of the log, before 2.0");
        objects(answer((0, 1), 3, &[1, 2, 4], true), "timelines", "leaving out 2.0 of the log, before 2.1");
        objects(
            answer((0, 0), 3, &[0, 1, 2, 3], false),
            "timelines",
            "leaving out 2.1 of the log, at its end",
        );
        objects(
            answer((0, 0), 3, &[0, 1], true),
            "timelines",
            "cutting its list after 2 items, where one more",
        );
        objects(answer((0, 0), 2, &[0, 1, 2], true), "timelines", "promising more of the log than there is");
        objects(answer((0, 0), 2, &[0, 1, 2, 3], false), "timelines", "with \"ann: b\" at 2.0");
    }

    #[test]
    fn the_state_of_a_site_is_held_against_the_fold() {
        let stage = stage();
        let log: Vec<(Slot, LogEntry)> =
            (0..3).map(|slot| (Slot(slot), stage.judges.log().entry(Slot(slot)).unwrap().clone())).collect();
        let (ann, bob) = (user("ann"), user("bob"));
        let tweets = [shown_tweet((0, 1), "a"), shown_tweet((2, 0), "b")];
        let check = |applied: u64, tweets: &[Tweet], is_blocked: bool, log: &[(Slot, LogEntry)]| {
            let blocks = is_blocked.then_some((&ann, &bob));
            let log = log.iter().map(|(slot, entry)| (*slot, entry));
            stage.judges.check_site(S0, Slot(applied), tweets.iter().cloned(), blocks, log)
        };
        check(3, &tweets, true, &log).unwrap();
        check(2, &tweets[..1], true, &log[..2]).unwrap();
        objects(
            check(3, &tweets[..1], true, &log),
            "timelines",
            "S0 holds no further tweet as of slot 3, where the log gives \"ann: b\" of 2.0",
        );
        objects(check(3, &tweets, false, &log), "timelines", "S0 does not hold that ann blocks bob");
        objects(check(1, &tweets[..1], true, &log), "timelines", "S0 holds that ann blocks bob as of slot 1");
        objects(check(3, &tweets, true, &log[..2]), "timelines", "but its log ends at 2");
        objects(check(4, &tweets, true, &log), "timelines", "but only 3 is chosen");
        let swapped = [(Slot(0), log[1].1.clone())];
        objects(check(0, &[], false, &swapped), "timelines", "slot 0: S0's log holds \"ann blocks bob\"");
    }
}
