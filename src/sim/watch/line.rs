//! One line of a trace: what happened, and its text.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::frame::Rejected;
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::{Label, Process, Subject};
use crate::sim::host::disk::calls::Struck;
use crate::sim::host::disk::faults::Residue;
use crate::sim::net::packets::CopyId;
use crate::sim::net::rule::{LinkRule, Ruling};
use crate::sim::net::rules::Resolved;
use crate::sim::net::streams::Broken;
use crate::sim::script::describe::{clock_text, ruling_text, seam_text};
use crate::sim::script::director::StepId;
use crate::sim::script::{ClockFault, Leaves, ScriptAction, Seam};
use crate::sim::watch::log::LogLine;
use crate::time::{Duration, Instant};
use crate::wire::WireError;

/// The class of a trace line, for colours and filters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LineClass {
    /// Sends, deliveries, syncs, wake-ups.
    Routine,
    /// A step of the script.
    Step,
    /// A crash, a loss or any other fault, whether a step or chance caused it.
    Fault,
    /// A process starts or resumes.
    Life,
    /// A process makes a note.
    Note,
    /// A crate that a process uses writes a line to its log.
    Log,
}

/// Why a datagram did not arrive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The network lost it by chance.
    Chance,
    /// The network lost it in a burst.
    Burst,
    /// The link is clogged and already held all that it may.
    ClogFull,
    /// The held network already held all that it may.
    HoldFull,
    /// The queue of the link was full.
    QueueFull,
    /// A rule dropped it.
    Rule,
    /// The link was cut at the time of sending.
    CutAtSending,
    /// The link was cut at the time of delivery.
    CutAtDelivery,
    /// The link was broken at the time of sending.
    LinkDown,
    /// The link broke while the datagram was under way.
    LinkBroken,
    /// A step lost it.
    ByHand,
    /// Its receiver was not running.
    Down,
    /// The inbox of the receiver was full.
    InboxFull,
    /// The receiver rejected the frame.
    Rejected(Rejected),
    /// A message in the datagram does not decode.
    Undecodable(WireError),
    /// The addressee does not exist.
    Nowhere,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Chance => f.write_str("lost"),
            Loss::Burst => f.write_str("lost in a burst"),
            Loss::ClogFull => f.write_str("its clogged link holds no more"),
            Loss::HoldFull => f.write_str("the held network holds no more"),
            Loss::QueueFull => f.write_str("too much waits for its link"),
            Loss::Rule => f.write_str("dropped by a rule"),
            Loss::CutAtSending => f.write_str("the link is cut"),
            Loss::CutAtDelivery => f.write_str("the link was cut under way"),
            Loss::LinkDown => f.write_str("its link is down"),
            Loss::LinkBroken => f.write_str("its link broke under way"),
            Loss::ByHand => f.write_str("lost by hand"),
            Loss::Down => f.write_str("not running"),
            Loss::InboxFull => f.write_str("its inbox is full"),
            Loss::Rejected(reason) => write!(f, "{reason}"),
            Loss::Undecodable(error) => write!(f, "message that does not decode: {error}"),
            Loss::Nowhere => f.write_str("there is no such process"),
        }
    }
}

/// Name and subject of each message in a datagram.
pub type SharedLabels = Arc<[(&'static str, Subject)]>;

/// What each message of a datagram holds, as text.
pub type Contents = Arc<[String]>;

/// One copy of a datagram, as lines show it.
#[derive(Clone, Debug)]
pub(crate) struct TracedCopy {
    pub(crate) labels: SharedLabels,
    pub(crate) contents: Option<Contents>,
    pub(crate) copy: CopyId,
    /// Whether its loss is routine, because another one follows.
    pub(crate) is_background: bool,
}

/// The copies that waited for a process that has ended.
pub(crate) type Buried = Vec<CopyId>;

/// The event that one line shows.
#[derive(Clone, Debug)]
pub(crate) enum TraceEvent<P: Process> {
    Fired {
        step: StepId,
        action: Box<ScriptAction<P::Command>>,
        targets: Resolved,
    },
    Started {
        incarnation: u64,
        records: usize,
    },
    Failed {
        reason: Arc<str>,
        buried: Buried,
    },
    Crashed {
        at: Option<Seam>,
        undone: usize,
        leaves: Leaves,
        residue: Residue,
        buried: Buried,
    },
    Ended {
        unanswered: usize,
        buried: Buried,
    },
    Idle {
        what: &'static str,
    },
    NeverCampaigned {
        first: SiteId,
        asleep: SiteSet,
    },
    Paused,
    Resumed {
        waiting: usize,
    },
    Commanded {
        command: P::Command,
    },
    Noted {
        note: P::Note,
    },
    Leads {
        rank: u64,
    },
    Sent {
        to: ProcessId,
        copy: TracedCopy,
    },
    Lost {
        to: ProcessId,
        copy: TracedCopy,
        why: Loss,
    },
    Ruled {
        to: ProcessId,
        copy: TracedCopy,
        rule: Arc<LinkRule>,
    },
    Doubled {
        to: ProcessId,
        copy: TracedCopy,
    },
    HeldBack {
        to: ProcessId,
        copy: TracedCopy,
        by: Duration,
    },
    Delayed {
        to: ProcessId,
        copy: TracedCopy,
        by: Duration,
    },
    Again {
        to: ProcessId,
        copy: TracedCopy,
        by: Duration,
    },
    Repeated {
        from: ProcessId,
        copy: TracedCopy,
        sent: Instant,
    },
    Redelivered {
        count: usize,
        copies: Vec<CopyId>,
    },
    CutShort {
        to: ProcessId,
        copy: TracedCopy,
        left: usize,
        of: usize,
    },
    Flipped {
        to: ProcessId,
        copy: TracedCopy,
        bits: u32,
    },
    Strayed {
        to: ProcessId,
        copy: TracedCopy,
        at: ProcessId,
    },
    Clogged {
        to: ProcessId,
        copy: TracedCopy,
    },
    Unclogged {
        to: SiteId,
        count: usize,
    },
    Queued {
        to: ProcessId,
        copy: TracedCopy,
        by: Duration,
    },
    Dropped {
        from: ProcessId,
        copy: TracedCopy,
        why: Loss,
    },
    Delivered {
        from: ProcessId,
        copy: TracedCopy,
    },
    Own {
        kind: &'static str,
        subject: Subject,
        /// The line of a full trace that shows the input that sent it.
        sent: Option<u64>,
    },
    Appended {
        records: usize,
    },
    Synced {
        records: usize,
    },
    Woke {
        reason: &'static str,
        /// The line of a full trace that shows the input after which it first had this deadline.
        wanted: Option<u64>,
    },
    DiskSpace {
        is_low: bool,
    },
    Healed {
        core: SiteSet,
    },
    Struck(Struck),
    Rotted {
        file: String,
        at: u64,
    },
    FileLost {
        file: String,
    },
    Slowed {
        time: Duration,
    },
    Clock {
        fault: ClockFault,
        shows: Instant,
    },
    Waits {
        from: ProcessId,
        copy: TracedCopy,
    },
    LinkDown {
        ends: (ProcessId, ProcessId),
        why: Broken,
    },
    LinkUp {
        ends: (ProcessId, ProcessId),
    },
    ToldOfLink {
        peer: ProcessId,
        up: bool,
    },
    Probed,
    Restarted,
    Logged(LogLine),
}

/// One line of a trace.
#[derive(Clone, Debug)]
pub struct Line<P: Process> {
    /// The number of the world's event that it belongs to.
    pub(in crate::sim::watch) event: u64,
    pub(in crate::sim::watch) at: Instant,
    pub(in crate::sim::watch) who: Option<ProcessId>,
    pub(in crate::sim::watch) class: LineClass,
    /// Routine events left out since the previous line.
    pub(in crate::sim::watch) elided: u64,
    pub(in crate::sim::watch) what: TraceEvent<P>,
}

/// What a user asked a process, or what a process noted.
#[derive(Debug)]
pub enum Told<'a, P: Process> {
    /// A user's command is handed in.
    Commanded(&'a P::Command),
    /// The process made a note.
    Noted(&'a P::Note),
}

impl<P: Process> Line<P> {
    /// The command or note that it shows, if it shows one.
    pub const fn told(&self) -> Option<Told<'_, P>> {
        match &self.what {
            TraceEvent::Commanded { command } => Some(Told::Commanded(command)),
            TraceEvent::Noted { note } => Some(Told::Noted(note)),
            _ => None,
        }
    }

    /// When it happened.
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// The process that it happened to; `None` for the world.
    pub const fn who(&self) -> Option<ProcessId> {
        self.who
    }

    /// The class of the line.
    pub const fn class(&self) -> LineClass {
        self.class
    }

    /// The kinds of this event, in plain words, widest kind first: `note leads`, `note leads by S1`. Empty for an
    /// event that carries no information by itself, like a wake-up.
    pub fn topics(&self) -> Vec<String> {
        let who = self.who.map(|who| alloc::format!("{who}")).unwrap_or_default();
        let of = |what: &str, copy: &TracedCopy, how: &str| {
            let (kind, _) = copy.labels.first().copied().unwrap_or(("raw bytes", Subject::NONE));
            alloc::vec![alloc::format!("{kind} {how}"), alloc::format!("{kind} {how} {what} {who}")]
        };
        match &self.what {
            TraceEvent::Fired { step, .. } => alloc::vec![alloc::format!("{} fires", StepNumber(*step))],
            TraceEvent::Started { incarnation, .. } if *incarnation > 1 => {
                alloc::vec!["restart".into(), alloc::format!("{who} restarts")]
            }
            TraceEvent::Failed { .. } => alloc::vec![alloc::format!("{who} stops")],
            TraceEvent::Crashed { .. } => alloc::vec!["crash".into(), alloc::format!("{who} crashes")],
            TraceEvent::Noted { note } => {
                let kind = note.kind();
                alloc::vec![alloc::format!("note {kind}"), alloc::format!("note {kind} by {who}")]
            }
            TraceEvent::Sent { copy, .. } => of("by", copy, "sent"),
            TraceEvent::Lost { copy, .. } => of("from", copy, "lost"),
            TraceEvent::Dropped { copy, .. } => of("at", copy, "lost"),
            TraceEvent::Ruled { copy, .. } => of("from", copy, "ruled"),
            TraceEvent::Doubled { copy, .. } => of("from", copy, "doubled"),
            TraceEvent::LinkDown { ends: (one, other), .. } => {
                alloc::vec!["link down".into(), alloc::format!("link down {one} - {other}")]
            }
            TraceEvent::LinkUp { ends: (one, other) } => {
                alloc::vec!["link up".into(), alloc::format!("link up {one} - {other}")]
            }
            // The steps show which processes pause and resume. The other events carry no information by themselves.
            _ => Vec::new(),
        }
    }
}

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
