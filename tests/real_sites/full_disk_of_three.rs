//! One real site of three has a full disk: it stays up and serves what it knows, the others decide, and it takes part
//! again once there is room. Its folder is a file system of 64 MiB in a mount namespace of its own. Skipped, with the
//! reason, where a program may not create one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use aviary::ids::SiteId;
use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientError, ClientOptions, statuses};
use aviary::tweets::site::Status;
use aviary::udp::ClientKey;

use crate::{SITE, may_mount, pause, ports};

/// Puts the folder of site 2 on a small file system of its own, and runs that site.
const SCRIPT: &str = r#"set -e
cp -r "$1/cluster/site-2" "$1/copy"
mount -t tmpfs -o size=64m tmpfs "$1/cluster/site-2"
cp --sparse=never "$1/copy"/* "$1/cluster/site-2"
exec "$0" run --config "$1/cluster/sites.ron" --id 2 --headless"#;

/// The site with the small disk.
const SMALL: usize = 2;

/// Number of large tweets that fill a journal's file of 4 MiB, and some more.
const A_FILE: usize = 5_500;

/// Number of clients that write at once, so that their tweets share syncs.
const WRITERS: usize = 12;

struct Three {
    folder: PathBuf,
    sites: Vec<Child>,
    written: AtomicUsize,
}

fn run(arguments: &[&str]) -> Command {
    let mut command = Command::new(arguments[0]);
    command.args(&arguments[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Three {
    fn start(name: &str) -> Three {
        let folder = std::env::temp_dir().join(format!("aviary-full-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let (program, cluster) = (SITE, folder.join("cluster"));
        let dir = cluster.to_str().unwrap();
        let init = [program, "init", "--sites", "3", "--base-port", &ports(3), "--dir", dir];
        let made = run(&init).status().unwrap();
        assert!(made.success());
        let config = cluster.join("sites.ron");
        let plain = |id| {
            let config = config.to_str().unwrap();
            run(&[program, "run", "--config", config, "--id", id, "--headless"]).spawn().unwrap()
        };
        let path = folder.to_str().unwrap();
        let small = ["unshare", "--map-root-user", "--mount", "sh", "-c", SCRIPT, program, path];
        let sites = vec![plain("0"), plain("1"), run(&small).spawn().unwrap()];
        Three { folder, sites, written: AtomicUsize::new(0) }
    }

    fn files(&self) -> (Sites, ClientKey) {
        let sites = Sites::read(&self.folder.join("cluster/sites.ron")).unwrap();
        (sites, ClientKey::read(&self.folder.join("cluster/client.key")).unwrap())
    }

    fn client(&self, site: usize, patience: Duration) -> Client {
        let (sites, key) = self.files();
        let site = SiteId::new(u8::try_from(site).unwrap());
        Client::start(&sites, key, &ClientOptions { patience, site, ..ClientOptions::default() }).unwrap()
    }

    fn statuses(&self) -> Vec<Option<Status>> {
        let (sites, key) = self.files();
        statuses(&sites, key, Duration::from_secs(2)).unwrap()
    }

    /// The leader according to most sites.
    fn leader(&self) -> usize {
        for _ in 0..100 {
            let leaders: Vec<usize> =
                self.statuses().iter().flatten().filter_map(|status| Some(status.leader?.index())).collect();
            let of_most = leaders.iter().find(|one| leaders.iter().filter(|other| other == one).count() > 1);
            if let Some(leader) = of_most {
                return *leader;
            }
            pause(100);
        }
        panic!("nobody leads: {:?}", self.statuses());
    }

    /// Sends a signal to a site.
    fn signal(&self, site: usize, signal: &str) {
        assert!(run(&["kill", signal, &self.sites[site].id().to_string()]).status().unwrap().success());
    }

    /// Pauses leaders until the right site leads. If the site with the small disk must lead, the others are paused
    /// until it has requested their votes: its syncs are slower, so it waits for longer than they do.
    fn let_lead(&self, is_right: impl Fn(usize) -> bool) {
        for _ in 0..40 {
            let leader = self.leader();
            if is_right(leader) {
                return;
            }
            // The leader is the last to be resumed.
            let mut asleep: Vec<usize> = (0..3).filter(|site| is_right(SMALL) && *site != SMALL).collect();
            asleep.retain(|site| *site != leader);
            asleep.push(leader);
            asleep.iter().for_each(|site| self.signal(*site, "-STOP"));
            pause(if is_right(SMALL) { 3_000 } else { 1_500 });
            for site in asleep {
                self.signal(site, "-CONT");
                pause(500);
            }
        }
        panic!("the right one never leads");
    }

    /// A file on the small file system, seen from outside its namespace.
    fn filler(&self) -> PathBuf {
        let disk = self.folder.join("cluster/site-2/filler");
        let inside = disk.strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.sites[SMALL].id())).join(inside)
    }

    fn fill(&self) {
        let mut file = OpenOptions::new().create_new(true).write(true).open(self.filler()).unwrap();
        while file.write_all(&[1; 4_096]).is_ok() {}
    }

    /// Many clients of the other sites write this many large tweets, all of which are acknowledged.
    fn write(&self, count: usize) {
        let until = self.written.load(Ordering::Relaxed) + count;
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                scope.spawn(move || {
                    let mut client = self.client(writer % SMALL, Duration::from_secs(60));
                    loop {
                        let number = self.written.fetch_add(1, Ordering::Relaxed);
                        if number >= until {
                            self.written.fetch_sub(1, Ordering::Relaxed);
                            return;
                        }
                        tweet(&mut client, &format!("{number} {}", "🐦".repeat(190))).unwrap();
                    }
                });
            }
        });
    }

    /// Whether the small site refuses requests for lack of room.
    fn is_low(&self) -> bool {
        self.signal(0, "-STOP");
        self.signal(1, "-STOP");
        let mut client = self.client(SMALL, Duration::from_millis(900));
        let refused = tweet(&mut client, "is there room?");
        // It still shows what it knows to any client, without the others.
        let shown = self.client(SMALL, Duration::from_secs(20)).view("ann".parse().unwrap(), 3);
        self.signal(0, "-CONT");
        self.signal(1, "-CONT");
        assert!(!shown.unwrap().tweets.is_empty());
        let full = |last: &str| last.contains("its disk is nearly full");
        matches!(refused, Err(ClientError::NoAnswer { last: Some(last), .. }) if full(&last))
    }

    fn applied(&self) -> Vec<u64> {
        self.statuses().iter().map(|status| status.as_ref().map_or(0, |status| status.applied.0)).collect()
    }
}

impl Drop for Three {
    fn drop(&mut self) {
        for site in &mut self.sites {
            let _ = site.kill();
            let _ = site.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn tweet(client: &mut Client, text: &str) -> Result<(), ClientError> {
    client.tweet("ann".parse().unwrap(), text.parse().unwrap()).map(drop)
}

fn check(name: &str, leads: bool) {
    if !may_mount() {
        return;
    }
    let mut three = Three::start(name);
    tweet(&mut three.client(0, Duration::from_secs(60)), "hello").unwrap();
    three.let_lead(|leader| (leader == SMALL) == leads);
    // One file is begun and one is in reserve.
    three.fill();
    three.write(A_FILE);
    assert!(three.is_low(), "{A_FILE} large tweets fill a file");
    three.let_lead(|leader| leader != SMALL);
    // More than its present file could hold if it took part in these.
    three.write(A_FILE);
    assert!(three.is_low());
    let ended = three.sites[SMALL].try_wait().unwrap();
    assert!(ended.is_none(), "the site with the full disk ended: {ended:?}");
    let applied = three.applied();
    assert!(applied[SMALL] > 0, "{applied:?}");
    // With room again it catches up, and its vote counts: one of the others is paused.
    fs::remove_file(three.filler()).unwrap();
    let is_level = |applied: &[u64]| applied.iter().all(|one| *one == applied[0]);
    let mut applied = three.applied();
    for _ in 0..300 {
        if is_level(&applied) {
            break;
        }
        pause(100);
        applied = three.applied();
    }
    assert!(is_level(&applied), "{applied:?}");
    three.signal(1, "-STOP");
    let voted = tweet(&mut three.client(SMALL, Duration::from_secs(60)), "by its vote");
    three.signal(1, "-CONT");
    voted.unwrap();
}

#[test]
fn a_follower_with_a_full_disk_stays_up_and_votes_again_with_room() {
    check("follower", false);
}

#[test]
fn a_leader_with_a_full_disk_hands_over_and_votes_again_with_room() {
    check("leader", true);
}
