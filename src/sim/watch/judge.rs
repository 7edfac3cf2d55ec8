//! The events that judges observe, and how judges object.
//!
//! A judge only observes. Messages and records are decoded from the bytes that left a process or became durable, so a
//! judge checks codec and journal along with the protocol.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
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

/// A set of kinds of observations, one per variant of [`Observation`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObservationKinds(u16);

impl ObservationKinds {
    /// No kind.
    pub const NONE: ObservationKinds = ObservationKinds(0);
    /// Every kind.
    pub const ALL: ObservationKinds = ObservationKinds(u16::MAX);
    /// [`Observation::Started`].
    pub const STARTED: ObservationKinds = ObservationKinds(1);
    /// [`Observation::Crashed`].
    pub const CRASHED: ObservationKinds = ObservationKinds(1 << 1);
    /// [`Observation::Restored`].
    pub const RESTORED: ObservationKinds = ObservationKinds(1 << 2);
    /// [`Observation::Commanded`].
    pub const COMMANDED: ObservationKinds = ObservationKinds(1 << 3);
    /// [`Observation::Durable`].
    pub const DURABLE: ObservationKinds = ObservationKinds(1 << 4);
    /// [`Observation::Sent`].
    pub const SENT: ObservationKinds = ObservationKinds(1 << 5);
    /// [`Observation::Delivered`].
    pub const DELIVERED: ObservationKinds = ObservationKinds(1 << 6);
    /// [`Observation::Link`].
    pub const LINK: ObservationKinds = ObservationKinds(1 << 7);
    /// [`Observation::Noted`].
    pub const NOTED: ObservationKinds = ObservationKinds(1 << 8);
    /// [`Observation::Handled`].
    pub const HANDLED: ObservationKinds = ObservationKinds(1 << 9);

    /// These kinds and the others.
    #[must_use]
    pub const fn and(self, others: ObservationKinds) -> ObservationKinds {
        ObservationKinds(self.0 | others.0)
    }

    /// These kinds without the others.
    #[must_use]
    pub const fn without(self, others: ObservationKinds) -> ObservationKinds {
        ObservationKinds(self.0 & !others.0)
    }

    /// Whether this observation is of one of these kinds.
    #[inline]
    pub const fn have<P: Process>(self, seen: &Observation<'_, P>) -> bool {
        self.0 & seen.kinds().0 != 0
    }
}

impl<P: Process> Observation<'_, P> {
    /// Its kind, as a set of one.
    #[inline]
    const fn kinds(&self) -> ObservationKinds {
        match self {
            Observation::Started { .. } => ObservationKinds::STARTED,
            Observation::Crashed { .. } => ObservationKinds::CRASHED,
            Observation::Restored { .. } => ObservationKinds::RESTORED,
            Observation::Commanded { .. } => ObservationKinds::COMMANDED,
            Observation::Durable { .. } => ObservationKinds::DURABLE,
            Observation::Sent { .. } => ObservationKinds::SENT,
            Observation::Delivered { .. } => ObservationKinds::DELIVERED,
            Observation::Link { .. } => ObservationKinds::LINK,
            Observation::Noted { .. } => ObservationKinds::NOTED,
            Observation::Handled { .. } => ObservationKinds::HANDLED,
        }
    }
}

/// A property that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The property's short name: `agreement`.
    pub property: &'static str,
    /// One sentence with the values that break it.
    pub explanation: String,
    /// The calls of clients that the sentence is about, if it is about calls that no order explains.
    pub calls: Option<Box<UnexplainedCalls>>,
}

impl Violation {
    /// A violation of `property`, explained in one sentence.
    #[cold]
    pub fn new(property: &'static str, explanation: impl Into<String>) -> Violation {
        Violation { property, explanation: explanation.into(), calls: None }
    }

    /// A violation of `property` as an error. `explain` gives its sentence, away from the code that checks.
    #[cold]
    #[inline(never)]
    pub fn explained<T>(property: &'static str, explain: impl FnOnce() -> String) -> Result<T, Violation> {
        Err(Violation::new(property, explain()))
    }

    /// The same violation, with the calls that its sentence is about.
    #[must_use]
    pub fn about(mut self, calls: UnexplainedCalls) -> Violation {
        self.calls = Some(Box::new(calls));
        self
    }
}

/// Few calls of clients that no order explains together, and the order that explains most of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnexplainedCalls {
    /// The part of the service's state that all of them are on, such as a key; `None` if the state has no parts.
    pub part: Option<String>,
    /// The calls, by beginning.
    pub calls: Vec<UnexplainedCall>,
    /// The order that explains most of them: the calls that take effect, in their order. Empty if none is known.
    pub order: Vec<PlacedCall>,
    /// The places in `calls` of those that this order does not explain. Empty if no order is known.
    pub misfits: Vec<usize>,
}

/// A call of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnexplainedCall {
    /// The client.
    pub who: ProcessId,
    /// The request.
    pub operation: String,
    /// When the call began.
    pub begun: Instant,
    /// When it was answered, and the answer; `None` if the outcome is unknown.
    pub answer: Option<(Instant, String)>,
}

/// A call that takes effect at its place of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedCall {
    /// The place in [`UnexplainedCalls::calls`].
    pub call: usize,
    /// The state that the call leaves there, as far as the calls of the order make it; `None` if the model does not
    /// print its states.
    pub state: Option<String>,
}

impl UnexplainedCalls {
    /// `. The order "put 7 under x" of C0 explains all but "get x" of C1`; nothing if no order is known, or if there is
    /// only one call.
    pub(crate) fn order_in_words(&self) -> String {
        let called = |call: usize| {
            let UnexplainedCall { who, operation, .. } = &self.calls[call];
            format!("\"{operation}\" of {who}")
        };
        let listed = |calls: Vec<String>| calls.join(", ");
        if self.misfits.is_empty() || self.calls.len() < 2 {
            return String::new();
        }
        let without = listed(self.misfits.iter().map(|call| called(*call)).collect());
        match &self.order[..] {
            [] => format!(". Without {without} there is nothing to explain"),
            order => {
                let order = listed(order.iter().map(|placed| called(placed.call)).collect());
                format!(". The order {order} explains all but {without}")
            }
        }
    }
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

    /// The kinds of observations that it looks at. It need not be asked about others, and returns `Ok` if it is.
    /// Every kind, unless it says otherwise. They may become fewer, and never more.
    fn looks_at(&self) -> ObservationKinds {
        ObservationKinds::ALL
    }
}

/// Objects to nothing.
impl<P: Process> Judge<P> for () {
    fn observe(&mut self, _now: Instant, _seen: &Observation<'_, P>) -> Result<(), Violation> {
        Ok(())
    }

    fn looks_at(&self) -> ObservationKinds {
        ObservationKinds::NONE
    }
}
