//! What a step can do: its word, and one row for each kind of it.
//!
//! Everything that is known of a kind of fault stands in its row: what it is called, whom it may aim at, when it takes
//! effect, what it does to processes and storage, what counts it, how often it is drawn, which twin shows that it does
//! something, and what it means. Scripts, checks, traces, counts, facts, draws and twins ask here.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Display;

use crate::ids::{SiteId, SiteSet};
use crate::sim::net::rule::{CopyFilter, LinkRule, Ruling};
use crate::sim::net::rules::Resolved;
use crate::sim::script::Target;
use crate::sim::script::describe::{
    clock_text, copy_text, datagrams_text, ruling_text, seam_text, targets_text,
};
use crate::sim::script::row::{Aim, EffectTime, Row, row};
use crate::time::Duration;

mod values;

pub use values::{ClockFault, DRIFT_MAX, DiskFault, Leaves, Percent, Seam};

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptAction<C> {
    /// Hands a user's command to the target, which is one process.
    Command(Target, C),
    /// Stops the target, at once or when it next reaches a seam. Unsynced writes are lost, but for what it leaves.
    Crash {
        /// Whom.
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
    Redeliver(String),
    /// Adds a rule behind those that are there.
    Rule(LinkRule),
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
    /// Delivers a datagram under way at once.
    Deliver(CopyFilter),
    /// Loses a datagram under way.
    Lose(CopyFilter),
    /// Delivers a copy of a datagram under way at once. The datagram itself stays under way.
    Double(CopyFilter),
    /// Delays a datagram under way by this much.
    Delay(CopyFilter, Duration),
    /// Makes the deadline of the target come, in a held network.
    Fire(Target),
    /// Completes the oldest sync of the target, in a held network.
    Sync(Target),
    /// Hands back to whoever drives the world, with this number.
    Check(usize),
}

/// Gives each kind of action its row. Those of disks have theirs above.
macro_rules! rows {
    ($($pattern:pat => $row:expr;)+) => {
        const ROWS: &[Row] = &[$($row),+];

        impl<C> ScriptAction<C> {
            /// What is known of this kind of action.
            pub const fn row(&self) -> &'static Row {
                match self {
                    ScriptAction::Disk(_, fault) => fault.row(),
                    $($pattern => const { &$row },)+
                }
            }
        }
    };
}

use Aim::{Lives, LivesByNumber, Nobody, Processes, Sites};
use EffectTime::{AtOnce, Later};

rows! {
    ScriptAction::Command(..) => row("", "command", Processes, Later, "A user's command.").counts("commands");

    ScriptAction::Crash { at: None, leaves: Leaves::Nothing, .. } =>
        row("Crash(Site(1))", "crash", Lives, Later, "The target stops, and its unsynced writes are lost.")
            .stops().counts("crashes").twin("crashes::at_once");
    ScriptAction::Crash { at: None, leaves: Leaves::Torn, .. } =>
        row("Crash(Site(1), Torn)", "crash, torn", Sites, Later, "The target stops. A part of its last unsynced write stays.")
            .stops().counts("torn writes").twin("crashes::torn");
    ScriptAction::Crash { at: None, leaves: Leaves::Scattered, .. } =>
        row("Crash(Site(1), Scattered)", "crash, scattered", Sites, Later,
            "The target stops. Any of its unsynced writes may stay, whole or in part.")
            .stops().counts("scattered writes").twin("crashes::scattered");
    ScriptAction::Crash { at: Some(Seam::BeforeSync), .. } =>
        row("Crash(Leader, BeforeSync)", "crash before a sync", Sites, Later,
            "The target stops once records are appended and before their sync starts.")
            .stops().counts("crashes").twin("crashes::before_sync");
    ScriptAction::Crash { at: Some(Seam::AfterSync), .. } =>
        row("Crash(Leader, AfterSync)", "crash after a sync", Sites, Later,
            "The target stops once a sync is done and before anything that waited for it is sent.")
            .stops().counts("crashes").twin("crashes::after_sync");
    ScriptAction::Crash { at: Some(Seam::BetweenSends), .. } =>
        row("Crash(Leader, BetweenSends)", "crash between two sends", Sites, Later,
            "The target stops once one datagram of an input is sent and before the next.")
            .stops().counts("crashes").twin("crashes::between_sends");
    ScriptAction::Crash { at: Some(Seam::BetweenRecipients), .. } =>
        row("Crash(Leader, BetweenRecipients)", "crash between two recipients", Sites, Later,
            "The target stops once a broadcast is sent to one recipient and before the next.")
            .stops().counts("crashes").twin("crashes::between_recipients");
    ScriptAction::Crash { at: Some(Seam::DuringRecovery), .. } =>
        row("Crash(Site(1), DuringRecovery)", "crash during recovery", Sites, Later,
            "The next recovery of the target stops once its records are read back.")
            .stops().counts("crashes").twin("crashes::during_recovery");
    ScriptAction::Crash { at: Some(Seam::InRecovery(_)), .. } =>
        row("Crash(Site(1), InRecovery(3))", "crash inside recovery", Sites, Later,
            "The next recovery of the target stops after this many calls that change the disk.")
            .stops().counts("crashes").twin("crashes::in_recovery");
    ScriptAction::Crash { at: Some(Seam::InRollover(_)), .. } =>
        row("Crash(Site(1), InRollover(3))", "crash inside a rollover", Sites, Later,
            "The target stops in a rollover of its journal: this many calls that change the disk after the first write to the next file.")
            .stops().counts("crashes").twin("crashes::in_rollover");
    ScriptAction::Restart(_) =>
        row("Restart(Site(1))", "restart", LivesByNumber, Later, "The target starts if it is not running.")
            .counts("starts").trace_text("restart {}").twin("lives::restart");
    ScriptAction::Pause(_) =>
        row("Pause(Site(1))", "pause", Processes, Later, "The target handles nothing, and is woken when it resumes. Its clock goes on. Datagrams that arrive wait, within the bound of its inbox.")
            .trace_text("pause {}").twin("lives::pause");
    ScriptAction::Resume(_) => row("Resume(Site(1))", "resume", Processes, Later, "The pause of the target ends.")
            .trace_text("resume {}").twin("lives::resume");
    ScriptAction::Wipe(_) =>
        row("Wipe(Site(1))", "wipe", Sites, Later, "The target stops, its storage is gone, and it can never start again.")
            .stops().damages().counts("wiped disks").trace_text("wipe the disk of {}").twin("disk::wipe");
    ScriptAction::Slow(..) =>
        row("Slow(Site(1), \"5ms\")", "slow", Processes, Later,
            "The target takes this long for each input before it gets the next; `\"0s\"` ends the slowness.")
            .counts("processes slowed").twin("lives::slow");
    ScriptAction::SyncTime(..) =>
        row("SyncTime(Site(1), \"50ms\")", "slow syncs", Sites, AtOnce, "The syncs of the target take this long.")
            .by_itself().twin("disk::sync_time");
    ScriptAction::Clock(_, ClockFault::Ahead(_)) =>
        row("Clock(Site(1), Ahead(\"2s\"))", "clock: ahead", Processes, Later,
            "The clock of the target is set ahead.")
            .counts("clocks set").twin("clocks::ahead");
    ScriptAction::Clock(_, ClockFault::Behind(_)) =>
        row("Clock(Site(1), Behind(\"2s\"))", "clock: behind", Processes, Later,
            "The clock of the target is set back, at most to zero.")
            .counts("clocks set").twin("clocks::behind");
    ScriptAction::Clock(_, ClockFault::Fast(_)) =>
        row("Clock(Site(1), Fast(\"10%\"))", "clock: fast", Processes, Later,
            "The clock of the target runs fast, by at most 50 %.")
            .counts("clocks made to drift").twin("clocks::fast");
    ScriptAction::Clock(_, ClockFault::Slow(_)) =>
        row("Clock(Site(1), Slow(\"10%\"))", "clock: slow", Processes, Later,
            "The clock of the target runs slow, by at most 50 %.")
            .counts("clocks made to drift").twin("clocks::slow");

    ScriptAction::Isolate(_) =>
        row("Isolate(Site(1))", "isolate", Processes, AtOnce, "Every link of the target is cut, both ways; a terminal and its site keep theirs.")
            .counts("dropped on a cut link").trace_text("isolate {}").by_itself().twin("links::isolate");
    ScriptAction::Partition(_) =>
        row("Partition([[0, 1], [2]])", "partition", Nobody, AtOnce,
            "Every link between sites of different groups is cut, both ways.")
            .counts("dropped on a cut link").by_itself().twin("links::partition");
    ScriptAction::Cut { .. } =>
        row("Cut(from: [0], to: [1])", "cut", Nobody, AtOnce,
            "The links from some sites to others are cut, in this direction.")
            .counts("dropped on a cut link").by_itself().twin("links::cut");
    ScriptAction::Mend(..) =>
        row("Mend(0, 1)", "mend", Nobody, AtOnce, "The links between two sites are mended, both ways.")
            .by_itself().twin("links::mend");
    ScriptAction::Clog { .. } =>
        row("Clog(from: [0], to: [1])", "clog", Nobody, AtOnce,
            "The links from some sites to others hold what is sent over them, in this direction.")
            .counts("held by a clogged link").by_itself().twin("links::clog");
    ScriptAction::Unclog { .. } =>
        row("Unclog(from: [0], to: [1])", "unclog", Nobody, AtOnce,
            "The links are open again; held datagrams go on in the order of sending.")
            .by_itself().twin("links::unclog");

    ScriptAction::Rule(LinkRule { ruling: Ruling::Drop, .. }) =>
        row("Rule(then: Drop)", "rule: drop", Nobody, AtOnce, "Matching datagrams are lost.")
            .counts("dropped by a rule").by_itself().twin("rules::drop");
    ScriptAction::Rule(LinkRule { ruling: Ruling::Delay(_), .. }) =>
        row("Rule(then: Delay(\"2s\"))", "rule: delay", Nobody, AtOnce, "Matching datagrams take this much longer.")
            .counts("delayed by a rule").by_itself().twin("rules::delay");
    ScriptAction::Rule(LinkRule { ruling: Ruling::Duplicate { .. }, .. }) =>
        row("Rule(then: Duplicate(copies: 2, apart: \"5ms\"))", "rule: duplicate", Nobody, AtOnce,
            "Further copies of matching datagrams arrive.")
            .counts("doubled").by_itself().twin("rules::duplicate");
    ScriptAction::Rule(LinkRule { ruling: Ruling::Corrupt, .. }) =>
        row("Rule(then: Corrupt)", "rule: corrupt", Nobody, AtOnce, "Some bits of matching datagrams are flipped.")
            .counts("corrupted").by_itself().twin("rules::corrupt");
    ScriptAction::Rule(LinkRule { ruling: Ruling::Truncate, .. }) =>
        row("Rule(then: Truncate)", "rule: truncate", Nobody, AtOnce,
            "Only the beginning of matching datagrams arrives.")
            .counts("truncated").by_itself().twin("rules::truncate");
    ScriptAction::Rule(LinkRule { ruling: Ruling::Misdeliver(_), .. }) =>
        row("Rule(then: Misdeliver(Site(2)))", "rule: misdeliver", Nobody, AtOnce,
            "Matching datagrams arrive at the target instead.")
            .counts("misdelivered").by_itself().twin("rules::misdeliver");
    ScriptAction::Rule(LinkRule { ruling: Ruling::Keep, .. }) =>
        row("Rule(name: \"old\", then: Keep)", "rule: keep", Nobody, AtOnce,
            "A datagram arrives, and a copy is kept for the step `Redeliver`.")
            .counts("kept for redelivery").by_itself().twin("rules::keep");
    ScriptAction::Redeliver(_) =>
        row("Redeliver(\"old\")", "redeliver", Nobody, AtOnce,
            "The copies that the rule of this name has kept arrive once more.")
            .counts("redelivered").by_itself().twin("rules::redeliver");

    ScriptAction::Deliver(_) =>
        row("Deliver(kind: \"Accept\", from: Site(0), to: Site(1), subject: \"slot 2\")", "deliver by hand", Nobody, Later,
            "A datagram under way arrives at once: of those that match, the one that was sent first.")
            .counts("delivered by hand").by_hand().twin("by_hand::deliver");
    ScriptAction::Lose(_) =>
        row("Lose(kind: \"Accept\", from: Site(0), to: Site(1))", "lose by hand", Nobody, Later,
            "A datagram under way is lost: of those that match, the one that was sent first.")
            .counts("lost by hand").by_hand().twin("by_hand::lose");
    ScriptAction::Double(_) =>
        row("Double(kind: \"Accept\", from: Site(0), to: Site(1))", "double by hand", Nobody, Later,
            "A copy of a datagram under way arrives at once, and the datagram itself stays under way.")
            .counts("doubled by hand").by_hand().twin("by_hand::double");
    ScriptAction::Delay(..) =>
        row("Delay((kind: \"Accept\", from: Site(0), to: Site(1)), \"50ms\")", "delay by hand", Nobody, Later,
            "A datagram under way arrives this much later.")
            .counts("delayed by hand").by_hand().by_itself().twin("by_hand::delay");
    ScriptAction::Fire(_) =>
        row("Fire(Site(1))", "fire a deadline", Processes, Later,
            "In a held network the deadline of the target comes, and its clock is set ahead to it.")
            .by_hand().held().trace_text("the deadline of {} comes").twin("by_hand::fire");
    ScriptAction::Sync(_) =>
        row("Sync(Site(1))", "complete a sync", Sites, Later, "In a held network the oldest sync of the target completes.")
            .by_hand().held().trace_text("a sync of {} completes").twin("by_hand::sync");

    ScriptAction::Heal =>
        row("Heal", "heal", Nobody, Later,
            "Links, rules, waiting faults, full disks, slowness, pauses and crashes end; slow disks, clocks and damage stay.")
            .trace_text("heal").twin("lives::heal");
    ScriptAction::Check(_) =>
        row("Expect(Leader(Site(0)))", "expect", Nobody, Later, "A claim or an expectation is judged at this moment.");
}

impl<C> ScriptAction<C> {
    /// The row of every kind of action.
    pub fn rows() -> impl Iterator<Item = &'static Row> {
        ROWS.iter().chain(DiskFault::ALL.iter().map(|fault| fault.row()))
    }

    /// What sort of action it is, without whom it is done to.
    pub const fn kind(&self) -> &'static str {
        self.row().kind
    }

    /// Whom it is done to, where its row aims at somebody.
    pub const fn target(&self) -> Option<Target> {
        match self {
            ScriptAction::Crash { who, .. }
            | ScriptAction::Restart(who)
            | ScriptAction::Pause(who)
            | ScriptAction::Resume(who) => Some(*who),
            ScriptAction::Isolate(who) | ScriptAction::SyncTime(who, _) | ScriptAction::Disk(who, _) => {
                Some(*who)
            }
            ScriptAction::Wipe(who) | ScriptAction::Slow(who, _) | ScriptAction::Clock(who, _) => Some(*who),
            ScriptAction::Command(who, _) | ScriptAction::Fire(who) | ScriptAction::Sync(who) => Some(*who),
            ScriptAction::Partition(_) | ScriptAction::Cut { .. } | ScriptAction::Mend(..) => None,
            ScriptAction::Clog { .. }
            | ScriptAction::Unclog { .. }
            | ScriptAction::Redeliver(_)
            | ScriptAction::Rule(_) => None,
            ScriptAction::Deliver(_) | ScriptAction::Lose(_) => None,
            ScriptAction::Double(_) | ScriptAction::Delay(..) => None,
            ScriptAction::Heal | ScriptAction::Check(_) => None,
        }
    }

    /// What traces say of it, with the processes that it was done to.
    pub(crate) fn text(&self, targets: Resolved) -> String
    where
        C: Display,
    {
        let targets = targets_text(targets);
        match self {
            ScriptAction::Command(_, command) => format!("command {targets}: {command}"),
            ScriptAction::Crash { at, leaves, .. } => {
                let place = at.map(|seam| format!(" {}", seam_text(seam))).unwrap_or_default();
                let left = match leaves {
                    Leaves::Nothing => "",
                    Leaves::Torn => ", tearing its last write",
                    Leaves::Scattered => ", scattering its last writes",
                };
                format!("crash {targets}{place}{left}")
            }
            ScriptAction::Partition(groups) => {
                let groups = groups.iter().map(SiteSet::to_string);
                format!("partition {}", groups.collect::<Vec<_>>().join(" | "))
            }
            ScriptAction::Cut { from, to } => format!("cut {from} -> {to}"),
            ScriptAction::Clog { from, to } => format!("clog {from} -> {to}"),
            ScriptAction::Unclog { from, to } => format!("unclog {from} -> {to}"),
            ScriptAction::Redeliver(name) => format!("redeliver {name}"),
            ScriptAction::Mend(one, other) => format!("mend {one} - {other}"),
            ScriptAction::Rule(rule) => {
                let name = rule.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
                let datagrams = datagrams_text(&rule.filter, "datagrams");
                format!("rule{name}: {datagrams}: {}", ruling_text(rule.ruling))
            }
            ScriptAction::SyncTime(_, time) => format!("syncs of {targets} take {time}"),
            ScriptAction::Slow(_, Duration::ZERO) => format!("{targets} is fast again"),
            ScriptAction::Slow(_, time) => format!("{targets} takes {time} for each input"),
            ScriptAction::Clock(_, fault) => format!("the clock of {targets} {}", clock_text(*fault)),
            ScriptAction::Deliver(copy) => format!("deliver {}", copy_text(copy, "any datagram")),
            ScriptAction::Lose(copy) => format!("lose {}", copy_text(copy, "any datagram")),
            ScriptAction::Double(copy) => format!("double {}", copy_text(copy, "any datagram")),
            ScriptAction::Delay(copy, by) => format!("delay {} by {by}", copy_text(copy, "any datagram")),
            ScriptAction::Check(number) => format!("checks expectation {}", number + 1),
            ScriptAction::Restart(_)
            | ScriptAction::Pause(_)
            | ScriptAction::Resume(_)
            | ScriptAction::Isolate(_) => self.trace_text(&targets),
            ScriptAction::Disk(..) | ScriptAction::Wipe(_) | ScriptAction::Heal => self.trace_text(&targets),
            ScriptAction::Fire(_) | ScriptAction::Sync(_) => self.trace_text(&targets),
        }
    }

    fn trace_text(&self, targets: &str) -> String {
        self.row().trace_text.replace("{}", targets)
    }
}
