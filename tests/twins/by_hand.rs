//! Steps that act by hand, and the held network.

use crate::kinds;
use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

kinds::twins!(by_hand: deliver, lose, double, delay, fire, sync);

fn prepares(story: &Story) -> Vec<Micros> {
    story.arrivals_of("Prepare", "S0", "S1")
}

pub fn held(pair: &Pair) {
    let text = r#"sites: 3,
    +   network: Held,
    -   network: (),
        "#;
    pair.free(text, |with, without| {
        assert_eq!(with.world.statistics().sent, 0, "no deadline comes");
        assert!(without.world.leader().is_some());
    });
}

pub fn deliver(pair: &Pair) {
    let text = r#"sites: 3, network: Held,
        steps: [At("1s", Fire(Site(0))), At("1s", Fire(Site(0))), At("2s", Sync(Site(0)))],
        also: [
    +       [At("3s", Deliver(kind: "Prepare", from: Site(0), to: Site(1)))],
        ]"#;
    pair.free(text, |with, without| {
        assert_eq!((prepares(with), prepares(without)), (vec![seconds(3)], Vec::new()));
        assert!(with.arrivals("S0", "S2").is_empty());
    });
}

pub fn lose(pair: &Pair) {
    let text = r#"sites: 3, network: Held,
        steps: [
            At("1s", Fire(Site(0))), At("1s", Fire(Site(0))), At("2s", Sync(Site(0))),
            Optional(At("4s", Deliver(kind: "Prepare", from: Site(0), to: Site(1)))),
        ],
        also: [
    +       [At("3s", Lose(kind: "Prepare", from: Site(0), to: Site(1)))],
        ]"#;
    pair.free(text, |with, without| {
        assert_eq!((prepares(with), prepares(without)), (Vec::new(), vec![seconds(4)]));
        assert_eq!(with.times("S1", "<- S0 Prepare ballot 9: lost by hand"), [seconds(3)]);
    });
}

pub fn double(pair: &Pair) {
    let text = r#"sites: 3, leader: 0, network: (latency: Constant("100ms")), also: [
    +   [On(Sent(kind: "Prepare", to: Site(1)), Double(kind: "Prepare", to: Site(1)))],
        ]"#;
    pair.free(text, |with, without| {
        let (twice, once) = (prepares(with), prepares(without));
        assert_eq!(twice[0] + millis(100), once[0]);
        assert_eq!(twice[1], once[0]);
    });
}

pub fn delay(pair: &Pair) {
    let text = r#"sites: 3, leader: 0, network: (latency: Constant("100ms")), also: [
    +   [On(Sent(kind: "Prepare", to: Site(1)), Delay((kind: "Prepare", to: Site(1)), "50ms"))],
        ]"#;
    pair.free(text, |with, without| {
        assert_eq!(prepares(with)[0], prepares(without)[0] + millis(50));
    });
}

pub fn fire(pair: &Pair) {
    let text = r#"sites: 3, network: Held,
        steps: [At("1s", Fire(Site(0)))],
        also: [
    +       [At("1500ms", Fire(Site(0)))],
        ]"#;
    pair.free(text, |with, without| {
        assert_eq!(with.times("S0", "campaigns under 1.0"), [millis(1_500)]);
        assert_eq!(without.first("S0", "campaigns"), None);
    });
}

pub fn sync(pair: &Pair) {
    let text = r#"sites: 3, network: Held,
        steps: [At("1s", Fire(Site(0))), At("1s", Fire(Site(0)))],
        also: [
    +       [At("2s", Sync(Site(0)))],
        ]"#;
    pair.free(text, |with, without| {
        let sent = |story: &Story| story.sendings("S0", "S1").iter().map(|(at, _)| *at).collect::<Vec<_>>();
        assert_eq!((sent(with), sent(without)), (vec![seconds(2)], Vec::new()));
    });
}
