//! The limits and times of the service.

use crate::pair::Pair;
use crate::story::{Micros, Story, millis, seconds};

/// Runs the steps with the settings `with`, and with the settings `without`.
fn settings(pair: &Pair, steps: &str, with: &str, without: &str, differ: impl Fn(&Story, &Story)) {
    let text = format!(
        "{steps}
    +   settings: ({with}),
    -   settings: ({without}),
        "
    );
    pair.led(&text, differ);
}

/// 200 of these have as many bytes as a tweet may have: two such tweets do not fit one datagram of the usual size.
pub const LONG: &str = "🐦";

/// Eight clients tweet at once, twice.
pub fn crowd(text: &str) -> String {
    let tweets = |client| {
        let tweet = format!(r#"Tweet(client: {client}, user: "ann", text: "{text}")"#);
        format!(r#"[At("2s", {tweet}), At("4s", {tweet})]"#)
    };
    let tweets: Vec<String> = (0..8).map(tweets).collect();
    format!("clients: 8, also: [{}],", tweets.join(", "))
}

pub fn datagram_max(pair: &Pair) {
    let crowd = crowd(&LONG.repeat(200));
    settings(pair, &crowd, "window: 1, datagram_max: 4000", "window: 1", |with, without| {
        assert!(with.largest() > 1_200 && with.largest() <= 4_000, "{}", with.largest());
        assert!(without.largest() <= 1_200, "{}", without.largest());
    });
}

pub fn heartbeat(pair: &Pair) {
    settings(pair, "", r#"heartbeat: "100ms""#, "", |with, without| {
        let beats = |story: &Story| {
            let beats = story.times("S0", "-> S1 Heartbeat");
            beats.into_iter().filter(|at| (seconds(2)..seconds(3)).contains(at)).count()
        };
        assert_eq!((beats(with), beats(without)), (10, 20));
    });
}

pub fn election(pair: &Pair) {
    let steps = r#"also: [[At("2s", Crash(Site(0)))]],"#;
    settings(pair, steps, r#"election: "900ms""#, "", |with, without| {
        // The leader's last message came up to a heartbeat earlier, and jitter is up to 200 ms.
        let waits = |story: &Story, election| {
            let campaigns = ["S1", "S2"].map(|site| story.times(site, "campaigns"));
            let first = campaigns.into_iter().flatten().filter(|at| *at > seconds(2)).min();
            first.is_some_and(|at| {
                (seconds(2) + election - millis(60)..=seconds(2) + election + millis(210)).contains(&at)
            })
        };
        assert!(waits(with, millis(900)) && waits(without, millis(300)));
    });
}

pub fn election_jitter(pair: &Pair) {
    let text = r#"sites: 1,
    +   settings: (election_jitter: "0s"),
        "#;
    pair.free(text, |with, without| {
        assert_eq!(with.first("S0", "campaigns"), Some(millis(300)));
        assert!(without.first("S0", "campaigns") > Some(millis(300)));
    });
}

pub fn retry(pair: &Pair) {
    let steps = r#"
        also: [[At("2s", Tweet(site: 0, user: "ann", text: "hello"))]],
        rules: [(kind: "Accept", count: 4, then: Drop)],
        "#;
    settings(pair, steps, r#"retry: "400ms""#, "", |with, without| {
        let gap = |story: &Story| {
            let sent = story.times("S0", "-> S1 Accept slot 0");
            (sent.len() > 1).then(|| sent[1] - sent[0])
        };
        assert_eq!((gap(with), gap(without)), (Some(millis(400)), Some(millis(150))));
    });
}

/// The most slots that the leader has in flight at any moment.
fn under_way(story: &Story) -> usize {
    let (mut open, mut most) = (Vec::new(), 0);
    for (_, line) in story.lines("S0") {
        let number = |line: &str| line.split([' ', ':']).next().and_then(|number| number.parse::<u64>().ok());
        if let Some(messages) = line.strip_prefix("-> S1 ") {
            for slot in
                messages.split(" + ").filter_map(|message| number(message.strip_prefix("Accept slot ")?))
            {
                if !open.contains(&slot) {
                    open.push(slot);
                }
            }
            most = most.max(open.len());
        } else if let Some(chosen) = line.strip_prefix("chose slot ").and_then(number) {
            open.retain(|slot| *slot != chosen);
        }
    }
    most
}

pub fn window(pair: &Pair) {
    settings(pair, &crowd("hello"), "batch: 1, window: 1", "batch: 1", |with, without| {
        assert_eq!(under_way(with), 1);
        assert!(under_way(without) > 1);
    });
}

pub fn batch(pair: &Pair) {
    settings(pair, &crowd("hello"), "window: 1, batch: 1", "window: 1", |with, without| {
        let shared = |story: &Story| {
            story
                .lines("S0")
                .filter(|(_, line)| line.starts_with("chose") && line.ends_with("events"))
                .count()
        };
        assert_eq!(shared(with), 0);
        assert!(shared(without) > 0);
    });
}

pub fn fetch_max(pair: &Pair) {
    let tweet = |number| {
        format!(r#"At("{}ms", Tweet(site: 0, user: "ann", text: "{number}"))"#, 2_000 + 100 * number)
    };
    let tweets: Vec<String> = (0..6).map(tweet).collect();
    let steps = format!(
        r#"also: [[At("1900ms", Crash(Site(2))), At("4s", Restart(Site(2)))], [{}]],"#,
        tweets.join(", ")
    );
    settings(pair, &steps, "fetch_max: 2", "", |with, without| {
        let most = |story: &Story| {
            let fetches = story.lines("S2").filter_map(|(_, line)| line.strip_prefix("fetches slots "));
            let spans = fetches.map(|line| {
                let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
                numbers[1] + 1 - numbers[0]
            });
            spans.max()
        };
        assert_eq!(most(with), Some(2));
        assert!(most(without) > Some(2), "{:?}", most(without));
    });
}

pub fn queue_max(pair: &Pair) {
    settings(pair, &crowd("hello"), "queue_max: 1", "", |with, without| {
        assert!(!with.who("refused a request: its queue is full").is_empty());
        assert!(without.who("refused a request").is_empty());
    });
}

pub fn forward_max(pair: &Pair) {
    settings(pair, &crowd("hello"), "forward_max: 1", "", |with, without| {
        // Three clients ask site 1; the first of them is answered some milliseconds later.
        let at_first = |story: &Story| {
            let sent = story.sendings("S1", "S0").into_iter().filter(|(at, _)| *at < millis(2_004));
            sent.map(|(_, line)| line.matches("Forward").count()).sum::<usize>()
        };
        assert_eq!(at_first(with), 1);
        assert!(at_first(without) > 1);
    });
}

pub fn sessions_max(pair: &Pair) {
    settings(pair, &crowd("hello"), "sessions_max: 1", "", |with, without| {
        assert_eq!(with.who("evicted session"), ["S0", "S1", "S2"]);
        assert!(without.who("evicted session").is_empty());
    });
}

/// A client queries site 1, which is kept behind what the client has seen.
const BEHIND: &str = r#"clients: 1, also: [[
        At("2s", Tweet(client: 0, user: "ann", text: "hello")),
        On(Noted(kind: "done", who: Client(0)), Rule(kind: "Accept", to: Site(1), slot: 2, then: Drop)),
        After("0s", Rule(kind: "FetchReply", to: Site(1), then: Drop)),
        After("0s", Rule(kind: "Query", to: Site(0), then: Drop)),
        After("1ms", Tweet(client: 0, user: "ann", text: "did I say this?")),
        On(Noted(kind: "done", who: Client(0)), View(client: 0, user: "ann")),
    ]],"#;

/// How long the query waits at that site.
fn waits(story: &Story) -> Option<Micros> {
    let asked = story.arrivals_of("Query", "C0", "S1").first().copied()?;
    Some(story.first("S1", "is behind what C0 saw")? - asked)
}

pub fn parked_max(pair: &Pair) {
    settings(pair, BEHIND, "parked_max: 0", "", |with, without| {
        assert_eq!((waits(with), waits(without)), (Some(0), Some(seconds(1))));
    });
}

pub fn parked_for(pair: &Pair) {
    settings(pair, BEHIND, r#"parked_for: "100ms""#, "", |with, without| {
        assert_eq!((waits(with), waits(without)), (Some(millis(100)), Some(seconds(1))));
    });
}

pub fn reads_max(pair: &Pair) {
    let steps = r#"clients: 5, also: [[
            At("1900ms", Rule(kind: "Survey", from: Site(1), then: Drop)),
            At("2s", View(client: 1, user: "ann", read: Quorum)),
            After("1ms", View(client: 4, user: "bob", read: Quorum)),
        ]],"#;
    // Both clients query site 1; where there is only one place, the later query takes it.
    let waits = |story: &Story| {
        let asked = story.arrivals_of("Query", "C1", "S1").first().copied()?;
        Some(story.first("S1", "could not finish a quorum read for C1 in time")? - asked)
    };
    let until_the_next = |story: &Story| {
        let asked = |client| story.arrivals_of("Query", client, "S1").first().copied();
        Some(asked("C4")? - asked("C1")?)
    };
    settings(pair, steps, "reads_max: 1", "", |with, without| {
        assert_eq!((waits(with), waits(without)), (until_the_next(with), Some(seconds(1))));
    });
}

pub fn taken_after(pair: &Pair) {
    let steps = r#"also: [[
        At("2s", Tweet(site: 1, user: "ann", text: "at once")),
        At("3s", Rule(kind: "Accepted", then: Drop)),
        After("0s", Tweet(site: 1, user: "ann", text: "late")),
        After("100ms", Heal),
    ]],"#;
    settings(pair, steps, r#"taken_after: "30ms""#, "", |with, without| {
        let taken = |story: &Story| story.times("T1", "request taken at S1");
        assert_eq!(taken(without).len(), 3, "the opening of its session too");
        let [late] = taken(with)[..] else { panic!("{:?}", taken(with)) };
        assert!((seconds(3) + millis(30)..seconds(3) + millis(35)).contains(&late), "{late}");
    });
}

pub fn propose_after(pair: &Pair) {
    let steps = r#"clients: 2, also: [
        [At("2s", Tweet(client: 0, user: "ann", text: "one"))],
        [At("2s", Tweet(client: 1, user: "bob", text: "two"))],
    ],"#;
    settings(pair, steps, r#"propose_after: "60ms""#, "", |with, without| {
        let slots = |story: &Story| story.times("S0", "-> S1 Accept").len();
        let wait = |story: &Story| Some(story.first("S0", "-> S1 Accept")? - story.first("S0", "took")?);
        assert_eq!((slots(with), slots(without)), (2, 4), "both openings in one, and both tweets");
        assert_eq!((wait(with), wait(without)), (Some(millis(60)), Some(0)));
    });
}

pub fn chosen_after(pair: &Pair) {
    let steps = r#"also: [[
        At("2s", Tweet(site: 0, user: "ann", text: "of the leader")),
        At("3s", Tweet(site: 1, user: "ann", text: "of another")),
    ]],"#;
    settings(pair, steps, r#"chosen_after: "7ms""#, "", |with, without| {
        // From a choice until the next message that carries it.
        let wait = |story: &Story, slot: &str| {
            let chose = story.first("S0", &format!("chose slot {slot}"))?;
            let sent = [story.times("S0", "-> S1 Chosen"), story.times("S0", "-> S1 Heartbeat")].concat();
            sent.into_iter().filter(|at| *at >= chose).min().map(|at| at - chose)
        };
        assert!(wait(with, "1").is_some_and(|wait| (1..=millis(7)).contains(&wait)), "{:?}", wait(with, "1"));
        assert_eq!((wait(without, "1"), wait(without, "3")), (Some(0), Some(0)));
        assert_eq!(wait(with, "3"), Some(0), "somebody waits at site 1");
    });
}

pub fn client_retry(pair: &Pair) {
    let steps =
        r#"also: [[At("1900ms", Pause(Site(1))), At("2s", Tweet(site: 1, user: "ann", text: "hello"))]],"#;
    settings(pair, steps, r#"client_retry: "200ms""#, "", |with, without| {
        let again = |story: &Story| story.first("T1", "asks again");
        assert_eq!((again(with), again(without)), (Some(millis(2_200)), Some(millis(2_500))));
    });
}

pub fn session_idle(pair: &Pair) {
    let steps = r#"also: [[
            At("2s", Tweet(site: 1, user: "ann", text: "one")),
            At("3s", Tweet(site: 1, user: "ann", text: "two")),
            At("3500ms", Tweet(site: 1, user: "ann", text: "three")),
        ]],"#;
    settings(pair, steps, r#"session_idle: "600ms""#, "", |with, without| {
        let leaves = |story: &Story| story.times("T1", "leaves session");
        assert_eq!((leaves(with), leaves(without)), (vec![seconds(3)], vec![]));
    });
}

pub fn client_queue_max(pair: &Pair) {
    let steps = r#"also: [[
            At("2s", Tweet(site: 1, user: "ann", text: "one")),
            After("0s", Tweet(site: 1, user: "ann", text: "two")),
            After("0s", Tweet(site: 1, user: "ann", text: "three")),
        ]],"#;
    settings(pair, steps, "client_queue_max: 1", "", |with, without| {
        assert_eq!(
            (with.who("refused a command"), without.who("refused a command")),
            (vec!["T1".to_owned()], vec![])
        );
    });
}
