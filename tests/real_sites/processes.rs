//! Three real processes on loopback, and the refusals of `site`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::{SITE, pause, ports};

/// A folder that is removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("aviary-site-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    /// Runs `site init` with three sites.
    fn init(&self) {
        let out = site(&["init", "--sites", "3", "--base-port", &ports(3), "--dir", path(&self.0)]);
        assert!(out.status.success(), "{out:?}");
    }

    fn config(&self) -> PathBuf {
        self.0.join("sites.ron")
    }

    /// Everything in the folder: names, lengths and bytes.
    fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    found.push((path, bytes));
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs `site` to its end, without input.
fn site(arguments: &[&str]) -> Output {
    Command::new(SITE).args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn check_refused(arguments: &[&str], code: i32, messages: &[&str]) {
    let out = site(arguments);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{errors}");
    for message in messages {
        assert!(errors.contains(message), "expected {message:?} in: {errors}");
    }
}

/// A running site with a pipe for a terminal.
struct Running {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    name: String,
}

impl Running {
    fn start(scratch: &Scratch, id: usize) -> Running {
        let id_text = id.to_string();
        let log = File::create(scratch.0.join(format!("stderr-{id}"))).unwrap();
        let mut child = Command::new(SITE)
            .args(["-v", "run", "--config", path(&scratch.config()), "--id", &id_text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::Builder::new()
            .spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)))
            .unwrap();
        let mut running = Running { child, input, lines, name: format!("S{id}") };
        let first = running.line();
        assert!(first.starts_with(&format!("S{id} of 3 sites at 127.0.0.1:")), "{first}");
        running
    }

    fn enter(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    fn line(&mut self) -> String {
        match self.lines.recv_timeout(Duration::from_secs(30)) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("{} says nothing for 30 s", self.name),
            Err(RecvTimeoutError::Disconnected) => panic!("{} has ended: {:?}", self.name, self.child.wait()),
        }
    }

    /// Enters a word whose answer ends with a line like `(3 tweets)`, and returns the lines before that.
    fn list(&mut self, word: &str) -> Vec<String> {
        self.enter(word);
        let mut list = Vec::new();
        loop {
            let line = self.line();
            if line.starts_with('(') {
                return list;
            }
            list.push(line);
        }
    }

    /// Tweets, and returns once the tweet is acknowledged.
    fn tweet(&mut self, user: &str, text: &str) {
        self.enter(&format!("tweet {user} {text}"));
        let answer = self.line();
        assert!(answer.starts_with("tweeted at "), "{answer}");
    }

    /// The leader that this site follows, once it follows one.
    fn leader(&mut self) -> usize {
        for _ in 0..300 {
            self.enter("status");
            let (status, datagrams) = (self.line(), self.line());
            assert!(datagrams.starts_with("datagrams: received="), "{datagrams}");
            let leader = status.split("leader=").nth(1).unwrap();
            if let Some(number) = leader.strip_prefix('S') {
                return number[..1].parse().unwrap();
            }
            pause(100);
        }
        panic!("{} has no leader for 30 s", self.name);
    }

    /// Ends the input, and expects a clean end.
    fn quit(mut self) {
        self.enter("quit");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{} ended with {status}", self.name);
    }

    /// Kills the site, as `kill -9` does.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_leader_killed_and_restarted_loses_nothing_that_was_acknowledged() {
    let scratch = Scratch::new("kill");
    scratch.init();
    let mut sites: Vec<Option<Running>> = (0..3).map(|id| Some(Running::start(&scratch, id))).collect();
    let mut acknowledged = Vec::new();
    let mut tweet = |site: &mut Running, text: String| {
        site.tweet("ann", &text);
        acknowledged.push(format!("ann: {text}"));
    };
    for n in 0..10 {
        tweet(sites[0].as_mut().unwrap(), format!("before {n}"));
    }
    let leader = sites[1].as_mut().unwrap().leader();
    // Some tweets are in progress when the site is killed; their outcome is unknown.
    for n in 0..5 {
        sites[leader].as_mut().unwrap().enter(&format!("tweet bob unknown {n}"));
    }
    sites[leader].take().unwrap().kill();
    let other = (leader + 1) % 3;
    for n in 0..10 {
        tweet(sites[other].as_mut().unwrap(), format!("without S{leader} {n}"));
    }
    sites[leader] = Some(Running::start(&scratch, leader));
    tweet(sites[leader].as_mut().unwrap(), "after".into());
    let mut sites: Vec<Running> = sites.into_iter().flatten().collect();
    let mut logs = Vec::new();
    for _ in 0..300 {
        logs = sites.iter_mut().map(|site| site.list("log")).collect();
        let holds = |tweet: &String| logs[0].iter().any(|line: &String| line.ends_with(tweet.as_str()));
        if logs[1] == logs[0] && logs[2] == logs[0] && acknowledged.iter().all(holds) {
            break;
        }
        pause(100);
    }
    assert_eq!(logs[1], logs[0]);
    assert_eq!(logs[2], logs[0]);
    for site in &mut sites {
        let view = site.list("view cat 1000");
        for tweet in &acknowledged {
            let count = view.iter().filter(|seen| *seen == tweet).count();
            assert_eq!(count, 1, "{tweet:?} is seen {count} times at {}: {view:?}", site.name);
        }
        let order: Vec<&String> = view.iter().rev().filter(|tweet| tweet.starts_with("ann: ")).collect();
        assert_eq!(order, acknowledged.iter().collect::<Vec<_>>());
    }
    sites.into_iter().for_each(Running::quit);
}

#[test]
fn every_word_is_answered_in_a_form_that_stays() {
    let scratch = Scratch::new("words");
    scratch.init();
    let mut sites: Vec<Running> = (0..3).map(|id| Running::start(&scratch, id)).collect();
    let first = &mut sites[0];
    // Garbage does not stop a site, and gets no answer.
    let text = fs::read_to_string(scratch.config()).unwrap();
    let address = text.split('"').find(|part| part.starts_with("127.")).unwrap();
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for length in [0, 1, 31, 32, 100, 1_200, 9_000] {
        stranger.send_to(&vec![1; length], address).unwrap();
    }
    first.tweet("ann", "hello");
    first.tweet("bob", "hi, ann");
    assert_eq!(first.list("view cat"), ["bob: hi, ann", "ann: hello"]);
    assert_eq!(first.list("view cat 1"), ["bob: hi, ann"]);
    first.enter("block ann cat");
    assert!(first.line().starts_with("blocked at "));
    assert_eq!(first.list("view! cat"), ["bob: hi, ann"]);
    assert_eq!(first.list("view --linearizable cat"), ["bob: hi, ann"]);
    assert_eq!(first.list("blocks"), ["ann blocks cat"]);
    first.enter("unblock ann cat");
    assert!(first.line().starts_with("unblocked at "));
    assert_eq!(first.list("view cat").len(), 2);
    for n in 0..60 {
        first.tweet("ann", &format!("{n} {}", "long ".repeat(50)));
    }
    assert_eq!(first.list("view cat 50").len(), 50, "several pages, cut at the limit");
    let log = first.list("log");
    assert_eq!(log.iter().filter(|line| line.contains(" ann: ")).count(), 61, "several pages");
    assert!(log[0].ends_with("T0 opens a session"), "{}", log[0]);
    first.enter(&format!("tweet ann {}", "x".repeat(281)));
    assert_eq!(
        first.line(),
        "error: the text has 281 characters: a tweet is 1 to 280 characters and at most 800 bytes, without \
         control characters"
    );
    first.enter("tewet ann hello");
    assert!(first.line().starts_with("error: \"tewet\" is no word; there are tweet, view"));
    first.enter("sites");
    assert_eq!(first.line(), format!("S0 {address} local (here)"));
    sites.into_iter().for_each(Running::quit);
}

#[test]
fn what_exists_is_never_formatted() {
    let scratch = Scratch::new("init");
    scratch.init();
    let before = scratch.contents();
    let again = ["init", "--sites", "3", "--dir", path(&scratch.0)];
    check_refused(&again, 2, &["sites.ron exists, and no storage is ever formatted twice", "--dir"]);
    fs::remove_file(scratch.config()).unwrap();
    for key in ["client.key", "cluster.key", "client-master.key"] {
        check_refused(&again, 2, &[key, "exists, and no storage is ever formatted twice"]);
        fs::remove_file(scratch.0.join(key)).unwrap();
    }
    check_refused(&again, 2, &["site-0 exists, and no storage is ever formatted twice"]);
    fs::remove_dir_all(scratch.0.join("site-0")).unwrap();
    check_refused(&again, 2, &["site-1 exists"]);
    let rest: Vec<_> = before
        .into_iter()
        .filter(|(path, _)| {
            path.starts_with(scratch.0.join("site-1")) || path.starts_with(scratch.0.join("site-2"))
        })
        .collect();
    assert_eq!(scratch.contents(), rest, "nothing was changed");
    check_refused(&["init", "--sites", "0"], 2, &["0 is not in 1..=9"]);
    check_refused(&["init", "--sites", "10"], 2, &["10 is not in 1..=9"]);
    check_refused(&["init", "--sites", "9", "--base-port", "65530"], 2, &["exceed port 65535"]);
}

#[test]
fn storage_that_is_not_this_sites_is_refused() {
    let scratch = Scratch::new("storage");
    scratch.init();
    let config = scratch.config();
    let run = |id: &'static str| vec!["run", "--config", path(&config), "--id", id];
    let with = |id, data| [run(id), vec!["--data", path(data)]].concat();
    check_refused(&run("3"), 2, &["there is no site 3 in", "--id is 0 to 2"]);
    let empty = scratch.0.join("empty");
    fs::create_dir(&empty).unwrap();
    check_refused(&with("0", &empty), 1, &["empty: no journal is here; check the path"]);
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    let foreign = scratch.0.join("site-1");
    check_refused(&with("0", &foreign), 1, &["belongs to S1 of cluster", "not to S0", "check the path"]);
    check_refused(&with("0", &scratch.0.join("nowhere")), 1, &["there is no folder", "nowhere"]);
    let running = Running::start(&scratch, 0);
    check_refused(&run("0"), 1, &["another program has", "site-0 open; stop it"]);
    let own = fs::canonicalize(scratch.0.join("site-2")).unwrap();
    let held = File::open(&own).unwrap();
    held.lock().unwrap();
    check_refused(&run("2"), 1, &["another program has", "site-2 open"]);
    running.quit();
    let damaged = scratch.0.join("site-1/segment-00000000.log");
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[20] ^= 1;
    fs::write(&damaged, &bytes).unwrap();
    check_refused(&run("1"), 1, &["site-1: segment-00000000.log is damaged at byte 0", "count it as failed"]);
}

#[test]
fn a_wrong_config_is_refused_at_its_place() {
    let scratch = Scratch::new("config");
    let config = scratch.config();
    let run = ["run", "--config", path(&config), "--id", "0"];
    check_refused(&run, 2, &["sites.ron: failed to read", "`site init` writes one"]);
    for (text, message) in [
        ("Sites(\n  cluster: 1,\n  sites: [],\n)", "sites.ron:3:"),
        ("Sites(cluster: 1, sites: [A, (id: 1, address: \"127.0.0.1:1\")])", "another site has the address"),
        ("Sites(cluster: 1, sites: [A, (id: 0, address: \"127.0.0.1:2\")])", "another site has the id 0"),
        ("Sites(cluster: 1, sites: [A], nodes: 3)", "`nodes`"),
        ("Sites(cluster: 1, sites: [A", "sites.ron:1:"),
    ] {
        fs::write(&config, text.replace('A', "(id: 0, address: \"127.0.0.1:1\")")).unwrap();
        check_refused(&run, 2, &[message]);
    }
}

/// Storage is formatted for the largest record of its datagram limit. With a larger limit a site would stop at a record
/// that is too large; with a smaller one it could not send its entries.
#[test]
fn storage_formatted_for_another_datagram_limit_is_refused() {
    let scratch = Scratch::new("datagrams");
    scratch.init();
    let config = scratch.config();
    let text = fs::read_to_string(&config).unwrap();
    for other in ["9000", "1199", "1201"] {
        let changed = text.replace("datagram_max: 1200", &format!("datagram_max: {other}"));
        assert_ne!(changed, text);
        fs::write(&config, changed).unwrap();
        let run = ["run", "--config", path(&config), "--id", "0"];
        check_refused(&run, 1, &["storage was formatted for records of up to", "set datagram_max back"]);
    }
    fs::write(&config, &text).unwrap();
    Running::start(&scratch, 0).quit();
}
