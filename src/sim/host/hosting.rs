//! What a host does for its process: starts it, hands inputs in, keeps its records, and stops it.
//!
//! The order within one input is that of every host: handle, append, start the sync, send. What waited for a
//! sync is sent at its end.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::frame::Sender;
use crate::ids::ProcessId;
use crate::journal::{Identity, Journal, JournalError, SyncId};
use crate::mix::mix;
use crate::outbox::{Offset, Outbox};
use crate::process::{Input, Label, Process, Recovered, Role, Stop};
use crate::sim::host::decode_cache::DecodeCache;
use crate::sim::host::disk::SimDisk;
use crate::sim::host::disk::faults::{Ended, Residue};
use crate::sim::host::hosts::HostIndex;
use crate::sim::host::limits;
use crate::sim::host::{Life, Next, Running, Waiting};
use crate::sim::script::director;
use crate::sim::script::{Leaves, Seam};
use crate::sim::watch::Mark;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::trace::{LineClass, What};
use crate::sim::world::{Event, World};
use crate::time::{Duration, Instant};
use crate::wire::Wire;

/// Inputs that one event hands in at most; the rest have an event of their own at the same moment.
const INPUTS_PER_EVENT: usize = 64;

/// A process whose deadline is due again so often without time passing will never let it pass.
const WAKES_PER_MOMENT: u32 = 10_000;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Starts a process that does not run, out of what its disk holds.
    pub(crate) fn start(&mut self, h: HostIndex) {
        let host = &mut self.hosts.list[h];
        if host.running().is_some() {
            return;
        }
        let (id, was_damaged) = (host.id, host.is_damaged());
        let (journal, recovered) = match &mut host.disk {
            None => (None, Recovered { incarnation: host.lives + 1, records: Vec::new() }),
            Some(disk) => {
                match Journal::open(disk, &Identity { cluster: self.settings.cluster, process: id }) {
                    Ok((journal, recovered)) => (Some(journal), recovered),
                    Err(error) => return self.fail_to_open(h, &error),
                }
            }
        };
        if let Some(armed) = host.take_seam(Seam::DuringRecovery) {
            return self.lose_power(h, Some(armed.seam), armed.leaves);
        }
        self.tell_struck(h);
        if was_damaged {
            self.object_to_damage(id);
        }
        let recovered: Recovered<P::Record> = match recovered.decode() {
            Ok(recovered) => recovered,
            Err(damage) => return self.refuse(h, &damage.to_string()),
        };
        let Recovered { incarnation, records } = recovered.clone();
        let seed = self.hosts.seed_of_processes.part([id.number().into(), incarnation]);
        self.hosts.handling = Some(id);
        let started = P::start(&self.settings.config, id, seed, recovered);
        self.hosts.handling = None;
        let process = match started {
            Ok(process) => process,
            Err(damage) => return self.refuse(h, &damage.to_string()),
        };
        let sender = Sender { cluster: self.settings.cluster, configuration: 0, from: id, incarnation };
        let outbox = Outbox::new(sender, self.settings.datagram_max, self.settings.outbox_max);
        let host = &mut self.hosts.list[h];
        host.lives += 1;
        let running = Box::new(Running::new(process, journal, outbox));
        self.watch.mark(Mark::Started, id, [incarnation, records.len() as u64]);
        self.watch.statistics.starts += 1;
        let count = records.len();
        let class = if id.as_site().is_some() { LineClass::Life } else { LineClass::Routine };
        self.watch.line(id, class, || What::Started { incarnation, records: count });
        let (records, state) = (&records[..], &running.process);
        self.watch.show(&Observation::Started { process: id, incarnation, recovered: records, state });
        host.life = Life::Up(running);
        if let Some(clock) = &mut host.clock {
            clock.is_set_back = false;
        }
        if incarnation > 1 {
            self.tell_director(h, director::Event::Restarted);
        }
        self.look_at_role(h);
        // Its first input has an event of its own: this may run in the middle of another process's sending.
        if self.hosts.list[h].running().is_some_and(|running| running.waiting() > 0) {
            self.queue.push(self.watch.now, Event::Drain { host: h });
        } else {
            self.arm(h);
        }
    }

    /// The journal could not be read back. A disk that failed may work the next time.
    fn fail_to_open(&mut self, h: HostIndex, error: &JournalError) {
        let is_disk = matches!(error, JournalError::Disk { .. });
        if !is_disk {
            self.object_to_refusal(h, error);
            return self.refuse(h, &error.to_string());
        }
        self.stop_failed(h, &error.to_string(), false);
        if let Some(disk) = &mut self.hosts.list[h].disk {
            disk.release();
        }
    }

    /// What is durable was refused: the process stays down for good.
    fn refuse(&mut self, h: HostIndex, reason: &str) {
        self.watch.statistics.refused_starts += 1;
        self.stop_failed(h, reason, true);
    }

    pub(crate) fn stop_failed(&mut self, h: HostIndex, reason: &str, for_good: bool) {
        self.tell_struck(h);
        let reason: Arc<str> = reason.into();
        let id = self.hosts.list[h].id;
        self.watch.mark(Mark::Failed, id, [u64::from(for_good), 0]);
        self.watch.absorb(reason.as_bytes());
        let failed = Life::Failed { reason: Arc::clone(&reason), for_good };
        self.watch.line(id, LineClass::Fault, || What::Failed { reason });
        if self.hosts.list[h].running().is_some() {
            self.end_life(h, failed, SimDisk::release);
        } else {
            self.hosts.list[h].lives += 1;
            self.hosts.list[h].life = failed;
        }
    }

    /// Stops a process that runs, with its unsynced writes.
    pub(crate) fn crash(&mut self, h: HostIndex, at: Option<Seam>, leaves: Leaves) {
        if self.hosts.list[h].running().is_some() {
            self.lose_power(h, at, leaves);
        } else {
            self.lose_cache(h, leaves);
        }
    }

    fn lose_power(&mut self, h: HostIndex, at: Option<Seam>, leaves: Leaves) {
        let host = &self.hosts.list[h];
        let id = host.id;
        let undone = host.disk.as_ref().map_or(0, SimDisk::unsynced);
        let draw = mix(self.hosts.seed_of_tears.0, [id.number().into(), host.lives]);
        let residue = match (&host.disk, leaves) {
            (Some(disk), Leaves::Scattered) => disk.residue(draw),
            (_, Leaves::Nothing | Leaves::Torn) | (None, Leaves::Scattered) => Residue::default(),
        };
        let statistics = &mut self.watch.statistics;
        statistics.crashes += 1;
        statistics.torn += u64::from(leaves == Leaves::Torn && undone > 0);
        statistics.scattered += u64::from(leaves == Leaves::Scattered && undone > 0);
        self.watch.mark(Mark::Crashed, id, [undone as u64, leaves as u64]);
        self.watch.line(id, LineClass::Fault, || What::Crashed { at, undone, leaves, residue });
        self.end_life(h, Life::Down, |disk| disk.crash(leaves, draw));
    }

    /// RuleTargets a process, and does to its disk what that ends with. A leader that crashes is the leader to those who wait
    /// for its crash, and no longer to what they do then.
    fn end_life(&mut self, h: HostIndex, after: Life<P>, end_use: impl FnOnce(&mut SimDisk)) {
        let settings = Arc::clone(&self.settings);
        let was = self.hosts.list.roles(&settings.machines);
        let host = &mut self.hosts.list[h];
        let id = host.id;
        host.lives += 1;
        if let Some(disk) = &mut host.disk {
            end_use(disk);
        }
        host.disk_idle = self.watch.now;
        if let Life::Up(running) = core::mem::replace(&mut host.life, after) {
            for waiting in &running.inbox {
                if let Waiting::Datagram(packet) = waiting {
                    self.net.packets.release(*packet);
                }
            }
            self.watch.show(&Observation::Crashed { process: id, state: &running.process });
        }
        let roles = self.hosts.list.roles(&settings.machines);
        self.script.director.on_event(director::Event::Crashed, id, self.watch.now, &was, &roles);
    }

    /// Crashes the process if a crash waits for this seam.
    pub(crate) fn crash_at(&mut self, h: HostIndex, seam: Seam) -> bool {
        let Some(armed) = self.hosts.list[h].take_seam(seam) else { return false };
        self.crash(h, Some(seam), armed.leaves);
        true
    }

    fn tell_director(&mut self, h: HostIndex, event: director::Event) {
        let roles = self.hosts.list.roles(&self.settings.machines);
        self.script.director.on_event(event, self.hosts.list[h].id, self.watch.now, &roles, &roles);
    }

    /// Hands in what waits, as far as the process may take inputs, and arms its wake-up.
    pub(crate) fn drain(&mut self, h: HostIndex) {
        let mode = self.settings.disk.sync_mode;
        for _ in 0..INPUTS_PER_EVENT {
            let host = &mut self.hosts.list[h];
            let id = host.id;
            if host.running().is_some_and(|running| running.told_low) {
                self.look_for_room(h);
            }
            let host = &mut self.hosts.list[h];
            let Some(running) = host.running_mut().filter(|running| running.can_take(mode)) else { return };
            if running.is_idle() {
                return self.arm(h);
            }
            match running.next_input() {
                None => return self.arm(h),
                Some(Next::Own(bytes)) => self.hand_in_own(h, &bytes),
                Some(Next::DiskSpace { is_low }) => self.tell_of_room(h, is_low),
                Some(Next::Opened(from, message)) => self.hand_in_message(h, from, message),
                Some(Next::Waiting(Waiting::Datagram(packet))) => self.open(h, packet),
                Some(Next::Waiting(Waiting::Command(command))) => {
                    self.watch.statistics.commands += 1;
                    self.watch.mark(Mark::Commanded, id, [0, 0]);
                    self.watch.show(&Observation::Commanded { process: id, command: &command });
                    let traced = || What::Commanded { command: command.clone() };
                    self.watch.line(id, LineClass::Routine, traced);
                    self.hand_in(h, Input::Command(command));
                }
            }
        }
        self.queue.push(self.watch.now, Event::Drain { host: h });
    }

    /// Hands in whether the disk has room, before anything else that comes after that changed.
    fn tell_of_room(&mut self, h: HostIndex, is_low: bool) {
        let host = &self.hosts.list[h];
        let id = host.id;
        let leads = host.running().is_some_and(|running| running.leads.is_some());
        let statistics = &mut self.watch.statistics;
        match is_low {
            true if leads => statistics.leaders_low += 1,
            true => statistics.others_low += 1,
            false => statistics.roomy_again += 1,
        }
        self.watch.mark(Mark::DiskSpace, id, [is_low.into(), 0]);
        self.watch.line(id, LineClass::Fault, || What::DiskSpace { is_low });
        self.hand_in(h, Input::DiskSpace { is_low });
    }

    /// Hands in a message that came in a datagram.
    pub(crate) fn hand_in_message(&mut self, h: HostIndex, from: ProcessId, message: P::Message) {
        let to = self.hosts.list[h].id;
        self.watch.show(&Observation::Delivered { to, from, message: &message });
        self.hand_in(h, Input::Message { from, message });
    }

    /// Hands in a message that the process sent to itself.
    fn hand_in_own(&mut self, h: HostIndex, bytes: &[u8]) {
        let id = self.hosts.list[h].id;
        self.watch.mark(Mark::Own, id, [0, 0]);
        match P::Message::from_bytes(bytes) {
            Ok(message) => {
                let (kind, subject) = (message.kind(), message.subject());
                self.watch.line(id, LineClass::Routine, || What::Own { kind, subject });
                self.watch.show(&Observation::Delivered { to: id, from: id, message: &message });
                self.hand_in(h, Input::Message { from: id, message });
            }
            Err(error) => self.watch.object(Violation {
                property: "codec",
                explanation: format!("{id} sent itself a message that does not decode: {error}"),
            }),
        }
    }

    /// The armed wake-up has come.
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
        if running.is_low() != running.told_low {
            self.queue.push(now, Event::Drain { host: h });
            return;
        }
        // Whoever slept as long as it wanted to is woken, though a clock that was set back says otherwise.
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
                return self.watch.object(Violation { property: "standing still", explanation });
            }
            self.watch.mark(Mark::Woke, id, [0, 0]);
            self.watch.line(id, LineClass::Routine, || What::Woke { reason });
            self.hand_in(h, Input::Wake);
        }
        self.drain(h);
    }

    /// Sees to it that the process is woken by its deadline. A deadline that moved away finds the wake-up that
    /// is queued already, which then queues the next.
    pub(crate) fn arm(&mut self, h: HostIndex) {
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let life = host.lives;
        let Some(running) = host.running() else { return };
        let Some((due, _)) = running.process.deadline() else { return };
        let has_slept = running.wake.is_none() && host.clock.as_ref().is_some_and(|clock| clock.is_set_back);
        let due = if has_slept { now } else { host.when(due).max(now) };
        let Some(running) = host.running_mut() else { return };
        if running.wake.is_none_or(|armed| due < armed) {
            running.wake = Some(due);
            self.queue.push(due, Event::Wake { host: h, life });
        }
    }

    /// Hands one input in and does what follows from it.
    fn hand_in(&mut self, h: HostIndex, input: Input<P>) {
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let (id, life, local) = (host.id, host.lives, host.local(now));
        let is_slow = host.slowness != Duration::ZERO;
        let Life::Up(running) = &mut host.life else { return };
        let within = limits::check_waiting(id, running, self.settings.inbox_max);
        self.hosts.effects.clear();
        self.hosts.handling = Some(id);
        let looks = running.process.looks();
        running.process.handle(local, input, &mut self.hosts.effects);
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
            self.watch.mark(Mark::Appended, id, [records.len() as u64, 0]);
            records.iter().for_each(|record| self.watch.absorb(record));
            let count = records.len();
            self.watch.line(id, LineClass::Routine, || What::Appended { records: count });
            match journal.append(disk, records) {
                Ok(end) => running.unsynced.push_back((end, records.clone())),
                Err(error) => {
                    self.hosts.handling = None;
                    return self.stop_failed(h, &error.to_string(), false);
                }
            }
        }
        let (appended, durable) = running.offsets();
        running.outbox.absorb(
            &mut self.hosts.effects,
            appended,
            durable,
            &mut self.hosts.ready,
            &mut self.hosts.spare,
        );
        let within = within.and_then(|()| limits::check_sizes(id, &running.process));
        let within = within.and_then(|()| limits::check_looks::<P>(id, looks, outcomes));
        self.hosts.handling = None;
        self.object_to(within);
        self.take_notes(h);
        if is_slow {
            self.linger(h);
        }
        let host = &self.hosts.list[h];
        if let Some(running) = host.running() {
            self.watch.show(&Observation::Handled { process: id, state: &running.process });
        }
        self.look_at_role(h);
        self.run_fired(true);
        if appends && self.crash_at(h, Seam::BeforeSync) {
            return self.hosts.ready.clear();
        }
        if appends && !self.start_sync(h) {
            return self.hosts.ready.clear();
        }
        self.dispatch(h, life);
        self.run_fired(false);
    }

    /// The process found that it must not go on: nothing that it wanted done is.
    #[cold]
    fn stop_by_itself(&mut self, h: HostIndex, stop: Stop) {
        self.hosts.handling = None;
        self.take_notes(h);
        let host = &mut self.hosts.list[h];
        let id = host.id;
        host.stopped = true;
        self.watch.statistics.stopped += 1;
        let is_expected = id.as_site().is_some_and(|site| self.settings.may_stop.contains(site));
        if !is_expected {
            let explanation = format!("{id} stops: {}", stop.reason);
            self.watch.object(Violation { property: stop.property, explanation });
        }
        self.stop_failed(h, &format!("{}: {}", stop.property, stop.reason), false);
        self.run_fired(false);
    }

    /// What every world is judged for, whoever judges what runs in it.
    pub(crate) fn object_to(&mut self, result: Result<(), Violation>) {
        if let Err(violation) = result {
            self.watch.object(violation);
        }
    }

    fn take_notes(&mut self, h: HostIndex) {
        if self.hosts.effects.notes.is_empty() {
            return;
        }
        let id = self.hosts.list[h].id;
        for note in self.hosts.effects.notes.drain(..) {
            let (kind, subject) = (note.kind(), note.subject());
            self.watch.mark(Mark::Noted, id, [subject.number, 0]);
            self.watch.absorb(kind.as_bytes());
            self.watch.line(id, LineClass::Note, || What::Noted { note: note.clone() });
            self.watch.show(&Observation::Noted { process: id, note: &note });
            if self.script.director.listens_to_notes() {
                let roles = self.hosts.list.roles(&self.settings.machines);
                let noted = director::Event::Noted(kind, subject);
                self.script.director.on_event(noted, id, self.watch.now, &roles, &roles);
            }
        }
    }

    /// Notices when a process becomes leader, also of another rank than before.
    fn look_at_role(&mut self, h: HostIndex) {
        let host = &mut self.hosts.list[h];
        let id = host.id;
        let Some(running) = host.running_mut() else { return };
        let leads = match running.process.role() {
            Role::Leader { rank } => Some(rank),
            Role::Candidate | Role::Follower | Role::Client => None,
        };
        let before = core::mem::replace(&mut running.leads, leads);
        if let Some(rank) = leads.filter(|_| leads != before) {
            self.watch.statistics.leaderships += 1;
            self.watch.mark(Mark::Leads, id, [rank, 0]);
            self.watch.line(id, LineClass::Routine, || What::Leads { rank });
            self.tell_director(h, director::Event::Leads);
        }
    }

    /// Starts to sync what was appended; `false` when the process stopped over it.
    fn start_sync(&mut self, h: HostIndex) -> bool {
        self.tell_struck(h);
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let (Life::Up(running), Some(disk)) = (&mut host.life, &mut host.disk) else { return true };
        let Some(journal) = &mut running.journal else { return true };
        if let Err(error) = journal.start_sync(disk) {
            self.stop_failed(h, &error.to_string(), false);
            return false;
        }
        for sync in disk.take_started() {
            host.disk_idle = host.disk_idle.max(now) + host.sync_time;
            running.syncs_under_way += 1;
            self.queue.push(host.disk_idle, Event::Synced { host: h, life: host.lives, sync });
        }
        true
    }

    /// The disk has completed a sync.
    pub(crate) fn on_synced(&mut self, h: HostIndex, life: u64, sync: SyncId) {
        let host = &mut self.hosts.list[h];
        if !host.is_alive(life) {
            return;
        }
        let (Life::Up(running), Some(disk)) = (&mut host.life, &mut host.disk) else { return };
        let ended = (sync, disk.finish(sync));
        self.watch.statistics.syncs += u64::from(ended.1.is_ok());
        if running.is_paused || !running.ended.is_empty() {
            running.ended.push(ended);
        } else {
            self.take_sync(h, ended);
            self.drain(h);
        }
    }

    /// The process's host learns that a sync is complete.
    pub(crate) fn take_sync(&mut self, h: HostIndex, (sync, result): Ended) {
        let host = &mut self.hosts.list[h];
        let (id, life) = (host.id, host.lives);
        let (Life::Up(running), Some(disk)) = (&mut host.life, &mut host.disk) else { return };
        let Some(journal) = &mut running.journal else { return };
        running.syncs_under_way -= 1;
        if let Err((file, error)) = result {
            return self.stop_failed(h, &JournalError::Disk { file, error }.to_string(), false);
        }
        let durable = match journal.on_synced(disk, sync) {
            Ok(durable) => durable,
            Err(error) => return self.stop_failed(h, &error.to_string(), false),
        };
        let records = match take_durable(running, &mut self.hosts.cache, durable) {
            Ok(records) => records,
            Err(explanation) => {
                let explanation = format!("{id} {explanation}");
                return self.watch.object(Violation { property: "codec", explanation });
            }
        };
        self.watch.mark(Mark::Synced, id, [durable.0, records.len() as u64]);
        self.watch.statistics.records += records.len() as u64;
        let count = records.len();
        self.watch.line(id, LineClass::Routine, || What::Synced { records: count });
        if !records.is_empty() {
            self.watch.show(&Observation::Durable { process: id, records: &records });
        }
        let releases = !running.outbox.is_empty();
        self.tell_struck(h);
        if releases && self.crash_at(h, Seam::AfterSync) {
            return;
        }
        if let Some(running) = self.hosts.list[h].running_mut() {
            running.outbox.release(durable, &mut self.hosts.ready);
        }
        if self.start_sync(h) {
            self.dispatch(h, life);
        } else {
            self.hosts.ready.clear();
        }
        self.run_fired(false);
    }
}

/// Takes out and decodes the records that are durable below `durable`.
fn take_durable<P: Process>(
    running: &mut Running<P>,
    memo: &mut DecodeCache<P::Record>,
    durable: Offset,
) -> Result<Vec<P::Record>, alloc::string::String> {
    let mut records = Vec::new();
    while running.unsynced.front().is_some_and(|(end, _)| *end <= durable) {
        let Some((_, batch)) = running.unsynced.pop_front() else { break };
        for bytes in batch.iter() {
            let record = memo.decode(bytes);
            records.push(record.map_err(|error| format!("appended a record that does not decode: {error}"))?);
        }
    }
    Ok(records)
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// A user's command comes to a process: it is handed in when its turn comes, or lost with nobody there.
    pub fn command(&mut self, id: ProcessId, command: P::Command) {
        let Some(h) = self.hosts.list.place(id) else { return };
        let inbox_max = self.settings.inbox_max;
        match self.hosts.list[h].running_mut() {
            Some(running) if running.inbox.len() >= inbox_max => {
                self.watch.line(id, LineClass::Fault, || What::Idle {
                    what: "has too much waiting, and is not asked",
                })
            }
            Some(running) => {
                running.inbox.push_back(Waiting::Command(command));
                self.queue.push(self.watch.now, Event::Drain { host: h });
            }
            None => {
                self.watch.line(id, LineClass::Fault, || What::Idle { what: "is down, and is not asked" })
            }
        }
    }
}
