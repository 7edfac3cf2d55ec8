//! What a scenario's steps are made of: when, whom, what.

use core::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use crate::scenario::namespace::Word;
use crate::scenario::value::is_usual;
use crate::sim::{About, Leaves};
use crate::time::Duration;

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
    On(Event),
}

#[derive(Deserialize)]
#[serde(rename = "step")]
enum StepForm<A> {
    At(Duration, A),
    After(Duration, A),
    On(Event, A),
    Optional(Timed<A>),
}

#[derive(Deserialize)]
#[serde(rename = "step")]
enum Timed<A> {
    At(Duration, A),
    After(Duration, A),
    On(Event, A),
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
    On(&'a Event, &'a A),
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

/// Whom a step, an event or a rule means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Who {
    /// Anybody; in events and rules only.
    #[default]
    Any,
    /// The site with this number.
    Site(u8),
    /// The client inside the program of this site.
    Terminal(u8),
    /// The client with this number.
    Client(u16),
    /// The leading site of the highest rank at that moment.
    Leader,
    /// The running site with the lowest number that does not lead at that moment.
    Follower,
    /// The running site with the lowest number that tries to lead at that moment.
    Candidate,
    /// The running site that knows least at that moment; the lowest number of several.
    Laggard,
    /// In steps `On(Sent(..), ..)` and `On(Delivered(..), ..)`: who sent that datagram.
    Sender,
    /// In the same steps: to whom that datagram is sent.
    Recipient,
    /// Every site on this machine.
    Machine(u8),
    /// Every site.
    AllSites,
}

/// Something that may happen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Event {
    /// It becomes leader.
    Leads(Who),
    /// A matching datagram is handed to the network, before its rules.
    Sent(Traffic),
    /// A matching datagram is about to be handled.
    Delivered(Traffic),
    /// A process says that it did something.
    Noted {
        /// The note's kind.
        kind: String,
        /// Who says it.
        #[serde(default, skip_serializing_if = "is_usual")]
        who: Who,
        /// What it is about: `"request 7"`, as traces show it.
        #[serde(default, skip_serializing_if = "is_usual")]
        about: Option<About>,
        /// The same for a slot: `slot: 7` is `about: "slot 7"`.
        #[serde(default, skip_serializing_if = "is_usual")]
        slot: Option<u64>,
    },
    /// It crashes.
    Crashed(Who),
    /// It starts again.
    Restarted(Who),
}

/// Which datagrams, and the how-manieth of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Only with a message of this kind.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub kind: Option<String>,
    /// Only from here.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub from: Who,
    /// Only to there.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub to: Who,
    /// Only about this: `"request 7"`, as traces show it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub about: Option<About>,
    /// The same for a slot: `slot: 7` is `about: "slot 7"`.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub slot: Option<u64>,
    /// The how-manieth since the step armed, from 1; a broadcast counts once per recipient.
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
    Restart(Who),
    /// Stops its clock and ears.
    Pause(Who),
    /// Lets it go on.
    Resume(Who),
    /// Cuts every link of it.
    Isolate(Who),
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
    SyncTime(Who, Duration),
    /// `Disk(Site(1), FailSync)`: does something to its disk, or to the next call that it gets.
    Disk(Who, DiskWord),
    /// Stops it if it runs; its storage is gone, and it counts as failed for good.
    Wipe(Who),
    /// It takes this long for each input before it is handed the next; `"0s"` ends that.
    Slow(Who, Duration),
    /// `Clock(Site(1), Behind("2s"))`: does something to the clock that it reads.
    Clock(Who, ClockWord),
    /// Mends and unclogs every link, drops every rule, disarms crashes and disk faults that wait, gives full disks room,
    /// ends slowness, resumes and restarts all that can start. Slow disks stay slow, clocks go on as they do, and what
    /// was damaged or wiped stays so.
    Heal,
    /// Something must hold at this moment.
    Expect(Box<Expectation<E>>),
}

/// A step's action: a fault of the harness or a command of the service.
pub type Action<C, E> = Word<Fault<E>, C>;

/// What must hold: in the harness's words or in the service's.
pub type Expectation<E> = Word<Claim, E>;

/// What the harness itself can say about a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "expectation"), deny_unknown_fields)]
pub enum Claim {
    /// After healing a core, all of it agrees within this bound, without new traffic or restarts.
    Converges {
        /// The bound.
        within: Duration,
    },
    /// Once it agrees, each of its terminals and each client does one thing more of the service's choosing, all of
    /// it is done within the bound, and the core agrees again.
    Progresses,
    /// Then every site that can run is restarted once, comes back, agrees, and holds what it held before and what
    /// the others hold.
    Restarts,
    /// Nobody becomes leader more often than this in the whole run: where nothing is wrong with a leader, it stays.
    Steady(u64),
    /// This one stops by itself in the course of the run, because it found that it must not go on. Of one that is not
    /// named so that is a violation.
    Stops(Who),
    /// This one leads.
    Leader(Who),
    /// This never happens.
    Never(Event),
    /// This happens at least once.
    Sometimes(Event),
}

/// Whom to crash and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash {
    /// Whom.
    pub who: Who,
    /// At which seam; at once when absent.
    pub at: Option<Manner>,
    /// What stays of the unsynced writes.
    pub leaves: Leaves,
}

/// What is done to a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "disk fault"))]
pub enum DiskWord {
    /// The next sync fails: the site stops with the reason. It can be restarted, and reads what that sync covered until
    /// it crashes, unless it is written again and synced.
    FailSync,
    /// The next write fails, once: the site stops with the reason. It can be restarted.
    FailWrite,
    /// No file can be made beyond those that are there.
    Full,
    /// Files can be made again.
    Room,
    /// Bits of one synced byte of the journal flip, where recovery must find out: from then on the site counts as failed
    /// for good.
    Rot,
    /// The next write lands elsewhere in its file, over what was synced, where recovery must find out: the site counts
    /// as failed for good.
    Misdirect,
    /// A file of the journal vanishes, where recovery must find out: a site that runs goes on, and from then on it counts
    /// as failed for good.
    LoseFile,
    /// What is durable on it is copied, for `Restore`.
    Save,
    /// The copy that was made last is put back: the site stops if it runs, and has forgotten what it said since. It is
    /// amnesia, which no protocol survives: from here on nothing is judged but what the scenario expects.
    Restore,
}

/// What is done to a clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "clock fault"))]
pub enum ClockWord {
    /// It is set so much ahead.
    Ahead(Duration),
    /// It is set so much back, at most to zero.
    Behind(Duration),
    /// It runs so much faster than the world's: `Fast("10%")`, at most 50 %.
    Fast(Percent),
    /// It runs so much slower: `Slow("10%")`, at most 50 %.
    Slow(Percent),
}

/// A whole number of percent, `"10%"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Percent(pub u8);

/// Where inside the handling of one input a crash happens, or what it leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "manner of a crash"))]
pub enum Manner {
    /// Records were appended, the sync has not started.
    BeforeSync,
    /// The sync is done, nothing that waited for it is sent.
    AfterSync,
    /// One datagram has been sent and another has not.
    BetweenSends,
    /// One recipient of a broadcast has been sent to and the next has not.
    BetweenRecipients,
    /// The records are read back and it has not started.
    DuringRecovery,
    /// The last unsynced write leaves a part behind.
    Torn,
    /// Any of the unsynced writes stays, each whole, in part or not at all.
    Scattered,
}

impl<'de> Deserialize<'de> for Crash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Crash, D::Error> {
        deserializer.deserialize_tuple(3, CrashVisitor)
    }
}

impl Serialize for Crash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let left = match self.leaves {
            Leaves::Nothing => None,
            Leaves::Torn => Some(Manner::Torn),
            Leaves::Scattered => Some(Manner::Scattered),
        };
        let manners = [self.at, left];
        let mut parts = serializer.serialize_tuple(1 + manners.iter().flatten().count())?;
        parts.serialize_element(&self.who)?;
        manners.iter().flatten().try_for_each(|manner| parts.serialize_element(manner))?;
        parts.end()
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
        while let Some(manner) = parts.next_element()? {
            let leaves = match manner {
                Manner::Torn => Some(Leaves::Torn),
                Manner::Scattered => Some(Leaves::Scattered),
                _ => None,
            };
            if crash.leaves != Leaves::Nothing || (leaves.is_none() && crash.at.is_some()) {
                return Err(A::Error::custom(
                    "two manners of one crash contradict each other\nexpected at most one seam and then at most `Torn` or `Scattered`",
                ));
            }
            match leaves {
                Some(leaves) => crash.leaves = leaves,
                None => crash.at = Some(manner),
            }
        }
        Ok(crash)
    }
}

/// A fault of the network: which datagrams, when, how many of them, and what is done with them.
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
    pub from: Who,
    /// Only to there.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub to: Who,
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
    pub then: Then,
}

/// One slot in `of`: those whose number leaves `rest` when it is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// How far apart.
    pub of: u64,
    /// The first of them.
    pub rest: u64,
}

/// What a rule does with a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "ruling"), deny_unknown_fields)]
pub enum Then {
    /// It is lost.
    Drop,
    /// It takes this much longer.
    Delay(Duration),
    /// Further copies of it arrive.
    Duplicate {
        /// How many on top of the first.
        #[serde(default = "one_copy", skip_serializing_if = "is_one_copy")]
        copies: u32,
        /// How far apart.
        #[serde(default, skip_serializing_if = "is_usual")]
        apart: Duration,
    },
    /// Some of its bits are flipped.
    Corrupt,
    /// Only its beginning arrives.
    Truncate,
    /// It arrives there instead.
    Misdeliver(Who),
    /// It arrives, and a copy is kept for the step `Replay`.
    Keep,
}

fn one_copy() -> u32 {
    1
}

fn is_one_copy(copies: &u32) -> bool {
    *copies == one_copy()
}
