//! The moment of a fault: at a time, or when something happens in the cluster.

use crate::pair::Pair;
use crate::rules::TWEETS;
use crate::story::{Micros, Story, millis, seconds};

/// The time at which site 2 pauses.
fn paused(story: &Story) -> Option<Micros> {
    story.first("S2", "pauses")
}

/// Site 2 pauses when this happens; checks that this is at the given time.
fn pauses(pair: &Pair, when: &str, at: impl Fn(&Story) -> Option<Micros>) {
    let text = format!(
        r#"also: [
            {TWEETS},
            [At("3s", Crash(Site(1))), At("3500ms", Restart(Site(1)))],
    +       [{when}, Pause(Site(2)))],
        ]"#
    );
    pair.led(&text, |with, without| {
        assert!(at(without).is_some() && paused(with) == at(without), "at {:?}", paused(with));
        assert_eq!(paused(without), None);
    });
}

pub fn at(pair: &Pair) {
    pauses(pair, r#"At("4s""#, |_| Some(seconds(4)));
}

pub fn after(pair: &Pair) {
    // A track's first step is armed at the beginning.
    pauses(pair, r#"After("4s""#, |_| Some(seconds(4)));
}

pub fn leads(pair: &Pair) {
    pauses(pair, "On(Leads(Site(0))", |story| story.first("S0", "leads under"));
}

pub fn sent(pair: &Pair) {
    let sent = |story: &Story| story.first("S1", "-> S0 Accepted slot 1");
    pauses(pair, r#"On(Sent(kind: "Accepted", from: Site(1), to: Site(0), slot: 1)"#, sent);
}

pub fn delivered(pair: &Pair) {
    let delivered = |story: &Story| story.first("S0", "<- S1 Accepted slot 1");
    pauses(pair, r#"On(Delivered(kind: "Accepted", from: Site(1), to: Site(0), slot: 1)"#, delivered);
}

pub fn noted(pair: &Pair) {
    pauses(pair, r#"On(Noted(kind: "took opening")"#, |story| story.first("S1", "took"));
    pauses(pair, r#"On(Noted(kind: "applied", who: Site(1))"#, |story| story.first("S1", "applied"));
    pauses(pair, r#"On(Noted(kind: "chose", slot: 2)"#, |story| story.first("S0", "chose slot 2"));
    pauses(pair, r#"On(Noted(kind: "chose", subject: "slot 2")"#, |story| story.first("S0", "chose slot 2"));
}

pub fn crashed(pair: &Pair) {
    pauses(pair, "On(Crashed(Site(1))", |_| Some(seconds(3)));
}

pub fn restarted(pair: &Pair) {
    pauses(pair, "On(Restarted(Site(1))", |story| story.first("S1", "starts, incarnation 2"));
}

/// Site 2 pauses when a site learns something of its links while site 0 is cut off from 2 s to 3 s.
fn of_links(pair: &Pair, when: &str, at: u64) {
    let text = format!(
        r#"network: (order: Stream, break_after: "500ms"), also: [
            [At("2s", Isolate(Site(0))), After("1s", Heal)],
    +       [{when}, Pause(Site(2)))],
        ]"#
    );
    pair.led(&text, |with, without| {
        assert_eq!(with.first("S2", "pauses"), Some(at));
        assert_eq!(without.first("S2", "pauses"), None);
    });
}

pub fn link_down(pair: &Pair) {
    of_links(pair, "On(LinkDown(Site(1))", millis(2_500));
}

pub fn link_up(pair: &Pair) {
    of_links(pair, "On(LinkUp(Any)", millis(3_001));
}

/// Site 2 pauses when a datagram with these words is sent, and in the other run when one with the other words is.
fn words(pair: &Pair, with: &str, without: &str, first: &str, other: &str) {
    let text = format!(
        r#"also: [
            {TWEETS},
    +       [On(Sent({with}), Pause(Site(2)))],
    -       [On(Sent({without}), Pause(Site(2)))],
        ]"#
    );
    pair.led(&text, |with, without| {
        // The two runs are the same until the first of the two pauses.
        let sent = |story: &Story, what: &str| {
            let (from, line) = what.split_once(' ')?;
            story.first(from, line)
        };
        assert!(paused(without) < paused(with), "{:?} and {:?}", paused(with), paused(without));
        assert_eq!(paused(with), sent(with, first));
        assert_eq!(paused(without), sent(without, other));
    });
}

pub fn kind(pair: &Pair) {
    let (one, other) = (r#"kind: "Accepted", from: Site(1)"#, "from: Site(1)");
    words(pair, one, other, "S1 -> S0 Accepted", "S1 -> S0 Promise");
}

pub fn from(pair: &Pair) {
    let (one, other) =
        (r#"kind: "HeartbeatReply", from: Site(2), nth: 9"#, r#"kind: "HeartbeatReply", nth: 9"#);
    words(pair, one, other, "S2 -> S0 HeartbeatReply beat 9", "S1 -> S0 HeartbeatReply beat 5");
}

pub fn to(pair: &Pair) {
    let (one, other) = (r#"kind: "Heartbeat", to: Site(1), nth: 9"#, r#"kind: "Heartbeat", nth: 9"#);
    words(pair, one, other, "S0 -> S1 Heartbeat beat 9", "S0 -> S1 Heartbeat beat 5");
}

pub fn subject(pair: &Pair) {
    let (one, other) =
        (r#"kind: "Accepted", from: Site(1), subject: "slot 2""#, r#"kind: "Accepted", from: Site(1)"#);
    words(pair, one, other, "S1 -> S0 Accepted slot 2", "S1 -> S0 Accepted slot 0");
}

pub fn slot(pair: &Pair) {
    let (one, other) = (r#"kind: "Accepted", from: Site(1), slot: 2"#, r#"kind: "Accepted", from: Site(1)"#);
    words(pair, one, other, "S1 -> S0 Accepted slot 2", "S1 -> S0 Accepted slot 0");
}

pub fn nth(pair: &Pair) {
    let (one, other) = (r#"kind: "Accepted", from: Site(1), nth: 3"#, r#"kind: "Accepted", from: Site(1)"#);
    words(pair, one, other, "S1 -> S0 Accepted slot 2", "S1 -> S0 Accepted slot 0");
}
