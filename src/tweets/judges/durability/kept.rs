//! The durable records of one site, each in a few bytes: the chosen log holds what they carry.
//!
//! A record is shortened only where the log gives it back as it was. For an accept, the log keeps the one entry that may
//! go under its ballot; for a learned entry, the one that is chosen there. Neither ever changes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::SiteId;
use crate::replicated::paxos::{Ballot, PaxosRecord, Slot};
use crate::tweets::judges::JudgeContext;
use crate::tweets::site::{Number, Record, Submission};

/// The records, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptRecords {
    records: CowLog<KeptRecord>,
    /// The ballots of accepts.
    ballots: Vec<Ballot>,
    /// The submissions that it took, with records of their own or with an accept, oldest first. Their numbers ascend, or
    /// `order` objects, or `durability` to an accept.
    taken: CowLog<Arc<Submission>>,
    /// The records that are kept as they are.
    whole: CowLog<Record>,
}

#[derive(Clone, Copy, Debug)]
enum KeptRecord {
    Accepted {
        ballot: u16,
        slot: u32,
        is_new: bool,
    },
    Learned {
        slot: u32,
    },
    Chosen {
        end: u32,
    },
    /// This one of the submissions.
    Taken {
        place: u32,
    },
    /// This one of the whole records.
    Whole {
        place: u32,
    },
}

impl KeptRecords {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Keeps a record of `site`, which the log knows already.
    pub(super) fn push(&mut self, known: JudgeContext<'_>, site: SiteId, record: &Record) {
        for submission in record.taken_by(site) {
            if self.taken.last().is_none_or(|last| last.number < submission.number) {
                self.taken.push(Arc::clone(submission));
            }
        }
        let kept = self.shortened(known, site, record).unwrap_or_else(|| {
            self.whole.push(record.clone());
            KeptRecord::Whole { place: place_of_last(&self.whole) }
        });
        self.records.push(kept);
    }

    /// The record at `index`, from 0.
    pub(super) fn get(&self, known: JudgeContext<'_>, site: SiteId, index: usize) -> Option<Record> {
        let paxos = |record| Record::Paxos { record };
        let slot_of = |slot: u32| Slot(slot.into());
        Some(match *self.records.get(index)? {
            KeptRecord::Accepted { ballot, slot, is_new } => {
                let (ballot, slot) = (self.ballots[usize::from(ballot)], slot_of(slot));
                let entry = known.log.accepted(site, slot, ballot)?.clone();
                paxos(PaxosRecord::Accepted { ballot, slot, entry, is_new })
            }
            KeptRecord::Learned { slot } => {
                let slot = slot_of(slot);
                paxos(PaxosRecord::Learned { slot, entry: known.log.entry(slot)?.clone() })
            }
            KeptRecord::Chosen { end } => paxos(PaxosRecord::Chosen(slot_of(end))),
            KeptRecord::Taken { place } => {
                Record::Taken { submission: Arc::clone(self.taken.get(usize::try_from(place).ok()?)?) }
            }
            KeptRecord::Whole { place } => self.whole.get(usize::try_from(place).ok()?)?.clone(),
        })
    }

    /// The submission of this number, if the site took it.
    pub(super) fn taken(&self, number: Number) -> Option<&Arc<Submission>> {
        let place = self.taken.partition_point(|submission| submission.number < number);
        self.taken.get(place).filter(|submission| submission.number == number)
    }

    /// The short form of a record, if it has one.
    fn shortened(&mut self, known: JudgeContext<'_>, site: SiteId, record: &Record) -> Option<KeptRecord> {
        let number_of = |slot: Slot| u32::try_from(slot.0).ok();
        match record {
            Record::Taken { submission } => {
                let is_last = self.taken.last().is_some_and(|last| last == submission);
                is_last.then(|| KeptRecord::Taken { place: place_of_last(&self.taken) })
            }
            Record::Paxos { record: PaxosRecord::Accepted { ballot, slot, entry, is_new } } => {
                let same = known.log.accepted(site, *slot, *ballot).filter(|same| *same == entry);
                Some(KeptRecord::Accepted {
                    slot: same.and(number_of(*slot))?,
                    ballot: self.place_of(*ballot)?,
                    is_new: *is_new,
                })
            }
            Record::Paxos { record: PaxosRecord::Learned { slot, entry } } => {
                let same = known.log.entry(*slot).filter(|same| *same == entry);
                Some(KeptRecord::Learned { slot: same.and(number_of(*slot))? })
            }
            Record::Paxos { record: PaxosRecord::Chosen(end) } => {
                Some(KeptRecord::Chosen { end: number_of(*end)? })
            }
            Record::Paxos { record: PaxosRecord::Promised(_) | PaxosRecord::Begins(_) } => None,
        }
    }

    fn place_of(&mut self, ballot: Ballot) -> Option<u16> {
        let known = self.ballots.iter().rposition(|known| *known == ballot);
        let place = known.unwrap_or(self.ballots.len());
        let short = u16::try_from(place).ok()?;
        if known.is_none() {
            self.ballots.push(ballot);
        }
        Some(short)
    }
}

fn place_of_last<T>(list: &CowLog<T>) -> u32 {
    u32::try_from(list.len() - 1).expect("records fit into memory")
}
