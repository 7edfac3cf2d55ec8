//! The observers of a world: clock, trace, judge, fingerprint and counters.

pub mod judge;
pub mod line;
pub mod log;
pub mod run_event;
mod statistics;
mod tally;
pub mod trace;

use alloc::string::String;

use crate::ids::ProcessId;
use crate::mix;
use crate::process::Process;
use crate::sim::settings::{TraceLevel, TraceSettings};
use crate::sim::watch::judge::{Judge, Observation, ObservationKinds, Violation};
use crate::sim::watch::line::{Contents, LineClass, Loss, TraceEvent};
use crate::sim::watch::log::LogTap;
use crate::sim::watch::trace::Trace;
use crate::time::Instant;
use crate::wire::SharedValues;

pub use statistics::Statistics;

/// The kinds of events that the fingerprint distinguishes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FingerprintMark {
    Step,
    Started,
    Failed,
    Crashed,
    Paused,
    Resumed,
    Commanded,
    Noted,
    Leads,
    Sent,
    Lost,
    Delivered,
    Own,
    DiskSpace,
    Appended,
    Synced,
    Woke,
    Healed,
    /// A copy takes an unusual passage, or a link releases all that it held.
    UnusualPassage,
    Struck,
    Rotted,
    Slowed,
    Clock,
    Demanded,
    FileLost,
    Saved,
    Restored,
    FirstInput,
    /// A process is told of a link.
    Link,
}

/// The observers of a world.
#[derive(Clone)]
pub(crate) struct Watchers<P: Process, J> {
    pub(crate) now: Instant,
    /// The number of events so far, the present one included.
    pub(crate) events: u64,
    pub(crate) trace: Trace<P>,
    pub(crate) judge: J,
    /// What the judge looks at, by its last word.
    looks_at: ObservationKinds,
    pub(crate) violation: Option<Violation>,
    pub(crate) fingerprint: u64,
    pub(crate) statistics: Statistics,
    pub(crate) log: Option<LogTap>,
    /// What datagrams and durable records hold in common.
    pub(crate) shared: SharedValues,
    /// Says what a message holds, for full traces.
    pub(crate) describe: Option<fn(&P::Message) -> String>,
}

impl<P: Process, J: Judge<P>> Watchers<P, J> {
    pub(crate) fn new(trace: TraceSettings, judge: J) -> Watchers<P, J> {
        Watchers {
            now: Instant::ZERO,
            events: 0,
            trace: Trace::new(trace),
            looks_at: judge.looks_at(),
            judge,
            violation: None,
            fingerprint: 0,
            statistics: Statistics::default(),
            log: None,
            shared: SharedValues::default(),
            describe: None,
        }
    }

    /// Mixes an event into the fingerprint.
    #[inline]
    pub(crate) fn mark(&mut self, mark: FingerprintMark, who: ProcessId, words: [u64; 2]) {
        let what = (mark as u64) << 32 | u64::from(who.number());
        self.fingerprint = mix::stir(mix::stir(self.fingerprint, [self.now.as_micros(), what]), words);
    }

    /// Mixes bytes into the fingerprint.
    pub(crate) fn absorb(&mut self, bytes: &[u8]) {
        self.fingerprint = mix::absorb(self.fingerprint, bytes);
    }

    /// The number of the last line of a trace that has every line; `None` of any other trace.
    pub(crate) fn full_line(&self) -> Option<u64> {
        self.trace.written().checked_sub(1).filter(|_| self.is_full())
    }

    /// Whether the trace has every line.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.trace.settings.level == TraceLevel::Full
    }

    /// Writes one trace line. The line is built only if it is kept.
    #[inline]
    pub(crate) fn line(
        &mut self,
        who: impl Into<Option<ProcessId>>,
        class: LineClass,
        what: impl FnOnce() -> TraceEvent<P>,
    ) {
        match (self.trace.settings.level, class) {
            (TraceLevel::Off, _) => {}
            (TraceLevel::Notable, LineClass::Routine) => self.trace.elided += 1,
            (TraceLevel::Notable | TraceLevel::Full, _) => {
                self.trace.keep((self.events, self.now), who.into(), class, what)
            }
        }
    }

    /// What messages hold, if anybody wants to know.
    pub(crate) fn described(&self, messages: &[P::Message]) -> Option<Contents> {
        let describe = self.describe.filter(|_| self.trace.settings.level == TraceLevel::Full)?;
        Some(messages.iter().map(describe).collect())
    }

    /// Shows the judge an event that it looks at, unless there is a violation already.
    #[inline(always)]
    pub(crate) fn show(&mut self, seen: &Observation<'_, P>) {
        if self.looks_at.have(seen) {
            self.show_to_judge(seen);
        }
    }

    #[inline(never)]
    fn show_to_judge(&mut self, seen: &Observation<'_, P>) {
        if self.violation.is_none() {
            let verdict = self.judge.observe(self.now, seen);
            self.violation = verdict.err();
            self.looks_at = self.judge.looks_at();
        }
    }

    /// Tells the judge something that no process did.
    pub(crate) fn tell_judge(&mut self, tell: impl FnOnce(&mut J)) {
        tell(&mut self.judge);
        self.looks_at = self.judge.looks_at();
    }

    /// The first violation, if there was one.
    #[inline]
    pub(crate) fn verdict(&self) -> Result<(), Violation> {
        match &self.violation {
            None => Ok(()),
            Some(violation) => Err(violation.clone()),
        }
    }

    /// Records a violation that the world found, unless there is an earlier one.
    pub(crate) fn object(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    /// Records the violation of a check that every world makes, whoever its judge is.
    pub(crate) fn object_to(&mut self, result: Result<(), Violation>) {
        if let Err(violation) = result {
            self.object(violation);
        }
    }

    pub(crate) fn count_loss(&mut self, why: &Loss) {
        let statistics = &mut self.statistics;
        *match why {
            Loss::Chance => &mut statistics.lost,
            Loss::Rule => &mut statistics.ruled_out,
            Loss::CutAtSending | Loss::CutAtDelivery => &mut statistics.cut,
            Loss::Down | Loss::Nowhere => &mut statistics.undeliverable,
            Loss::Burst => &mut statistics.lost_in_bursts,
            Loss::ByHand => &mut statistics.lost_by_hand,
            Loss::ClogFull | Loss::HoldFull | Loss::QueueFull => &mut statistics.congested,
            Loss::InboxFull => &mut statistics.overflowed,
            Loss::LinkDown | Loss::LinkBroken => &mut statistics.lost_with_links,
            Loss::Rejected(_) | Loss::Undecodable(_) => &mut statistics.rejected,
        } += 1;
    }
}
