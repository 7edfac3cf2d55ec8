//! The steps of a held network: they deliver and lose what is under way, fire deadlines and complete syncs.
//!
//! Each acts in an event of its own, between the inputs of processes. A step that does not find what it names makes
//! the run stale, and says what is there instead. Only the first such step is reported.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::process::Process;
use crate::sim::host::SimHost;
use crate::sim::host::hosts::HostIndex;
use crate::sim::net::clogs::CloggedCopy;
use crate::sim::net::rule::Filter;
use crate::sim::net::rules::{Resolved, RuleTargets};
use crate::sim::net::settings::Delivery;
use crate::sim::script::describe::datagrams_text;
use crate::sim::script::director::{Fired, StepId, Unfired};
use crate::sim::script::{ClockFault, ScriptAction};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::World;
use crate::time::Duration;

/// The most datagrams, deadlines or syncs that one report lists.
const LISTED_MAX: usize = 20;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Does what the next step says that acts on a held network.
    pub(crate) fn act_by_hand(&mut self) {
        let Some(Fired { step, action, targets, ends }) = self.script.by_hand.pop_front() else { return };
        if !self.net.is_held() {
            return;
        }
        let done = match &action {
            ScriptAction::Deliver(filter) => self.deliver_by_hand(filter, ends),
            ScriptAction::Lose(filter) => self.lose_by_hand(filter, ends),
            ScriptAction::Fire(_) => {
                let places: Vec<HostIndex> =
                    targets.iter().filter_map(|id| self.hosts.list.place(id)).collect();
                places.into_iter().for_each(|host| self.drain(host));
                self.on_each(step, &action, targets, World::lacks_deadline, World::fire)
            }
            ScriptAction::Sync(_) => {
                self.on_each(step, &action, targets, World::lacks_sync, World::sync_by_hand)
            }
            other => unreachable!("{} is no step of a held network", other.kind()),
        };
        if let Err(why) = done {
            self.watch
                .line(None, LineClass::Fault, || TraceEvent::Idle { what: "does not find what it names" });
            if self.script.fruitless.is_empty() {
                let there = self.what_is_there();
                self.script.miss(step, format!("{why}; {there}"));
            }
        }
    }

    fn deliver_by_hand(&mut self, filter: &Filter, ends: RuleTargets) -> Result<(), String> {
        let CloggedCopy { packet, to, .. } = self.take_held(filter, ends)?;
        let host = self.hosts.list.place(to).expect("only copies to processes of this world are held");
        self.watch.statistics.delivered_by_hand += 1;
        self.deliver(host, packet);
        Ok(())
    }

    fn lose_by_hand(&mut self, filter: &Filter, ends: RuleTargets) -> Result<(), String> {
        let CloggedCopy { packet, to, .. } = self.take_held(filter, ends)?;
        let (net, mut reach) = self.network();
        net.drop_at(&mut reach, to, packet, Loss::ByHand);
        Ok(())
    }

    fn take_held(&mut self, filter: &Filter, ends: RuleTargets) -> Result<CloggedCopy, String> {
        let taken = self.net.take_held(filter, ends);
        taken.ok_or_else(|| format!("no {} was under way", datagrams_text(filter, "datagram")))
    }

    /// Acts on each target that lacks nothing, and shows the step with those alone. If there is none, says what each
    /// lacks.
    fn on_each(
        &mut self,
        step: StepId,
        action: &ScriptAction<P::Command>,
        targets: Resolved,
        lack: fn(&World<P, J>, HostIndex) -> Option<String>,
        act: fn(&mut World<P, J>, HostIndex),
    ) -> Result<(), String> {
        let (mut able, mut lacks) = (Vec::new(), Vec::new());
        for id in targets.iter() {
            let Some(host) = self.hosts.list.place(id) else {
                lacks.push(format!("there was no {id}"));
                continue;
            };
            match lack(self, host) {
                None => able.push((id, host)),
                Some(why) => lacks.push(why),
            }
        }
        let is_able = |id| able.iter().any(|(able, _)| *able == id);
        let shown = if able.is_empty() { targets } else { targets.only(is_able) };
        self.watch.line(None, LineClass::Step, || TraceEvent::Fired {
            step,
            action: Box::new(action.clone()),
            targets: shown,
        });
        if able.is_empty() {
            return Err(lacks.join(", "));
        }
        able.into_iter().for_each(|(_, host)| act(self, host));
        Ok(())
    }

    fn lacks_deadline(&self, h: HostIndex) -> Option<String> {
        let host = &self.hosts.list[h];
        let id = host.id;
        let Some(running) = host.running() else { return Some(format!("{id} was not running")) };
        if !running.can_take(self.settings.disk.sync_mode) {
            return Some(format!("{id} could take no input: it was paused, slow, or waited for a sync"));
        }
        running.process.deadline().is_none().then(|| format!("{id} had no deadline"))
    }

    /// Sets the clock of a process ahead to its deadline, if that has not come, and wakes the process.
    fn fire(&mut self, h: HostIndex) {
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let (id, life, local) = (host.id, host.lives, host.local(now));
        let Some(running) = host.running_mut() else { return };
        let Some((due, _)) = running.process.deadline() else { return };
        running.wake = Some(now);
        let ahead = due.since(local);
        if ahead > Duration::ZERO {
            let fault = ClockFault::Ahead(ahead);
            host.clock.get_or_insert_default().strike(fault, now);
            self.watch.mark(FingerprintMark::Clock, id, [due.as_micros(), 0]);
            self.watch.line(id, LineClass::Fault, || TraceEvent::Clock { fault, shows: due });
        }
        self.on_wake(h, life, now);
    }

    fn lacks_sync(&self, h: HostIndex) -> Option<String> {
        let host = &self.hosts.list[h];
        let has_none = host.running().is_none_or(|running| running.held_syncs.is_empty());
        has_none.then(|| format!("{} had no sync under way", host.id))
    }

    fn sync_by_hand(&mut self, h: HostIndex) {
        let host = &mut self.hosts.list[h];
        let life = host.lives;
        if let Some(sync) = host.running_mut().and_then(|running| running.held_syncs.pop_front()) {
            self.on_synced(h, life, sync);
        }
    }

    /// Adds what is there to the steps of a held network whose target does not exist.
    pub(crate) fn add_what_is_there(&self, unfired: &mut [Unfired]) {
        let director = &self.script.director;
        for Unfired { step, nearest, .. } in unfired {
            let is_by_hand = director.step(*step).action.row().delivery == Some(Delivery::Held);
            if is_by_hand && director.lacks_target(*step) {
                *nearest = format!("{nearest}; {}", self.what_is_there());
            }
        }
    }

    /// What a step could have named.
    fn what_is_there(&self) -> String {
        let hosts = || self.hosts.list.iter();
        let deadline = |host: &SimHost<P>| {
            let running = host.running().filter(|running| running.can_take(self.settings.disk.sync_mode))?;
            let (_, reason) = running.process.deadline()?;
            Some(format!("{} ({reason})", host.id))
        };
        let syncs = |host: &SimHost<P>| {
            let count = host.running()?.held_syncs.len();
            (count > 0).then(|| match count {
                1 => format!("{}", host.id),
                count => format!("{} ({count})", host.id),
            })
        };
        let copies = listed(self.net.held_texts());
        let (deadlines, syncs) = (listed(hosts().filter_map(deadline)), listed(hosts().filter_map(syncs)));
        format!("under way: {copies}; deadlines: {deadlines}; syncs under way: {syncs}")
    }

    /// Ends the hold: datagrams, deadlines and syncs go on by themselves.
    pub(crate) fn let_go(&mut self) {
        if !self.net.is_held() {
            return;
        }
        let (net, mut reach) = self.network();
        net.let_go(&mut reach);
        for host in self.hosts.list.of_sites().chain(self.hosts.list.of_others()) {
            // No wake-up was armed while the clock was set back, so none has come.
            if let Some(clock) = &mut self.hosts.list[host].clock {
                clock.is_set_back = false;
            }
            self.let_syncs_go(host);
            self.arm(host);
        }
    }
}

/// The first of these texts, and how many more there are.
fn listed(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        return "none".into();
    }
    let more = texts.len().saturating_sub(LISTED_MAX);
    texts.truncate(LISTED_MAX);
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join(", ")
}
