//! What is done to a world and when: tracks of steps.
//!
//! In a track a step arms when the one before it has fired, and fires once. Targets by role are resolved at the
//! moment of firing; where there is no such process, the step waits.
//!
//! Beside the tracks, watchpoints watch the whole run. What a step waits for and a watchpoint watches for is a
//! [`Trigger`], and `matcher` alone says whether it happens.

pub(crate) mod actions;
pub(crate) mod describe;
pub mod director;
pub(crate) mod head_start;
pub(crate) mod matcher;
pub mod row;
pub mod vocabulary;
pub mod watchpoints;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::LazyCell;

#[cfg(feature = "scenario")]
use serde::{Deserialize, Serialize};

use crate::ids::{ProcessId, SiteId};
use crate::process::Process;
use crate::sim::net::rule::{About, Filter};
use crate::sim::net::rules::Roles;
use crate::sim::script::director::{Director, StepId, Unfired};
use crate::sim::script::head_start::HeadStart;
use crate::sim::script::matcher::Happening;
use crate::sim::script::watchpoints::{Watchpoint, Watchpoints};
use crate::sim::watch::Watchers;
use crate::sim::watch::judge::Judge;
use crate::time::{Duration, Instant};

pub use row::{Aim, EffectTime, Row};
pub use vocabulary::{ClockFault, DRIFT_MAX, DiskFault, Leaves, Percent, ScriptAction, Seam};

/// Whom a step, an event or a filter means. Who plays which part is asked at the moment of firing; in an event, at the
/// moment of what happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(rename(deserialize = "who")))]
pub enum Target {
    /// Anybody; in events and filters only.
    #[default]
    Any,
    /// The site with this number.
    Site(u8),
    /// The client inside the program of this site.
    Terminal(u8),
    /// The client with this number.
    Client(u16),
    /// The leading site of the highest rank, paused or not; the lowest number of several.
    Leader,
    /// The site with the lowest number that runs, is not paused and does not lead.
    Follower,
    /// The site with the lowest number that runs, is not paused and tries to lead.
    Candidate,
    /// The site that knows least of those that run and are not paused; the lowest number of several.
    Laggard,
    /// Who sent the datagram that fired this very step.
    Sender,
    /// To whom the datagram that fired this very step is sent.
    Recipient,
    /// Every site on this machine.
    Machine(u8),
    /// Every site.
    AllSites,
}

impl Target {
    /// This process.
    pub const fn of(process: ProcessId) -> Target {
        match process {
            ProcessId::Site(site) => Target::Site(site.number()),
            ProcessId::Terminal(site) => Target::Terminal(site.number()),
            ProcessId::Client(number) => Target::Client(number),
        }
    }

    /// The process that it names, if it names one that can be.
    pub fn process(self) -> Option<ProcessId> {
        match self {
            Target::Site(number) => SiteId::new(number).map(ProcessId::Site),
            Target::Terminal(number) => SiteId::new(number).map(ProcessId::Terminal),
            Target::Client(number) => Some(ProcessId::Client(number)),
            Target::Any | Target::Machine(_) | Target::AllSites => None,
            Target::Leader | Target::Follower | Target::Candidate | Target::Laggard => None,
            Target::Sender | Target::Recipient => None,
        }
    }
}

/// When a step fires, and what a [`Watchpoint`] watches for. It means the same to both.
///
/// A target by role means whoever plays that part at the moment of what happens: for a crash, before the crash; for a
/// note, after the input that it was made in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// At this time.
    At(Instant),
    /// This long after the step armed.
    After(Duration),
    /// The target becomes leader, or leads under another rank than before. It does when it starts as leader, too.
    Leads(Target),
    /// A matching datagram is handed to the network for one recipient, before its rules, for the `nth` time since the
    /// step armed or the run began; `nth` counts from 1.
    ///
    /// A broadcast counts once for each recipient that it reaches before a crash of its sender. A datagram counts once,
    /// however many of its messages match. A message to oneself crosses no network, and counts for nobody; what a
    /// terminal and its site send each other inside of their program counts.
    Sent(Filter, u64),
    /// A matching datagram has come to its receiver and is about to be handled, for the `nth` time. Datagrams count as
    /// for `Sent`; every copy that arrives counts, even where a step stops the receiver at that moment.
    Delivered(Filter, u64),
    /// The target notes something of this kind, about this if it is given.
    Noted {
        /// Who.
        who: Target,
        /// The note's kind.
        kind: String,
        /// What it is about.
        about: Option<About>,
    },
    /// The target stops: it crashes, also while it reads its journal back, or stops by itself.
    Crashed(Target),
    /// The target starts, not for the first time.
    Restarted(Target),
}

impl Trigger {
    /// How many happenings it takes, from 1.
    pub(crate) const fn nth(&self) -> u64 {
        match self {
            Trigger::Sent(_, nth) | Trigger::Delivered(_, nth) => *nth,
            Trigger::At(_) | Trigger::After(_) | Trigger::Leads(_) => 1,
            Trigger::Noted { .. } | Trigger::Crashed(_) | Trigger::Restarted(_) => 1,
        }
    }

    /// Whether it waits for a time, and for nothing that happens.
    pub(crate) const fn is_time(&self) -> bool {
        matches!(self, Trigger::At(_) | Trigger::After(_))
    }

    /// Whether it waits for datagrams.
    pub(crate) const fn is_datagram(&self) -> bool {
        matches!(self, Trigger::Sent(..) | Trigger::Delivered(..))
    }
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptStep<C> {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: ScriptAction<C>,
    /// Whether it may never fire; then its track ends without making the run stale.
    pub is_optional: bool,
}

/// Steps that fire one after the other.
pub type Track<C> = Vec<ScriptStep<C>>;

/// The script of a world under way.
#[derive(Clone, Debug)]
pub(crate) struct Script<C> {
    pub(crate) director: Director<C>,
    pub(crate) watchpoints: Watchpoints,
    /// Steps that let kept copies arrive again when none was kept.
    pub(crate) fruitless: Vec<StepId>,
    /// Checks that fired and that whoever drives the world has not taken.
    pub(crate) checks: VecDeque<usize>,
    /// Who leads first, before the script means anything by a leader.
    pub(crate) head_start: HeadStart,
}

impl<C: Clone> Script<C> {
    pub(crate) fn new(
        tracks: Vec<Track<C>>,
        watchpoints: Vec<Watchpoint>,
        leader: Option<SiteId>,
    ) -> Script<C> {
        Script {
            director: Director::new(tracks),
            watchpoints: Watchpoints::new(watchpoints),
            fruitless: Vec::new(),
            checks: VecDeque::new(),
            head_start: HeadStart::of(leader),
        }
    }

    /// Whether no action waits to be run and no time to be queued.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.director.fired.is_empty() && self.director.timers.is_empty()
    }

    /// Whether some step waits for its target alone.
    #[inline]
    pub(crate) const fn has_due(&self) -> bool {
        self.director.due_count > 0
    }

    /// Who has a head start, until it campaigns or leads.
    #[inline]
    pub(crate) const fn first(&self) -> Option<SiteId> {
        self.head_start.first
    }

    /// Whether anybody waits or watches for datagrams.
    #[inline]
    pub(crate) fn listens_to_datagrams(&self) -> bool {
        !self.director.on_datagram.is_empty() || self.watchpoints.watch_datagrams
    }

    /// Whether anybody waits or watches for notes.
    #[inline]
    pub(crate) fn listens_to_notes(&self) -> bool {
        self.watchpoints.watch_notes || self.director.awaits_notes()
    }

    /// Something happens while processes play these parts: the steps that waited for it fire, and watchpoints count it.
    pub(crate) fn happened<'a, P: Process, J: Judge<P>>(
        &mut self,
        watch: &mut Watchers<P, J>,
        happening: Happening<'_>,
        roles: impl FnOnce() -> Roles<'a>,
    ) {
        // Most of what happens is nothing to anybody, and who plays which part is asked of every process.
        let roles = LazyCell::new(roles);
        self.director.happened(watch.now, &happening, &roles, &roles);
        watch.object_to(self.watchpoints.happened(&happening, &roles));
    }

    /// A process crashes: it plays its part to those who wait for its crash, and no longer to what steps do then.
    pub(crate) fn crashed<'a, P: Process, J: Judge<P>>(
        &mut self,
        watch: &mut Watchers<P, J>,
        who: ProcessId,
        before: &Roles<'a>,
        after: impl FnOnce() -> Roles<'a>,
    ) {
        let happening = Happening::Crashed { who };
        self.director.happened(watch.now, &happening, &before, &LazyCell::new(after));
        watch.object_to(self.watchpoints.happened(&happening, &before));
    }

    /// Whether a run is stale without what this step does.
    pub(crate) fn is_required(&self, step: StepId) -> bool {
        !self.director.step(step).is_optional
    }

    /// The steps that make a run stale: those that did not fire, those that fired and met nothing, and these.
    pub(crate) fn unfired(&self, unmet: impl Iterator<Item = Unfired>) -> Vec<Unfired> {
        let fruitless = self.fruitless.iter().filter(|step| self.is_required(**step)).map(|step| Unfired {
            step: *step,
            was_armed: true,
            nearest: "its trigger came, and its rule had kept nothing".into(),
        });
        let mut unfired = self.director.unfired();
        unfired.extend(unmet.chain(fruitless));
        unfired.sort_by_key(|unfired| unfired.step);
        unfired
    }
}
