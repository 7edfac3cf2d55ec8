//! The steps of a held network: they deliver and lose what is under way, fire deadlines and complete syncs.
//!
//! Each acts in an event of its own, between the inputs of processes. A step that does not find what it names makes
//! the run stale, and says what is there instead. After the first such step only that one is reported.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::process::Process;
use crate::sim::host::SimHost;
use crate::sim::host::hosts::HostIndex;
use crate::sim::net::clogs::CloggedCopy;
use crate::sim::net::rule::Filter;
use crate::sim::net::rules::RuleTargets;
use crate::sim::script::describe::datagrams_text;
use crate::sim::script::director::Fired;
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
        let places: Vec<HostIndex> = targets.iter().filter_map(|id| self.hosts.list.place(id)).collect();
        let done = match &action {
            ScriptAction::Deliver(filter) => self.deliver_by_hand(filter, ends),
            ScriptAction::Lose(filter) => self.lose_by_hand(filter, ends),
            ScriptAction::Fire(_) => places.into_iter().try_for_each(|host| self.fire(host)),
            ScriptAction::Sync(_) => places.into_iter().try_for_each(|host| self.sync_by_hand(host)),
            other => unreachable!("{} is no step of a held network", other.kind()),
        };
        if let Err(why) = done {
            self.watch
                .line(None, LineClass::Fault, || TraceEvent::Idle { what: "does not find what it names" });
            if self.script.fruitless.is_empty() {
                let there = self.what_is_there();
                self.script.miss(step, format!("its trigger came, and {why}; {there}"));
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

    /// Sets the clock of a process ahead to its deadline, if that has not come, and wakes the process.
    fn fire(&mut self, h: HostIndex) -> Result<(), String> {
        let (now, mode) = (self.watch.now, self.settings.disk.sync_mode);
        self.drain(h);
        let host = &mut self.hosts.list[h];
        let (id, life, local) = (host.id, host.lives, host.local(now));
        let Some(running) = host.running_mut() else { return Err(format!("{id} was not running")) };
        if !running.can_take(mode) {
            return Err(format!("{id} could take no input: it was paused, slow, or waited for a sync"));
        }
        let Some((due, _)) = running.process.deadline() else {
            return Err(format!("{id} had no deadline"));
        };
        running.wake = Some(now);
        let ahead = due.since(local);
        if ahead > Duration::ZERO {
            host.clock.get_or_insert_default().strike(ClockFault::Ahead(ahead), now);
            self.watch.mark(FingerprintMark::Clock, id, [due.as_micros(), 0]);
        }
        self.on_wake(h, life, now);
        Ok(())
    }

    fn sync_by_hand(&mut self, h: HostIndex) -> Result<(), String> {
        let host = &mut self.hosts.list[h];
        let (id, life) = (host.id, host.lives);
        let sync = host.running_mut().and_then(|running| running.held_syncs.pop_front());
        let sync = sync.ok_or_else(|| format!("{id} had no sync under way"))?;
        self.on_synced(h, life, sync);
        Ok(())
    }

    /// What a step could have named.
    fn what_is_there(&self) -> String {
        let hosts = || self.hosts.list.iter();
        let deadline = |host: &SimHost<P>| {
            let (_, reason) = host.running()?.process.deadline()?;
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
