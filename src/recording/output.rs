//! The output of one input, as bytes: records, messages in the order in which they were sent, the next deadline, and
//! the reason why the process stops, if it does.
//!
//! Notes are left out: nothing depends on them, and a replay makes them again.

use alloc::string::String;
use alloc::vec::Vec;

use super::entry::OUTPUT;
use super::frames;
use crate::ids::{ProcessId, SiteSet};
use crate::process::{Effects, Process, Recipients};
use crate::time::Instant;
use crate::wire::{Reader, Wire, WireError, put_u64};

/// The numbers of records and messages in [`Effects`] before an input: a host may collect the effects of several
/// inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutputMark {
    records: usize,
    messages: usize,
}

impl OutputMark {
    /// Marks the present end of `effects`.
    pub fn of<P: Process>(effects: &Effects<P>) -> OutputMark {
        OutputMark { records: effects.records.len(), messages: effects.sent.len() }
    }
}

/// Appends everything that the process at `seat` added to `effects` after `since`, and its next deadline.
pub fn put_output<P: Process>(
    out: &mut Vec<u8>,
    seat: u8,
    effects: &Effects<P>,
    since: OutputMark,
    deadline: Option<Instant>,
) {
    frames::put(out, |out| {
        out.extend_from_slice(&[OUTPUT, seat]);
        deadline.encode(out);
        put_u64(out, (effects.records.len() - since.records) as u64);
        for record in effects.records.iter().skip(since.records) {
            put_bytes(out, record);
        }
        let messages = &effects.sent[since.messages..];
        put_u64(out, messages.len() as u64);
        for sent in messages {
            sent.to.encode(out);
            sent.is_independent.encode(out);
            put_bytes(out, &effects.buffer[sent.bytes.clone()]);
        }
        effects.stop.as_ref().map(|stop| stop.reason.clone()).encode(out);
    });
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The output of one input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedOutput<'a> {
    /// When the process wants to be woken.
    pub deadline: Option<Instant>,
    /// The encoded records that it appends.
    pub records: Vec<&'a [u8]>,
    /// The messages that it sends, in their order.
    pub messages: Vec<RecordedMessage<'a>>,
    /// The reason why the process stops, if it does.
    pub stop: Option<String>,
}

/// A message that a process sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordedMessage<'a> {
    /// Its recipients.
    pub to: Recipients,
    /// Whether it waits for no record.
    pub is_independent: bool,
    /// The encoded message.
    pub bytes: &'a [u8],
}

impl<'a> RecordedOutput<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<RecordedOutput<'a>, WireError> {
        let mut input = Reader::new(body);
        let deadline = Wire::decode(&mut input)?;
        let (mut records, mut messages) = (Vec::new(), Vec::new());
        for _ in 0..input.length(usize::MAX)? {
            records.push(bytes(&mut input)?);
        }
        for _ in 0..input.length(usize::MAX)? {
            let (to, is_independent) = Wire::decode(&mut input)?;
            messages.push(RecordedMessage { to, is_independent, bytes: bytes(&mut input)? });
        }
        let stop = Wire::decode(&mut input)?;
        input.finish()?;
        Ok(RecordedOutput { deadline, records, messages, stop })
    }
}

fn bytes<'a>(input: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let length = input.length(usize::MAX)?;
    input.bytes(length)
}

impl Wire for Recipients {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Recipients::One(one) => {
                out.push(1);
                one.encode(out);
            }
            Recipients::Sites(sites) => {
                out.push(2);
                sites.encode(out);
            }
            Recipients::Clients { count } => {
                out.push(3);
                count.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Recipients, WireError> {
        Ok(match input.u8()? {
            1 => Recipients::One(ProcessId::decode(input)?),
            2 => Recipients::Sites(SiteSet::decode(input)?),
            3 => Recipients::Clients { count: Wire::decode(input)? },
            _ => return Err(WireError::Invalid("tag of recipients")),
        })
    }
}
