//! Everything that looks on: the clock, the trace, the judge, the fingerprint and the counters.

use crate::ids::ProcessId;
use crate::mix;
use crate::process::Process;
use crate::sim::judge::{Judge, Observation, Violation};
use crate::sim::settings::TraceSettings;
use crate::sim::trace::{LineClass, Loss, Trace, What};
use crate::time::Instant;

/// How often things happened. Datagrams are counted once per recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Datagrams handed to the network.
    pub sent: u64,
    /// Datagrams handed to a process.
    pub delivered: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped by a rule.
    pub ruled_out: u64,
    /// Dropped because the link was cut, at sending or at delivery.
    pub cut: u64,
    /// Dropped because the receiver did not run, or was never there.
    pub unheard: u64,
    /// Dropped because too much waited at the receiver.
    pub overflowed: u64,
    /// Refused by the receiver: not a datagram of this cluster, or not one that decodes.
    pub rejected: u64,
    /// Further copies made, by chance or by a rule.
    pub doubled: u64,
    /// Held back by chance, so that others may pass.
    pub held_back: u64,
    /// Delayed by a rule.
    pub delayed: u64,
    /// Sites that crashed.
    pub crashes: u64,
    /// Processes that started.
    pub starts: u64,
    /// Syncs that completed.
    pub syncs: u64,
    /// Records that became durable.
    pub records: u64,
    /// Commands handed in.
    pub commands: u64,
    /// How often a process became leader.
    pub leaderships: u64,
}

/// What the fingerprint tells apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
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
    Demanded,
}

/// Everything that looks on.
#[derive(Clone)]
pub(crate) struct Watch<P: Process, J> {
    pub(crate) now: Instant,
    pub(crate) trace: Trace<P>,
    pub(crate) judge: J,
    pub(crate) violation: Option<Violation>,
    pub(crate) fingerprint: u64,
    pub(crate) statistics: Statistics,
}

impl<P: Process, J: Judge<P>> Watch<P, J> {
    pub(crate) fn new(trace: TraceSettings, judge: J) -> Watch<P, J> {
        Watch {
            now: Instant::ZERO,
            trace: Trace::new(trace),
            judge,
            violation: None,
            fingerprint: 0,
            statistics: Statistics::default(),
        }
    }

    /// Folds what happened into the fingerprint.
    #[inline]
    pub(crate) fn mark(&mut self, mark: Mark, who: ProcessId, words: [u64; 2]) {
        let what = (mark as u64) << 32 | u64::from(who.number());
        self.fingerprint = mix::stir(mix::stir(self.fingerprint, [self.now.as_micros(), what]), words);
    }

    /// Folds bytes into the fingerprint.
    pub(crate) fn absorb(&mut self, bytes: &[u8]) {
        self.fingerprint = mix::absorb(self.fingerprint, bytes);
    }

    /// Writes one line, made only if it is kept.
    #[inline]
    pub(crate) fn line(
        &mut self,
        who: impl Into<Option<ProcessId>>,
        class: LineClass,
        what: impl FnOnce() -> What<P>,
    ) {
        self.trace.note(self.now, who, class, what);
    }

    /// Shows the judge what happened. Once it objected it is asked no more.
    pub(crate) fn show(&mut self, seen: &Observation<'_, P>) {
        if self.violation.is_none() {
            self.violation = self.judge.observe(self.now, seen).err();
        }
    }

    /// The first violation, if there was one.
    #[inline]
    pub(crate) fn verdict(&self) -> Result<(), Violation> {
        match &self.violation {
            None => Ok(()),
            Some(violation) => Err(violation.clone()),
        }
    }

    /// A violation that the world itself noticed.
    pub(crate) fn object(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    pub(crate) fn count_loss(&mut self, why: &Loss) {
        let statistics = &mut self.statistics;
        *match why {
            Loss::Chance => &mut statistics.lost,
            Loss::Rule => &mut statistics.ruled_out,
            Loss::CutAtSending | Loss::CutAtDelivery => &mut statistics.cut,
            Loss::Down | Loss::Nowhere => &mut statistics.unheard,
            Loss::InboxFull => &mut statistics.overflowed,
            Loss::Rejected(_) | Loss::Undecodable(_) => &mut statistics.rejected,
        } += 1;
    }
}
