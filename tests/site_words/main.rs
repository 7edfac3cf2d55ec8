//! The program `site` as scripts and people meet it: what a line of `bash` gets back, and what a terminal does.
#![cfg(all(feature = "tweets", feature = "udp"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod scripts;
mod storage;
#[cfg(target_os = "linux")]
mod terminal;
