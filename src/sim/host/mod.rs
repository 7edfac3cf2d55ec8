//! One process and what it runs on: its disk and journal, and the inputs that wait for it.

pub(crate) mod clock;
pub(crate) mod decode_cache;
pub(crate) mod disk;
pub(crate) mod durable;
pub(crate) mod hosts;
mod inputs;
mod life;
pub(crate) mod limits;
mod pauses;
pub(crate) mod process_faults;
mod syncs;

pub use disk::SimDisk;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::journal::Journal;
use crate::outbox::{Offset, Outbox, SyncMode};
use crate::process::{Process, Role};
use crate::sim::host::clock::LocalClock;
use crate::sim::script::describe::seam_text;
use crate::sim::script::director::{StepId, Unfired};

use crate::sim::host::disk::calls::Ended;
use crate::sim::host::durable::Unsynced;
use crate::sim::net::packets::PacketId;
use crate::sim::script::{Leaves, Seam};
use crate::time::{Duration, Instant};

/// Whether a process runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProcessStatus {
    /// It does.
    Up,
    /// It does, with its clock and ears stopped.
    Paused,
    /// It crashed, or has not started yet.
    Down,
    /// It stopped by itself.
    Failed {
        /// Why.
        reason: Arc<str>,
        /// Whether its durable state was refused, so that starting it again changes nothing.
        for_good: bool,
    },
}

/// A crash that waits for its place inside the handling of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArmedSeam {
    pub(crate) seam: Seam,
    pub(crate) leaves: Leaves,
    pub(crate) step: StepId,
}

/// An input that came and was not handed in yet.
#[derive(Clone, Debug)]
pub(crate) enum WaitingInput<P: Process> {
    Datagram(PacketId),
    Command(P::Command),
}

/// What comes next in the process.
#[derive(Clone, Debug)]
pub(crate) enum Next<P: Process> {
    Own(Arc<[u8]>),
    DiskSpace { is_low: bool },
    Opened(ProcessId, P::Message),
    Waiting(WaitingInput<P>),
}

/// One incarnation of a process.
#[derive(Clone, Debug)]
pub(crate) struct RunningProcess<P: Process> {
    pub(crate) process: P,
    /// What its datagrams say of how often it had been started.
    pub(crate) incarnation: u64,
    /// None for those that keep nothing durable.
    pub(crate) journal: Option<Journal>,
    pub(crate) outbox: Outbox,
    /// Batches that were appended and are not durable.
    pub(crate) unsynced: VecDeque<Unsynced>,
    /// The file that its journal wrote to last, by the number that the disk gave it.
    pub(crate) writes_to: Option<u64>,
    pub(crate) syncs_under_way: usize,
    /// Syncs that ended during a pause.
    pub(crate) ended: Vec<Ended>,
    /// What it was told of its disk: a change is handed in before anything else.
    pub(crate) told_low: bool,
    /// Messages from itself that waited long enough; then the messages of the datagram that was opened last; then what
    /// came: in this order they are handed in.
    pub(crate) own: VecDeque<Arc<[u8]>>,
    pub(crate) opened: VecDeque<(ProcessId, P::Message)>,
    pub(crate) inbox: VecDeque<WaitingInput<P>>,
    pub(crate) is_paused: bool,
    /// It takes its time for the input that it was handed last.
    pub(crate) is_busy: bool,
    /// When the armed wake-up comes; the queue's other wake-ups are void.
    pub(crate) wake: Option<Instant>,
    /// When it was woken last, and how often at that moment.
    pub(crate) woken: (Instant, u32),
    /// The rank that it leads with.
    pub(crate) leads: Option<u64>,
}

impl<P: Process> RunningProcess<P> {
    pub(crate) fn new(
        process: P,
        incarnation: u64,
        journal: Option<Journal>,
        outbox: Outbox,
    ) -> RunningProcess<P> {
        RunningProcess {
            process,
            incarnation,
            journal,
            outbox,
            unsynced: VecDeque::new(),
            writes_to: None,
            syncs_under_way: 0,
            ended: Vec::new(),
            own: VecDeque::new(),
            told_low: false,
            opened: VecDeque::new(),
            inbox: VecDeque::new(),
            is_paused: false,
            is_busy: false,
            wake: None,
            woken: (Instant::ZERO, 0),
            leads: None,
        }
    }

    /// Whether an input may be handed in at this moment.
    pub(crate) fn can_take(&self, mode: SyncMode) -> bool {
        let is_held = match mode {
            SyncMode::Overlapped => false,
            SyncMode::Blocking => self.syncs_under_way > 0,
        };
        !self.is_paused && !self.is_busy && !is_held && !self.outbox.is_full()
    }

    pub(crate) fn next_input(&mut self) -> Option<Next<P>> {
        if self.is_low() != self.told_low {
            self.told_low = !self.told_low;
            Some(Next::DiskSpace { is_low: self.told_low })
        } else if let Some(own) = self.own.pop_front() {
            Some(Next::Own(own))
        } else if let Some((from, message)) = self.opened.pop_front() {
            Some(Next::Opened(from, message))
        } else {
            self.inbox.pop_front().map(Next::Waiting)
        }
    }

    /// Whether its journal has only the present file left.
    pub(crate) fn is_low(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_low)
    }

    /// Whether no input waits.
    pub(crate) fn is_idle(&self) -> bool {
        let is_told = self.is_low() == self.told_low;
        is_told && self.own.is_empty() && self.opened.is_empty() && self.inbox.is_empty()
    }

    /// How many inputs wait.
    pub(crate) fn waiting(&self) -> usize {
        self.own.len() + usize::from(self.is_low() != self.told_low) + self.opened.len() + self.inbox.len()
    }

    /// How many commands wait here or were not answered.
    pub(crate) fn unanswered(&self) -> usize {
        let waits = |waiting: &&WaitingInput<P>| matches!(waiting, WaitingInput::Command(_));
        self.process.unanswered() + self.inbox.iter().filter(waits).count()
    }

    /// How much was appended, and how much of it is durable.
    pub(crate) fn offsets(&self) -> (Offset, Offset) {
        self.journal.as_ref().map_or_else(Default::default, |journal| (journal.appended(), journal.durable()))
    }
}

/// Whether and how a process runs.
#[derive(Clone, Debug)]
pub(crate) enum Life<P: Process> {
    Down,
    Up(Box<RunningProcess<P>>),
    Failed { reason: Arc<str>, for_good: bool },
}

/// What became of a durable state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Storage {
    /// It is what was written.
    Sound,
    /// A write is to go astray, or went.
    Doubtful,
    /// It is what it was at an earlier time: whoever starts from it has forgotten what it said since.
    Old,
    /// It rotted, or is gone in part or as a whole: nobody may start from it.
    Damaged,
}

/// One process and what it runs on.
#[derive(Clone, Debug)]
pub(crate) struct SimHost<P: Process> {
    pub(crate) id: ProcessId,
    pub(crate) life: Life<P>,
    /// How often it started or stopped: queued events name the life that they belong to.
    pub(crate) lives: u64,
    pub(crate) disk: Option<SimDisk>,
    pub(crate) storage: Storage,
    /// Its process stopped by itself, once at least.
    pub(crate) stopped: bool,
    /// A copy of what its disk held, made on purpose.
    pub(crate) saved: Option<Box<SimDisk>>,
    /// How long it takes for each input before it is handed the next.
    pub(crate) slowness: Duration,
    /// Where it is not the world's.
    pub(crate) clock: Option<Box<LocalClock>>,
    pub(crate) sync_time: Duration,
    /// When the disk has done the syncs that were started.
    pub(crate) disk_idle: Instant,
    pub(crate) seams: Vec<ArmedSeam>,
    /// Crashes that waited for their seam when all was healed.
    pub(crate) spared: Vec<ArmedSeam>,
}

impl<P: Process> SimHost<P> {
    pub(crate) fn new(id: ProcessId, disk: Option<SimDisk>, sync_time: Duration) -> SimHost<P> {
        let (life, disk_idle) = (Life::Down, Instant::ZERO);
        SimHost {
            id,
            life,
            lives: 0,
            disk,
            storage: Storage::Sound,
            stopped: false,
            saved: None,
            slowness: Duration::ZERO,
            clock: None,
            sync_time,
            disk_idle,
            seams: Vec::new(),
            spared: Vec::new(),
        }
    }

    /// What its clock shows when the world's time is `now`.
    #[inline]
    pub(crate) fn local(&self, now: Instant) -> Instant {
        self.clock.as_ref().map_or(now, |clock| clock.shows(now))
    }

    /// The world's time when its clock shows `due`.
    #[inline]
    pub(crate) fn when(&self, due: Instant) -> Instant {
        self.clock.as_ref().map_or(due, |clock| clock.when(due))
    }

    /// Whether recovery must refuse what is on its disk.
    pub(crate) fn is_damaged(&self) -> bool {
        self.storage == Storage::Damaged || self.disk.as_ref().is_some_and(SimDisk::is_astray)
    }

    pub(crate) fn running(&self) -> Option<&RunningProcess<P>> {
        match &self.life {
            Life::Up(running) => Some(running),
            Life::Down | Life::Failed { .. } => None,
        }
    }

    pub(crate) fn running_mut(&mut self) -> Option<&mut RunningProcess<P>> {
        match &mut self.life {
            Life::Up(running) => Some(running),
            Life::Down | Life::Failed { .. } => None,
        }
    }

    /// Whether the life that something belongs to goes on.
    pub(crate) fn is_alive(&self, life: u64) -> bool {
        self.lives == life && self.running().is_some()
    }

    pub(crate) fn status(&self) -> ProcessStatus {
        match &self.life {
            Life::Down => ProcessStatus::Down,
            Life::Up(running) if running.is_paused => ProcessStatus::Paused,
            Life::Up(_) => ProcessStatus::Up,
            Life::Failed { reason, for_good } => {
                ProcessStatus::Failed { reason: Arc::clone(reason), for_good: *for_good }
            }
        }
    }

    /// Whether a crash waits for its place.
    pub(crate) const fn awaits_crash(&self) -> bool {
        !self.seams.is_empty()
    }

    /// Takes the first crash out that waits for `seam`.
    pub(crate) fn take_seam(&mut self, seam: Seam) -> Option<ArmedSeam> {
        let place = self.seams.iter().position(|armed| armed.seam == seam)?;
        Some(self.seams.remove(place))
    }

    /// Takes the first crash out that waits for its place among the calls of a disk.
    pub(crate) fn take_call_seam(&mut self, is_recovering: bool) -> Option<ArmedSeam> {
        let is_its = |armed: &ArmedSeam| match armed.seam {
            Seam::InRecovery(_) => is_recovering,
            Seam::InRollover(_) => !is_recovering,
            _ => false,
        };
        let place = self.seams.iter().position(is_its)?;
        Some(self.seams.remove(place))
    }

    /// After how many calls of its next recovery the power fails.
    pub(crate) fn calls_of_recovery(&self) -> Option<u8> {
        self.seams.iter().find_map(|armed| match armed.seam {
            Seam::InRecovery(calls) => Some(calls),
            _ => None,
        })
    }

    /// If a crash waits for a rollover, the disk is told before each append.
    #[cold]
    pub(crate) fn await_rollover(&mut self) {
        let calls = self.seams.iter().find_map(|armed| match armed.seam {
            Seam::InRollover(calls) => Some(calls),
            _ => None,
        });
        if let (Some(calls), Some(disk)) = (calls, &mut self.disk) {
            disk.power.lasts_past_rollover(calls);
        }
    }

    /// Disarms every crash and disk fault that waits; that its place never came stays known.
    fn spare(&mut self) {
        self.spared.append(&mut self.seams);
        if let Some(disk) = &mut self.disk {
            disk.spare();
        }
    }

    /// The disk faults and crashes of steps that are `required` and have struck nothing.
    pub(crate) fn unmet(&self, required: impl Fn(StepId) -> bool + Copy) -> impl Iterator<Item = Unfired> {
        let unfired = |step, nearest| Unfired { step, was_armed: true, nearest };
        let faults = self.disk.iter().flat_map(SimDisk::unmet).filter(move |armed| required(armed.step));
        let faults =
            faults.map(move |armed| unfired(armed.step, format!("{} never {}", self.id, armed.never())));
        let seams = self.seams.iter().chain(&self.spared).filter(move |armed| required(armed.step));
        let seams = seams.map(move |armed| {
            unfired(armed.step, format!("{} was never {}", self.id, seam_text(armed.seam)))
        });
        faults.chain(seams)
    }

    fn rank(&self) -> Option<u64> {
        match self.running()?.process.role() {
            Role::Leader { rank } => Some(rank),
            Role::Candidate | Role::Follower | Role::Client => None,
        }
    }
}

/// The leading site of the highest rank.
pub(crate) fn leader<P: Process>(hosts: &[SimHost<P>]) -> Option<SiteId> {
    let mut best: Option<(u64, SiteId)> = None;
    for host in hosts {
        if let (Some(site), Some(rank)) = (host.id.as_site(), host.rank())
            && best.is_none_or(|(highest, _)| rank > highest)
        {
            best = Some((rank, site));
        }
    }
    best.map(|(_, site)| site)
}

/// The running site with the lowest number that tries to lead.
pub(crate) fn candidate<P: Process>(hosts: &[SimHost<P>]) -> Option<SiteId> {
    let campaigns = |host: &&SimHost<P>| {
        host.running().is_some_and(|running| !running.is_paused && running.process.role() == Role::Candidate)
    };
    hosts.iter().filter(campaigns).find_map(|host| host.id.as_site())
}

/// The running site that knows least, and of several the one with the lowest number.
pub(crate) fn laggard<P: Process>(hosts: &[SimHost<P>]) -> Option<SiteId> {
    let mut least: Option<(u64, SiteId)> = None;
    for host in hosts {
        if let (Some(site), Some(running)) = (host.id.as_site(), host.running())
            && !running.is_paused
        {
            let progress = running.process.progress();
            if least.is_none_or(|(known, _)| progress < known) {
                least = Some((progress, site));
            }
        }
    }
    least.map(|(_, site)| site)
}

/// The running site with the lowest number that does not lead.
pub(crate) fn follower<P: Process>(hosts: &[SimHost<P>]) -> Option<SiteId> {
    let follows = |host: &&SimHost<P>| host.status() == ProcessStatus::Up && host.rank().is_none();
    hosts.iter().filter(follows).find_map(|host| host.id.as_site())
}
