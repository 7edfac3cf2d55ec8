//! The text of targets, filters and rulings in traces and reports.

use alloc::format;
use alloc::string::{String, ToString};

use crate::sim::net::rule::{CopyFilter, Filter, Ruling, Slots};
use crate::sim::net::rules::Resolved;
use crate::sim::script::{ClockFault, Percent, Seam, Target};

pub(crate) fn target_text(target: Target) -> String {
    match target {
        Target::Any => "anybody".into(),
        Target::Site(number) => format!("S{number}"),
        Target::Terminal(number) => format!("T{number}"),
        Target::Client(number) => format!("C{number}"),
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

/// `from S0 to S1 about slot 4`. Unrestricted parts are left out.
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

/// `Accept from S0 to S1 about slot 4`, or `any` kind.
pub(crate) fn datagrams_text(filter: &Filter, any: &str) -> String {
    let text = format!("{} {}", filter.kind.as_deref().unwrap_or(any), filter_text(filter));
    text.trim_end().to_string()
}

/// `Accept from S0 to S1 about slot 4`, and which of several.
pub(crate) fn copy_text(copy: &CopyFilter, any: &str) -> String {
    let text = datagrams_text(&copy.filter, any);
    match copy.nth {
        1 => text,
        nth => format!("{text}, number {nth}"),
    }
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
        Seam::InRecovery(_) => "inside recovery",
        Seam::InRollover(_) => "inside a rollover",
    }
}

pub(crate) fn clock_text(fault: ClockFault) -> String {
    match fault {
        ClockFault::Ahead(by) => format!("is set {by} ahead"),
        ClockFault::Behind(by) => format!("is set {by} back"),
        ClockFault::Fast(Percent(0)) | ClockFault::Slow(Percent(0)) => "runs true".into(),
        ClockFault::Fast(Percent(percent)) => format!("runs {percent} % fast"),
        ClockFault::Slow(Percent(percent)) => format!("runs {percent} % slow"),
    }
}

pub(crate) fn targets_text(targets: Resolved) -> String {
    match targets {
        Resolved::Anybody => "anybody".into(),
        Resolved::Sites(sites) if sites.len() == 1 => sites.iter().map(|site| site.to_string()).collect(),
        Resolved::Sites(sites) => sites.to_string(),
        Resolved::Other(other) => other.to_string(),
    }
}
