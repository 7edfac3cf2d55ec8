//! What is done to a world and when: tracks of steps.
//!
//! In a track a step arms when the one before it has fired, and fires once. Targets by role are resolved at the
//! moment of firing; where there is no such process, the step waits.

pub(crate) mod actions;
pub(crate) mod describe;
pub mod director;
pub mod row;
pub mod vocabulary;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

#[cfg(feature = "scenario")]
use serde::{Deserialize, Serialize};

use crate::ids::{ProcessId, SiteId};
use crate::sim::net::rule::{About, Filter};
use crate::sim::script::director::{Director, StepId, Unfired};
use crate::time::{Duration, Instant};

pub use row::{Aim, Effect, Row};
pub use vocabulary::{Action, ClockFault, DRIFT_MAX, DiskFault, Leaves, Percent, Seam};

/// Whom a step, an event or a filter means.
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
    /// The leading site of the highest rank at the moment of firing.
    Leader,
    /// The running site with the lowest number that does not lead, at the moment of firing.
    Follower,
    /// The running site with the lowest number that tries to lead, at the moment of firing.
    Candidate,
    /// The running site that knows least at the moment of firing; the lowest number of several.
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

/// When a step fires.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// At this time.
    At(Instant),
    /// So long after the step armed.
    After(Duration),
    /// When the target becomes leader.
    Leads(Target),
    /// When a matching datagram is handed to the network, before its rules, for the `nth` time since the step
    /// armed; `nth` counts from 1 and a broadcast once per recipient.
    Sent(Filter, u64),
    /// When a matching datagram is about to be handled for the `nth` time since the step armed.
    Delivered(Filter, u64),
    /// When the target notes something of this kind, about this if it is given.
    Noted {
        /// Who.
        who: Target,
        /// The note's kind.
        kind: String,
        /// What it is about.
        about: Option<About>,
    },
    /// When the target crashes.
    Crashed(Target),
    /// When the target starts again.
    Restarted(Target),
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step<C> {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: Action<C>,
    /// Whether it may never fire; then its track ends without making the run stale.
    pub is_optional: bool,
}

/// Steps that fire one after the other.
pub type Track<C> = Vec<Step<C>>;

/// The script of a world under way.
#[derive(Clone, Debug)]
pub(crate) struct Script<C> {
    pub(crate) director: Director<C>,
    /// Steps that let kept copies arrive again when none was kept.
    pub(crate) fruitless: Vec<StepId>,
    /// Checks that fired and that whoever drives the world has not taken.
    pub(crate) checks: VecDeque<usize>,
}

impl<C: Clone> Script<C> {
    pub(crate) fn new(tracks: Vec<Track<C>>) -> Script<C> {
        Script { director: Director::new(tracks), fruitless: Vec::new(), checks: VecDeque::new() }
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
