//! The most expensive views must cost the same over a long timeline: counted in instructions, under callgrind. Where
//! valgrind is not installed, the count is skipped with a message; `timeline::state` counts the lookups in its
//! containers on every machine.
#![cfg(feature = "tweets")]

use std::process::Command;

use aviary::tweets::timeline::{Event, Page, Position, Timeline, User, View};
use aviary::wire::Wire;

const COUNT: u64 = 50;

/// Each user in turn tweets twice and blocks the viewer "all"; every other user also blocks the viewer "half".
fn timeline(events: u64) -> Timeline {
    let mut timeline = Timeline::default();
    let [all, half]: [User; 2] = ["all", "half"].map(|name| name.parse().expect("a name"));
    let mut slot = 0;
    for number in 0..events / 7 * 2 {
        let user: User = format!("user-of-a-long-name-{number:09}").parse().expect("a name");
        let text = "x".parse().expect("a text");
        let tweet = Event::Tweet { user: user.clone(), text };
        let block = |blocked: &User| Event::Block { user: user.clone(), target: blocked.clone() };
        let more = (number % 2 == 0).then(|| block(&half));
        for event in [block(&all), tweet.clone(), tweet].into_iter().chain(more) {
            timeline.change(Position { slot, index: 0 }, &event);
            slot += 1;
        }
    }
    timeline
}

/// Shows `count` pages of each kind, as answers are: only hidden tweets, every other run hidden, and none hidden.
#[inline(never)]
fn worst_views(timeline: &Timeline, count: u64) {
    let newest = timeline.tweets().next_back().map(|tweet| tweet.position.next());
    for viewer in ["all", "half", "none"] {
        let view = View { viewer: viewer.parse().expect("a name"), limit: u64::MAX, older_than: newest };
        for _ in 0..count {
            let page: Page = std::hint::black_box(timeline).view(&view);
            assert!(page.has_more() && page.tweets.is_empty() == (viewer == "all"));
            std::hint::black_box(page.to_bytes());
        }
        let last = timeline.blocks().next_back().map(|(user, blocked)| (user.clone(), blocked.clone()));
        for _ in 0..count {
            assert_eq!(std::hint::black_box(timeline).blocks_after(last.as_ref()).count(), 0);
        }
    }
}

#[test]
#[ignore = "run by the test below, under callgrind"]
fn views_of_a_short_timeline() {
    worst_views(&timeline(10_000), COUNT);
}

#[test]
#[ignore = "run by the test below, under callgrind"]
fn views_of_a_long_timeline() {
    worst_views(&timeline(100_000), COUNT);
}

/// Instructions of the views alone, in the test of this name.
fn instructions(test: &str) -> u64 {
    let program = std::env::current_exe().expect("a program");
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*worst_views*"])
        .arg(program)
        .args(["--ignored", "--exact", test])
        .output()
        .expect("valgrind runs");
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{errors}");
    let (_, count) = errors.rsplit_once("Collected : ").unwrap_or_else(|| panic!("no count: {errors}"));
    count.split_whitespace().next().and_then(|count| count.parse().ok()).expect("a number")
}

#[test]
fn the_worst_views_cost_the_same_over_a_timeline_ten_times_as_long() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("skipped: valgrind is not installed, so nobody counts instructions here");
        return;
    }
    let short = instructions("views_of_a_short_timeline");
    let long = instructions("views_of_a_long_timeline");
    println!("{} and {} instructions a round of worst views", short / COUNT, long / COUNT);
    assert!(short > 1_000 * COUNT, "{short} instructions are too few for {COUNT} rounds of views");
    assert!(long * 100 < short * 120, "{short} instructions became {long}, at least 20 % more");
}
