//! How long syncs take, and whether a site waits for them.

use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

/// The longest sync of a site that began after this moment.
fn longest(story: &Story, site: &str, after: Micros) -> Option<Micros> {
    story.syncs(site).into_iter().filter(|(since, _)| *since > after).map(|(since, at)| at - since).max()
}

pub fn sync_time(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Tweet(site: 0, user: "ann", text: "hello"))],
    +       [At("1900ms", SyncTime(Site(1), "200ms"))],
        ]"#;
    pair.led(text, |with, without| {
        let first = |story: &Story, site| {
            let mut syncs = story.syncs(site).into_iter().filter(|(since, _)| *since > millis(1_900));
            syncs.next().map(|(since, at)| at - since)
        };
        assert_eq!((first(with, "S1"), first(without, "S1")), (Some(millis(200)), Some(millis(1))));
        assert_eq!(first(with, "S2"), Some(millis(1)), "the others' disks are what they were");
    });
}

pub fn sync(pair: &Pair) {
    let text = r#"also: [[At("2s", Tweet(site: 0, user: "ann", text: "hello"))]],
    +   disk: (sync: "20ms"),
        "#;
    pair.led(text, |with, without| {
        for site in ["S0", "S1", "S2"] {
            let first = |story: &Story| story.syncs(site).first().map(|(since, at)| at - since);
            assert_eq!((first(with), first(without)), (Some(millis(20)), Some(millis(1))));
        }
        assert!(longest(with, "S0", seconds(2)) >= Some(millis(20)));
    });
}

fn modes(pair: &Pair, one: &str, other: &str, differ: impl Fn(&Story, &Story)) {
    let text = format!(
        r#"also: [[At("2s", Tweet(site: 0, user: "ann", text: "hello"))]],
    +   disk: (sync: "90ms", mode: {one}),
    -   disk: (sync: "90ms", mode: {other}),
        "#
    );
    pair.led(&text, differ);
}

pub fn blocking(pair: &Pair) {
    modes(pair, "Blocking", "Overlapped", |with, without| {
        assert_eq!(with.heard_in_syncs("S1"), 0);
        assert!(without.heard_in_syncs("S1") > 0);
    });
}

pub fn overlapped(pair: &Pair) {
    modes(pair, "Overlapped", "Blocking", |with, without| {
        assert!(with.heard_in_syncs("S1") > 0);
        assert_eq!(without.heard_in_syncs("S1"), 0);
    });
}
