//! Aviary: a deterministic simulation test harness with a real replicated service inside it.
#![cfg_attr(not(feature = "std"), no_std)]

#[doc(hidden)]
pub extern crate alloc;

#[macro_use]
pub mod wire;

pub mod chunks;
pub mod frame;
pub mod ids;
pub mod journal;
pub mod mix;
pub mod oracle;
pub mod outbox;
pub mod paxos;
pub mod process;
#[cfg(feature = "scenario")]
pub mod scenario;
#[cfg(feature = "scenario")]
pub mod service;
pub mod sim;
pub mod site;
pub mod time;
pub mod timeline;
#[cfg(feature = "udp")]
pub mod udp;
