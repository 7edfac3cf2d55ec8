//! Restarting, pausing, slowing, resuming, healing.

use crate::kinds;
use crate::pair::Pair;
use crate::story::{Story, millis, seconds};

kinds::twins!(lives: restart, pause, resume, slow, heal);

/// The number of datagrams that a site handles between these moments.
fn handled(story: &Story, site: &str, from: u64, until: u64) -> usize {
    story
        .lines(site)
        .filter(|(at, line)| (from..until).contains(at) && line.starts_with("<- ") && !line.contains(": "))
        .count()
}

pub fn restart(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Crash(Site(1)))],
    +       [At("3s", Restart(Site(1)))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.times("S1", "starts, incarnation 2"), [seconds(3)]);
        assert_eq!(without.starts("S1").len(), 1);
        assert!(
            handled(with, "S1", seconds(3), seconds(6)) > 10
                && handled(without, "S1", seconds(3), seconds(6)) == 0
        );
    });
    let text = r#"clients: 1, also: [
            [At("1s", Tweet(client: 0, user: "ann", text: "in one life"))],
            [At("2s", Crash(Client(0))), At("4s", Tweet(client: 0, user: "ann", text: "in another"))],
    +       [At("3s", Restart(Client(0)))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.times("C0", "starts, incarnation 2"), [seconds(3)]);
        assert_eq!(without.starts("C0").len(), 1);
        let opened = |story: &Story| story.times("C0", "opened session").len();
        assert_eq!((opened(with), opened(without)), (2, 1), "its earlier session is forgotten");
    });
}

pub fn pause(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Pause(Site(1)))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.times("S1", "pauses"), [seconds(2)]);
        let later = |story: &Story| story.lines("S1").filter(|(at, _)| *at > seconds(2)).count();
        assert_eq!(later(with), 0, "its clock and its ears have stopped");
        assert!(later(without) > 10);
    });
}

pub fn resume(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Pause(Site(1)))],
    +       [At("3s", Resume(Site(1)))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(handled(without, "S1", seconds(2), seconds(6)), 0);
        let waited = handled(with, "S1", seconds(3), seconds(3) + 1);
        assert!(waited > 10, "it hears {waited} datagrams that waited for it");
        assert!(handled(with, "S1", millis(3_010), seconds(6)) > 10, "and then what comes");
    });
}

pub fn heal(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Crash(Site(2)))],
            [Optional(At("3s", Crash(Site(2), DuringRecovery)))],
            [At("2s", Pause(Site(1)))],
            [At("2s", Cut(from: [1, 2], to: [0]))],
            [At("2s", Rule(kind: "Heartbeat", from: Site(0), to: Site(1), then: Drop))],
    +       [At("4s", Heal)],
        ]"#;
    pair.led(text, |with, without| {
        let starts = (with.times("S2", "starts"), without.starts("S2").len());
        assert_eq!(starts, (vec![0, seconds(4)], 1), "the crash that waited for its recovery is disarmed");
        assert!(
            handled(with, "S1", seconds(4), seconds(6)) > 10
                && handled(without, "S1", seconds(2), seconds(6)) == 0
        );
        let later = |times: Vec<u64>| times.into_iter().filter(|at| *at > seconds(4)).count();
        assert!(later(with.arrivals_of("", "S1", "S0")) > 0, "the link is mended");
        assert_eq!(later(without.arrivals_of("", "S1", "S0")), 0);
        let dropped = |story: &Story| {
            story
                .lines("S0")
                .filter(|(at, line)| *at > seconds(4) && line.ends_with("dropped by a rule"))
                .count()
        };
        assert_eq!(dropped(with), 0, "the rule is gone");
    });
}

pub fn slow(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Slow(Site(1), "60ms"))],
        ]"#;
    pair.led(text, |with, without| {
        let apart = |story: &Story| {
            let arrivals = story.arrivals("S0", "S1");
            let times: Vec<u64> = arrivals.iter().map(|(at, _)| *at).filter(|at| *at > seconds(2)).collect();
            times.windows(2).map(|pair| pair[1] - pair[0]).min()
        };
        assert!(apart(with) >= Some(millis(60)) && apart(without) < Some(millis(60)));
        assert!(with.world.statistics().slowed > 10);
    });
}
