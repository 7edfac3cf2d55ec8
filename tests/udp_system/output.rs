//! Standard output and error that are full, closed, or not read: a site goes on serving.

use std::fs::File;
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::process::{Command, Stdio};

use crate::site::{Running, SITE, Scratch, library, pause, shown};

/// The possible faults of an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Each write fails for lack of room.
    Full,
    Closed,
    /// The reader of the pipe is gone.
    Gone,
    /// The reader reads nothing.
    Stuck,
}

const PLACES: [Place; 4] = [Place::Full, Place::Closed, Place::Gone, Place::Stuck];

/// `site` with these words, in a shell that redirects or closes these outputs.
fn command(words: &[String], out: Option<Place>, err: Option<Place>) -> Command {
    let closed = [(out, " >&-"), (err, " 2>&-")];
    let closing: String =
        closed.iter().filter(|(place, _)| *place == Some(Place::Closed)).map(|(_, text)| *text).collect();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$0\" \"$@\"{closing}"), SITE]).args(words).stdin(Stdio::null());
    command.stdout(stdio(out)).stderr(stdio(err));
    command
}

fn stdio(place: Option<Place>) -> Stdio {
    match place {
        None | Some(Place::Closed) => Stdio::null(),
        Some(Place::Full) => File::options().write(true).open("/dev/full").unwrap().into(),
        Some(Place::Gone | Place::Stuck) => Stdio::piped(),
    }
}

fn start(mut command: Command, out: Option<Place>, err: Option<Place>) -> Running {
    let mut running = Running::new(&mut command);
    if out == Some(Place::Gone) {
        drop(running.child.stdout.take());
    }
    if err == Some(Place::Gone) {
        drop(running.child.stderr.take());
    }
    running
}

fn run_words(scratch: &Scratch, more: &[&str]) -> Vec<String> {
    let config = shown(&scratch.config());
    more.iter().copied().chain(["run", "--id", "0", "--config", &config]).map(String::from).collect()
}

fn tweet(scratch: &Scratch, text: &str) {
    scratch.client(None, 20_000).tweet("ann".parse().unwrap(), text.parse().unwrap()).unwrap();
}

/// Sends garbage datagrams; a site logs a line for each.
fn flood(scratch: &Scratch, count: usize) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = scratch.sites().members[0].address;
    for n in 0..count {
        socket.send_to(b"garbage", to).unwrap();
        if n % 100 == 0 {
            pause(1);
        }
    }
}

#[test]
fn a_site_that_cannot_log_serves_on_and_ends_cleanly() {
    for place in PLACES {
        let scratch = Scratch::new(&format!("log-{place:?}"));
        scratch.init(1);
        let words =
            run_words(&scratch, &["-vv"]).into_iter().chain(["--headless".into()]).collect::<Vec<_>>();
        let mut running = start(command(&words, None, Some(place)), None, Some(place));
        tweet(&scratch, "before");
        flood(&scratch, 30_000);
        tweet(&scratch, "after");
        assert!(running.child.try_wait().unwrap().is_none(), "{place:?}");
        running.terminate();
    }
}

#[test]
fn a_file_of_logs_at_its_limit_stops_nothing_and_a_file_of_storage_is_an_error() {
    let scratch = Scratch::new("limit");
    scratch.init(1);
    // In blocks of 512 bytes: room for a file of the journal, and less than is logged.
    let limited = |blocks: u32| {
        let mut command = Command::new("sh");
        let words = run_words(&scratch, &["-vv"]).into_iter().chain(["--headless".into()]);
        command.args(["-c", &format!("ulimit -f {blocks} && exec \"$0\" \"$@\""), SITE]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let mut tight = Running::new(limited(100).stderr(Stdio::piped()));
    assert_eq!(tight.ends_within(10).code(), Some(1));
    let mut text = String::new();
    tight.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("failed to use segment-") && text.contains("File too large"), "{text}");
    let log = scratch.0.join("log");
    let mut running = Running::new(limited(10_000).stderr(File::create(&log).unwrap()));
    tweet(&scratch, "before");
    flood(&scratch, 80_000);
    tweet(&scratch, "after");
    assert!(running.child.try_wait().unwrap().is_none());
    running.terminate();
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 10_000 * 512, "its limit was reached");
}

#[test]
fn lines_that_were_dropped_are_counted_once_somebody_reads() {
    for (format, words) in [
        ("text", ["dropped=", " WARN log lines were dropped"]),
        ("json", ["\"dropped\":", "\"level\":\"WARN\""]),
    ] {
        let scratch = Scratch::new(&format!("dropped-{format}"));
        scratch.init(1);
        let mut run = run_words(&scratch, &["-vv", "--log-format", format]);
        run.push("--headless".into());
        let mut running = start(command(&run, None, Some(Place::Stuck)), None, Some(Place::Stuck));
        tweet(&scratch, "before");
        flood(&scratch, 60_000);
        tweet(&scratch, "after");
        let mut err = running.child.stderr.take().unwrap();
        let reader = std::thread::Builder::new().spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).map(|_| text)
        });
        pause(500);
        tweet(&scratch, "read");
        running.terminate();
        let text = reader.unwrap().join().unwrap().unwrap();
        let report = text.lines().find(|line| words.iter().all(|word| line.contains(word)));
        let report = report.unwrap_or_else(|| panic!("no report in {} lines", text.lines().count()));
        let digits: String =
            report.split(words[0]).nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect();
        let dropped: usize = digits.parse().unwrap();
        assert!((1..=61_000).contains(&dropped), "{report}");
        assert!(text.lines().count() > 1_000, "what waited is written, too");
        assert!(text.contains("SIGTERM: shutting down"), "and what came later");
    }
}

#[test]
fn a_site_without_a_terminal_serves_on_whatever_becomes_of_its_output() {
    for place in PLACES {
        let scratch = Scratch::new(&format!("greet-{place:?}"));
        scratch.init(1);
        let words: Vec<String> = run_words(&scratch, &[]).into_iter().chain(["--headless".into()]).collect();
        let mut running = start(command(&words, Some(place), None), Some(place), None);
        tweet(&scratch, "hello");
        assert!(running.child.try_wait().unwrap().is_none(), "{place:?}");
        running.terminate();
    }
}

#[test]
fn a_site_whose_terminal_is_gone_ends_as_at_the_end_of_its_input() {
    for (place, code, message) in
        [(Place::Gone, 0, ""), (Place::Full, 1, "failed to print answers: No space left")]
    {
        let scratch = Scratch::new(&format!("terminal-{place:?}"));
        scratch.init(1);
        let mut command = command(&run_words(&scratch, &[]), Some(place), None);
        let mut running = start_typing(command.stdin(Stdio::piped()).stderr(Stdio::piped()), place);
        // The first output fails; if it was written before the reader left, the answer to this line fails.
        let _ = writeln!(running.child.stdin.as_mut().unwrap(), "status");
        let status = running.ends_within(10);
        let mut errors = String::new();
        running.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(status.code(), Some(code), "{place:?}: {errors}");
        assert!(errors.contains(message) && !errors.contains("panicked"), "{errors}");
    }
}

fn start_typing(command: &mut Command, place: Place) -> Running {
    let mut running = Running::new(command);
    if place == Place::Gone {
        drop(running.child.stdout.take());
    }
    running
}

#[test]
fn a_site_whose_answers_nobody_reads_serves_others() {
    let scratch = Scratch::new("unread");
    scratch.init(1);
    let mut command = command(&run_words(&scratch, &[]), Some(Place::Stuck), None);
    let mut running = start_typing(command.stdin(Stdio::piped()), Place::Stuck);
    (0..100).for_each(|n| tweet(&scratch, &format!("{n} {}", "x".repeat(250))));
    let mut input = running.child.stdin.take().unwrap();
    // Each answer has 25 KiB, a pipe takes 64 KiB, and the site keeps 1 MiB.
    let typing = std::thread::Builder::new().spawn(move || {
        // The site must end before it has read all of these.
        let _ = (0..2_000).try_for_each(|_| writeln!(input, "log"));
    });
    (0..20).for_each(|_| {
        tweet(&scratch, "meanwhile");
        pause(100);
    });
    running.terminate();
    typing.unwrap().join().unwrap();
}

#[test]
fn a_command_whose_reader_is_gone_is_no_failure_and_never_panics() {
    let scratch = Scratch::new("commands");
    scratch.init(1);
    let config = shown(&scratch.config());
    let running = Running::new(scratch.run(0).stdout(Stdio::null()));
    tweet(&scratch, "hello");
    let view = ["view", "--config", &config, "ann"].map(String::from).to_vec();
    let check = |words: &[String], out: Option<Place>, err: Option<Place>, code: i32| {
        let mut running = start(command(words, out, err), out, err);
        let status = running.ends_within(20);
        assert_eq!(status.code(), Some(code), "{words:?} {out:?} {err:?}");
    };
    // The reader may be quick enough to receive the whole answer, which ends as well.
    check(&view, Some(Place::Gone), None, 0);
    check(&view, Some(Place::Closed), None, 0);
    check(&view, Some(Place::Full), None, 1);
    for (n, place) in PLACES.into_iter().enumerate() {
        check(&["--help".into()], Some(place), None, 0);
        check(&["--version".into()], Some(place), None, 0);
        check(&["no-such-word".into()], None, Some(place), 2);
        check(&["status".into(), "--config".into(), "/nowhere".into()], None, Some(place), 2);
        // Everything is done; only the output is lost.
        let dir = shown(&scratch.0.join(format!("other-{n}")));
        let init = ["init", "--sites", "1", "--dir", &dir].map(String::from);
        check(&init, Some(place), Some(place), 0);
        assert!(scratch.0.join(format!("other-{n}/sites.ron")).exists());
        let check_only = ["restore", "--check", "--backup", &dir].map(String::from);
        check(&check_only, Some(place), Some(place), 0);
    }
    running.terminate();
}

/// A site that logs much to `place`, and whose disk then has the fault `what`.
fn failed(place: Option<Place>, what: &str) -> Option<(Scratch, Running)> {
    let library = library("a failed site that cannot say so")?;
    let scratch = Scratch::new(&format!("unheard-{place:?}-{what}").replace(' ', "-"));
    scratch.init(1);
    let fault = scratch.fault(0);
    let words: Vec<String> = run_words(&scratch, &["-vv"]).into_iter().chain(["--headless".into()]).collect();
    let mut command = command(&words, place, place);
    if place.is_none() {
        command.stderr(Stdio::piped());
    }
    fault.arm(&mut command, &library);
    let running = start(command, place, place);
    tweet(&scratch, "before");
    if place.is_some() {
        flood(&scratch, 30_000);
    }
    fault.on(what);
    let refused = scratch.client(None, 500).tweet("ann".parse().unwrap(), "unheard".parse().unwrap());
    refused.unwrap_err();
    Some((scratch, running))
}

#[test]
fn a_site_that_fails_or_panics_ends_with_1_whoever_hears_it() {
    for what in ["fdatasync fail", "write more"] {
        for place in PLACES {
            let Some((_scratch, mut running)) = failed(Some(place), what) else { return };
            assert_eq!(running.ends_within(5).code(), Some(1), "{place:?} {what}");
        }
    }
}

#[test]
fn a_panic_says_where_and_why() {
    let Some((_scratch, mut running)) = failed(None, "write more") else { return };
    assert_eq!(running.ends_within(5).code(), Some(1));
    let mut text = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    let panicked = text.lines().skip_while(|line| !line.starts_with("thread 'main'")).collect::<Vec<_>>();
    assert!(panicked[0].contains(" panicked at ") && panicked[1].contains("out of range"), "{text}");
    let last = "error: an invariant does not hold; the site stopped before anything else left it";
    assert_eq!(panicked.last(), Some(&last), "{text}");
}
