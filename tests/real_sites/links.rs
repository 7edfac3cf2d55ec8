//! Five real sites, each in a network namespace of its own, and links that are taken down and up. Skipped, with the
//! reason, where a program may not create namespaces.

use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aviary::ids::SiteId;
use aviary::mix::Seed;
use aviary::tweets::client::{Client, ClientOptions, statuses};
use aviary::tweets::timeline::Position;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sim_runner::tweets::real::judged::{self, check_logs, converge};
use sim_runner::tweets::real::{ClientLoad, ClusterFailure, LoadSettings, RealCluster};

use crate::{SITE, pause};

const SITES: u8 = 5;

/// Namespaces of this test: one per site, and one in which all their links meet and the clients run. They are removed
/// with everything in them however the test ends.
struct Links {
    hub: String,
    sites: Vec<String>,
    folder: PathBuf,
}

/// Runs `ip` with these words; the error is its output.
fn ip(words: &str) -> Result<(), String> {
    let out = Command::new("ip").args(words.split(' ')).stdin(Stdio::null()).output();
    let out = out.map_err(|error| format!("failed to run ip: {error}"))?;
    let errors = String::from_utf8_lossy(&out.stderr);
    if out.status.success() { Ok(()) } else { Err(format!("`ip {words}`: {}", errors.trim())) }
}

impl Links {
    fn new() -> Result<Links, String> {
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("aviary-links-{id}"));
        let _ = std::fs::remove_dir_all(&folder);
        let sites = (0..SITES).map(|site| format!("aviary-{id}-{site}")).collect();
        // Dropping this removes whatever was created, also if the rest cannot be created.
        let links = Links { hub: format!("aviary-{id}-hub"), sites, folder };
        let hub = &links.hub;
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link add hub type bridge"))?;
        ip(&format!("-n {hub} addr add 10.77.0.100/24 dev hub"))?;
        ip(&format!("-n {hub} link set hub up"))?;
        for (number, name) in (0..SITES).zip(&links.sites) {
            ip(&format!("netns add {name}"))?;
            ip(&format!("link add to{number} netns {hub} type veth peer name eth netns {name}"))?;
            ip(&format!("-n {hub} link set to{number} master hub up"))?;
            ip(&format!("-n {name} addr add {}/24 dev eth", address(number).ip()))?;
            ip(&format!("-n {name} link set eth up"))?;
        }
        ip(&format!("netns exec {hub} ip link show hub"))?;
        Ok(links)
    }

    /// Takes the link of a site down or up.
    fn set(&self, site: usize, state: &str) {
        ip(&format!("-n {} link set to{site} {state}", self.hub)).unwrap();
    }

    /// Runs `work` in a thread in the namespace where the links meet.
    fn at_hub<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let enter = enter(&self.hub);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, || {
                enter().unwrap();
                work()
            });
            thread.unwrap().join().unwrap()
        })
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for name in self.sites.iter().chain([&self.hub]) {
            // Namespaces that were never created cannot be removed.
            let _ = ip(&format!("netns del {name}"));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Moves the calling thread into a namespace.
fn enter(name: &str) -> impl Fn() -> Result<(), ClusterFailure> + Clone + Send + use<> {
    let path = Path::new("/var/run/netns").join(name);
    move || {
        let file =
            File::open(&path).map_err(|error| ClusterFailure(format!("{}: {error}", path.display())))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| ClusterFailure(format!("failed to enter {}: {error}", path.display())))
    }
}

fn address(site: u8) -> SocketAddr {
    SocketAddr::from(([10, 77, 0, site + 1], 7_100))
}

#[test]
fn links_that_go_down_and_up_lose_nothing() {
    let links = match Links::new() {
        Ok(links) => links,
        Err(why) => return println!("skipped: no network namespaces can be made here: {why}"),
    };
    let mut cluster = RealCluster::init(Path::new(SITE), &links.folder, SITES, false).unwrap();
    let addresses: Vec<SocketAddr> = (0..SITES).map(address).collect();
    let exec = |name: &String| ["ip", "netns", "exec", name].map(String::from).to_vec();
    cluster.move_to(&addresses, links.sites.iter().map(exec).collect()).unwrap();
    cluster.start_all().unwrap();
    let settings = LoadSettings {
        threads: 2,
        clients: 3,
        pace: aviary::time::Duration::from_millis(20),
        patience: aviary::time::Duration::from_millis(2_500),
        seed: Seed(11),
    };
    let load =
        ClientLoad::start(&cluster.sites, &cluster.client_keys(), &settings, enter(&links.hub)).unwrap();
    pause(1_500);
    let goes_on = |what: &str| {
        let before = load.acknowledged();
        for _ in 0..80 {
            pause(100);
            if load.acknowledged() > before + 5 {
                return;
            }
        }
        panic!("nothing is acknowledged within 8 s {what}");
    };
    goes_on("at the start");
    let key = cluster.client_key();
    let leader = links.at_hub(|| {
        let found = statuses(&cluster.sites, key.clone(), aviary::time::Duration::from_secs(1)).unwrap();
        found.into_iter().flatten().find_map(|status| status.leader).unwrap().index()
    });
    let other = |steps: usize| (leader + steps) % usize::from(SITES);
    links.set(leader, "down");
    goes_on("without the leader's link");
    links.set(other(1), "down");
    goes_on("with two links down");
    links.set(other(2), "down");
    // A site that is asked again still acknowledges what a majority had accepted before, while clients have patience.
    pause(2_600);
    let before = load.acknowledged();
    pause(1_000);
    assert_eq!(load.acknowledged(), before, "two sites of five are no majority");
    [leader, other(1), other(2)].iter().for_each(|site| links.set(*site, "up"));
    goes_on("with all links up again");
    // A link goes down, and the site at its end is killed and restarted there.
    links.set(other(3), "down");
    cluster.kill(other(3)).unwrap();
    cluster.kill(other(4)).unwrap();
    goes_on("with three of five");
    cluster.start_all().unwrap();
    links.set(other(3), "up");
    pause(500);
    cluster.check_running().unwrap();
    let history = load.stop().unwrap();
    let logs: Vec<(SiteId, Vec<String>)> = links.at_hub(|| {
        converge(&cluster.sites, &key, Duration::from_secs(15)).unwrap();
        let log = |site: u8| {
            let site = SiteId::new(site).unwrap();
            let options = ClientOptions { site: Some(site), ..ClientOptions::default() };
            let mut client = Client::start(&cluster.sites, key.clone(), &options).unwrap();
            let lines = client.log(Position::default()).unwrap();
            (site, lines.iter().map(|line| format!("{} {}", line.position, line.request)).collect())
        };
        (0..SITES).map(log).collect()
    });
    check_logs(&logs).unwrap();
    cluster.kill_all().unwrap();
    let disks: Vec<_> = (0..usize::from(SITES)).map(|site| cluster.disk(site).unwrap()).collect();
    let judged = judged::judge(&cluster.sites, &history.take(), &disks).unwrap();
    println!("{judged:?}");
    assert_eq!((judged.lost, judged.doubled, judged.unjudged.len()), (0, 0, 0), "{judged:?}");
    assert!(judged.acknowledged > 50, "{judged:?}");
}
