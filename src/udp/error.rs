//! Why a host does not start, or stops: few reasons, each with its cure.

use core::fmt;
use std::io;

use super::keys::KeyNumber;
use crate::journal::{DiskError, JournalError};
use crate::process::{Damage, Stop};

/// Why a host does not start, or stops.
#[derive(Debug)]
pub enum HostError {
    /// The journal refused, or its disk failed.
    Journal(JournalError),
    /// A sync failed: what is on the disk is unknown.
    Sync(DiskError),
    /// The journal's records cannot be true.
    Damage(Damage),
    /// Storage was formatted for smaller records than are configured.
    RecordMax {
        /// The limit of the storage, in bytes.
        formatted: usize,
        /// The limit that the configuration needs, in bytes.
        needed: usize,
    },
    /// The client key for the client of this number is missing.
    ForeignClient(u16),
    /// The process found that it must stop.
    Stopped(Stop),
    /// The operating system refused to do this.
    Io(&'static str, io::Error),
    /// The host failed earlier, and the error of that time has the reason.
    Failed,
}

impl HostError {
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> HostError {
        move |error| HostError::Io(what, error)
    }
}

impl From<JournalError> for HostError {
    fn from(error: JournalError) -> HostError {
        HostError::Journal(error)
    }
}

impl From<Damage> for HostError {
    fn from(damage: Damage) -> HostError {
        HostError::Damage(damage)
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::Journal(error) => write!(f, "{error}"),
            HostError::Sync(error) => {
                write!(f, "failed to sync the journal: {error}; check the device, then start again")
            }
            HostError::Damage(damage) => write!(f, "{damage}; count this site as failed"),
            HostError::RecordMax { formatted, needed } => write!(
                f,
                "storage was formatted for records of up to {formatted} bytes and the configuration needs \
                 {needed}; set datagram_max back to what it was"
            ),
            HostError::ForeignClient(client) => write!(
                f,
                "client {client} belongs to client key {}, which is not at hand; take a number of a key that is",
                KeyNumber::of(*client).number()
            ),
            HostError::Stopped(stop) => write!(f, "{}: {}", stop.property, stop.reason),
            HostError::Io(what, error) => write!(f, "failed to {what}: {error}"),
            HostError::Failed => f.write_str("it has failed before, and does nothing more; drop it"),
        }
    }
}

impl std::error::Error for HostError {}
