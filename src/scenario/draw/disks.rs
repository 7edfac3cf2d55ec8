//! Episodes with disks: slow, refusing, full, and damaged.

use crate::scenario::draw::crash;
use crate::scenario::draw::episodes::{Episodes, Track, who_is_known};
use crate::scenario::draw::workload::Workload;
use crate::scenario::profile::DiskErrorKind;
use crate::scenario::service::Service;
use crate::scenario::step::{DiskWord, Fault, When, Who};

impl Episodes<'_> {
    pub(super) fn slow_disk<S: Service>(
        &mut self,
        track: &mut Track<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let (who, time) = (self.target(&moment, true), self.draws.time(self.profile.disk.slow));
        track.push(moment, Fault::SyncTime(who, time));
        self.look_around(track, workload, None);
        let time = self.draws.time(self.profile.messages.lasts);
        // A disk that stays slow is no fault that ends.
        let usual = Fault::SyncTime(Who::AllSites, self.sync);
        track.push(When::After(time), usual);
    }

    pub(super) fn disk_error<S: Service>(
        &mut self,
        track: &mut Track<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let who = self.target(&moment, true);
        let kind = self.draws.of(&self.profile.disk.errors).unwrap_or(DiskErrorKind::FailSync);
        let (back, down) = (who_is_known(who), self.draws.time(self.profile.crashes.down));
        let (word, mending) = match kind {
            DiskErrorKind::FailSync => (DiskWord::FailSync, Fault::Restart(back)),
            DiskErrorKind::FailWrite => (DiskWord::FailWrite, Fault::Restart(back)),
            DiskErrorKind::Full => (DiskWord::Full, Fault::Disk(back, DiskWord::Room)),
        };
        track.push(moment, Fault::Disk(who, word));
        self.look_around(track, workload, None);
        self.mend(track, down, vec![mending]);
    }

    /// Rot, a write that goes astray, or a file that vanishes: the next start of the site must find it.
    pub(super) fn damage<S: Service>(
        &mut self,
        track: &mut Track<S>,
        workload: &mut Workload<'_>,
        moment: When,
        word: DiskWord,
    ) {
        let who = self.target(&moment, false);
        let Some(who) = self.losses.take(who) else { return };
        track.push(moment, Fault::Disk(who, word));
        self.look_around(track, workload, None);
        if self.draws.happens(self.profile.disk.looked_at) {
            let (after, down) = (self.draws.millis(20, 1_500), self.draws.time(self.profile.crashes.down));
            track.push(When::After(after), crash(who_is_known(who)));
            self.look_around(track, workload, None);
            track.push(When::After(down), Fault::Restart(who_is_known(who)));
        }
    }
}
