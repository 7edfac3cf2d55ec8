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
use crate::sim::net::rule::LinkRule;
use crate::sim::net::rules::Resolved;
use crate::sim::net::streams::Broken;
use crate::sim::script::director::StepId;
use crate::sim::script::{ClockFault, Leaves, ScriptAction, Seam};
use crate::sim::watch::log::LogLine;
use crate::time::{Duration, Instant};
use crate::wire::WireError;

mod text;

pub(in crate::sim::watch) use text::{Count, SentMessages, StepNumber};

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
