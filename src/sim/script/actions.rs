//! What the script does to a world, and how faults stop at its end.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteSet};
use crate::outbox::SyncMode;
use crate::process::Process;
use crate::sim::host::hosts::HostIndex;
use crate::sim::host::{ArmedSeam, Status, Storage};
use crate::sim::net::rules::Resolved;
use crate::sim::script::director::Fired;
use crate::sim::script::{Action, Leaves};
use crate::sim::watch::Mark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::trace::{LineClass, What};
use crate::sim::world::{Event, World};
use crate::time::Duration;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Runs every action that fired, and schedules the steps that armed.
    #[cold]
    pub(crate) fn run_all(&mut self, links_only: bool) -> bool {
        let mut ran = false;
        while let Some(fired) = self.script.director.next_fired(links_only) {
            ran = true;
            self.act(fired);
        }
        self.schedule_steps();
        ran
    }

    fn act(&mut self, fired: Fired<P::Command>) {
        let Fired { step, action, whom, ends } = fired;
        let actor = whom.iter().next().unwrap_or(ProcessId::site(0));
        self.watch.mark(Mark::Step, actor, [step.track as u64, step.index as u64]);
        self.watch.line(None, LineClass::Step, || What::Fired {
            step,
            action: Box::new(action.clone()),
            whom,
        });
        match action {
            Action::Command(process, command) => self.command(process, command),
            Action::Crash { at: None, leaves, .. } => {
                self.each(whom, |world, h| world.crash(h, None, leaves))
            }
            Action::Crash { at: Some(seam), leaves, .. } => {
                self.each(whom, |world, h| world.hosts.list[h].seams.push(ArmedSeam { seam, leaves, step }));
            }
            Action::Restart(_) => self.each(whom, World::start),
            Action::Pause(_) => self.each(whom, World::pause),
            Action::Resume(_) => self.each(whom, World::resume),
            Action::Isolate(_) => whom.iter().for_each(|process| self.net.isolate(process)),
            Action::Partition(groups) => self.net.partition(&groups),
            Action::Cut { from, to } => self.net.cut(from, to),
            Action::Mend(one, other) => self.net.mend(one, other),
            Action::Clog { from, to } => self.net.clog(from, to),
            Action::Unclog { from, to } => {
                let (net, mut reach) = self.network();
                net.unclog(&mut reach, from, to);
            }
            Action::Replay(name) => {
                let (net, mut reach) = self.network();
                if net.redeliver(&mut reach, &name) == 0 {
                    self.script.fruitless.push(step);
                }
            }
            Action::Rule(rule) => {
                let is_optional = self.script.director.step(step).is_optional;
                self.net.add_rule(rule, ends, self.watch.now, is_optional);
            }
            Action::SyncTime(_, time) => self.each(whom, |world, h| world.hosts.list[h].sync_time = time),
            Action::Disk(_, fault) => self.each(whom, |world, h| world.inject_disk_fault(h, fault, step)),
            Action::Wipe(_) => self.each(whom, World::wipe),
            Action::Slow(_, time) => self.each(whom, |world, h| world.slow(h, time)),
            Action::Clock(_, fault) => self.each(whom, |world, h| world.inject_clock_fault(h, fault)),
            Action::Heal => self.heal(),
            Action::Check(number) => self.script.checks.push_back(number),
        }
    }

    fn each(&mut self, whom: Resolved, mut act: impl FnMut(&mut World<P, J>, HostIndex)) {
        for process in whom.iter() {
            if let Some(h) = self.hosts.list.place(process) {
                act(self, h);
            }
        }
    }

    fn pause(&mut self, h: HostIndex) {
        let id = self.hosts.list[h].id;
        let Some(running) = self.hosts.list[h].running_mut().filter(|running| !running.is_paused) else {
            return;
        };
        running.is_paused = true;
        self.watch.mark(Mark::Paused, id, [0, 0]);
        self.watch.line(id, LineClass::Fault, || What::Paused);
    }

    /// Lets a paused process go on: it learns of the syncs that ended, then its inputs are handed in, each in an
    /// event of its own.
    fn resume(&mut self, h: HostIndex) {
        let id = self.hosts.list[h].id;
        let Some(running) = self.hosts.list[h].running_mut().filter(|running| running.is_paused) else {
            return;
        };
        running.is_paused = false;
        let waiting = running.waiting();
        self.watch.mark(Mark::Resumed, id, [waiting as u64, 0]);
        self.watch.line(id, LineClass::Life, || What::Resumed { waiting });
        self.queue.push(self.watch.now, Event::Resumed { host: h });
    }

    /// A process that was paused goes on.
    pub(crate) fn on_resumed(&mut self, h: HostIndex) {
        while let Some(running) = self.hosts.list[h].running_mut().filter(|running| !running.is_paused) {
            if running.ended.is_empty() {
                return self.drain(h);
            }
            let ended = running.ended.remove(0);
            self.take_sync(h, ended);
        }
        // Its disk failed in its sleep, and it stopped over that: of a core it starts again.
        let is_in_core = self.net.is_in_core(self.hosts.list[h].id);
        if is_in_core && matches!(self.hosts.list[h].status(), Status::Failed { for_good: false, .. }) {
            self.start(h);
        }
    }

    /// Mends and unclogs links, drops rules, disarms crashes and disk faults that wait, and revives whom it can. Disks keep
    /// their sync times, and clocks go on as they do.
    fn heal(&mut self) {
        let (net, mut reach) = self.network();
        net.heal(&mut reach);
        self.spare_all();
        for h in self.hosts.list.of_sites().chain(self.hosts.list.of_others()) {
            self.mend(h);
            self.revive(h);
        }
    }

    /// Disarms every crash that waits for its seam; that it never came stays known.
    fn spare_all(&mut self) {
        for host in self.hosts.list.iter_mut() {
            host.spared.append(&mut host.seams);
            if let Some(disk) = &mut host.disk {
                disk.spare();
            }
        }
    }

    /// Gives a full disk room and a slow process its pace.
    fn mend(&mut self, h: HostIndex) {
        if let Some(disk) = &mut self.hosts.list[h].disk {
            disk.make_room();
        }
        self.slow(h, Duration::ZERO);
    }

    /// Resumes or starts a process, whichever it needs.
    fn revive(&mut self, h: HostIndex) {
        match self.hosts.list[h].status() {
            Status::Up | Status::Failed { for_good: true, .. } => {}
            Status::Paused => self.resume(h),
            Status::Down | Status::Failed { for_good: false, .. } => self.start(h),
        }
    }

    /// Stops faults: the script ends, and the sites with the lowest numbers that have not failed for good and whose
    /// storage nothing damaged, as many as the settings want in the core, are healed with all clients. Links among them
    /// are mended and unclogged, no rule and no chance touches their datagrams, the paused go on and the crashed start,
    /// once; they are as fast as ever and their disks have room. So are disks that hold their sites up while they sync: a
    /// slow one makes its site slow. Other disks keep their sync times; everything else stays as broken as it is.
    ///
    /// Returns the core: fewer sites when there are no more.
    pub fn heal_core(&mut self) -> SiteSet {
        let size = usize::from(self.settings.core_size);
        let can_run = |h: &HostIndex| match self.hosts.list[*h].status() {
            _ if self.hosts.list[*h].storage != Storage::Sound => false,
            Status::Up | Status::Paused | Status::Down | Status::Failed { for_good: false, .. } => true,
            Status::Failed { for_good: true, .. } => false,
        };
        let places: Vec<HostIndex> = self.hosts.list.of_sites().filter(can_run).take(size).collect();
        let core: SiteSet = places.iter().filter_map(|h| self.hosts.list[*h].id.as_site()).collect();
        self.script.director.stop();
        self.net.spare_core(core);
        self.watch.mark(
            Mark::Healed,
            ProcessId::site(0),
            [core.iter().map(|site| 1 << site.number()).sum(), 0],
        );
        self.watch.line(None, LineClass::Step, || What::Healed { core });
        let (net, mut reach) = self.network();
        net.unclog(&mut reach, core, core);
        self.spare_all();
        if self.settings.disk.sync_mode == SyncMode::Blocking {
            places.iter().for_each(|h| self.hosts.list[*h].sync_time = self.settings.disk.sync_time);
        }
        for h in places.into_iter().chain(self.hosts.list.of_others()) {
            self.mend(h);
            self.revive(h);
        }
        core
    }

    /// Behind the end of faults: these commands are handed in.
    pub fn probe(&mut self, commands: impl IntoIterator<Item = (ProcessId, P::Command)>) {
        self.watch.mark(Mark::Demanded, ProcessId::site(0), [0, 0]);
        self.watch.line(None, LineClass::Step, || What::Probed);
        commands.into_iter().for_each(|(process, command)| self.command(process, command));
    }

    /// Behind the end of faults: every site that runs loses its power at once, and every site starts that can.
    /// Returns those that ran.
    pub fn restart_sites(&mut self) -> SiteSet {
        self.watch.mark(Mark::Demanded, ProcessId::site(0), [1, 0]);
        self.watch.line(None, LineClass::Step, || What::Restarted);
        let ran: Vec<HostIndex> =
            self.hosts.list.of_sites().filter(|h| self.hosts.list[*h].running().is_some()).collect();
        ran.iter().for_each(|h| self.crash(*h, None, Leaves::Nothing));
        self.hosts.list.of_sites().for_each(|h| self.revive(h));
        ran.into_iter().filter_map(|h| self.hosts.list[h].id.as_site()).collect()
    }
}
