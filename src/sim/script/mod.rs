//! The script of a world: tracks of steps, each with a trigger and an action.
//!
//! A step arms when the previous step of its track has fired, and fires once. A target that is a role is resolved
//! when the step fires. If no process has that role, the step waits.
//!
//! Watchpoints watch the whole run, beside the tracks. Steps and watchpoints both name a [`Trigger`], and only
//! `matcher` decides whether it happens.

pub(crate) mod actions;
pub(crate) mod by_hand;
pub(crate) mod describe;
pub mod director;
pub(crate) mod head_start;
pub(crate) mod matcher;
pub mod question;
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
use crate::sim::script::director::{Director, Fired, StepId, Unfired};
use crate::sim::script::head_start::HeadStart;
use crate::sim::script::matcher::Happening;
use crate::sim::script::watchpoints::{Watchpoint, Watchpoints};
use crate::sim::watch::Watchers;
use crate::sim::watch::judge::Judge;
use crate::time::{Duration, Instant};

pub use row::{Aim, EffectTime, Row};
pub use vocabulary::{ClockFault, DRIFT_MAX, DiskFault, Leaves, Percent, ScriptAction, Seam};

/// The processes that a step, an event or a rule means. A role means the process that has it when the step fires;
/// in an event, when the event happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(rename(deserialize = "who")))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Target", example = Target::Site(1), extend("default" = Target::default())))]
pub enum Target {
    /// Any process; in events and rules only.
    #[default]
    Any,
    /// The site with this number.
    Site(u8),
    /// The client inside the program of this site.
    Terminal(u8),
    /// The client with this number.
    Client(u16),
    /// The site that leads under the highest rank, paused or not; of several the one with the lowest number.
    Leader,
    /// The running site with the lowest number that does not lead and is not paused.
    Follower,
    /// The running site with the lowest number that tries to lead and is not paused.
    Candidate,
    /// The running site that knows least and is not paused; of several the one with the lowest number.
    Laggard,
    /// The sender of the datagram that fired this step.
    Sender,
    /// The recipient of the datagram that fired this step.
    Recipient,
    /// Every site on this machine.
    Machine(u8),
    /// Every site.
    AllSites,
}

impl Target {
    /// The target that is this process.
    pub const fn of(process: ProcessId) -> Target {
        match process {
            ProcessId::Site(site) => Target::Site(site.number()),
            ProcessId::Terminal(site) => Target::Terminal(site.number()),
            ProcessId::Client(number) => Target::Client(number),
        }
    }

    /// The process that it names, if it names one that can exist.
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

/// When a step fires, and what a [`Watchpoint`] watches for. The meaning is the same for both.
///
/// A role means its holder at the moment of the event: for a crash, before the crash; for a note, after the input in
/// which the note was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// At this time.
    At(Instant),
    /// This long after the step armed.
    After(Duration),
    /// The target becomes leader, or leads under another rank than before. A target that starts as leader counts too.
    Leads(Target),
    /// A matching datagram is handed to the network for one recipient, before any rule, for the `nth` time since the
    /// step armed or the run began; `nth` counts from 1.
    ///
    /// A broadcast counts once for each recipient that it reaches before its sender crashes. A datagram counts once,
    /// even if several of its messages match. A message to oneself crosses no network and does not count. A message
    /// between a terminal and its site counts, although it stays inside their program.
    Sent(Filter, u64),
    /// A matching datagram has reached its receiver and is about to be handled, for the `nth` time. Datagrams count
    /// as for `Sent`. Every copy that arrives counts, even if a step stops the receiver at that moment.
    Delivered(Filter, u64),
    /// The target makes a note of this kind and, if `about` is given, about this subject.
    Noted {
        /// The process that makes it.
        who: Target,
        /// The note's kind.
        kind: String,
        /// The note's subject; `None` for any.
        about: Option<About>,
    },
    /// The target stops: it crashes, possibly while it reads its journal back, or it stops by itself.
    Crashed(Target),
    /// The target starts, but not for the first time.
    Restarted(Target),
    /// The target is about to be told that one of its links broke.
    LinkDown(Target),
    /// The target is about to be told that one of its links is up again.
    LinkUp(Target),
}

impl Trigger {
    /// The number of occurrences that it waits for, from 1.
    pub(crate) const fn nth(&self) -> u64 {
        match self {
            Trigger::Sent(_, nth) | Trigger::Delivered(_, nth) => *nth,
            Trigger::At(_) | Trigger::After(_) | Trigger::Leads(_) => 1,
            Trigger::Noted { .. } | Trigger::Crashed(_) | Trigger::Restarted(_) => 1,
            Trigger::LinkDown(_) | Trigger::LinkUp(_) => 1,
        }
    }

    /// Whether it waits for a time rather than an event.
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
    /// The event or time that fires it.
    pub trigger: Trigger,
    /// The action when it fires.
    pub action: ScriptAction<C>,
    /// Whether it may stay unfired. If so, its track ends there without making the run stale.
    pub is_optional: bool,
}

/// Steps that fire one after the other.
pub type Track<C> = Vec<ScriptStep<C>>;

/// The script of a world, with its progress.
#[derive(Clone, Debug)]
pub(crate) struct Script<C> {
    pub(crate) director: Director<C>,
    pub(crate) watchpoints: Watchpoints,
    /// Steps that fired and did not find what they name: a kept copy, or what a step by hand is done to.
    pub(crate) fruitless: Vec<Unfired>,
    /// Steps that fired and act by hand, in events of their own.
    pub(crate) by_hand: VecDeque<Fired<C>>,
    /// Checks that fired and that the driver of the world has not taken.
    pub(crate) checks: VecDeque<usize>,
    /// The head start of the site that leads first.
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
            by_hand: VecDeque::new(),
            checks: VecDeque::new(),
            head_start: HeadStart::of(leader),
        }
    }

    /// Whether no action waits to run, and no time waits to be queued.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.director.fired.is_empty() && self.director.timers.is_empty()
    }

    /// Whether some step waits only for its target.
    #[inline]
    pub(crate) const fn has_due(&self) -> bool {
        self.director.due_count > 0
    }

    /// The site that has a head start, until it campaigns or leads.
    #[inline]
    pub(crate) const fn first(&self) -> Option<SiteId> {
        self.head_start.first
    }

    /// Whether any step or watchpoint waits for datagrams.
    #[inline]
    pub(crate) fn listens_to_datagrams(&self) -> bool {
        !self.director.on_datagram.is_empty() || self.watchpoints.watch_datagrams
    }

    /// Whether any step or watchpoint waits for notes.
    #[inline]
    pub(crate) fn listens_to_notes(&self) -> bool {
        self.watchpoints.watch_notes || self.director.awaits_notes()
    }

    /// Reports an event, with the roles at that moment. Steps that wait for it fire, and watchpoints count it.
    pub(crate) fn happened<'a, P: Process, J: Judge<P>>(
        &mut self,
        watch: &mut Watchers<P, J>,
        happening: Happening<'_>,
        roles: impl FnOnce() -> Roles<'a>,
    ) {
        // Most events match nothing, and resolving roles asks every process.
        let roles = LazyCell::new(roles);
        self.director.happened(watch.now, &happening, &roles, &roles);
        watch.object_to(self.watchpoints.happened(&happening, &roles));
    }

    /// Reports a crash. Triggers see the roles from before it, and the actions that they fire see the roles after it.
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

    /// Makes the run stale if this step is required: it fired, and did not find what it names.
    /// `nearest` is what it lacked.
    pub(crate) fn miss(&mut self, step: StepId, nearest: String) {
        if self.is_required(step) {
            self.fruitless.push(Unfired { step, was_armed: true, found_nothing: true, nearest });
        }
    }

    /// Whether a run is stale if this step has no effect.
    pub(crate) fn is_required(&self, step: StepId) -> bool {
        !self.director.step(step).is_optional
    }

    /// The steps that make a run stale: those that did not fire, those that fired without effect, and `unmet`.
    pub(crate) fn unfired(&self, unmet: impl Iterator<Item = Unfired>) -> Vec<Unfired> {
        let mut unfired = self.director.unfired();
        unfired.extend(unmet.chain(self.fruitless.iter().cloned()));
        unfired.sort_by_key(|unfired| unfired.step);
        unfired
    }
}
