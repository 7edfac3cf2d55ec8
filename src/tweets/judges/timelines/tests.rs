//! Pages, lists and states are held against the fold of the log.

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
    objects(answer("bob", 2, vec![a.clone()]), "timelines", "showing bob \"ann: a\" of 0.1, who blocks bob");
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
        stage().sent(S0, C1, applied(&view(4, "bob"), (2, 1), Answer::Of(TimelineOutcome::Viewed { page })))
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
    objects(answer((0, 0), 3, &[1, 2, 3, 4], false), "timelines", "leaving out 0.0 of the log, before 0.1");
    objects(answer((0, 1), 3, &[1, 3, 4], false), "timelines", "leaving out 1.0 of the log, before 2.0");
    objects(answer((0, 1), 3, &[1, 2, 4], true), "timelines", "leaving out 2.0 of the log, before 2.1");
    objects(answer((0, 0), 3, &[0, 1, 2, 3], false), "timelines", "leaving out 2.1 of the log, at its end");
    objects(answer((0, 0), 3, &[0, 1], true), "timelines", "cutting its list after 2 items, where one more");
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
