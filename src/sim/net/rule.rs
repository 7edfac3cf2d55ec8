//! Fault injection on the network as an ordered list of rules.

use alloc::string::String;
use core::fmt;

#[cfg(feature = "scenario")]
use serde::{Deserialize, Serialize};

use crate::process::Subject;
use crate::sim::script::Target;
use crate::time::{Duration, Instant};

/// What a message or a note must be about. Displayed as the [`Subject`] that it means: `slot 7`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// The kind of thing.
    pub noun: String,
    /// Which one.
    pub number: u64,
}

impl About {
    /// A position in a log.
    pub fn slot(number: u64) -> About {
        About { noun: Subject::slot(number).noun.into(), number }
    }

    /// Whether this is what `subject` is.
    pub fn is(&self, subject: Subject) -> bool {
        self.number == subject.number && self.noun == subject.noun
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.noun, self.number)
    }
}

/// Which datagrams. A datagram matches if any message in it does, and is taken whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Only messages of this name.
    pub kind: Option<String>,
    /// Only from here.
    pub from: Target,
    /// Only to there. A broadcast is looked at once per recipient.
    pub to: Target,
    /// Only messages about this.
    pub about: Option<About>,
    /// Only messages about one of these slots.
    pub slots: Option<Slots>,
}

/// One slot in `of`: those whose number leaves `rest` when it is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct Slots {
    /// How far apart; not zero.
    pub of: u64,
    /// The first of them; less than `of`.
    pub rest: u64,
}

impl Slots {
    /// Whether `subject` is one of these slots.
    pub fn are(&self, subject: Subject) -> bool {
        subject.noun == Subject::slot(0).noun && subject.number % self.of == self.rest
    }
}

/// How many copies a rule keeps at most.
pub const KEPT_MAX: u64 = 100;

/// What is done with a datagram that matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "scenario", serde(rename(deserialize = "ruling"), deny_unknown_fields))]
pub enum Ruling {
    /// It is lost.
    Drop,
    /// It takes this much longer.
    Delay(Duration),
    /// So many further copies arrive, each so much later than the one before.
    Duplicate {
        /// How many on top of the first.
        #[cfg_attr(feature = "scenario", serde(default = "one", skip_serializing_if = "is_one"))]
        copies: u32,
        /// How far apart.
        #[cfg_attr(feature = "scenario", serde(default, skip_serializing_if = "is_no_time"))]
        apart: Duration,
    },
    /// Some of its bits are flipped.
    Corrupt,
    /// Only its beginning arrives.
    Truncate,
    /// It arrives there instead, at each of them.
    Misdeliver(Target),
    /// It arrives, and a copy is kept for [`ScriptAction::Replay`](crate::sim::ScriptAction::Replay). Such a rule has a count of
    /// at most [`KEPT_MAX`].
    Keep,
}

#[cfg(feature = "scenario")]
const fn one() -> u32 {
    1
}

#[cfg(feature = "scenario")]
const fn is_one(copies: &u32) -> bool {
    *copies == one()
}

#[cfg(feature = "scenario")]
fn is_no_time(time: &Duration) -> bool {
    *time == Duration::ZERO
}

/// A filter, a window, ordinals and a ruling. The first live rule of the list that matches decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkRule {
    /// What traces call it. A rule with a name that matched nothing makes the run stale, unless an
    /// optional step added it.
    pub name: Option<String>,
    /// Which datagrams.
    pub filter: Filter,
    /// Live from here, inclusive.
    pub since: Instant,
    /// Live until there, exclusive.
    pub until: Option<Instant>,
    /// So many matches pass first.
    pub skip: u64,
    /// And after so many rulings all pass again.
    pub count: Option<u64>,
    /// What is done.
    pub ruling: Ruling,
}
