//! The trace of a run: structured lines as events happen, and text on request.
//!
//! ```text
//!    0.120000    +7  S0     -> S1 Accept slot 4: lost
//!    0.120000        --     step 2: isolate S0
//! ```
//!
//! Fixed columns: time, number of routine events left out before the line, process (`--` for the world), event. A
//! cause comes before its effect. A [`TraceLevel::Notable`](crate::sim::TraceLevel::Notable) trace leaves out routine
//! events and counts them. Beyond the limit on lines, the oldest are dropped in chunks, and the text starts with the
//! number dropped.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::cow_log::CowLog;
use crate::frame::Rejected;
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::{Label, Process, Subject};
use crate::sim::host::disk::calls::Struck;
use crate::sim::host::disk::faults::Residue;
use crate::sim::net::rule::{LinkRule, Ruling};
use crate::sim::net::rules::Resolved;
use crate::sim::net::streams::Broken;
use crate::sim::script::describe::{clock_text, ruling_text, seam_text};
use crate::sim::script::director::StepId;
use crate::sim::script::{ClockFault, Leaves, ScriptAction, Seam};
use crate::sim::settings::TraceSettings;
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
            Loss::QueueFull => f.write_str("too much waits for its link"),
            Loss::Rule => f.write_str("dropped by a rule"),
            Loss::CutAtSending => f.write_str("the link is cut"),
            Loss::CutAtDelivery => f.write_str("the link was cut under way"),
            Loss::LinkDown => f.write_str("its link is down"),
            Loss::LinkBroken => f.write_str("its link broke under way"),
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

/// The event that one line shows.
#[derive(Clone, Debug)]
pub(crate) enum TraceEvent<P: Process> {
    Fired { step: StepId, action: Box<ScriptAction<P::Command>>, targets: Resolved },
    Started { incarnation: u64, records: usize },
    Failed { reason: Arc<str> },
    Crashed { at: Option<Seam>, undone: usize, leaves: Leaves, residue: Residue },
    Ended { unanswered: usize },
    Idle { what: &'static str },
    NeverCampaigned { first: SiteId, asleep: SiteSet },
    Paused,
    Resumed { waiting: usize },
    Commanded { command: P::Command },
    Noted { note: P::Note },
    Leads { rank: u64 },
    Sent { to: ProcessId, labels: SharedLabels },
    Lost { to: ProcessId, labels: SharedLabels, why: Loss },
    Ruled { to: ProcessId, labels: SharedLabels, rule: Arc<LinkRule> },
    Doubled { to: ProcessId, labels: SharedLabels },
    HeldBack { to: ProcessId, labels: SharedLabels, by: Duration },
    Again { to: ProcessId, labels: SharedLabels, by: Duration },
    Repeated { from: ProcessId, labels: SharedLabels, sent: Instant },
    Redelivered { count: usize },
    CutShort { to: ProcessId, labels: SharedLabels, left: usize, of: usize },
    Flipped { to: ProcessId, labels: SharedLabels, bits: u32 },
    Strayed { to: ProcessId, labels: SharedLabels, at: ProcessId },
    Clogged { to: ProcessId, labels: SharedLabels },
    Unclogged { to: SiteId, count: usize },
    Queued { to: ProcessId, labels: SharedLabels, by: Duration },
    Dropped { from: ProcessId, labels: SharedLabels, why: Loss },
    Delivered { from: ProcessId, labels: SharedLabels },
    Own { kind: &'static str, subject: Subject },
    Appended { records: usize },
    Synced { records: usize },
    Woke { reason: &'static str },
    DiskSpace { is_low: bool },
    Healed { core: SiteSet },
    Struck(Struck),
    Rotted { file: String, at: u64 },
    FileLost { file: String },
    Slowed { time: Duration },
    Clock { fault: ClockFault, shows: Instant },
    Waits { from: ProcessId, labels: SharedLabels },
    LinkDown { ends: (ProcessId, ProcessId), why: Broken },
    LinkUp { ends: (ProcessId, ProcessId) },
    ToldOfLink { peer: ProcessId, up: bool },
    Probed,
    Restarted,
    Logged(LogLine),
}

/// One line of a trace.
#[derive(Clone, Debug)]
pub struct Line<P: Process> {
    at: Instant,
    who: Option<ProcessId>,
    class: LineClass,
    /// Routine events left out since the previous line.
    elided: u64,
    what: TraceEvent<P>,
}

impl<P: Process> Line<P> {
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
        let of = |what: &str, labels: &SharedLabels, how: &str| {
            let (kind, _) = labels.first().copied().unwrap_or(("raw bytes", Subject::NONE));
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
            TraceEvent::Sent { labels, .. } => of("by", labels, "sent"),
            TraceEvent::Lost { labels, .. } => of("from", labels, "lost"),
            TraceEvent::Dropped { labels, .. } => of("at", labels, "lost"),
            TraceEvent::Ruled { labels, .. } => of("from", labels, "ruled"),
            TraceEvent::Doubled { labels, .. } => of("from", labels, "doubled"),
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

    /// This line alone, as text.
    pub fn entry(&self) -> StoryEntry {
        EntryBuilder::new(self).finish()
    }
}

/// Displays the messages of a datagram: `Accept slot 4 + Accept slot 5`.
struct SentMessages<'a>(&'a SharedLabels);

impl fmt::Display for SentMessages<'_> {
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
            TraceEvent::Failed { reason } => write!(f, "stops: {reason}"),
            TraceEvent::Crashed { at, undone, leaves, residue } => {
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
            TraceEvent::Ended { unanswered } => {
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
            TraceEvent::Sent { to, labels } => write!(f, "-> {to} {}", SentMessages(labels)),
            TraceEvent::Lost { to, labels, why } => write!(f, "-> {to} {}: {why}", SentMessages(labels)),
            TraceEvent::Ruled { to, labels, rule } => {
                write!(f, "-> {to} {}: ", SentMessages(labels))?;
                let name = rule.name.as_deref().unwrap_or("a rule");
                match rule.ruling {
                    Ruling::Drop => write!(f, "dropped by {name}"),
                    other => write!(f, "{name}, {}", ruling_text(other)),
                }
            }
            TraceEvent::Doubled { to, labels } => write!(f, "-> {to} {}: doubled", SentMessages(labels)),
            TraceEvent::HeldBack { to, labels, by } => {
                write!(f, "-> {to} {}: takes {by}", SentMessages(labels))
            }
            TraceEvent::Again { to, labels, by } => {
                write!(f, "-> {to} {}: will arrive again {by} later", SentMessages(labels))
            }
            TraceEvent::Repeated { from, labels, sent } => {
                write!(f, "<- {from} {}: again, sent at {}", SentMessages(labels), *sent)
            }
            TraceEvent::Redelivered { count } => write!(f, "{}", CopyCount(*count)),
            TraceEvent::CutShort { to, labels, left, of } => {
                write!(f, "-> {to} {}: only {left} of its {of} bytes go on", SentMessages(labels))
            }
            TraceEvent::Flipped { to, labels, bits } => {
                write!(f, "-> {to} {}: {} flipped", SentMessages(labels), Count(*bits, "bit"))
            }
            TraceEvent::Strayed { to, labels, at } => {
                write!(f, "-> {to} {}: goes to {at} instead", SentMessages(labels))
            }
            TraceEvent::Clogged { to, labels } => {
                write!(f, "-> {to} {}: held, its link is clogged", SentMessages(labels))
            }
            TraceEvent::Unclogged { to, count } => {
                write!(f, "-> {to} is open again for {}", Count(*count, "held datagram"))
            }
            TraceEvent::Queued { to, labels, by } => {
                write!(f, "-> {to} {}: sent within {by}", SentMessages(labels))
            }
            TraceEvent::Dropped { from, labels, why } => {
                write!(f, "<- {from} {}: {why}", SentMessages(labels))
            }
            TraceEvent::Delivered { from, labels } => write!(f, "<- {from} {}", SentMessages(labels)),
            TraceEvent::Own { kind, subject } => {
                f.write_str("<- itself ")?;
                write_message(f, kind, *subject)
            }
            TraceEvent::Appended { records } => write!(f, "appends {}", Count(*records, "record")),
            TraceEvent::Synced { records } => write!(f, "has synced {}", Count(*records, "record")),
            TraceEvent::Woke { reason } => write!(f, "wakes: {reason}"),
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
            TraceEvent::Waits { from, labels } => {
                write!(f, "<- {from} {}: waits for its link", SentMessages(labels))
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
struct Count<N>(N, &'static str);

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
struct StepNumber(StepId);

impl fmt::Display for StepNumber {
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
    pub(in crate::sim::watch) settings: TraceSettings,
    lines: CowLog<Line<P>>,
    /// The number of lines dropped beyond the limit.
    forgotten: u64,
    /// Routine events left out since the last line.
    pub(in crate::sim::watch) elided: u64,
}

impl<P: Process> Trace<P> {
    pub(crate) fn new(settings: TraceSettings) -> Trace<P> {
        Trace { settings, lines: CowLog::default(), forgotten: 0, elided: 0 }
    }

    /// Builds one line and keeps it.
    #[cold]
    pub(in crate::sim::watch) fn keep(
        &mut self,
        at: Instant,
        who: Option<ProcessId>,
        class: LineClass,
        what: impl FnOnce() -> TraceEvent<P>,
    ) {
        let elided = core::mem::take(&mut self.elided);
        let line = Line { at, who, class, elided, what: what() };
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

    /// The number of lines kept.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether no line is kept.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The number of older lines dropped beyond the limit.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The number of lines written, dropped ones included.
    pub fn written(&self) -> u64 {
        self.forgotten + self.lines.len() as u64
    }

    /// The number of routine events left out since the last line.
    pub const fn elided(&self) -> u64 {
        self.elided
    }

    /// The kept lines, condensed. The same event at several sites in one moment becomes one entry. So does the loss
    /// of one datagram for several recipients.
    pub fn story(&self) -> Vec<StoryEntry> {
        let mut entries: Vec<EntryBuilder<'_, P>> = Vec::new();
        for line in self.lines() {
            if !entries.last_mut().is_some_and(|last| last.takes(line)) {
                entries.push(EntryBuilder::new(line));
            }
        }
        entries.into_iter().map(EntryBuilder::finish).collect()
    }

    /// The kept lines as text, condensed as in [`story`](Trace::story).
    pub fn render(&self) -> String {
        let mut text = String::new();
        let _ = write!(text, "{self}");
        text
    }
}

/// One entry of a [story](Trace::story). Displayed in fixed columns: time, number of routine events left out before
/// it, processes, event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoryEntry {
    /// The time of the event.
    pub at: Instant,
    /// The processes that it happened to, in ascending order; empty for the world.
    pub who: Vec<ProcessId>,
    /// The class of the entry.
    pub class: LineClass,
    /// Routine events left out before it.
    pub elided: u64,
    /// The event, as text.
    pub what: String,
}

impl fmt::Display for StoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elided = if self.elided > 0 { alloc::format!("+{}", self.elided) } else { String::new() };
        let (time, who) = (alloc::format!("{}", self.at), alloc::format!("{}", Parties(&self.who)));
        write!(f, "{time:>11} {elided:>5}  {who:<6} {}", self.what)
    }
}

/// Displays `S0`, `S012` for several sites, `--` for the world.
struct Parties<'a>(&'a [ProcessId]);

impl fmt::Display for Parties<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("--"),
            [one] => write!(f, "{one}"),
            several => write!(f, "{}", several.iter().filter_map(|id| id.as_site()).collect::<SiteSet>()),
        }
    }
}

/// An entry that may still grow.
struct EntryBuilder<'a, P: Process> {
    first: &'a Line<P>,
    what: String,
    who: Vec<ProcessId>,
    /// The recipients, if the entry is a loss at a sender.
    to: Vec<ProcessId>,
    elided: u64,
}

impl<'a, P: Process> EntryBuilder<'a, P> {
    fn new(first: &'a Line<P>) -> EntryBuilder<'a, P> {
        let to = match first.what {
            TraceEvent::Lost { to, .. } => [to].into(),
            _ => Vec::new(),
        };
        let what = alloc::format!("{}", first.what);
        EntryBuilder { first, what, who: first.who.into_iter().collect(), to, elided: first.elided }
    }

    /// Merges `line` into the entry if it is the same event at another site or for another recipient.
    fn takes(&mut self, line: &Line<P>) -> bool {
        if (line.at, line.class) != (self.first.at, self.first.class) {
            return false;
        }
        let is_site = |id: &ProcessId| id.as_site().is_some();
        let took = match (&self.first.what, &line.what) {
            (TraceEvent::Lost { labels, why, .. }, TraceEvent::Lost { to, labels: same, why: also }) => {
                let same_datagram = Arc::ptr_eq(labels, same) && why == also;
                let of_sites = line.who == self.first.who && self.to.iter().chain([to]).all(is_site);
                (same_datagram && of_sites).then(|| self.to.push(*to))
            }
            (_, what) => line.who.and_then(|who| {
                let new = is_site(&who) && self.who.iter().all(|known| is_site(known) && *known < who);
                (new && !self.who.is_empty() && alloc::format!("{what}") == self.what)
                    .then(|| self.who.push(who))
            }),
        };
        if took.is_some() {
            self.elided += line.elided;
        }
        took.is_some()
    }

    fn finish(self) -> StoryEntry {
        let what = match &self.first.what {
            TraceEvent::Lost { labels, why, .. } => {
                alloc::format!("-> {} {}: {why}", Parties(&self.to), SentMessages(labels))
            }
            _ => self.what,
        };
        StoryEntry { at: self.first.at, who: self.who, class: self.first.class, elided: self.elided, what }
    }
}

impl<P: Process> fmt::Display for Trace<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.forgotten > 0 {
            writeln!(f, "... {}", Count(self.forgotten, "earlier line"))?;
        }
        for entry in self.story() {
            writeln!(f, "{entry}")?;
        }
        if self.elided > 0 {
            writeln!(f, "... {}", Count(self.elided, "routine event"))?;
        }
        Ok(())
    }
}
