//! What the script does to a world, and how faults stop at its end.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteSet};
use crate::process::Process;
use crate::sim::director::Fired;
use crate::sim::host::{ArmedSeam, Status};
use crate::sim::judge::Judge;
use crate::sim::rules::Whom;
use crate::sim::script::Action;
use crate::sim::trace::{LineClass, What};
use crate::sim::watch::Mark;
use crate::sim::world::{Event, World};

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Runs the actions that fired, and those that they fire in turn; with `links_only` leaves those alone that
    /// touch processes. Says whether there were any.
    #[inline]
    pub(crate) fn run_fired(&mut self, links_only: bool) -> bool {
        !self.director.is_quiet() && self.run_all(links_only)
    }

    #[cold]
    fn run_all(&mut self, links_only: bool) -> bool {
        let mut ran = false;
        while let Some(fired) = self.director.next_fired(links_only) {
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
            Action::Crash { at: None, torn, .. } => self.each(whom, |world, h| world.crash(h, None, torn)),
            Action::Crash { at: Some(seam), torn, .. } => {
                self.each(whom, |world, h| world.hosts[h].seams.push(ArmedSeam { seam, torn, step }));
            }
            Action::Restart(_) => self.each(whom, World::start),
            Action::Pause(_) => self.each(whom, World::pause),
            Action::Resume(_) => self.each(whom, World::resume),
            Action::Isolate(_) => whom.iter().for_each(|process| self.links.isolate(process)),
            Action::Partition(groups) => self.links.partition(&groups),
            Action::Cut { from, to } => self.links.cut(from, to),
            Action::Mend(one, other) => self.links.mend(one, other),
            Action::Rule(rule) => self.rules.push(rule, ends.0, ends.1, self.watch.now),
            Action::SyncTime(_, time) => self.each(whom, |world, h| world.hosts[h].sync_time = time),
            Action::Heal => self.heal(),
            Action::Check(number) => self.checks.push_back(number),
        }
    }

    fn each(&mut self, whom: Whom, mut act: impl FnMut(&mut World<P, J>, usize)) {
        for process in whom.iter() {
            if let Some(h) = self.place(process) {
                act(self, h);
            }
        }
    }

    fn pause(&mut self, h: usize) {
        let id = self.hosts[h].id;
        let Some(running) = self.hosts[h].running_mut().filter(|running| !running.is_paused) else {
            return;
        };
        running.is_paused = true;
        self.watch.mark(Mark::Paused, id, [0, 0]);
        self.watch.line(id, LineClass::Fault, || What::Paused);
    }

    /// Lets a paused process go on: it learns of the syncs that ended, then its inputs are handed in, each in an
    /// event of its own.
    fn resume(&mut self, h: usize) {
        let id = self.hosts[h].id;
        let Some(running) = self.hosts[h].running_mut().filter(|running| running.is_paused) else {
            return;
        };
        running.is_paused = false;
        let waiting = running.waiting();
        self.watch.mark(Mark::Resumed, id, [waiting as u64, 0]);
        self.watch.line(id, LineClass::Life, || What::Resumed { waiting });
        self.queue.push(self.watch.now, Event::Resumed { host: h });
    }

    /// A process that was paused goes on.
    pub(crate) fn on_resumed(&mut self, h: usize) {
        while let Some(running) = self.hosts[h].running_mut().filter(|running| !running.is_paused) {
            if running.ended.is_empty() {
                return self.drain(h);
            }
            let sync = running.ended.remove(0);
            self.take_sync(h, sync);
        }
    }

    /// Mends links, drops rules, disarms crashes that wait, and revives whom it can. Disks keep their sync times.
    fn heal(&mut self) {
        self.links.mend_all();
        self.rules.clear();
        if let Some(ledger) = &mut self.ledger {
            ledger.heal(self.watch.now);
        }
        self.spare_all();
        for h in 0..self.hosts.len() {
            self.revive(h);
        }
    }

    /// Disarms every crash that waits for its seam; that it never came stays known.
    fn spare_all(&mut self) {
        for host in &mut self.hosts {
            host.spared.append(&mut host.seams);
        }
    }

    /// Resumes or starts a process, whichever it needs.
    fn revive(&mut self, h: usize) {
        match self.hosts[h].status() {
            Status::Up | Status::Failed { for_good: true, .. } => {}
            Status::Paused => self.resume(h),
            Status::Down | Status::Failed { for_good: false, .. } => self.start(h),
        }
    }

    /// Stops faults: the script ends, and the sites with the lowest numbers that have not failed for good, as
    /// many as the settings want in the core, are healed with all clients. Links among them are mended, no rule and no chance touches their datagrams, the
    /// paused go on and the crashed start, once. Everything else stays as broken as it is.
    ///
    /// Returns the core: fewer sites when there are no more.
    pub fn heal_core(&mut self) -> SiteSet {
        let size = usize::from(self.settings.core_size);
        let can_run = |h: &usize| match self.hosts[*h].status() {
            Status::Up | Status::Paused | Status::Down | Status::Failed { for_good: false, .. } => true,
            Status::Failed { for_good: true, .. } => false,
        };
        let places: Vec<usize> = (0..usize::from(self.settings.sites)).filter(can_run).take(size).collect();
        let core: SiteSet = places.iter().filter_map(|h| self.hosts[*h].id.as_site()).collect();
        self.director.stop();
        self.core = Some(core);
        self.links.mend_core(core);
        self.watch.mark(
            Mark::Healed,
            ProcessId::site(0),
            [core.iter().map(|site| 1 << site.number()).sum(), 0],
        );
        self.watch.line(None, LineClass::Step, || What::Healed { core });
        self.spare_all();
        let others = usize::from(self.settings.sites)..self.hosts.len();
        for h in places.into_iter().chain(others) {
            self.revive(h);
        }
        core
    }
}
