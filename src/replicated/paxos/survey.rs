//! Surveys: how far the logs of enough sites reach, so that a read misses nothing that was chosen before it.
//!
//! After Charapko, Ailijani and Demirbas, "Linearizable Quorum Reads in Paxos" (HotStorage 2019): any site asks the
//! others, no leader takes part as such, and no clock is trusted. The site that asked applies everything below the slot
//! that the survey yields, and then reads. Nothing here decides what is chosen, except that a leader closes slots that
//! it would have left alone.
//!
//! 1. A survey serves only what was asked before it began. No incarnation uses its id again, so an answer to an earlier
//!    survey counts for nothing.
//! 2. A site is counted once, however often it answers.
//! 3. The answer of a site counts all that it accepted, durable or not. Too much is safe: the read then waits for more.

use super::{Ballot, Entry, Paxos, PaxosMessage, PaxosNote, Phase, Port, Slot, Value};
use crate::ids::{SiteId, SiteSet};
use crate::time::Instant;

/// Identifies a survey of a site.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SurveyId {
    /// The incarnation that asks. It is durable before its site starts.
    pub incarnation: u64,
    /// Counts its surveys from 1.
    pub count: u64,
}

impl SurveyId {
    /// No survey, as no incarnation is 0: the sender asks nothing, and reports how far some site's log reaches.
    pub const NONE: SurveyId = SurveyId { incarnation: 0, count: 0 };
}

wire_struct!(SurveyId { incarnation, count });

impl core::fmt::Display for SurveyId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.incarnation, self.count)
    }
}

/// A survey under way, or one whose result is still needed.
#[derive(Clone, Debug)]
pub(super) struct Survey {
    id: SurveyId,
    /// The sites that answered, itself included.
    answered: SiteSet,
    /// One past the last slot in which any of them holds anything. Fixed once enough answered.
    end: Slot,
    /// The result of earlier surveys for which a read still waits.
    wanted: Slot,
    /// The greatest watermark in an answer, and its sender.
    chosen: (Slot, SiteId),
    pub(super) resend_at: Instant,
}

wire_struct!(Survey { id, answered, end, wanted, chosen, resend_at });

impl<V: Value> Paxos<V> {
    /// Asks all sites how far their logs reach, and drops any earlier survey. `wanted` is the result of an earlier
    /// survey, if a read still waits for that.
    pub fn survey(&mut self, now: Instant, id: SurveyId, wanted: Slot, port: &mut impl Port<V>) {
        let (answered, end) = (SiteSet::EMPTY.with(self.me), self.log.end());
        let (chosen, resend_at) = ((self.log.chosen(), self.me), now + self.config.retry);
        self.survey = Some(Survey { id, answered, end, wanted, chosen, resend_at });
        port.note(PaxosNote::Surveys(id));
        let others = self.other_sites();
        if !others.is_empty() {
            port.send_independent(others, PaxosMessage::Survey { id, reach: end.max(wanted) });
        }
        self.conclude(now, port);
    }

    /// Forgets the survey.
    pub fn end_survey(&mut self) {
        self.survey = None;
    }

    /// One past the last slot that may have been chosen before the survey began; `None` before enough sites answered.
    pub fn surveyed(&self) -> Option<Slot> {
        let survey = self.survey.as_ref()?;
        // Whatever was chosen before was accepted, durably, by an accept quorum, which shares a site with every prepare
        // quorum. That site answered after its accept. It holds what it accepted for good, also after a restart, and
        // `Log::end` never falls. So the greatest answer of a prepare quorum is above every such slot.
        self.quorum().is_prepared(survey.answered).then_some(survey.end)
    }

    /// Reports how far its log reaches. The report waits for nothing: if a crash loses an accept that it counts, it
    /// reported too much.
    pub(super) fn on_survey(
        &mut self,
        now: Instant,
        from: SiteId,
        id: SurveyId,
        reach: Slot,
        port: &mut impl Port<V>,
    ) {
        let (end, chosen) = (self.log.end(), self.log.chosen());
        if id != SurveyId::NONE {
            port.send_independent(from, PaxosMessage::SurveyReply { id, end, chosen });
        }
        if reach.0 <= self.log.chosen().0 + self.config.open_max() {
            self.reach = self.reach.max(reach);
        }
        self.close_up_to(now, from, reach, port);
    }

    /// Reports what was accepted under an older ballot and is not known to be chosen, here or by another site's report,
    /// to the leader of `ballot` or to a site that hears it. The site that deposed the older ballot may not know of
    /// those slots, and no event may ever come that fills them: the leader closes them.
    pub(super) fn report_reach(&self, to: SiteId, ballot: Ballot, port: &mut impl Port<V>) {
        let reach = self.log.end().max(self.reach);
        let Some(last) = reach.0.checked_sub(1).map(Slot).filter(|last| *last >= self.log.chosen()) else {
            return;
        };
        let is_proposed =
            self.log.held(last).is_some_and(|held| held.ballot.is_none_or(|under| under >= ballot));
        if !is_proposed {
            port.send_independent(to, PaxosMessage::Survey { id: SurveyId::NONE, reach });
        }
    }

    pub(super) fn on_survey_reply(
        &mut self,
        now: Instant,
        from: SiteId,
        (id, end, chosen): (SurveyId, Slot, Slot),
        port: &mut impl Port<V>,
    ) {
        let is_over = self.surveyed().is_some();
        let Some(survey) = self.survey.as_mut().filter(|survey| survey.id == id) else { return };
        if chosen > survey.chosen.0 {
            survey.chosen = (chosen, from);
        }
        if is_over {
            return;
        }
        survey.answered.insert(from);
        survey.end = survey.end.max(end);
        self.conclude(now, port);
    }

    fn conclude(&mut self, now: Instant, port: &mut impl Port<V>) {
        if let Some(end) = self.surveyed() {
            port.note(PaxosNote::Surveyed(end));
            self.close_up_to(now, self.me, end, port);
        }
    }

    /// Asks the sites that did not answer once more. Once enough did, and what they hold is still not known here to be
    /// chosen, fetches what is chosen and reports to all sites how far the logs reach: one of them leads, or will.
    pub(super) fn survey_again(&mut self, now: Instant, port: &mut impl Port<V>) {
        let (others, retry, is_over) = (self.other_sites(), self.config.retry, self.surveyed().is_some());
        let Some(survey) = self.survey.as_mut().filter(|survey| now >= survey.resend_at) else { return };
        survey.resend_at = now + retry;
        let Survey { id, end, wanted, chosen: (chosen, by), .. } = *survey;
        let to = if is_over { others } else { others.minus(survey.answered) };
        if !to.is_empty() {
            port.send_independent(to, PaxosMessage::Survey { id, reach: end.max(wanted) });
        }
        self.learn_up_to(now, chosen, by, port);
        if is_over {
            self.close_up_to(now, self.me, end.max(wanted), port);
        }
    }

    /// Some site holds something below `reach` that this leader does not know. It was accepted under an older ballot,
    /// and by no site of the prepare quorum that promised this one. So nothing can have been chosen at or above the
    /// slot that is proposed next, and each such slot may be closed ("Paxos Made Simple", section 3). Reads wait for
    /// them, and no event may ever come that would fill them.
    fn close_up_to(&mut self, now: Instant, from: SiteId, reach: Slot, port: &mut impl Port<V>) {
        let Phase::Leading(leadership) = &self.phase else { return };
        let next = leadership.next();
        if reach.0 > self.log.chosen().0 + self.config.open_max() {
            let reason = "it reaches too far ahead of what is known to be chosen";
            port.note(PaxosNote::Ignored { from: from.into(), kind: "Survey", reason });
            return;
        }
        for slot in (next.0..reach.0).map(Slot) {
            if !self.has_room() {
                return;
            }
            port.note(PaxosNote::ClosesHole(slot));
            // Its record says that the no-op is new, unlike a campaign's: a no-op holds nothing that a leader could have
            // taken, so nobody asks.
            self.propose(now, Entry::noop(), port);
        }
    }
}

#[cfg(test)]
mod tests;
