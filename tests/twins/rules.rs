//! Rules: what they do to a datagram, and which datagrams they mean.

use crate::pair::Pair;
use crate::story::{Story, millis, seconds};

/// How many copies of each heartbeat that S0 sends to this site behind 2 s arrive, and how late.
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

/// How long after its sending each copy arrives, of the heartbeats sent behind 2 s.
fn flights(story: &Story, to: &str) -> Vec<Vec<u64>> {
    let sent = story.sendings("S0", to);
    let late = sent
        .iter()
        .filter(|(at, said)| *at > seconds(2) && *at < seconds(5) && said.starts_with("Heartbeat"));
    let arrivals = story.arrivals("S0", to);
    let of = |(sent, said): &(u64, &str)| {
        arrivals.iter().filter(|(_, arrived)| arrived == said).map(|(at, _)| at - sent).collect::<Vec<_>>()
    };
    late.map(of).collect()
}

/// Every heartbeat behind 2 s comes to S1 at these times after its sending, and to S2 as ever.
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

/// Site 1 tweets three times; its votes for the slots from 0 to 3 are what the rules are about.
pub const TWEETS: &str = r#"[
        At("2s", Tweet(site: 1, user: "ann", text: "one")),
        At("3s", Tweet(site: 1, user: "ann", text: "two")),
        At("4s", Tweet(site: 1, user: "ann", text: "three")),
    ]"#;

/// A rule that drops what its words say, and its twin with other words.
fn words(pair: &Pair, with: &str, without: &str, differ: impl Fn(&Story, &Story)) {
    let text = format!(
        "also: [{TWEETS}],
    +   rules: [({with}, then: Drop)],
    -   rules: [({without}, then: Drop)],
        "
    );
    pair.led(&text, differ);
}

/// The votes of a site that reach the leader: `Accepted slot 1`.
fn votes(story: &Story, from: &str) -> Vec<String> {
    let arrivals = story.arrivals(from, "S0").into_iter().map(|(_, said)| said);
    let messages = arrivals.flat_map(|said| said.split(" + "));
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
        let told = |story: &Story, name: &str| {
            story.lines("S1").filter(|(_, said)| said.ends_with(&format!("dropped by {name}"))).count()
        };
        assert!(told(with, "deaf") > 0 && told(with, "a rule") == 0);
        assert!(told(without, "a rule") > 0 && told(without, "deaf") == 0);
    });
}

pub fn kind(pair: &Pair) {
    words(
        pair,
        r#"kind: "Accepted", from: Site(1), to: Site(0)"#,
        "from: Site(1), to: Site(0)",
        |with, without| {
            assert!(votes(with, "S1").is_empty() && with.arrivals_of("Heard", "S1", "S0").len() > 20);
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
        let heard = |story: &Story, to| story.arrivals_of("Accept ", "S0", to).len();
        assert!(heard(with, "S1") == 0 && heard(with, "S2") == 4);
        assert_eq!((heard(without, "S1"), heard(without, "S2")), (0, 0));
    });
}

pub fn about(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!(r#"{rule}, about: "slot 2""#), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[0, 1, 3]), Vec::new()));
    });
}

pub fn slot(pair: &Pair) {
    let rule = r#"kind: "Accepted", from: Site(1)"#;
    words(pair, &format!("{rule}, slot: 2"), rule, |with, without| {
        assert_eq!((votes(with, "S1"), votes(without, "S1")), (votes_for(&[0, 1, 3]), Vec::new()));
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
