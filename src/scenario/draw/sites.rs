//! Episodes with paused sites, slow sites, and wrong clocks.

use crate::scenario::draw::episodes::{DrawnTrack, Episodes, who_is_known};
use crate::scenario::draw::workload::Workload;
use crate::scenario::draw::{crash, links, rule};
use crate::scenario::profile::RulingKind;
use crate::scenario::service::Service;
use crate::scenario::step::{ClockFault, Fault, Percent, Rule, Ruling, Target, When};
use crate::time::Duration;

/// Some slow sites are flooded, so that more arrives than their inbox holds: this many datagrams to them, each with
/// this many copies.
const FLOODED: u64 = 60;
const FLOOD_COPIES: u32 = 40;

impl Episodes<'_> {
    pub(super) fn pause<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let who = self.target(&moment, true);
        track.push(moment, Fault::Pause(who));
        self.look_around(track, workload, None);
        let time = self.draws.time(self.profile.pauses);
        self.mend(track, time, vec![Fault::Resume(who_is_known(who))]);
    }

    pub(super) fn slow_site<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let (who, time) = (self.target(&moment, true), self.draws.time(self.profile.slow_site));
        track.push(moment, Fault::Slow(who, time));
        let is_one = matches!(who, Target::Site(_) | Target::Leader | Target::Follower);
        if self.draws.one_in(4) && is_one && links::allow_rulings(self.links, RulingKind::Duplicate) {
            let then = Ruling::Duplicate { copies: FLOOD_COPIES, apart: Duration::ZERO };
            let flood = Rule { count: Some(FLOODED), ..rule(None, (Target::Any, who), then) };
            track.push(When::After(Duration::ZERO), Fault::Rule(flood));
        }
        self.look_around(track, workload, None);
        let lasts = self.draws.time(self.profile.messages.lasts);
        self.mend(track, lasts, vec![Fault::Slow(who_is_known(who), Duration::ZERO)]);
    }

    /// Each clock separately: one drifts, another is set, perhaps while its site is down, and perhaps set right
    /// again.
    pub(super) fn clocks<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let wanted = &self.profile.clocks;
        let mut when = moment;
        for number in 0..self.cluster.sites {
            let who = Target::Site(number);
            if !self.draws.happens(wanted.sites) {
                continue;
            }
            let is_up = self.draws.one_in(2);
            let percent = Percent(self.draws.number(wanted.drift));
            let by = self.draws.time(wanted.set);
            let while_down = self.draws.happens(wanted.while_down);
            if self.draws.happens(wanted.drifts) {
                let word = if is_up { ClockFault::Fast(percent) } else { ClockFault::Slow(percent) };
                track.push(when, Fault::Clock(who, word));
            } else {
                let word = if is_up { ClockFault::Ahead(by) } else { ClockFault::Behind(by) };
                let is_down = while_down && self.crashes < self.profile.crashes.at_most;
                if is_down {
                    self.crashes += 1;
                    track.push(when, crash(who));
                    when = When::After(Duration::ZERO);
                }
                track.push(when, Fault::Clock(who, word));
                if is_down {
                    let down = self.draws.time(self.profile.crashes.down);
                    track.push(When::After(down), Fault::Restart(who));
                }
                if is_up && self.draws.one_in(2) {
                    let wrong = self.draws.time(self.profile.messages.lasts);
                    track.push(When::After(wrong), Fault::Clock(who, ClockFault::Behind(by)));
                }
            }
            when = When::After(self.draws.millis(0, 1_500));
        }
        self.look_around(track, workload, None);
    }
}
