//! Episodes with disks: slow, failing, full, and damaged.

use crate::scenario::draw::crash;
use crate::scenario::draw::episodes::{DrawnTrack, Episodes, who_is_known};
use crate::scenario::draw::workload::{Wanted, Workload};
use crate::scenario::profile::DiskErrorKind;
use crate::scenario::service::Service;
use crate::scenario::step::{DiskFault, Fault, Target, When};
use crate::time::Duration;

impl Episodes<'_> {
    pub(super) fn slow_disk<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let who = self.target(&moment, true);
        let crawls = self.draws.happens(self.profile.disk.crawls);
        let span = if crawls { self.profile.disk.crawling } else { self.profile.disk.slow };
        let time = self.draws.time(span);
        track.push(moment, Fault::SyncTime(who, time));
        self.look_around(track, workload, None);
        let time = self.draws.time(self.profile.messages.lasts);
        // Always mended: healing does not speed up every slow disk.
        let usual = Fault::SyncTime(Target::AllSites, self.sync);
        track.push(When::After(time), usual);
    }

    pub(super) fn disk_error<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let who = self.target(&moment, true);
        let kind = self.draws.of(&self.profile.disk.errors).unwrap_or(DiskErrorKind(DiskFault::FailSync));
        let (back, down) = (who_is_known(who), self.draws.time(self.profile.crashes.down));
        if kind.0 == DiskFault::Full {
            return self.full_disk(track, workload, moment, who);
        }
        track.push(moment, Fault::Disk(who, kind.0));
        self.look_around(track, workload, None);
        if kind.0 == DiskFault::FailRead {
            // Only a start reads the disk: the first start fails.
            let after = self.draws.millis(20, 1_500);
            track.push(When::After(after), crash(back));
            track.push(When::After(down), Fault::Restart(back));
        }
        self.mend(track, down, vec![Fault::Restart(back)]);
    }

    /// Only many large writes use up the file that a site writes and the one in reserve.
    fn full_disk<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
        who: Target,
    ) {
        track.push(moment, Fault::Disk(who, DiskFault::Full));
        let lasts = self.draws.time(self.profile.disk.full);
        let writes = self.draws.number(self.profile.disk.full_writes);
        let apart = Duration::from_micros(lasts.as_micros() / (u64::from(writes) + 1));
        for _ in 0..writes {
            let asker = workload.anybody(&mut self.draws);
            self.ask(track, workload, When::After(apart), asker, Wanted::LargeWrite);
        }
        self.look_around(track, workload, None);
        self.mend(track, apart, vec![Fault::Disk(who_is_known(who), DiskFault::Room)]);
    }

    /// Rot, a write in the wrong place, or a lost file. The next start of the site must find it.
    pub(super) fn damage<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
        word: DiskFault,
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
