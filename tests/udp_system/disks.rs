//! A disk that fails, in each of its calls: when storage is created, when a site starts, and while it runs.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use aviary::tweets::client::Client;

use crate::site::{Fault, Running, SITE, Scratch, errors, library, pause, shown};

const CALLS: [&str; 6] = ["fdatasync", "fsync", "write", "create", "fallocate", "rename"];

/// The maximum time from the failed call to the end of the program: a second, and what a busy machine adds.
const SOON: Duration = Duration::from_secs(3);

/// More tweets than a file of the journal holds.
const TWEETS_MAX: usize = 1_200;

/// Runs `site` with these words to its end, on a disk whose `call` fails from the start, and expects this message.
fn check_fails(scratch: &Scratch, call: &str, words: &[String], message: &str) {
    let Some(library) = library(call) else { return };
    let fault = scratch.fault(0);
    fault.on(&format!("{call} fail"));
    let mut command = Command::new(SITE);
    fault.arm(&mut command, &library);
    let mut running = Running::new(command.args(words).stdin(Stdio::null()).stderr(Stdio::piped()));
    let status = running.ends_within(20);
    let Some(after) = time_since_struck(&fault, call) else { return };
    let mut text = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    eprintln!("{} with {call} failing: {status} after {after:?}: {}", words[0], text.trim());
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains(message) && text.contains("Input/output error (os error 5)"), "{text}");
    assert!(after < SOON, "{after:?}");
    fault.off();
}

/// The time since the fault struck; if this machine does not allow the fault, prints that and returns `None`.
fn time_since_struck(fault: &Fault, call: &str) -> Option<Duration> {
    match fault.struck() {
        Ok(after) => Some(after.expect("the call was made")),
        Err(why) => {
            eprintln!("skipped {call}: {why}");
            None
        }
    }
}

#[test]
fn storage_that_cannot_be_made_is_an_error() {
    for call in CALLS {
        let scratch = Scratch::new(&format!("init-{call}"));
        check_fails(&scratch, call, &scratch.init_words(2), "site-0: failed to use ");
    }
}

#[test]
fn storage_that_cannot_be_restored_is_an_error() {
    let backup = Scratch::new("backup");
    backup.init(2);
    for call in CALLS {
        let scratch = Scratch::new(&format!("restore-{call}"));
        let words = ["restore", "--backup", &shown(&backup.dir()), "--dir", &shown(&scratch.dir())];
        check_fails(&scratch, call, &words.map(String::from), "site-0: failed to use ");
    }
}

#[test]
fn a_disk_that_fails_at_the_start_ends_it() {
    for call in CALLS.into_iter().filter(|call| *call != "rename") {
        let scratch = Scratch::new(&format!("start-{call}"));
        scratch.init(1);
        let words = ["run", "--headless", "--config", &shown(&scratch.config()), "--id", "0"];
        let message = format!("error: storage in {}: failed to use ", shown(&scratch.dir().join("site-0")));
        check_fails(&scratch, call, &words.map(String::from), &message);
        // The failure did no harm.
        let healthy = Running::new(scratch.run(0).stdout(Stdio::null()));
        scratch.client(None, 20_000).tweet("ann".parse().unwrap(), "hello".parse().unwrap()).unwrap();
        healthy.terminate();
    }
}

/// Tweets until no answer arrives. Returns the acknowledged texts.
fn tweet_until_silent(client: &mut Client) -> Vec<String> {
    let mut acknowledged = Vec::new();
    while acknowledged.len() < TWEETS_MAX {
        let text = format!("{} {}", acknowledged.len(), "🐦".repeat(180));
        if client.tweet("ann".parse().unwrap(), text.parse().unwrap()).is_err() {
            break;
        }
        acknowledged.push(text);
    }
    acknowledged
}

#[test]
fn a_disk_that_fails_while_a_site_runs_ends_it() {
    for call in CALLS {
        let Some(library) = library(call) else { return };
        let scratch = Scratch::new(&format!("running-{call}"));
        scratch.init(1);
        scratch.shorten();
        let fault = scratch.fault(0);
        let mut running = scratch.start(0, &fault, &library);
        let mut client = scratch.client(None, 20_000);
        client.tweet("ann".parse().unwrap(), "before".parse().unwrap()).unwrap();
        fault.on(&format!("{call} fail"));
        let mut asking = scratch.client(None, 2_000);
        let asking = std::thread::Builder::new().spawn(move || tweet_until_silent(&mut asking)).unwrap();
        let acknowledged;
        if call == "rename" {
            acknowledged = asking.join().unwrap();
            // A running site renames no file: it has used several files, and goes on.
            assert_eq!((acknowledged.len(), fault.struck()), (TWEETS_MAX, Ok(None)));
            assert!(scratch.dir().join("site-0").read_dir().unwrap().count() > 3);
            running.terminate();
        } else {
            let status = running.ends_within(20);
            let Some(after) = time_since_struck(&fault, call) else { return };
            acknowledged = asking.join().unwrap();
            let log = running.log();
            eprintln!("running with {call} failing: {status} after {after:?}: {}", log.trim());
            assert_eq!(status.code(), Some(1), "{log}");
            let reason = if call == "fdatasync" { "failed to sync the journal" } else { "failed to use " };
            assert!(log.starts_with(&format!("error: S0 stopped: {reason}")), "{log}");
            assert!(
                log.contains("Input/output error (os error 5); check the device, then start again"),
                "{log}"
            );
            assert!(after < SOON, "{after:?}");
        }
        fault.off();
        let healthy = scratch.start(0, &fault, &library);
        let mut client = scratch.client(None, 20_000);
        // A restarted site knows what is chosen once another entry is chosen.
        client.tweet("ann".parse().unwrap(), "again".parse().unwrap()).unwrap();
        let log = client.log(aviary::tweets::timeline::Position::default()).unwrap();
        let found: Vec<String> = log.iter().map(|line| line.request.to_string()).collect();
        for text in &acknowledged {
            assert!(found.iter().any(|line| line.ends_with(text)), "{text} is lost after {call} failed");
        }
        healthy.terminate();
    }
}

#[test]
fn a_leader_whose_syncs_fail_is_gone_and_nothing_acknowledged_is_lost() {
    let Some(library) = library("the cluster") else { return };
    let scratch = Scratch::new("leader");
    scratch.init(3);
    let faults: Vec<Fault> = (0..3).map(|site| scratch.fault(site)).collect();
    let mut running: Vec<Running> =
        (0..3).map(|site| scratch.start(site, &faults[usize::from(site)], &library)).collect();
    let mut acknowledged = Vec::new();
    let mut tweet = |client: &mut Client, text: String| {
        client.tweet("ann".parse().unwrap(), text.parse().unwrap()).unwrap();
        acknowledged.push(text);
    };
    let mut client = scratch.client(None, 30_000);
    (0..20).for_each(|n| tweet(&mut client, format!("before {n}")));
    let leader = client_of_leader(&scratch);
    let at = usize::from(leader);
    faults[at].on("fdatasync fail");
    // Sent to the other sites: they go on when this one is gone.
    (0..20).for_each(|n| tweet(&mut client, format!("meanwhile {n}")));
    let status = running[at].ends_within(20);
    let log = running[at].log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains(&format!("error: S{leader} stopped: failed to sync the journal")), "{log}");
    let took = faults[at].struck().unwrap().expect("its syncs failed");
    eprintln!("the leader S{leader} was gone within {took:?}");
    faults[at].off();
    running[at] = scratch.start(leader, &faults[at], &library);
    (0..20).for_each(|n| tweet(&mut client, format!("after {n}")));
    let logs = |site: u8| -> Vec<String> {
        let lines =
            scratch.client(Some(site), 20_000).log(aviary::tweets::timeline::Position::default()).unwrap();
        lines.iter().map(|line| format!("{} {}", line.position, line.request)).collect()
    };
    for _ in 0..200 {
        if logs(1) == logs(0) && logs(2) == logs(0) {
            break;
        }
        pause(50);
    }
    let log = logs(0);
    assert_eq!((&logs(1), &logs(2)), (&log, &log));
    // A repeated request may be in the log twice, but takes effect once.
    let page = client.view("bob".parse().unwrap(), 1_000).unwrap();
    let shown: Vec<String> = page.tweets.iter().rev().map(|tweet| tweet.text.to_string()).collect();
    assert_eq!(shown, acknowledged, "{log:?}");
    running.into_iter().for_each(Running::terminate);
}

/// The leader, once a site leads.
fn client_of_leader(scratch: &Scratch) -> u8 {
    for _ in 0..300 {
        let words = ["status", "--config", &shown(&scratch.config())];
        let out = Command::new(SITE).args(words).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let leads = text.lines().find_map(|line| line.strip_prefix("status: S")?.split_once(" leading "));
        if let Some((site, _)) = leads {
            return site.parse().unwrap();
        }
        assert!(out.status.success() || errors(&out).contains("no answer"), "{}", errors(&out));
        pause(100);
    }
    panic!("no site leads for 30 s");
}

/// Runs `site local` with these words before and after a fault of its disks; returns its exit code and output.
fn local(name: &str, what: &str) -> Option<(Option<i32>, String)> {
    let library = library(name)?;
    let scratch = Scratch::new(name);
    let fault = scratch.fault(0);
    let mut command = Command::new(SITE);
    fault.arm(&mut command, &library);
    command.args(["local", "--sites", "1", "--dir"]).arg(scratch.dir());
    let mut running =
        Running::new(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut input = running.child.stdin.take().unwrap();
    let mut output = BufReader::new(running.child.stdout.take().unwrap());
    writeln!(input, "tweet ann hello").unwrap();
    let mut text = String::new();
    while !text.contains("S0: tweeted at ") {
        assert!(output.read_line(&mut text).unwrap() > 0, "{text}");
    }
    fault.on(what);
    writeln!(input, "tweet ann unheard").unwrap();
    fault.wait();
    drop(input);
    let code = running.ends_within(25).code();
    output.read_to_string(&mut text).unwrap();
    Some((code, text))
}

#[test]
fn a_local_site_that_stops_by_itself_says_so_and_fails_the_whole() {
    for (name, what, message) in [
        ("local-fails", "fdatasync fail", "S0 stopped: failed to sync the journal: the disk failed"),
        ("local-panics", "write more", "S0 stopped: an invariant does not hold"),
    ] {
        let Some((code, text)) = local(name, what) else { return };
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn a_piped_line_that_is_not_answered_holds_up_the_next_for_five_seconds() {
    let scratch = Scratch::new("local-cut");
    let mut command = Command::new(SITE);
    command.args(["local", "--sites", "3", "--dir"]).arg(scratch.dir());
    let mut running =
        Running::new(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut input = running.child.stdin.take().unwrap();
    // No other site hears of the second tweet before the third.
    writeln!(input, "tweet ann hello\npartition 0 | 1 | 2\n1 tweet ann later\nheal\n1 view! bob").unwrap();
    drop(input);
    assert_eq!(running.ends_within(40).code(), Some(0));
    let mut text = String::new();
    running.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let (cut, healed) = (text.find("cut\n").unwrap(), text.find("healed\n").unwrap());
    let tweeted = text.rfind("S1: tweeted at ").unwrap();
    assert!(cut < healed && healed < tweeted, "{text}");
    assert!(text.contains("S1: ann: later\nS1: ann: hello\n"), "{text}");
}

#[test]
fn a_local_site_whose_disk_hangs_does_not_hold_up_the_end() {
    let Some((code, text)) = local("local-hangs", "fdatasync hang") else { return };
    assert_eq!(code, Some(1), "{text}");
}
