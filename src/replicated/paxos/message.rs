//! The messages between acceptors, proposers and learners, and the records that they make durable.

mod record;

use alloc::vec::Vec;

use crate::ids::SiteSet;
use crate::process::{Label, Subject};
use crate::replicated::paxos::ballot::{Ballot, Entry, Slot};
use crate::replicated::paxos::claim::Claim;
use crate::replicated::paxos::survey::SurveyId;
use crate::wire::{Reader, Wire, WireError, put_list};
pub use record::PaxosRecord;

/// A message between sites.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PaxosMessage<V> {
    /// Phase 1a: asks to promise `ballot` and to report every slot from `first` on.
    Prepare {
        /// The ballot.
        ballot: Ballot,
        /// The candidate knows that the slots below are chosen, or what the recipient holds there: the recipient
        /// reported that under this ballot.
        first: Slot,
    },
    /// Phase 1b, or a part of it.
    Promise(Promise<V>),
    /// Phase 2a.
    Accept {
        /// The ballot.
        ballot: Ballot,
        /// The slot.
        slot: Slot,
        /// Everything below is chosen, under `ballot` or before it.
        chosen: Slot,
        /// The proposed entry.
        entry: Entry<V>,
    },
    /// Phase 2b: the sender's accept is durable.
    Accepted {
        /// The ballot.
        ballot: Ballot,
        /// The slot.
        slot: Slot,
    },
    /// The leader's watermark when nothing else carries it: everything below `chosen` is chosen.
    Chosen {
        /// The ballot it leads under.
        ballot: Ballot,
        /// The watermark.
        chosen: Slot,
    },
    /// Refuses a message of `ballot`.
    Nack {
        /// The refused ballot.
        ballot: Ballot,
        /// The ballot that the sender has promised instead, at least `ballot`. It equals `ballot` when the sender
        /// refuses only because it hears a live leader.
        promised: Ballot,
        /// The sender's own watermark, so that a site that fell behind notices.
        chosen: Slot,
        /// The leader that the sender follows and hears directly. A hint: nothing safe may rest on it.
        leader: Option<Ballot>,
    },
    /// The leader is alive.
    Heartbeat {
        /// The ballot it leads under.
        ballot: Ballot,
        /// Its watermark.
        chosen: Slot,
        /// Counts its heartbeats.
        beat: u64,
        /// The sites that it heard of late. A site that is not among them cannot reach it.
        hears: SiteSet,
        /// The sender's claim of what it has applied, which is true under any ballot.
        applied: Claim,
    },
    /// Answers a heartbeat.
    HeartbeatReply {
        /// The leader's ballot.
        ballot: Ballot,
        /// The heartbeat that it answers.
        beat: u64,
        /// The sender's watermark.
        chosen: Slot,
        /// The sender's claim of what it has applied.
        applied: Claim,
    },
    /// Asks for the chosen slots in `first..end`.
    Fetch {
        /// The first slot asked for.
        first: Slot,
        /// One past the last slot asked for.
        end: Slot,
    },
    /// One chosen slot, with the sender's watermark.
    FetchReply {
        /// The slot.
        slot: Slot,
        /// The entry that is chosen in it.
        entry: Entry<V>,
        /// The sender's watermark.
        chosen: Slot,
    },
    /// Asks how far the recipient's log reaches.
    Survey {
        /// The survey's id at the sender.
        id: SurveyId,
        /// One past the last slot in which the sender knows that any site holds anything. The sender waits for every
        /// slot below, and a leader that knows of none there closes them.
        reach: Slot,
    },
    /// Answers a survey.
    SurveyReply {
        /// The survey's id.
        id: SurveyId,
        /// The sender holds nothing from this slot on.
        end: Slot,
        /// The sender's watermark.
        chosen: Slot,
    },
}

/// A promise not to accept anything below `ballot`, with what the sender has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise<V> {
    /// The ballot that it answers.
    pub ballot: Ballot,
    /// The first slot that this part covers.
    pub from: Slot,
    /// One past the last slot that this part covers. Slots of this part without a report were never accepted by the
    /// sender.
    pub to: Slot,
    /// The sender holds nothing from this slot on. The parts are complete when they cover everything from the greater
    /// of the asked slot and `chosen` up to `end`.
    pub end: Slot,
    /// The sender knows everything below to be chosen. Such slots are fetched, not reported.
    pub chosen: Slot,
    /// The time that the sender's votes wait for its disk, in units of 2^15 microseconds; 0 if the disk is quick. A
    /// hint: nothing safe may rest on it.
    pub sync: u8,
    /// The slots that the sender holds in `from..to`, in ascending order.
    pub reports: Vec<Report<V>>,
}

/// One slot of a promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report<V> {
    /// The slot.
    pub slot: Slot,
    /// The ballot under which it was last accepted; `None` when it is known to be chosen.
    pub ballot: Option<Ballot>,
    /// The entry.
    pub entry: Entry<V>,
}

impl<V> Report<V> {
    /// The most bytes beside the entry.
    pub const OVERHEAD_MAX: usize = Slot::BYTES_MAX + 1 + Ballot::BYTES_MAX;
}

impl<V> Promise<V> {
    /// The most bytes beside the reports, with the message's own tag.
    pub const OVERHEAD_MAX: usize = 1 + Ballot::BYTES_MAX + 4 * Slot::BYTES_MAX + 1 + 2;
}

impl<V> PaxosMessage<V> {
    /// The sender's claim of what it has applied, if the message carries one.
    pub fn claim(&self) -> Option<Claim> {
        match self {
            PaxosMessage::Heartbeat { applied, .. } | PaxosMessage::HeartbeatReply { applied, .. } => {
                Some(*applied)
            }
            PaxosMessage::Prepare { .. }
            | PaxosMessage::Promise(_)
            | PaxosMessage::Accept { .. }
            | PaxosMessage::Accepted { .. }
            | PaxosMessage::Chosen { .. }
            | PaxosMessage::Nack { .. }
            | PaxosMessage::Fetch { .. }
            | PaxosMessage::FetchReply { .. }
            | PaxosMessage::Survey { .. }
            | PaxosMessage::SurveyReply { .. } => None,
        }
    }

    /// The entries that the message carries, each with its slot.
    pub(super) fn held(&self) -> impl Iterator<Item = (Slot, &Entry<V>)> {
        let (one, reports): (_, &[Report<V>]) = match self {
            PaxosMessage::Accept { slot, entry, .. } | PaxosMessage::FetchReply { slot, entry, .. } => {
                (Some((*slot, entry)), &[])
            }
            PaxosMessage::Promise(promise) => (None, &promise.reports),
            PaxosMessage::Prepare { .. }
            | PaxosMessage::Accepted { .. }
            | PaxosMessage::Chosen { .. }
            | PaxosMessage::Nack { .. }
            | PaxosMessage::Heartbeat { .. }
            | PaxosMessage::HeartbeatReply { .. }
            | PaxosMessage::Fetch { .. }
            | PaxosMessage::Survey { .. }
            | PaxosMessage::SurveyReply { .. } => (None, &[]),
        };
        one.into_iter().chain(reports.iter().map(|report| (report.slot, &report.entry)))
    }

    /// The most bytes that any message adds to one entry: a promise with a single report is the widest.
    pub const ENTRY_OVERHEAD_MAX: usize = Promise::<V>::OVERHEAD_MAX + Report::<V>::OVERHEAD_MAX;
}

const REPORTS_MAX: usize = 4_096;

impl<V: Wire> Wire for PaxosMessage<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            PaxosMessage::Prepare { ballot, first } => put(out, 1, *ballot, &[first.0]),
            PaxosMessage::Promise(promise) => {
                let Promise { ballot, from, to, end, chosen, sync, reports } = promise;
                put(out, 2, *ballot, &[from.0, to.0, end.0, chosen.0]);
                out.push(*sync);
                put_list(out, reports);
            }
            PaxosMessage::Accept { ballot, slot, chosen, entry } => {
                put(out, 3, *ballot, &[slot.0, chosen.0]);
                entry.encode(out);
            }
            PaxosMessage::Accepted { ballot, slot } => put(out, 4, *ballot, &[slot.0]),
            PaxosMessage::Chosen { ballot, chosen } => put(out, 5, *ballot, &[chosen.0]),
            PaxosMessage::Nack { ballot, promised, chosen, leader } => {
                put(out, 6, *ballot, &[]);
                promised.encode(out);
                chosen.encode(out);
                leader.encode(out);
            }
            PaxosMessage::Heartbeat { ballot, chosen, beat, hears, applied } => {
                put(out, 7, *ballot, &[chosen.0, *beat]);
                hears.encode(out);
                applied.encode(out);
            }
            PaxosMessage::HeartbeatReply { ballot, beat, chosen, applied } => {
                put(out, 8, *ballot, &[*beat, chosen.0]);
                applied.encode(out);
            }
            PaxosMessage::Fetch { first, end } => {
                out.push(9);
                first.encode(out);
                end.encode(out);
            }
            PaxosMessage::FetchReply { slot, entry, chosen } => {
                out.push(10);
                slot.encode(out);
                entry.encode(out);
                chosen.encode(out);
            }
            PaxosMessage::Survey { id, reach } => {
                out.push(11);
                id.encode(out);
                reach.encode(out);
            }
            PaxosMessage::SurveyReply { id, end, chosen } => {
                out.push(12);
                id.encode(out);
                end.encode(out);
                chosen.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<PaxosMessage<V>, WireError> {
        let tag = input.u8()?;
        if tag == 9 {
            return Ok(PaxosMessage::Fetch { first: Slot::decode(input)?, end: Slot::decode(input)? });
        }
        if tag == 10 {
            let (slot, entry) = (Slot::decode(input)?, Entry::decode(input)?);
            return Ok(PaxosMessage::FetchReply { slot, entry, chosen: Slot::decode(input)? });
        }
        if tag == 11 {
            return Ok(PaxosMessage::Survey { id: SurveyId::decode(input)?, reach: Slot::decode(input)? });
        }
        if tag == 12 {
            let (id, end) = (SurveyId::decode(input)?, Slot::decode(input)?);
            return Ok(PaxosMessage::SurveyReply { id, end, chosen: Slot::decode(input)? });
        }
        let ballot = Ballot::decode(input)?;
        let mut slot = || Slot::decode(input);
        Ok(match tag {
            1 => PaxosMessage::Prepare { ballot, first: slot()? },
            2 => {
                let (from, to, end, chosen) = (slot()?, slot()?, slot()?, slot()?);
                let (sync, reports) = (input.u8()?, input.list(REPORTS_MAX)?);
                PaxosMessage::Promise(Promise { ballot, from, to, end, chosen, sync, reports })
            }
            3 => {
                PaxosMessage::Accept { ballot, slot: slot()?, chosen: slot()?, entry: Entry::decode(input)? }
            }
            4 => PaxosMessage::Accepted { ballot, slot: slot()? },
            5 => PaxosMessage::Chosen { ballot, chosen: slot()? },
            6 => {
                let (promised, chosen) = (Ballot::decode(input)?, Slot::decode(input)?);
                PaxosMessage::Nack { ballot, promised, chosen, leader: Option::decode(input)? }
            }
            7 => {
                let (chosen, beat, hears) = (slot()?, input.u64()?, SiteSet::decode(input)?);
                PaxosMessage::Heartbeat { ballot, chosen, beat, hears, applied: Claim::decode(input)? }
            }
            8 => {
                let (beat, chosen) = (input.u64()?, Slot::decode(input)?);
                PaxosMessage::HeartbeatReply { ballot, beat, chosen, applied: Claim::decode(input)? }
            }
            _ => return Err(WireError::Invalid("tag of a message between sites")),
        })
    }
}

fn put(out: &mut Vec<u8>, tag: u8, ballot: Ballot, numbers: &[u64]) {
    out.push(tag);
    ballot.encode(out);
    for number in numbers {
        number.encode(out);
    }
}

impl<V: Wire> Wire for Report<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.slot.encode(out);
        self.ballot.encode(out);
        self.entry.encode(out);
    }

    fn size(&self) -> usize {
        self.slot.size() + self.ballot.size() + self.entry.size()
    }

    fn decode(input: &mut Reader<'_>) -> Result<Report<V>, WireError> {
        let (slot, ballot) = (Slot::decode(input)?, Option::decode(input)?);
        Ok(Report { slot, ballot, entry: Entry::decode(input)? })
    }
}

impl<V> Label for PaxosMessage<V> {
    fn kind(&self) -> &'static str {
        match self {
            PaxosMessage::Prepare { .. } => "Prepare",
            PaxosMessage::Promise(_) => "Promise",
            PaxosMessage::Accept { .. } => "Accept",
            PaxosMessage::Accepted { .. } => "Accepted",
            PaxosMessage::Chosen { .. } => "Chosen",
            PaxosMessage::Nack { .. } => "Nack",
            PaxosMessage::Heartbeat { .. } => "Heartbeat",
            PaxosMessage::HeartbeatReply { .. } => "HeartbeatReply",
            PaxosMessage::Fetch { .. } => "Fetch",
            PaxosMessage::FetchReply { .. } => "FetchReply",
            PaxosMessage::Survey { .. } => "Survey",
            PaxosMessage::SurveyReply { .. } => "SurveyReply",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            PaxosMessage::Accept { slot, .. }
            | PaxosMessage::Accepted { slot, .. }
            | PaxosMessage::FetchReply { slot, .. } => Subject::slot(slot.0),
            PaxosMessage::Fetch { first, .. } => Subject::slot(first.0),
            PaxosMessage::Prepare { ballot, .. }
            | PaxosMessage::Nack { ballot, .. }
            | PaxosMessage::Chosen { ballot, .. } => Subject { noun: "ballot", number: ballot.rank() },
            PaxosMessage::Promise(promise) => Subject { noun: "ballot", number: promise.ballot.rank() },
            PaxosMessage::Heartbeat { beat, .. } | PaxosMessage::HeartbeatReply { beat, .. } => {
                Subject { noun: "beat", number: *beat }
            }
            // An id counts a site's surveys: as an identity, it would change with every read left out before it.
            PaxosMessage::Survey { .. } | PaxosMessage::SurveyReply { .. } => Subject::NONE,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            PaxosMessage::Promise(_) => 1,
            PaxosMessage::Prepare { .. } => 2,
            PaxosMessage::Accept { .. } => 3,
            PaxosMessage::Accepted { .. } => 4,
            PaxosMessage::Nack { .. } => 5,
            PaxosMessage::FetchReply { .. } => 6,
            PaxosMessage::Fetch { .. } => 7,
            PaxosMessage::Chosen { .. } => 8,
            PaxosMessage::Survey { .. } | PaxosMessage::SurveyReply { .. } => 9,
            PaxosMessage::HeartbeatReply { .. } => 30,
            PaxosMessage::Heartbeat { .. } => 31,
        }
    }
}
