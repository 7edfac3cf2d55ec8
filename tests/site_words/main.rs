//! The program `site` for scripts and people: the results of lines of `bash`, and its behaviour on a terminal.
#![cfg(all(feature = "tweets", feature = "udp"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod scripts;
mod storage;
#[cfg(target_os = "linux")]
mod terminal;
