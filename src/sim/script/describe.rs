//! How targets, filters and actions read in traces and reports.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Display;

use crate::ids::SiteSet;
use crate::sim::net::rule::{Filter, Ruling, Slots};
use crate::sim::net::rules::Resolved;
use crate::sim::script::{Action, ClockFault, DiskFault, Leaves, Seam, Target};
use crate::time::Duration;

pub(crate) fn target_text(target: Target) -> String {
    match target {
        Target::Any => "anybody".into(),
        Target::Process(process) => process.to_string(),
        Target::Leader => "the leader".into(),
        Target::Follower => "a follower".into(),
        Target::Candidate => "a candidate".into(),
        Target::Laggard => "the laggard".into(),
        Target::Sender => "its sender".into(),
        Target::Recipient => "its recipient".into(),
        Target::Machine(number) => format!("machine {number}"),
        Target::AllSites => "all sites".into(),
    }
}

/// `from S0 to S1 about slot 4`; what is not restricted is not said.
pub(crate) fn filter_text(filter: &Filter) -> String {
    let end = |word: &str, target: Target| match target {
        Target::Any => String::new(),
        target => format!("{word} {} ", target_text(target)),
    };
    let about = filter.about.as_ref().map(|about| format!("about {about}")).unwrap_or_default();
    let slots = filter.slots.map(|Slots { of, rest }| format!("about one slot in {of}, like {rest}"));
    let about = format!("{about}{}", slots.unwrap_or_default());
    let text = format!("{}{}{about}", end("from", filter.from), end("to", filter.to));
    text.trim_end().to_string()
}

pub(crate) fn ruling_text(ruling: Ruling) -> String {
    match ruling {
        Ruling::Drop => "drop".into(),
        Ruling::Delay(by) => format!("delay by {by}"),
        Ruling::Duplicate { copies, apart } => format!("{copies} more, {apart} apart"),
        Ruling::Corrupt => "flip some bits".into(),
        Ruling::Truncate => "cut it short".into(),
        Ruling::Misdeliver(to) => format!("misdeliver to {}", target_text(to)),
        Ruling::Keep => "keep a copy".into(),
    }
}

pub(crate) fn seam_text(seam: Seam) -> &'static str {
    match seam {
        Seam::BeforeSync => "before a sync",
        Seam::AfterSync => "after a sync",
        Seam::BetweenSends => "between two sends",
        Seam::BetweenRecipients => "between two recipients",
        Seam::DuringRecovery => "during recovery",
    }
}

pub(crate) fn clock_text(fault: ClockFault) -> String {
    match fault {
        ClockFault::Ahead(by) => format!("is set {by} ahead"),
        ClockFault::Behind(by) => format!("is set {by} back"),
        ClockFault::Fast(0) | ClockFault::Slow(0) => "runs true".into(),
        ClockFault::Fast(percent) => format!("runs {percent} % fast"),
        ClockFault::Slow(percent) => format!("runs {percent} % slow"),
    }
}

fn whom_text(whom: Resolved) -> String {
    match whom {
        Resolved::Anybody => "anybody".into(),
        Resolved::Sites(sites) if sites.len() == 1 => sites.iter().map(|site| site.to_string()).collect(),
        Resolved::Sites(sites) => sites.to_string(),
        Resolved::Other(other) => other.to_string(),
    }
}

/// One step's action with the processes that it was done to.
pub(crate) fn action_text<C: Display>(action: &Action<C>, whom: Resolved) -> String {
    let whom = whom_text(whom);
    match action {
        Action::Command(process, command) => format!("command {process}: {command}"),
        Action::Crash { at, leaves, .. } => {
            let place = at.map(|seam| format!(" {}", seam_text(seam))).unwrap_or_default();
            let left = match leaves {
                Leaves::Nothing => "",
                Leaves::Torn => ", tearing its last write",
                Leaves::Scattered => ", scattering its last writes",
            };
            format!("crash {whom}{place}{left}")
        }
        Action::Restart(_) => format!("restart {whom}"),
        Action::Pause(_) => format!("pause {whom}"),
        Action::Resume(_) => format!("resume {whom}"),
        Action::Isolate(_) => format!("isolate {whom}"),
        Action::Partition(groups) => {
            let groups = groups.iter().map(SiteSet::to_string);
            format!("partition {}", groups.collect::<alloc::vec::Vec<_>>().join(" | "))
        }
        Action::Cut { from, to } => format!("cut {from} -> {to}"),
        Action::Clog { from, to } => format!("clog {from} -> {to}"),
        Action::Unclog { from, to } => format!("unclog {from} -> {to}"),
        Action::Replay(name) => format!("replay {name}"),
        Action::Mend(one, other) => format!("mend {one} - {other}"),
        Action::Rule(rule) => {
            let name = rule.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            let kind = rule.filter.kind.as_deref().unwrap_or("datagrams");
            let text = format!("rule{name}: {kind} {}", filter_text(&rule.filter));
            format!("{}: {}", text.trim_end(), ruling_text(rule.ruling))
        }
        Action::SyncTime(_, time) => format!("syncs of {whom} take {time}"),
        Action::Disk(_, fault) => match fault {
            DiskFault::FailSync => format!("the next sync of {whom} fails"),
            DiskFault::FailWrite => format!("the next write of {whom} fails"),
            DiskFault::Full => format!("the disk of {whom} is full"),
            DiskFault::Room => format!("the disk of {whom} has room"),
            DiskFault::Rot => format!("the disk of {whom} rots"),
            DiskFault::Misdirect => format!("the next write of {whom} goes astray"),
            DiskFault::LoseFile => format!("a file of {whom} vanishes"),
            DiskFault::Save => format!("the disk of {whom} is copied"),
            DiskFault::Restore => format!("the disk of {whom} is put back as it was"),
        },
        Action::Wipe(_) => format!("wipe the disk of {whom}"),
        Action::Slow(_, Duration::ZERO) => format!("{whom} is as fast as ever"),
        Action::Slow(_, time) => format!("{whom} takes {time} for each input"),
        Action::Clock(_, fault) => format!("the clock of {whom} {}", clock_text(*fault)),
        Action::Heal => "heal".into(),
        Action::Check(number) => format!("expectation {} is judged", number + 1),
    }
}
