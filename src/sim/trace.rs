//! What happened, line by line: structured when it happens, text when somebody asks.
//!
//! ```text
//! 0.120000  S0       -> S1 Accept slot 4: lost
//! 0.120000  --       step 2: isolate S0
//! ```
//!
//! Fixed columns: time, process (`--` for the world), what. Cause comes before effect. A [`TraceLevel::Notable`]
//! trace counts routine events between groups of lines of the same moment. Beyond the limit on lines the
//! oldest go, a chunk at a time, and the text starts with how many went.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::{self, Write};

use crate::chunks::Chunks;
use crate::frame::Rejected;
use crate::ids::{ProcessId, SiteSet};
use crate::process::{Process, Subject};
use crate::sim::director::StepId;
use crate::sim::rule::{Rule, Ruling};
use crate::sim::rules::Whom;
use crate::sim::script::{Action, Seam};
use crate::sim::settings::{TraceLevel, TraceSettings};
use crate::sim::words::{action_text, ruling_text, seam_text};
use crate::time::{Duration, Instant};
use crate::wire::WireError;

/// What sort of line it is, for whoever colours or filters them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LineClass {
    /// Sends, deliveries, syncs, wake-ups.
    Routine,
    /// A step of the script.
    Step,
    /// A crash, a loss, anything that went wrong, on purpose or not.
    Fault,
    /// A process starts, or goes on.
    Life,
    /// A process says what it did, or is told what to do.
    Note,
    /// How many routine events were left out.
    Elision,
}

/// Why a datagram did not arrive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// The network lost it by chance.
    Chance,
    /// A rule dropped it.
    Rule,
    /// The link was cut when it was sent.
    CutAtSending,
    /// The link was cut when it should have arrived.
    CutAtDelivery,
    /// Its receiver was not running.
    Down,
    /// Too much waited at its receiver.
    InboxFull,
    /// The receiver refused its frame.
    Rejected(Rejected),
    /// A message in it does not decode.
    Undecodable(WireError),
    /// There is no such process.
    Nowhere,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Chance => f.write_str("lost"),
            Loss::Rule => f.write_str("dropped by a rule"),
            Loss::CutAtSending => f.write_str("the link is cut"),
            Loss::CutAtDelivery => f.write_str("the link was cut under way"),
            Loss::Down => f.write_str("nobody is there"),
            Loss::InboxFull => f.write_str("its inbox is full"),
            Loss::Rejected(reason) => write!(f, "{reason}"),
            Loss::Undecodable(error) => write!(f, "message that does not decode: {error}"),
            Loss::Nowhere => f.write_str("there is no such process"),
        }
    }
}

/// Name and subject of each message in a datagram.
pub type SharedLabels = Arc<[(&'static str, Subject)]>;

/// What one line tells.
#[derive(Clone, Debug)]
pub(crate) enum What<P: Process> {
    Fired { step: StepId, action: Box<Action<P::Command>>, whom: Whom },
    Started { incarnation: u64, records: usize, is_site: bool },
    Failed { reason: Arc<str> },
    Crashed { at: Option<Seam>, undone: usize, torn: bool },
    Idle { what: &'static str },
    Paused,
    Resumed { waiting: usize },
    Commanded { command: P::Command },
    Noted { note: P::Note },
    Leads { rank: u64 },
    Sent { to: ProcessId, labels: SharedLabels },
    Lost { to: ProcessId, labels: SharedLabels, why: Loss },
    Ruled { to: ProcessId, labels: SharedLabels, rule: Arc<Rule> },
    Doubled { to: ProcessId, labels: SharedLabels },
    HeldBack { to: ProcessId, labels: SharedLabels, by: Duration },
    Dropped { from: ProcessId, labels: SharedLabels, why: Loss },
    Delivered { from: ProcessId, labels: SharedLabels },
    Own { kind: &'static str, subject: Subject },
    Appended { records: usize },
    Synced { records: usize },
    Woke { reason: &'static str },
    DiskLow,
    Healed { core: SiteSet },
    Elided { count: u64 },
}

impl<P: Process> What<P> {
    fn class(&self) -> LineClass {
        match self {
            What::Fired { .. } | What::Healed { .. } => LineClass::Step,
            What::Started { incarnation: 1, is_site: false, .. } => LineClass::Routine,
            What::Started { .. } | What::Resumed { .. } => LineClass::Life,
            What::Failed { .. } | What::Crashed { .. } | What::Paused | What::Idle { .. } => LineClass::Fault,
            What::Lost { .. } | What::Dropped { .. } | What::Ruled { .. } => LineClass::Fault,
            What::Doubled { .. } | What::HeldBack { .. } | What::DiskLow => LineClass::Fault,
            What::Commanded { .. } | What::Noted { .. } | What::Leads { .. } => LineClass::Note,
            What::Sent { .. } | What::Delivered { .. } | What::Own { .. } => LineClass::Routine,
            What::Appended { .. } | What::Synced { .. } | What::Woke { .. } => LineClass::Routine,
            What::Elided { .. } => LineClass::Elision,
        }
    }
}

/// One line of a trace.
#[derive(Clone, Debug)]
pub struct Line<P: Process> {
    at: Instant,
    who: Option<ProcessId>,
    what: What<P>,
}

impl<P: Process> Line<P> {
    /// When it happened.
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// To which process; `None` for the world.
    pub const fn who(&self) -> Option<ProcessId> {
        self.who
    }

    /// What sort of line it is.
    pub fn class(&self) -> LineClass {
        self.what.class()
    }
}

/// The messages of a datagram: `Accept slot 4 + Accept slot 5`.
struct Said<'a>(&'a SharedLabels);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, subject)) in self.0.iter().enumerate() {
            f.write_str(if place > 0 { " + " } else { "" })?;
            write_message(f, kind, *subject)?;
        }
        if self.0.is_empty() { f.write_str("raw bytes") } else { Ok(()) }
    }
}

fn write_message(f: &mut fmt::Formatter<'_>, kind: &str, subject: Subject) -> fmt::Result {
    f.write_str(kind)?;
    if subject != Subject::NONE { write!(f, " {subject}") } else { Ok(()) }
}

impl<P: Process> fmt::Display for Line<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let What::Elided { count } = &self.what {
            return write!(f, "                   ... {}", Count(*count, "routine event"));
        }
        let time = alloc::format!("{}", self.at);
        let who = self.who.map_or_else(|| "--".into(), |who| alloc::format!("{who}"));
        write!(f, "{time:>11}  {who:<5} ")?;
        match &self.what {
            What::Fired { step, action, whom } => {
                write!(f, "{}: {}", Place(*step), action_text(action, *whom))
            }
            What::Started { incarnation: 1, records: 0, .. } => f.write_str("starts"),
            What::Started { incarnation, records, .. } => {
                write!(f, "starts, incarnation {incarnation}, {}", Count(*records, "record"))
            }
            What::Failed { reason } => write!(f, "stops: {reason}"),
            What::Crashed { at, undone, torn } => {
                f.write_str("crashes")?;
                at.map_or(Ok(()), |seam| write!(f, " {}", seam_text(seam)))?;
                match (undone, torn) {
                    (0, _) => Ok(()),
                    (undone, false) => write!(f, ", {} lost", Count(*undone, "unsynced write")),
                    (undone, true) => {
                        write!(f, ", {} lost, the last one torn", Count(*undone, "unsynced write"))
                    }
                }
            }
            What::Idle { what } => f.write_str(what),
            What::Paused => f.write_str("pauses"),
            What::Resumed { waiting } => write!(f, "goes on, {} waiting", Count(*waiting, "input")),
            What::Commanded { command } => write!(f, "is asked: {command}"),
            What::Noted { note } => write!(f, "{note}"),
            What::Leads { rank } => write!(f, "leads, rank {rank}"),
            What::Sent { to, labels } => write!(f, "-> {to} {}", Said(labels)),
            What::Lost { to, labels, why } => write!(f, "-> {to} {}: {why}", Said(labels)),
            What::Ruled { to, labels, rule } => {
                write!(f, "-> {to} {}: ", Said(labels))?;
                let name = rule.name.as_deref().unwrap_or("a rule");
                match rule.ruling {
                    Ruling::Drop => write!(f, "dropped by {name}"),
                    Ruling::Delay(_) | Ruling::Duplicate { .. } => {
                        write!(f, "{name}, {}", ruling_text(rule.ruling))
                    }
                }
            }
            What::Doubled { to, labels } => write!(f, "-> {to} {}: doubled", Said(labels)),
            What::HeldBack { to, labels, by } => write!(f, "-> {to} {}: takes {by}", Said(labels)),
            What::Dropped { from, labels, why } => write!(f, "<- {from} {}: {why}", Said(labels)),
            What::Delivered { from, labels } => write!(f, "<- {from} {}", Said(labels)),
            What::Own { kind, subject } => {
                f.write_str("<- itself ")?;
                write_message(f, kind, *subject)
            }
            What::Appended { records } => write!(f, "appends {}", Count(*records, "record")),
            What::Synced { records } => write!(f, "has synced {}", Count(*records, "record")),
            What::Woke { reason } => write!(f, "wakes: {reason}"),
            What::DiskLow => f.write_str("is told that its disk is almost full"),
            What::Healed { core } => write!(f, "faults stop, {core} heal"),
            What::Elided { .. } => Ok(()),
        }
    }
}

/// `1 record`, `2 records`.
struct Count<N>(N, &'static str);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Count<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == N::from(1) { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

/// `step 3`, or `also 1 step 3` in another track than the first; counted from 1.
struct Place(StepId);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.track > 0 {
            write!(f, "also {} ", self.0.track)?;
        }
        write!(f, "step {}", self.0.index + 1)
    }
}

/// The lines of a run.
#[derive(Clone, Debug)]
pub struct Trace<P: Process> {
    settings: TraceSettings,
    lines: Chunks<Line<P>>,
    /// Lines that went beyond the limit.
    forgotten: u64,
    /// Routine events since the last elision was written.
    elided: u64,
}

impl<P: Process> Trace<P> {
    pub(crate) fn new(settings: TraceSettings) -> Trace<P> {
        Trace { settings, lines: Chunks::default(), forgotten: 0, elided: 0 }
    }

    /// Notes one line, which is only made if it is kept.
    pub(crate) fn note(
        &mut self,
        at: Instant,
        who: impl Into<Option<ProcessId>>,
        class: LineClass,
        what: impl FnOnce() -> What<P>,
    ) {
        match (self.settings.level, class) {
            (TraceLevel::Off, _) => return,
            (TraceLevel::Notable, LineClass::Routine) => {
                self.elided += 1;
                return;
            }
            (TraceLevel::Notable | TraceLevel::Full, _) => {}
        }
        // Between groups only: a count inside a group would tell nothing and change often.
        if self.elided > 0 && self.lines.last().is_none_or(|last| last.at != at) {
            let what = What::Elided { count: core::mem::take(&mut self.elided) };
            self.push(Line { at, who: None, what });
        }
        let line = Line { at, who: who.into(), what: what() };
        debug_assert_eq!(line.class(), class, "a line is noted under its own class");
        self.push(line);
    }

    fn push(&mut self, line: Line<P>) {
        self.lines.push(line);
        if self.lines.len() > self.settings.lines_max {
            self.forgotten += self.lines.forget_oldest() as u64;
        }
    }

    /// The lines that are kept, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line<P>> {
        self.lines.iter()
    }

    /// How many older lines went beyond the limit.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Everything that is kept, as text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let _ = write!(text, "{self}");
        text
    }
}

impl<P: Process> fmt::Display for Trace<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.forgotten > 0 {
            writeln!(f, "                   ... {}", Count(self.forgotten, "earlier line"))?;
        }
        for line in self.lines() {
            writeln!(f, "{line}")?;
        }
        if self.elided > 0 {
            writeln!(f, "                   ... {}", Count(self.elided, "routine event"))?;
        }
        Ok(())
    }
}
