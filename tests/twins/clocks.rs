//! Clocks that are set, and clocks that drift.

use crate::kinds;
use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

kinds::twins!(clocks: ahead, behind, fast, slow);

/// The distances between the leader's heartbeats after `since`.
fn beats(story: &Story, since: Micros) -> Vec<Micros> {
    let sent = story.sendings("S0", "S1");
    let beats = sent.iter().filter(|(at, line)| *at > since && line.starts_with("Heartbeat"));
    let times: Vec<Micros> = beats.map(|(at, _)| *at).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn struck(fault: &str) -> String {
    format!(
        r#"also: [
    +       [At("2010ms", Clock(Site(0), {fault}))],
        ]"#
    )
}

pub fn ahead(pair: &Pair) {
    pair.led(&struck(r#"Ahead("1min")"#), |with, without| {
        let lost = |story: &Story| story.first("S0", "lost its quorum");
        assert!(lost(with).is_some_and(|at| (millis(2_010)..seconds(3)).contains(&at)), "{:?}", lost(with));
        assert_eq!(lost(without), None);
    });
}

pub fn behind(pair: &Pair) {
    pair.led(&struck(r#"Behind("1s")"#), |with, without| {
        assert!(beats(without, millis(1_900)).iter().all(|apart| *apart == millis(50)));
        let late: Vec<Micros> =
            beats(with, millis(1_900)).into_iter().filter(|apart| *apart != millis(50)).collect();
        assert!(matches!(late[..], [once] if once > millis(50) && once < millis(100)), "{late:?}");
    });
}

fn drifts(pair: &Pair, fault: &str, apart: std::ops::RangeInclusive<Micros>) {
    pair.led(&struck(fault), |with, without| {
        let found = beats(with, millis(2_200));
        assert!(!found.is_empty() && found.iter().all(|found| apart.contains(found)), "{found:?}");
        assert!(beats(without, millis(2_200)).iter().all(|apart| *apart == millis(50)));
    });
}

pub fn fast(pair: &Pair) {
    drifts(pair, r#"Fast("25%")"#, 39_999..=40_001);
}

pub fn slow(pair: &Pair) {
    drifts(pair, r#"Slow("50%")"#, millis(100)..=millis(100));
}
