//! The length of syncs, whether a site waits for them, and faults of disks.

use aviary::sim::DiskFault;

use crate::kinds;
use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

kinds::twins!(disk: sync_time, fail_sync, fail_write, fail_read, full, room, rot, misdirect, lose_file, save, restore, wipe);

/// The length of a site's longest sync that began after this moment.
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
        assert_eq!(with.arrivals_in_syncs("S1"), 0);
        assert!(without.arrivals_in_syncs("S1") > 0);
    });
}

pub fn overlapped(pair: &Pair) {
    modes(pair, "Overlapped", "Blocking", |with, without| {
        assert!(with.arrivals_in_syncs("S1") > 0);
        assert_eq!(without.arrivals_in_syncs("S1"), 0);
    });
}

/// Site 1 stops between 2 s and 3 s because of its disk. It starts again from what it had synced and from what else it
/// reads, since nothing removed the cache.
fn fails(pair: &Pair, fault: &str, found: &str, read: impl Fn(&Story, Micros) -> u64) {
    let text = format!(
        r#"also: [
            [At("2s", Tweet(site: 0, user: "ann", text: "hello"))],
            [At("3s", Restart(Site(1)))],
    +       [At("1900ms", Disk(Site(1), {fault}))],
        ]"#
    );
    pair.led(&text, |with, without| {
        let at = with.first("S1", found).expect("a failure");
        assert!((seconds(2)..seconds(3)).contains(&at) && without.first("S1", found).is_none());
        assert_eq!(with.first("S1", "stops: failed to use segment-00000000.log"), Some(at));
        let synced = with.records("S1", "has synced", at);
        assert_eq!(with.starts("S1"), [(1, 0), (2, synced + read(with, at))]);
        assert_eq!(without.starts("S1").len(), 1);
    });
}

pub fn fail_sync(pair: &Pair) {
    let read = |story: &Story, at| {
        let unsynced = story.records("S1", "appends", at) - story.records("S1", "has synced", at);
        assert!(unsynced > 0);
        unsynced
    };
    fails(pair, "FailSync", "finds that a sync of its disk failed", read);
}

pub fn fail_write(pair: &Pair) {
    fails(pair, "FailWrite", "finds that a write to its disk failed", |_, _| 0);
}

/// The site is crashed at 2.5 s; the start at 3 s fails to read, and the one at 4 s does not.
pub fn fail_read(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Tweet(site: 0, user: "ann", text: "hello"))],
            [At("2500ms", Crash(Site(1))), At("3s", Restart(Site(1))), At("4s", Restart(Site(1)))],
    +       [At("1900ms", Disk(Site(1), FailRead))],
        ]"#;
    pair.led(text, |with, without| {
        let found = "finds that a read of its disk failed";
        assert_eq!((with.times("S1", found), without.first("S1", found)), (vec![seconds(3)], None));
        assert_eq!(with.times("S1", "stops: failed to use segment-00000000.log"), [seconds(3)]);
        let synced = |story: &Story| story.records("S1", "has synced", millis(2_500));
        assert_eq!(with.starts("S1"), [(1, 0), (2, synced(with))]);
        assert_eq!(with.times("S1", "starts").last(), Some(&seconds(4)));
        assert_eq!(without.times("S1", "starts").last(), Some(&seconds(3)));
        assert_eq!(without.starts("S1"), [(1, 0), (2, synced(without))]);
        assert!(with.world.damaged().is_empty(), "nothing is lost");
    });
}

/// The smallest files that fit the records of one input, and tweets that fill them.
const SMALL: &str = "settings: (datagram_max: 1024, window: 1, fetch_max: 1),";

fn tweets() -> String {
    let tweet = |number| {
        let text = "and so on ".repeat(20);
        format!(r#"At("{}ms", Tweet(site: 1, user: "ann", text: "{text}"))"#, 1_000 + 100 * number)
    };
    let tweets: Vec<String> = (0..40).map(tweet).collect();
    format!("[{}]", tweets.join(", "))
}

const LOW: &str = "learns that its disk is almost full";

pub fn full(pair: &Pair) {
    let text = format!(
        r#"{SMALL} disk: (file_bytes: 6000), also: [
    +       [At("900ms", Disk(Site(1), Full))],
            {}
        ]"#,
        tweets()
    );
    pair.led(&text, |with, without| {
        assert_eq!((with.who(LOW), without.who(LOW)), (vec!["S1".to_owned()], vec![]));
        assert!(with.files(1).len() == 2 && without.files(1).len() > 2);
        assert!(with.world.statistics().of_disk(DiskFault::Full) > 0);
    });
}

pub fn room(pair: &Pair) {
    let text = format!(
        r#"{SMALL} disk: (file_bytes: 6000), also: [
            [At("900ms", Disk(Site(1), Full))],
    +       [At("4s", Disk(Site(1), Room))],
            {}
        ]"#,
        tweets()
    );
    pair.led(&text, |with, without| {
        assert_eq!(with.who(LOW), ["S1"]);
        let again = "learns that its disk has room again";
        assert!(with.first("S1", again).is_some_and(|at| at >= seconds(4)));
        assert!(without.first("S1", again).is_none() && without.first("S1", LOW).is_some());
    });
}

/// A synced part is damaged between 1.9 s and 3 s; the site goes on, and at 4 s it does not start again.
fn damaged(pair: &Pair, at: &str, fault: &str, line: &str) {
    let text = format!(
        r#"also: [
            [At("2s", Tweet(site: 0, user: "ann", text: "hello"))],
            [At("3s", Crash(Site(1))), At("4s", Restart(Site(1)))],
    +       [At("{at}", Disk(Site(1), {fault}))],
        ]"#
    );
    pair.led(&text, |with, without| {
        assert!(with.first("S1", line).is_some() && without.first("S1", line).is_none());
        assert_eq!(with.times("S1", "stops: segment-00000000.log is damaged"), [seconds(4)]);
        assert_eq!((with.starts("S1").len(), without.starts("S1").len()), (1, 2));
        assert_eq!(with.world.damaged().len(), 1);
    });
}

pub fn rot(pair: &Pair) {
    damaged(pair, "2500ms", "Rot", "has rot on its disk");
}

pub fn misdirect(pair: &Pair) {
    damaged(pair, "1900ms", "Misdirect", "writes to byte ");
}

pub fn lose_file(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Tweet(site: 0, user: "ann", text: "hello")), At("2800ms", Tweet(site: 0, user: "ann", text: "again"))],
            [At("3s", Crash(Site(1))), At("4s", Restart(Site(1)))],
    +       [At("2500ms", Disk(Site(1), LoseFile))],
        ]"#;
    pair.led(text, |with, without| {
        let lost = "loses segment-00000000.log from its disk";
        assert_eq!((with.times("S1", lost), without.first("S1", lost)), (vec![millis(2_500)], None));
        // The site has the file open, and writes to it.
        assert!(
            with.records("S1", "has synced", seconds(3)) == without.records("S1", "has synced", seconds(3))
        );
        assert_eq!(with.times("S1", "stops: segment-00000000.log is missing"), [seconds(4)]);
        assert_eq!((with.starts("S1").len(), without.starts("S1").len()), (1, 2));
        assert_eq!(
            (with.world.damaged().len(), with.world.statistics().of_disk(DiskFault::LoseFile)),
            (1, 1)
        );
    });
}

pub fn wipe(pair: &Pair) {
    let text = r#"also: [
            [At("3s", Restart(Site(1)))],
    +       [At("2s", Wipe(Site(1)))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.times("S1", "stops: its storage is gone"), [seconds(2)]);
        assert_eq!(with.times("S1", "stops: no journal is here"), [seconds(3)]);
        assert!(with.files(1).is_empty() && !without.files(1).is_empty());
    });
}

/// Site 1 is put back at 3 s to its state of 1 s, and starts again from that at 4 s.
pub fn restore(pair: &Pair) {
    let text = r#"budget: Unlimited, also: [
            [At("1s", Disk(Site(1), Save)), At("2s", Tweet(site: 0, user: "ann", text: "hello"))],
            [At("4s", Restart(Site(1)))],
    +       [At("3s", Disk(Site(1), Restore))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.times("S1", "stops: its storage is put back as it was"), [seconds(3)]);
        assert_eq!(with.starts("S1"), [(1, 0), (2, with.records("S1", "has synced", seconds(1)))]);
        assert_eq!(without.starts("S1").len(), 1);
        assert!(with.records("S1", "has synced", seconds(3)) > with.records("S1", "has synced", seconds(1)));
    });
}

/// The latest copy is the one that is put back.
pub fn save(pair: &Pair) {
    let text = r#"budget: Unlimited, also: [
            [At("1s", Disk(Site(1), Save)), At("1500ms", Tweet(site: 0, user: "ann", text: "hello"))],
            [At("3s", Disk(Site(1), Restore)), At("4s", Restart(Site(1)))],
    +       [At("2s", Disk(Site(1), Save))],
        ]"#;
    pair.led(text, |with, without| {
        let of = |story: &Story, at| (2, story.records("S1", "has synced", at));
        assert_eq!(with.starts("S1")[1], of(with, seconds(2)));
        assert_eq!(without.starts("S1")[1], of(without, seconds(1)));
        assert!(of(with, seconds(2)) > of(without, seconds(1)));
    });
}

pub fn file_bytes(pair: &Pair) {
    let text = format!(
        r#"{SMALL} also: [{}],
    +   disk: (file_bytes: 6000),
        "#,
        tweets()
    );
    pair.led(&text, |with, without| {
        assert!(with.files(1).len() > 2 && without.files(1).len() == 2);
        assert!(with.files(1).iter().all(|(_, bytes)| bytes.len() == 6_000));
    });
}
