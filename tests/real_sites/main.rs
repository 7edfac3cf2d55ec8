//! Real sites: processes with sockets, files and clocks, and their clients, under kills, lost files, full disks and links
//! that go down.
#![cfg(all(feature = "udp", any(feature = "scenario", feature = "tweets")))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(feature = "tweets")]
mod clients;
#[cfg(feature = "tweets")]
mod cluster;
#[cfg(feature = "tweets")]
mod divergence;
#[cfg(all(feature = "tweets", target_os = "linux"))]
mod full_disk;
#[cfg(all(feature = "tweets", target_os = "linux"))]
mod full_disk_of_three;
#[cfg(feature = "tweets")]
mod keys;
#[cfg(all(feature = "tweets", target_os = "linux"))]
mod links;
#[cfg(feature = "tweets")]
mod lost_files;
#[cfg(feature = "tweets")]
mod processes;
#[cfg(feature = "scenario")]
mod protocol;
#[cfg(feature = "tweets")]
mod recording;
#[cfg(feature = "tweets")]
mod sessions;

#[cfg(feature = "tweets")]
const SITE: &str = env!("CARGO_BIN_EXE_site");

/// The first of `count` consecutive ports that were free a moment ago. No other test of this program draws them.
#[cfg(feature = "tweets")]
fn ports(count: u16) -> String {
    sim_runner::tweets::real::ports::free(count).expect("free ports in a row").to_string()
}

#[cfg(feature = "tweets")]
#[expect(clippy::disallowed_methods, reason = "real processes take real time")]
fn pause(millis: u64) {
    std::thread::sleep(std::time::Duration::from_millis(millis));
}

/// Whether this machine lets a program mount in a namespace of its own. If not, it prints the reason.
#[cfg(all(feature = "tweets", target_os = "linux"))]
#[expect(clippy::print_stderr, reason = "a test says why it is skipped")]
fn may_mount() -> bool {
    let mount = ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
    let why = match std::process::Command::new("unshare").args(mount).output() {
        Ok(out) if out.status.success() => return true,
        Ok(out) => String::from_utf8_lossy(&out.stderr).trim().to_owned(),
        Err(error) => format!("failed to run unshare: {error}"),
    };
    eprintln!("skipped: this machine lets no program mount a file system of its own: {why}");
    false
}
