//! Carries out the actions of the script, and stops faults at its end.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteSet};
use crate::outbox::SyncMode;
use crate::process::Process;
use crate::sim::host::hosts::HostIndex;
use crate::sim::host::{ArmedSeam, ProcessStatus, Storage};
use crate::sim::net::rules::Resolved;
use crate::sim::script::director::{Fired, StepId};
use crate::sim::script::{Leaves, ScriptAction};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, TraceEvent};
use crate::sim::world::{QueuedEvent, World};

impl<P: Process, J: Judge<P>> World<P, J> {
    /// The time of a step has come.
    pub(crate) fn on_step(&mut self, step: StepId) {
        let roles = self.hosts.list.roles(&self.settings.machines);
        self.script.director.on_time(step, self.watch.now, &roles);
    }

    /// Fires the steps that waited for their targets and whose targets exist at this moment.
    #[cold]
    pub(crate) fn retry_steps(&mut self) {
        while self.script.has_due() {
            let roles = self.hosts.list.roles(&self.settings.machines);
            self.script.director.retry(self.watch.now, &roles);
            if !self.run_fired(false) {
                break;
            }
        }
    }

    /// Puts the times of freshly armed steps into the queue.
    pub(crate) fn schedule_steps(&mut self) {
        for (at, step) in self.script.director.take_timers() {
            self.queue.push(at, QueuedEvent::Step(step));
        }
    }

    /// Runs every fired action, and schedules the steps that armed. Returns whether any action ran.
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
        let Fired { step, action, targets, ends } = fired;
        let actor = targets.iter().next().unwrap_or(ProcessId::site(0));
        self.watch.mark(FingerprintMark::Step, actor, [step.track as u64, step.index as u64]);
        // Those two show themselves once it is known which targets they act on.
        if !matches!(action, ScriptAction::Fire(_) | ScriptAction::Sync(_)) {
            self.watch.line(None, LineClass::Step, || TraceEvent::Fired {
                step,
                action: Box::new(action.clone()),
                targets,
            });
        }
        let may_change_links = match &action {
            ScriptAction::Isolate(_) | ScriptAction::Partition(_) | ScriptAction::Cut { .. } => true,
            ScriptAction::Mend(..) | ScriptAction::Clog { .. } | ScriptAction::Unclog { .. } => true,
            action => matches!(action, ScriptAction::Heal),
        };
        match action {
            ScriptAction::Command(_, command) => {
                targets.iter().for_each(|process| self.command(process, command.clone()));
            }
            ScriptAction::Crash { at: None, leaves, .. } => {
                self.each(targets, |world, host| world.crash(host, None, leaves))
            }
            ScriptAction::Crash { at: Some(seam), leaves, .. } => {
                self.each(targets, |world, host| {
                    world.hosts.list[host].seams.push(ArmedSeam { seam, leaves, step })
                });
            }
            ScriptAction::Restart(_) => self.each(targets, World::start),
            ScriptAction::Pause(_) => self.each(targets, World::pause),
            ScriptAction::Resume(_) => self.each(targets, World::resume),
            ScriptAction::Isolate(_) => targets.iter().for_each(|process| self.net.isolate(process)),
            ScriptAction::Partition(groups) => self.net.partition(&groups),
            ScriptAction::Cut { from, to } => self.net.cut(from, to),
            ScriptAction::Mend(one, other) => self.net.mend(one, other),
            ScriptAction::Clog { from, to } => self.net.clog(from, to),
            ScriptAction::Unclog { from, to } => {
                let (net, mut reach) = self.network();
                net.unclog(&mut reach, from, to);
            }
            ScriptAction::Redeliver(name) => {
                let (net, mut reach) = self.network();
                if net.redeliver(&mut reach, &name) == 0 {
                    self.script.miss(step, "its rule had kept nothing".into());
                }
            }
            ScriptAction::Rule(rule) => {
                self.net.add_rule(rule, ends, self.watch.now, !self.script.is_required(step));
            }
            ScriptAction::SyncTime(_, time) => {
                self.each(targets, |world, host| world.hosts.list[host].sync_time = time)
            }
            ScriptAction::Disk(_, fault) => {
                self.each(targets, |world, host| world.inject_disk_fault(host, fault, step))
            }
            ScriptAction::Wipe(_) => self.each(targets, World::wipe),
            ScriptAction::Slow(_, time) => self.each(targets, |world, host| world.slow(host, time)),
            ScriptAction::Clock(_, fault) => {
                self.each(targets, |world, host| world.inject_clock_fault(host, fault))
            }
            // They hand inputs in, which must wait until no process is handling one.
            ScriptAction::Deliver(_)
            | ScriptAction::Lose(_)
            | ScriptAction::Double(_)
            | ScriptAction::Delay(..)
            | ScriptAction::Fire(_)
            | ScriptAction::Sync(_) => {
                self.script.by_hand.push_back(Fired { step, action, targets, ends });
                self.queue.push(self.watch.now, QueuedEvent::ByHand);
            }
            ScriptAction::Heal => self.heal(),
            ScriptAction::Check(number) => self.script.checks.push_back(number),
        }
        if may_change_links {
            self.review_links();
        }
    }

    fn each(&mut self, targets: Resolved, mut act: impl FnMut(&mut World<P, J>, HostIndex)) {
        for process in targets.iter() {
            if let Some(host) = self.hosts.list.place(process) {
                act(self, host);
            }
        }
    }

    /// Mends and unclogs links, drops rules, disarms waiting crashes and disk faults, gives full disks room, ends
    /// slowness, and revives every process that can run. Sync times and clocks stay as they are.
    fn heal(&mut self) {
        self.give_up_head_start();
        let (net, mut reach) = self.network();
        net.heal(&mut reach);
        self.hosts.list.spare_all();
        for host in self.hosts.list.of_sites().chain(self.hosts.list.of_others()) {
            self.mend(host);
            self.revive(host);
        }
    }

    /// Ends the script and stops faults for a core. The core is the lowest-numbered sites, up to the configured core
    /// size, that have not failed for good and whose storage is sound. All clients are healed with it.
    ///
    /// Links inside the core are mended and unclogged. No rule takes its datagrams, and chance only delays them.
    /// Paused processes resume and crashed ones start, once. Slow processes regain their speed, full disks have room,
    /// and where a sync blocks its site, the sync time is the configured one. Waiting crashes and disk faults are
    /// disarmed everywhere. Everything else stays as broken as it is. A held network goes on by itself everywhere.
    ///
    /// Returns the core, which is smaller if fewer such sites exist.
    pub fn heal_core(&mut self) -> SiteSet {
        let size = usize::from(self.settings.core_size);
        let can_run = |host: &HostIndex| match self.hosts.list[*host].status() {
            _ if self.hosts.list[*host].storage != Storage::Sound => false,
            ProcessStatus::Up
            | ProcessStatus::Paused
            | ProcessStatus::Down
            | ProcessStatus::Failed { for_good: false, .. } => true,
            ProcessStatus::Failed { for_good: true, .. } => false,
        };
        let places: Vec<HostIndex> = self.hosts.list.of_sites().filter(can_run).take(size).collect();
        let core: SiteSet = places.iter().filter_map(|host| self.hosts.list[*host].id.as_site()).collect();
        self.script.director.stop();
        self.give_up_head_start();
        self.net.spare_core(core);
        self.let_go();
        self.watch.mark(
            FingerprintMark::Healed,
            ProcessId::site(0),
            [core.iter().map(|site| 1 << site.number()).sum(), 0],
        );
        self.watch.line(None, LineClass::Step, || TraceEvent::Healed { core });
        let (net, mut reach) = self.network();
        net.unclog(&mut reach, core, core);
        self.hosts.list.spare_all();
        if self.settings.disk.sync_mode == SyncMode::Blocking {
            let sync_time = self.settings.disk.sync_time;
            places.iter().for_each(|host| self.hosts.list[*host].sync_time = sync_time);
        }
        for host in places.into_iter().chain(self.hosts.list.of_others()) {
            self.mend(host);
            self.revive(host);
        }
        self.review_links();
        core
    }

    /// Hands in these commands after faults have stopped.
    pub fn probe(&mut self, commands: impl IntoIterator<Item = (ProcessId, P::Command)>) {
        self.watch.mark(FingerprintMark::Demanded, ProcessId::site(0), [0, 0]);
        self.watch.line(None, LineClass::Step, || TraceEvent::Probed);
        commands.into_iter().for_each(|(process, command)| self.command(process, command));
    }

    /// Crashes every running site at once after faults have stopped, then starts every site that can start. Returns
    /// the sites that ran.
    pub fn restart_sites(&mut self) -> SiteSet {
        self.watch.mark(FingerprintMark::Demanded, ProcessId::site(0), [1, 0]);
        self.watch.line(None, LineClass::Step, || TraceEvent::Restarted);
        let runs = |host: &HostIndex| self.hosts.list[*host].running().is_some();
        let ran: Vec<HostIndex> = self.hosts.list.of_sites().filter(runs).collect();
        ran.iter().for_each(|host| self.crash(*host, None, Leaves::Nothing));
        self.hosts.list.of_sites().for_each(|host| self.revive(host));
        ran.into_iter().filter_map(|host| self.hosts.list[host].id.as_site()).collect()
    }
}
