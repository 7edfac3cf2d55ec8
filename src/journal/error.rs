//! The reasons for which a journal refuses, each with its place and its remedy.

use alloc::string::String;
use core::fmt;

use super::disk::DiskError;
use super::segment::VERSION;
use super::{Identity, disk};

/// Why a [`Journal`](super::Journal) cannot do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JournalError {
    /// Storage failed. After any error but [`DiskError::Full`] it is unknown what was written: stop.
    Disk {
        /// The file, or `the folder`.
        file: String,
        /// The error of the storage.
        error: DiskError,
    },
    /// There is no journal here.
    NotFormatted,
    /// There is a journal here already, or part of one.
    AlreadyFormatted {
        /// One of its files.
        file: String,
    },
    /// The journal here belongs to another process or cluster.
    WrongIdentity {
        /// The file whose header names the owner.
        file: String,
        /// The expected owner.
        expected: Identity,
        /// The owner named in the file.
        found: Identity,
    },
    /// The journal here has a format that this code does not read.
    Version {
        /// The file whose header states the format.
        file: String,
        /// Its format.
        found: u32,
    },
    /// What was durable cannot be read. Storage is unchanged.
    Damaged {
        /// The first file that cannot be read.
        file: String,
        /// Where the batch or header with the first bad byte begins, in bytes of the file.
        offset: u64,
        /// The evidence.
        reason: String,
    },
    /// A segment that was durable is missing. Storage is unchanged.
    Missing {
        /// The missing file.
        file: String,
        /// The evidence.
        reason: String,
    },
    /// A limit was exceeded; nothing was written.
    TooLarge {
        /// The thing that exceeds the limit.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
}

impl JournalError {
    /// For `map_err` on a call of [`disk::Disk`] about one file.
    pub(super) fn disk(file: &str) -> impl FnOnce(disk::DiskError) -> JournalError + '_ {
        move |error| JournalError::Disk { file: file.into(), error }
    }

    /// For `map_err` on a call about all files.
    pub(super) fn folder(error: disk::DiskError) -> JournalError {
        JournalError::Disk { file: "the folder".into(), error }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Disk { file, error: DiskError::Full } => {
                write!(f, "failed to reserve {file}: {}; free some and try again", DiskError::Full)
            }
            JournalError::Disk { file, error: error @ DiskError::NotAFile { .. } } => {
                write!(f, "failed to use {file}: {error}; put the file itself in its place, then start again")
            }
            JournalError::Disk { file, error: error @ DiskError::FileLimit(_) } => write!(
                f,
                "failed to use {file}: {error}; raise the limit on the size of files (`ulimit -f`, or LimitFSIZE= in a \
                 unit of systemd), then start again"
            ),
            JournalError::Disk { file, error } => {
                write!(f, "failed to use {file}: {error}; check the device, then start again")
            }
            JournalError::NotFormatted => {
                f.write_str("no journal is here; check the path, or format storage for a new process")
            }
            JournalError::AlreadyFormatted { file } => {
                write!(f, "{file} is part of a journal already; format only empty storage")
            }
            JournalError::WrongIdentity { file, expected, found } => {
                write!(f, "{file} belongs to {found}, not to {expected}; check the path")
            }
            JournalError::Version { file, found } => write!(
                f,
                "{file} has format {found} and this program reads format {VERSION}; nothing is carried over from one to \
                 the other: go on with the program that wrote it, or make a new cluster with `site init`"
            ),
            JournalError::Damaged { file, offset, reason } => write!(
                f,
                "{file} is damaged at byte {offset}: {reason}; nothing was changed, and this process must not \
                 run on what is left: count it as failed"
            ),
            JournalError::Missing { file, reason } => write!(
                f,
                "{file} is missing: {reason}; nothing was changed; put that very file back if it was only moved, \
                 never an older copy of it, else this process must not run on what is left: count it as failed"
            ),
            JournalError::TooLarge { what, bytes, max } => {
                write!(
                    f,
                    "{what} takes {bytes} bytes, more than the limit of {max}; use less or raise the limit"
                )
            }
        }
    }
}

impl core::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            JournalError::Disk { error, .. } => Some(error),
            JournalError::NotFormatted
            | JournalError::AlreadyFormatted { .. }
            | JournalError::WrongIdentity { .. }
            | JournalError::Version { .. }
            | JournalError::Damaged { .. }
            | JournalError::Missing { .. }
            | JournalError::TooLarge { .. } => None,
        }
    }
}
