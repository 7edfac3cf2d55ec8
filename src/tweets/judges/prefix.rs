//! Checks that what a site knows as chosen and applied never shrinks: within an incarnation no watermark that it
//! tells lies below one that it told before; behind a restart none lies below what it had durably marked as chosen;
//! and its durable marks only rise, for ever.
//!
//! What stands below a watermark is the same everywhere and for ever, or `agreement` and `timelines` object; so a
//! prefix that never shrinks never changes. Behind a restart a site may know less than it told before, up to its
//! last durable mark. Does not check the first slot of a `Prepare` (see `agreement`).
//!
//! Messages that wait for a sync are told in their order, those that wait for none in theirs, and the first kind
//! never before it could have left: so a waiting message is measured against waiting ones alone, another against
//! both.

use alloc::sync::Arc;

use crate::ids::{SITES_MAX, SiteId};
use crate::replicated::paxos::{self, Slot};
use crate::sim::Violation;
use crate::tweets::judges::SeenFact;
use crate::tweets::site::{Message, Record, Reply, Submission};

const PROPERTY: &str = "prefix";

/// The judge.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prefix {
    sites: [SitePrefix; SITES_MAX as usize],
}

/// What one site told in this incarnation.
#[derive(Clone, Copy, Debug, Default)]
struct SitePrefix {
    incarnation: u64,
    chosen: Watermark,
    applied: Watermark,
    /// The last durable mark, of any incarnation.
    marked: Slot,
}

/// How far one watermark was told.
#[derive(Clone, Copy, Debug, Default)]
struct Watermark {
    /// By messages that waited.
    waiting: Slot,
    /// By any.
    any: Slot,
}

/// Whether a message waits for a sync.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Waiting,
    AtOnce,
}

impl Prefix {
    pub(super) fn look(&mut self, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, incarnation, recovered } => {
                let Some(site) = process.as_site() else { return Ok(()) };
                let state = &mut self.sites[site.index()];
                let marks = recovered.iter().filter_map(mark);
                let floor = marks.max().unwrap_or_default();
                let told = Watermark { waiting: floor, any: floor };
                *state = SitePrefix { incarnation, chosen: told, applied: told, marked: state.marked };
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
        let tell = |told: &mut Watermark, what: &str, way: Wait, end: Slot| {
            let before = if way == Wait::Waiting { told.waiting } else { told.any };
            ensure!(
                before <= end,
                PROPERTY,
                "{site} told everything below {end} as {what}, but {before} earlier in incarnation {incarnation} \
                 or durably before it"
            );
            told.any = told.any.max(end);
            if way == Wait::Waiting {
                told.waiting = end;
            }
            Ok(())
        };
        match message {
            Message::Paxos { message } => match told_as_chosen(message) {
                Some((way, end)) => tell(chosen, "chosen", way, end),
                None => Ok(()),
            },
            Message::Told { applied: end, reply: Reply::Status { status }, .. } => {
                tell(chosen, "chosen", Wait::Waiting, status.chosen)?;
                tell(applied, "applied", Wait::Waiting, status.applied)?;
                tell(applied, "applied", Wait::Waiting, *end)
            }
            Message::Told { applied: end, .. } | Message::Behind { applied: end, .. } => {
                tell(applied, "applied", Wait::AtOnce, *end)
            }
            // It may repeat what was applied long ago, so it is no watermark; but it is a lower bound of one.
            Message::Applied { at, .. } => {
                let end = Slot(at.slot.saturating_add(1));
                let Watermark { waiting, any } = applied;
                (*waiting, *any) = (end.max(*waiting), end.max(*any));
                Ok(())
            }
            Message::Forward { .. }
            | Message::Relay { .. }
            | Message::Compare { .. }
            | Message::Compared { .. }
            | Message::Ask { .. }
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

/// The watermark of its sender, and whether it waits for a sync.
fn told_as_chosen(message: &paxos::PaxosMessage<Arc<Submission>>) -> Option<(Wait, Slot)> {
    match message {
        paxos::PaxosMessage::Promise(promise) => Some((Wait::Waiting, promise.chosen)),
        paxos::PaxosMessage::Nack { chosen, .. } | paxos::PaxosMessage::Supply { chosen, .. } => {
            Some((Wait::Waiting, *chosen))
        }
        paxos::PaxosMessage::Accept { chosen, .. }
        | paxos::PaxosMessage::Chosen { chosen, .. }
        | paxos::PaxosMessage::Heartbeat { chosen, .. }
        | paxos::PaxosMessage::Heard { chosen, .. }
        | paxos::PaxosMessage::Extent { chosen, .. } => Some((Wait::AtOnce, *chosen)),
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

    fn heard(chosen: u64) -> paxos::PaxosMessage<Arc<Submission>> {
        paxos::PaxosMessage::Heard {
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
        for message in [heard(1), heard(1), nack(1), heard(3), nack(2), nack(3), heard(3)] {
            stage.sent_by(site(1), message).unwrap();
        }
        stage.sent(site(1), C1, behind(2)).unwrap();
        stage.started_as_it_was(site(1), 2);
        stage.sent_by(site(1), heard(0)).unwrap();
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
        check(heard(2), heard(1), sentence);
        check(nack(2), nack(1), sentence);
        check(nack(2), heard(1), sentence);
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
        stage.sent_by(site(0), heard(3)).unwrap();
        stage.started_as_it_was(site(0), 2);
        stage.sent_by(site(0), heard(2)).unwrap();
        stage.started_as_it_was(site(0), 3);
        let sentence =
            "S0 told everything below 1 as chosen, but 2 earlier in incarnation 3 or durably before it";
        objects(stage.sent_by(site(0), heard(1)), "prefix", sentence);
        let sentence = "S0 durably marked everything below 1 as chosen, behind its mark of 2";
        objects(stage.durable(site(0), &[marked(1)]), "prefix", sentence);
    }
}
