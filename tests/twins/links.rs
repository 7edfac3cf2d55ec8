//! Cutting and mending links.

use crate::kinds;
use crate::pair::Pair;
use crate::story::{Story, millis, seconds};

kinds::twins!(links: isolate, partition, cut, mend, clog, unclog);

/// The pairs among these that hear each other between these moments, sender first.
fn connected(story: &Story, who: &[&str], from: u64, until: u64) -> Vec<String> {
    let mut connected = Vec::new();
    for sender in who {
        for receiver in who.iter().filter(|receiver| *receiver != sender) {
            if story.arrivals(sender, receiver).iter().any(|(at, _)| (from..until).contains(at)) {
                connected.push(format!("{sender} {receiver}"));
            }
        }
    }
    connected
}

const SITES: [&str; 3] = ["S0", "S1", "S2"];

pub fn isolate(pair: &Pair) {
    let text = r#"clients: 1, also: [
            [At("2500ms", Tweet(client: 0, user: "ann", text: "anybody there?"))],
            [At("2500ms", Tweet(site: 0, user: "bob", text: "in here"))],
    +       [At("2s", Isolate(Site(0)))],
        ]"#;
    pair.led(text, |with, without| {
        let who = ["S0", "S1", "S2", "C0", "T0"];
        let connected = |story| connected(story, &who, millis(2_010), seconds(6));
        let of_s0 =
            |story| connected(story).into_iter().filter(|pair| pair.contains("S0")).collect::<Vec<_>>();
        assert_eq!(of_s0(with), ["S0 T0", "T0 S0"], "no link but the one inside its program");
        let all = ["S0 S1", "S0 S2", "S0 C0", "S0 T0", "S1 S0", "S2 S0", "C0 S0", "T0 S0"];
        assert_eq!(of_s0(without), all);
        assert!(connected(with).contains(&"S1 S2".to_owned()), "the others have each other");
    });
}

pub fn partition(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Partition([[0], [1]]))],
        ]"#;
    pair.led(text, |with, without| {
        let connected = |story| connected(story, &SITES, millis(2_010), seconds(6));
        let (cut, whole) = (connected(with), connected(without));
        assert!(!cut.contains(&"S0 S1".to_owned()) && !cut.contains(&"S1 S0".to_owned()), "{cut:?}");
        assert!(cut.contains(&"S0 S2".to_owned()) && cut.contains(&"S2 S0".to_owned()), "{cut:?}");
        assert!(whole.contains(&"S0 S1".to_owned()) && whole.contains(&"S1 S0".to_owned()), "{whole:?}");
    });
}

pub fn cut(pair: &Pair) {
    let text = r#"also: [
    +       [At("2s", Cut(from: [0], to: [1]))],
        ]"#;
    pair.led(text, |with, without| {
        let connected_from = |story, from| connected(story, &SITES, from, seconds(6));
        let cut = connected_from(with, seconds(2));
        assert!(!cut.contains(&"S0 S1".to_owned()), "{cut:?}");
        assert!(cut.contains(&"S1 S0".to_owned()), "the other way is open: {cut:?}");
        assert!(connected_from(without, seconds(2)).contains(&"S0 S1".to_owned()));
    });
    let text = r#"network: (latency: Constant("20ms")), also: [
            [At("2s", Tweet(site: 0, user: "ann", text: "too late"))],
    +       [On(Sent(kind: "Accept", from: Site(0), to: Site(2)), Cut(from: [0], to: [1]))],
        ]"#;
    pair.led(text, |with, without| {
        let under_way = |story: &Story| {
            let lines = story.lines("S1");
            lines
                .filter(|(_, line)| line.contains("Accept ") && line.ends_with("the link was cut under way"))
                .count()
        };
        assert_eq!((under_way(with), under_way(without)), (1, 0), "what is under way does not arrive either");
    });
}

/// The times between 2.002 s and 4 s at which a datagram from the leader arrives at S1.
fn held(story: &Story) -> Vec<u64> {
    let arrivals = story.arrivals("S0", "S1").into_iter().map(|(at, _)| at);
    arrivals.filter(|at| (millis(2_002)..seconds(4)).contains(at)).collect()
}

pub fn clog(pair: &Pair) {
    let text = r#"also: [
            [At("2100ms", Tweet(site: 0, user: "ann", text: "held"))],
    +       [At("2s", Clog(from: [0], to: [1]))],
        ]"#;
    pair.led(text, |with, without| {
        assert!(held(with).is_empty() && held(without).len() > 10, "{:?}", held(with));
        assert!(!with.arrivals("S1", "S0").iter().all(|(at, _)| *at < seconds(2)), "the other way is open");
        assert!(with.lines("S0").any(|(_, line)| line.ends_with("Accept slot 1: held, its link is clogged")));
        assert!(with.world.statistics().clogged > 10 && without.world.statistics().clogged == 0);
    });
}

pub fn unclog(pair: &Pair) {
    let text = r#"network: (latency: Uniform("1ms", "20ms")), also: [
            [At("2100ms", Tweet(site: 0, user: "ann", text: "held"))],
            [At("2s", Clog(from: [0], to: [1]))],
    +       [At("2900ms", Unclog(from: [0], to: [1]))],
        ]"#;
    pair.led(text, |with, without| {
        assert!(without.arrivals("S0", "S1").iter().all(|(at, _)| *at < millis(2_020)));
        let beats = |(_, line): &(u64, &str)| line.starts_with("Heartbeat");
        let sent = with.sendings("S0", "S1").into_iter().filter(beats);
        let held: Vec<_> = sent.filter(|(at, _)| (seconds(2)..millis(2_900)).contains(at)).collect();
        // A later leadership counts from one again.
        let arrived = with.arrivals("S0", "S1").into_iter().filter(beats).filter(|(at, _)| *at < seconds(3));
        let arrived: Vec<_> = arrived.filter(|(_, beat)| held.iter().any(|(_, sent)| sent == beat)).collect();
        let names =
            |beats: &[(u64, &str)]| beats.iter().map(|(_, beat)| (*beat).to_owned()).collect::<Vec<_>>();
        assert!(
            held.len() > 10 && names(&arrived) == names(&held),
            "{arrived:?}, sent in this order: {held:?}"
        );
        assert!(arrived.iter().all(|(at, _)| (millis(2_901)..=millis(2_920)).contains(at)), "{arrived:?}");
        assert_eq!(with.times("S0", "-> S1 is open again for "), [millis(2_900)]);
    });
}

pub fn mend(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Partition([[0], [1, 2]]))],
    +       [At("4s", Mend(0, 1))],
        ]"#;
    pair.led(text, |with, without| {
        let connected = |story| connected(story, &SITES, seconds(4), seconds(6));
        let (mended, cut) = (connected(with), connected(without));
        assert!(mended.contains(&"S0 S1".to_owned()) && mended.contains(&"S1 S0".to_owned()), "{mended:?}");
        assert!(!mended.contains(&"S0 S2".to_owned()) && !mended.contains(&"S2 S0".to_owned()), "{mended:?}");
        assert_eq!(cut, ["S1 S2", "S2 S1"]);
    });
}
