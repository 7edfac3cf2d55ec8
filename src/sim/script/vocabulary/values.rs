//! The values of steps: faults of disks and clocks, seams, and what a crash leaves.

#[cfg(feature = "scenario")]
use serde::{Deserialize, Serialize};

use crate::sim::script::row::{Row, disk};
use crate::time::Duration;

/// Declares [`DiskFault`]: each fault with its documentation, which is its meaning, and its row.
macro_rules! disk_faults {
    ($($(#[doc = $doc:literal])+ $fault:ident => $row:expr;)+) => {
        /// What is done to a disk.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[cfg_attr(feature = "scenario", derive(Serialize, Deserialize))]
        #[cfg_attr(feature = "scenario", serde(rename(deserialize = "disk fault")))]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DiskFault"))]
        pub enum DiskFault {
            $($(#[doc = $doc])+ $fault,)+
        }

        impl DiskFault {
            /// Every fault.
            pub const ALL: &'static [DiskFault] = &[$(DiskFault::$fault),+];

            /// Its word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(DiskFault::$fault => stringify!($fault),)+
                }
            }

            /// What is known of it.
            pub const fn row(self) -> &'static Row {
                match self {
                    $(DiskFault::$fault => const {
                        let word = concat!("Disk(Site(1), ", stringify!($fault), ")");
                        &Row { word, means: concat!($($doc),+), ..$row }
                    },)+
                }
            }
        }
    };
}

disk_faults! {
    /// The next sync fails: the process stops with the reason, and can start again. The writes of that sync stay
    /// readable until a crash, and become durable only if they are written again.
    FailSync => disk("disk: fail a sync", "the next sync of {} fails", "disk::fail_sync")
        .stops().counts("failed syncs").weighs(1);
    /// The next write fails once and writes nothing: the process stops with the reason, and can start again.
    FailWrite => disk("disk: fail a write", "the next write of {} fails", "disk::fail_write")
        .stops().counts("failed writes").weighs(1);
    /// The disk has no room for further files.
    Full => disk("disk: full", "the disk of {} is full", "disk::full")
        .counts("files refused by a full disk").weighs(2);
    /// The disk has room again.
    Room => disk("disk: room", "the disk of {} has room", "disk::room");
    /// Bits of one durable byte that recovery needs are flipped.
    Rot => disk("disk: rot", "the disk of {} rots", "disk::rot").damages().counts("rotten bytes");
    /// The next write lands at the wrong place of its file, over bytes that recovery needs.
    Misdirect => disk("disk: misdirect", "the next write of {} goes astray", "disk::misdirect")
        .damages().counts("misdirected writes");
    /// A durable file that recovery needs vanishes. A running process has the file open, and goes on.
    LoseFile => disk("disk: lose a file", "a file of {} vanishes", "disk::lose_file")
        .damages().counts("lost files");
    /// The durable content of the disk is copied, for `Restore`.
    Save => disk("disk: save", "the disk of {} is copied", "disk::save").counts("copies of disks");
    /// The last copy is put back; a running process is stopped first. A process that starts from it has forgotten what it
    /// said since. No protocol survives that: from here on only the expectations of the scenario are judged. Needs
    /// `budget: Unlimited`.
    Restore => disk("disk: restore", "the disk of {} is put back as it was", "disk::restore")
        .stops().counts("disks put back as they were");
    /// The next read fails once. A process reads when it starts: it stops with the reason, and can start again.
    FailRead => disk("disk: fail a read", "the next read of {} fails", "disk::fail_read")
        .stops().counts("failed reads").weighs(1);
}

/// A place inside the handling of one input where a crash differs from a crash between inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Seam {
    /// Records are appended, and their sync has not started.
    BeforeSync,
    /// The sync is done, and nothing that waited for it is sent.
    AfterSync,
    /// One datagram is sent, and another of the same input or the same sync is not.
    BetweenSends,
    /// A broadcast is sent to one recipient, and not to the next.
    BetweenRecipients,
    /// The records are read back, the incarnation is durable, and the process has not started.
    DuringRecovery,
    /// The next recovery has made this many calls that change the disk, and makes no further one. With 0 it makes
    /// none.
    InRecovery(u8),
    /// The journal has begun to write to another file, and this many calls that change the disk followed that
    /// write. Ends of syncs count.
    InRollover(u8),
}

/// The unsynced writes that a crash leaves on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Leaves {
    /// Nothing. No word says so.
    #[default]
    #[cfg_attr(feature = "scenario", serde(skip))]
    Nothing,
    /// A part of the last write.
    Torn,
    /// Any of the writes, each whole, in part or not at all.
    Scattered,
}

/// A whole number of percent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Percent(pub u8);

/// A fault of a clock. A clock never shows less than zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "scenario", serde(rename(deserialize = "clock fault")))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ClockFault"))]
pub enum ClockFault {
    /// The clock is set ahead by this.
    Ahead(Duration),
    /// The clock is set back by this, at most to zero.
    Behind(Duration),
    /// The clock runs faster than the time of the world by this, at most [`DRIFT_MAX`].
    Fast(Percent),
    /// The clock runs slower than the time of the world by this, at most [`DRIFT_MAX`].
    Slow(Percent),
}

/// The most that a clock may run fast or slow by.
pub const DRIFT_MAX: Percent = Percent(50);
