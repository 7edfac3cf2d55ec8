//! How a process is handed its inputs, and what follows from each.
//!
//! Within one input the order is that of every host: handle, append, start the sync, send.

use crate::ids::ProcessId;
use crate::process::{Input, Label, Process, Role};
use crate::sim::host::causes::{OwnMessage, Released};
use crate::sim::host::durable::{self, Unsynced};
use crate::sim::host::hosts::HostIndex;
use crate::sim::host::{Life, Next, SimHost, WaitingInput, limits};
use crate::sim::script::Seam;
use crate::sim::script::matcher::Happening;
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::line::{LineClass, TraceEvent};
use crate::sim::world::{QueuedEvent, World};
use crate::time::{Duration, Instant};
use crate::wire::Wire;
use alloc::format;
use alloc::string::ToString;

/// The most inputs that one event hands in. The rest get another event at the same moment.
const INPUTS_PER_EVENT: usize = 64;

/// The most wake-ups of a process at one moment. A process that is due more often would never let time pass.
const WAKES_PER_MOMENT: u32 = 10_000;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// A user's command arrives at a process. It is handed in when its turn comes, or lost if the process does not
    /// run.
    pub fn command(&mut self, id: ProcessId, command: P::Command) {
        let Some(h) = self.hosts.list.place(id) else { return };
        let inbox_max = self.settings.inbox_max;
        match self.hosts.list[h].running_mut() {
            Some(running) if running.inbox.len() >= inbox_max => {
                self.watch.line(id, LineClass::Fault, || TraceEvent::Idle {
                    what: "has too much waiting, and is not asked",
                })
            }
            Some(running) => {
                running.inbox.push_back(WaitingInput::Command(command));
                self.queue.push(self.watch.now, QueuedEvent::Drain { host: h });
            }
            None => {
                self.watch.statistics.lost_commands += 1;
                self.watch
                    .line(id, LineClass::Fault, || TraceEvent::Idle { what: "is down, and is not asked" })
            }
        }
    }

    /// Hands in waiting inputs while the process can take them, and arms its wake-up.
    pub(crate) fn drain(&mut self, h: HostIndex) {
        let mode = self.settings.disk.sync_mode;
        for _ in 0..INPUTS_PER_EVENT {
            let host = &mut self.hosts.list[h];
            let id = host.id;
            if host.running().is_some_and(|running| running.reported_low) {
                self.look_for_room(h);
            }
            let host = &mut self.hosts.list[h];
            let Some(running) = host.running_mut().filter(|running| running.can_take(mode)) else { return };
            if running.is_idle() {
                return self.arm(h);
            }
            match running.next_input() {
                None => return self.arm(h),
                Some(Next::Started) => self.hand_in_started(h),
                Some(Next::Own(message)) => self.hand_in_own(h, &message),
                Some(Next::DiskSpace { is_low }) => self.hand_in_disk_space(h, is_low),
                Some(Next::Opened(from, message)) => {
                    running.lines.open_on();
                    self.hand_in_message(h, from, message);
                }
                Some(Next::Waiting(WaitingInput::Datagram(packet))) => self.open(h, packet),
                Some(Next::Waiting(WaitingInput::Link { peer, up })) => self.hand_in_link(h, peer, up),
                Some(Next::Waiting(WaitingInput::Command(command))) => {
                    self.watch.statistics.commands += 1;
                    self.watch.mark(FingerprintMark::Commanded, id, [0, 0]);
                    self.watch.show(&Observation::Commanded { process: id, command: &command });
                    let traced = || TraceEvent::Commanded { command: command.clone() };
                    self.watch.line(id, LineClass::Routine, traced);
                    self.input_shown(h);
                    self.hand_in(h, Input::Command(command));
                }
            }
        }
        self.queue.push(self.watch.now, QueuedEvent::Drain { host: h });
    }

    /// Hands a process that asks for it its first input.
    fn hand_in_started(&mut self, h: HostIndex) {
        let id = self.hosts.list[h].id;
        self.watch.mark(FingerprintMark::FirstInput, id, [0, 0]);
        self.watch.line(id, LineClass::Routine, || TraceEvent::Idle { what: "takes its first input" });
        self.input_shown(h);
        self.hand_in(h, Input::Started);
    }

    /// Notifies the process that its disk space has become low, or is no longer low.
    fn hand_in_disk_space(&mut self, h: HostIndex, is_low: bool) {
        let host = &self.hosts.list[h];
        let id = host.id;
        let leads = host.running().is_some_and(|running| running.leads.is_some());
        let statistics = &mut self.watch.statistics;
        match is_low {
            true if leads => statistics.leaders_low += 1,
            true => statistics.others_low += 1,
            false => statistics.roomy_again += 1,
        }
        self.watch.mark(FingerprintMark::DiskSpace, id, [is_low.into(), 0]);
        self.watch.line(id, LineClass::Fault, || TraceEvent::DiskSpace { is_low });
        self.input_shown(h);
        self.hand_in(h, Input::DiskSpace { is_low });
    }

    /// Hands in a message that came in a datagram.
    #[inline(always)]
    pub(crate) fn hand_in_message(&mut self, h: HostIndex, from: ProcessId, message: P::Message) {
        let to = self.hosts.list[h].id;
        self.watch.show(&Observation::Delivered { to, from, message: &message });
        self.hand_in(h, Input::Message { from, message });
    }

    /// Hands in a message that the process sent to itself.
    fn hand_in_own(&mut self, h: HostIndex, OwnMessage { bytes, sent }: &OwnMessage) {
        let id = self.hosts.list[h].id;
        self.watch.mark(FingerprintMark::Own, id, [0, 0]);
        match P::Message::from_bytes(bytes) {
            Ok(message) => {
                let (kind, subject) = (message.kind(), message.subject());
                self.watch.line(id, LineClass::Routine, || TraceEvent::Own { kind, subject, sent: *sent });
                self.input_shown(h);
                self.watch.show(&Observation::Delivered { to: id, from: id, message: &message });
                self.hand_in(h, Input::Message { from: id, message });
            }
            Err(error) => self.watch.object(Violation::new(
                "codec",
                format!("{id} sent itself a message that does not decode: {error}"),
            )),
        }
    }

    /// The armed wake-up is due.
    pub(crate) fn on_wake(&mut self, h: HostIndex, life: u64, at: Instant) {
        let (now, mode) = (self.watch.now, self.settings.disk.sync_mode);
        let host = &mut self.hosts.list[h];
        if !host.is_alive(life) {
            return;
        }
        let (id, local) = (host.id, host.local(now));
        let Some(running) = host.running_mut().filter(|running| running.wake == Some(at)) else { return };
        running.wake = None;
        if !running.can_take(mode) {
            return;
        }
        if running.has_news() {
            self.queue.push(now, QueuedEvent::Drain { host: h });
            return;
        }
        // A process that has slept its full time wakes, even if a clock that was set back shows less.
        let is_set_back = host.clock.as_mut().is_some_and(|clock| core::mem::take(&mut clock.is_set_back));
        let Some(running) = host.running_mut() else { return };
        if let Some((_, reason)) = running.process.deadline().filter(|(due, _)| *due <= local || is_set_back)
        {
            let (last, often) = running.woken;
            running.woken = (now, if last == now { often + 1 } else { 1 });
            if running.woken.1 > WAKES_PER_MOMENT {
                let explanation = format!(
                    "{id} was woken {WAKES_PER_MOMENT} times at {now} for `{reason}`, and is due again"
                );
                return self.watch.object(Violation::new("standing still", explanation));
            }
            self.watch.mark(FingerprintMark::Woke, id, [0, 0]);
            let wanted = running.lines.wanted();
            self.watch.line(id, LineClass::Routine, || TraceEvent::Woke { reason, wanted });
            self.input_shown(h);
            self.hand_in(h, Input::Wake);
        }
        self.drain(h);
    }

    /// Makes sure that the process wakes at its deadline, unless deadlines wait for steps. If the deadline has moved to a later time, the earlier
    /// wake-up stays in the queue and arms the next one.
    #[inline(always)]
    pub(crate) fn arm(&mut self, h: HostIndex) {
        if self.net.is_held() {
            return;
        }
        let now = self.watch.now;
        let SimHost { life, lives, clock, .. } = &mut self.hosts.list[h];
        let Life::Up(running) = life else { return };
        let Some((due, _)) = running.process.deadline() else { return };
        let due = match clock {
            Some(clock) if running.wake.is_none() && clock.is_set_back => now,
            Some(clock) => clock.when(due).max(now),
            None => due.max(now),
        };
        if running.wake.is_none_or(|armed| due < armed) {
            running.wake = Some(due);
            self.queue.push(due, QueuedEvent::Wake { host: h, life: *lives });
        }
    }

    /// Hands in one input and carries out its effects.
    pub(in crate::sim::host) fn hand_in(&mut self, h: HostIndex, input: Input<P>) {
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let (id, life, local) = (host.id, host.lives, host.local(now));
        let is_slow = host.slowness != Duration::ZERO;
        if host.awaits_crash() {
            host.await_rollover();
        }
        let Life::Up(running) = &mut host.life else { return };
        let within = limits::check_waiting(id, running, self.settings.inbox_max);
        self.hosts.effects.clear();
        self.hosts.handling = Some(id);
        let looks = running.process.looks();
        self.watch.open_log();
        running.process.handle(local, input, &mut self.hosts.effects);
        self.watch.take_log(id);
        let looks = running.process.looks().saturating_sub(looks);
        let outcomes = self.hosts.effects.outcomes();
        if let Some(stop) = self.hosts.effects.stop.take() {
            return self.stop_by_itself(h, stop);
        }
        let records = self.hosts.effects.records();
        let appends = !records.is_empty();
        if appends {
            let (Some(journal), Some(disk)) = (&mut running.journal, &mut host.disk) else {
                panic!("{id} has no disk, but appended {} records", records.len());
            };
            self.watch.mark(FingerprintMark::Appended, id, [records.len() as u64, 0]);
            records.iter().for_each(|record| self.watch.absorb(record));
            let count = records.len();
            self.watch.line(id, LineClass::Routine, || TraceEvent::Appended { records: count });
            let appended = journal.append(disk, records);
            if disk.power.is_out() {
                self.crash_in_rollover(h);
                return;
            }
            match appended {
                Ok(end) => {
                    let records = self.hosts.spare.exchange(&mut self.hosts.effects.records);
                    let written = disk.last_written();
                    let file = written.map(|written| written.file);
                    let is_other = running.writes_to.is_some() && file != running.writes_to;
                    self.watch.statistics.files_filled += u64::from(is_other);
                    running.writes_to = file;
                    running.unsynced.push_back(Unsynced { end, records, written });
                }
                Err(error) => {
                    self.hosts.handling = None;
                    return self.stop_failed(h, &error.to_string(), false);
                }
            }
        }
        let (appended, durable) = running.offsets();
        let own = if running.lines.are_kept() {
            self.hosts.effects.sent.iter().filter(|message| message.to.is_own(id)).count()
        } else {
            0
        };
        running.outbox.absorb(
            &mut self.hosts.effects,
            appended,
            durable,
            &mut self.hosts.ready,
            &mut self.net.packets.spare,
        );
        running.look_at_causes(own, &self.hosts.ready);
        let within = within.and_then(|()| limits::check_sizes(id, &running.process));
        let within = within.and_then(|()| limits::check_looks::<P>(id, looks, outcomes));
        let is_any_synced = running.unsynced.front().is_some_and(|batch| batch.end <= durable);
        self.hosts.handling = None;
        self.watch.object_to(within);
        if is_any_synced {
            self.watch.object_to(durable::check(&self.hosts.list[h], durable));
        }
        if !self.hosts.effects.notes.is_empty() {
            self.take_notes(h);
        }
        if is_slow {
            self.linger(h);
        }
        let host = &self.hosts.list[h];
        if let Some(running) = host.running() {
            self.watch.show(&Observation::Handled { process: id, state: &running.process });
        }
        self.look_at_role(h);
        self.run_fired(true);
        if appends && (self.crash_at(h, Seam::BeforeSync) || !self.start_sync(h)) {
            return self.hosts.ready.clear();
        }
        if !self.hosts.ready.is_empty() {
            self.dispatch(h, life, Released::AtOnce);
        }
        self.run_fired(false);
    }

    pub(in crate::sim::host) fn take_notes(&mut self, h: HostIndex) {
        let id = self.hosts.list[h].id;
        for note in self.hosts.effects.notes.drain(..) {
            let (kind, subject) = (note.kind(), note.subject());
            self.watch.mark(FingerprintMark::Noted, id, [subject.number, 0]);
            self.watch.absorb(kind.as_bytes());
            self.watch.line(id, LineClass::Note, || TraceEvent::Noted { note: note.clone() });
            self.watch.show(&Observation::Noted { process: id, note: &note });
            if self.script.listens_to_notes() {
                let noted = Happening::Noted { who: id, kind, subject };
                let roles = || self.hosts.list.roles(&self.settings.machines);
                self.script.happened(&mut self.watch, noted, roles);
            }
        }
    }

    /// Notices when a process becomes leader, or leads under another rank than before.
    pub(in crate::sim::host) fn look_at_role(&mut self, host: HostIndex) {
        let SimHost { id, life: Life::Up(running), .. } = &mut self.hosts.list[host] else { return };
        let id = *id;
        let leads = match running.process.role() {
            Role::Leader { rank } => Some(rank),
            Role::Candidate | Role::Follower | Role::Client => None,
        };
        let before = core::mem::replace(&mut running.leads, leads);
        if let Some(rank) = leads.filter(|_| leads != before) {
            self.watch.statistics.leaderships += 1;
            self.watch.mark(FingerprintMark::Leads, id, [rank, 0]);
            self.watch.line(id, LineClass::Routine, || TraceEvent::Leads { rank });
            self.happened(Happening::Leads { who: id });
        }
    }

    /// Reports an event to the script that is no datagram and changes no role.
    pub(in crate::sim::host) fn happened(&mut self, happening: Happening<'_>) {
        let roles = || self.hosts.list.roles(&self.settings.machines);
        self.script.happened(&mut self.watch, happening, roles);
    }
}
