//! `site restore`: its refusals, and that it writes the cluster that was backed up.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{SITE, Scratch, check_refused, free_ports, pause, succeed};

/// Three running sites.
struct Cluster(Vec<Child>);

impl Cluster {
    fn start(config: &str) -> Cluster {
        let start = |id: usize| {
            let mut command = Command::new(SITE);
            command.args(["run", "--headless", "--config", config, "--id", &id.to_string()]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
        };
        Cluster((0..3).map(start).collect())
    }

    /// Ends all sites, as `systemctl stop` does.
    fn stop(mut self) {
        for site in &mut self.0 {
            assert!(Command::new("kill").args(["-TERM", &site.id().to_string()]).status().unwrap().success());
        }
        for site in &mut self.0 {
            assert!(site.wait().unwrap().success());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for site in &mut self.0 {
            let _ = site.kill();
            let _ = site.wait();
        }
    }
}

fn init(scratch: &Scratch, name: &str) -> String {
    let dir = scratch.path(name);
    succeed(&["init", "--sites", "3", "--dir", &dir, "--base-port", &free_ports(3).to_string()]);
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// The leader, once a site leads.
fn leader(config: &str) -> usize {
    for _ in 0..300 {
        let status = succeed(&["status", "--config", config]);
        if let Some(line) = status.lines().find(|line| line.contains(" leading ")) {
            return line["status: S".len()..][..1].parse().unwrap();
        }
        pause();
    }
    panic!("nobody leads for 30 s");
}

#[test]
fn a_restored_cluster_is_the_one_that_was_backed_up() {
    let scratch = Scratch::new("restored");
    let old = init(&scratch, "old");
    let config = format!("{old}/sites.ron");
    let cluster = Cluster::start(&config);
    leader(&config);
    for n in 0..20 {
        succeed(&["tweet", "--config", &config, "ann", &format!("tweet {n}")]);
    }
    // The site that is asked may learn of the last tweet a moment later than the site that answered it.
    let logs = (0..300).map(|_| succeed(&["log", "--config", &config]));
    let log = { logs }.find(|log| log.contains("tweet 19")).expect("the log holds what was answered");
    check_refused(
        &["restore", "--backup", &old, "--check"],
        1,
        &["another program has", "site-0 open; stop it"],
    );
    cluster.stop();
    let new = scratch.path("new");
    let output = succeed(&["restore", "--backup", &old, "--dir", &new]);
    assert!(
        output.contains(
            "and beside it storage for 3 sites, cluster.key, client-master.key and client.key: cluster "
        ),
        "{output}"
    );
    let read = |dir: &str, name: &str| fs::read_to_string(format!("{dir}/{name}")).unwrap();
    for name in ["cluster.key", "client-master.key", "client.key", "sites.ron"] {
        assert_ne!(read(&old, name), read(&new, name), "{name}");
    }
    // Every copy is complete: each site alone knows everything except requests in progress.
    let new_config = format!("{new}/sites.ron");
    let cluster = Cluster::start(&new_config);
    leader(&new_config);
    succeed(&["tweet", "--config", &new_config, "bob", "after"]);
    let after = succeed(&["log", "--config", &new_config]);
    let before: Vec<&str> = log.lines().filter(|line| line.contains(" ann: ")).collect();
    assert_eq!(after.lines().filter(|line| line.contains(" ann: ")).collect::<Vec<_>>(), before);
    assert_eq!(before.len(), 20);
    cluster.stop();
    // The restored cluster can be restored again.
    assert!(succeed(&["restore", "--backup", &new, "--check"]).starts_with("all 3 sites can be restored: "));
}

#[test]
fn what_is_not_a_whole_backup_of_one_cluster_at_rest_is_refused() {
    let scratch = Scratch::new("refused");
    let (old, other) = (init(&scratch, "old"), init(&scratch, "other"));
    let check = ["restore", "--backup", &old, "--check"];
    assert!(succeed(&check).contains("the first 0 slots"), "sites that never started are at rest");
    let path = |name: &str| Path::new(&old).join(name);
    check_refused(
        &["restore", "--backup", &old, "--dir", &other],
        2,
        &["sites.ron exists, and no storage is ever"],
    );
    check_refused(&["restore", "--backup", &old], 2, &["--dir <DIR>"]);
    check_refused(
        &["restore", "--backup", &scratch.path("none"), "--check"],
        2,
        &["none/sites.ron: failed to read"],
    );
    fs::rename(path("site-1"), path("elsewhere")).unwrap();
    check_refused(&check, 2, &["old lacks site-1: a cluster is restored whole or not at all"]);
    fs::rename(Path::new(&other).join("site-1"), path("site-1")).unwrap();
    check_refused(&check, 1, &["site-1: segment-00000000.log belongs to S1 of cluster"]);
    fs::remove_dir_all(path("site-1")).unwrap();
    copy(&path("site-0"), &path("site-1"));
    check_refused(&check, 1, &["site-1: segment-00000000.log belongs to S0 of cluster", "not to S1"]);
    fs::remove_dir_all(path("site-1")).unwrap();
    fs::rename(path("elsewhere"), path("site-1")).unwrap();
    let held = File::open(path("site-2")).unwrap();
    held.lock().unwrap();
    check_refused(&check, 1, &["another program has", "site-2 open"]);
    drop(held);
    let text = fs::read_to_string(path("sites.ron")).unwrap();
    fs::write(path("sites.ron"), text.replace("datagram_max: 1200", "datagram_max: 1400")).unwrap();
    check_refused(
        &check,
        1,
        &["site-0: it was formatted for records of up to", "use the sites.ron that the cluster had"],
    );
    fs::write(path("sites.ron"), text).unwrap();
    let segment = path("site-2/segment-00000000.log");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[20] ^= 1;
    fs::write(&segment, bytes).unwrap();
    check_refused(&check, 1, &["site-2: segment-00000000.log is damaged at byte 0"]);
    assert!(!Path::new(&scratch.path("new")).exists());
}

/// Copies from before an election together with copies from after it.
#[test]
fn copies_of_different_moments_are_refused() {
    let scratch = Scratch::new("torn");
    let old = init(&scratch, "old");
    let early = scratch.path("early");
    copy(Path::new(&old), Path::new(&early));
    let config = format!("{old}/sites.ron");
    let cluster = Cluster::start(&config);
    let leader = leader(&config);
    succeed(&["tweet", "--config", &config, "ann", "hello"]);
    cluster.stop();
    let torn = |early_ones: &[usize]| {
        let mix = scratch.path(&format!("mix-{early_ones:?}"));
        copy(Path::new(&old), Path::new(&mix));
        for site in early_ones {
            let name = format!("site-{site}");
            fs::remove_dir_all(Path::new(&mix).join(&name)).unwrap();
            copy(&Path::new(&early).join(&name), &Path::new(&mix).join(&name));
        }
        mix
    };
    assert!(succeed(&["restore", "--backup", &old, "--check"]).starts_with("all 3 sites can be restored: "));
    let message = "these copies are not of one moment at which every site was stopped";
    let [next, last] = [(leader + 1) % 3, (leader + 2) % 3];
    for early_ones in [&[leader][..], &[next, last], &[leader, next], &[leader, last]] {
        check_refused(&["restore", "--backup", &torn(early_ones), "--check"], 1, &[message]);
        check_refused(
            &["restore", "--backup", &torn(early_ones), "--dir", &scratch.path("new")],
            1,
            &[message],
        );
        assert!(!Path::new(&scratch.path("new")).exists(), "nothing was written");
    }
}
