//! Fault episodes: something breaks at a drawn moment, both sides are used, and the fault is mended.
//!
//! Each episode has its own track, so that an episode whose moment never comes holds up no other.

use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::draw::losses::Losses;
use crate::scenario::draw::workload::{Wanted, Workload};
use crate::scenario::draw::{optional, traffic};
use crate::scenario::form::StepOf;
use crate::scenario::namespace::Word;
use crate::scenario::profile::{FaultKind, Profile, TargetKind};
use crate::scenario::service::Service;
use crate::scenario::step::{DiskFault, EventPattern, Fault, Target, Traffic, When};
use crate::time::Duration;

/// Draws the fault episodes of one scenario.
pub(super) struct Episodes<'a> {
    pub(super) draws: Draws,
    pub(super) profile: &'a Profile,
    pub(super) cluster: &'a DrawnCluster,
    pub(super) losses: Losses,
    /// The sync time without faults.
    pub(super) sync: Duration,
    pub(super) is_quiet: bool,
    /// Number of episodes so far that crash something.
    pub(super) crashes: u8,
    /// Number of rules so far that keep copies.
    pub(super) kept: u32,
}

/// A track while it is written.
pub(super) struct DrawnTrack<S: Service>(pub(super) Vec<StepOf<S>>);

impl<S: Service> DrawnTrack<S> {
    pub(super) fn push(&mut self, when: When, fault: Fault<S::Expectation>) {
        self.0.push(optional(when, Word::Harness(fault)));
    }

    /// Adds the first fault at this moment and the others right after it.
    pub(super) fn push_all(&mut self, when: When, faults: Vec<Fault<S::Expectation>>) {
        let moments = core::iter::once(when).chain(core::iter::repeat(When::After(Duration::ZERO)));
        faults.into_iter().zip(moments).for_each(|(fault, when)| self.push(when, fault));
    }
}

impl<'a> Episodes<'a> {
    pub(super) fn new(
        profile: &'a Profile,
        seed: u64,
        cluster: &'a DrawnCluster,
        losses: Losses,
        sync: Duration,
        is_quiet: bool,
    ) -> Episodes<'a> {
        let draws = Draws::new(seed, Concern::Faults);
        Episodes { draws, profile, cluster, losses, sync, is_quiet, crashes: 0, kept: 0 }
    }

    /// One track per episode: first the extra ones of `besides`, then the others. Beside a recipe, at most one.
    pub(super) fn tracks<S: Service>(
        &mut self,
        workload: &mut Workload<'_>,
        is_beside_recipe: bool,
    ) -> Vec<Vec<StepOf<S>>> {
        let drawn = self.draws.of(&self.profile.episodes).unwrap_or(0);
        let mut kinds = Vec::new();
        for (kind, runs) in &self.profile.besides.0 {
            kinds.extend((self.draws.happens(*runs) && !self.is_quiet).then_some(*kind));
        }
        for _ in 0..drawn {
            let kind = self.draws.of(&self.profile.faults).unwrap_or(FaultKind::Crash);
            kinds.push(if self.is_quiet { FaultKind::Crash } else { kind });
        }
        kinds.truncate(if is_beside_recipe { 1 } else { kinds.len() });
        let mut tracks = Vec::new();
        for kind in kinds {
            if kind == FaultKind::Crash {
                if self.crashes >= self.profile.crashes.at_most {
                    continue;
                }
                self.crashes += 1;
            }
            tracks.push(self.track::<S>(kind, workload));
        }
        tracks
    }

    fn track<S: Service>(&mut self, kind: FaultKind, workload: &mut Workload<'_>) -> Vec<StepOf<S>> {
        let mut track = DrawnTrack::<S>(Vec::new());
        let begins = Duration::from_millis(self.draws.between(400, self.cluster.lasts.as_micros() / 1_000));
        let who = workload.anybody(&mut self.draws);
        self.ask(&mut track, workload, When::At(begins), who, Wanted::Read);
        let moment = self.moment::<S>();
        match kind {
            FaultKind::Cut => self.cut(&mut track, workload, moment),
            FaultKind::Crash => self.crash(&mut track, workload, moment),
            FaultKind::Pause => self.pause(&mut track, workload, moment),
            FaultKind::Messages => self.messages(&mut track, workload, moment, begins),
            FaultKind::Clog => self.clog(&mut track, workload, moment),
            FaultKind::SlowDisk => self.slow_disk(&mut track, workload, moment),
            FaultKind::DiskError => self.disk_error(&mut track, workload, moment),
            FaultKind::Rot => self.damage(&mut track, workload, moment, DiskFault::Rot),
            FaultKind::Misdirect => self.damage(&mut track, workload, moment, DiskFault::Misdirect),
            FaultKind::LoseFile => self.damage(&mut track, workload, moment, DiskFault::LoseFile),
            FaultKind::Clock => self.clocks(&mut track, workload, moment),
            FaultKind::SlowSite => self.slow_site(&mut track, workload, moment),
        }
        let (pause, who) = (self.draws.millis(10, 900), workload.anybody(&mut self.draws));
        self.ask(&mut track, workload, When::After(pause), who, Wanted::AgreedRead);
        track.0
    }

    pub(super) fn ask<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        when: When,
        who: Target,
        wanted: Wanted,
    ) {
        let command = workload.command::<S>(&mut self.draws, who, wanted);
        track.0.extend(command.map(|command| optional(when, Word::Service(command))));
    }

    /// Writes and reads while something is broken, on both sides of the fault if it has two.
    pub(super) fn look_around<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        sides: Option<(u8, u8)>,
    ) {
        let (one, other) = match sides {
            Some((one, other)) => (Target::Terminal(one), Target::Terminal(other)),
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

    /// A moment for a fault: soon, or when an event happens.
    fn moment<S: Service>(&mut self) -> When {
        let soon = When::After(self.draws.millis(0, 500));
        match self.draws.below(6) {
            0 if self.cluster.sites > 1 => When::On(EventPattern::Leads(Target::Any)),
            1 | 2 => {
                let kind = self.draws.one_of(&S::notable_messages()).copied();
                let nth = self.draws.between(1, 6);
                let is_sent = self.draws.one_in(2);
                let Some(kind) = kind.filter(|_| self.cluster.sites > 1) else { return soon };
                let traffic = Traffic { nth, ..traffic(kind, Target::Any, Target::Any) };
                When::On(if is_sent { EventPattern::Sent(traffic) } else { EventPattern::Delivered(traffic) })
            }
            _ => soon,
        }
    }

    /// The target of an episode that begins at this moment. With `any_number` it may be a machine with several sites.
    pub(super) fn target(&mut self, moment: &When, any_number: bool) -> Target {
        let site = Target::Site(self.draws.below(self.cluster.sites.into()).to_le_bytes()[0]);
        let is_sender = self.draws.one_in(2);
        let drawn = self.draws.of(&self.profile.targets);
        let is_endpoint = self.draws.happens(self.profile.endpoints);
        if is_endpoint && matches!(moment, When::On(EventPattern::Sent(_) | EventPattern::Delivered(_))) {
            return if is_sender { Target::Sender } else { Target::Recipient };
        }
        match drawn {
            Some(TargetKind::Leader) => Target::Leader,
            Some(TargetKind::Follower) if self.cluster.sites > 1 => Target::Follower,
            Some(TargetKind::Candidate) if self.cluster.sites > 1 => Target::Candidate,
            Some(TargetKind::Laggard) => Target::Laggard,
            Some(TargetKind::Machine) if any_number => {
                Target::Machine(self.draws.below(self.cluster.machines().into()).to_le_bytes()[0])
            }
            Some(TargetKind::Follower | TargetKind::Candidate | TargetKind::Site | TargetKind::Machine)
            | None => site,
        }
    }

    /// Mends the fault after a while, or leaves it as it is.
    pub(super) fn mend<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        after: Duration,
        faults: Vec<Fault<S::Expectation>>,
    ) {
        if !self.draws.happens(self.profile.unmended) {
            track.push_all(When::After(after), faults);
        }
    }
}

/// The sites to mend after a fault on `who`. A role may belong to another site by then, so it becomes all sites.
pub(super) fn who_is_known(who: Target) -> Target {
    match who {
        Target::Site(_) | Target::Machine(_) => who,
        _ => Target::AllSites,
    }
}
