//! A cluster in one terminal, and clients of it from outside: their output and their refusals.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use aviary::ids::SiteId;
use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientError, ClientOptions};
use aviary::udp::{ClientKey, Key, KeyNumber};

use crate::SITE;

/// `site local` with three sites in a folder that is removed when this is dropped.
struct Local {
    dir: PathBuf,
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Local {
    fn start(name: &str) -> Local {
        let dir = std::env::temp_dir().join(format!("aviary-clients-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let mut child = Command::new(SITE)
            .args(["local", "--sites", "3", "--dir", dir.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut local = Local { dir, child, output };
        assert!(local.line().starts_with("3 sites; `help` lists the words"));
        local
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "it has ended");
        line.trim_end().to_owned()
    }

    fn enter(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn config(&self) -> String {
        self.dir.join("sites.ron").to_str().unwrap().to_owned()
    }

    /// Runs a client command from outside.
    fn ask(&self, word: &str, rest: &[&str]) -> Output {
        let config = self.config();
        let arguments = [vec![word, "--config", &config], rest.to_vec()].concat();
        Command::new(SITE).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// The output of a client command that succeeds.
    #[track_caller]
    fn printed(&self, word: &str, rest: &[&str]) -> String {
        let out = self.ask(word, rest);
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, word: &str, rest: &[&str], code: i32, message: &str) {
        let out = self.ask(word, rest);
        let errors = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{errors}");
        assert!(errors.contains(message), "expected {message:?} in: {errors}");
        assert!(out.stdout.is_empty());
    }

    fn client(&self, patience: Duration) -> Client {
        let sites = Sites::read(&self.dir.join("sites.ron")).unwrap();
        let key = ClientKey::read(&self.dir.join("client.key")).unwrap();
        let options = ClientOptions { patience, site: SiteId::new(0), ..ClientOptions::default() };
        Client::start(&sites, key, &options).unwrap()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn a_tweet_at_one_site_is_seen_at_another_and_survives_its_crash() {
    let mut local = Local::start("survives");
    let mut check = |line: &str, answers: &[&str]| {
        local.enter(line);
        for answer in answers {
            let found = local.line();
            assert!(found.starts_with(answer), "{line}: expected {answer:?}, found {found:?}");
        }
    };
    check("tweet ann hello", &["S0: tweeted at "]);
    check("2 view! bob", &["S2: ann: hello", "S2: (1 tweet"]);
    check("crash 0", &["S0 crashed"]);
    check("status", &["error: S0 is not running; restart 0"]);
    check("1 tweet ann again", &["S1: tweeted at "]);
    check("partition 1 | 2", &["cut"]);
    check("restart 0", &["S0 started"]);
    check("restart 0", &["error: S0 is running; crash it first"]);
    check("heal", &["healed"]);
    check("0 view! bob", &["S0: ann: again", "S0: ann: hello", "S0: (2 tweets"]);
    check("crash 3", &["error: \"3\" is no site: a number from 0 to 2"]);
    check("tewet", &["S0: error: \"tewet\" is no word"]);
    check("quit", &[]);
    assert!(local.child.wait().unwrap().success());
}

#[test]
fn every_command_of_a_client_prints_text_or_json() {
    let local = Local::start("prints");
    assert!(local.printed("tweet", &["ann", "hello,", "birds"]).starts_with("tweeted at "));
    assert!(local.printed("tweet", &["--json", "bob", "hi"]).starts_with("{\"at\":\""));
    assert_eq!(local.printed("view", &["--linearizable", "cat"]), "bob: hi\nann: hello, birds\n(2 tweets)\n");
    assert!(local.printed("block", &["ann", "cat"]).starts_with("blocked at "));
    let page = local.printed("view", &["--linearizable", "--json", "cat"]);
    assert!(page.starts_with("{\"has_more\":false,\"next\":null,\"tweets\":[{\"at\":\""), "{page}");
    assert!(page.ends_with("\"text\":\"hi\",\"user\":\"bob\"}]}\n"), "{page}");
    // Other sites may learn a moment later what a client did.
    let mut blocks = (0..100).map(|_| local.printed("blocks", &["--site", "0"]));
    assert!(blocks.any(|blocks| blocks == "ann blocks cat\n(1 block)\n"));
    assert!(local.printed("unblock", &["ann", "cat"]).starts_with("unblocked at "));
    let log = local.printed("log", &[]);
    assert!(log.contains(" ann: hello, birds\n") && log.ends_with(" entries)\n"), "{log}");
    let status = local.printed("status", &[]);
    assert_eq!(status.lines().filter(|line| line.starts_with("status: S")).count(), 3, "{status}");
    assert!(local.printed("status", &["--json", "--site", "1"]).contains("\"is_silent\":false"));
}

#[test]
fn what_cannot_be_done_is_refused_with_its_cure() {
    let mut local = Local::start("refused");
    let long = "x".repeat(281);
    local.refused("tweet", &["ann", &long], 2, "the text has 281 characters: a tweet is 1 to 280");
    local.refused("tweet", &["a.b", "hello"], 2, "1 to 32 of letters");
    local.refused("block", &["ann", "ann"], 2, "cannot block or unblock themselves");
    local.refused("view", &["--site", "3", "ann"], 2, "there is no site 3 in");
    local.refused("view", &["--limit", "0", "ann"], 2, "1..=1000");
    local.refused(
        "view",
        &["--client-key", "/nowhere/client.key", "ann"],
        2,
        "failed to open the key /nowhere",
    );
    let cluster = local.dir.join("cluster.key");
    local.refused("view", &["--client-key", cluster.to_str().unwrap(), "ann"], 2, "holds no client key");
    let key = local.dir.join("client.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    local.refused("view", &["ann"], 2, "others can read the key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    // A key of another cluster is like no key at all: no site answers.
    let other = local.dir.join("other.key");
    Key::random().unwrap().client_key(KeyNumber::FIRST).write(&other).unwrap();
    let stranger = ["--client-key", other.to_str().unwrap(), "--timeout", "700ms", "--site", "2", "ann", "x"];
    local.refused("tweet", &stranger, 3, "no answer within 700ms from S2 at 127.0.0.1:");
    local.enter("status");
    local.line();
    assert!(local.line().contains("key="), "the site counted what it could not open");
    for site in 0..3 {
        local.enter(&format!("crash {site}"));
        local.line();
    }
    let out = local.ask("tweet", &["--timeout", "1200ms", "--site", "0", "ann", "x"]);
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(3));
    for site in ["S0 at 127.0.0.1:", "S1 at 127.0.0.1:", "S2 at 127.0.0.1:", "within 1200ms"] {
        assert!(errors.contains(site), "{errors}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let mut local = Local::start("in-use");
    local.enter("crash 1");
    local.line();
    let sites = Sites::read(&local.dir.join("sites.ron")).unwrap();
    let _taken = UdpSocket::bind(sites.members[1].address).unwrap();
    let out = local.ask("run", &["--id", "1"]);
    let errors = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{errors}");
    assert!(errors.contains(&format!("failed to listen on {}", sites.members[1].address)), "{errors}");
    assert!(errors.contains("free it, or name another with --listen"), "{errors}");
    local.enter("restart 1");
    assert!(local.line().contains("failed to listen on"));
}

#[test]
fn a_library_client_goes_on_after_nobody_answered() {
    let mut local = Local::start("library");
    let mut client = local.client(Duration::from_millis(1_500));
    let first = client.tweet("ann".parse().unwrap(), "one".parse().unwrap()).unwrap();
    for site in [0, 1] {
        local.enter(&format!("crash {site}"));
        local.line();
    }
    let error = client.tweet("ann".parse().unwrap(), "two".parse().unwrap()).unwrap_err();
    assert!(matches!(&error, ClientError::NoAnswer { tried, .. } if tried.len() > 1), "{error}");
    for site in [0, 1] {
        local.enter(&format!("restart {site}"));
        local.line();
    }
    let mut client_again = local.client(Duration::from_secs(20));
    let third = client_again.tweet("ann".parse().unwrap(), "three".parse().unwrap()).unwrap();
    assert!(third > first);
    let mut seen = Vec::new();
    for tweet in client_again.view("bob".parse().unwrap(), 10).unwrap().tweets {
        seen.push(tweet.text.to_string());
    }
    seen.retain(|text| text != "two");
    assert_eq!(seen, ["three", "one"], "the second may have happened or not");
    assert!(client.view("bob".parse().unwrap(), 10).unwrap().tweets.len() >= 2, "it goes on too");
}
