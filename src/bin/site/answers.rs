//! Answers as lines of text, in a stable format.

use aviary::replicated::paxos::Slot;
use aviary::replicated::sites_ron::{Member, Sites};
use aviary::tweets::site::{Answer, LogLine, Note, Operation, Phase, Status};
use aviary::tweets::timeline::{Event, Page, Position, TimelineOutcome};
use aviary::udp::Counters;

/// The answer for an operation that is in the log.
pub(crate) fn done(at: Position, operation: &Operation, answer: &Answer) -> String {
    match (operation, answer) {
        (Operation::Event { event: Event::Tweet { .. } }, _) => format!("tweeted at {at}\n"),
        (Operation::Event { event: Event::Block { .. } }, _) => format!("blocked at {at}\n"),
        (Operation::Event { event: Event::Unblock { .. } }, _) => format!("unblocked at {at}\n"),
        (Operation::View { .. }, Answer::Of(TimelineOutcome::Viewed { page })) => {
            as_of(page, &at.to_string())
        }
        (Operation::View { .. }, Answer::Opened | Answer::Of(TimelineOutcome::Done)) => {
            format!("done at {at}\n")
        }
    }
}

/// The answer for a linearizable view.
pub(crate) fn shown(applied: Slot, page: &Page) -> String {
    as_of(page, &format!("slot {applied}"))
}

fn as_of(page: &Page, place: &str) -> String {
    let older = page.next.map_or_else(String::new, |next| format!(", older ones may follow before {next}"));
    format!("{}({} as of {place}{older})\n", tweets(page), counted(page.tweets.len() as u64, "tweet"))
}

/// The answer for an operation of which nobody knows whether it is in the log.
pub(crate) fn lost(operation: &Operation) -> String {
    format!("error: outcome unknown, the session expired: {operation}\n")
}

/// The answer for an operation that is not in the log and never will be.
pub(crate) fn undone(operation: &Operation) -> String {
    format!("error: not done, one session after the other expired: {operation}\n")
}

/// One line per tweet.
pub(crate) fn tweets(page: &Page) -> String {
    page.tweets.iter().map(|tweet| format!("{tweet}\n")).collect()
}

/// One line per request.
pub(crate) fn log(lines: &[LogLine]) -> String {
    lines.iter().map(|line| format!("{} {}\n", line.position, line.request)).collect()
}

/// The last line of a list, with its length.
pub(crate) fn total(count: u64, noun: &str) -> String {
    format!("({})\n", counted(count, noun))
}

/// A page for a client from outside, and how to ask for the next one.
pub(crate) fn page(page: &Page) -> String {
    let older = page.next.map_or_else(String::new, |next| format!("; for older ones: --older-than {next}"));
    format!("{}({}{older})\n", tweets(page), counted(page.tweets.len() as u64, "tweet"))
}

fn counted(count: u64, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "entry") => format!("{count} entries"),
        _ => format!("{count} {noun}s"),
    }
}

/// The status of the site, and its datagram counters.
pub(crate) fn status(status: &Status, counters: &Counters) -> String {
    format!("{}datagrams: {counters}\n", status_line(status))
}

/// The name of a phase.
pub(crate) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Following => "following",
        Phase::Campaigning => "campaigning",
        Phase::Leading => "leading",
        Phase::Diverged => "diverged",
    }
}

/// The status of a site, in one line.
pub(crate) fn status_line(status: &Status) -> String {
    let phase = phase(status.phase);
    let leader = status.leader.map_or_else(|| "none".into(), |site| site.to_string());
    let Status { site, ballot, chosen, applied, queue, digest, .. } = status;
    format!(
        "status: {site} {phase} ballot={ballot} leader={leader} chosen={} applied={} digest={digest} queue={queue}\n",
        chosen.0, applied.0
    )
}

/// One line per site: its address and its region.
pub(crate) fn sites(sites: &Sites, me: u8) -> String {
    let line = |(site, Member { address, region }): (u8, &Member)| {
        let here = if site == me { " (here)" } else { "" };
        let gap = if region.is_empty() { "" } else { " " };
        format!("S{site} {address}{gap}{region}{here}\n")
    };
    (0..).zip(&sites.members).map(line).collect()
}

/// Whether a person should see this note although it answers nothing.
pub(crate) fn is_worth_a_warning(note: &Note) -> bool {
    matches!(
        note,
        Note::FoundBusy(..)
            | Note::FoundBehind(..)
            | Note::QueueFull
            | Note::Differs(..)
            | Note::Diverged(_)
            | Note::Reunited(_)
    )
}
