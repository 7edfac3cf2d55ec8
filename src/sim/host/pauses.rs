//! How a process pauses and goes on, and how whatever ails it ends.

use crate::process::Process;
use crate::sim::host::Status;
use crate::sim::host::hosts::HostIndex;
use crate::sim::watch::Mark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::trace::{LineClass, What};
use crate::sim::world::{Event, World};
use crate::time::Duration;

impl<P: Process, J: Judge<P>> World<P, J> {
    pub(crate) fn pause(&mut self, host: HostIndex) {
        let id = self.hosts.list[host].id;
        let Some(running) = self.hosts.list[host].running_mut().filter(|running| !running.is_paused) else {
            return;
        };
        running.is_paused = true;
        self.watch.mark(Mark::Paused, id, [0, 0]);
        self.watch.line(id, LineClass::Fault, || What::Paused);
    }

    /// Lets a paused process go on: it learns of the syncs that ended, then its inputs are handed in, each in an
    /// event of its own.
    pub(crate) fn resume(&mut self, host: HostIndex) {
        let id = self.hosts.list[host].id;
        let Some(running) = self.hosts.list[host].running_mut().filter(|running| running.is_paused) else {
            return;
        };
        running.is_paused = false;
        let waiting = running.waiting();
        self.watch.mark(Mark::Resumed, id, [waiting as u64, 0]);
        self.watch.line(id, LineClass::Life, || What::Resumed { waiting });
        self.queue.push(self.watch.now, Event::Resumed { host });
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
        if is_in_core && matches!(self.hosts.list[host].status(), Status::Failed { for_good: false, .. }) {
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
            Status::Up | Status::Failed { for_good: true, .. } => {}
            Status::Paused => self.resume(host),
            Status::Down | Status::Failed { for_good: false, .. } => self.start(host),
        }
    }
}
