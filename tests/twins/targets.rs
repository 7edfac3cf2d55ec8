//! Targets of faults: a site, a client, a role, a machine, all processes.

use crate::pair::Pair;
use crate::story::{millis, seconds};

/// Checks which processes pause at 2 s with this target.
fn pauses(pair: &Pair, target: &str, who: &[&str]) {
    let text = format!(
        r#"clients: 1, also: [
    +       [At("2s", Pause({target}))],
        ]"#
    );
    pair.led(&text, |with, without| {
        let at = |story: &crate::story::Story| {
            let entries = story
                .entries
                .iter()
                .filter(|entry| entry.at.as_micros() == seconds(2) && entry.what == "pauses");
            entries.flat_map(|entry| entry.who.iter().map(ToString::to_string)).collect::<Vec<_>>()
        };
        assert_eq!((at(with), at(without)), (who.iter().map(ToString::to_string).collect(), Vec::new()));
    });
}

pub fn one_site(pair: &Pair) {
    pauses(pair, "Site(2)", &["S2"]);
}

pub fn leader(pair: &Pair) {
    pauses(pair, "Leader", &["S0"]);
}

pub fn follower(pair: &Pair) {
    pauses(pair, "Follower", &["S1"]);
}

pub fn candidate(pair: &Pair) {
    // No other site could vote, so a candidate goes on trying.
    let text = r#"sites: 3, steps: [At("0s", Isolate(AllSites))], also: [
    +       [At("2s", Crash(Candidate))],
        ]"#;
    pair.free(text, |with, without| {
        let crashed = with.who("crashes");
        assert!(crashed.len() == 1 && without.who("crashes").is_empty(), "{crashed:?}");
        assert!(with.times(&crashed[0], "campaigns").iter().any(|at| *at < seconds(2)));
    });
}

pub fn laggard(pair: &Pair) {
    let text = r#"also: [
            [At("1900ms", Isolate(Site(2))), After("10ms", Tweet(site: 0, user: "ann", text: "without you"))],
    +       [At("2500ms", Crash(Laggard))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!((with.who("crashes"), without.who("crashes")), (vec!["S2".into()], vec![]));
    });
}

pub fn sender(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Tweet(site: 0, user: "ann", text: "one"))],
    +       [On(Sent(kind: "Accepted", slot: 1, nth: 2), Crash(Sender))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.who("crashes").len(), 1);
        assert!(without.who("crashes").is_empty());
        let crashed = &with.who("crashes")[0];
        let at = with.first(crashed, "crashes").expect("it crashes");
        assert!(with.times(crashed, "-> S0 Accepted slot 1").contains(&at), "right when it has voted");
    });
}

pub fn recipient(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Tweet(site: 1, user: "ann", text: "one"))],
    +       [On(Delivered(kind: "Accepted", from: Site(1), slot: 1), Crash(Recipient))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!((with.who("crashes"), without.who("crashes")), (vec!["S0".into()], vec![]));
    });
}

pub fn machine(pair: &Pair) {
    pauses(pair, "Machine(1)", &["S1", "S2"]);
}

pub fn all_sites(pair: &Pair) {
    pauses(pair, "AllSites", &["S0", "S1", "S2"]);
}

/// A paused client does not hear its answer.
fn asker_pauses(pair: &Pair, target: &str, asker: &str, id: &str) {
    let text = format!(
        r#"clients: 1, also: [
            [At("2s", Tweet({asker}, user: "ann", text: "hello"))],
    +       [At("1900ms", Pause({target}))],
        ]"#
    );
    pair.led(&text, |with, without| {
        assert_eq!(with.times(id, "pauses"), [millis(1_900)]);
        assert_eq!(with.lines(id).filter(|(at, _)| *at > millis(1_900)).count(), 0);
        assert_eq!(without.times(id, "done at").len(), 1);
    });
}

pub fn one_terminal(pair: &Pair) {
    asker_pauses(pair, "Terminal(1)", "site: 1", "T1");
}

pub fn one_client(pair: &Pair) {
    asker_pauses(pair, "Client(0)", "client: 0", "C0");
}

pub fn anybody(pair: &Pair) {
    let text = r#"clients: 1, also: [
            [At("2s", Tweet(client: 0, user: "ann", text: "hello"))],
    +       [At("1900ms", Rule(then: Drop))],
        ]"#;
    pair.led(text, |with, without| {
        for (from, to) in [("S0", "S1"), ("S1", "S0"), ("S2", "S0"), ("C0", "S0")] {
            let later = |story: &crate::story::Story| {
                story.arrivals(from, to).iter().filter(|(at, _)| *at > millis(1_905)).count()
            };
            assert!(later(with) == 0 && later(without) > 0, "{from} to {to}");
        }
    });
}

pub fn machines(pair: &Pair) {
    let text = r#"sites: 3,
    +   machines: [[0], [1, 2]],
    -   machines: [[0, 1], [2]],
        steps: [At("2s", Crash(Machine(1)))]"#;
    pair.free(text, |with, without| {
        assert_eq!(
            (with.who("crashes"), without.who("crashes")),
            (vec!["S1".into(), "S2".into()], vec!["S2".into()])
        );
    });
}
