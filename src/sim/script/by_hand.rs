//! The steps that act by hand: they deliver, lose, double and delay what is under way, and in a held network they fire
//! deadlines and complete syncs.
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
use crate::sim::net::rule::CopyFilter;
use crate::sim::net::rules::{Resolved, RuleTargets};
use crate::sim::script::describe::copy_text;
use crate::sim::script::director::{Fired, StepId, Unfired};
use crate::sim::script::{ClockFault, ScriptAction};
use crate::sim::under_way::FlyingCopy;
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::{QueuedEvent, World};
use crate::time::Duration;

/// The most datagrams, deadlines or syncs that one report lists.
const LISTED_MAX: usize = 20;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Does what the next step says that acts by hand.
    pub(crate) fn act_by_hand(&mut self) {
        let Some(Fired { step, action, targets, ends }) = self.script.by_hand.pop_front() else { return };
        if self.script.director.is_stopped {
            return;
        }
        let done = match &action {
            ScriptAction::Deliver(copy) => self.deliver_by_hand(copy, ends),
            ScriptAction::Lose(copy) => self.lose_by_hand(copy, ends),
            ScriptAction::Double(copy) => self.double_by_hand(copy, ends),
            ScriptAction::Delay(copy, by) => self.delay_by_hand(copy, ends, *by),
            ScriptAction::Fire(_) => {
                let places: Vec<HostIndex> =
                    targets.iter().filter_map(|id| self.hosts.list.place(id)).collect();
                places.into_iter().for_each(|host| self.drain(host));
                self.on_each(step, &action, targets, World::lacks_deadline, World::fire)
            }
            ScriptAction::Sync(_) => {
                self.on_each(step, &action, targets, World::lacks_sync, World::sync_by_hand)
            }
            other => unreachable!("{} does not act by hand", other.kind()),
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

    fn deliver_by_hand(&mut self, copy: &CopyFilter, ends: RuleTargets) -> Result<(), String> {
        let found = self.meant_copy(copy, ends)?;
        self.take_under_way(&found);
        self.watch.statistics.delivered_by_hand += 1;
        self.deliver(found.host, found.packet);
        Ok(())
    }

    fn lose_by_hand(&mut self, copy: &CopyFilter, ends: RuleTargets) -> Result<(), String> {
        let found = self.meant_copy(copy, ends)?;
        self.take_under_way(&found);
        let (net, mut reach) = self.network();
        net.drop_at(&mut reach, found.to, found.packet, Loss::ByHand);
        Ok(())
    }

    fn double_by_hand(&mut self, copy: &CopyFilter, ends: RuleTargets) -> Result<(), String> {
        let found = self.meant_copy(copy, ends)?;
        self.net.packets.copy(found.packet);
        let further = self.net.packets.double(found.packet);
        self.watch.statistics.doubled_by_hand += 1;
        self.deliver(found.host, further);
        Ok(())
    }

    fn delay_by_hand(&mut self, copy: &CopyFilter, ends: RuleTargets, by: Duration) -> Result<(), String> {
        let found = self.meant_copy(copy, ends)?;
        // Where nothing arrives by itself, a file with this step is refused.
        let Some(turn) = found.turn else { return Ok(()) };
        self.take_under_way(&found);
        let FlyingCopy { host, packet, from, to, .. } = found;
        self.queue.push(turn.at + by, QueuedEvent::Deliver { host, packet });
        self.watch.statistics.delayed_by_hand += 1;
        self.watch.mark(FingerprintMark::UnusualPassage, from, [to.number().into(), 10]);
        let stored = self.net.packets.get_mut(packet);
        self.watch.line(from, LineClass::Fault, || TraceEvent::Delayed {
            to,
            copy: stored.traced(packet.copy),
            by,
        });
        Ok(())
    }

    fn meant_copy(&self, copy: &CopyFilter, ends: RuleTargets) -> Result<FlyingCopy, String> {
        let place = usize::try_from(copy.nth.saturating_sub(1)).unwrap_or(usize::MAX);
        let mut matching =
            self.under_way().into_iter().filter(|flying| self.is_meant(flying, &copy.filter, ends));
        matching.nth(place).ok_or_else(|| format!("no {} was under way", copy_text(copy, "datagram")))
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

    /// Adds what is there to the steps by hand whose target does not exist.
    pub(crate) fn add_what_is_there(&self, unfired: &mut [Unfired]) {
        let director = &self.script.director;
        for Unfired { step, nearest, .. } in unfired {
            let is_by_hand = director.step(*step).action.row().is_by_hand;
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
        let loose = self.under_way().into_iter().filter(|copy| copy.is_loose);
        let copies = listed(loose.map(|copy| copy.text()));
        if !self.net.is_held() {
            return format!("under way: {copies}");
        }
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
