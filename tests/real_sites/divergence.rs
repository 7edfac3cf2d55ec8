//! Storage that is put back to an earlier state, with real processes: a site whose log differs from a quorum's stops
//! within seconds of meeting it and reports the difference, and the others go on; where no quorum agrees nothing is
//! chosen.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use aviary::ids::SiteId;
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::client::{Client, ClientError, ClientOptions};
use aviary::udp::ClientKey;

use crate::{SITE, pause, ports};

/// Seconds within which a site must have detected the difference.
const SECONDS: u32 = 10;

/// The tweets that sites 1 and 2 choose while site 0 is down, newest first.
const SINCE: [&str; 3] = ["and so on", "they go on", "two others know"];

/// Three sites in a folder that is removed when this is dropped.
struct RealCluster {
    folder: PathBuf,
    sites: [Option<Child>; 3],
}

impl RealCluster {
    fn init(name: &str) -> RealCluster {
        let folder = std::env::temp_dir().join(format!("aviary-divergence-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let port = ports(3);
        let mut init = Command::new(SITE);
        init.args(["init", "--sites", "3", "--base-port", &port, "--dir"]).arg(&folder);
        assert!(init.output().unwrap().status.success());
        RealCluster { folder, sites: [None, None, None] }
    }

    fn storage(&self, site: usize) -> PathBuf {
        self.folder.join(format!("site-{site}"))
    }

    fn start(&mut self, site: usize) {
        let mut run = Command::new(SITE);
        run.args(["run", "--headless", "--id", &site.to_string(), "--config"])
            .arg(self.folder.join("sites.ron"));
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        self.sites[site] = Some(run.spawn().unwrap());
    }

    fn kill(&mut self, site: usize) {
        let mut child = self.sites[site].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The exit code and the last words of a site that ends by itself within the time.
    fn ended(&mut self, site: usize) -> (Option<i32>, String) {
        let child = self.sites[site].as_mut().unwrap();
        for _ in 0..10 * SECONDS {
            if let Some(status) = child.try_wait().unwrap() {
                let mut errors = String::new();
                child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                return (status.code(), errors);
            }
            pause(100);
        }
        panic!("S{site} still runs after {SECONDS} s: {}", self.status());
    }

    fn client(&self, site: Option<u8>, patience: Duration) -> Client {
        let sites = Sites::read(&self.folder.join("sites.ron")).unwrap();
        let key = ClientKey::read(&self.folder.join("client.key")).unwrap();
        let patience = aviary::time::Duration::from_millis(u64::try_from(patience.as_millis()).unwrap());
        let site = site.map(|site| SiteId::new(site).unwrap());
        Client::start(&sites, key, &ClientOptions { patience, site, ..ClientOptions::default() }).unwrap()
    }

    fn tweet(&self, text: &str) {
        let mut client = self.client(None, Duration::from_secs(20));
        client.tweet("ann".parse().unwrap(), text.parse().unwrap()).unwrap();
    }

    /// The view that this site shows to any client, newest first.
    fn shown(&self, site: u8) -> Vec<String> {
        let mut client = self.client(Some(site), Duration::from_secs(20));
        let page = client.view("bob".parse().unwrap(), 10).unwrap();
        page.tweets.iter().map(|tweet| tweet.text.as_str().to_owned()).collect()
    }

    fn asked(&self, ask: &[&str]) -> Output {
        let mut command = Command::new(SITE);
        command.args(ask).arg("--config").arg(self.folder.join("sites.ron")).output().unwrap()
    }

    fn status(&self) -> String {
        String::from_utf8(self.asked(&["status"]).stdout).unwrap()
    }

    /// Sites 0 and 1 choose one tweet while site 2 is down. Then site 1's folder is put back to its earlier state, and
    /// sites 1 and 2 choose another tweet while site 0 is down. In the end sites 1 and 2 run.
    fn diverge(&mut self) {
        (0..3).for_each(|site| self.start(site));
        self.tweet("all know");
        self.kill(1);
        let old = self.folder.join("old");
        copy(&self.storage(1), &old);
        self.start(1);
        self.kill(2);
        self.tweet("two know");
        // A chosen slot is marked with the next record: site 0 must know the first one after its restart.
        self.tweet("and more");
        self.kill(0);
        self.kill(1);
        fs::remove_dir_all(self.storage(1)).unwrap();
        copy(&old, &self.storage(1));
        self.start(1);
        self.start(2);
        // They know more than site 0 could send them, whichever of them is restarted.
        SINCE.iter().rev().for_each(|text| self.tweet(text));
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        for mut child in self.sites.iter_mut().filter_map(Option::take) {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Waits for up to 10 s until the condition holds; else fails and shows the state.
fn wait_until(is_so: impl Fn() -> bool, how_it_is: impl Fn() -> String) {
    for _ in 0..10 * SECONDS {
        if is_so() {
            return;
        }
        pause(100);
    }
    panic!("{}", how_it_is());
}

#[test]
fn a_site_with_another_log_than_a_quorum_exits_with_the_reason_and_the_others_go_on() {
    let mut cluster = RealCluster::init("stops");
    cluster.diverge();
    cluster.start(0);
    let (code, errors) = cluster.ended(0);
    assert_eq!(code, Some(1), "{errors}");
    for part in [
        "S0 stopped: divergence: the log that S0 has applied differs from that of S12, a quorum: below slot ",
        "do not start it again",
    ] {
        assert!(errors.contains(part), "{errors}");
    }
    cluster.tweet("we go on");
    // One site's view may lag for a moment.
    for site in [1, 2] {
        let expected = [&["we go on"], &SINCE[..], &["all know"]].concat();
        wait_until(|| cluster.shown(site) == expected, || format!("{:?}", cluster.shown(site)));
    }
    // Restarted, it detects the difference again: nothing on its disk is wrong by itself.
    cluster.start(0);
    assert_eq!(cluster.ended(0).0, Some(1));
    let digests = |status: &str| -> Vec<String> {
        let word = |line: &str| line.split(' ').find(|word| word.starts_with("digest=")).map(str::to_owned);
        status.lines().filter_map(word).collect()
    };
    let agree = |found: &[String]| found.len() == 2 && found[0] == found[1] && found[0].len() == 23;
    wait_until(|| agree(&digests(&cluster.status())), || cluster.status());
}

#[test]
fn where_no_quorum_agrees_both_logs_are_shown_and_nothing_is_taken() {
    let mut cluster = RealCluster::init("alone");
    cluster.diverge();
    // Site 1 must know nothing of site 2.
    cluster.kill(2);
    cluster.kill(1);
    cluster.start(1);
    cluster.start(0);
    let is_reported = |cluster: &RealCluster| cluster.status().matches(" diverged ").count() == 2;
    wait_until(|| is_reported(&cluster), || cluster.status());
    let (one, other) = (cluster.shown(0), cluster.shown(1));
    let has = |log: &[String], text: &str| log.iter().any(|shown| shown == text);
    assert!(has(&one, "two know") && has(&one, "all know") && !has(&one, "two others know"), "{one:?}");
    assert!(
        has(&other, "two others know") && has(&other, "all know") && !has(&other, "two know"),
        "{other:?}"
    );
    let mut client = cluster.client(Some(1), Duration::from_secs(2));
    let refused = client.tweet("ann".parse().unwrap(), "who takes this?".parse().unwrap()).unwrap_err();
    let ClientError::NoAnswer { last, .. } = &refused else { panic!("{refused}") };
    let why = "finds S1 busy: its log differs from another site's, and no quorum is known to have it";
    assert_eq!(last.as_deref(), Some(why), "{refused}");
    let statuses = String::from_utf8(cluster.asked(&["status", "--json"]).stdout).unwrap();
    assert_eq!(statuses.matches(r#""phase":"diverged""#).count(), 2, "{statuses}");
}

#[test]
fn a_folder_of_another_site_is_refused() {
    let mut cluster = RealCluster::init("swapped");
    let (one, other, aside) = (cluster.storage(1), cluster.storage(2), cluster.folder.join("aside"));
    fs::rename(&one, &aside).unwrap();
    fs::rename(&other, &one).unwrap();
    fs::rename(&aside, &other).unwrap();
    for (site, found) in [(1, "S2"), (2, "S1")] {
        cluster.start(site);
        let (code, errors) = cluster.ended(site);
        assert_eq!(code, Some(1), "{errors}");
        assert!(errors.contains(&format!("belongs to {found} of cluster ")), "{errors}");
    }
}
