//! A disk that does not answer: a site that must end ends nevertheless.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::site::{Fault, Running, SITE, Scratch, library, pause};

/// Makes the site sync in a separate thread, which it does only where syncs take long enough.
fn beside(fault: &Fault, scratch: &Scratch) {
    fault.on("fdatasync slow");
    tweet(scratch);
    tweet(scratch);
}

fn tweet(scratch: &Scratch) {
    scratch.client(None, 20_000).tweet("ann".parse().unwrap(), "hello".parse().unwrap()).unwrap();
}

/// A site in the middle of a sync with this fault; with `is_beside` the sync runs in a separate thread.
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
    if is_beside {
        // The site itself is well, and logs what it waits for.
        pause(11_000);
        let warned = running.log().matches("a sync of the disk has not ended yet").count();
        assert_eq!(warned, 1, "{}", running.log());
    }
    running.signal("-TERM");
    pause(5_000);
    assert!(running.child.try_wait().unwrap().is_none(), "{}", running.log());
    let status = running.ends_within(10);
    assert_eq!(status.code(), Some(1), "{}", running.log());
    let message = "error: S0 did not end within 10 s: its disk has not finished what was begun";
    assert!(running.log().contains(message), "{}", running.log());
    // What was acknowledged survived.
    let healthy = Running::new(scratch.run(0).stdout(Stdio::null()));
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

#[test]
fn a_recording_that_is_never_written_holds_up_neither_service_nor_end() {
    let Some(library) = library("a recording that hangs") else { return };
    let scratch = Scratch::new("recording");
    scratch.init(1);
    let fault = scratch.fault(0);
    // It creates the journal's next file: from here on only recordings create files.
    let first = scratch.start(0, &fault, &library);
    tweet(&scratch);
    first.terminate();
    fault.on("create hang");
    let log = scratch.0.join("stderr");
    let mut command = scratch.run(0);
    fault.arm(&mut command, &library);
    command.arg("--record").arg(scratch.0.join("recording"));
    let mut running = Running::new(command.stdout(Stdio::null()).stderr(File::create(&log).unwrap()));
    fault.wait();
    tweet(&scratch);
    running.signal("-TERM");
    let status = running.ends_within(9);
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("what was recorded last is not written yet, and is given up"), "{log}");
}

/// A site syncs once while it reads its journal.
#[test]
fn clients_are_told_that_a_site_reads_its_journal() {
    let Some(library) = library("starting") else { return };
    let scratch = Scratch::new("starting");
    scratch.init(1);
    let fault = scratch.fault(0);
    fault.on("fdatasync hang");
    let _running = scratch.start(0, &fault, &library);
    fault.wait();
    let ask = |words: &[&str]| {
        let mut command = Command::new(SITE);
        command.args(words).arg("--config").arg(scratch.config()).stdin(Stdio::null());
        let out = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    };
    let (code, table, errors) = ask(&["status"]);
    assert_eq!((code, table.as_str()), (Some(3), "status: S0 starting, it reads its journal\n"), "{errors}");
    assert!(errors.contains("which reads its journal: try again"), "{errors}");
    let (code, object, _) = ask(&["status", "--json"]);
    assert!(code == Some(3) && object.contains("\"is_silent\":false,\"is_starting\":true"), "{object}");
    let (code, _, errors) = ask(&["tweet", "--timeout", "2s", "ann", "hello"]);
    assert!(code == Some(3) && errors.contains("(S0 reads its journal: try again)"), "{errors}");
}
