//! The notes of acceptor, proposer and learner, for those who watch.

use core::fmt;

use crate::ids::{ProcessId, SiteId};
use crate::process::{Label, Subject};
use crate::replicated::paxos::ballot::{Ballot, Slot};
use crate::replicated::paxos::survey::SurveyId;

/// Something that happened in the protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PaxosNote {
    /// It asks for promises of this ballot.
    Campaigns(Ballot),
    /// A prepare quorum promised: it leads, and proposes from this slot on.
    Leads(Ballot, Slot),
    /// It heard a leader.
    Follows(Ballot),
    /// It is served through this site, which hears the leader of this ballot.
    FollowsThrough(SiteId, Ballot),
    /// It stopped leading under the first ballot because of the second.
    Deposed(Ballot, Ballot),
    /// It stopped leading under this ballot: no quorum answers.
    LostQuorum(Ballot),
    /// It stopped leading under this ballot: this slot, the first that is not chosen, got no quorum for too long.
    GivesWay(Ballot, Slot),
    /// It stopped leading under this ballot: its disk is nearly full.
    Resigns(Ballot),
    /// It gives no vote, since its disk has no room.
    Withholds {
        /// The site that asked for the vote.
        from: SiteId,
        /// The kind of message that it leaves out.
        kind: &'static str,
    },
    /// It stopped asking for promises of this ballot: this slot was chosen under a later one.
    Overtaken(Ballot, Slot),
    /// Its promise takes this many datagrams.
    SplitsPromise(Ballot, usize),
    /// A prepare quorum reported an accept of this slot under the older ballot: it proposes that entry again.
    Reproposes(Slot, Ballot),
    /// A prepare quorum reported no accept of this slot, at or below the last that any site holds: a no-op closes it.
    ClosesHole(Slot),
    /// An accept quorum of its ballot accepted this slot, which holds this many values.
    Chose(Slot, usize),
    /// It lacks slots, from the first up to but without the second, and asks this site.
    Fetches(Slot, Slot, SiteId),
    /// The slots that it lacked have come: it knows everything below this one to be chosen.
    CaughtUp(Slot),
    /// It asks how far the logs of the others reach.
    Surveys(SurveyId),
    /// Enough sites answered: everything that was chosen before the survey stands below this slot.
    Surveyed(Slot),
    /// It refused the first ballot: it promised the second, or hears a live leader if both are equal.
    Nacks(Ballot, Ballot),
    /// It dropped a message.
    Ignored {
        /// The sender.
        from: ProcessId,
        /// The message's kind.
        kind: &'static str,
        /// The reason.
        reason: &'static str,
    },
}

impl Label for PaxosNote {
    fn kind(&self) -> &'static str {
        match self {
            PaxosNote::Campaigns(_) => "campaigns",
            PaxosNote::Leads(..) => "leads",
            PaxosNote::Follows(_) => "follows",
            PaxosNote::FollowsThrough(..) => "follows through",
            PaxosNote::Deposed(..) => "deposed",
            PaxosNote::LostQuorum(_) => "lost quorum",
            PaxosNote::GivesWay(..) => "gives way",
            PaxosNote::Resigns(_) => "resigns",
            PaxosNote::Withholds { .. } => "withholds",
            PaxosNote::Overtaken(..) => "overtaken",
            PaxosNote::SplitsPromise(..) => "splits promise",
            PaxosNote::Reproposes(..) => "reproposes",
            PaxosNote::ClosesHole(_) => "closes hole",
            PaxosNote::Chose(..) => "chose",
            PaxosNote::Fetches(..) => "fetches",
            PaxosNote::CaughtUp(_) => "caught up",
            PaxosNote::Surveys(_) => "surveys",
            PaxosNote::Surveyed(_) => "surveyed",
            PaxosNote::Nacks(..) => "nacks",
            PaxosNote::Ignored { .. } => "ignored",
        }
    }

    fn subject(&self) -> Subject {
        let ballot = |ballot: &Ballot| Subject { noun: "ballot", number: ballot.rank() };
        match self {
            PaxosNote::Campaigns(b) | PaxosNote::Leads(b, _) | PaxosNote::Follows(b) => ballot(b),
            PaxosNote::LostQuorum(b) | PaxosNote::Resigns(b) => ballot(b),
            PaxosNote::FollowsThrough(_, b) | PaxosNote::GivesWay(b, _) | PaxosNote::Overtaken(b, _) => {
                ballot(b)
            }
            PaxosNote::Deposed(b, _) | PaxosNote::SplitsPromise(b, _) | PaxosNote::Nacks(b, _) => ballot(b),
            PaxosNote::Reproposes(slot, _) | PaxosNote::ClosesHole(slot) | PaxosNote::Chose(slot, _) => {
                Subject::slot(slot.0)
            }
            PaxosNote::Fetches(slot, ..) | PaxosNote::CaughtUp(slot) | PaxosNote::Surveyed(slot) => {
                Subject::slot(slot.0)
            }
            PaxosNote::Surveys(_) | PaxosNote::Withholds { .. } | PaxosNote::Ignored { .. } => Subject::NONE,
        }
    }
}

impl fmt::Display for PaxosNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PaxosNote::Campaigns(ballot) => write!(f, "campaigns under {ballot}"),
            PaxosNote::Leads(ballot, slot) => write!(f, "leads under {ballot} from slot {slot}"),
            PaxosNote::Follows(ballot) => write!(f, "follows {} under {ballot}", ballot.site),
            PaxosNote::FollowsThrough(on, ballot) => {
                write!(f, "follows {} through {on} under {ballot}", ballot.site)
            }
            PaxosNote::Deposed(ballot, by) => write!(f, "deposed from {ballot} by {by}"),
            PaxosNote::LostQuorum(ballot) => write!(f, "lost its quorum under {ballot}"),
            PaxosNote::GivesWay(ballot, slot) => {
                write!(f, "gives way under {ballot}, slot {slot} has no quorum")
            }
            PaxosNote::Resigns(ballot) => write!(f, "resigns under {ballot}, its disk is nearly full"),
            PaxosNote::Withholds { from, kind } => {
                write!(f, "withholds {kind} from {from}, its disk is nearly full")
            }
            PaxosNote::Overtaken(ballot, slot) => {
                write!(f, "overtaken under {ballot}, slot {slot} was chosen under a later ballot")
            }
            PaxosNote::SplitsPromise(ballot, parts) => {
                write!(f, "splits its promise of {ballot} into {parts} parts")
            }
            PaxosNote::Reproposes(slot, ballot) => {
                write!(f, "reproposes slot {slot}, accepted under {ballot}")
            }
            PaxosNote::ClosesHole(slot) => write!(f, "closes slot {slot} with a no-op"),
            PaxosNote::Chose(slot, 0) => write!(f, "chose slot {slot}: no-op"),
            PaxosNote::Chose(slot, 1) => write!(f, "chose slot {slot}"),
            PaxosNote::Chose(slot, count) => write!(f, "chose slot {slot}: {count} events"),
            PaxosNote::Fetches(first, end, from) => {
                write!(f, "fetches slots {first} to {} from {from}", end.0 - 1)
            }
            PaxosNote::CaughtUp(chosen) => write!(f, "caught up to slot {chosen}"),
            PaxosNote::Surveys(id) => write!(f, "asks how far logs reach, survey {id}"),
            PaxosNote::Surveyed(end) => {
                write!(f, "learns that all that was chosen before stands below slot {end}")
            }
            PaxosNote::Nacks(ballot, promised) => write!(f, "refuses {ballot}, promised {promised}"),
            PaxosNote::Ignored { from, kind, reason } => write!(f, "ignored {kind} of {from}: {reason}"),
        }
    }
}
