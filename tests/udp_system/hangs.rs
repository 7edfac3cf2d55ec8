//! A disk that does not answer: a site that is to end ends nevertheless.

use std::os::unix::process::ExitStatusExt;

use crate::site::{Fault, Running, Scratch, library, pause};

/// Syncs in a thread of their own only where they take long enough.
fn beside(fault: &Fault, scratch: &Scratch) {
    fault.on("fdatasync slow");
    tweet(scratch);
    tweet(scratch);
}

fn tweet(scratch: &Scratch) {
    scratch.client(None, 20_000).tweet("ann".parse().unwrap(), "hello".parse().unwrap()).unwrap();
}

/// A site in the middle of a sync of which this becomes; with `is_beside` in a thread of its own.
fn in_a_sync(name: &str, how: &str, is_beside: bool) -> Option<(Scratch, Fault, Running)> {
    let library = library(name)?;
    let scratch = Scratch::new(name);
    scratch.init(1);
    let fault = scratch.fault(0);
    let running = scratch.start(0, &fault, &library);
    if is_beside {
        beside(&fault, &scratch);
    } else {
        tweet(&scratch);
    }
    fault.on(how);
    let refused = scratch.client(None, 1).tweet("ann".parse().unwrap(), "unheard".parse().unwrap());
    refused.unwrap_err();
    fault.wait();
    Some((scratch, fault, running))
}

fn check_hang(name: &str, is_beside: bool) {
    let Some((scratch, _fault, mut running)) = in_a_sync(name, "fdatasync hang", is_beside) else { return };
    running.signal("-TERM");
    pause(5_000);
    assert!(running.child.try_wait().unwrap().is_none(), "{}", running.log());
    let status = running.ends_within(10);
    assert_eq!(status.code(), Some(1), "{}", running.log());
    let message = "error: S0 did not end within 10 s: its disk has not finished what was begun";
    assert!(running.log().contains(message), "{}", running.log());
    // What was acknowledged is there.
    let healthy = Running::new(scratch.run(0).stdout(std::process::Stdio::null()));
    let mut client = scratch.client(None, 20_000);
    client.tweet("ann".parse().unwrap(), "again".parse().unwrap()).unwrap();
    let page = client.view("bob".parse().unwrap(), 10).unwrap();
    let shown: Vec<&str> = page.tweets.iter().map(|tweet| tweet.text.as_str()).collect();
    assert_eq!(shown, if is_beside { &["again", "hello", "hello"][..] } else { &["again", "hello"] });
    healthy.terminate();
}

#[test]
fn a_sync_that_never_ends_holds_up_the_end_for_ten_seconds() {
    check_hang("hang-here", false);
}

#[test]
fn a_sync_that_never_ends_in_its_own_thread_holds_up_the_end_for_ten_seconds() {
    check_hang("hang-beside", true);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let name = format!("second{signal}");
        let Some((_scratch, _fault, mut running)) = in_a_sync(&name, "fdatasync hang", true) else { return };
        running.signal("-TERM");
        pause(300);
        running.signal(signal);
        let status = running.ends_within(2);
        assert_eq!((status.code(), status.signal()), (Some(code), None));
    }
}

#[test]
fn a_last_sync_that_fails_is_an_error() {
    for (name, is_beside) in [("last-here", false), ("last-beside", true)] {
        let Some((_scratch, _fault, mut running)) = in_a_sync(name, "fdatasync late", is_beside) else {
            return;
        };
        running.signal("-TERM");
        let status = running.ends_within(5);
        let log = running.log();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("error: S0 stopped: failed to sync the journal: the disk failed"), "{log}");
    }
}
