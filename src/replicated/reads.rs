//! Linearizable views by a read round: a query waits until a survey of the logs shows how far this site must have
//! applied, and until it has.
//!
//! 1. A view that comes while a survey is under way waits for the next: a survey serves only what was asked before it.
//! 2. A view is answered from a prefix of the log that holds everything that was chosen when it was asked. Each asking
//!    is a separate read, so asking again, here or elsewhere, is harmless.
//! 3. A view that cannot be answered in time is turned away, and never shows less.
//! 4. How far a client claims to have seen delays its own view and nothing else: no survey takes that claim up.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::Effects;
use crate::replicated::machine::Machine;
use crate::replicated::paxos::{Slot, SurveyId};
use crate::replicated::process::Replicated;
use crate::replicated::site::{Parked, Site};
use crate::replicated::waiting::{self, Room};
use crate::time::Instant;
use crate::wire::{Reader, Wire, WireError};

/// The views that wait, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Reads<M: Machine> {
    incarnation: u64,
    /// Surveys begun by this incarnation.
    surveys: u64,
    max: usize,
    waiting: VecDeque<PendingRead<M>>,
}

#[derive(Clone, Debug)]
struct PendingRead<M: Machine> {
    asked: Parked<M>,
    stage: ReadStage,
}

/// The progress of a read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ReadStage {
    /// It came since the last survey began.
    Arrived,
    /// The survey under way serves it.
    Surveyed,
    /// A survey has ended: everything below this slot must be applied.
    Placed(Slot),
}

wire_struct!(PendingRead<M: Machine> { asked, stage });

impl Wire for ReadStage {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            ReadStage::Arrived => out.push(1),
            ReadStage::Surveyed => out.push(2),
            ReadStage::Placed(end) => {
                out.push(3);
                end.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<ReadStage, WireError> {
        match input.u8()? {
            1 => Ok(ReadStage::Arrived),
            2 => Ok(ReadStage::Surveyed),
            3 => Slot::decode(input).map(ReadStage::Placed),
            _ => Err(WireError::Invalid("stage of a read")),
        }
    }
}

impl<M: Machine> Reads<M> {
    /// Appends its whole state.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        let Reads { incarnation, surveys, max: _, waiting } = self;
        [*incarnation, *surveys].encode(out);
        waiting.encode(out);
    }

    /// Reads what [`Reads::save`] appended.
    pub(super) fn load(max: usize, input: &mut Reader<'_>) -> Result<Reads<M>, WireError> {
        let [incarnation, surveys]: [u64; 2] = Wire::decode(input)?;
        let waiting = Wire::decode(input)?;
        if surveys == u64::MAX {
            return Err(WireError::Invalid("count of surveys"));
        }
        Ok(Reads { incarnation, surveys, max, waiting })
    }

    pub(super) fn new(incarnation: u64, max: usize) -> Reads<M> {
        Reads { incarnation, surveys: 0, max, waiting: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When the oldest read has waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|read| read.asked.until)
    }

    fn holds(&self, client: ProcessId, id: u64) -> bool {
        self.waiting.iter().any(|read| (read.asked.client, read.asked.id) == (client, id))
    }

    /// The survey under way yielded `end`.
    fn place(&mut self, end: Slot) {
        for read in self.waiting.iter_mut().filter(|read| read.stage == ReadStage::Surveyed) {
            read.stage = ReadStage::Placed(end);
        }
    }

    /// Removes a read that can be answered from the log below `applied`.
    fn pop_ready(&mut self, applied: Slot) -> Option<Parked<M>> {
        let is_ready = |read: &PendingRead<M>| match read.stage {
            ReadStage::Placed(end) => end.max(read.asked.seen) <= applied,
            ReadStage::Arrived | ReadStage::Surveyed => false,
        };
        let place = self.waiting.iter().position(is_ready)?;
        self.waiting.remove(place).map(|read| read.asked)
    }

    /// The next survey, if some reads wait for one and none is under way. It serves all of them. The slot is the
    /// greatest result of earlier surveys for which reads still wait.
    fn next_survey(&mut self) -> Option<(SurveyId, Slot)> {
        let is_under_way = self.waiting.iter().any(|read| read.stage == ReadStage::Surveyed);
        if is_under_way || self.waiting.iter().all(|read| read.stage != ReadStage::Arrived) {
            return None;
        }
        let mut wanted = Slot(0);
        for read in &mut self.waiting {
            match read.stage {
                ReadStage::Arrived => read.stage = ReadStage::Surveyed,
                ReadStage::Placed(end) => wanted = wanted.max(end),
                ReadStage::Surveyed => {}
            }
        }
        self.surveys += 1;
        Some((SurveyId { incarnation: self.incarnation, count: self.surveys }, wanted))
    }
}

impl<M: Machine> Site<M> {
    pub(super) fn on_read(&mut self, asked: Parked<M>, effects: &mut Effects<Replicated<M>>) {
        if self.reads.holds(asked.client, asked.id) {
            // Asked again while it waits: the first asking set the deadline.
        } else {
            let clients = self.reads.waiting.iter().map(|read| read.asked.client);
            let late = match waiting::find(clients, asked.client, self.reads.max) {
                Room::None => return self.turn_away(&asked, effects),
                Room::InsteadOf(place) => self.reads.waiting.remove(place),
                Room::Free => None,
            };
            self.reads.waiting.push_back(PendingRead { asked, stage: ReadStage::Arrived });
            if let Some(late) = late {
                self.turn_away(&late.asked, effects);
            }
        }
    }

    /// Turns away the reads that have waited long enough.
    pub(super) fn expire_reads(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        while let Some(late) = self.reads.waiting.pop_front_if(|read| read.asked.until <= now) {
            self.turn_away(&late.asked, effects);
        }
    }

    /// Answers the reads that are ready, and surveys the logs for those that came since the last survey began.
    pub(super) fn settle_reads(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        while !self.reads.waiting.is_empty() {
            if let Some(end) = self.paxos.surveyed() {
                self.reads.place(end);
            }
            while let Some(asked) = self.reads.pop_ready(self.replica().applied()) {
                self.send_query_reply(&asked, effects);
            }
            // Where one site is a quorum, a survey is over as soon as it begins.
            let Some((id, wanted)) = self.reads.next_survey() else { break };
            self.paxos.survey(now, id, wanted, effects);
        }
        if self.reads.waiting.is_empty() {
            self.paxos.end_survey();
        }
    }
}

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;
