//! Random faults of a rough network: bursts, damage, late copies, misdelivery, narrow links.

use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

/// Runs three sites on this network and on a calm one.
fn network(pair: &Pair, network: &str, differ: impl Fn(&Story, &Story)) {
    twice(pair, network, "", differ);
}

/// Runs three sites on two networks.
fn twice(pair: &Pair, one: &str, other: &str, differ: impl Fn(&Story, &Story)) {
    let text = format!(
        r#"
    +   network: ({one}),
    -   network: ({other}),
        "#
    );
    pair.led(&text, differ);
}

/// The number of lines of all sites that contain `what`.
fn count_lines(story: &Story, what: &str) -> usize {
    let lines = ["S0", "S1", "S2"].iter().flat_map(|site| story.lines(site));
    lines.filter(|(_, line)| line.contains(what)).count()
}

/// The bursts of each link: the time between the first and the last datagram lost in a row, and their number.
fn bursts_at(story: &Story) -> Vec<(Micros, usize)> {
    let sites = ["S0", "S1", "S2"];
    let links = sites.iter().flat_map(|from| ["0", "1", "2"].map(|to| (*from, to)));
    links.flat_map(|(from, to)| bursts_between(story, from, to)).collect()
}

fn bursts_between(story: &Story, from: &str, to: &str) -> Vec<(Micros, usize)> {
    let mut bursts: Vec<(Micros, Micros, usize)> = Vec::new();
    let mut is_in = false;
    for (at, line) in story.lines(from) {
        let recipients = line.strip_prefix("-> S").and_then(|rest| rest.split(' ').next());
        if !recipients.is_some_and(|recipients| recipients.contains(to)) {
            continue;
        }
        let is_lost = line.ends_with(": lost in a burst");
        match bursts.last_mut().filter(|_| is_in && is_lost) {
            Some((_, last, count)) => (*last, *count) = (at, *count + 1),
            None if is_lost => bursts.push((at, at, 1)),
            None => {}
        }
        is_in = is_lost;
    }
    bursts.into_iter().map(|(first, last, count)| (last - first, count)).collect()
}

fn longest(story: &Story) -> Micros {
    bursts_at(story).into_iter().map(|(length, _)| length).max().unwrap_or(0)
}

pub fn bursts(pair: &Pair) {
    network(pair, r#"bursts: (chance: "20%", length: "100ms")"#, |with, without| {
        assert!(bursts_at(with).iter().any(|(_, count)| *count > 1), "{:?}", bursts_at(with));
        assert!(bursts_at(without).is_empty());
        assert!(
            with.world.statistics().lost_in_bursts > 20 && without.world.statistics().lost_in_bursts == 0
        );
    });
}

pub fn bursts_length(pair: &Pair) {
    let (long, short) =
        (r#"bursts: (chance: "20%", length: "500ms")"#, r#"bursts: (chance: "20%", length: "5ms")"#);
    twice(pair, long, short, |with, without| {
        assert!(longest(with) > longest(without), "{} and {}", longest(with), longest(without));
    });
}

pub fn bursts_loss(pair: &Pair) {
    let (all, few) = (
        r#"bursts: (chance: "40%", length: "100ms")"#,
        r#"bursts: (chance: "40%", length: "100ms", loss: "20%")"#,
    );
    twice(pair, all, few, |with, without| {
        let lost =
            |story: &Story| story.world.statistics().lost_in_bursts * 100 / story.world.statistics().sent;
        assert!(lost(with) > 2 * lost(without), "{} and {} of 100", lost(with), lost(without));
    });
}

pub fn corruption(pair: &Pair) {
    network(pair, r#"corruption: "20%""#, |with, without| {
        assert!(count_lines(with, "flipped") > 50 && count_lines(with, ": checksum does not match") > 20);
        let (with, without) = (with.world.statistics(), without.world.statistics());
        assert!(with.corrupted > 50 && with.corrupted.abs_diff(with.rejected) < 10, "{with:?}");
        assert_eq!((without.corrupted, without.rejected), (0, 0));
    });
}

pub fn truncation(pair: &Pair) {
    network(pair, r#"truncation: "20%""#, |with, without| {
        assert!(count_lines(with, " bytes go on") > 50 && count_lines(with, ": malformed datagram: ") > 20);
        let (with, without) = (with.world.statistics(), without.world.statistics());
        assert!(with.truncated > 50 && with.truncated.abs_diff(with.rejected) < 10, "{with:?}");
        assert_eq!((without.truncated, without.rejected), (0, 0));
    });
}

pub fn misdelivery(pair: &Pair) {
    network(pair, r#"misdelivery: "20%""#, |with, without| {
        assert!(count_lines(with, ": goes to S") > 50 && count_lines(with, ": datagram for ") > 20);
        assert!(with.world.statistics().misdelivered > 50 && with.world.statistics().rejected > 20);
        assert_eq!((without.world.statistics().misdelivered, without.world.statistics().rejected), (0, 0));
    });
}

/// The time between the first arrival and each later arrival of a copy.
fn later(story: &Story) -> Vec<Micros> {
    let lines = ["S0", "S1", "S2"].iter().flat_map(|site| story.lines(site));
    let again = lines.filter_map(|(at, line)| {
        let sent = line.split_once(": again, sent at ")?.1;
        let (whole, fraction) = sent.trim().split_once('.')?;
        Some(at - (whole.parse::<u64>().ok()? * 1_000_000 + fraction.parse::<u64>().ok()?))
    });
    again.collect()
}

pub fn late_copies(pair: &Pair) {
    network(pair, r#"late_copies: (chance: "10%", after: "1s")"#, |with, without| {
        assert!(later(with).len() > 20, "{:?}", later(with));
        let range = seconds(1)..=millis(2_001);
        assert!(later(with).iter().all(|later| range.contains(later)), "{:?}", later(with));
        assert!(with.world.statistics().redelivered > 20 && without.world.statistics().redelivered == 0);
    });
}

pub fn late_copies_after(pair: &Pair) {
    let (long, short) =
        (r#"late_copies: (chance: "10%", after: "2s")"#, r#"late_copies: (chance: "10%", after: "500ms")"#);
    twice(pair, long, short, |with, without| {
        assert!(later(with).iter().all(|later| *later >= seconds(2)) && !later(with).is_empty());
        assert!(later(without).iter().all(|later| *later <= millis(1_001)) && !later(without).is_empty());
    });
}

/// The longest flight of a heartbeat or its answer.
fn slowest(story: &Story) -> Micros {
    story.all_flights().into_iter().max().unwrap_or(0)
}

pub fn bandwidth(pair: &Pair) {
    network(pair, "bandwidth: (rate: 20000, queue: 1000)", |with, without| {
        assert!(slowest(with) > millis(2) && slowest(without) == millis(1), "{}", slowest(with));
        assert!(with.world.statistics().queued > 50 && without.world.statistics().queued == 0);
    });
}

pub fn bandwidth_rate(pair: &Pair) {
    let (slow, fast) = ("bandwidth: (rate: 5000, queue: 10000)", "bandwidth: (rate: 500000, queue: 10000)");
    twice(pair, slow, fast, |with, without| {
        assert!(slowest(with) > 5 * slowest(without), "{} and {}", slowest(with), slowest(without));
    });
}

pub fn bandwidth_queue(pair: &Pair) {
    let text = r#"clients: 4, also: [
            [At("2s", Tweet(client: 0, user: "ann", text: "all")), After("0s", Tweet(client: 1, user: "ann", text: "at"))],
            [At("2s", Tweet(client: 2, user: "ann", text: "one")), After("0s", Tweet(client: 3, user: "ann", text: "time"))],
        ],
    +   network: (bandwidth: (rate: 8000, queue: 60)),
    -   network: (bandwidth: (rate: 8000, queue: 60000)),
        "#;
    pair.led(text, |with, without| {
        assert!(count_lines(with, ": too much waits for its link") > 0);
        let congested = |story: &Story| story.world.statistics().congested;
        assert!(
            congested(with) > 0 && congested(without) == 0,
            "{} and {}",
            congested(with),
            congested(without)
        );
    });
}
