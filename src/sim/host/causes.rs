//! Which input of a process led to its wake-ups and to its messages to itself, as lines of a full trace: the causes of run
//! events. Nothing else depends on it, and without a full trace it stays empty.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use crate::outbox::Outgoing;
use crate::process::Process;
use crate::sim::host::RunningProcess;
use crate::sim::host::hosts::HostIndex;
use crate::sim::watch::judge::Judge;
use crate::sim::world::World;
use crate::time::Instant;

/// A message of a process to itself that its outbox has released.
#[derive(Clone, Debug)]
pub(crate) struct OwnMessage {
    pub(crate) bytes: Arc<[u8]>,
    /// The line that shows the input that sent it.
    pub(crate) sent: Option<u64>,
}

/// When the outbox of a process released what leaves it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim::host) enum Released {
    /// At the last input.
    AtOnce,
    /// With a sync.
    Synced,
}

/// The lines that show the inputs of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputLines {
    /// The input that it was handed last.
    handed: Option<u64>,
    /// The datagram that was opened last.
    opened: Option<u64>,
    deadline: Option<Instant>,
    /// The input after which it first had that deadline.
    wanted: Option<u64>,
    /// Of each message to itself that waits in its outbox: the input that sent it.
    own: VecDeque<u64>,
}

impl InputLines {
    /// A datagram is opened, and its first message is handed in next.
    pub(in crate::sim::host) const fn open(&mut self, line: Option<u64>) {
        (self.handed, self.opened) = (line, line);
    }

    /// A further message of the datagram that was opened last is handed in next.
    pub(in crate::sim::host) const fn open_on(&mut self) {
        self.handed = self.opened;
    }

    /// Whether there is a full trace.
    pub(in crate::sim::host) const fn are_kept(&self) -> bool {
        self.handed.is_some()
    }

    /// The input after which the process first had its deadline.
    pub(in crate::sim::host) const fn wanted(&self) -> Option<u64> {
        self.wanted
    }

    /// The input that sent a message of the process to itself.
    pub(in crate::sim::host) fn sent(&mut self, released: Released) -> Option<u64> {
        match released {
            Released::AtOnce => self.handed,
            Released::Synced => self.own.pop_front(),
        }
    }
}

impl<P: Process> RunningProcess<P> {
    /// The process has handled its input. Of its messages to itself, `own` were sent, and those in `ready`
    /// do not wait.
    #[inline]
    pub(in crate::sim::host) fn look_at_causes(&mut self, own: usize, ready: &VecDeque<Outgoing>) {
        if let Some(line) = self.lines.handed {
            self.keep_causes(line, own, ready);
        }
    }

    #[inline(never)]
    fn keep_causes(&mut self, line: u64, own: usize, ready: &VecDeque<Outgoing>) {
        let is_own = |outgoing: &&Outgoing| matches!(outgoing, Outgoing::Own(_));
        let waiting = own.saturating_sub(ready.iter().filter(is_own).count());
        self.lines.own.extend(core::iter::repeat_n(line, waiting));
        let deadline = self.process.deadline().map(|(at, _)| at);
        if self.lines.deadline != deadline {
            (self.lines.deadline, self.lines.wanted) = (deadline, Some(line));
        }
    }

    /// The process was started, as this line shows.
    pub(in crate::sim::host) fn start_at(&mut self, line: Option<u64>) {
        self.lines.handed = line;
        self.look_at_causes(0, &VecDeque::new());
    }
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// The last line of the trace shows what the process is about to be handed.
    pub(in crate::sim::host) fn input_shown(&mut self, h: HostIndex) {
        let line = self.watch.full_line();
        if let Some(running) = self.hosts.list[h].running_mut() {
            running.lines.handed = line;
        }
    }
}
