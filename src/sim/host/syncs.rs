//! How records become durable, and how messages that waited for them leave.

use crate::journal::{JournalError, SyncId};
use crate::outbox::Offset;
use crate::process::Process;
use crate::sim::host::causes::Released;
use crate::sim::host::decode_cache::DecodeCache;
use crate::sim::host::disk::calls::Ended;
use crate::sim::host::durable;
use crate::sim::host::hosts::{HostIndex, SpareRecords};
use crate::sim::host::{Life, RunningProcess};
use crate::sim::script::Seam;
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::line::{LineClass, TraceEvent};
use crate::sim::world::{QueuedEvent, World};
use crate::wire::SharedValues;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Starts to sync the appended records; `false` if an error stopped the process.
    pub(in crate::sim::host) fn start_sync(&mut self, h: HostIndex) -> bool {
        self.report_struck(h);
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let (Life::Up(running), Some(disk)) = (&mut host.life, &mut host.disk) else { return true };
        let Some(journal) = &mut running.journal else { return true };
        if let Err(error) = journal.start_sync(disk) {
            self.stop_failed(h, &error.to_string(), false);
            return false;
        }
        while let Some(sync) = disk.next_started() {
            running.syncs_under_way += 1;
            if self.net.is_held() {
                running.held_syncs.push_back(sync);
                continue;
            }
            host.disk_idle = host.disk_idle.max(now) + host.sync_time;
            self.queue.push(host.disk_idle, QueuedEvent::Synced { host: h, life: host.lives, sync });
        }
        true
    }

    /// The syncs that a held network kept complete by themselves.
    pub(crate) fn let_syncs_go(&mut self, h: HostIndex) {
        let now = self.watch.now;
        let host = &mut self.hosts.list[h];
        let Life::Up(running) = &mut host.life else { return };
        for sync in running.held_syncs.drain(..) {
            host.disk_idle = host.disk_idle.max(now) + host.sync_time;
            self.queue.push(host.disk_idle, QueuedEvent::Synced { host: h, life: host.lives, sync });
        }
    }

    /// The disk has finished a sync.
    pub(crate) fn on_synced(&mut self, h: HostIndex, life: u64, sync: SyncId) {
        let host = &mut self.hosts.list[h];
        if !host.is_alive(life) {
            return;
        }
        let (Life::Up(running), Some(disk)) = (&mut host.life, &mut host.disk) else { return };
        let ended = (sync, disk.finish(sync));
        self.watch.statistics.syncs += u64::from(ended.1.is_ok());
        if disk.power.is_out() {
            self.crash_in_rollover(h);
            return;
        }
        if running.is_paused || !running.ended.is_empty() {
            running.ended.push(ended);
        } else {
            self.take_sync(h, ended);
            self.drain(h);
        }
    }

    /// The host processes a finished sync.
    pub(crate) fn take_sync(&mut self, h: HostIndex, (sync, result): Ended) {
        let host = &mut self.hosts.list[h];
        let (id, life) = (host.id, host.lives);
        let (Life::Up(running), Some(disk)) = (&mut host.life, &mut host.disk) else { return };
        let Some(journal) = &mut running.journal else { return };
        running.syncs_under_way -= 1;
        if let Err((file, error)) = result {
            return self.stop_failed(h, &JournalError::Disk { file, error }.to_string(), false);
        }
        let durable = journal.on_synced(disk, sync);
        if disk.power.is_out() {
            self.crash_in_rollover(h);
            return;
        }
        let durable = match durable {
            Ok(durable) => durable,
            Err(error) => return self.stop_failed(h, &error.to_string(), false),
        };
        let checked = durable::check(host, durable);
        self.watch.object_to(checked);
        let Some(running) = host.running_mut() else { return };
        let memory = (&mut self.hosts.cache, &mut self.watch.shared, &mut self.hosts.spare);
        let records = match take_durable(running, memory, durable) {
            Ok(records) => records,
            Err(explanation) => {
                let explanation = format!("{id} {explanation}");
                return self.watch.object(Violation::new("codec", explanation));
            }
        };
        self.watch.mark(FingerprintMark::Synced, id, [durable.0, records.len() as u64]);
        self.watch.statistics.records += records.len() as u64;
        let count = records.len();
        self.watch.line(id, LineClass::Routine, || TraceEvent::Synced { records: count });
        if !records.is_empty() {
            self.watch.show(&Observation::Durable { process: id, records: &records });
        }
        let releases = !running.outbox.is_empty();
        self.report_struck(h);
        if releases && self.crash_at(h, Seam::AfterSync) {
            return;
        }
        if let Some(running) = self.hosts.list[h].running_mut() {
            running.outbox.release(durable, &mut self.hosts.ready);
        }
        if self.start_sync(h) {
            self.dispatch(h, life, Released::Synced);
        } else {
            self.hosts.ready.clear();
        }
        self.run_fired(false);
    }
}

/// Takes out and decodes the records that are durable below `durable`.
fn take_durable<P: Process>(
    running: &mut RunningProcess<P>,
    (memo, shared, spare): (&mut DecodeCache<P::Record>, &mut SharedValues, &mut SpareRecords),
    durable: Offset,
) -> Result<Vec<P::Record>, alloc::string::String> {
    let mut records = Vec::new();
    while running.unsynced.front().is_some_and(|batch| batch.end <= durable) {
        let Some(batch) = running.unsynced.pop_front() else { break };
        for bytes in batch.records.iter() {
            let record = memo.decode(bytes, shared);
            records.push(record.map_err(|error| format!("appended a record that does not decode: {error}"))?);
        }
        spare.give(batch.records);
    }
    Ok(records)
}
