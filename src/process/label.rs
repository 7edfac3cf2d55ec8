//! The kinds and subjects of messages and notes: how rules, fates and traces name them.

use alloc::vec::Vec;
use core::fmt::{self, Debug, Display};

/// Messages of this [rank](Label::rank) and above only say that their sender lives. Traces leave them out even when
/// they are lost.
pub const BACKGROUND: u8 = 30;

/// The kind and the subject of a message or a note, for rules, fates and traces.
///
/// `label_enum!` implements it for an enum.
pub trait Label {
    /// Every name that [`kind`](Label::kind) returns, so that scenarios can be checked for wrong names. Empty when the
    /// names are unknown: then a wrong name makes a run stale.
    fn kinds() -> Vec<&'static str> {
        Vec::new()
    }

    /// Every noun of its [subjects](Label::subject), for the same purpose. Empty when the nouns are unknown.
    fn nouns() -> Vec<&'static str> {
        Vec::new()
    }

    /// Its kind: `Accept`.
    fn kind(&self) -> &'static str;

    /// Its subject: an identity (a slot, a request), never a watermark, since fates are drawn from it.
    fn subject(&self) -> Subject;

    /// The sort key of messages that share a datagram; the sort is stable. Heartbeats come last.
    fn rank(&self) -> u8 {
        0
    }
}

/// The kinds of what a tuple variant holds, given its constructor: for `label_enum!`.
#[doc(hidden)]
pub fn kinds_in<T: Label, E>(_: fn(T) -> E) -> Vec<&'static str> {
    T::kinds()
}

/// The nouns of what a tuple variant holds, given its constructor: for `label_enum!`.
#[doc(hidden)]
pub fn nouns_in<T: Label, E>(_: fn(T) -> E) -> Vec<&'static str> {
    T::nouns()
}

/// The note type of processes that write no notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoNote {}

impl Label for NoNote {
    fn kind(&self) -> &'static str {
        match *self {}
    }

    fn subject(&self) -> Subject {
        match *self {}
    }
}

impl Display for NoNote {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// The subject of a message: a kind of thing and its number. Displayed as `slot 7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Subject {
    /// The kind of thing; `""` when the message is about nothing in particular.
    pub noun: &'static str,
    /// The number of the thing.
    pub number: u64,
}

impl Subject {
    /// Nothing in particular.
    pub const NONE: Subject = Subject { noun: "", number: 0 };

    /// A position in a log.
    pub const fn slot(number: u64) -> Subject {
        Subject { noun: "slot", number }
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.noun.is_empty() { Ok(()) } else { write!(f, "{} {}", self.noun, self.number) }
    }
}
