//! The program `site` where the operating system fails it: disks, standard output and error, and permissions. Disks
//! fail by a library in C that is built with `cc` and loaded before the program; without `cc` these tests are skipped.
#![cfg(all(feature = "tweets", feature = "udp", target_os = "linux"))]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod disks;
mod hangs;
mod output;
mod permissions;
mod site;
