//! Faults of a process's host: of its disk, its speed and its clock.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;

use crate::ids::ProcessId;
use crate::journal::JournalError;
use crate::mix::mix;
use crate::process::Process;
use crate::sim::host::disk::SimDisk;
use crate::sim::host::disk::calls::{Armed, Struck};
use crate::sim::host::hosts::HostIndex;
use crate::sim::host::{Life, Storage};
use crate::sim::script::director::StepId;
use crate::sim::script::{ClockFault, DiskFault, Leaves};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::line::{LineClass, TraceEvent};
use crate::sim::world::{QueuedEvent, World};
use crate::time::Duration;

impl<P: Process, J: Judge<P>> World<P, J> {
    pub(crate) fn inject_disk_fault(&mut self, h: HostIndex, fault: DiskFault, step: StepId) {
        let host = &mut self.hosts.list[h];
        let id = host.id;
        let Some(disk) = &mut host.disk else { return };
        let words = [id.number().into(), host.lives, step.track as u64, step.index as u64];
        let draw = mix(self.hosts.seed_of_tears.0, words);
        if fault.row().damages && host.storage != Storage::Sound {
            return self
                .watch
                .line(id, LineClass::Fault, || TraceEvent::Idle { what: "has a damaged disk already" });
        }
        match fault {
            DiskFault::Rot => {
                let Some((file, at)) = disk.rot(draw) else {
                    let what = "has nothing on its disk that could rot";
                    return self.watch.line(id, LineClass::Fault, || TraceEvent::Idle { what });
                };
                host.storage = Storage::Damaged;
                self.watch.statistics.count_disk(fault);
                self.watch.mark(FingerprintMark::Rotted, id, [at, 0]);
                self.watch.line(id, LineClass::Fault, || TraceEvent::Rotted { file, at });
            }
            DiskFault::LoseFile => {
                let Some(file) = disk.lose_file(draw) else {
                    let what = "has no file on its disk that it would miss";
                    return self.watch.line(id, LineClass::Fault, || TraceEvent::Idle { what });
                };
                host.storage = Storage::Damaged;
                self.watch.statistics.count_disk(fault);
                self.watch.mark(FingerprintMark::FileLost, id, [0, 0]);
                self.watch.absorb(file.as_bytes());
                self.watch.line(id, LineClass::Fault, || TraceEvent::FileLost { file });
            }
            DiskFault::Save => {
                host.saved = Some(Box::new(disk.copy()));
                self.watch.statistics.count_disk(fault);
                self.watch.mark(FingerprintMark::Saved, id, [0, 0]);
            }
            DiskFault::Restore => self.restore(h),
            fault => {
                // A write that goes astray later may damage the storage.
                host.storage = if fault.row().damages { Storage::Doubtful } else { host.storage };
                disk.arm(Armed { fault, step, draw });
            }
        }
    }

    /// Reports the disk faults that struck the last calls of a journal.
    #[inline]
    pub(crate) fn report_struck(&mut self, h: HostIndex) {
        if self.hosts.list[h].disk.as_ref().is_some_and(SimDisk::has_struck) {
            self.report_each_struck(h);
        }
    }

    #[cold]
    fn report_each_struck(&mut self, h: HostIndex) {
        let host = &mut self.hosts.list[h];
        let id = host.id;
        let struck = host.disk.as_mut().map(SimDisk::take_struck).unwrap_or_default();
        for struck in struck {
            let (fault, words) = struck.counted();
            self.watch.statistics.count_disk(fault);
            self.watch.mark(FingerprintMark::Struck, id, words);
            // A full disk refuses the same request again and again.
            let class = if struck == Struck::Create { LineClass::Routine } else { LineClass::Fault };
            self.watch.line(id, class, || TraceEvent::Struck(struck));
        }
    }

    /// Tries to reserve disk space for a process whose disk is low. It takes on nothing, so its own writes would not.
    #[cold]
    pub(crate) fn look_for_room(&mut self, h: HostIndex) {
        let host = &mut self.hosts.list[h];
        let (Life::Up(running), Some(disk)) = (&mut host.life, &mut host.disk) else { return };
        let Some(journal) = &mut running.journal else { return };
        let reserved = journal.reserve(disk);
        if self.crash_in_rollover(h) {
            return;
        }
        if let Err(error) = reserved {
            return self.stop_failed(h, &error.to_string(), false);
        }
        self.report_struck(h);
    }

    /// Objects to a start from damaged storage: the site has not noticed the damage.
    pub(crate) fn object_to_damage(&mut self, id: ProcessId) {
        let explanation = format!("{id} starts from damaged storage as if nothing had happened");
        self.watch.object(Violation::new("damage", explanation));
    }

    /// Objects to a refused journal on an undamaged disk: the site is lost for no reason.
    #[cold]
    pub(crate) fn object_to_refusal(&mut self, h: HostIndex, error: &JournalError) {
        let host = &self.hosts.list[h];
        if host.storage == Storage::Sound {
            let explanation = format!("{} refuses storage that nothing has damaged: {error}", host.id);
            self.watch.object(Violation::new("damage", explanation));
        }
    }

    /// The machine of a process that does not run loses power, and its disk loses unsynced writes if there are any.
    #[cold]
    pub(crate) fn lose_cache(&mut self, h: HostIndex, leaves: Leaves) {
        let host = &mut self.hosts.list[h];
        let id = host.id;
        let mut what = "is down already";
        if let Some(disk) = host.disk.as_mut().filter(|disk| disk.unsynced() > 0) {
            what = "is down already, and loses what it had not synced";
            let undone = disk.unsynced() as u64;
            disk.crash(leaves, mix(self.hosts.seed_of_tears.0, [id.number().into(), host.lives]));
            self.watch.mark(FingerprintMark::Crashed, id, [undone, leaves as u64]);
        }
        self.watch.line(id, LineClass::Fault, || TraceEvent::Idle { what });
    }

    /// Destroys the storage of a process, which stops for good.
    pub(crate) fn wipe(&mut self, h: HostIndex) {
        if self.hosts.list[h].disk.is_none() {
            return;
        }
        self.watch.statistics.wiped += 1;
        self.stop_failed(h, "its storage is gone", true);
        let capacity = self.settings.disk.capacity;
        let host = &mut self.hosts.list[h];
        host.disk = Some(SimDisk::new(capacity));
        host.storage = Storage::Damaged;
    }

    /// Puts back the copy of the disk. Everything that became durable since is lost.
    fn restore(&mut self, h: HostIndex) {
        let host = &self.hosts.list[h];
        let id = host.id;
        let Some(saved) = host.saved.clone() else {
            let what = "has no copy of its disk that could be put back";
            return self.watch.line(id, LineClass::Fault, || TraceEvent::Idle { what });
        };
        if host.running().is_some() {
            self.stop_failed(h, "its storage is put back as it was", false);
        }
        self.watch.statistics.count_disk(DiskFault::Restore);
        self.watch.mark(FingerprintMark::Restored, id, [0, 0]);
        self.watch.show(&Observation::Restored { process: id });
        let host = &mut self.hosts.list[h];
        host.disk = Some(*saved);
        if host.storage != Storage::Damaged {
            host.storage = Storage::Old;
        }
    }

    pub(crate) fn slow(&mut self, h: HostIndex, time: Duration) {
        let host = &mut self.hosts.list[h];
        let id = host.id;
        if core::mem::replace(&mut host.slowness, time) == time {
            return;
        }
        self.watch.mark(FingerprintMark::Slowed, id, [time.as_micros(), 0]);
        let class = if time == Duration::ZERO { LineClass::Life } else { LineClass::Fault };
        self.watch.line(id, class, || TraceEvent::Slowed { time });
    }

    /// Keeps a slow process busy with the input that it was just handed.
    #[cold]
    pub(crate) fn linger(&mut self, h: HostIndex) {
        let host = &mut self.hosts.list[h];
        let (life, slowness) = (host.lives, host.slowness);
        let Some(running) = host.running_mut() else { return };
        running.is_busy = true;
        self.watch.statistics.slowed += 1;
        self.queue.push(self.watch.now + slowness, QueuedEvent::Ready { host: h, life });
    }

    /// A slow process has finished its input.
    pub(crate) fn on_ready(&mut self, h: HostIndex, life: u64) {
        let host = &mut self.hosts.list[h];
        if host.is_alive(life)
            && let Some(running) = host.running_mut()
        {
            running.is_busy = false;
            self.drain(h);
        }
    }

    /// Changes a clock. Setting a clock does not change how long an armed sleep lasts. Changing its speed does.
    pub(crate) fn inject_clock_fault(&mut self, h: HostIndex, fault: ClockFault) {
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let id = host.id;
        let sleeps = host.running().is_some_and(|running| running.wake.is_some());
        let clock = host.clock.get_or_insert_default();
        clock.strike(fault, now);
        clock.is_set_back &= sleeps;
        let shows = clock.shows(now);
        let statistics = &mut self.watch.statistics;
        match fault {
            ClockFault::Ahead(_) | ClockFault::Behind(_) => statistics.clocks_set += 1,
            ClockFault::Fast(_) | ClockFault::Slow(_) => statistics.clocks_drifting += 1,
        }
        self.watch.mark(FingerprintMark::Clock, id, [shows.as_micros(), 0]);
        self.watch.line(id, LineClass::Fault, || TraceEvent::Clock { fault, shows });
        if matches!(fault, ClockFault::Fast(_) | ClockFault::Slow(_))
            && let Some(running) = self.hosts.list[h].running_mut()
        {
            running.wake = None;
            self.arm(h);
        }
    }
}
