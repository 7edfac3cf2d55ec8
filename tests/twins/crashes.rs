//! Crashes: at a time, at each seam, and with a torn write.

use crate::kinds;
use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

kinds::twins!(crashes: at_once, before_sync, after_sync, between_sends, between_recipients, during_recovery, in_recovery, in_rollover, torn, scattered);

/// The messages that a site hands to the network at exactly this moment.
fn sent_at(story: &Story, site: &str, at: Micros) -> Vec<String> {
    let lines = story.lines(site).filter(|(when, line)| *when == at && line.starts_with("-> "));
    lines.map(|(_, line)| line.to_owned()).collect()
}

pub fn at_once(pair: &Pair) {
    let text = r#"also: [
            [At("3s", Restart(Site(1)))],
    +       [At("2s", Crash(Site(1)))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.first("S1", "crashes"), Some(seconds(2)));
        let incarnations = |story: &Story| story.starts("S1").iter().map(|start| start.0).collect::<Vec<_>>();
        assert_eq!((incarnations(with), incarnations(without)), (vec![1, 2], vec![1]));
        let arrived =
            with.arrivals("S0", "S1").iter().filter(|(at, _)| (seconds(2)..seconds(3)).contains(at)).count();
        assert_eq!(arrived, 0, "who is down hears nothing");
    });
    let text = r#"clients: 1, also: [
            [At("2500ms", Tweet(client: 0, user: "ann", text: "is anybody there?"))],
    +       [At("2s", Crash(Client(0)))],
        ]"#;
    pair.led(text, |with, without| {
        assert_eq!(with.first("C0", "crashes"), Some(seconds(2)));
        assert_eq!(with.first("C0", "is down, and is not asked"), Some(millis(2_500)));
        let asks = |story: &Story| story.sendings("C0", "S0").len();
        assert!(asks(with) == 0 && asks(without) > 0);
    });
}

/// The site is asked at 2 s; its records for that are synced at once, and only then may it answer.
fn asked(seam: &str) -> String {
    format!(
        r#"also: [
            [At("2s", Tweet(site: 1, user: "ann", text: "hello"))],
            [At("3s", Restart(Site(1)))],
    +       [At("1900ms", Crash(Site(1), {seam}))],
        ]"#
    )
}

pub fn before_sync(pair: &Pair) {
    pair.led(&asked("BeforeSync"), |with, without| {
        let at = with.first("S1", "crashes before a sync").expect("a crash");
        assert_eq!(without.first("S1", "took"), Some(at), "where the other writes down what it was asked");
        assert!(sent_at(with, "S1", at).is_empty());
        let (appended, synced) = (with.records("S1", "appends", at), with.records("S1", "has synced", at));
        assert_eq!(appended, synced + 1);
        assert_eq!(with.starts("S1"), [(1, 0), (2, synced)], "what was not synced is lost");
    });
}

pub fn after_sync(pair: &Pair) {
    pair.led(&asked("AfterSync"), |with, without| {
        let at = with.first("S1", "crashes after a sync").expect("a crash");
        let waited: Vec<_> = sent_at(without, "S1", at);
        assert!(sent_at(with, "S1", at).is_empty() && !waited.is_empty(), "{waited:?} waited for that sync");
        let appended = with.records("S1", "appends", at);
        assert_eq!(with.starts("S1"), [(1, 0), (2, appended)], "what was synced is there");
    });
}

pub fn between_sends(pair: &Pair) {
    pair.led(&asked("BetweenSends"), |with, without| {
        let at = with.first("S1", "crashes between two sends").expect("a crash");
        let (left, all) = (sent_at(with, "S1", at), sent_at(without, "S1", at));
        assert_eq!((left.len(), &left[..]), (1, &all[..1]), "the first of {all:?}");
        assert!(all.len() > 1);
    });
}

pub fn between_recipients(pair: &Pair) {
    let text = r#"also: [
            [At("3s", Restart(Site(0)))],
    +       [At("1900ms", Crash(Site(0), BetweenRecipients))],
        ]"#;
    pair.led(text, |with, without| {
        let at = with.first("S0", "crashes between two recipients").expect("a crash");
        let (left, all) = (sent_at(with, "S0", at), sent_at(without, "S0", at));
        let beat = all[0].strip_prefix("-> S1 ").expect("the first recipient");
        assert_eq!(left, [format!("-> S1 {beat}")]);
        assert_eq!(all, [format!("-> S1 {beat}"), format!("-> S2 {beat}")]);
    });
}

pub fn during_recovery(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Crash(Site(1))), At("3s", Restart(Site(1))), At("4s", Restart(Site(1)))],
    +       [At("2500ms", Crash(Site(1), DuringRecovery))],
        ]"#;
    pair.led(text, |with, without| {
        let last =
            |story: &Story| (story.starts("S1").last().map(|start| start.0), story.times("S1", "starts"));
        assert_eq!(with.first("S1", "crashes during recovery"), Some(seconds(3)));
        assert_eq!(last(with), (Some(3), vec![0, seconds(4)]), "the second incarnation never started");
        assert_eq!(last(without), (Some(2), vec![0, seconds(3)]));
    });
}

pub fn in_recovery(pair: &Pair) {
    let text = r#"also: [
            [At("2s", Crash(Site(1))), At("3s", Restart(Site(1))), At("4s", Restart(Site(1)))],
    +       [At("2500ms", Crash(Site(1), InRecovery(2)))],
        ]"#;
    pair.led(text, |with, without| {
        let last =
            |story: &Story| (story.starts("S1").last().map(|start| start.0), story.times("S1", "starts"));
        assert_eq!(with.first("S1", "crashes inside recovery"), Some(seconds(3)));
        assert_eq!(last(with), (Some(2), vec![0, seconds(4)]), "no incarnation began at 3 s");
        assert_eq!(last(without), (Some(2), vec![0, seconds(3)]));
    });
}

/// Site 1 writes so much that it moves to another file. Three calls after the first write to that file the batch is in
/// it, and no sync of it has ended.
pub fn in_rollover(pair: &Pair) {
    let tweet = |number| {
        let text = "and so on ".repeat(20);
        format!(r#"At("{}ms", Tweet(site: 0, user: "ann", text: "{text}"))"#, 1_000 + 50 * number)
    };
    let tweets: Vec<String> = (0..60).map(tweet).collect();
    let text = format!(
        r#"settings: (datagram_max: 1024, window: 1, fetch_max: 1), disk: (file_bytes: 6000), also: [
            [{}],
            [At("5s", Restart(Site(1)))],
    +       [At("900ms", Crash(Site(1), InRollover(3)))],
        ]"#,
        tweets.join(", ")
    );
    pair.led(&text, |with, without| {
        let at = with.first("S1", "crashes inside a rollover").expect("a crash");
        let (appended, synced) = (with.records("S1", "appends", at), with.records("S1", "has synced", at));
        assert!(appended > synced && at < seconds(5));
        assert_eq!(with.starts("S1"), [(1, 0), (2, synced)], "nothing of the new file was synced");
        assert!(without.starts("S1").len() == 1 && without.files(1).len() > 2, "a file was filled");
    });
}

pub fn scattered(pair: &Pair) {
    let text = r#"also: [
            [At("1900ms", SyncTime(Site(1), "1s")), At("2s", Tweet(site: 1, user: "ann", text: "one of these"))],
            [At("2s", Tweet(site: 0, user: "bob", text: "or another"))],
    +       [At("2200ms", Crash(Site(1), Scattered))],
    -       [At("2200ms", Crash(Site(1)))],
        ]"#;
    pair.led(text, |with, without| {
        let crash = |story: &Story| {
            let mut lines = story.lines("S1").filter(|(_, line)| line.starts_with("crashes, "));
            lines.next().map(|(at, line)| (at, line.to_owned())).expect("a crash")
        };
        let ((at, scattered), (_, lost)) = (crash(with), crash(without));
        assert_eq!(at, millis(2_200));
        let count = |line: &str| line.split(' ').nth(1).and_then(|count| count.parse::<u64>().ok());
        assert!(count(&scattered) == count(&lost) && count(&lost) > Some(1), "{scattered}; {lost}");
        let kept: u64 = scattered.split(' ').filter_map(|word| word.parse::<u64>().ok()).skip(1).sum();
        assert_eq!(with.files(1) != without.files(1), kept > 0, "{scattered}");
    });
}

pub fn torn(pair: &Pair) {
    let text = r#"also: [
            [At("1900ms", SyncTime(Site(1), "1s")), At("2s", Tweet(site: 1, user: "ann", text: "half written"))],
    +       [At("2100ms", Crash(Site(1), Torn))],
    -       [At("2100ms", Crash(Site(1)))],
        ]"#;
    pair.led(text, |with, without| {
        let crashed =
            |story: &Story| story.lines("S1").find(|(_, line)| line.starts_with("crashes")).map(|it| it.0);
        assert_eq!((crashed(with), crashed(without)), (Some(millis(2_100)), Some(millis(2_100))));
        let (torn, whole) = (with.files(1), without.files(1));
        // After the synced part, one file has nothing and the other has the beginning of a write.
        let names = |files: &[(String, Vec<u8>)]| files.iter().map(|file| file.0.clone()).collect::<Vec<_>>();
        assert_eq!(names(&torn), names(&whole));
        let pairs = torn.iter().zip(&whole);
        let differing = pairs.filter(|(torn, whole)| torn != whole).collect::<Vec<_>>();
        let [((_, torn), (_, whole))] = differing[..] else { panic!("{} files differ", differing.len()) };
        let end = whole.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        assert_eq!(torn[..end], whole[..end], "what was synced is untouched");
        assert!(torn[end..].iter().any(|byte| *byte != 0), "a part of the last write is left");
    });
}
