//! Starts syncs and learns that they ended; looks for room on the disk.

use super::super::error::HostError;
use super::super::socket::Socket;
use super::super::syncer::HostDisk;
use super::{Host, LocalMessage, SLOW_SYNC, is_of_disk};
use crate::process::Process;
use crate::time::Duration;

/// After a turn of at most this many datagrams the host's own thread syncs, if the last sync was quick.
const FEW_DATAGRAMS: usize = 32;

/// The longest sync that counts as quick.
const QUICK_SYNC: Duration = Duration::from_millis(1);

/// How often a host whose disk is nearly full looks for room.
const ROOM_EVERY: Duration = Duration::from_millis(100);

impl<P: Process, D: HostDisk, S: Socket> Host<P, D, S> {
    /// Takes finished syncs from the other thread.
    pub(super) fn take_syncs(&mut self) -> Result<(), HostError> {
        while let Some(syncer) = &self.syncer {
            let Some((id, result)) = syncer.next_done().map_err(HostError::Sync)? else { break };
            result.map_err(HostError::Sync)?;
            self.syncing -= 1;
            self.last_sync = self.clock.now().since(self.sync_since);
            let durable = self.journal.on_synced(&mut self.disk, id)?;
            self.site.outbox.release(durable, &mut self.ready);
            self.send_ready(self.site.id);
        }
        let waited = self.clock.now().since(self.sync_since);
        let is_slow = self.syncing > 0 && waited >= SLOW_SYNC;
        if is_slow && !self.is_slow {
            tracing::warn!(%waited, "a sync of the disk has not ended yet; nothing that waits for it is acknowledged");
        }
        self.is_slow = is_slow;
        self.look_for_room()?;
        self.notice_low();
        Ok(())
    }

    /// Syncs what was appended, unless a sync is under way. The host's own thread syncs if there is no other, or if its
    /// turn was small and the disk is quick. Otherwise the other thread does.
    pub(super) fn start_sync(&mut self) -> Result<(), HostError> {
        // The other thread costs two context switches, which is more than a small turn would gain by overlapping.
        let is_beside = self.taken > FEW_DATAGRAMS || self.last_sync > QUICK_SYNC;
        while self.journal.start_sync(&mut self.disk)?.is_some() {
            self.sync_since = self.clock.now();
            for job in self.disk.take_started() {
                match &self.syncer {
                    Some(syncer) if is_beside => {
                        syncer.submit(job).map_err(HostError::Sync)?;
                        self.syncing += 1;
                    }
                    Some(_) | None => {
                        (job.work)().map_err(HostError::Sync)?;
                        self.last_sync = self.clock.now().since(self.sync_since);
                        let durable = self.journal.on_synced(&mut self.disk, job.id)?;
                        self.site.outbox.release(durable, &mut self.ready);
                        self.send_ready(self.site.id);
                    }
                }
            }
            if self.syncer.is_some() && is_beside {
                break;
            }
        }
        self.notice_low();
        Ok(())
    }

    /// A site whose disk is nearly full takes nothing on, so it may sync nothing. Its host tries to reserve room.
    fn look_for_room(&mut self) -> Result<(), HostError> {
        let now = self.clock.now();
        if self.was_low && now >= self.room_at {
            self.room_at = now + ROOM_EVERY;
            self.journal.reserve(&mut self.disk)?;
        }
        Ok(())
    }

    /// Reports to the site when its disk becomes nearly full and when it has room again. The report comes before all
    /// other inputs: with a nearly full disk the site writes nothing.
    pub(super) fn notice_low(&mut self) {
        let is_low = self.journal.is_low();
        if is_low != self.was_low {
            // A report that still waits is out of date.
            let _ = self.local.pop_front_if(is_of_disk);
            self.local.push_front(LocalMessage::DiskSpace { is_low });
        }
        self.was_low = is_low;
    }
}
