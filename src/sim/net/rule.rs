//! Fault injection on the network, as an ordered list of rules.

use alloc::string::String;
use core::fmt;

#[cfg(feature = "scenario")]
use serde::{Deserialize, Serialize};

use crate::process::Subject;
use crate::sim::script::Target;
use crate::time::{Duration, Instant};

/// The subject that a message or note must have. Displayed like the [`Subject`] that it stands for: `slot 7`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// The kind of thing, like `slot`.
    pub noun: String,
    /// The number of the thing.
    pub number: u64,
}

impl About {
    /// A position in a log.
    pub fn slot(number: u64) -> About {
        About::of(Subject::slot(number))
    }

    /// This subject.
    pub fn of(subject: Subject) -> About {
        About { noun: subject.noun.into(), number: subject.number }
    }

    /// Whether this is the same as `subject`.
    pub fn is(&self, subject: Subject) -> bool {
        self.number == subject.number && self.noun == subject.noun
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.noun, self.number)
    }
}

/// Selects datagrams. A datagram matches if any of its messages does, and the whole datagram is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Only messages of this kind.
    pub kind: Option<String>,
    /// Only datagrams from this target.
    pub from: Target,
    /// Only datagrams to this target. A broadcast is matched once per recipient.
    pub to: Target,
    /// Only messages about this subject.
    pub about: Option<About>,
    /// Only messages about one of these slots.
    pub slots: Option<Slots>,
}

/// Selects one copy of a datagram under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyFilter {
    /// The copies that match.
    pub filter: Filter,
    /// Which of them, in the order of sending, from 1.
    pub nth: u64,
}

/// One slot in several: the slots whose number leaves the remainder `rest` when it is divided by `of`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Slots {
    /// The distance between two such slots, at least 1.
    pub of: u64,
    /// The first such slot, less than `of`.
    pub rest: u64,
}

impl Slots {
    /// Whether `subject` is one of these slots.
    pub fn are(&self, subject: Subject) -> bool {
        subject.noun == Subject::slot(0).noun && subject.number % self.of == self.rest
    }
}

/// The most copies that one rule may keep.
pub const KEPT_MAX: u64 = 100;

/// What happens to a datagram that matches a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "scenario", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "scenario", serde(rename(deserialize = "ruling"), deny_unknown_fields))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Ruling"))]
pub enum Ruling {
    /// The datagram is lost.
    Drop,
    /// The datagram takes this much longer.
    Delay(Duration),
    /// Further copies arrive, one after another.
    Duplicate {
        /// The number of further copies, 1 to 100.
        #[cfg_attr(feature = "scenario", serde(default = "one", skip_serializing_if = "is_one"))]
        #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
        copies: u32,
        /// The time between two copies.
        #[cfg_attr(feature = "scenario", serde(default, skip_serializing_if = "is_no_time"))]
        apart: Duration,
    },
    /// Some bits of the datagram are flipped.
    Corrupt,
    /// Only the beginning of the datagram arrives.
    Truncate,
    /// The datagram arrives at the target instead; at each of its sites if there are several.
    Misdeliver(Target),
    /// The datagram arrives, and a copy is kept until a step delivers the copies of this rule. The rule needs a
    /// name. It keeps up to 100 copies, and so its `count` is at most 100.
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

/// A schema shows the usual value of a field that a file leaves out.
#[cfg(feature = "schema")]
pub(crate) const fn shown<T>(_: &T) -> bool {
    false
}

#[cfg(feature = "scenario")]
fn is_no_time(time: &Duration) -> bool {
    *time == Duration::ZERO
}

/// A filter, a time window, ordinals and a ruling. The first live rule of the list that matches decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkRule {
    /// The name in traces. A named rule that matched nothing makes the run stale, unless an optional step added it.
    pub name: Option<String>,
    /// The datagrams that it matches.
    pub filter: Filter,
    /// The start of its window, inclusive.
    pub since: Instant,
    /// The end of its window, exclusive; `None` for no end.
    pub until: Option<Instant>,
    /// The number of matches that pass before the first ruling.
    pub skip: u64,
    /// The number of rulings after which all matches pass; `None` for no bound.
    pub count: Option<u64>,
    /// The effect on the datagrams that it takes.
    pub ruling: Ruling,
}
