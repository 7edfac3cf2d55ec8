//! How a process starts from the contents of its disk, and how it stops.

use crate::frame::Sender;
use crate::ids::ProcessId;
use crate::journal::{Identity, Journal, JournalError};
use crate::mix::mix;
use crate::outbox::Outbox;
use crate::process::{Process, Recovered, Stop};
use crate::sim::host::disk::SimDisk;
use crate::sim::host::disk::faults::Residue;
use crate::sim::host::durable;
use crate::sim::host::hosts::HostIndex;
use crate::sim::host::{Life, RunningProcess, WaitingInput};
use crate::sim::script::matcher::Happening;
use crate::sim::script::{Leaves, Seam};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::line::{LineClass, TraceEvent};
use crate::sim::world::{QueuedEvent, World};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The process number in the seed of all clients that draw alike. No process has this number.
const ALIKE: u64 = u64::MAX;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// If a process does not run, starts it from the contents of its disk. A site starts with its terminal.
    pub(crate) fn start(&mut self, h: HostIndex) {
        let host = &self.hosts.list[h];
        if host.running().is_some() || self.waits_for_its_site(host.id) {
            return;
        }
        let host = &mut self.hosts.list[h];
        let (id, was_damaged) = (host.id, host.is_damaged());
        let calls = host.calls_of_recovery();
        let (journal, recovered) = match &mut host.disk {
            // Starts and stops alternate in a process that keeps nothing durable.
            None => (None, Recovered { incarnation: host.lives / 2 + 1, records: Vec::new() }),
            Some(disk) => {
                disk.power.lasts_for(calls);
                let opened = Journal::open(disk, &Identity { cluster: self.settings.cluster, process: id });
                if disk.power.is_out() {
                    return self.fail_power(h, true);
                }
                disk.power.lasts_for(None);
                match opened {
                    Ok((journal, recovered)) => (Some(journal), recovered),
                    Err(error) => return self.fail_to_open(h, &error),
                }
            }
        };
        self.watch.object_to(durable::check_recovered(host, &recovered.records));
        if let Some(armed) = host.take_seam(Seam::DuringRecovery) {
            return self.lose_power(h, Some(armed.seam), armed.leaves);
        }
        self.report_struck(h);
        if was_damaged {
            self.object_to_damage(id);
        }
        let (cache, shared) = (&mut self.hosts.cache, &mut self.watch.shared);
        let recovered: Recovered<P::Record> = match recovered.decode_with(|bytes| cache.decode(bytes, shared))
        {
            Ok(recovered) => recovered,
            Err(damage) => return self.refuse(h, &damage.to_string()),
        };
        let incarnation = recovered.incarnation;
        if self.begin_life(h, journal, recovered) {
            self.begin_links(id);
            self.start_terminal(id, incarnation);
            if incarnation > self.settings.starts_before(id) + 1 {
                self.happened(Happening::Restarted { who: id });
            }
            self.go_on(h);
        }
    }

    /// Whether this is a terminal whose site has already started once: such a terminal starts only with its site.
    fn waits_for_its_site(&self, id: ProcessId) -> bool {
        let ProcessId::Terminal(site) = id else { return false };
        self.hosts.list.place(site.into()).is_some_and(|site| self.hosts.list[site].lives > 0)
    }

    /// Starts the terminal of a site that starts, with the same incarnation. At the first start of all it already
    /// runs.
    fn start_terminal(&mut self, id: ProcessId, incarnation: u64) {
        let Some(h) = self.terminal_of(id) else { return };
        if self.hosts.list[h].running().is_none()
            && self.begin_life(h, None, Recovered { incarnation, records: Vec::new() })
        {
            self.go_on(h);
        }
    }

    fn terminal_of(&self, id: ProcessId) -> Option<HostIndex> {
        self.hosts.list.place(ProcessId::Terminal(id.as_site()?))
    }

    /// Starts a process from recovered state, unless the process refuses it.
    fn begin_life(
        &mut self,
        h: HostIndex,
        journal: Option<Journal>,
        recovered: Recovered<P::Record>,
    ) -> bool {
        let id = self.hosts.list[h].id;
        let Recovered { incarnation, records } = recovered.clone();
        let is_alike = self.settings.are_clients_alike && id.as_site().is_none();
        let identity = if is_alike { ALIKE } else { id.number().into() };
        let seed = self.hosts.seed_of_processes.part([identity, incarnation]);
        self.hosts.handling = Some(id);
        self.watch.open_log();
        let started = P::start(&self.settings.config, id, seed, recovered);
        self.hosts.handling = None;
        let process = match started {
            Ok(process) => process,
            Err(damage) => {
                self.watch.take_log(id);
                self.refuse(h, &damage.to_string());
                return false;
            }
        };
        let sender = Sender { cluster: self.settings.cluster, configuration: 0, from: id, incarnation };
        let outbox = Outbox::new(sender, self.settings.datagram_max, self.settings.outbox_max);
        let host = &mut self.hosts.list[h];
        host.lives += 1;
        let mut running = Box::new(RunningProcess::new(process, incarnation, journal, outbox));
        running.writes_to = host.disk.as_ref().and_then(SimDisk::last_written).map(|written| written.file);
        self.watch.mark(FingerprintMark::Started, id, [incarnation, records.len() as u64]);
        self.watch.statistics.starts += 1;
        let count = records.len();
        let class = if id.as_site().is_some() { LineClass::Life } else { LineClass::Routine };
        self.watch.line(id, class, || TraceEvent::Started { incarnation, records: count });
        running.start_at(self.watch.full_line());
        self.watch.take_log(id);
        let (records, state) = (&records[..], &running.process);
        self.watch.show(&Observation::Started { process: id, incarnation, recovered: records, state });
        host.life = Life::Up(running);
        if let Some(clock) = &mut host.clock {
            clock.is_set_back = false;
        }
        true
    }

    /// Lets a process that has just started take the inputs that wait, [`Input::Started`](crate::process::Input::Started)
    /// first. The first input has an event of its own, since this may run while another process is sending.
    fn go_on(&mut self, h: HostIndex) {
        self.look_at_role(h);
        if self.hosts.list[h].running().is_some_and(|running| running.waiting() > 0) {
            self.queue.push(self.watch.now, QueuedEvent::Drain { host: h });
        } else {
            self.arm(h);
        }
    }

    /// Stops a process whose journal could not be read back. If the disk failed, another start may succeed.
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

    /// Durable state was refused: the process stays down for good.
    fn refuse(&mut self, h: HostIndex, reason: &str) {
        self.watch.statistics.refused_starts += 1;
        self.stop_failed(h, reason, true);
    }

    pub(crate) fn stop_failed(&mut self, h: HostIndex, reason: &str, for_good: bool) {
        self.report_struck(h);
        let reason: Arc<str> = reason.into();
        let id = self.hosts.list[h].id;
        self.watch.mark(FingerprintMark::Failed, id, [u64::from(for_good), 0]);
        self.watch.absorb(reason.as_bytes());
        let failed = Life::Failed { reason: Arc::clone(&reason), for_good };
        let buried = || self.hosts.list[h].copies_waiting();
        self.watch.line(id, LineClass::Fault, || TraceEvent::Failed { reason, buried: buried() });
        if self.hosts.list[h].running().is_some() {
            self.end_life(h, failed, SimDisk::release);
        } else {
            self.hosts.list[h].lives += 1;
            self.hosts.list[h].life = failed;
            self.end_links(id);
            self.end_terminal(id);
        }
    }

    /// Stops a process that found that it must not go on. Its notes are taken; nothing else that it asked for in this
    /// input is done.
    #[cold]
    pub(in crate::sim::host) fn stop_by_itself(&mut self, h: HostIndex, stop: Stop) {
        self.hosts.handling = None;
        self.take_notes(h);
        let host = &mut self.hosts.list[h];
        let id = host.id;
        host.stopped = true;
        self.watch.statistics.stopped += 1;
        let is_expected = id.as_site().is_some_and(|site| self.settings.may_stop.contains(site));
        if !is_expected {
            let explanation = format!("{id} stops: {}", stop.reason);
            self.watch.object(Violation::new(stop.property, explanation));
        }
        self.stop_failed(h, &format!("{}: {}", stop.property, stop.reason), false);
        self.run_fired(false);
    }

    /// Crashes a process. If it does not run, only its disk loses unsynced writes.
    pub(crate) fn crash(&mut self, h: HostIndex, at: Option<Seam>, leaves: Leaves) {
        if self.hosts.list[h].running().is_some() {
            self.lose_power(h, at, leaves);
        } else {
            self.lose_cache(h, leaves);
        }
    }

    /// Crashes the process if a crash waits for this seam.
    pub(crate) fn crash_at(&mut self, h: HostIndex, seam: Seam) -> bool {
        let Some(armed) = self.hosts.list[h].take_seam(seam) else { return false };
        self.crash(h, Some(seam), armed.leaves);
        true
    }

    /// Crashes the process if its power failed during a journal call. Returns whether it did.
    pub(in crate::sim::host) fn crash_in_rollover(&mut self, h: HostIndex) -> bool {
        let is_out = self.hosts.list[h].disk.as_ref().is_some_and(|disk| disk.power.is_out());
        if is_out {
            self.fail_power(h, false);
        }
        is_out
    }

    #[cold]
    fn fail_power(&mut self, h: HostIndex, is_recovering: bool) {
        self.hosts.handling = None;
        self.report_struck(h);
        let armed = self.hosts.list[h].take_call_seam(is_recovering);
        let leaves = armed.map_or(Leaves::Nothing, |armed| armed.leaves);
        self.lose_power(h, armed.map(|armed| armed.seam), leaves);
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
        statistics.client_crashes += u64::from(matches!(id, ProcessId::Client(_)));
        statistics.torn += u64::from(leaves == Leaves::Torn && undone > 0);
        statistics.scattered += u64::from(leaves == Leaves::Scattered && undone > 0);
        self.watch.mark(FingerprintMark::Crashed, id, [undone as u64, leaves as u64]);
        self.watch.line(id, LineClass::Fault, || {
            let buried = self.hosts.list[h].copies_waiting();
            TraceEvent::Crashed { at, undone, leaves, residue, buried }
        });
        self.end_life(h, Life::Down, |disk| disk.crash(leaves, draw));
    }

    /// Ends the life of a process, and applies `end_use` to its disk.
    fn end_life(&mut self, h: HostIndex, after: Life<P>, end_use: impl FnOnce(&mut SimDisk)) {
        let settings = Arc::clone(&self.settings);
        let before = self.hosts.list.roles(&settings.machines);
        let host = &mut self.hosts.list[h];
        let id = host.id;
        host.lives += 1;
        if let Some(disk) = &mut host.disk {
            end_use(disk);
        }
        host.disk_idle = self.watch.now;
        self.bury(h, after);
        self.end_links(id);
        self.end_terminal(id);
        let after = || self.hosts.list.roles(&settings.machines);
        self.script.crashed(&mut self.watch, id, &before, after);
    }

    /// Ends the terminal of a site: both belong to the same program.
    fn end_terminal(&mut self, site: ProcessId) {
        let Some(h) = self.terminal_of(site) else { return };
        let host = &mut self.hosts.list[h];
        let id = host.id;
        let Some(unanswered) = host.running().map(RunningProcess::unanswered) else { return };
        host.lives += 1;
        self.watch.statistics.terminals_ended += 1;
        self.watch.mark(FingerprintMark::Crashed, id, [0, unanswered as u64]);
        let class = if unanswered > 0 { LineClass::Fault } else { LineClass::Routine };
        let buried = || self.hosts.list[h].copies_waiting();
        self.watch.line(id, class, || TraceEvent::Ended { unanswered, buried: buried() });
        self.bury(h, Life::Down);
    }

    /// Drops a process that has ended, with all inputs that waited for it.
    fn bury(&mut self, h: HostIndex, after: Life<P>) {
        let host = &mut self.hosts.list[h];
        if let Life::Up(running) = core::mem::replace(&mut host.life, after) {
            self.watch.statistics.lost_commands += running.unanswered() as u64;
            for waiting in &running.inbox {
                if let WaitingInput::Datagram(packet) = waiting {
                    self.net.packets.release(*packet);
                }
            }
            self.watch.show(&Observation::Crashed { process: host.id, state: &running.process });
        }
    }
}
