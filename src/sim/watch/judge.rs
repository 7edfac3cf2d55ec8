//! What judges are shown and how they object.
//!
//! A judge looks only. Messages and records are shown as decoded from the bytes that left a process or became
//! durable, so codec and journal are judged along with the protocol.

use alloc::string::String;
use core::fmt;

use crate::frame::Datagram;
use crate::ids::ProcessId;
use crate::process::Process;
use crate::time::Instant;

/// One thing that happened in a world.
#[derive(Debug)]
pub enum Observation<'a, P: Process> {
    /// A process started: `state` is what it made of its recovered records.
    Started {
        /// Which.
        process: ProcessId,
        /// How often it has been started.
        incarnation: u64,
        /// What was read back from its disk; empty for a client.
        recovered: &'a [P::Record],
        /// Its state before its first input.
        state: &'a P,
    },
    /// A process stopped at once, with its unsynced writes.
    Crashed {
        /// Which.
        process: ProcessId,
        /// Its state at the end.
        state: &'a P,
    },
    /// The storage of a process was put back as it was: whatever it starts from has forgotten what it said since, so
    /// what its protocol promises need not hold any more.
    Restored {
        /// Whose.
        process: ProcessId,
    },
    /// A user's command was handed in.
    Commanded {
        /// To which process.
        process: ProcessId,
        /// What was asked.
        command: &'a P::Command,
    },
    /// Records became durable, in the order of their appending.
    Durable {
        /// Whose.
        process: ProcessId,
        /// Which.
        records: &'a [P::Record],
    },
    /// A datagram was handed to the network, before any rule looked at it: it left its sender.
    Sent {
        /// As handed over.
        datagram: &'a Datagram,
        /// What it says.
        messages: &'a [P::Message],
    },
    /// A message is about to be handled.
    Delivered {
        /// By whom.
        to: ProcessId,
        /// From whom.
        from: ProcessId,
        /// What it says.
        message: &'a P::Message,
    },
    /// A process said what it did.
    Noted {
        /// Which.
        process: ProcessId,
        /// What.
        note: &'a P::Note,
    },
    /// A process has handled an input.
    Handled {
        /// Which.
        process: ProcessId,
        /// Its state behind that input.
        state: &'a P,
    },
}

/// A property that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The property's short name: `agreement`.
    pub property: &'static str,
    /// One sentence with the values that break it.
    pub explanation: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.property, self.explanation)
    }
}

impl core::error::Error for Violation {}

/// Watches a world and objects when a property breaks.
pub trait Judge<P: Process>: Clone {
    /// Looks at one thing that happened.
    fn observe(&mut self, now: Instant, seen: &Observation<'_, P>) -> Result<(), Violation>;
}

/// Objects to nothing.
impl<P: Process> Judge<P> for () {
    fn observe(&mut self, _now: Instant, _seen: &Observation<'_, P>) -> Result<(), Violation> {
        Ok(())
    }
}
