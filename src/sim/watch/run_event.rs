//! What happened in a run, as data: for pictures, and for programs that read runs.
//!
//! [`RunEvents`] makes one [`RunEvent`] of each [`Line`] of a full trace, in the same order, and finds its cause.
//!
//! 1. A copy of a datagram has one number from where it is made to where it is opened or lost. A copy of a copy also
//!    has the number of the one that left its sender.
//! 2. The cause of an arrival or a loss under way is the event in which the copy left its sender. The cause of what a
//!    process does is the input that it was handling, that of a sync the last append that it covers. The cause of a fault
//!    is the step that did it in the same event. The cause of a message of a process to itself is the input that sent it,
//!    that of a wake-up the input after which the process first had that deadline. A fault that waited for its moment has
//!    none.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::{Label, Process};
use crate::sim::net::packets::CopyId;
use crate::sim::net::rule::Ruling;
use crate::sim::script::ScriptAction;
use crate::sim::watch::line::{Contents, Line, LineClass, SharedLabels, StepNumber, TraceEvent, TracedCopy};

/// One thing that happened in a run. A field that means nothing for its kind is empty, and absent in JSON.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunEvent {
    /// The number of the simulator's event that it belongs to. What has one number happens in one go, at one moment.
    pub event: u64,
    /// Simulated time in microseconds.
    pub at: u64,
    /// The process that it happens to; none for the world.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "json::id", skip_serializing_if = "Option::is_none")
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub who: Option<ProcessId>,
    /// `routine`, `step`, `fault`, `life`, `note` or `log`.
    pub class: &'static str,
    /// What it is: `sent`, `delivered`, `crashed`.
    pub kind: &'static str,
    /// The line of the trace.
    pub text: String,
    /// The event that caused it, by its place in the list of events.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub cause: Option<u64>,
    /// The sender of a datagram, for what happens to it at its receiver's end.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "json::id", skip_serializing_if = "Option::is_none")
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub from: Option<ProcessId>,
    /// The addressee of a datagram, for what happens to it at its sender's end.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "json::id", skip_serializing_if = "Option::is_none")
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub to: Option<ProcessId>,
    /// Kind and subject of each message of a datagram, or of a note.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "json::labels", skip_serializing_if = "is_unlabelled")
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<(String, String)>"))]
    pub messages: Option<SharedLabels>,
    /// What each of these messages holds, where a datagram leaves its sender. Empty if the service does not say.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "json::contents", skip_serializing_if = "Option::is_none")
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub contents: Option<Contents>,
    /// Whether the loss of this datagram is routine, because another one follows.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "core::ops::Not::not"))]
    pub background: bool,
    /// The number of the copy of a datagram.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub copy: Option<u32>,
    /// The number of the copy that left its sender, if this is a copy of that one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub of: Option<u32>,
    /// Copies that end with a process that they waited for, or that are redelivered.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub copies: Vec<u32>,
    /// Why a copy is lost, or what a rule does with it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub why: Option<String>,
    /// The number of records that are read, appended or synced.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub records: Option<u64>,
    /// The rank of a leader.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rank: Option<u64>,
    /// How often a process has been started, this start included.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub incarnation: Option<u64>,
    /// The step that fires: `step 2`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub step: Option<String>,
}

#[cfg(feature = "serde")]
fn is_unlabelled(labels: &Option<SharedLabels>) -> bool {
    labels.is_none()
}

#[cfg(feature = "serde")]
mod json {
    use super::{Contents, ProcessId, SharedLabels};
    use alloc::string::ToString;
    use serde::Serializer;

    pub(super) fn id<S: Serializer>(id: &Option<ProcessId>, to: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => to.collect_str(id),
            None => to.serialize_none(),
        }
    }

    pub(super) fn contents<S: Serializer>(contents: &Option<Contents>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(contents.iter().flat_map(|contents| contents.iter()))
    }

    pub(super) fn labels<S: Serializer>(labels: &Option<SharedLabels>, to: S) -> Result<S::Ok, S::Error> {
        let labels = labels.iter().flat_map(|labels| labels.iter());
        to.collect_seq(labels.map(|(kind, subject)| (*kind, subject.to_string())))
    }
}

/// Makes run events of the lines of one run.
#[derive(Clone, Debug, Default)]
pub struct RunEvents {
    made: u64,
    /// Where each copy left its sender, by its number.
    left: BTreeMap<u32, u64>,
    /// The number of the simulator's event that is under way, and what happened in it so far.
    event: u64,
    /// What each process was handed last in it.
    handed: Vec<(ProcessId, u64)>,
    /// The step that fired last in it.
    fired: Option<u64>,
    last: Option<u64>,
    /// The steps whose command their process has not been handed yet.
    asking: VecDeque<(ProcessId, u64)>,
    /// What each process appended and has not synced yet: where, and how many records.
    unsynced: BTreeMap<ProcessId, VecDeque<(u64, u64)>>,
}

impl RunEvents {
    /// The number of events made so far.
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// The event that this line shows. Lines of a full trace come in its order, from the first one on, and each once.
    pub fn take<P: Process>(&mut self, line: &Line<P>) -> RunEvent {
        let place = self.made;
        self.made += 1;
        if self.event != line.event {
            (self.event, self.fired, self.last) = (line.event, None, None);
            self.handed.clear();
        }
        let mut event = RunEvent {
            event: line.event,
            at: line.at.as_micros(),
            who: line.who,
            class: class_name(line.class),
            text: line.what.to_string(),
            ..RunEvent::default()
        };
        let part = tell(&line.what, &mut event);
        if matches!(event.kind, "idle" | "crashed" | "ended" | "failed") {
            // What a process is not asked, or was not asked before its end, is no cause of anything.
            self.asking.retain(|(asked, _)| Some(*asked) != line.who);
            if event.kind != "idle"
                && let Some(who) = line.who
            {
                self.unsynced.remove(&who);
            }
        }
        event.cause = match part {
            Part::Leaves => self.handling(line.who),
            Part::Ends => event.of.or(event.copy).and_then(|copy| self.left.get(&copy).copied()),
            Part::Step => self.last,
            Part::Input => self.behind(&line.what, line.who),
            Part::Effect => self.handling(line.who),
            Part::Fault => self.fired,
        };
        if matches!(part, Part::Leaves)
            && let Some(copy) = event.copy
        {
            self.left.entry(copy).or_insert(place);
        }
        match (part, line.who) {
            (Part::Input, Some(who)) => self.hand(who, place),
            (Part::Ends, Some(who)) if event.kind == "delivered" => self.hand(who, place),
            (Part::Step, _) => self.fired = Some(place),
            (Part::Effect, Some(who)) if event.kind == "appended" => {
                let records = event.records.unwrap_or(0);
                self.unsynced.entry(who).or_default().push_back((place, records));
            }
            _ => {}
        }
        if let TraceEvent::Fired { action, targets, .. } = &line.what
            && matches!(**action, ScriptAction::Command(..))
        {
            self.asking.extend(targets.iter().map(|who| (who, place)));
        }
        self.last = Some(place);
        event
    }

    /// What led to an input that no datagram brought.
    fn behind<P: Process>(&mut self, what: &TraceEvent<P>, who: Option<ProcessId>) -> Option<u64> {
        let who = who?;
        match what {
            TraceEvent::Commanded { .. } => {
                let place = self.asking.iter().position(|(asked, _)| *asked == who)?;
                self.asking.remove(place).map(|(_, step)| step)
            }
            TraceEvent::Synced { records } => self.synced(who, *records as u64),
            TraceEvent::Started { .. } => self.fired,
            // Lines of a full trace are events, one each.
            TraceEvent::Own { sent, .. } => *sent,
            TraceEvent::Woke { wanted, .. } => *wanted,
            _ => None,
        }
    }

    /// The last of the appends that a sync of so many records covers.
    fn synced(&mut self, who: ProcessId, records: u64) -> Option<u64> {
        let waiting = self.unsynced.get_mut(&who)?;
        let (mut left, mut last) = (records, None);
        while left > 0 {
            let (place, records) = waiting.pop_front()?;
            last = Some(place);
            left = left.saturating_sub(records);
        }
        last
    }

    fn hand(&mut self, who: ProcessId, place: u64) {
        self.handed.retain(|(known, _)| *known != who);
        self.handed.push((who, place));
    }

    fn handling(&self, who: Option<ProcessId>) -> Option<u64> {
        let of = |who| self.handed.iter().find(|(known, _)| *known == who).map(|(_, place)| *place);
        who.and_then(of).or(self.fired)
    }
}

/// The part that an event plays, by which its cause is found.
#[derive(Clone, Copy)]
enum Part {
    /// A copy is at its sender's end.
    Leaves,
    /// A copy is opened or lost under way.
    Ends,
    /// A process takes an input.
    Input,
    /// A process does something.
    Effect,
    /// Something happens to a process, a disk, a clock or a link.
    Fault,
    /// A step fires, or the end of the run begins.
    Step,
}

const fn class_name(class: LineClass) -> &'static str {
    match class {
        LineClass::Routine => "routine",
        LineClass::Step => "step",
        LineClass::Fault => "fault",
        LineClass::Life => "life",
        LineClass::Note => "note",
        LineClass::Log => "log",
    }
}

/// Fills in what is the event's own.
fn tell<P: Process>(what: &TraceEvent<P>, event: &mut RunEvent) -> Part {
    let number = |count: usize| Some(count as u64);
    let (kind, part) = match what {
        TraceEvent::Fired { step, .. } => {
            event.step = Some(StepNumber(*step).to_string());
            ("fired", Part::Step)
        }
        TraceEvent::Started { incarnation, records } => {
            (event.incarnation, event.records) = (Some(*incarnation), number(*records));
            ("started", Part::Input)
        }
        TraceEvent::Failed { reason, buried } => {
            event.why = Some(reason.to_string());
            event.copies = numbers(buried);
            ("failed", Part::Effect)
        }
        TraceEvent::Crashed { buried, .. } => {
            event.copies = numbers(buried);
            ("crashed", Part::Fault)
        }
        TraceEvent::Ended { buried, .. } => {
            event.copies = numbers(buried);
            ("ended", Part::Fault)
        }
        TraceEvent::Idle { .. } => ("idle", Part::Fault),
        TraceEvent::NeverCampaigned { .. } => ("never_campaigned", Part::Fault),
        TraceEvent::Paused => ("paused", Part::Fault),
        TraceEvent::Resumed { .. } => ("resumed", Part::Fault),
        TraceEvent::Commanded { .. } => ("commanded", Part::Input),
        TraceEvent::Noted { note } => {
            event.messages = Some([(note.kind(), note.subject())].into());
            ("noted", Part::Effect)
        }
        TraceEvent::Leads { rank } => {
            event.rank = Some(*rank);
            ("leads", Part::Effect)
        }
        TraceEvent::Sent { to, copy } => ("sent", leaves(event, *to, copy)),
        TraceEvent::Lost { to, copy, why } => {
            event.why = Some(why.to_string());
            ("lost", leaves(event, *to, copy))
        }
        TraceEvent::Ruled { to, copy, rule } => {
            let name = rule.name.as_deref().unwrap_or("a rule");
            event.why = Some(alloc::format!("{}: {}", name, ruling_name(rule.ruling)));
            ("ruled", leaves(event, *to, copy))
        }
        TraceEvent::Doubled { to, copy } => ("doubled", leaves(event, *to, copy)),
        TraceEvent::HeldBack { to, copy, .. } => ("held_back", leaves(event, *to, copy)),
        TraceEvent::Delayed { to, copy, .. } => ("delayed", leaves(event, *to, copy)),
        TraceEvent::Again { to, copy, .. } => ("again", leaves(event, *to, copy)),
        TraceEvent::CutShort { to, copy, .. } => ("cut_short", leaves(event, *to, copy)),
        TraceEvent::Flipped { to, copy, .. } => ("flipped", leaves(event, *to, copy)),
        TraceEvent::Strayed { at, copy, .. } => ("strayed", leaves(event, *at, copy)),
        TraceEvent::Clogged { to, copy } => ("clogged", leaves(event, *to, copy)),
        TraceEvent::Queued { to, copy, .. } => ("queued", leaves(event, *to, copy)),
        TraceEvent::Unclogged { to, .. } => {
            event.to = Some(ProcessId::Site(*to));
            ("unclogged", Part::Fault)
        }
        TraceEvent::Redelivered { copies, .. } => {
            event.copies = numbers(copies);
            ("redelivered", Part::Fault)
        }
        TraceEvent::Repeated { from, copy, .. } => ("repeated", ends(event, *from, copy)),
        TraceEvent::Dropped { from, copy, why } => {
            event.why = Some(why.to_string());
            ("dropped", ends(event, *from, copy))
        }
        TraceEvent::Delivered { from, copy } => ("delivered", ends(event, *from, copy)),
        TraceEvent::Waits { from, copy } => ("waits", ends(event, *from, copy)),
        TraceEvent::Own { kind, subject, .. } => {
            event.messages = Some([(*kind, *subject)].into());
            ("own", Part::Input)
        }
        TraceEvent::Appended { records } => {
            event.records = number(*records);
            ("appended", Part::Effect)
        }
        TraceEvent::Synced { records } => {
            event.records = number(*records);
            ("synced", Part::Input)
        }
        TraceEvent::Woke { .. } => ("woke", Part::Input),
        TraceEvent::DiskSpace { .. } => ("disk_space", Part::Input),
        TraceEvent::Healed { .. } => ("healed", Part::Step),
        TraceEvent::Struck(_) => ("struck", Part::Fault),
        TraceEvent::Rotted { .. } => ("rotted", Part::Fault),
        TraceEvent::FileLost { .. } => ("file_lost", Part::Fault),
        TraceEvent::Slowed { .. } => ("slowed", Part::Fault),
        TraceEvent::Clock { .. } => ("clock", Part::Fault),
        TraceEvent::LinkDown { ends: (one, other), .. } => {
            (event.from, event.to) = (Some(*one), Some(*other));
            ("link_down", Part::Fault)
        }
        TraceEvent::LinkUp { ends: (one, other) } => {
            (event.from, event.to) = (Some(*one), Some(*other));
            ("link_up", Part::Fault)
        }
        TraceEvent::ToldOfLink { peer, .. } => {
            event.from = Some(*peer);
            ("told_of_link", Part::Input)
        }
        TraceEvent::Probed => ("probed", Part::Step),
        TraceEvent::Restarted => ("restarted", Part::Step),
        TraceEvent::Logged(_) => ("logged", Part::Effect),
    };
    event.kind = kind;
    part
}

fn leaves(event: &mut RunEvent, to: ProcessId, copy: &TracedCopy) -> Part {
    event.to = Some(to);
    event.contents = copy.contents.clone();
    carry(event, copy);
    Part::Leaves
}

fn ends(event: &mut RunEvent, from: ProcessId, copy: &TracedCopy) -> Part {
    event.from = Some(from);
    carry(event, copy);
    Part::Ends
}

fn carry(event: &mut RunEvent, TracedCopy { labels, copy, is_background, contents: _ }: &TracedCopy) {
    event.messages = Some(labels.clone());
    event.background = *is_background;
    if copy.number > 0 {
        event.copy = Some(copy.number);
        event.of = (copy.of != copy.number).then_some(copy.of);
    }
}

fn numbers(copies: &[CopyId]) -> Vec<u32> {
    copies.iter().map(|copy| copy.number).collect()
}

const fn ruling_name(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Drop => "drop",
        Ruling::Delay(_) => "delay",
        Ruling::Duplicate { .. } => "duplicate",
        Ruling::Corrupt => "corrupt",
        Ruling::Truncate => "truncate",
        Ruling::Misdeliver(_) => "misdeliver",
        Ruling::Keep => "keep",
    }
}
