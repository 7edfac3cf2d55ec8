//! What links promise.

use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

/// How many heartbeats from site 0 to site 1 arrive right after one that was sent later.
fn overtaken(story: &Story) -> usize {
    let sent = story.sendings("S0", "S1");
    let place = |text: &str| sent.iter().position(|(_, other)| *other == text);
    let arrivals = story.arrivals("S0", "S1");
    let beats = arrivals.iter().filter(|(_, text)| text.starts_with("Heartbeat "));
    let places: Vec<usize> = beats.filter_map(|(_, text)| place(text)).collect();
    assert!(places.len() > 30, "{} arrivals", places.len());
    places.windows(2).filter(|two| two[1] < two[0]).count()
}

/// The times at which the world says this.
fn times(story: &Story, line: &str) -> Vec<Micros> {
    story.entries.iter().filter(|entry| entry.what == line).map(|entry| entry.at.as_micros()).collect()
}

pub fn fifo(pair: &Pair) {
    let text = r#"settings: (heartbeat: "10ms"),
    +   network: (latency: Uniform("1ms", "60ms"), order: Fifo),
    -   network: (latency: Uniform("1ms", "60ms")),
        "#;
    pair.led(text, |with, without| {
        assert_eq!(overtaken(with), 0);
        assert!(overtaken(without) > 10, "{}", overtaken(without));
    });
    let text = r#"also: [
            [At("2s", Rule(from: Site(0), to: Site(1), count: 1, then: Delay("300ms")))],
        ],
    +   network: (order: Fifo),
    -   network: (),
        "#;
    pair.led(text, |with, without| {
        let arrived = |story: &Story| {
            let arrivals = story.arrivals("S0", "S1").into_iter();
            arrivals.filter(|(at, _)| (millis(2_010)..millis(2_300)).contains(at)).count()
        };
        assert_eq!(arrived(with), 0, "a rule holds back what is sent later");
        assert!(arrived(without) > 3, "{}", arrived(without));
    });
}

pub fn datagrams(pair: &Pair) {
    let text = r#"settings: (heartbeat: "10ms"),
    +   network: (latency: Uniform("1ms", "60ms"), order: Datagrams),
    -   network: (latency: Uniform("1ms", "60ms"), order: Fifo),
        "#;
    pair.led(text, |with, without| {
        assert!(overtaken(with) > 10, "{}", overtaken(with));
        assert_eq!(overtaken(without), 0);
    });
}

pub fn stream(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Partition([[0], [1, 2]])), After("400ms", Heal)],
            [At("2100ms", Tweet(site: 1, user: "ann", text: "held"))],
        ],
    +   network: (latency: Uniform("1ms", "30ms"), order: Stream),
    -   network: (latency: Uniform("1ms", "30ms")),
        "#;
    pair.led(text, |with, without| {
        let (kept, lost) = (with.world.statistics(), without.world.statistics());
        assert_eq!((kept.cut, kept.lost_with_links, kept.links_broken), (0, 0, 0));
        assert!(kept.waited > 10 && lost.cut > 10 && lost.waited == 0, "{} {}", kept.waited, lost.cut);
        assert_eq!(overtaken(with), 0);
        let at_mending = with.arrivals("S0", "S1").iter().filter(|(at, _)| *at > millis(2_400)).count();
        assert!(at_mending > 10);
    });
    let text = r#"also: [
            [At("2s", Crash(Site(0))), After("1s", Restart(Site(0)))],
        ],
    +   network: (order: Stream),
    -   network: (order: Fifo),
        "#;
    pair.led(text, |with, without| {
        let down = ["S0 - S1", "S0 - S2"].map(|ends| format!("link down: {ends}, S0 has ended"));
        assert_eq!(down.map(|line| times(with, &line)), [[millis(2_001)], [millis(2_001)]]);
        assert_eq!(times(with, "link up: S0 - S1"), [millis(3_001)]);
        assert_eq!(with.times("S1", "learns that its link to S0 is up"), [millis(3_001)]);
        assert_eq!(without.world.statistics().links_broken, 0);
    });
}

pub fn break_after(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Isolate(Site(2))), After("800ms", Heal)],
        ],
    +   network: (order: Stream, break_after: "300ms"),
    -   network: (order: Stream, break_after: "1s"),
        "#;
    pair.led(text, |with, without| {
        let (broken, kept) = (with.world.statistics(), without.world.statistics());
        assert_eq!((broken.links_broken, broken.links_connected, kept.links_broken), (2, 2, 0));
        assert!(broken.lost_with_links > 10 && kept.lost_with_links == 0);
        assert_eq!(times(with, "link down: S0 - S2, cut for 300ms"), [millis(2_300)]);
        let held = without.arrivals("S0", "S2").into_iter().filter(|(at, _)| *at == millis(2_801)).count();
        assert!(held > 10 && without.arrivals("S0", "S2").iter().all(|(at, _)| *at < seconds(6)), "{held}");
    });
}
