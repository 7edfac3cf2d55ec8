//! Checks that what a site reports as chosen and applied never shrinks. Within an incarnation no watermark that it
//! reports is below an earlier one. After a restart none is below its last durable mark of what is chosen. Its durable
//! marks never go down.
//!
//! What is below a watermark is the same everywhere and for ever, or `agreement` and `timelines` object. So a prefix
//! that never shrinks never changes. After a restart a site may know less than it reported before, down to its last
//! durable mark. Does not check the first slot of a `Prepare` (see `agreement`).
//!
//! Messages that wait for a sync leave in the order in which the site made them, and so do messages that do not wait. A
//! waiting message may leave after messages that were made later. So its watermark is compared with those of waiting
//! messages alone; any other watermark is compared with both kinds.

use alloc::sync::Arc;

use crate::ids::{SITES_MAX, SiteId};
use crate::replicated::paxos::{self, Slot};
use crate::sim::Violation;
use crate::tweets::judges::{FactKinds, SeenFact};
use crate::tweets::site::{Message, Record, Reply, Submission};

const PROPERTY: &str = "prefix";

/// The judge.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prefix {
    sites: [SitePrefix; SITES_MAX as usize],
}

/// What one site reported in this incarnation.
#[derive(Clone, Copy, Debug, Default)]
struct SitePrefix {
    incarnation: u64,
    chosen: Watermark,
    applied: Watermark,
    /// The last durable mark, of any incarnation.
    marked: Slot,
}

/// The highest value of one watermark that a site reported.
#[derive(Clone, Copy, Debug, Default)]
struct Watermark {
    /// By messages that wait for a sync.
    waiting: Slot,
    /// By any message.
    any: Slot,
}

/// Whether a message waits for a sync.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Waiting,
    AtOnce,
}

impl Prefix {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::STARTED
        .and(FactKinds::DURABLE)
        .and(FactKinds::BEAT)
        .and(FactKinds::PAXOS)
        .and(FactKinds::ANSWER)
        .and(FactKinds::SHOWN);

    #[inline(never)]
    pub(super) fn look(&mut self, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, incarnation, recovered } => {
                let Some(site) = process.as_site() else { return Ok(()) };
                let state = &mut self.sites[site.index()];
                let marks = recovered.iter().filter_map(mark);
                let floor = marks.max().unwrap_or_default();
                let known = Watermark { waiting: floor, any: floor };
                *state = SitePrefix { incarnation, chosen: known, applied: known, marked: state.marked };
                Ok(())
            }
            SeenFact::Durable { site, records } => {
                records.iter().filter_map(mark).try_for_each(|end| self.on_mark(site, end))
            }
            SeenFact::Left { from, message, .. } => match from.as_site() {
                Some(site) => self.on_left(site, message),
                None => Ok(()),
            },
            SeenFact::Own { .. } => Ok(()),
        }
    }

    fn on_mark(&mut self, site: SiteId, end: Slot) -> Result<(), Violation> {
        let marked = &mut self.sites[site.index()].marked;
        ensure!(
            *marked <= end,
            PROPERTY,
            "{site} durably marked everything below {end} as chosen, behind its mark of {marked}"
        );
        *marked = end;
        Ok(())
    }

    fn on_left(&mut self, site: SiteId, message: &Message) -> Result<(), Violation> {
        let SitePrefix { incarnation, chosen, applied, .. } = &mut self.sites[site.index()];
        let raise = |known: &mut Watermark, what: &str, way: Wait, end: Slot| {
            let before = if way == Wait::Waiting { known.waiting } else { known.any };
            ensure!(
                before <= end,
                PROPERTY,
                "{site} told everything below {end} as {what}, but {before} earlier in incarnation {incarnation} \
                 or durably before it"
            );
            known.any = known.any.max(end);
            if way == Wait::Waiting {
                known.waiting = end;
            }
            Ok(())
        };
        match message {
            Message::Paxos { message } => match reported_chosen(message) {
                Some((way, end)) => raise(chosen, "chosen", way, end),
                None => Ok(()),
            },
            Message::QueryReply { applied: end, reply: Reply::Status { status }, .. } => {
                raise(chosen, "chosen", Wait::Waiting, status.chosen)?;
                raise(applied, "applied", Wait::Waiting, status.applied)?;
                raise(applied, "applied", Wait::Waiting, *end)
            }
            Message::QueryReply { applied: end, .. } | Message::Behind { applied: end, .. } => {
                raise(applied, "applied", Wait::AtOnce, *end)
            }
            // The answer may repeat an old one, so its position is no watermark, only a lower bound of one.
            Message::Applied { at, .. } => {
                let end = Slot(at.slot.saturating_add(1));
                let Watermark { waiting, any } = applied;
                (*waiting, *any) = (end.max(*waiting), end.max(*any));
                Ok(())
            }
            Message::Forward { .. }
            | Message::Relay { .. }
            | Message::Compare { .. }
            | Message::CompareReply { .. }
            | Message::Request { .. }
            | Message::Taken { .. }
            | Message::Expired { .. }
            | Message::Busy { .. }
            | Message::Query { .. } => Ok(()),
        }
    }
}

fn mark(record: &Record) -> Option<Slot> {
    match record {
        Record::Paxos { record: paxos::PaxosRecord::Chosen(end) } => Some(*end),
        Record::Paxos { .. } | Record::Taken { .. } => None,
    }
}

/// The watermark of the sender, and whether the message waits for a sync.
fn reported_chosen(message: &paxos::PaxosMessage<Arc<Submission>>) -> Option<(Wait, Slot)> {
    match message {
        paxos::PaxosMessage::Promise(promise) => Some((Wait::Waiting, promise.chosen)),
        paxos::PaxosMessage::Nack { chosen, .. } | paxos::PaxosMessage::FetchReply { chosen, .. } => {
            Some((Wait::Waiting, *chosen))
        }
        paxos::PaxosMessage::Accept { chosen, .. }
        | paxos::PaxosMessage::Chosen { chosen, .. }
        | paxos::PaxosMessage::Heartbeat { chosen, .. }
        | paxos::PaxosMessage::HeartbeatReply { chosen, .. }
        | paxos::PaxosMessage::SurveyReply { chosen, .. } => Some((Wait::AtOnce, *chosen)),
        paxos::PaxosMessage::Prepare { .. }
        | paxos::PaxosMessage::Accepted { .. }
        | paxos::PaxosMessage::Fetch { .. }
        | paxos::PaxosMessage::Survey { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicated::paxos::Claim;
    use crate::tweets::judges::stage::{C1, Stage, applied, ballot, objects, site, tweet};
    use crate::tweets::site::Answer;
    use crate::tweets::timeline::TimelineOutcome;

    fn heartbeat_reply(chosen: u64) -> paxos::PaxosMessage<Arc<Submission>> {
        paxos::PaxosMessage::HeartbeatReply {
            ballot: ballot(1, 2),
            chosen: Slot(chosen),
            beat: 1,
            applied: Claim::default(),
        }
    }

    fn nack(chosen: u64) -> paxos::PaxosMessage<Arc<Submission>> {
        paxos::PaxosMessage::Nack {
            ballot: ballot(1, 2),
            promised: ballot(1, 2),
            chosen: Slot(chosen),
            leader: None,
        }
    }

    fn marked(end: u64) -> Record {
        Record::Paxos { record: paxos::PaxosRecord::Chosen(Slot(end)) }
    }

    fn behind(applied: u64) -> Message {
        Message::Behind { id: 9, applied: Slot(applied) }
    }

    #[test]
    fn a_watermark_that_rises_passes_and_a_waiting_one_may_come_late() {
        let mut stage = Stage::three_chosen();
        for message in [
            heartbeat_reply(1),
            heartbeat_reply(1),
            nack(1),
            heartbeat_reply(3),
            nack(2),
            nack(3),
            heartbeat_reply(3),
        ] {
            stage.sent_by(site(1), message).unwrap();
        }
        stage.sent(site(1), C1, behind(2)).unwrap();
        stage.started_as_it_was(site(1), 2);
        stage.sent_by(site(1), heartbeat_reply(0)).unwrap();
        stage.sent(site(1), C1, behind(0)).unwrap();
    }

    #[test]
    fn a_watermark_that_shrinks_is_caught() {
        let check = |first, second, sentence: &str| {
            let mut stage = Stage::three_chosen();
            stage.sent_by(site(1), first).unwrap();
            objects(stage.sent_by(site(1), second), "prefix", sentence);
        };
        let sentence = "S1 told everything below 1 as chosen, but 2 earlier in incarnation 1";
        check(heartbeat_reply(2), heartbeat_reply(1), sentence);
        check(nack(2), nack(1), sentence);
        check(nack(2), heartbeat_reply(1), sentence);
    }

    #[test]
    fn an_applied_prefix_that_shrinks_is_caught() {
        let sentence = "S1 told everything below 1 as applied, but 2 earlier";
        let mut one = Stage::three_chosen();
        one.sent(site(1), C1, behind(2)).unwrap();
        objects(one.sent(site(1), C1, behind(1)), "prefix", sentence);
        let mut other = Stage::three_chosen();
        other.sent(site(1), C1, applied(&tweet(1, "a"), (1, 0), Answer::Of(TimelineOutcome::Done))).unwrap();
        objects(other.sent(site(1), C1, behind(1)), "prefix", sentence);
    }

    #[test]
    fn a_restart_goes_back_to_the_durable_mark_and_no_further() {
        let mut stage = Stage::three_chosen();
        stage.durable(site(0), &[marked(2)]).unwrap();
        stage.sent_by(site(0), heartbeat_reply(3)).unwrap();
        stage.started_as_it_was(site(0), 2);
        stage.sent_by(site(0), heartbeat_reply(2)).unwrap();
        stage.started_as_it_was(site(0), 3);
        let sentence =
            "S0 told everything below 1 as chosen, but 2 earlier in incarnation 3 or durably before it";
        objects(stage.sent_by(site(0), heartbeat_reply(1)), "prefix", sentence);
        let sentence = "S0 durably marked everything below 1 as chosen, behind its mark of 2";
        objects(stage.durable(site(0), &[marked(1)]), "prefix", sentence);
    }
}
