//! What a scenario's steps are made of: when, whom, what.

use core::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use crate::scenario::namespace::Word;
use crate::scenario::value::is_usual;
use crate::sim::{self, About};
use crate::time::Duration;

pub use crate::sim::{ClockFault, DiskFault, Leaves, Percent, Ruling, Seam, Slots, Target};

/// One step of a track: it arms when the one before it has fired, and fires once.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(from = "StepForm<A>", bound(deserialize = "A: Deserialize<'de>"))]
pub struct Step<A> {
    /// When.
    pub when: When,
    /// What.
    pub action: A,
    /// Whether it may never fire: written `Optional(..)`.
    pub is_optional: bool,
}

/// When a step fires.
#[derive(Clone, PartialEq, Debug)]
pub enum When {
    /// `At("9s", ..)`: so long after the start.
    At(Duration),
    /// `After("1s", ..)`: so long after it armed.
    After(Duration),
    /// `On(event, ..)`: when this happens.
    On(EventPattern),
}

#[derive(Deserialize)]
#[serde(rename = "step")]
enum StepForm<A> {
    At(Duration, A),
    After(Duration, A),
    On(EventPattern, A),
    Optional(Timed<A>),
}

#[derive(Deserialize)]
#[serde(rename = "step")]
enum Timed<A> {
    At(Duration, A),
    After(Duration, A),
    On(EventPattern, A),
}

impl<A> From<StepForm<A>> for Step<A> {
    fn from(form: StepForm<A>) -> Step<A> {
        let step = |when, action, is_optional| Step { when, action, is_optional };
        match form {
            StepForm::At(time, action) => step(When::At(time), action, false),
            StepForm::After(time, action) => step(When::After(time), action, false),
            StepForm::On(event, action) => step(When::On(event), action, false),
            StepForm::Optional(Timed::At(time, action)) => step(When::At(time), action, true),
            StepForm::Optional(Timed::After(time, action)) => step(When::After(time), action, true),
            StepForm::Optional(Timed::On(event, action)) => step(When::On(event), action, true),
        }
    }
}

#[derive(Serialize)]
enum StepText<'a, A> {
    At(Duration, &'a A),
    After(Duration, &'a A),
    On(&'a EventPattern, &'a A),
    Optional(&'a StepText<'a, A>),
}

impl<A: Serialize> Serialize for Step<A> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let text = match &self.when {
            When::At(time) => StepText::At(*time, &self.action),
            When::After(time) => StepText::After(*time, &self.action),
            When::On(event) => StepText::On(event, &self.action),
        };
        if self.is_optional {
            StepText::Optional(&text).serialize(serializer)
        } else {
            text.serialize(serializer)
        }
    }
}

/// Something that may happen. It means the same to a step, to `Never` and to `Sometimes`.
///
/// Roles are those of the moment: for a crash, before the crash; for a note, after the input that it was made in.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "Event"), deny_unknown_fields)]
pub enum EventPattern {
    /// It becomes leader, or leads under another rank than before. It does when it starts as leader, too.
    Leads(Target),
    /// A matching datagram is handed to the network for one recipient, before its rules. A broadcast counts once for each
    /// recipient that it reaches before a crash of its sender; a datagram counts once, however many of its messages
    /// match. A message to oneself crosses no network, and is neither sent nor delivered; what a terminal and its site
    /// send each other inside of their program is.
    Sent(Traffic),
    /// A matching datagram has come to its receiver and is about to be handled. Datagrams count as for `Sent`; every copy
    /// that arrives counts, even where a step stops the receiver at that moment.
    Delivered(Traffic),
    /// A process says that it did something.
    Noted {
        /// The note's kind.
        kind: String,
        /// Who says it.
        #[serde(default, skip_serializing_if = "is_usual")]
        who: Target,
        /// What it is about: `"request 7"`, as traces show it.
        #[serde(default, skip_serializing_if = "is_usual")]
        about: Option<About>,
        /// The same for a slot: `slot: 7` is `about: "slot 7"`.
        #[serde(default, skip_serializing_if = "is_usual")]
        slot: Option<u64>,
    },
    /// It stops: it crashes, also while it reads its journal back, or stops by itself.
    Crashed(Target),
    /// It starts, not for the first time.
    Restarted(Target),
}

/// Which datagrams, and the nth of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Only with a message of this kind.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub kind: Option<String>,
    /// Only from here.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub from: Target,
    /// Only to there.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub to: Target,
    /// Only about this: `"request 7"`, as traces show it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub about: Option<About>,
    /// The same for a slot: `slot: 7` is `about: "slot 7"`.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub slot: Option<u64>,
    /// The nth since the step armed, from 1; for `Never` and `Sometimes` the nth of the run.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub nth: u64,
}

fn one() -> u64 {
    1
}

fn is_one(number: &u64) -> bool {
    *number == one()
}

/// What the harness does to a world. `E` is what a service expects.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(
    rename(deserialize = "action"),
    deny_unknown_fields,
    bound(serialize = "E: Serialize", deserialize = "E: DeserializeOwned")
)]
pub enum Fault<E> {
    /// `Crash(Leader)`, `Crash(Leader, BeforeSync)`, `Crash(Site(0), BetweenSends, Torn)`.
    Crash(Crash),
    /// Starts it again.
    Restart(Target),
    /// Stops its clock and ears.
    Pause(Target),
    /// Lets it go on.
    Resume(Target),
    /// Cuts every link of it.
    Isolate(Target),
    /// Cuts every link between different groups, both ways.
    Partition(Vec<Vec<u8>>),
    /// Cuts the links from these to those, one way.
    Cut {
        /// From each of these sites.
        from: Vec<u8>,
        /// To each of those.
        to: Vec<u8>,
    },
    /// Mends the links between two sites, both ways.
    Mend(u8, u8),
    /// Clogs the links from these to those, one way: they hold what is sent over them.
    Clog {
        /// From each of these sites.
        from: Vec<u8>,
        /// To each of those.
        to: Vec<u8>,
    },
    /// Lets what these links hold go on, in the order of its sending.
    Unclog {
        /// From each of these sites.
        from: Vec<u8>,
        /// To each of those.
        to: Vec<u8>,
    },
    /// Lets the copies that the rule of this name has kept arrive once more.
    Replay(String),
    /// Adds a rule behind those that are there.
    Rule(Rule),
    /// Gives its disk another time for a sync.
    SyncTime(Target, Duration),
    /// `Disk(Site(1), FailSync)`: does something to its disk, or to the next call that it gets.
    Disk(Target, DiskFault),
    /// Stops it if it runs; its storage is gone, and it counts as failed for good.
    Wipe(Target),
    /// It takes this long for each input before it is handed the next; `"0s"` ends that.
    Slow(Target, Duration),
    /// `Clock(Site(1), Behind("2s"))`: does something to the clock that it reads.
    Clock(Target, ClockFault),
    /// Mends and unclogs every link, drops every rule, disarms crashes and disk faults that wait, gives full disks room,
    /// ends slowness, resumes and restarts all that can start. Slow disks stay slow, clocks go on as they do, and what
    /// was damaged or wiped stays so.
    Heal,
    /// Something must hold at this moment.
    Expect(Box<Expectation<E>>),
}

impl<E> Fault<E> {
    /// What the simulator does, where it is done to somebody; whether there is such a one is not looked at.
    pub(super) fn aimed<C>(&self) -> Option<sim::ScriptAction<C>> {
        Some(match self {
            Fault::Crash(Crash { who, at, leaves }) => {
                sim::ScriptAction::Crash { who: *who, at: *at, leaves: *leaves }
            }
            Fault::Restart(who) => sim::ScriptAction::Restart(*who),
            Fault::Pause(who) => sim::ScriptAction::Pause(*who),
            Fault::Resume(who) => sim::ScriptAction::Resume(*who),
            Fault::Isolate(who) => sim::ScriptAction::Isolate(*who),
            Fault::SyncTime(who, time) => sim::ScriptAction::SyncTime(*who, *time),
            Fault::Disk(who, fault) => sim::ScriptAction::Disk(*who, *fault),
            Fault::Wipe(who) => sim::ScriptAction::Wipe(*who),
            Fault::Slow(who, time) => sim::ScriptAction::Slow(*who, *time),
            Fault::Clock(who, fault) => sim::ScriptAction::Clock(*who, *fault),
            Fault::Partition(_) | Fault::Cut { .. } | Fault::Mend(..) => return None,
            Fault::Clog { .. } | Fault::Unclog { .. } | Fault::Replay(_) | Fault::Rule(_) => return None,
            Fault::Heal | Fault::Expect(_) => return None,
        })
    }

    /// Whom it is done to, where it is done to somebody.
    pub(super) fn who_mut(&mut self) -> Option<&mut Target> {
        match self {
            Fault::Crash(Crash { who, .. }) | Fault::Restart(who) | Fault::Pause(who) => Some(who),
            Fault::Resume(who) | Fault::Isolate(who) | Fault::SyncTime(who, _) | Fault::Disk(who, _) => {
                Some(who)
            }
            Fault::Wipe(who) | Fault::Slow(who, _) | Fault::Clock(who, _) => Some(who),
            Fault::Partition(_) | Fault::Cut { .. } | Fault::Mend(..) => None,
            Fault::Clog { .. } | Fault::Unclog { .. } | Fault::Replay(_) | Fault::Rule(_) => None,
            Fault::Heal | Fault::Expect(_) => None,
        }
    }
}

/// A step's action: a fault of the harness or a command of the service.
pub type Action<C, E> = Word<Fault<E>, C>;

/// What must hold: in the harness's words or in the service's.
pub type Expectation<E> = Word<RunClaim, E>;

/// What the harness itself can say about a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "expectation"), deny_unknown_fields)]
pub enum RunClaim {
    /// After healing a core, all of it agrees within this bound, without new traffic or restarts.
    Converges {
        /// The bound.
        within: Duration,
        /// Whether every site is healed whose storage nothing damaged, and must agree, instead of a core.
        #[serde(default, skip_serializing_if = "is_usual")]
        all: bool,
    },
    /// Once it agrees, each of its terminals and each client does one thing more of the service's choosing, all of
    /// it is done within the bound, and the core agrees again.
    Progresses,
    /// Then every site that can run is restarted once, comes back, agrees, and holds what it held before and what
    /// the others hold.
    Restarts,
    /// Nobody becomes leader more often than this in the whole run: where nothing is wrong with a leader, it stays.
    Steady(u64),
    /// While nothing is wrong, everything is done within bounds of time and of costs that the service computes from its
    /// configuration and the pace of the scenario's world. The network does nothing but take its time, and sites only crash and come back.
    Prompt,
    /// This one stops by itself in the course of the run, because it found that it must not go on. Of one that is not
    /// named so that is a violation.
    Stops(Target),
    /// This one leads.
    Leader(Target),
    /// This never happens.
    Never(EventPattern),
    /// This happens at least once.
    Sometimes(EventPattern),
}

/// Whom to crash and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash {
    /// Whom.
    pub who: Target,
    /// At which seam; at once when absent.
    pub at: Option<Seam>,
    /// What stays of the unsynced writes.
    pub leaves: Leaves,
}

impl<'de> Deserialize<'de> for Crash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Crash, D::Error> {
        deserializer.deserialize_tuple(3, CrashVisitor)
    }
}

impl Serialize for Crash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let left = (self.leaves != Leaves::Nothing).then_some(self.leaves);
        let count = 1 + usize::from(self.at.is_some()) + usize::from(left.is_some());
        let mut parts = serializer.serialize_tuple(count)?;
        parts.serialize_element(&self.who)?;
        self.at.iter().try_for_each(|seam| parts.serialize_element(seam))?;
        left.iter().try_for_each(|left| parts.serialize_element(left))?;
        parts.end()
    }
}

/// One word of how somebody crashes.
struct Manner(Word<Seam, Leaves>);

impl<'de> Deserialize<'de> for Manner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Manner, D::Error> {
        Word::read(deserializer, "manner of a crash").map(Manner)
    }
}

struct CrashVisitor;

impl<'de> Visitor<'de> for CrashVisitor {
    type Value = Crash;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "whom to crash, then at most one seam, then at most `Torn` or `Scattered`: Crash(Leader, BeforeSync, Torn)",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Crash, A::Error> {
        let Some(who) = parts.next_element()? else {
            return Err(A::Error::invalid_length(0, &self));
        };
        let mut crash = Crash { who, at: None, leaves: Leaves::Nothing };
        while let Some(Manner(manner)) = parts.next_element()? {
            let is_seam = matches!(manner, Word::Harness(_));
            if crash.leaves != Leaves::Nothing || (is_seam && crash.at.is_some()) {
                return Err(A::Error::custom(
                    "two manners of one crash contradict each other\nexpected at most one seam and then at most `Torn` or `Scattered`",
                ));
            }
            match manner {
                Word::Harness(seam) => crash.at = Some(seam),
                Word::Service(leaves) => crash.leaves = leaves,
            }
        }
        Ok(crash)
    }
}

/// A fault of the network: which datagrams, when, how many of them, and what is done with them.
///
/// The simulator has a type of its own: here a slot may be said in two ways, and times count from the start.
///
/// `Leader` and `Follower` are who they are when the rule is added, which waits until there is one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What traces call it; a rule with a name that matched nothing makes the run stale, unless its step is `Optional`.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub name: Option<String>,
    /// Only with a message of this kind.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub kind: Option<String>,
    /// Only from here.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub from: Target,
    /// Only to there.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub to: Target,
    /// Only about this: `"request 7"`, as traces show it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub about: Option<About>,
    /// The same for a slot: `slot: 7` is `about: "slot 7"`.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub slot: Option<u64>,
    /// Only about one slot in so many.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub slots: Option<Slots>,
    /// Live from here, inclusive; from the start when absent.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub since: Duration,
    /// Live until there, exclusive.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub until: Option<Duration>,
    /// So many matches pass first.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub skip: u64,
    /// After so many rulings all pass again.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub count: Option<u64>,
    /// What is done.
    pub then: Ruling,
}
