//! What acceptors, proposers and learners say to each other and make durable.

use crate::ids::SiteSet;
use alloc::vec::Vec;

use crate::process::{Label, Subject};
use crate::replicated::paxos::ballot::{Ballot, Entry, Slot};
use crate::replicated::paxos::claim::Claim;
use crate::replicated::paxos::survey::SurveyId;
use crate::wire::{Reader, Wire, WireError, put_list};

/// Between sites.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message<V> {
    /// Phase 1a: asks to promise `ballot` and to report every slot from `first` on.
    Prepare {
        /// The ballot.
        ballot: Ballot,
        /// Below it the candidate knows everything to be chosen, or what the recipient holds: it said so under this
        /// ballot.
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
        /// Under `ballot`, or before it, everything below is chosen.
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
        /// What the sender has promised instead; at least `ballot`. Equal to it when the sender refuses only
        /// because it hears a live leader.
        promised: Ballot,
        /// The sender's own watermark, so that one who fell behind notices.
        chosen: Slot,
        /// The leader that the sender follows and hears itself. A hint: nothing safe may rest on it.
        leader: Option<Ballot>,
    },
    /// The leader lives.
    Heartbeat {
        /// The ballot it leads under.
        ballot: Ballot,
        /// Its watermark.
        chosen: Slot,
        /// Counts its heartbeats.
        beat: u64,
        /// Whom it heard of late. Who is not among them cannot reach it.
        hears: SiteSet,
        /// What it has applied; independent of the ballot, as it is true of any.
        applied: Claim,
    },
    /// Answers a heartbeat.
    Heard {
        /// The leader's ballot.
        ballot: Ballot,
        /// The heartbeat that it answers.
        beat: u64,
        /// The sender's watermark.
        chosen: Slot,
        /// What the sender has applied.
        applied: Claim,
    },
    /// Asks for chosen slots, `first` up to but without `end`.
    Fetch {
        /// The first slot asked for.
        first: Slot,
        /// Behind the last.
        end: Slot,
    },
    /// One chosen slot, and how far the sender's knowledge goes.
    Supply {
        /// The slot.
        slot: Slot,
        /// What is chosen in it.
        entry: Entry<V>,
        /// The sender's watermark.
        chosen: Slot,
    },
    /// Asks how far the recipient's log reaches.
    Survey {
        /// Which survey of the sender.
        id: SurveyId,
        /// Behind the last slot that the sender knows anybody to hold anything in: it waits for all below, and a
        /// leader that knows of none there closes them.
        reach: Slot,
    },
    /// Answers a survey.
    Extent {
        /// Which.
        id: SurveyId,
        /// The sender holds nothing from here on.
        end: Slot,
        /// The sender's watermark.
        chosen: Slot,
    },
}

/// A promise not to accept anything below `ballot`, with what the sender has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise<V> {
    /// The ballot it answers.
    pub ballot: Ballot,
    /// This part speaks of the slots from here, inclusive,
    pub from: Slot,
    /// to here, exclusive: those without a report were never accepted by the sender.
    pub to: Slot,
    /// The sender holds nothing from here on. The parts are complete when they cover everything from the
    /// greater of the asked slot and `chosen` up to `end`.
    pub end: Slot,
    /// The sender knows everything below to be chosen; such slots are fetched, not reported.
    pub chosen: Slot,
    /// How long the sender's votes wait for its disk, in units of 2^15 microseconds; 0 where it is quick. A hint: nothing
    /// safe may rest on it.
    pub sync: u8,
    /// What it holds in `from..to`, in ascending order.
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
    /// Bytes beside the entry, at most.
    pub const OVERHEAD_MAX: usize = Slot::BYTES_MAX + 1 + Ballot::BYTES_MAX;
}

impl<V> Promise<V> {
    /// Bytes beside the reports, at most, with the message's own tag.
    pub const OVERHEAD_MAX: usize = 1 + Ballot::BYTES_MAX + 4 * Slot::BYTES_MAX + 1 + 2;
}

impl<V> Message<V> {
    /// What the sender says of the log that it applied, if it says so.
    pub fn claim(&self) -> Option<Claim> {
        match self {
            Message::Heartbeat { applied, .. } | Message::Heard { applied, .. } => Some(*applied),
            Message::Prepare { .. }
            | Message::Promise(_)
            | Message::Accept { .. }
            | Message::Accepted { .. }
            | Message::Chosen { .. }
            | Message::Nack { .. }
            | Message::Fetch { .. }
            | Message::Supply { .. }
            | Message::Survey { .. }
            | Message::Extent { .. } => None,
        }
    }

    /// The lowest slot of those whose entries it carries.
    pub(super) fn lowest_held(&self) -> Option<Slot> {
        match self {
            Message::Accept { slot, .. } | Message::Supply { slot, .. } => Some(*slot),
            Message::Promise(promise) => promise.reports.iter().map(|report| report.slot).min(),
            Message::Prepare { .. }
            | Message::Accepted { .. }
            | Message::Chosen { .. }
            | Message::Nack { .. }
            | Message::Heartbeat { .. }
            | Message::Heard { .. }
            | Message::Fetch { .. }
            | Message::Survey { .. }
            | Message::Extent { .. } => None,
        }
    }

    /// Bytes that any message adds to one entry, at most: a promise with a single report is the widest.
    pub const ENTRY_OVERHEAD_MAX: usize = Promise::<V>::OVERHEAD_MAX + Report::<V>::OVERHEAD_MAX;
}

const REPORTS_MAX: usize = 4_096;

impl<V: Wire> Wire for Message<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Message::Prepare { ballot, first } => put(out, 1, *ballot, &[first.0]),
            Message::Promise(promise) => {
                let Promise { ballot, from, to, end, chosen, sync, reports } = promise;
                put(out, 2, *ballot, &[from.0, to.0, end.0, chosen.0]);
                out.push(*sync);
                put_list(out, reports);
            }
            Message::Accept { ballot, slot, chosen, entry } => {
                put(out, 3, *ballot, &[slot.0, chosen.0]);
                entry.encode(out);
            }
            Message::Accepted { ballot, slot } => put(out, 4, *ballot, &[slot.0]),
            Message::Chosen { ballot, chosen } => put(out, 5, *ballot, &[chosen.0]),
            Message::Nack { ballot, promised, chosen, leader } => {
                put(out, 6, *ballot, &[]);
                promised.encode(out);
                chosen.encode(out);
                leader.encode(out);
            }
            Message::Heartbeat { ballot, chosen, beat, hears, applied } => {
                put(out, 7, *ballot, &[chosen.0, *beat]);
                hears.encode(out);
                applied.encode(out);
            }
            Message::Heard { ballot, beat, chosen, applied } => {
                put(out, 8, *ballot, &[*beat, chosen.0]);
                applied.encode(out);
            }
            Message::Fetch { first, end } => {
                out.push(9);
                first.encode(out);
                end.encode(out);
            }
            Message::Supply { slot, entry, chosen } => {
                out.push(10);
                slot.encode(out);
                entry.encode(out);
                chosen.encode(out);
            }
            Message::Survey { id, reach } => {
                out.push(11);
                id.encode(out);
                reach.encode(out);
            }
            Message::Extent { id, end, chosen } => {
                out.push(12);
                id.encode(out);
                end.encode(out);
                chosen.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Message<V>, WireError> {
        let tag = input.u8()?;
        if tag == 9 {
            return Ok(Message::Fetch { first: Slot::decode(input)?, end: Slot::decode(input)? });
        }
        if tag == 10 {
            let (slot, entry) = (Slot::decode(input)?, Entry::decode(input)?);
            return Ok(Message::Supply { slot, entry, chosen: Slot::decode(input)? });
        }
        if tag == 11 {
            return Ok(Message::Survey { id: SurveyId::decode(input)?, reach: Slot::decode(input)? });
        }
        if tag == 12 {
            let (id, end) = (SurveyId::decode(input)?, Slot::decode(input)?);
            return Ok(Message::Extent { id, end, chosen: Slot::decode(input)? });
        }
        let ballot = Ballot::decode(input)?;
        let mut slot = || Slot::decode(input);
        Ok(match tag {
            1 => Message::Prepare { ballot, first: slot()? },
            2 => {
                let (from, to, end, chosen) = (slot()?, slot()?, slot()?, slot()?);
                let (sync, reports) = (input.u8()?, input.list(REPORTS_MAX)?);
                Message::Promise(Promise { ballot, from, to, end, chosen, sync, reports })
            }
            3 => Message::Accept { ballot, slot: slot()?, chosen: slot()?, entry: Entry::decode(input)? },
            4 => Message::Accepted { ballot, slot: slot()? },
            5 => Message::Chosen { ballot, chosen: slot()? },
            6 => {
                let (promised, chosen) = (Ballot::decode(input)?, Slot::decode(input)?);
                Message::Nack { ballot, promised, chosen, leader: Option::decode(input)? }
            }
            7 => {
                let (chosen, beat, hears) = (slot()?, input.u64()?, SiteSet::decode(input)?);
                Message::Heartbeat { ballot, chosen, beat, hears, applied: Claim::decode(input)? }
            }
            8 => {
                let (beat, chosen) = (input.u64()?, Slot::decode(input)?);
                Message::Heard { ballot, beat, chosen, applied: Claim::decode(input)? }
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

impl<V> Label for Message<V> {
    fn kind(&self) -> &'static str {
        match self {
            Message::Prepare { .. } => "Prepare",
            Message::Promise(_) => "Promise",
            Message::Accept { .. } => "Accept",
            Message::Accepted { .. } => "Accepted",
            Message::Chosen { .. } => "Chosen",
            Message::Nack { .. } => "Nack",
            Message::Heartbeat { .. } => "Heartbeat",
            Message::Heard { .. } => "Heard",
            Message::Fetch { .. } => "Fetch",
            Message::Supply { .. } => "Supply",
            Message::Survey { .. } => "Survey",
            Message::Extent { .. } => "Extent",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Message::Accept { slot, .. } | Message::Accepted { slot, .. } | Message::Supply { slot, .. } => {
                Subject::slot(slot.0)
            }
            Message::Fetch { first, .. } => Subject::slot(first.0),
            Message::Prepare { ballot, .. }
            | Message::Nack { ballot, .. }
            | Message::Chosen { ballot, .. } => Subject { noun: "ballot", number: ballot.rank() },
            Message::Promise(promise) => Subject { noun: "ballot", number: promise.ballot.rank() },
            Message::Heartbeat { beat, .. } | Message::Heard { beat, .. } => {
                Subject { noun: "beat", number: *beat }
            }
            // Ids count a site's surveys: as an identity one would move with every read left out before it.
            Message::Survey { .. } | Message::Extent { .. } => Subject::NONE,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Message::Promise(_) => 1,
            Message::Prepare { .. } => 2,
            Message::Accept { .. } => 3,
            Message::Accepted { .. } => 4,
            Message::Nack { .. } => 5,
            Message::Supply { .. } => 6,
            Message::Fetch { .. } => 7,
            Message::Chosen { .. } => 8,
            Message::Survey { .. } | Message::Extent { .. } => 9,
            Message::Heard { .. } => 30,
            Message::Heartbeat { .. } => 31,
        }
    }
}

/// One durable fact of an acceptor and learner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record<V> {
    /// It will accept nothing below this ballot.
    Promised(Ballot),
    /// It accepted `entry` for `slot`; this promises `ballot` too.
    Accepted {
        /// The ballot.
        ballot: Ballot,
        /// The slot.
        slot: Slot,
        /// The entry.
        entry: Entry<V>,
    },
    /// It was told that `entry` is chosen for `slot`.
    Learned {
        /// The slot.
        slot: Slot,
        /// The entry.
        entry: Entry<V>,
    },
    /// What its log holds below this slot is chosen. Lazy: nothing waits for it.
    Chosen(Slot),
    /// The log begins at this slot: what stood below is over, and no site of the cluster holds any of it. The first record
    /// of a journal or none; whoever prepares storage writes it, a site never does.
    Begins(Slot),
}

impl<V> Record<V> {
    /// Bytes beside an entry, at most.
    pub const OVERHEAD_MAX: usize = 1 + Ballot::BYTES_MAX + Slot::BYTES_MAX;
}

impl<V: Wire> Wire for Record<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Record::Promised(ballot) => put(out, 1, *ballot, &[]),
            Record::Accepted { ballot, slot, entry } => {
                put(out, 2, *ballot, &[slot.0]);
                entry.encode(out);
            }
            Record::Learned { slot, entry } => {
                out.push(3);
                slot.encode(out);
                entry.encode(out);
            }
            Record::Chosen(slot) => {
                out.push(4);
                slot.encode(out);
            }
            Record::Begins(slot) => {
                out.push(5);
                slot.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Record<V>, WireError> {
        Ok(match input.u8()? {
            1 => Record::Promised(Ballot::decode(input)?),
            2 => Record::Accepted {
                ballot: Ballot::decode(input)?,
                slot: Slot::decode(input)?,
                entry: Entry::decode(input)?,
            },
            3 => Record::Learned { slot: Slot::decode(input)?, entry: Entry::decode(input)? },
            4 => Record::Chosen(Slot::decode(input)?),
            5 => Record::Begins(Slot::decode(input)?),
            _ => return Err(WireError::Invalid("tag of a record of an acceptor")),
        })
    }
}
