//! How a process pauses and goes on, and how whatever ails it ends.

use crate::process::Process;
use crate::sim::host::ProcessStatus;
use crate::sim::host::hosts::HostIndex;
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::trace::{LineClass, TraceEvent};
use crate::sim::world::{QueuedEvent, World};
use crate::time::Duration;

impl<P: Process, J: Judge<P>> World<P, J> {
    pub(crate) fn pause(&mut self, host: HostIndex) {
        let id = self.hosts.list[host].id;
        let is_new = self.put_to_sleep(host);
        let is_taken_over =
            self.script.head_start.take(id) && self.hosts.list[host].status() == ProcessStatus::Paused;
        if is_new || is_taken_over {
            self.watch.line(id, LineClass::Fault, || TraceEvent::Paused);
        }
    }

    pub(crate) fn resume(&mut self, host: HostIndex) {
        let id = self.hosts.list[host].id;
        if let Some(waiting) = self.wake_up(host) {
            self.watch.line(id, LineClass::Life, || TraceEvent::Resumed { waiting });
        }
    }

    /// Hands a process nothing more from here on; whether it was handed anything until now.
    pub(crate) fn put_to_sleep(&mut self, host: HostIndex) -> bool {
        let id = self.hosts.list[host].id;
        let running = self.hosts.list[host].running_mut().filter(|running| !running.is_paused);
        let is_new = running.map(|running| running.is_paused = true).is_some();
        if is_new {
            self.watch.mark(FingerprintMark::Paused, id, [0, 0]);
        }
        is_new
    }

    /// Lets a paused process go on: it learns of the syncs that ended, then its inputs are handed in, each in an
    /// event of its own. Returns how many wait, if it was paused.
    pub(crate) fn wake_up(&mut self, host: HostIndex) -> Option<usize> {
        let id = self.hosts.list[host].id;
        let running = self.hosts.list[host].running_mut().filter(|running| running.is_paused)?;
        running.is_paused = false;
        let waiting = running.waiting();
        self.watch.mark(FingerprintMark::Resumed, id, [waiting as u64, 0]);
        self.queue.push(self.watch.now, QueuedEvent::Resumed { host });
        Some(waiting)
    }

    /// A process that was paused goes on.
    pub(crate) fn on_resumed(&mut self, host: HostIndex) {
        while let Some(running) = self.hosts.list[host].running_mut().filter(|running| !running.is_paused) {
            if running.ended.is_empty() {
                return self.drain(host);
            }
            let ended = running.ended.remove(0);
            self.take_sync(host, ended);
        }
        // Its disk failed in its sleep, and it stopped over that: of a core it starts again.
        let is_in_core = self.net.is_in_core(self.hosts.list[host].id);
        if is_in_core
            && matches!(self.hosts.list[host].status(), ProcessStatus::Failed { for_good: false, .. })
        {
            self.start(host);
        }
    }

    /// Gives a full disk room and a slow process its pace.
    pub(crate) fn mend(&mut self, host: HostIndex) {
        if let Some(disk) = &mut self.hosts.list[host].disk {
            disk.make_room();
        }
        self.slow(host, Duration::ZERO);
    }

    /// Resumes or starts a process, whichever it needs.
    pub(crate) fn revive(&mut self, host: HostIndex) {
        match self.hosts.list[host].status() {
            ProcessStatus::Up | ProcessStatus::Failed { for_good: true, .. } => {}
            ProcessStatus::Paused => self.resume(host),
            ProcessStatus::Down | ProcessStatus::Failed { for_good: false, .. } => self.start(host),
        }
    }
}
