//! One process and its host: disk, journal, clock, and the inputs that wait for it.

mod causes;
pub(crate) mod clock;
mod datagrams;
pub(crate) mod decode_cache;
pub(crate) mod disk;
pub(crate) mod durable;
pub(crate) mod hosts;
mod inputs;
mod life;
pub(crate) mod limits;
mod links;
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
use crate::journal::{Journal, SyncId};
use crate::outbox::{Offset, Outbox, SyncMode};
use crate::process::{Process, Role};
use crate::sim::host::causes::{InputLines, OwnMessage};
use crate::sim::host::clock::LocalClock;
use crate::sim::script::describe::seam_text;
use crate::sim::script::director::{StepId, Unfired};

use crate::sim::host::disk::calls::Ended;
use crate::sim::host::durable::Unsynced;
use crate::sim::net::packets::{CopyId, PacketId};
use crate::sim::script::{Leaves, Seam};
use crate::time::{Duration, Instant};

/// Whether a process runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProcessStatus {
    /// It runs.
    Up,
    /// It is handed neither wake-ups nor inputs until it resumes.
    Paused,
    /// It crashed, or has not started yet.
    Down,
    /// It stopped with a reason: by itself, or because of its storage.
    Failed {
        /// The reason.
        reason: Arc<str>,
        /// Whether it stays down for good: its durable state was refused or wiped, so a restart changes nothing.
        for_good: bool,
    },
}

/// A crash that waits for its seam in the handling of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArmedSeam {
    pub(crate) seam: Seam,
    pub(crate) leaves: Leaves,
    pub(crate) step: StepId,
}

/// An input that arrived and has not been handed in yet.
#[derive(Clone, Debug)]
pub(crate) enum WaitingInput<P: Process> {
    Datagram(PacketId),
    Command(P::Command),
    Link { peer: ProcessId, up: bool },
}

/// The next input of a process.
#[derive(Clone, Debug)]
pub(crate) enum Next<P: Process> {
    Started,
    Own(OwnMessage),
    DiskSpace { is_low: bool },
    Opened(ProcessId, P::Message),
    Waiting(WaitingInput<P>),
}

/// One incarnation of a process.
#[derive(Clone, Debug)]
pub(crate) struct RunningProcess<P: Process> {
    pub(crate) process: P,
    /// The incarnation that its datagrams carry.
    pub(crate) incarnation: u64,
    /// `None` for a process that keeps nothing durable.
    pub(crate) journal: Option<Journal>,
    pub(crate) outbox: Outbox,
    /// Batches that were appended and are not durable yet.
    pub(crate) unsynced: VecDeque<Unsynced>,
    /// The file that its journal wrote to last, by the disk's number for it.
    pub(crate) writes_to: Option<u64>,
    pub(crate) syncs_under_way: usize,
    /// Those of them that wait for a step, in a held network, oldest first.
    pub(crate) held_syncs: VecDeque<SyncId>,
    /// Syncs that ended during a pause.
    pub(crate) ended: Vec<Ended>,
    /// Whether the process waits for [`Input::Started`](crate::process::Input::Started), its first input.
    pub(crate) is_new: bool,
    /// Whether the process was last notified that its disk is low. A change is handed in before all later inputs.
    pub(crate) reported_low: bool,
    /// Waiting inputs, first to last: messages from itself that the outbox released (`own`), then the messages of the
    /// datagram opened last (`opened`), then arrivals (`inbox`).
    pub(crate) own: VecDeque<OwnMessage>,
    pub(crate) opened: VecDeque<(ProcessId, P::Message)>,
    pub(crate) inbox: VecDeque<WaitingInput<P>>,
    pub(crate) is_paused: bool,
    /// A slow process is still taking its time for its last input.
    pub(crate) is_busy: bool,
    /// When the armed wake-up is due. Any other wake-up in the queue is void.
    pub(crate) wake: Option<Instant>,
    /// What led to its wake-ups and to its messages to itself.
    pub(crate) lines: InputLines,
    /// The moment of its last wake-up, and how many wake-ups that moment has had.
    pub(crate) woken: (Instant, u32),
    /// The rank of its leadership, if it leads.
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
            held_syncs: VecDeque::new(),
            ended: Vec::new(),
            own: VecDeque::new(),
            is_new: P::TAKES_STARTED,
            reported_low: false,
            opened: VecDeque::new(),
            inbox: VecDeque::new(),
            is_paused: false,
            is_busy: false,
            wake: None,
            lines: InputLines::default(),
            woken: (Instant::ZERO, 0),
            leads: None,
        }
    }

    /// Whether an input may be handed in at this moment.
    #[inline(always)]
    pub(crate) fn can_take(&self, mode: SyncMode) -> bool {
        let is_held = match mode {
            SyncMode::Overlapped => false,
            SyncMode::Blocking => self.syncs_under_way > 0,
        };
        !self.is_paused && !self.is_busy && !is_held && !self.outbox.is_full()
    }

    pub(crate) fn next_input(&mut self) -> Option<Next<P>> {
        if core::mem::take(&mut self.is_new) {
            Some(Next::Started)
        } else if self.is_low() != self.reported_low {
            self.reported_low = !self.reported_low;
            Some(Next::DiskSpace { is_low: self.reported_low })
        } else if let Some(own) = self.own.pop_front() {
            Some(Next::Own(own))
        } else if let Some((from, message)) = self.opened.pop_front() {
            Some(Next::Opened(from, message))
        } else {
            self.inbox.pop_front().map(Next::Waiting)
        }
    }

    /// Whether its journal has no next file reserved.
    #[inline]
    pub(crate) fn is_low(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_low)
    }

    /// Whether its host has something to hand in before all inputs that arrive.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        self.is_new || self.is_low() != self.reported_low
    }

    /// Whether no input waits.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        !self.has_news() && self.own.is_empty() && self.opened.is_empty() && self.inbox.is_empty()
    }

    /// The number of inputs that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.own.len()
            + usize::from(self.is_new)
            + usize::from(self.is_low() != self.reported_low)
            + self.opened.len()
            + self.inbox.len()
    }

    /// The number of commands that wait here or are unanswered.
    pub(crate) fn unanswered(&self) -> usize {
        let waits = |waiting: &&WaitingInput<P>| matches!(waiting, WaitingInput::Command(_));
        self.process.unanswered() + self.inbox.iter().filter(waits).count()
    }

    /// How much was appended, and how much of that is durable.
    pub(crate) fn offsets(&self) -> (Offset, Offset) {
        self.journal.as_ref().map_or_else(Default::default, |journal| (journal.appended(), journal.durable()))
    }
}

/// Whether a process runs and, if not, why.
#[derive(Clone, Debug)]
pub(crate) enum Life<P: Process> {
    Down,
    Up(Box<RunningProcess<P>>),
    Failed { reason: Arc<str>, for_good: bool },
}

/// The condition of a durable state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Storage {
    /// It is what was written.
    Sound,
    /// A write is armed to go astray, or has gone astray.
    Doubtful,
    /// It was put back to an earlier state: a process that starts from it has forgotten what it said since.
    Old,
    /// It rotted, or lost a file or everything: no process may start from it.
    Damaged,
}

/// One process and what it runs on.
#[derive(Clone, Debug)]
pub(crate) struct SimHost<P: Process> {
    pub(crate) id: ProcessId,
    pub(crate) life: Life<P>,
    /// How often it started or stopped. A queued event names the life that it belongs to.
    pub(crate) lives: u64,
    pub(crate) disk: Option<SimDisk>,
    pub(crate) storage: Storage,
    /// Whether its process stopped by itself at least once.
    pub(crate) stopped: bool,
    /// The copy that a step made of its disk.
    pub(crate) saved: Option<Box<SimDisk>>,
    /// How long each input occupies the process before it is handed the next.
    pub(crate) slowness: Duration,
    /// Its clock; `None` if it reads the world's.
    pub(crate) clock: Option<Box<LocalClock>>,
    pub(crate) sync_time: Duration,
    /// When the disk will have finished every sync that was started.
    pub(crate) disk_idle: Instant,
    pub(crate) seams: Vec<ArmedSeam>,
    /// Crashes that still waited for their seam when everything was healed.
    pub(crate) spared: Vec<ArmedSeam>,
}

impl<P: Process> SimHost<P> {
    /// The copies that have arrived and were not opened, for a trace.
    pub(crate) fn copies_waiting(&self) -> Vec<CopyId> {
        let inbox = self.running().into_iter().flat_map(|running| &running.inbox);
        let copy = |waiting: &WaitingInput<P>| match waiting {
            WaitingInput::Datagram(packet) => Some(packet.copy),
            WaitingInput::Command(_) | WaitingInput::Link { .. } => None,
        };
        inbox.filter_map(copy).collect()
    }

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

    /// The time that its clock shows when the world's time is `now`.
    #[inline]
    pub(crate) fn local(&self, now: Instant) -> Instant {
        self.clock.as_ref().map_or(now, |clock| clock.shows(now))
    }

    /// Whether recovery must refuse the contents of its disk.
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

    /// Whether this life still goes on.
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

    /// Whether a crash waits for its seam.
    pub(crate) const fn awaits_crash(&self) -> bool {
        !self.seams.is_empty()
    }

    /// Takes out the first crash that waits for `seam`.
    pub(crate) fn take_seam(&mut self, seam: Seam) -> Option<ArmedSeam> {
        let place = self.seams.iter().position(|armed| armed.seam == seam)?;
        Some(self.seams.remove(place))
    }

    /// Takes out the first crash inside a recovery or, if not `is_recovering`, inside a rollover.
    pub(crate) fn take_call_seam(&mut self, is_recovering: bool) -> Option<ArmedSeam> {
        let is_its = |armed: &ArmedSeam| match armed.seam {
            Seam::InRecovery(_) => is_recovering,
            Seam::InRollover(_) => !is_recovering,
            _ => false,
        };
        let place = self.seams.iter().position(is_its)?;
        Some(self.seams.remove(place))
    }

    /// After how many disk calls of its next recovery the power fails.
    pub(crate) fn calls_of_recovery(&self) -> Option<u8> {
        self.seams.iter().find_map(|armed| match armed.seam {
            Seam::InRecovery(calls) => Some(calls),
            _ => None,
        })
    }

    /// If a crash waits for a rollover, tells the disk so. Called before each input.
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

    /// Disarms every crash and disk fault that waits. Those whose place never came stay known.
    fn spare(&mut self) {
        self.spared.append(&mut self.seams);
        if let Some(disk) = &mut self.disk {
            disk.spare();
        }
    }

    /// The disk faults and crashes of `required` steps that have not struck.
    pub(crate) fn unmet(&self, required: impl Fn(StepId) -> bool + Copy) -> impl Iterator<Item = Unfired> {
        let unfired = |step, nearest| Unfired { step, was_armed: true, found_nothing: false, nearest };
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

/// The lowest-numbered site that runs, is not paused and tries to lead.
pub(crate) fn candidate<P: Process>(hosts: &[SimHost<P>]) -> Option<SiteId> {
    let campaigns = |host: &&SimHost<P>| {
        host.running().is_some_and(|running| !running.is_paused && running.process.role() == Role::Candidate)
    };
    hosts.iter().filter(campaigns).find_map(|host| host.id.as_site())
}

/// The site that knows least of those that run and are not paused; the lowest number of several.
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

/// The lowest-numbered site that runs, is not paused and does not lead.
pub(crate) fn follower<P: Process>(hosts: &[SimHost<P>]) -> Option<SiteId> {
    let follows = |host: &&SimHost<P>| host.status() == ProcessStatus::Up && host.rank().is_none();
    hosts.iter().filter(follows).find_map(|host| host.id.as_site())
}
