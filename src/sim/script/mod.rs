//! What is done to a world and when: tracks of steps.
//!
//! In a track a step arms when the one before it has fired, and fires once. Targets by role are resolved at the
//! moment of firing; where there is no such process, the step waits.

pub(crate) mod actions;
pub(crate) mod describe;
pub mod director;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::sim::net::rule::{About, Filter, Rule};
use crate::sim::script::director::{Director, StepId};
use crate::time::{Duration, Instant};

/// Whom a step or a filter means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Anybody; in filters and triggers only.
    Any,
    /// This process.
    Process(ProcessId),
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

/// A place inside the handling of one input where a crash differs from one between inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seam {
    /// Records were appended, the sync has not started.
    BeforeSync,
    /// The sync is done; nothing that waited for it has been sent.
    AfterSync,
    /// One datagram has been sent and another, made by the same input or released by the same sync, has not.
    BetweenSends,
    /// One recipient of a broadcast has been sent to and the next has not.
    BetweenRecipients,
    /// Its records are read back, its incarnation is durable, and it has not started.
    DuringRecovery,
}

/// What a crash leaves of the writes that were not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Leaves {
    /// Nothing.
    #[default]
    Nothing,
    /// A part of the last one.
    Torn,
    /// Any of them, each whole, in part or not at all.
    Scattered,
}

/// What is done to a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskFault {
    /// The next sync fails: what it was to make durable stays readable, and becomes durable only if it is written again.
    FailSync,
    /// The next write fails, and writes nothing.
    FailWrite,
    /// It has no room beyond the files that are there.
    Full,
    /// It has room again.
    Room,
    /// Bits of one durable byte flip. Recovery cannot do without that byte.
    Rot,
    /// The next write lands elsewhere in its file, over what recovery cannot do without.
    Misdirect,
    /// A durable file vanishes. Recovery cannot do without that file; a process that runs has it open, and goes on.
    LoseFile,
    /// What is durable on it is copied.
    Save,
    /// The copy is put back; a process that runs is stopped for it. Whoever starts from it has forgotten what it said
    /// since.
    Restore,
}

/// What is done to a clock. The time that it shows never goes below zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockFault {
    /// It is set so much ahead of what it shows.
    Ahead(Duration),
    /// It is set so much back.
    Behind(Duration),
    /// From here on it runs faster than the world's by so many percent.
    Fast(u8),
    /// From here on it runs slower by so many percent.
    Slow(u8),
}

/// The most percent that a clock may run fast or slow by.
pub const DRIFT_MAX: u8 = 50;

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action<C> {
    /// Hands a user's command to a process.
    Command(ProcessId, C),
    /// Stops the target, at once or when it next reaches a seam. Unsynced writes are lost, but for what it leaves.
    Crash {
        /// Resolved.
        who: Target,
        /// Where; at once when absent.
        at: Option<Seam>,
        /// What stays of the unsynced writes.
        leaves: Leaves,
    },
    /// Starts the target again if it is down.
    Restart(Target),
    /// Stops the target's clock and ears; what arrives waits for it, within the inbox's bound.
    Pause(Target),
    /// Lets it go on.
    Resume(Target),
    /// Cuts every link of the target but the one inside its program, at sending and at delivery.
    Isolate(Target),
    /// Cuts every link between sites of different groups, both ways; sites in no group keep their links.
    Partition(Vec<SiteSet>),
    /// Cuts the links from these sites to those, in this direction only.
    Cut {
        /// From each of these.
        from: SiteSet,
        /// To each of those.
        to: SiteSet,
    },
    /// Mends the links between these two sites, both ways.
    Mend(SiteId, SiteId),
    /// Clogs the links from these sites to those: they hold what is sent over them.
    Clog {
        /// From each of these.
        from: SiteSet,
        /// To each of those.
        to: SiteSet,
    },
    /// Lets what these links hold go on, in the order of its sending.
    Unclog {
        /// From each of these.
        from: SiteSet,
        /// To each of those.
        to: SiteSet,
    },
    /// Lets the copies that the rules of this name have kept arrive again, and forgets them.
    Replay(String),
    /// Adds a rule behind those that are there.
    Rule(Rule),
    /// Gives the target's disk another time for a sync.
    SyncTime(Target, Duration),
    /// Does something to the target's disk, or to the next call that it gets.
    Disk(Target, DiskFault),
    /// Stops the target if it runs; its storage is gone, and it counts as failed for good.
    Wipe(Target),
    /// The target takes this long for each input before it is handed the next; no time ends that.
    Slow(Target, Duration),
    /// Does something to the clock that the target reads.
    Clock(Target, ClockFault),
    /// Mends and unclogs every link, drops every rule, disarms every crash and disk fault that waits, gives full disks
    /// room, ends slowness, resumes what is paused and starts what is down and can start. Sync times and clocks stay as
    /// they are.
    Heal,
    /// Hands back to whoever drives the world, with this number.
    Check(usize),
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
}
