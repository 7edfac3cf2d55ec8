//! Describes recorded inputs and outputs in words.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::entry::RecordedInput;
use super::output::Output;
use crate::ids::ProcessId;
use crate::process::{Input, Label, Process, Recipients};
use crate::wire::Wire;

/// Describes an input to `who`.
pub(super) fn input<P: Process<Command: Wire>>(who: ProcessId, what: &RecordedInput<'_>) -> String {
    match what.decode::<P>() {
        Err(error) => format!("{who} is handed what does not decode: {error}"),
        Ok(Input::Message { from, message }) => {
            format!("{who} is handed {} from {from}: {message:?}", label(&message))
        }
        Ok(Input::Started) => format!("{who} takes its first input"),
        Ok(Input::Wake) => format!("{who} is woken"),
        Ok(Input::Command(command)) => format!("{who} is commanded: {command}"),
        Ok(Input::DiskSpace { is_low: true }) => format!("{who} hears that its disk is nearly full"),
        Ok(Input::DiskSpace { is_low: false }) => format!("{who} hears that its disk has room"),
        Ok(Input::Link { peer, up: true }) => format!("{who} hears that its link to {peer} is up"),
        Ok(Input::Link { peer, up: false }) => format!("{who} hears that its link to {peer} is down"),
    }
}

/// Describes an output, one line per effect.
pub(super) fn output<P: Process>(body: &[u8]) -> Vec<String> {
    let output = match Output::read(body) {
        Ok(output) => output,
        Err(error) => return Vec::from([format!("an output that does not decode: {error}")]),
    };
    let record = |bytes: &&[u8]| match P::Record::from_bytes(bytes) {
        Ok(record) => format!("appends {record:?}"),
        Err(error) => format!("appends {bytes:?}, which does not decode: {error}"),
    };
    let message = |(to, is_independent, bytes): &(Recipients, bool, &[u8])| {
        let (to, when) = (recipients(*to), if *is_independent { ", without a wait" } else { "" });
        match P::Message::from_bytes(bytes) {
            Ok(message) => format!("sends {} to {to}{when}: {message:?}", label(&message)),
            Err(error) => format!("sends {bytes:?} to {to}{when}, which does not decode: {error}"),
        }
    };
    let wake = match output.deadline {
        Some(at) => format!("wants to be woken at {at}"),
        None => "wants no wake-up".into(),
    };
    let lines = output.records.iter().map(record).chain(output.messages.iter().map(message));
    let stop = output.stop.iter().map(|reason| format!("stops: {reason}"));
    lines.chain([wake]).chain(stop).collect()
}

fn label(message: &impl Label) -> String {
    let (kind, subject) = (message.kind(), message.subject().to_string());
    if subject.is_empty() { kind.into() } else { format!("{kind} ({subject})") }
}

fn recipients(to: Recipients) -> String {
    match to {
        Recipients::One(one) => one.to_string(),
        Recipients::Sites(sites) if sites.is_empty() => "nobody".into(),
        Recipients::Sites(sites) => sites.to_string(),
        Recipients::Clients { count } => format!("the first {count} clients"),
    }
}
