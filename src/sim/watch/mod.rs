//! Everything that looks on: the clock, the trace, the judge, the fingerprint and the counters.

pub mod judge;
mod tally;
pub mod trace;

use crate::ids::ProcessId;
use crate::mix;
use crate::process::Process;
use crate::sim::settings::TraceSettings;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::trace::{LineClass, Loss, Trace, What};
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
    /// Lost in a burst.
    pub lost_in_bursts: u64,
    /// Copies of which bits were flipped, by chance or by a rule.
    pub corrupted: u64,
    /// Copies that were cut short, by chance or by a rule.
    pub truncated: u64,
    /// Copies that go to somebody else than whom they are for, by chance or by a rule.
    pub misdelivered: u64,
    /// Copies that arrive once more, much later, by chance or because a rule kept them.
    pub replayed: u64,
    /// Copies that a rule kept.
    pub kept: u64,
    /// Held by a clogged link.
    pub clogged: u64,
    /// Sent over a link that carries only so much.
    pub queued: u64,
    /// Lost because a link held or had waiting as much as it may.
    pub congested: u64,
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
    /// Crashes that tore the last unsynced write.
    pub torn: u64,
    /// Crashes that scattered unsynced writes.
    pub scattered: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Files that could not be created because a disk was full.
    pub refused_files: u64,
    /// How often a leader heard that its disk has no room for another file.
    pub leaders_low: u64,
    /// How often somebody else did.
    pub others_low: u64,
    /// How often one of them heard that there is room again.
    pub roomy_again: u64,
    /// Disks that rotted.
    pub rotted: u64,
    /// Writes that went astray.
    pub misdirected: u64,
    /// Files that vanished from disks.
    pub lost_files: u64,
    /// Sites whose storage was wiped.
    pub wiped: u64,
    /// Starts that were refused because of what was on the disk.
    pub refused_starts: u64,
    /// Processes that stopped by themselves.
    pub stopped: u64,
    /// Copies made of disks.
    pub saved: u64,
    /// Disks that were put back as they were.
    pub restored: u64,
    /// Inputs after which a slow process was handed nothing for a while.
    pub slowed: u64,
    /// Clocks that were set ahead or back.
    pub clocks_set: u64,
    /// Clocks that were made to drift.
    pub clocks_drifting: u64,
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
    /// Something odd happens to a copy, or to all that a link held.
    Odd,
    Struck,
    Rotted,
    Slowed,
    Clock,
    Demanded,
    FileLost,
    Saved,
    Restored,
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
        if self.violation.is_none()
            && let Err(violation) = self.judge.observe(self.now, seen)
        {
            self.violation = Some(violation);
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

    /// Objects to what every world is judged for, whoever judges what runs in it.
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
            Loss::Down | Loss::Nowhere => &mut statistics.unheard,
            Loss::Burst => &mut statistics.lost_in_bursts,
            Loss::ClogFull | Loss::QueueFull => &mut statistics.congested,
            Loss::InboxFull => &mut statistics.overflowed,
            Loss::Rejected(_) | Loss::Undecodable(_) => &mut statistics.rejected,
        } += 1;
    }
}
