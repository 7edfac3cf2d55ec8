//! The real host: any [`Process`](crate::process::Process) over a real socket, a real clock and real files.
//!
//! The same journal, outbox and frame as in the simulator; only what is below them differs. It knows no
//! service and nothing of the simulator. Reading order: [`host`], [`files`], [`socket`], [`config`].
//!
//! **Nothing here authenticates or encrypts**: whoever can send datagrams to a site can speak to it. Run it on
//! networks that you trust.
//!
//! # Invariants
//!
//! 1. A datagram that waits leaves after the sync of every record that it depends on has completed, and so does a
//!    message of a site to itself.
//! 2. After a failed write or sync nothing more is handed to the site and nothing more leaves.
//! 3. Whatever comes from the network is dropped and counted, or handed in; it never stops the host.

mod clock;
pub mod config;
mod counters;
mod datagrams;
mod error;
pub mod files;
pub mod host;
mod routes;
pub mod socket;
mod syncer;

#[cfg(test)]
mod tests;

pub use config::Sites;
pub use counters::{Counters, Drop};
pub use error::HostError;
pub use files::Files;
pub use host::{Host, HostSettings};
pub use socket::Socket;
pub use syncer::{HostDisk, SyncJob};
