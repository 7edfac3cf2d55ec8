//! How a process pauses and resumes, and how its lasting faults end.

use crate::process::Process;
use crate::sim::host::ProcessStatus;
use crate::sim::host::hosts::HostIndex;
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, TraceEvent};
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

    /// Pauses a process: it is handed nothing more. Returns whether it was running and not paused before.
    pub(crate) fn put_to_sleep(&mut self, host: HostIndex) -> bool {
        let id = self.hosts.list[host].id;
        let running = self.hosts.list[host].running_mut().filter(|running| !running.is_paused);
        let is_new = running.map(|running| running.is_paused = true).is_some();
        if is_new {
            self.watch.mark(FingerprintMark::Paused, id, [0, 0]);
        }
        is_new
    }

    /// Resumes a paused process in an event of its own: first its host takes the syncs that ended, then its inputs
    /// are handed in. Returns the number of inputs that wait, or `None` if it was not paused.
    pub(crate) fn wake_up(&mut self, host: HostIndex) -> Option<usize> {
        let id = self.hosts.list[host].id;
        let running = self.hosts.list[host].running_mut().filter(|running| running.is_paused)?;
        running.is_paused = false;
        let waiting = running.waiting();
        self.watch.mark(FingerprintMark::Resumed, id, [waiting as u64, 0]);
        self.queue.push(self.watch.now, QueuedEvent::Resumed { host });
        Some(waiting)
    }

    /// A paused process resumes.
    pub(crate) fn on_resumed(&mut self, host: HostIndex) {
        while let Some(running) = self.hosts.list[host].running_mut().filter(|running| !running.is_paused) {
            if running.ended.is_empty() {
                return self.drain(host);
            }
            let ended = running.ended.remove(0);
            self.take_sync(host, ended);
        }
        // If its disk failed during the pause, the process has stopped. In a healed core it starts again.
        let is_in_core = self.net.is_in_core(self.hosts.list[host].id);
        if is_in_core
            && matches!(self.hosts.list[host].status(), ProcessStatus::Failed { for_good: false, .. })
        {
            self.start(host);
        }
    }

    /// Gives a full disk room and a slow process its usual speed.
    pub(crate) fn mend(&mut self, host: HostIndex) {
        if let Some(disk) = &mut self.hosts.list[host].disk {
            disk.make_room();
        }
        self.slow(host, Duration::ZERO);
    }

    /// Resumes a paused process, and starts one that is down and can start.
    pub(crate) fn revive(&mut self, host: HostIndex) {
        match self.hosts.list[host].status() {
            ProcessStatus::Up | ProcessStatus::Failed { for_good: true, .. } => {}
            ProcessStatus::Paused => self.resume(host),
            ProcessStatus::Down | ProcessStatus::Failed { for_good: false, .. } => self.start(host),
        }
    }
}
