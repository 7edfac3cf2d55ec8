//! Fault episodes: something breaks at a drawn moment, both sides are looked at, and it is mended.
//!
//! Each has a track of its own, so that one whose moment never comes takes no other with it.

use crate::scenario::draw::cluster::Cluster;
use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::draw::workload::{Wanted, Workload};
use crate::scenario::draw::{optional, rule, shapes, traffic};
use crate::scenario::form::StepOf;
use crate::scenario::namespace::Word;
use crate::scenario::profile::{CrashMoment, CutShape, FaultKind, Profile, RulingKind, Span, TargetKind};
use crate::scenario::service::Service;
use crate::scenario::step::{Crash, Event, Fault, Manner, Rule, Then, When, Who};
use crate::time::Duration;

/// Draws the fault episodes of one scenario.
pub(super) struct Episodes<'a> {
    draws: Draws,
    profile: &'a Profile,
    cluster: &'a Cluster,
    /// How long a sync takes when nothing is wrong.
    sync: Duration,
    is_quiet: bool,
}

/// One track in the making.
struct Track<S: Service>(Vec<StepOf<S>>);

impl<S: Service> Track<S> {
    fn push(&mut self, when: When, fault: Fault<S::Expectation>) {
        self.0.push(optional(when, Word::Harness(fault)));
    }

    /// The first at this moment, the others at once after it.
    fn push_all(&mut self, when: When, faults: Vec<Fault<S::Expectation>>) {
        let moments = core::iter::once(when).chain(core::iter::repeat(When::After(Duration::ZERO)));
        faults.into_iter().zip(moments).for_each(|(fault, when)| self.push(when, fault));
    }
}

impl<'a> Episodes<'a> {
    pub(super) fn new(
        profile: &'a Profile,
        seed: u64,
        cluster: &'a Cluster,
        sync: Duration,
        is_quiet: bool,
    ) -> Episodes<'a> {
        Episodes { draws: Draws::new(seed, Concern::Faults), profile, cluster, sync, is_quiet }
    }

    /// One track each; beside a recipe at most one.
    pub(super) fn tracks<S: Service>(
        &mut self,
        workload: &mut Workload<'_>,
        is_beside_recipe: bool,
    ) -> Vec<Vec<StepOf<S>>> {
        let drawn = self.draws.of(&self.profile.episodes).unwrap_or(0);
        let count = if is_beside_recipe { drawn.min(1) } else { drawn };
        let mut crashes = 0;
        let mut tracks = Vec::new();
        for _ in 0..count {
            let kind = self.draws.of(&self.profile.faults).unwrap_or(FaultKind::Crash);
            let kind = if self.is_quiet { FaultKind::Crash } else { kind };
            if kind == FaultKind::Crash {
                crashes += 1;
                if crashes > self.profile.crashes.at_most {
                    continue;
                }
            }
            tracks.push(self.track::<S>(kind, workload));
        }
        tracks
    }

    fn track<S: Service>(&mut self, kind: FaultKind, workload: &mut Workload<'_>) -> Vec<StepOf<S>> {
        let mut track = Track::<S>(Vec::new());
        let begins = Duration::from_millis(self.draws.between(400, self.cluster.lasts.as_micros() / 1_000));
        let who = workload.anybody(&mut self.draws);
        self.ask(&mut track, workload, When::At(begins), who, Wanted::Read);
        let moment = self.moment::<S>();
        match kind {
            FaultKind::Cut => self.cut(&mut track, workload, moment),
            FaultKind::Crash => self.crash(&mut track, workload, moment),
            FaultKind::Pause => {
                let who = self.target(true);
                track.push(moment, Fault::Pause(who));
                self.look_around(&mut track, workload, None);
                let time = self.draws.time(self.profile.pauses);
                self.mend(&mut track, time, vec![Fault::Resume(who_is_known(who))]);
            }
            FaultKind::Messages => {
                let begins = matches!(moment, When::After(_)).then_some(begins);
                let rule = self.rule::<S>(begins);
                track.push(moment, Fault::Rule(rule));
                self.look_around(&mut track, workload, None);
            }
            FaultKind::Disk => {
                let (who, time) = (self.target(true), self.draws.time(self.profile.disk.slow));
                track.push(moment, Fault::SyncTime(who, time));
                self.look_around(&mut track, workload, None);
                let time = self.draws.time(self.profile.messages.lasts);
                // A disk that stays slow is no fault that ends.
                let usual = Fault::SyncTime(Who::AllSites, self.sync);
                track.push(When::After(time), usual);
            }
        }
        let (pause, who) = (self.draws.millis(10, 900), workload.anybody(&mut self.draws));
        self.ask(&mut track, workload, When::After(pause), who, Wanted::AgreedRead);
        track.0
    }

    fn ask<S: Service>(
        &mut self,
        track: &mut Track<S>,
        workload: &mut Workload<'_>,
        when: When,
        who: Who,
        wanted: Wanted,
    ) {
        let command = workload.command::<S>(&mut self.draws, who, wanted);
        track.0.extend(command.map(|command| optional(when, Word::Service(command))));
    }

    /// Writes and reads while something is broken, on both sides of it where it has two.
    fn look_around<S: Service>(
        &mut self,
        track: &mut Track<S>,
        workload: &mut Workload<'_>,
        sides: Option<(u8, u8)>,
    ) {
        let (one, other) = match sides {
            Some((one, other)) => (Who::Terminal(one), Who::Terminal(other)),
            None => (workload.anybody(&mut self.draws), workload.anybody(&mut self.draws)),
        };
        for (who, wanted) in
            [(one, Wanted::Write), (other, Wanted::Write), (one, Wanted::Read), (other, Wanted::AgreedRead)]
        {
            if !self.draws.one_in(4) {
                let gap = self.draws.millis(0, 300);
                self.ask(track, workload, When::After(gap), who, wanted);
            }
        }
    }

    /// Soon, or when something happens.
    fn moment<S: Service>(&mut self) -> When {
        let soon = When::After(self.draws.millis(0, 500));
        match self.draws.below(6) {
            0 if self.cluster.sites > 1 => When::On(Event::Leads(Who::Any)),
            1 | 2 => {
                let kind = self.draws.one_of(S::NOTABLE_MESSAGES).copied();
                let nth = self.draws.between(1, 6);
                let is_sent = self.draws.one_in(2);
                let Some(kind) = kind.filter(|_| self.cluster.sites > 1) else { return soon };
                let traffic = crate::scenario::step::Traffic { nth, ..traffic(kind, Who::Any, Who::Any) };
                When::On(if is_sent { Event::Sent(traffic) } else { Event::Delivered(traffic) })
            }
            _ => soon,
        }
    }

    /// A site, or with `any_number` perhaps several of one machine.
    fn target(&mut self, any_number: bool) -> Who {
        let site = Who::Site(self.draws.below(self.cluster.sites.into()).to_le_bytes()[0]);
        match self.draws.of(&self.profile.targets) {
            Some(TargetKind::Leader) => Who::Leader,
            Some(TargetKind::Follower) if self.cluster.sites > 1 => Who::Follower,
            Some(TargetKind::Machine) if any_number => {
                Who::Machine(self.draws.below(self.cluster.machines().into()).to_le_bytes()[0])
            }
            _ => site,
        }
    }

    /// Mends it after a while, or leaves it as it is.
    fn mend<S: Service>(
        &mut self,
        track: &mut Track<S>,
        after: Duration,
        faults: Vec<Fault<S::Expectation>>,
    ) {
        if !self.draws.happens(self.profile.unmended) {
            track.push_all(When::After(after), faults);
        }
    }

    fn cut<S: Service>(&mut self, track: &mut Track<S>, workload: &mut Workload<'_>, moment: When) {
        let mut moment = moment;
        loop {
            let cut = self.one_cut::<S>();
            track.push_all(moment, cut.faults);
            self.look_around(track, workload, Some(cut.sides));
            let lasts = self.draws.time(self.profile.cuts.lasts);
            if !self.draws.happens(self.profile.cuts.second) || track.0.len() > 20 {
                return self.mend(track, lasts, cut.mending);
            }
            // Another one follows at once.
            track.push_all(When::After(lasts), cut.mending);
            moment = When::After(self.draws.millis(0, 200));
        }
    }

    fn one_cut<S: Service>(&mut self) -> shapes::Cut<S::Expectation> {
        let shape = self.draws.of(&self.profile.cuts.shapes).unwrap_or(CutShape::Isolate);
        let is_one_way = self.draws.happens(self.profile.cuts.one_way);
        let sites = self.cluster.sites;
        let sides = (0, sites - 1);
        let target = self.target(false);
        let mending = vec![Fault::Heal];
        match (shape, target) {
            (CutShape::Isolate, Who::Leader | Who::Follower) if is_one_way && sites > 1 => {
                let ends = if self.draws.one_in(2) { (target, Who::Any) } else { (Who::Any, target) };
                let fault = Fault::Rule(rule(None, ends, Then::Drop));
                shapes::Cut { faults: vec![fault], mending, sides }
            }
            (CutShape::Isolate, Who::Leader | Who::Follower) => {
                shapes::Cut { faults: vec![Fault::Isolate(target)], mending, sides }
            }
            _ => shapes::cut(&mut self.draws, shape, sites, is_one_way),
        }
    }

    fn crash<S: Service>(&mut self, track: &mut Track<S>, workload: &mut Workload<'_>, moment: When) {
        let drawn = self.draws.of(&self.profile.crashes.moments).unwrap_or(CrashMoment::Seam);
        let at = if self.is_quiet { CrashMoment::Seam } else { drawn };
        let is_torn = self.draws.happens(self.profile.crashes.torn);
        let seams = [
            (Manner::BeforeSync, 3),
            (Manner::AfterSync, 3),
            (Manner::BetweenSends, 2),
            (Manner::BetweenRecipients, 3),
            (Manner::DuringRecovery, 1),
        ];
        let seam = self.draws.weighted(&seams).unwrap_or(Manner::BeforeSync);
        let who = self.target(true);
        let down = self.draws.time(self.profile.crashes.down);
        let crash = |who, at| Fault::Crash(Crash { who, at, is_torn });
        let back = who_is_known(who);
        let mut mending = vec![Fault::Restart(back)];
        match at {
            CrashMoment::AllSites => track.push(moment, crash(Who::AllSites, None)),
            CrashMoment::AnyTime => track.push(moment, crash(who, None)),
            CrashMoment::Seam if seam == Manner::DuringRecovery => {
                track.push(moment, crash(who, None));
                track.push(When::After(Duration::ZERO), crash(back, Some(seam)));
                mending.push(Fault::Restart(back));
            }
            CrashMoment::Seam => track.push(moment, crash(who, Some(seam))),
        }
        if at == CrashMoment::AllSites {
            mending = vec![Fault::Restart(Who::AllSites)];
        }
        self.look_around(track, workload, None);
        self.mend(track, down, mending);
    }

    /// A rule for a while where it is known when it begins, else for some messages.
    fn rule<S: Service>(&mut self, begins: Option<Duration>) -> Rule {
        let wanted = &self.profile.messages;
        let kind = self.draws.one_of(S::NOTABLE_MESSAGES).copied();
        let kind = kind.filter(|_| self.draws.happens(wanted.one_kind));
        let who = self.target(false);
        let ends = match self.draws.below(4) {
            0 => (Who::Any, Who::Any),
            1 | 2 => (who, Who::Any),
            _ => (Who::Any, who),
        };
        let then = match self.draws.of(&wanted.then).unwrap_or(RulingKind::Drop) {
            RulingKind::Drop => Then::Drop,
            RulingKind::Delay => Then::Delay(self.draws.time(wanted.delay)),
            RulingKind::Duplicate => Then::Duplicate {
                copies: u32::from(self.draws.number(wanted.copies)),
                apart: self.draws.time(Span(Duration::ZERO, wanted.delay.1)),
            },
        };
        let (lasts, count) = (self.draws.time(wanted.lasts), self.draws.between(1, 30));
        let skip = if self.draws.one_in(3) { self.draws.below(5) } else { 0 };
        let rule = Rule { skip, ..rule(kind, ends, then) };
        match begins {
            Some(begins) => Rule { until: Some(begins + Duration::from_millis(500) + lasts), ..rule },
            None => Rule { count: Some(count), ..rule },
        }
    }
}

/// Who plays a part by then may be another one: all are meant instead.
fn who_is_known(who: Who) -> Who {
    match who {
        Who::Site(_) | Who::Machine(_) => who,
        _ => Who::AllSites,
    }
}
