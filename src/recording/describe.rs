//! Describes recorded inputs and outputs in words.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::entry::RecordedInput;
use super::output::{RecordedMessage, RecordedOutput};
use crate::ids::ProcessId;
use crate::process::{Input, Label, Process, Recipients};
use crate::wire::Wire;

/// Describes a recorded input to `who`.
pub(super) fn recorded_input<P: Process<Command: Wire>>(who: ProcessId, what: &RecordedInput<'_>) -> String {
    match what.decode::<P>() {
        Err(error) => format!("{who} is handed what does not decode: {error}"),
        Ok(decoded) => input(who, &decoded),
    }
}

/// Describes an input to `who`.
pub fn input<P: Process>(who: ProcessId, what: &Input<P>) -> String {
    match what {
        Input::Message { from, message } => {
            format!("{who} is handed {} from {from}: {message:?}", label(message))
        }
        Input::Started => format!("{who} takes its first input"),
        Input::Wake => format!("{who} is woken"),
        Input::Command(command) => format!("{who} is commanded: {command}"),
        Input::DiskSpace { is_low: true } => format!("{who} hears that its disk is nearly full"),
        Input::DiskSpace { is_low: false } => format!("{who} hears that its disk has room"),
        Input::Link { peer, up: true } => format!("{who} hears that its link to {peer} is up"),
        Input::Link { peer, up: false } => format!("{who} hears that its link to {peer} is down"),
    }
}

/// Describes a recorded output, one line per effect.
pub(super) fn recorded_output<P: Process>(body: &[u8]) -> Vec<String> {
    match RecordedOutput::read(body) {
        Ok(decoded) => output::<P>(&decoded),
        Err(error) => Vec::from([format!("an output that does not decode: {error}")]),
    }
}

/// Describes an output, one line per effect.
pub fn output<P: Process>(output: &RecordedOutput<'_>) -> Vec<String> {
    let record = |bytes: &&[u8]| match P::Record::from_bytes(bytes) {
        Ok(record) => format!("appends {record:?}"),
        Err(error) => format!("appends {bytes:?}, which does not decode: {error}"),
    };
    let message = |RecordedMessage { to, is_independent, bytes }: &RecordedMessage<'_>| {
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
