//! `docs/deploying.md` and `deploy/` must be true: this test reads the files and runs the commands.
#![cfg(all(feature = "tweets", feature = "udp"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod document;
mod files;
mod restoring;

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const SITE: &str = env!("CARGO_BIN_EXE_site");

const UNIT: &str = "deploy/aviary-site@.service";

/// A file of this project.
fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A folder that is removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("aviary-deploying-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The first of `count` consecutive ports that were free a moment ago, below the range that systems assign by
/// themselves.
fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..1_000 {
        let n = std::process::id().wrapping_mul(11).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let base = u16::try_from(10_000 + u32::from(count) * (n % 1_000)).unwrap();
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        if (base..base + count).map(bind).all(|bound| bound.is_ok()) {
            return base;
        }
    }
    panic!("no {count} free ports in a row");
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// Runs `site` to its end and returns its exit code and output.
fn site(arguments: &[&str]) -> (Option<i32>, String) {
    let out = run(Command::new(SITE).args(arguments));
    let printed = [out.stdout, out.stderr].concat();
    (out.status.code(), String::from_utf8_lossy(&printed).into_owned())
}

#[track_caller]
fn succeed(arguments: &[&str]) -> String {
    let (code, printed) = site(arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {printed}");
    printed
}

#[track_caller]
fn check_refused(arguments: &[&str], code: i32, messages: &[&str]) {
    let (ended, printed) = site(arguments);
    assert_eq!(ended, Some(code), "{arguments:?}: {printed}");
    for message in messages {
        assert!(printed.contains(message), "expected {message:?} in: {printed}");
    }
}

/// The program if it is installed; else prints a reason to skip.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn tool(name: &str) -> Option<&str> {
    let is_there = Command::new(name).arg("--version").stdin(Stdio::null()).output().is_ok();
    if !is_there {
        eprintln!("skipped: {name} is not installed");
    }
    is_there.then_some(name)
}

#[expect(clippy::disallowed_methods, reason = "real processes take real time")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(100));
}
