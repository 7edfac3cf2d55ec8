//! The real host: any [`Process`] over a real socket, a real clock and real files.
//!
//! It uses the same journal, outbox and frame as the simulator; only the layers below them differ. It knows no service
//! and nothing of the simulator. Reading order: [`host`], [`files`], [`socket`], [`seal`].
//!
//! # Invariants
//!
//! 1. A datagram leaves only after the sync of every record that it depends on has completed. The same holds for a
//!    message of a site to itself.
//! 2. After a failed write or sync the host hands nothing more to the site, writes nothing more and sends nothing more.
//! 3. The host hands in no datagram from the network that was not sealed with a key of the cluster, and sends none
//!    unsealed.
//! 4. A client that has not proven its address gets nothing but a challenge, or the notice that the site is starting.
//! 5. A datagram from the network is handed in, answered by the host itself, or dropped and counted. It never stops the
//!    host.
//!
//! # Links
//!
//! This host carries datagrams: the network may lose, double and overtake them, and nobody learns whether a link is up.
//! A process that assumes more ([`Process::LINKS`]) would meet here what it was never tested with, so a program that
//! hosts one does not compile.

use crate::process::{Links, Process};

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
#[cfg(feature = "replicated")]
pub(crate) use keys::write_new;
pub use keys::{
    CLIENT_KEY, CLIENT_MASTER_KEY, CLUSTER_KEY, ClientKey, Key, KeyError, KeyKind, KeyNumber, KeySet, Keys,
};
pub use recorder::{Recorded, Recorder, RecorderError, RecorderSettings};
pub use runs::{Arrivals, Departures};
pub use socket::{OffloadSocket, Socket};
pub use starting::Starting;
pub use syncer::{HostDisk, SyncJob};

/// Refuses a process that assumes more than datagrams, when its host is compiled.
const fn check_links<P: Process>() {
    assert!(
        matches!(P::LINKS, Links::Datagrams),
        "aviary::udp carries datagrams, which are lost, doubled and overtaken; this process assumes other links (Process::LINKS)"
    );
}
