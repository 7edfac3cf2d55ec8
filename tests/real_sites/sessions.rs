//! Sessions of real clients: a client that makes one request and leaves does not disturb the session of one that stays.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::timeline::Position;
use aviary::udp::ClientKey;

use crate::{SITE, ports};

/// A cluster of three in a folder that is removed when this is dropped.
struct Cluster {
    dir: PathBuf,
    local: Option<Child>,
}

impl Cluster {
    /// Runs `site init` with room for 64 sessions.
    fn init() -> Cluster {
        static MADE: AtomicU16 = AtomicU16::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("aviary-sessions-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let base = ports(3);
        let cluster = Cluster { dir, local: None };
        let dir = cluster.dir.to_str().unwrap();
        let init = ["init", "--sites", "3", "--base-port", &base, "--sessions-max", "64", "--dir", dir];
        let out = Command::new(SITE).args(init).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        cluster
    }

    fn config(&self) -> PathBuf {
        self.dir.join("sites.ron")
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.config(), text.replace(from, to)).unwrap();
    }

    fn start(&mut self) {
        let mut child = Command::new(SITE)
            .args(["local", "--dir", self.dir.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.local = Some(child);
        assert!(line.starts_with("3 sites; "), "{line}");
    }

    fn site(&self, word: &str, rest: &[&str]) -> Output {
        let config = self.config();
        let arguments = [&[word, "--config", config.to_str().unwrap()], rest].concat();
        Command::new(SITE).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn client(&self) -> Client {
        let sites = Sites::read(&self.config()).unwrap();
        let key = ClientKey::read(&self.dir.join("client.key")).unwrap();
        let patience = Duration::from_secs(30);
        Client::start(&sites, key, &ClientOptions { patience, ..ClientOptions::default() }).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(child) = &mut self.local {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn eighty_commands_of_a_shell_do_not_cost_an_idle_application_its_session() {
    let mut cluster = Cluster::init();
    // However long this takes, the application does not consider itself idle.
    cluster.edit("session_idle: \"1min\"", "session_idle: \"60min\"");
    cluster.start();
    let mut application = cluster.client();
    application.tweet("app".parse().unwrap(), "I am idle".parse().unwrap()).unwrap();
    for number in 0..80 {
        let out = cluster.site("tweet", &["--timeout", "30s", "ann", &format!("number {number}")]);
        assert!(out.status.success(), "{number}: {out:?}");
    }
    application.tweet("app".parse().unwrap(), "I am back".parse().unwrap()).unwrap();
    let log = application.log(Position::default()).unwrap();
    let texts: Vec<String> = log.iter().map(|line| line.request.to_string()).collect();
    let place = |text: &str| texts.iter().position(|found| found == text).unwrap();
    let between = &texts[place("ann: number 79")..place("app: I am back")];
    let opened: Vec<_> = between.iter().filter(|text| text.ends_with("opens a session")).collect();
    assert!(opened.is_empty(), "its session was there all the time: {between:?}");
    assert!(texts.iter().filter(|text| text.ends_with("opens a session")).count() > 80);
}

#[test]
fn storage_that_was_made_for_other_limits_is_refused() {
    let cluster = Cluster::init();
    cluster.edit("sessions_max: 64", "sessions_max: 65");
    let refused = |message: &str| {
        let out = cluster.site("run", &["--id", "1", "--headless"]);
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.code() == Some(1) && errors.contains(message), "{errors}");
    };
    refused("it was made for sessions_max: 64, and sites.ron says 65");
    let backup = cluster.dir.to_str().unwrap();
    let out = Command::new(SITE).args(["restore", "--check", "--backup", backup]).output().unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(errors.contains("site-0: it was made for sessions_max: 64"), "{errors}");
    cluster.edit("sessions_max: 65", "sessions_max: 64");
    fs::remove_file(cluster.dir.join("site-1/sessions_max")).unwrap();
    refused("it has no file sessions_max");
}
