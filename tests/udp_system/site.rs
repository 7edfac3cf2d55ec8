//! A cluster of real processes whose disks can be made to fail.

use std::fs::{self, File};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use aviary::ids::{ProcessId, SiteId};
use aviary::journal::{Identity, Journal, JournalConfig};
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::timeline::Timeline;
use aviary::udp::{CLIENT_KEY, ClientKey, Files};

pub(crate) const SITE: &str = env!("CARGO_BIN_EXE_site");

/// Room for a few hundred tweets, so that a site soon moves to its next file.
const SEGMENT_BYTES: u64 = 600 << 10;

/// A folder that is removed when this is dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("aviary-system-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.0.join("cluster")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir().join("sites.ron")
    }

    pub(crate) fn sites(&self) -> Sites {
        Sites::read(&self.config()).unwrap()
    }

    /// Runs `site init`.
    pub(crate) fn init(&self, count: u16) {
        let out = Command::new(SITE).args(self.init_words(count)).stdin(Stdio::null()).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    }

    /// The arguments of `site` for that.
    pub(crate) fn init_words(&self, count: u16) -> Vec<String> {
        let words = ["init", "--sites", &count.to_string(), "--base-port", &ports(count).to_string()];
        words.map(String::from).into_iter().chain(["--dir".into(), shown(&self.dir())]).collect()
    }

    /// Formats the storage of all sites again, with short files.
    pub(crate) fn shorten(&self) {
        let sites = self.sites();
        let config = JournalConfig {
            segment_bytes: SEGMENT_BYTES,
            record_max: sites.config.record_bytes_max::<Timeline>(),
        };
        for site in 0..sites.config.sites {
            let folder = self.dir().join(format!("site-{site}"));
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_string_lossy().starts_with("segment-") {
                    fs::remove_file(path).unwrap();
                }
            }
            let identity = Identity { cluster: sites.cluster, process: ProcessId::site(site) };
            Journal::format(&mut Files::open(&folder).unwrap(), &identity, &config).unwrap();
        }
    }

    pub(crate) fn client(&self, site: Option<u8>, patience_ms: u64) -> Client {
        let key = ClientKey::read(&self.dir().join(CLIENT_KEY)).unwrap();
        let patience = aviary::time::Duration::from_millis(patience_ms);
        let site = site.map(|site| SiteId::new(site).unwrap());
        Client::start(&self.sites(), key, &ClientOptions { patience, site, ..ClientOptions::default() })
            .unwrap()
    }

    /// The command `site run`, without its outputs.
    pub(crate) fn run(&self, site: u8) -> Command {
        let mut command = Command::new(SITE);
        command.args(["run", "--headless", "--config"]).arg(self.config());
        command.args(["--id", &site.to_string()]).stdin(Stdio::null());
        command
    }

    pub(crate) fn fault(&self, site: u8) -> Fault {
        Fault(self.0.join(format!("fault-{site}")))
    }

    /// Runs a site on a disk that `fault` may make fail; its standard error goes to a file.
    pub(crate) fn start(&self, site: u8, fault: &Fault, library: &Path) -> Running {
        let log = self.0.join(format!("stderr-{site}"));
        let mut command = self.run(site);
        fault.arm(&mut command, library);
        command.stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        Running { child: command.spawn().unwrap(), log: Some(log) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn shown(path: &Path) -> String {
    path.to_str().unwrap().into()
}

/// The first of `count` consecutive ports that were free a moment ago, below the range that systems assign by
/// themselves.
fn ports(count: u16) -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..1_000 {
        let n = std::process::id().wrapping_mul(13).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let base = u16::try_from(14_000 + 3 * (n % 1_900)).unwrap();
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        if (base..base + count).map(bind).all(|bound| bound.is_ok()) {
            return base;
        }
    }
    panic!("no {count} free ports in a row");
}

/// A running site. Dropping this kills it.
pub(crate) struct Running {
    pub(crate) child: Child,
    log: Option<PathBuf>,
}

impl Running {
    pub(crate) fn new(command: &mut Command) -> Running {
        Running { child: command.spawn().unwrap(), log: None }
    }

    /// The exit status of a site that ends by itself within `seconds`.
    #[track_caller]
    pub(crate) fn ends_within(&mut self, seconds: u64) -> ExitStatus {
        for _ in 0..seconds * 100 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            pause(10);
        }
        panic!("it has not ended within {seconds} s; its log: {}", self.log());
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Terminates the site, and expects that it ends cleanly.
    #[track_caller]
    pub(crate) fn terminate(mut self) {
        self.signal("-TERM");
        let status = self.ends_within(5);
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        self.log.as_ref().map(|log| fs::read_to_string(log).unwrap()).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The file that makes calls of one program fail, as described in `faults.c`.
pub(crate) struct Fault(PathBuf);

impl Fault {
    pub(crate) fn arm(&self, command: &mut Command, library: &Path) {
        command.env("LD_PRELOAD", library).env("AVIARY_FAULT", &self.0);
    }

    /// Switches the fault on, either from the start or from here on.
    pub(crate) fn on(&self, what: &str) {
        let next = self.0.with_extension("next");
        fs::write(&next, what).unwrap();
        // In one step, so that no call reads half of it.
        fs::rename(next, &self.0).unwrap();
    }

    pub(crate) fn off(&self) {
        fs::remove_file(&self.0).unwrap();
        let _ = fs::remove_file(self.struck_file());
    }

    fn struck_file(&self) -> PathBuf {
        PathBuf::from(format!("{}.struck", self.0.display()))
    }

    /// The time since a call first failed, if one did; the error says why no call could be made to fail.
    pub(crate) fn struck(&self) -> Result<Option<Duration>, String> {
        let Ok(why) = fs::read_to_string(self.struck_file()) else { return Ok(None) };
        if !why.is_empty() {
            return Err(why);
        }
        let at = fs::metadata(self.struck_file()).unwrap().modified().unwrap();
        #[expect(clippy::disallowed_methods, reason = "real processes take real time")]
        Ok(Some(at.elapsed().unwrap_or_default()))
    }

    /// Waits until the fault has struck.
    #[track_caller]
    pub(crate) fn wait(&self) {
        for _ in 0..1_000 {
            if self.struck().unwrap().is_some() {
                return;
            }
            pause(10);
        }
        panic!("nothing was made to fail for 10 s");
    }
}

/// The library of `faults.c`, built once; `None`, with a message, where this machine has no `cc`.
pub(crate) fn library(test: &str) -> Option<PathBuf> {
    static BUILT: LazyLock<Mutex<Result<PathBuf, String>>> = LazyLock::new(|| Mutex::new(build()));
    match &*BUILT.lock().unwrap() {
        Ok(path) => Some(path.clone()),
        Err(why) => {
            eprintln!("skipped {test}: {why}");
            None
        }
    }
}

fn build() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/udp_system/faults.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}.so", std::process::id()));
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&library).arg(source);
    let out = command.output().map_err(|error| format!("this machine has no `cc`: {error}"))?;
    // If a compiler exists, it must accept the file.
    assert!(out.status.success(), "{}", errors(&out));
    Ok(library)
}

pub(crate) fn errors(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "real processes take real time")]
pub(crate) fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}
