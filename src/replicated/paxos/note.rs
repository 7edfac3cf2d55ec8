//! What acceptor, proposer and learner tell those who watch.

use core::fmt;

use crate::ids::{ProcessId, SiteId};
use crate::process::{Label, Subject};
use crate::replicated::paxos::ballot::{Ballot, Slot};
use crate::replicated::paxos::survey::SurveyId;

/// Something that happened in the protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// It asks for promises of this ballot.
    Campaigns(Ballot),
    /// A prepare quorum promised: it leads, and proposes from this slot on.
    Leads(Ballot, Slot),
    /// It heard a leader.
    Follows(Ballot),
    /// It is served through this site, which hears the leader of this ballot.
    Leans(SiteId, Ballot),
    /// It no longer leads under this ballot, because of the other.
    Deposed(Ballot, Ballot),
    /// It no longer leads under this ballot: no quorum answers.
    LostQuorum(Ballot),
    /// It no longer leads under this ballot: this slot, the first that is not chosen, got no quorum for too long.
    GivesWay(Ballot, Slot),
    /// It no longer leads under this ballot: its disk is nearly full.
    Resigns(Ballot),
    /// It gives no vote for want of room on its disk.
    Withholds {
        /// Whom.
        from: SiteId,
        /// Which message it leaves out.
        kind: &'static str,
    },
    /// It no longer asks for promises of this ballot: this slot was chosen under a later one.
    Overtaken(Ballot, Slot),
    /// Its promise takes so many datagrams.
    SplitsPromise(Ballot, usize),
    /// A prepare quorum reported an accept of this slot under the older ballot: proposed again.
    Reproposes(Slot, Ballot),
    /// A prepare quorum reported no accept of this slot, at or below the last that anybody holds: closed by a no-op.
    ClosesHole(Slot),
    /// An accept quorum of its ballot accepted this slot, which holds so many values.
    Chose(Slot, usize),
    /// It lacks slots, from the first up to but without the second, and asks this site.
    Fetches(Slot, Slot, SiteId),
    /// What it lacked has come: it knows everything below to be chosen.
    CaughtUp(Slot),
    /// It asks how far the logs of the others reach.
    Surveys(SurveyId),
    /// Enough sites told: whatever was chosen before the survey stands below this slot.
    Surveyed(Slot),
    /// It refused a message of this ballot, for it has promised the other.
    Nacks(Ballot, Ballot),
    /// It dropped a message.
    Ignored {
        /// From whom.
        from: ProcessId,
        /// The message's kind.
        kind: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl Label for Note {
    fn kind(&self) -> &'static str {
        match self {
            Note::Campaigns(_) => "campaigns",
            Note::Leads(..) => "leads",
            Note::Follows(_) => "follows",
            Note::Leans(..) => "leans",
            Note::Deposed(..) => "deposed",
            Note::LostQuorum(_) => "lost quorum",
            Note::GivesWay(..) => "gives way",
            Note::Resigns(_) => "resigns",
            Note::Withholds { .. } => "withholds",
            Note::Overtaken(..) => "overtaken",
            Note::SplitsPromise(..) => "splits promise",
            Note::Reproposes(..) => "reproposes",
            Note::ClosesHole(_) => "closes hole",
            Note::Chose(..) => "chose",
            Note::Fetches(..) => "fetches",
            Note::CaughtUp(_) => "caught up",
            Note::Surveys(_) => "surveys",
            Note::Surveyed(_) => "surveyed",
            Note::Nacks(..) => "nacks",
            Note::Ignored { .. } => "ignored",
        }
    }

    fn subject(&self) -> Subject {
        let ballot = |ballot: &Ballot| Subject { noun: "ballot", number: ballot.rank() };
        match self {
            Note::Campaigns(b) | Note::Leads(b, _) | Note::Follows(b) => ballot(b),
            Note::LostQuorum(b) | Note::Resigns(b) => ballot(b),
            Note::Leans(_, b) | Note::GivesWay(b, _) | Note::Overtaken(b, _) => ballot(b),
            Note::Deposed(b, _) | Note::SplitsPromise(b, _) | Note::Nacks(b, _) => ballot(b),
            Note::Reproposes(slot, _) | Note::ClosesHole(slot) | Note::Chose(slot, _) => {
                Subject::slot(slot.0)
            }
            Note::Fetches(slot, ..) | Note::CaughtUp(slot) | Note::Surveyed(slot) => Subject::slot(slot.0),
            Note::Surveys(_) | Note::Withholds { .. } | Note::Ignored { .. } => Subject::NONE,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Campaigns(ballot) => write!(f, "campaigns under {ballot}"),
            Note::Leads(ballot, slot) => write!(f, "leads under {ballot} from slot {slot}"),
            Note::Follows(ballot) => write!(f, "follows {} under {ballot}", ballot.site),
            Note::Leans(on, ballot) => write!(f, "follows {} through {on} under {ballot}", ballot.site),
            Note::Deposed(ballot, by) => write!(f, "deposed from {ballot} by {by}"),
            Note::LostQuorum(ballot) => write!(f, "lost its quorum under {ballot}"),
            Note::GivesWay(ballot, slot) => write!(f, "gives way under {ballot}, slot {slot} has no quorum"),
            Note::Resigns(ballot) => write!(f, "resigns under {ballot}, its disk is nearly full"),
            Note::Withholds { from, kind } => {
                write!(f, "withholds {kind} from {from}, its disk is nearly full")
            }
            Note::Overtaken(ballot, slot) => {
                write!(f, "overtaken under {ballot}, slot {slot} was chosen under a later ballot")
            }
            Note::SplitsPromise(ballot, parts) => {
                write!(f, "splits its promise of {ballot} into {parts} parts")
            }
            Note::Reproposes(slot, ballot) => write!(f, "reproposes slot {slot}, accepted under {ballot}"),
            Note::ClosesHole(slot) => write!(f, "closes slot {slot} with a no-op"),
            Note::Chose(slot, 0) => write!(f, "chose slot {slot}: no-op"),
            Note::Chose(slot, 1) => write!(f, "chose slot {slot}"),
            Note::Chose(slot, count) => write!(f, "chose slot {slot}: {count} events"),
            Note::Fetches(first, end, from) => {
                write!(f, "fetches slots {first} to {} from {from}", end.0 - 1)
            }
            Note::CaughtUp(chosen) => write!(f, "caught up to slot {chosen}"),
            Note::Surveys(id) => write!(f, "asks how far logs reach, survey {id}"),
            Note::Surveyed(end) => {
                write!(f, "learns that all that was chosen before stands below slot {end}")
            }
            Note::Nacks(ballot, promised) => write!(f, "refuses {ballot}, promised {promised}"),
            Note::Ignored { from, kind, reason } => write!(f, "ignored {kind} of {from}: {reason}"),
        }
    }
}
