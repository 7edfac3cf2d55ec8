//! Rules: their effect on a datagram, and the datagrams that they match.

use crate::kinds;
use crate::pair::Pair;
use crate::story::{Story, millis, seconds};

kinds::twins!(rules: drop, delay, duplicate, corrupt, truncate, misdeliver, keep, redeliver);

/// The times after 2.005 s at which a copy of a heartbeat from S0 arrives at this site.
fn beats(story: &Story, to: &str) -> Vec<u64> {
    let arrivals = story.arrivals_of("Heartbeat", "S0", to);
    arrivals.into_iter().filter(|at| *at > millis(2_005)).collect()
}

pub fn drop(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Rule(kind: "Heartbeat", from: Site(0), to: Site(1), then: Drop))],
        ]"#;
    pair.led(text, |with, without| {
        assert!(beats(with, "S1").is_empty() && !beats(without, "S1").is_empty());
        assert!(!beats(with, "S2").is_empty(), "the rule is about S1");
        assert!(with.world.statistics().ruled_out > 0 && without.world.statistics().ruled_out == 0);
    });
}

/// The flight times of all copies of the heartbeats sent after 2 s.
fn flights(story: &Story, to: &str) -> Vec<Vec<u64>> {
    let sent = story.sendings("S0", to);
    let late = sent
        .iter()
        .filter(|(at, line)| *at > seconds(2) && *at < seconds(5) && line.starts_with("Heartbeat"));
    let arrivals = story.arrivals("S0", to);
    let of = |(sent, line): &(u64, &str)| {
        arrivals.iter().filter(|(_, arrived)| arrived == line).map(|(at, _)| at - sent).collect::<Vec<_>>()
    };
    late.map(of).collect()
}

/// Checks that every heartbeat after 2 s arrives at S1 at these times after its sending, and at S2 as usual.
fn arrive(with: &Story, expected: &[u64]) {
    let flights_to = |to| flights(with, to);
    assert!(!flights_to("S1").is_empty());
    assert!(flights_to("S1").iter().all(|copies| copies == expected), "{:?}", flights_to("S1"));
    assert!(flights_to("S2").iter().all(|copies| *copies == [millis(1)]), "{:?}", flights_to("S2"));
}

pub fn delay(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Rule(kind: "Heartbeat", from: Site(0), to: Site(1), then: Delay("5ms")))],
        ]"#;
    pair.led(text, |with, without| {
        arrive(with, &[millis(6)]);
        arrive(without, &[millis(1)]);
    });
}

pub fn duplicate(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Rule(kind: "Heartbeat", from: Site(0), to: Site(1), then: Duplicate(copies: 2, apart: "3ms")))],
        ]"#;
    pair.led(text, |with, without| {
        arrive(with, &[millis(1), millis(4), millis(7)]);
        arrive(without, &[millis(1)]);
    });
}

/// What `who` notes about the leader's heartbeats that it receives after 2 s.
fn complaints(story: &Story, who: &str) -> Vec<String> {
    let lines = story.lines(who).filter(|(at, line)| *at > seconds(2) && line.starts_with("<- S0 Heartbeat"));
    lines.filter_map(|(_, line)| Some(line.split_once(": ")?.1.to_owned())).collect()
}

pub fn corrupt(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Rule(kind: "Heartbeat", from: Site(0), to: Site(1), then: Corrupt))],
        ]"#;
    pair.led(text, |with, without| {
        assert!(beats(with, "S1").is_empty() && !beats(without, "S1").is_empty());
        assert!(!beats(with, "S2").is_empty(), "the rule is about S1");
        assert!(complaints(with, "S1").contains(&"checksum does not match".to_owned()));
        let statistics = with.world.statistics();
        assert!(statistics.corrupted > 5 && statistics.rejected + 1 >= statistics.corrupted);
    });
}

pub fn truncate(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Rule(kind: "Heartbeat", from: Site(0), to: Site(1), then: Truncate))],
        ]"#;
    pair.led(text, |with, without| {
        assert!(beats(with, "S1").is_empty() && !beats(without, "S1").is_empty());
        assert!(complaints(with, "S1").iter().any(|why| why.starts_with("malformed datagram: ")));
        let statistics = with.world.statistics();
        assert!(statistics.truncated > 5 && statistics.rejected + 1 >= statistics.truncated);
    });
}

pub fn misdeliver(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Tweet(site: 1, user: "ann", text: "one"))],
    +       [At("1900ms", Rule(kind: "Accepted", from: Site(1), then: Misdeliver(Site(2))))],
        ]"#;
    pair.led(text, |with, without| {
        let refused: Vec<&str> = with
            .lines("S2")
            .filter(|(_, line)| line.contains(": datagram for "))
            .map(|(_, line)| line)
            .collect();
        assert!(
            refused.iter().any(|line| line.starts_with("<- S1 Accepted slot 1: datagram for ")),
            "{refused:?}"
        );
        assert!(votes(with, "S1").len() < votes(without, "S1").len());
        assert!(with.world.statistics().misdelivered > 0 && without.world.statistics().misdelivered == 0);
    });
}

/// A vote is kept, and delivered when the step requests that.
const KEPT: &str = r#"
            [At("2s", Tweet(site: 1, user: "ann", text: "one"))],"#;

pub fn keep(pair: &Pair) {
    // Whether a vote was kept shows when it is redelivered.
    let text = format!(
        r#"also: [{KEPT}
            [Optional(At("4s", Redeliver("votes")))],
    +       [At("1900ms", Rule(name: "votes", kind: "Accepted", from: Site(1), to: Site(0), then: Keep))],
    -       [At("1900ms", Rule(name: "votes", kind: "Accepted", from: Site(2), to: Site(0), then: Keep))],
        ]"#
    );
    pair.led(&text, |with, without| {
        let again = |story: &Story, from: &str| {
            story
                .lines("S0")
                .filter(|(at, line)| {
                    *at == millis(4_001)
                        && line.starts_with(&format!("<- {from} Accepted slot 1: again, sent at "))
                })
                .count()
        };
        assert_eq!((again(with, "S1"), again(with, "S2")), (1, 0));
        assert_eq!((again(without, "S1"), again(without, "S2")), (0, 1));
        assert!(with.world.statistics().kept > 0);
    });
}

pub fn redeliver(pair: &Pair) {
    let text = format!(
        r#"also: [{KEPT}
            [At("1900ms", Rule(name: "votes", kind: "Accepted", from: Site(1), to: Site(0), count: 1, then: Keep))],
    +       [At("4s", Redeliver("votes"))],
        ]"#
    );
    pair.led(&text, |with, without| {
        let late = |story: &Story| {
            let votes = story.arrivals_of("Accepted", "S1", "S0");
            votes.into_iter().filter(|at| *at > seconds(3)).collect::<Vec<_>>()
        };
        assert_eq!((late(with), late(without)), (vec![millis(4_001)], vec![]));
        assert!(with.world.statistics().redelivered == 1 && without.world.statistics().redelivered == 0);
    });
}

/// Site 1 tweets three times; the rules are about its votes for the slots from 0 to 3.
pub const TWEETS: &str = r#"[
        At("2s", Tweet(site: 1, user: "ann", text: "one")),
        At("3s", Tweet(site: 1, user: "ann", text: "two")),
        At("4s", Tweet(site: 1, user: "ann", text: "three")),
    ]"#;

/// A rule with these words that drops datagrams, and its twin with other words.
fn words(pair: &Pair, with: &str, without: &str, differ: impl Fn(&Story, &Story)) {
    let text = format!(
        "also: [{TWEETS}],
    +   rules: [({with}, then: Drop)],
    -   rules: [({without}, then: Drop)],
        "
    );
    pair.led(&text, differ);
}

/// The votes of a site that reach the leader, as in `Accepted slot 1`.
fn votes(story: &Story, from: &str) -> Vec<String> {
    let arrivals = story.arrivals(from, "S0").into_iter().map(|(_, line)| line);
    let messages = arrivals.flat_map(|line| line.split(" + "));
    messages.filter(|message| message.starts_with("Accepted")).map(str::to_owned).collect()
}

fn votes_for(slots: &[u64]) -> Vec<String> {
    slots.iter().map(|slot| format!("Accepted slot {slot}")).collect()
}

pub fn from_the_start(pair: &Pair) {
    let text = format!(
        r#"also: [{TWEETS}],
    +   rules: [(kind: "Accepted", from: Site(1), to: Site(0), then: Drop)],
        "#
    );
    pair.led(&text, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (Vec::new(), votes_for(&[0, 1, 2, 3])));
    });
}

pub fn name(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1), to: Site(0)"#;
    words(pair, &format!(r#"name: "deaf", {rule}"#), rule, |with, without| {
        let dropped_by = |story: &Story, name: &str| {
            story.lines("S1").filter(|(_, line)| line.ends_with(&format!("dropped by {name}"))).count()
        };
        assert!(dropped_by(with, "deaf") > 0 && dropped_by(with, "a rule") == 0);
        assert!(dropped_by(without, "a rule") > 0 && dropped_by(without, "deaf") == 0);
    });
}

pub fn kind(pair: &Pair) {
    words(
        pair,
        r#"kind: "Accepted", from: Site(1), to: Site(0)"#,
        "from: Site(1), to: Site(0)",
        |with, without| {
            assert!(
                votes(with, "S1").is_empty() && with.arrivals_of("HeartbeatReply", "S1", "S0").len() > 20
            );
            assert!(without.arrivals("S1", "S0").is_empty());
        },
    );
}

pub fn from(pair: &Pair) {
    words(pair, r#"kind: "Accepted", from: Site(1)"#, r#"kind: "Accepted""#, |with, without| {
        assert_eq!((votes(with, "S1"), votes(with, "S2")), (Vec::new(), votes_for(&[0, 1, 2, 3])));
        assert!(votes(without, "S1").is_empty() && votes(without, "S2").is_empty());
    });
}

pub fn to(pair: &Pair) {
    words(pair, r#"kind: "Accept", to: Site(1)"#, r#"kind: "Accept""#, |with, without| {
        let arrived = |story: &Story, to| story.arrivals_of("Accept ", "S0", to).len();
        assert!(arrived(with, "S1") == 0 && arrived(with, "S2") == 4);
        assert_eq!((arrived(without, "S1"), arrived(without, "S2")), (0, 0));
    });
}

pub fn subject(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!(r#"{rule}, subject: "slot 2""#), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[0, 1, 3]), Vec::new()));
    });
}

pub fn slot(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!("{rule}, slot: 2"), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[0, 1, 3]), Vec::new()));
    });
}

pub fn slots(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!("{rule}, slots: (of: 2, rest: 1)"), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[0, 2]), Vec::new()));
    });
}

pub fn since(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!(r#"{rule}, since: "2500ms""#), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[0, 1]), Vec::new()));
    });
}

pub fn until(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!(r#"{rule}, until: "2500ms""#), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[2, 3]), Vec::new()));
    });
}

pub fn skip(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!("{rule}, skip: 3"), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[0, 1, 2]), Vec::new()));
    });
}

pub fn count(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!("{rule}, count: 3"), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[3]), Vec::new()));
    });
}
