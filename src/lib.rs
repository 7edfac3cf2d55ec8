//! Aviary: a deterministic simulation test harness with a real replicated service inside it.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod chunks;
pub mod frame;
pub mod ids;
pub mod journal;
pub mod mix;
pub mod outbox;
pub mod process;
pub mod sim;
pub mod time;
pub mod wire;
