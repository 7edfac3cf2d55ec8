//! Settings that no scenario contains, or from which the whole run is drawn.

use aviary::ids::ProcessId;
use aviary::sim::ProcessStatus;

use crate::pair::Pair;
use crate::settings::{LONG, crowd};
use crate::story::{Story, seconds};

pub fn seed(pair: &Pair) {
    let text = r#"network: (latency: Uniform("1ms", "20ms")),
    +   seed: 100,
    -   seed: 200,
        "#;
    pair.led(text, |with, without| {
        assert!(
            with.first("S0", "campaigns") != without.first("S0", "campaigns"),
            "the sites draw otherwise"
        );
        let flights =
            |story: &Story| story.flights("S0", "S1").into_iter().flatten().take(20).collect::<Vec<_>>();
        assert!(flights(with) != flights(without), "the network draws otherwise");
    });
}

pub fn leader(pair: &Pair) {
    let text = "sites: 3,
    +   leader: 2,
    -   leader: 0,
        ";
    pair.free(text, |with, without| {
        let leads = |story: &Story, who: &str| story.first(who, "leads").is_some();
        assert!(leads(with, "S2") && !leads(with, "S0"), "{:?}", with.who("leads"));
        assert!(leads(without, "S0") && !leads(without, "S2"), "{:?}", without.who("leads"));
        let is_silent = |story: &Story| story.who("pauses").is_empty() && story.who("resumes").is_empty();
        assert!(is_silent(with) && is_silent(without), "nothing stands for it");
    });
}

/// A tweet every tenth of a second, from 1 s to 5 s.
fn chatter() -> String {
    let tweet = |number| {
        format!(r#"At("{}ms", Tweet(site: 1, user: "ann", text: "{number}"))"#, 1_000 + 100 * number)
    };
    let tweets: Vec<String> = (0..40).map(tweet).collect();
    format!("also: [[{}]],", tweets.join(", "))
}

const SEGMENT_BYTES: u64 = 4 << 10;

pub fn capacity(pair: &Pair) {
    let small_files =
        |settings: &mut aviary::sim::WorldSettings<_>| settings.journal.segment_bytes = SEGMENT_BYTES;
    pair.worlds(
        &chatter(),
        small_files,
        |settings| settings.disk.capacity = 2 * SEGMENT_BYTES,
        |with, without| {
            assert!(!with.who("learns that its disk is almost full").is_empty());
            assert!(without.who("learns that its disk is almost full").is_empty());
            assert_eq!(with.files(0).len(), 2);
        },
    );
}

pub fn segment_bytes(pair: &Pair) {
    pair.worlds(
        &chatter(),
        |_| {},
        |settings| settings.journal.segment_bytes = SEGMENT_BYTES,
        |with, without| {
            assert!(with.files(0).len() > 2 && without.files(0).len() == 2);
            assert!(with.files(0).iter().all(|(_, bytes)| bytes.len() as u64 == SEGMENT_BYTES));
        },
    );
}

pub fn record_max(pair: &Pair) {
    pair.worlds(
        &chatter(),
        |_| {},
        |settings| settings.journal.record_max = 8,
        |with, without| {
            let stops = |story: &Story| story.who("stops: a record takes ");
            assert!(!stops(with).is_empty() && stops(without).is_empty(), "{:?}", with.who("stops"));
        },
    );
}

pub fn outbox_max(pair: &Pair) {
    let text = format!(r#"{} disk: (sync: "90ms"),"#, chatter());
    pair.worlds(
        &text,
        |_| {},
        |settings| settings.outbox_max = 1,
        |with, without| {
            let (held, free) = (with.arrivals_in_syncs("S1"), without.arrivals_in_syncs("S1"));
            assert!(held * 2 < free, "{held} and {free} datagrams are handled during syncs");
        },
    );
}

pub fn inbox_max(pair: &Pair) {
    let text = r#"also: [[At("2s", Pause(Site(1))), At("4s", Resume(Site(1)))]],"#;
    pair.worlds(
        text,
        |_| {},
        |settings| settings.inbox_max = 3,
        |with, without| {
            let waited = |story: &Story| {
                let lines =
                    story.lines("S1").filter(|(at, line)| *at == seconds(4) && line.starts_with("resumes"));
                lines.map(|(_, line)| line.to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(waited(with), ["resumes, 3 inputs waiting"]);
            assert!(waited(without) != waited(with));
            assert!(with.world.statistics().overflowed > 0 && without.world.statistics().overflowed == 0);
            assert_eq!(with.world.status(ProcessId::site(1)), Some(ProcessStatus::Up));
        },
    );
}

pub fn clog_max(pair: &Pair) {
    let text = r#"also: [[At("2s", Clog(from: [0], to: [1]))]],"#;
    pair.worlds(
        text,
        |_| {},
        |settings| settings.clog_max = 3,
        |with, without| {
            let (few, many) = (with.world.statistics(), without.world.statistics());
            assert!(few.clogged == 3 && few.congested > 0, "{few:?}");
            assert!(many.clogged > 3 && many.congested == 0, "{many:?}");
        },
    );
}

pub fn datagram_max(pair: &Pair) {
    // Retransmitted messages are sent together, as far as they fit.
    let text = format!(
        r#"{} settings: (batch: 1),
        rules: [(kind: "Accept", since: "3900ms", until: "4100ms", then: Drop)],"#,
        crowd(&LONG.repeat(200))
    );
    pair.worlds(
        &text,
        |_| {},
        |settings| settings.datagram_max = 9_000,
        |with, without| {
            assert!(
                with.largest() > 1_200 && without.largest() <= 1_200,
                "{} and {}",
                with.largest(),
                without.largest()
            );
        },
    );
}
