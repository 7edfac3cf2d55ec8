//! Episodes with crashes.

use crate::scenario::draw::episodes::{DrawnTrack, Episodes, who_is_known};
use crate::scenario::draw::workload::Workload;
use crate::scenario::profile::CrashMoment;
use crate::scenario::service::Service;
use crate::scenario::step::{Crash, Fault, Seam, Target, When};
use crate::sim::Leaves;
use crate::time::Duration;

impl Episodes<'_> {
    pub(super) fn crash<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let drawn = self.draws.of(&self.profile.crashes.moments).unwrap_or(CrashMoment::Seam);
        let at = if self.is_quiet { CrashMoment::Seam } else { drawn };
        let leaves = match (
            self.draws.happens(self.profile.crashes.torn),
            self.draws.happens(self.profile.crashes.scattered),
        ) {
            (true, _) => Leaves::Torn,
            (false, true) => Leaves::Scattered,
            (false, false) => Leaves::Nothing,
        };
        let seams = [
            (Seam::BeforeSync, 3),
            (Seam::AfterSync, 3),
            (Seam::BetweenSends, 2),
            (Seam::BetweenRecipients, 3),
            (Seam::DuringRecovery, 1),
        ];
        let seam = self.draws.weighted(&seams).unwrap_or(Seam::BeforeSync);
        let who = self.target(&moment, true);
        let down = self.draws.time(self.profile.crashes.down);
        if at != CrashMoment::AllSites
            && self.draws.happens(self.profile.crashes.wiped)
            && let Some(who) = self.losses.take(who)
        {
            track.push(moment, Fault::Wipe(who));
            return self.look_around(track, workload, None);
        }
        let crash = |who, at| Fault::Crash(Crash { who, at, leaves });
        let back = who_is_known(who);
        let mut mending = vec![Fault::Restart(back)];
        match at {
            CrashMoment::AllSites => track.push(moment, crash(Target::AllSites, None)),
            CrashMoment::AnyTime => track.push(moment, crash(who, None)),
            CrashMoment::Seam if seam == Seam::DuringRecovery => {
                track.push(moment, crash(who, None));
                track.push(When::After(Duration::ZERO), crash(back, Some(seam)));
                mending.push(Fault::Restart(back));
            }
            CrashMoment::Seam => track.push(moment, crash(who, Some(seam))),
        }
        if at == CrashMoment::AllSites {
            mending = vec![Fault::Restart(Target::AllSites)];
        }
        self.look_around(track, workload, None);
        self.mend(track, down, mending);
    }
}
