//! The real host: any [`Process`](crate::process::Process) over a real socket, a real clock and real files.
//!
//! The same journal, outbox and frame as in the simulator; only what is below them differs. It knows no
//! service and nothing of the simulator. Reading order: [`host`], [`files`], [`socket`], [`seal`].
//!
//! # Invariants
//!
//! 1. A datagram that waits leaves after the sync of every record that it depends on has completed, and so does a
//!    message of a site to itself.
//! 2. After a failed write or sync nothing more is handed to the site, nothing more is written and nothing more leaves.
//! 3. Nothing is handed in that was not sealed with a key of the cluster, and nothing leaves unsealed.
//! 4. Nothing is said to a client where it has not proven to be.
//! 5. Whatever comes from the network is dropped and counted, or handed in; it never stops the host.

pub mod caller;
mod clock;
mod cookies;
mod counters;
mod datagrams;
mod error;
pub mod files;
pub mod host;
mod keys;
pub(crate) mod notices;
pub mod recorder;
mod routes;
pub mod runs;
pub mod seal;
pub mod socket;
mod starting;
mod strangers;
mod syncer;

#[cfg(test)]
mod tests;

pub use caller::{Caller, CallerSettings, SiteNotice};
pub use counters::{Counters, Drop};
pub use error::HostError;
pub use files::Files;
pub use host::{Host, HostSettings};
pub use keys::{
    CLIENT_KEY, CLIENT_MASTER_KEY, CLUSTER_KEY, ClientKey, Key, KeyError, KeyKind, KeyNumber, KeySet, Keys,
};
pub use recorder::{Recorded, Recorder, RecorderError, RecorderSettings};
pub use runs::{Arrivals, Departures};
pub use socket::{OffloadSocket, Socket};
pub use starting::Starting;
pub use syncer::{HostDisk, SyncJob};
