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

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::cow_log::CowLog;
use crate::ids::{ProcessId, SiteSet};
use crate::process::Process;
use crate::sim::settings::TraceSettings;
use crate::sim::watch::line::{Count, Line, LineClass, SentMessages, TraceEvent};
use crate::time::Instant;

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
        (event, at): (u64, Instant),
        who: Option<ProcessId>,
        class: LineClass,
        what: impl FnOnce() -> TraceEvent<P>,
    ) {
        let elided = core::mem::take(&mut self.elided);
        let line = Line { event, at, who, class, elided, what: what() };
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

impl<P: Process> Line<P> {
    /// This line alone, as text.
    pub fn entry(&self) -> StoryEntry {
        EntryBuilder::new(self).finish()
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
            (TraceEvent::Lost { copy, why, .. }, TraceEvent::Lost { to, copy: same, why: also }) => {
                let same_datagram = Arc::ptr_eq(&copy.labels, &same.labels) && why == also;
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
            TraceEvent::Lost { copy, why, .. } => {
                alloc::format!("-> {} {}: {why}", Parties(&self.to), SentMessages(copy))
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
