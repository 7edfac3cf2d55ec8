//! A cluster of real processes, and lines of `bash` that use it.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const SITE: &str = env!("CARGO_BIN_EXE_site");

/// A cluster of three in a folder that is removed when this is dropped. Dropping this also kills its sites.
pub(crate) struct Cluster {
    pub(crate) dir: PathBuf,
    running: Vec<Child>,
}

impl Cluster {
    /// Runs `site init --sites 3`.
    pub(crate) fn init(name: &str) -> Cluster {
        let dir = std::env::temp_dir().join(format!("aviary-words-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let cluster = Cluster { dir, running: Vec::new() };
        cluster.succeed(&format!("$site init --sites 3 --base-port {} --dir $dir", ports()));
        cluster
    }

    /// Runs `site run --headless` for each of these sites, and returns once they answer.
    pub(crate) fn start(&mut self, sites: &[u8]) {
        for site in sites {
            self.run(*site, &[]);
        }
        for site in sites {
            self.await_site(*site);
        }
    }

    /// Starts a site with more flags, without waiting.
    pub(crate) fn run(&mut self, site: u8, flags: &[&str]) {
        let mut command = Command::new(SITE);
        command.args(["run", "--headless", "--id", &site.to_string(), "--config"]);
        command.arg(self.dir.join("sites.ron")).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running.push(command.spawn().unwrap());
    }

    /// Kills the nth site that was started.
    pub(crate) fn stop(&mut self, nth: usize) {
        self.running[nth].kill().unwrap();
        self.running[nth].wait().unwrap();
    }

    /// Waits until the site answers.
    pub(crate) fn await_site(&self, site: u8) {
        self.succeed(&format!("$site status --config $config --site {site} --timeout 30s"));
    }

    /// Runs a script with the variables `$site`, `$dir` and `$config`.
    pub(crate) fn bash(&self, script: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["-c", script]).env("site", SITE).env("dir", &self.dir);
        command.env("config", self.dir.join("sites.ron")).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// The output of a script that succeeds.
    #[track_caller]
    pub(crate) fn succeed(&self, script: &str) -> String {
        let out = self.bash(script);
        assert!(out.status.success(), "{script}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    }

    /// The standard error of a script that ends with this code.
    #[track_caller]
    pub(crate) fn fail(&self, script: &str, code: i32) -> String {
        let out = self.bash(script);
        assert_eq!(out.status.code(), Some(code), "{script}: {out:?}");
        String::from_utf8(out.stderr).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The first of three consecutive ports that were free a moment ago, below the range that systems assign by themselves.
fn ports() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..1_000 {
        let n = std::process::id().wrapping_mul(17).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let base = u16::try_from(6_000 + 3 * (n % 1_300)).unwrap();
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        if (base..base + 3).map(bind).all(|bound| bound.is_ok()) {
            return base;
        }
    }
    panic!("no three free ports in a row");
}

#[expect(clippy::disallowed_methods, reason = "real processes take real time")]
pub(crate) fn pause(millis: u64) {
    std::thread::sleep(std::time::Duration::from_millis(millis));
}
