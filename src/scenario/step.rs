//! What a scenario's steps are made of: when, whom, what.

use serde::de::DeserializeOwned;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::scenario::namespace::Word;
#[cfg(feature = "schema")]
use crate::scenario::schema::shown;
use crate::scenario::value::is_usual;
use crate::sim::{self, About};
use crate::time::Duration;

mod crash;
mod rule;

pub use crash::Crash;
pub use rule::Rule;

pub use crate::sim::{ClockFault, DiskFault, Leaves, Percent, Ruling, Seam, Slots, Target};

/// A step of a track. It arms when the step before it has fired, and it fires once.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(from = "StepForm<A>", bound(deserialize = "A: Deserialize<'de>"))]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(with = "StepForm<A>", bound = "A: schemars::JsonSchema")
)]
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
/// A step of a track. It arms when the step before it has fired, and it fires once. The steps of a track fire in their order.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Step"))]
enum StepForm<A> {
    /// The step fires at this time after the start of the run.
    At(Duration, A),
    /// The step fires this long after it armed.
    After(Duration, A),
    /// The step fires when the event happens.
    On(EventPattern, A),
    /// The step may never fire: that ends its track, and does not make the run stale.
    Optional(Timed<A>),
}

#[derive(Deserialize)]
#[serde(rename = "step")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Trigger"))]
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

/// Something that may happen. It means the same in a step, in `Never` and in `Sometimes`.
///
/// A role means the process that has it at that moment: for a crash, the moment before the crash; for a note, the
/// moment after the input in which it was made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "Event"), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Event"))]
pub enum EventPattern {
    /// The target becomes leader, or leads under another rank than before. A target that starts as leader counts
    /// too.
    Leads(Target),
    /// A matching datagram is handed to the network for one recipient, before rules apply. A broadcast counts once
    /// for each recipient that it reaches before its sender crashes. A datagram counts once, however many of its
    /// messages match. A message of a process to itself is neither sent nor delivered; messages between a terminal
    /// and its site are.
    Sent(Traffic),
    /// A matching datagram has reached its recipient, which is about to handle it. Counts are those of `Sent`;
    /// every copy that arrives counts, even if a step stops the recipient at that moment.
    Delivered(Traffic),
    /// A process notes that it did something.
    Noted {
        /// The kind of the note.
        kind: String,
        /// The process that makes the note.
        #[serde(default, skip_serializing_if = "is_usual")]
        who: Target,
        /// The subject of the note, as traces show it.
        #[serde(default, skip_serializing_if = "is_usual")]
        subject: Option<About>,
        /// The slot that the note is about: short for the subject `"slot 7"`.
        #[serde(default, skip_serializing_if = "is_usual")]
        slot: Option<u64>,
    },
    /// The target stops: it crashes, also while it reads its journal, or it stops by itself.
    Crashed(Target),
    /// The target starts, and has run before.
    Restarted(Target),
    /// The target learns that one of its links broke. Only where the order of the network is `Stream`.
    LinkDown(Target),
    /// The target learns that one of its links is up again. Only where the order of the network is `Stream`.
    LinkUp(Target),
}

/// The datagrams that an event counts. A field that is left out matches everything.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Traffic {
    /// The kind of a message in the datagram.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub kind: Option<String>,
    /// The sender.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub from: Target,
    /// The recipient.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub to: Target,
    /// The subject of that message, as traces show it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub subject: Option<About>,
    /// The slot that the message is about: short for the subject `"slot 7"`.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub slot: Option<u64>,
    /// The event happens at the nth matching datagram, from 1, since the step armed; in `Never` and `Sometimes`,
    /// since the start of the run.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
    pub nth: u64,
}

fn one() -> u64 {
    1
}

fn is_one(number: &u64) -> bool {
    *number == one()
}

/// An action of the harness. `E` is what a service expects.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(
    rename(deserialize = "action"),
    deny_unknown_fields,
    bound(serialize = "E: Serialize", deserialize = "E: DeserializeOwned")
)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Action", bound = "E: schemars::JsonSchema")
)]
pub enum Fault<E> {
    /// Stops the target: `Crash(Leader)`, at a seam `Crash(Leader, BeforeSync)`, with writes left `Crash(Site(0),
    /// BetweenSends, Torn)`.
    Crash(Crash),
    /// Starts the target if it is not running.
    Restart(Target),
    /// The target handles nothing until it resumes. Its clock goes on.
    Pause(Target),
    /// Ends a pause.
    Resume(Target),
    /// Cuts every link of the target, both ways.
    Isolate(Target),
    /// Cuts every link between sites of different groups, both ways.
    Partition(Vec<Vec<u8>>),
    /// Cuts links in one direction.
    Cut {
        /// The sites that send.
        from: Vec<u8>,
        /// The sites that receive.
        to: Vec<u8>,
    },
    /// Mends the links between two sites, both ways.
    Mend(u8, u8),
    /// Clogs links in one direction: they hold what is sent over them.
    Clog {
        /// The sites that send.
        from: Vec<u8>,
        /// The sites that receive.
        to: Vec<u8>,
    },
    /// Opens clogged links. The datagrams that they held go on in the order of sending.
    Unclog {
        /// The sites that send.
        from: Vec<u8>,
        /// The sites that receive.
        to: Vec<u8>,
    },
    /// Delivers the copies that the rule of this name has kept.
    Redeliver(String),
    /// Adds a rule after the existing ones.
    Rule(Rule),
    /// Sets the time that a sync of the target takes.
    SyncTime(Target, Duration),
    /// Does something to the disk of the target, or to its next call: `Disk(Site(1), FailSync)`.
    Disk(Target, DiskFault),
    /// Stops the target and removes its storage. The target counts as failed for good.
    Wipe(Target),
    /// Sets the time that the target takes for each input; `"0s"` ends the slowness.
    Slow(Target, Duration),
    /// Sets the clock of the target, or makes it drift: `Clock(Site(1), Behind("2s"))`.
    Clock(Target, ClockFault),
    /// Mends and unclogs every link, drops every rule, disarms waiting crashes and disk faults, gives full disks
    /// room, ends slowness, resumes paused processes and starts the stopped ones that can start. Slow disks stay
    /// slow, clocks run on as they do, and damaged or wiped storage stays so.
    Heal,
    /// Delivers a datagram under way at once: `Deliver(kind: "Accept", to: Site(1))`.
    Deliver(FlyingTraffic),
    /// Loses a datagram under way.
    Lose(FlyingTraffic),
    /// Delivers a copy of a datagram under way at once. The datagram itself stays under way.
    Double(FlyingTraffic),
    /// Delays a datagram under way: `Delay((kind: "Accept", to: Site(1)), "50ms")`. Not in a held network.
    Delay(FlyingTraffic, Duration),
    /// In a held network, makes the deadline of the target come: its clock is set ahead to it, and the target wakes.
    Fire(Target),
    /// In a held network, completes the oldest sync of the target.
    Sync(Target),
    /// Judges a claim or an expectation at this moment.
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
            Fault::Fire(who) => sim::ScriptAction::Fire(*who),
            Fault::Sync(who) => sim::ScriptAction::Sync(*who),
            Fault::Partition(_) | Fault::Cut { .. } | Fault::Mend(..) => return None,
            Fault::Clog { .. } | Fault::Unclog { .. } | Fault::Redeliver(_) | Fault::Rule(_) => return None,
            Fault::Deliver(_) | Fault::Lose(_) | Fault::Double(_) | Fault::Delay(..) => return None,
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
            Fault::Fire(who) | Fault::Sync(who) => Some(who),
            Fault::Partition(_) | Fault::Cut { .. } | Fault::Mend(..) => None,
            Fault::Clog { .. } | Fault::Unclog { .. } | Fault::Redeliver(_) | Fault::Rule(_) => None,
            Fault::Deliver(_) | Fault::Lose(_) | Fault::Double(_) | Fault::Delay(..) => None,
            Fault::Heal | Fault::Expect(_) => None,
        }
    }
}

/// The datagrams under way that a step may mean. A field that is left out matches everything.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlyingTraffic {
    /// The kind of a message in the datagram.
    #[serde(skip_serializing_if = "is_usual")]
    pub kind: Option<String>,
    /// The sender.
    #[serde(skip_serializing_if = "is_usual")]
    pub from: Target,
    /// The recipient.
    #[serde(skip_serializing_if = "is_usual")]
    pub to: Target,
    /// The subject of that message, as traces show it.
    #[serde(skip_serializing_if = "is_usual")]
    pub subject: Option<About>,
    /// The slot that the message is about: short for the subject `"slot 7"`.
    #[serde(skip_serializing_if = "is_usual")]
    pub slot: Option<u64>,
    /// Which of several, in the order of sending, from 1.
    #[serde(skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
    pub nth: u64,
}

impl Default for FlyingTraffic {
    fn default() -> FlyingTraffic {
        FlyingTraffic {
            kind: None,
            from: Target::Any,
            to: Target::Any,
            subject: None,
            slot: None,
            nth: one(),
        }
    }
}

/// A step's action: a fault of the harness or a command of the service.
pub type Action<C, E> = Word<Fault<E>, C>;

/// What must hold: in the harness's words or in the service's.
pub type Expectation<E> = Word<RunClaim, E>;

/// A claim about a run that does not depend on the service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "expectation"), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Claim"))]
pub enum RunClaim {
    /// After the steps a core of sites is healed. All of the core agrees within a bound, without new traffic and
    /// without restarts. At most one per file. Without it the service computes the bound.
    Converges {
        /// The bound, above `"0s"`.
        within: Duration,
        /// Whether every site with undamaged storage is healed and must agree, instead of a core.
        #[serde(default, skip_serializing_if = "is_usual")]
        all: bool,
    },
    /// After the core has agreed, each of its terminals and each client does one more operation. All operations are
    /// done within the same bound, and the core agrees again.
    Progresses,
    /// After that, every site that can run is restarted once, comes back, agrees, and holds what it held before and
    /// what the other sites hold.
    Restarts,
    /// Leaderships begin at most this many times in the whole run, at least 1. With 1, a leader without a fault stays.
    LeadershipsAtMost(u64),
    /// Every operation is done within bounds of time and cost that the service computes from its configuration and
    /// from the latencies and syncs of the scenario. For files in which latency is constant, and in which sites
    /// crash and come back but nothing else goes wrong.
    Prompt,
    /// The target stops by itself during the run, because it found that it must not go on. Any other site that does
    /// so is a violation.
    Stops(Target),
    /// The target leads.
    Leader(Target),
    /// The event never happens.
    Never(EventPattern),
    /// The event happens at least once.
    Sometimes(EventPattern),
}
