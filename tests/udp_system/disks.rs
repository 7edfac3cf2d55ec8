//! A disk that fails, in each of its calls, when storage is made, when a site starts, and while it runs.

use std::process::{Command, Stdio};
use std::time::Duration;

use aviary::client::Client;

use crate::site::{Fault, Running, SITE, Scratch, errors, library, pause, shown};

const CALLS: [&str; 6] = ["fdatasync", "fsync", "write", "create", "fallocate", "rename"];

/// From the failed call to the end of the program: a second, and what a busy machine adds.
const SOON: Duration = Duration::from_secs(3);

/// More than a file of the journal holds.
const TWEETS_MAX: usize = 2_000;

/// Runs `site` with these words to its end, on a disk whose `call` fails from the start, and expects that it says so.
fn check_fails(scratch: &Scratch, call: &str, words: &[String], message: &str) {
    let Some(library) = library(call) else { return };
    let fault = scratch.fault(0);
    fault.on(&format!("{call} fail"));
    let mut command = Command::new(SITE);
    fault.arm(&mut command, &library);
    let mut running = Running::new(command.args(words).stdin(Stdio::null()).stderr(Stdio::piped()));
    let status = running.ends_within(20);
    let Some(after) = told(&fault, call) else { return };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut running.child.stderr.take().unwrap(), &mut text).unwrap();
    eprintln!("{} with {call} failing: {status} after {after:?}: {}", words[0], text.trim());
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains(message) && text.contains("Input/output error (os error 5)"), "{text}");
    assert!(after < SOON, "{after:?}");
    fault.off();
}

/// How long ago the fault struck; none where this machine does not let it, which is said.
fn told(fault: &Fault, call: &str) -> Option<Duration> {
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
        // Nothing was harmed.
        let healthy = Running::new(scratch.run(0).stdout(Stdio::null()));
        scratch.client(None, 20_000).tweet("ann".parse().unwrap(), "hello".parse().unwrap()).unwrap();
        healthy.terminate();
    }
}

/// Tweets until no answer comes. Returns what was acknowledged.
fn tweet_until_silent(client: &mut Client) -> Vec<String> {
    let mut acknowledged = Vec::new();
    while acknowledged.len() < TWEETS_MAX {
        let text = format!("{} {}", acknowledged.len(), "🐦".repeat(240));
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
        let acknowledged = tweet_until_silent(&mut scratch.client(None, 2_000));
        if call == "rename" {
            // No site that runs renames anything: it has gone through several files, and goes on.
            assert_eq!((acknowledged.len(), fault.struck()), (TWEETS_MAX, Ok(None)));
            assert!(scratch.dir().join("site-0").read_dir().unwrap().count() > 3);
            running.terminate();
        } else {
            let status = running.ends_within(20);
            let Some(after) = told(&fault, call) else { return };
            let log = running.log();
            eprintln!("running with {call} failing: {status} after {after:?}: {}", log.trim());
            assert_eq!(status.code(), Some(1), "{log}");
            let reason = if call == "fdatasync" { "failed to sync the journal" } else { "failed to use " };
            assert!(log.starts_with(&format!("error: S0 stopped: {reason}")), "{log}");
            assert!(
                log.contains("Input/output error (os error 5); check the device, then start again"),
                "{log}"
            );
            // Two seconds of these are the client's patience.
            assert!(after < SOON + Duration::from_secs(2), "{after:?}");
        }
        fault.off();
        let healthy = scratch.start(0, &fault, &library);
        let mut client = scratch.client(None, 20_000);
        let log = client.log(aviary::timeline::Position::default()).unwrap();
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
    // Asked of the others: they go on when it is gone.
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
        let lines = scratch.client(Some(site), 20_000).log(aviary::timeline::Position::default()).unwrap();
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
    for text in &acknowledged {
        let count = log.iter().filter(|line| line.ends_with(&format!(": {text}"))).count();
        assert_eq!(count, 1, "{text:?} stands {count} times in {log:?}");
    }
    running.into_iter().for_each(Running::terminate);
}

/// Which site leads, once one does.
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
