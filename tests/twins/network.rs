//! The time that datagrams take, and random faults of the network.

use crate::pair::Pair;
use crate::story::{Micros, Story, millis};

fn all(story: &Story) -> Vec<Micros> {
    let flights = story.all_flights();
    assert!(flights.len() > 200, "{} flights", flights.len());
    flights
}

fn extremes(story: &Story) -> (Micros, Micros) {
    let flights = all(story);
    (flights.iter().copied().min().unwrap_or(0), flights.iter().copied().max().unwrap_or(0))
}

/// Runs three sites with this network and with a constant latency of 1 ms.
fn network(pair: &Pair, network: &str, differ: impl Fn(&Story, &Story)) {
    let text = format!(
        r#"
    +   network: ({network}),
    -   network: (),
        "#
    );
    pair.led(&text, |with, without| {
        assert_eq!(extremes(without), (millis(1), millis(1)));
        differ(with, without);
    });
}

pub fn constant(pair: &Pair) {
    // The twin has another latency, so the only difference is that it is constant.
    let text = r#"
    +   network: (latency: Constant("7ms")),
    -   network: (latency: Uniform("1ms", "20ms")),
        "#;
    pair.led(text, |with, without| {
        assert_eq!(extremes(with), (millis(7), millis(7)));
        assert!(extremes(without).0 < extremes(without).1);
    });
}

pub fn uniform(pair: &Pair) {
    network(pair, r#"latency: Uniform("2ms", "10ms")"#, |with, _| {
        let (least, most) = extremes(with);
        assert!(
            (millis(2)..millis(3)).contains(&least) && (millis(9)..=millis(10)).contains(&most),
            "{least} to {most}"
        );
        let flights = all(with);
        let below = flights.iter().filter(|flight| **flight < millis(6)).count();
        assert!(
            (40..=60).contains(&(below * 100 / flights.len())),
            "{below} of {} are below the middle",
            flights.len()
        );
    });
}

pub fn exponential(pair: &Pair) {
    network(pair, r#"latency: Exponential(min: "2ms", mean: "5ms")"#, |with, _| {
        let flights = all(with);
        let (least, most) = extremes(with);
        let mean = flights.iter().sum::<u64>() / flights.len() as u64;
        assert!((millis(2)..millis(3)).contains(&least) && most > millis(12), "{least} to {most}");
        assert!((millis(6)..millis(8)).contains(&mean), "the mean is {mean}");
        let below = flights.iter().filter(|flight| **flight < mean).count();
        assert!(
            (55..=72).contains(&(below * 100 / flights.len())),
            "{below} of {} are below it",
            flights.len()
        );
    });
}

/// The different flight times from one site to another.
fn lengths(story: &Story, from: &str, to: &str) -> Vec<Micros> {
    let mut lengths: Vec<Micros> = story.flights(from, to).into_iter().flatten().collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

pub fn table(pair: &Pair) {
    let rows = r#"latency: Table([
            [Constant("1ms"), Constant("5ms"), Constant("9ms")],
            [Constant("7ms"), Constant("1ms"), Constant("3ms")],
            [Constant("2ms"), Constant("4ms"), Constant("1ms")],
        ])"#
    .replace('\n', " ");
    network(pair, &rows, |with, _| {
        assert_eq!(
            (lengths(with, "S0", "S1"), lengths(with, "S1", "S0")),
            (vec![millis(5)], vec![millis(7)])
        );
        assert_eq!(
            (lengths(with, "S0", "S2"), lengths(with, "S2", "S0")),
            (vec![millis(9)], vec![millis(2)])
        );
    });
}

pub fn regions(pair: &Pair) {
    let regions = r#"latency: Regions(within: Constant("2ms"), between: Constant("8ms"), of: [[0, 1], [2]])"#;
    network(pair, regions, |with, _| {
        assert_eq!(
            (lengths(with, "S0", "S1"), lengths(with, "S1", "S0")),
            (vec![millis(2)], vec![millis(2)])
        );
        assert_eq!(
            (lengths(with, "S0", "S2"), lengths(with, "S2", "S0")),
            (vec![millis(8)], vec![millis(8)])
        );
    });
}

/// How many of the leader's heartbeats arrive not at all, once and twice, in hundredths of their sum.
fn copies(story: &Story) -> [usize; 3] {
    let mut counts = [0; 3];
    for flights in ["S1", "S2"].iter().flat_map(|to| story.flights("S0", to)) {
        counts[flights.len()] += 1;
    }
    let all: usize = counts.iter().sum();
    counts.map(|count| count * 100 / all)
}

pub fn loss(pair: &Pair) {
    network(pair, r#"loss: "20%""#, |with, without| {
        assert!((8..=32).contains(&copies(with)[0]), "{:?}", copies(with));
        assert!(copies(without)[1] >= 99, "{:?}", copies(without));
        assert!(with.world.statistics().lost > 50 && without.world.statistics().lost == 0);
    });
}

pub fn duplication(pair: &Pair) {
    network(pair, r#"duplication: "20%""#, |with, without| {
        assert!((8..=32).contains(&copies(with)[2]), "{:?}", copies(with));
        assert!(copies(without)[1] >= 99, "{:?}", copies(without));
        assert!(with.world.statistics().doubled > 50 && without.world.statistics().doubled == 0);
    });
}

pub fn reordering(pair: &Pair) {
    let text = r#"
    +   network: (reordering: (chance: "20%", by: "9ms")),
    -   network: (reordering: (chance: "0%", by: "9ms")),
        "#;
    pair.led(text, |with, without| {
        let flights = all(with);
        let held = flights.iter().filter(|flight| **flight > millis(1)).count();
        assert!(
            (8..=32).contains(&(held * 100 / flights.len())),
            "{held} of {} are held back",
            flights.len()
        );
        assert_eq!(extremes(without), (millis(1), millis(1)));
        assert!(with.world.statistics().held_back > 50 && without.world.statistics().held_back == 0);
    });
}

pub fn reordering_by(pair: &Pair) {
    let text = r#"
    +   network: (reordering: (chance: "20%", by: "30ms")),
    -   network: (reordering: (chance: "20%", by: "3ms")),
        "#;
    pair.led(text, |with, without| {
        assert!((millis(21)..=millis(31)).contains(&extremes(with).1), "{:?}", extremes(with));
        assert!((millis(3)..=millis(4)).contains(&extremes(without).1), "{:?}", extremes(without));
    });
}
