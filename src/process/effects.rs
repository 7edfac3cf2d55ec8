//! The effects of one input: records, messages and notes, encoded as they are given.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Label, Process, Recipients, Subject};
use crate::wire::{Wire, WireError};

/// One message as given to [`Effects`]: encoded, with what hosts need to know about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sent {
    pub(crate) to: Recipients,
    pub(crate) is_independent: bool,
    pub(crate) kind: &'static str,
    pub(crate) subject: Subject,
    pub(crate) rank: u8,
    pub(crate) bytes: Range<usize>,
}

/// Why a process must not continue: something that it relies on does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The property that does not hold, in one word, as in verdicts: `divergence`.
    pub property: &'static str,
    /// One sentence with the values that show the violation, and what to do.
    pub reason: String,
}

/// The effects of one call of [`Process::handle`]. The host owns and reuses it. Effects are encoded as they are given.
#[derive(Clone, Debug)]
pub struct Effects<P: Process> {
    pub(crate) records: Records,
    pub(crate) buffer: Vec<u8>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) notes: Vec<P::Note>,
    /// Whether anybody reads the notes of ordinary work.
    pub(crate) is_watched: bool,
    pub(crate) stop: Option<Stop>,
}

impl<P: Process> Default for Effects<P> {
    fn default() -> Effects<P> {
        Effects {
            records: Records::default(),
            buffer: Vec::new(),
            sent: Vec::new(),
            notes: Vec::new(),
            is_watched: true,
            stop: None,
        }
    }
}

impl<P: Process> Effects<P> {
    /// Makes `record` durable. All records of one call become durable together or not at all.
    pub fn append(&mut self, record: &P::Record) {
        record.encode(&mut self.records.bytes);
        self.records.ends.push(self.records.bytes.len());
    }

    /// Sends `message` once everything appended earlier and *every* record of this call is durable, whether appended
    /// before or after `send`. A process may send to itself: that message skips the network, but not the wait.
    pub fn send(&mut self, to: impl Into<Recipients>, message: &P::Message) {
        self.push(to.into(), message, false);
    }

    /// Sends `message` at once. Correct only if the message stays true when a crash loses every unsynced record.
    pub fn send_independent(&mut self, to: impl Into<Recipients>, message: &P::Message) {
        self.push(to.into(), message, true);
    }

    /// Reports an event to observers.
    pub fn note(&mut self, note: P::Note) {
        self.notes.push(note);
    }

    /// Reports an event of ordinary work, if anybody reads such notes. A simulator always does.
    pub fn note_if_watched(&mut self, note: impl FnOnce() -> P::Note) {
        if self.is_watched {
            self.notes.push(note());
        }
    }

    /// Stops the process, as a failed disk would. Nothing of this call is appended or sent, not even what was given
    /// before `stop`; only its notes are reported. The process receives no further input. The first reason counts.
    ///
    /// For problems that the process finds in its cluster. An impossible state of its own is a panic.
    pub fn stop(&mut self, property: &'static str, reason: String) {
        self.stop.get_or_insert(Stop { property, reason });
    }

    fn push(&mut self, to: Recipients, message: &P::Message, is_independent: bool) {
        let start = self.buffer.len();
        message.encode(&mut self.buffer);
        let bytes = start..self.buffer.len();
        let (kind, subject, rank) = (message.kind(), message.subject(), message.rank());
        self.sent.push(Sent { to, is_independent, kind, subject, rank, bytes });
    }

    /// The records of this call, for the host's journal.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// The number of records, messages and notes.
    pub(crate) fn outcomes(&self) -> usize {
        self.records.ends.len() + self.sent.len() + self.notes.len()
    }

    /// The number of bytes to append and send.
    pub fn bytes(&self) -> usize {
        self.records.bytes.len() + self.buffer.len()
    }

    /// Removes everything and keeps the buffers. [`crate::outbox::Outbox::absorb`] takes the messages.
    pub fn clear(&mut self) {
        self.records.clear();
        self.buffer.clear();
        self.sent.clear();
        self.notes.clear();
        self.stop = None;
    }

    /// The same effects as those of another type of process: for a process that wraps another and changes nothing.
    pub fn into_effects_of<Q>(self) -> Effects<Q>
    where
        Q: Process<Message = P::Message, Record = P::Record, Note = P::Note>,
    {
        let Effects { records, buffer, sent, notes, is_watched, stop } = self;
        Effects { records, buffer, sent, notes, is_watched, stop }
    }

    /// Takes everything out again, decoded: for a process that wraps another and changes its effects.
    ///
    /// # Errors When something does not decode as it was encoded, so that the codec of `P` is broken.
    pub fn take(&mut self) -> Result<Given<P>, WireError> {
        let records = self.records.iter().map(P::Record::from_bytes).collect::<Result<_, _>>()?;
        let letter = |sent: &Sent| {
            let message = P::Message::from_bytes(&self.buffer[sent.bytes.clone()])?;
            Ok(Letter { to: sent.to, message, is_independent: sent.is_independent })
        };
        let messages = self.sent.iter().map(letter).collect::<Result<_, _>>()?;
        let (notes, stop) = (core::mem::take(&mut self.notes), self.stop.take());
        self.clear();
        Ok(Given { records, messages, notes, stop })
    }
}

/// Everything that one call of [`Process::handle`] gave to its [`Effects`].
#[derive(Clone, Debug)]
pub struct Given<P: Process> {
    /// The records to make durable, in this order.
    pub records: Vec<P::Record>,
    /// The messages to send, in this order.
    pub messages: Vec<Letter<P::Message>>,
    /// The notes, in this order.
    pub notes: Vec<P::Note>,
    /// Why the process stops, if it does. Then no record is appended and no message sent.
    pub stop: Option<Stop>,
}

/// One message as given to [`Effects`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter<M> {
    /// The recipients.
    pub to: Recipients,
    /// The message.
    pub message: M,
    /// Whether it is sent without waiting for a sync.
    pub is_independent: bool,
}

/// Encoded records in order: what a journal appends as one batch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The size of all records together, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The encoded records, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    /// Appends one encoded record.
    pub fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}
