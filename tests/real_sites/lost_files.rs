//! A real site with partly lost storage does not start, reports what is missing, and changes nothing; the others go on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use aviary::ids::ProcessId;
use aviary::journal::{Identity, Journal, JournalConfig};
use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::timeline::Timeline;
use aviary::udp::{ClientKey, Files};

use crate::{SITE, pause, ports};

/// The site that loses files.
const LOSER: u8 = 1;

/// A cluster of three in a folder that is removed when this is dropped. Site 1 has short files.
struct Cluster {
    dir: PathBuf,
    sites: Vec<Option<Child>>,
}

impl Cluster {
    fn init(name: &str) -> Cluster {
        let dir = std::env::temp_dir().join(format!("aviary-lost-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let arguments = ["init", "--sites", "3", "--base-port", &ports(3), "--dir", dir.to_str().unwrap()];
        let out = Command::new(SITE).args(arguments).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        Cluster { dir, sites: vec![None, None, None] }
    }

    fn config(&self) -> PathBuf {
        self.dir.join("sites.ron")
    }

    fn storage(&self) -> PathBuf {
        self.dir.join(format!("site-{LOSER}"))
    }

    /// Formats the storage of site 1 again, before its first start, with the shortest files that fit.
    fn shorten(&self) {
        let sites = Sites::read(&self.config()).unwrap();
        let record_max = sites.config.record_bytes_max::<Timeline>();
        let limits = JournalConfig { record_max, segment_bytes: 0 };
        let segment_bytes = limits.bytes_min(64 << 10);
        for segment in self.segments().keys() {
            fs::remove_file(self.storage().join(segment)).unwrap();
        }
        let identity = Identity { cluster: sites.cluster, process: ProcessId::site(LOSER) };
        let mut files = Files::open(&self.storage()).unwrap();
        Journal::format(&mut files, &identity, &JournalConfig { segment_bytes, ..limits }).unwrap();
    }

    fn command(&self, id: u8) -> Command {
        let mut command = Command::new(SITE);
        command.args([
            "run",
            "--headless",
            "--config",
            self.config().to_str().unwrap(),
            "--id",
            &id.to_string(),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn start(&mut self, id: u8) {
        let log = fs::File::create(self.log(id)).unwrap();
        self.sites[usize::from(id)] = Some(self.command(id).stderr(log).spawn().unwrap());
    }

    /// The file in which a site logs why it ended.
    fn log(&self, id: u8) -> PathBuf {
        self.dir.join(format!("stderr-{id}"))
    }

    fn check_running(&mut self, id: u8) {
        let ended = self.sites[usize::from(id)].as_mut().unwrap().try_wait().unwrap();
        assert!(ended.is_none(), "S{id} ended: {}", fs::read_to_string(self.log(id)).unwrap());
    }

    /// Kills the site, as `kill -9` does.
    fn kill(&mut self, id: u8) {
        let mut site = self.sites[usize::from(id)].take().unwrap();
        site.kill().unwrap();
        site.wait().unwrap();
    }

    fn client(&self) -> Client {
        let sites = Sites::read(&self.config()).unwrap();
        let key = ClientKey::read(&self.dir.join("client.key")).unwrap();
        Client::start(
            &sites,
            key,
            &ClientOptions { patience: Duration::from_secs(60), ..ClientOptions::default() },
        )
        .unwrap()
    }

    /// Every segment of site 1 by its name.
    fn segments(&self) -> BTreeMap<OsString, Vec<u8>> {
        let read = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            (entry.file_name(), fs::read(entry.path()).unwrap_or_default())
        };
        let is_segment = |(name, _): &(OsString, _)| name.to_string_lossy().starts_with("segment-");
        fs::read_dir(self.storage()).unwrap().map(read).filter(is_segment).collect()
    }

    fn restore_check(&self) -> Output {
        let arguments = ["restore", "--check", "--backup", self.dir.to_str().unwrap()];
        Command::new(SITE).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Checks that site 1 ends at once with exit code 1 and this reason, and that its storage is unchanged.
    #[track_caller]
    fn check_refused(&self, message: &str) {
        let before = self.segments();
        let out = self.command(LOSER).output().unwrap();
        let errors = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{errors}");
        assert!(errors.contains(&format!("site-{LOSER}: {message}")), "expected {message:?} in: {errors}");
        assert!(self.segments() == before, "storage was changed: {errors}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for site in self.sites.iter_mut().flatten() {
            let _ = site.kill();
            let _ = site.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn name(number: usize) -> String {
    format!("segment-{number:08}.log")
}

#[test]
fn a_site_without_some_of_its_segments_is_refused_and_the_others_go_on() {
    let mut cluster = Cluster::init("segments");
    cluster.shorten();
    (0..3).for_each(|id| cluster.start(id));
    let mut client = cluster.client();
    let tweet = |client: &mut Client, n: usize| {
        client.tweet("ann".parse().unwrap(), format!("{n} {}", "🐦".repeat(190)).parse().unwrap()).unwrap();
    };
    // Segments 0 to 2 and more hold records, and the last is blank.
    let mut count = 0;
    while cluster.segments().len() < 4 {
        (0..20).for_each(|n| tweet(&mut client, count + n));
        count += 20;
        cluster.check_running(LOSER);
        assert!(count < 5_000, "{count} tweets fill three segments");
    }
    cluster.kill(LOSER);
    let whole = cluster.segments();
    let last = whole.len() - 1;
    assert!(whole[&OsString::from(name(last))].iter().all(|byte| *byte == 0), "a blank one is in reserve");
    let path = |number: usize| cluster.storage().join(name(number));
    let put_back = || {
        for (name, bytes) in &whole {
            let path = cluster.storage().join(name);
            let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
            if !is_file && path.symlink_metadata().is_ok() {
                fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)).unwrap();
            }
            fs::write(path, bytes).unwrap();
        }
    };
    let all_but_first: Vec<usize> = (1..=last).collect();
    for (removed, message) in [
        (
            vec![last - 1],
            format!("{} is missing: there is {}, which was made after it", name(last - 1), name(last)),
        ),
        (all_but_first, format!("{} is missing: {} was closed when it was there", name(1), name(0))),
        (vec![0], format!("{} is missing: {} begins with batch ", name(0), name(1))),
        (vec![last - 1, last], format!("{} is missing: {} was closed", name(last - 1), name(last - 2))),
        (vec![1], format!("{} is missing: there is {}", name(1), name(2))),
        ((0..=last).collect(), "no journal is here".to_owned()),
    ] {
        removed.iter().for_each(|number| fs::remove_file(path(*number)).unwrap());
        cluster.check_refused(&message);
        put_back();
        tweet(&mut client, count);
        count += 1;
    }
    // Something that has the name of a segment but is none is not ignored.
    fs::remove_file(path(1)).unwrap();
    fs::create_dir(path(1)).unwrap();
    cluster.check_refused(&format!("failed to use the folder: {} is a folder, and no file", name(1)));
    put_back();
    let elsewhere = cluster.dir.join("elsewhere");
    fs::rename(path(2), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, path(2)).unwrap();
    cluster.check_refused(&format!("failed to use the folder: {} is a link, and no file", name(2)));
    put_back();
    fs::write(path(1), b"").unwrap();
    cluster.check_refused(&format!("{} is damaged at byte 0: it has 0 bytes instead of ", name(1)));
    put_back();
    fs::copy(path(0), path(1)).unwrap();
    cluster.check_refused(&format!("{} is damaged at byte 0: its header is one of segment 0", name(1)));
    put_back();
    // With the whole storage put back the site starts; a blank segment may be missing.
    fs::remove_file(path(last)).unwrap();
    cluster.start(LOSER);
    let log = |cluster: &Cluster| {
        let id = LOSER.to_string();
        let config = cluster.config();
        let arguments = ["status", "--config", config.to_str().unwrap(), "--site", &id];
        let out = Command::new(SITE).args(arguments).stdin(Stdio::null()).output().unwrap();
        let output = String::from_utf8_lossy(&out.stdout).into_owned();
        let applied = output.split(" applied=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        applied.unwrap_or(0usize)
    };
    assert!(
        (0..600).any(|_| (log(&cluster) > count).then_some(()).ok_or_else(|| pause(50)).is_ok()),
        "it catches up"
    );
    // A gap in a copy is found before anything is restored from it.
    (0..3).for_each(|id| cluster.kill(id));
    fs::remove_file(cluster.storage().join(name(1))).unwrap();
    let out = cluster.restore_check();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{errors}");
    assert!(errors.contains(&format!("site-1: {} is missing: there is {}", name(1), name(2))), "{errors}");
}

#[test]
fn storage_of_the_first_format_is_refused_with_what_to_do() {
    let cluster = Cluster::init("format");
    // The header of every version has the same length, the version in the same place, and the checksum at its end.
    let path = cluster.storage().join(name(0));
    let mut bytes = fs::read(&path).unwrap();
    bytes[8..12].copy_from_slice(&1u32.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let message =
        format!("{} has format 1 and this program reads format 2; nothing is carried over", name(0));
    cluster.check_refused(&message);
    let out = cluster.restore_check();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{errors}");
    assert!(errors.contains(&message) && errors.contains("`site init`"), "{errors}");
}

/// Something else exists where a segment would be created.
#[test]
fn a_folder_in_the_place_of_a_blank_segment_is_refused() {
    let cluster = Cluster::init("folder");
    fs::create_dir(cluster.storage().join(name(1))).unwrap();
    cluster.check_refused(&format!("failed to use the folder: {} is a folder, and no file", name(1)));
}
