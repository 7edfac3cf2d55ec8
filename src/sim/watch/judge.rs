//! The events that judges observe, and how judges object.
//!
//! A judge only observes. Messages and records are decoded from the bytes that left a process or became durable, so a
//! judge checks codec and journal along with the protocol.

use alloc::string::String;
use core::fmt;

use crate::frame::Datagram;
use crate::ids::ProcessId;
use crate::process::Process;
use crate::time::Instant;

/// One event in a world.
#[derive(Debug)]
pub enum Observation<'a, P: Process> {
    /// A process started.
    Started {
        /// The process that started.
        process: ProcessId,
        /// How often it has been started, this start included.
        incarnation: u64,
        /// The records read back from its disk; empty for a client.
        recovered: &'a [P::Record],
        /// Its state before its first input.
        state: &'a P,
    },
    /// A process ended: it crashed or stopped, or its site's program ended.
    Crashed {
        /// The process that ended.
        process: ProcessId,
        /// Its state at the end.
        state: &'a P,
    },
    /// The storage of a process was put back to an earlier state. A process that starts from it has forgotten what it
    /// said since, so its protocol's promises no longer need to hold.
    Restored {
        /// The owner of the storage.
        process: ProcessId,
    },
    /// A user's command was handed in.
    Commanded {
        /// The process that is handed the command.
        process: ProcessId,
        /// The user's command.
        command: &'a P::Command,
    },
    /// Records became durable, in the order in which they were appended.
    Durable {
        /// The process that appended them.
        process: ProcessId,
        /// The records, decoded from their bytes.
        records: &'a [P::Record],
    },
    /// A datagram left its sender for the network, before any rule was applied.
    Sent {
        /// The datagram, as the sender handed it over.
        datagram: &'a Datagram,
        /// Its messages, decoded from its bytes.
        messages: &'a [P::Message],
    },
    /// A message is about to be handled.
    Delivered {
        /// The receiver.
        to: ProcessId,
        /// The sender.
        from: ProcessId,
        /// The message, decoded from its bytes.
        message: &'a P::Message,
    },
    /// A process is about to be told that a link broke or is there again.
    Link {
        /// The process that is told.
        process: ProcessId,
        /// The program at the other end.
        peer: ProcessId,
        /// Whether the link is there again.
        up: bool,
    },
    /// A process made a note.
    Noted {
        /// The process that made it.
        process: ProcessId,
        /// The note.
        note: &'a P::Note,
    },
    /// A process has handled an input.
    Handled {
        /// The process that handled it.
        process: ProcessId,
        /// Its state after that input.
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

/// Observes a world, and objects when a property breaks.
pub trait Judge<P: Process>: Clone {
    /// Observes one event.
    fn observe(&mut self, now: Instant, seen: &Observation<'_, P>) -> Result<(), Violation>;
}

/// Objects to nothing.
impl<P: Process> Judge<P> for () {
    fn observe(&mut self, _now: Instant, _seen: &Observation<'_, P>) -> Result<(), Violation> {
        Ok(())
    }
}
