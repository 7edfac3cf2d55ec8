//! The texts of trace events.

use core::fmt;

use super::{TraceEvent, TracedCopy};
use crate::process::{Process, Subject};
use crate::sim::host::disk::faults::Residue;
use crate::sim::net::rule::Ruling;
use crate::sim::script::Leaves;
use crate::sim::script::describe::{clock_text, ruling_text, seam_text};
use crate::sim::script::director::StepId;
use crate::time::Duration;

/// Displays the messages of a datagram: `Accept slot 4 + Accept slot 5`.
pub(in crate::sim::watch) struct SentMessages<'a>(pub(in crate::sim::watch) &'a TracedCopy);

impl fmt::Display for SentMessages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, subject)) in self.0.labels.iter().enumerate() {
            f.write_str(if place > 0 { " + " } else { "" })?;
            write_message(f, kind, *subject)?;
        }
        if self.0.labels.is_empty() { f.write_str("raw bytes") } else { Ok(()) }
    }
}

fn write_message(f: &mut fmt::Formatter<'_>, kind: &str, subject: Subject) -> fmt::Result {
    f.write_str(kind)?;
    if subject != Subject::NONE { write!(f, " {subject}") } else { Ok(()) }
}

/// The event, without its time and process.
impl<P: Process> fmt::Display for TraceEvent<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceEvent::Fired { step, action, targets } => {
                write!(f, "{}: {}", StepNumber(*step), action.text(*targets))
            }
            TraceEvent::Started { incarnation: 1, records: 0, .. } => f.write_str("starts"),
            TraceEvent::Started { incarnation, records, .. } => {
                write!(f, "starts, incarnation {incarnation}, {}", Count(*records, "record"))
            }
            TraceEvent::Failed { reason, .. } => write!(f, "stops: {reason}"),
            TraceEvent::Crashed { at, undone, leaves, residue, .. } => {
                f.write_str("crashes")?;
                at.map_or(Ok(()), |seam| write!(f, " {}", seam_text(seam)))?;
                let undone = (*undone > 0).then_some(Count(*undone, "unsynced write"));
                match (undone, leaves) {
                    (None, _) => Ok(()),
                    (Some(undone), Leaves::Nothing) => write!(f, ", {undone} lost"),
                    (Some(undone), Leaves::Torn) => write!(f, ", {undone} lost, the last one torn"),
                    (Some(undone), Leaves::Scattered) => {
                        let Residue { whole, torn } = residue;
                        write!(f, ", {undone} scattered: {whole} kept, {torn} kept in part")
                    }
                }
            }
            TraceEvent::Ended { unanswered, .. } => {
                write!(f, "ends with its site, {} unanswered", Count(*unanswered, "command"))
            }
            TraceEvent::Idle { what } => f.write_str(what),
            TraceEvent::NeverCampaigned { first, asleep } => {
                write!(f, "{first} was to lead and has not campaigned: {asleep} wake up")
            }
            TraceEvent::Paused => f.write_str("pauses"),
            TraceEvent::Resumed { waiting } => write!(f, "resumes, {} waiting", Count(*waiting, "input")),
            TraceEvent::Commanded { command } => write!(f, "is asked: {command}"),
            TraceEvent::Noted { note } => write!(f, "{note}"),
            TraceEvent::Leads { rank } => write!(f, "leads, rank {rank}"),
            TraceEvent::Sent { to, copy } => write!(f, "-> {to} {}", SentMessages(copy)),
            TraceEvent::Lost { to, copy, why } => write!(f, "-> {to} {}: {why}", SentMessages(copy)),
            TraceEvent::Ruled { to, copy, rule } => {
                write!(f, "-> {to} {}: ", SentMessages(copy))?;
                let name = rule.name.as_deref().unwrap_or("a rule");
                match rule.ruling {
                    Ruling::Drop => write!(f, "dropped by {name}"),
                    other => write!(f, "{name}, {}", ruling_text(other)),
                }
            }
            TraceEvent::Doubled { to, copy } => write!(f, "-> {to} {}: doubled", SentMessages(copy)),
            TraceEvent::HeldBack { to, copy, by } => {
                write!(f, "-> {to} {}: takes {by}", SentMessages(copy))
            }
            TraceEvent::Delayed { to, copy, by } => {
                write!(f, "-> {to} {}: delayed by {by}", SentMessages(copy))
            }
            TraceEvent::Again { to, copy, by } => {
                write!(f, "-> {to} {}: will arrive again {by} later", SentMessages(copy))
            }
            TraceEvent::Repeated { from, copy, sent } => {
                write!(f, "<- {from} {}: again, sent at {}", SentMessages(copy), *sent)
            }
            TraceEvent::Redelivered { count, .. } => write!(f, "{}", CopyCount(*count)),
            TraceEvent::CutShort { to, copy, left, of } => {
                write!(f, "-> {to} {}: only {left} of its {of} bytes go on", SentMessages(copy))
            }
            TraceEvent::Flipped { to, copy, bits } => {
                write!(f, "-> {to} {}: {} flipped", SentMessages(copy), Count(*bits, "bit"))
            }
            TraceEvent::Strayed { to, copy, at } => {
                write!(f, "-> {to} {}: goes to {at} instead", SentMessages(copy))
            }
            TraceEvent::Clogged { to, copy } => {
                write!(f, "-> {to} {}: held, its link is clogged", SentMessages(copy))
            }
            TraceEvent::Unclogged { to, count } => {
                write!(f, "-> {to} is open again for {}", Count(*count, "held datagram"))
            }
            TraceEvent::Queued { to, copy, by } => {
                write!(f, "-> {to} {}: sent within {by}", SentMessages(copy))
            }
            TraceEvent::Dropped { from, copy, why } => {
                write!(f, "<- {from} {}: {why}", SentMessages(copy))
            }
            TraceEvent::Delivered { from, copy } => write!(f, "<- {from} {}", SentMessages(copy)),
            TraceEvent::Own { kind, subject, .. } => {
                f.write_str("<- itself ")?;
                write_message(f, kind, *subject)
            }
            TraceEvent::Appended { records } => write!(f, "appends {}", Count(*records, "record")),
            TraceEvent::Synced { records } => write!(f, "has synced {}", Count(*records, "record")),
            TraceEvent::Woke { reason, .. } => write!(f, "wakes: {reason}"),
            TraceEvent::DiskSpace { is_low: true } => f.write_str("learns that its disk is almost full"),
            TraceEvent::DiskSpace { is_low: false } => f.write_str("learns that its disk has room again"),
            TraceEvent::Struck(struck) => write!(f, "{struck}"),
            TraceEvent::Rotted { file, at } => {
                write!(f, "has rot on its disk: byte {at} of {file} changes")
            }
            TraceEvent::FileLost { file } => write!(f, "loses {file} from its disk"),
            TraceEvent::Slowed { time: Duration::ZERO } => f.write_str("is fast again"),
            TraceEvent::Slowed { time } => write!(f, "takes {time} for each input"),
            TraceEvent::Clock { fault, shows } => {
                write!(f, "its clock {}, and shows {shows}", clock_text(*fault))
            }
            TraceEvent::Healed { core } => write!(f, "faults stop, {core} heal"),
            TraceEvent::Waits { from, copy } => {
                write!(f, "<- {from} {}: waits for its link", SentMessages(copy))
            }
            TraceEvent::LinkDown { ends: (one, other), why } => {
                write!(f, "link down: {one} - {other}, {why}")
            }
            TraceEvent::LinkUp { ends: (one, other) } => write!(f, "link up: {one} - {other}"),
            TraceEvent::ToldOfLink { peer, up: true } => write!(f, "learns that its link to {peer} is up"),
            TraceEvent::ToldOfLink { peer, up: false } => write!(f, "learns that its link to {peer} is down"),
            TraceEvent::Probed => f.write_str("every reachable terminal and client does one more thing"),
            TraceEvent::Restarted => f.write_str("every site that can run is restarted"),
            TraceEvent::Logged(line) => write!(f, "{line}"),
        }
    }
}

/// Displays `1 record`, `2 records`.
pub(in crate::sim::watch) struct Count<N>(
    pub(in crate::sim::watch) N,
    pub(in crate::sim::watch) &'static str,
);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Count<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == N::from(1) { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

/// Displays `1 kept copy is`, `2 kept copies are`.
struct CopyCount(usize);

impl fmt::Display for CopyCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("no copy is kept to redeliver"),
            1 => f.write_str("redelivers 1 kept copy"),
            count => write!(f, "redelivers {count} kept copies"),
        }
    }
}

/// Displays `step 3`, or `also 1 step 3` in another track than the first. Steps count from 1.
pub(in crate::sim::watch) struct StepNumber(pub(in crate::sim::watch) StepId);

impl fmt::Display for StepNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.track > 0 {
            write!(f, "also {} ", self.0.track)?;
        }
        write!(f, "step {}", self.0.index + 1)
    }
}
