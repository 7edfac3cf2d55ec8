//! Checks that a slot is chosen once:
//!
//! - No two entries go under one ballot of a slot.
//! - Nothing else is proposed or accepted above a ballot that chose.
//! - What a site durably learned, serves, or reports as chosen is what a quorum durably accepted.
//! - Every watermark lies below an unbroken chosen prefix. A `Prepare` asks a site for slots from the end of that
//!   prefix or below, or from as far as that site's promise has come.
//! - A durable watermark covers only slots whose chosen entry the site itself durably holds.
//!
//! Where the journals say that the log begins above slot 0, nothing below that slot is chosen, accepted or marked.
//!
//! Does not check who may send under a ballot or what a promise omits (see `durability`), nor what entries mean. A
//! watermark of a site that is right by luck passes.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SITES_MAX, SiteId};
use crate::process::Recipients;
use crate::replicated::paxos::{self, Ballot, Slot};
use crate::sim::Violation;
use crate::tweets::judges::chosen::{ChosenLog, LogEntry};
use crate::tweets::judges::describe::Shown;
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{FactKinds, SeenFact, broken};
use crate::tweets::site::{Message, Record, Reply, Submission};
use crate::tweets::timeline::TimelineReply;

const PROPERTY: &str = "agreement";

/// The judge, and the chosen log that it derives.
#[derive(Clone, Debug)]
pub struct Agreement {
    log: ChosenLog,
    /// By site, how far its durable watermark is checked.
    marked: [u64; SITES_MAX as usize],
    /// By site and ballot, the ranges that the site reported: its chosen prefix, and the parts of its promise.
    reported: CowMap<(SiteId, Ballot), Vec<(Slot, Slot)>>,
}

impl Agreement {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::DURABLE
        .and(FactKinds::BEAT)
        .and(FactKinds::PAXOS)
        .and(FactKinds::ANSWER)
        .and(FactKinds::SHOWN);

    /// A judge for a cluster of `sites` sites.
    pub fn new(sites: u8) -> Agreement {
        Agreement { log: ChosenLog::new(sites), marked: [0; SITES_MAX as usize], reported: CowMap::default() }
    }

    /// The log chosen so far.
    pub fn log(&self) -> &ChosenLog {
        &self.log
    }

    /// The log begins at `first`: nothing below is judged.
    pub fn begin_at(&mut self, first: Slot) {
        self.log.begin_at(first);
        self.marked = [first.0; SITES_MAX as usize];
    }

    #[inline(never)]
    pub(super) fn look(&mut self, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { .. } | SeenFact::Own { .. } => Ok(()),
            SeenFact::Durable { site, records } => {
                records.iter().try_for_each(|record| self.on_durable(site, record))?;
                // Records of one batch are unordered: a mark may come before the records that it covers.
                let marks = records.iter().filter_map(|record| match record {
                    Record::Paxos { record: paxos::PaxosRecord::Chosen(end) } => Some(*end),
                    _ => None,
                });
                marks.max().map_or(Ok(()), |end| self.on_mark(site, end))
            }
            SeenFact::Left { from, to, message } => match from.as_site() {
                Some(site) => self.on_left(site, to, message),
                None => Ok(()),
            },
        }
    }

    fn on_durable(&mut self, site: SiteId, record: &Record) -> Result<(), Violation> {
        let Record::Paxos { record } = record else { return Ok(()) };
        match record {
            paxos::PaxosRecord::Promised(_) | paxos::PaxosRecord::Chosen(_) => Ok(()),
            paxos::PaxosRecord::Begins(first) => {
                let begins = self.log.first();
                ensure!(
                    *first == begins,
                    PROPERTY,
                    "{site} durably began its log at slot {first}, where that of the cluster begins at {begins}"
                );
                Ok(())
            }
            paxos::PaxosRecord::Accepted { ballot, slot, entry, .. } => {
                self.log.accept(site, *slot, *ballot, entry).or_else(|why| broken(PROPERTY, why))
            }
            paxos::PaxosRecord::Learned { slot, entry } => {
                self.check_chosen(site, "learned", *slot, entry)?;
                self.log.learn(site, *slot);
                Ok(())
            }
        }
    }

    fn on_mark(&mut self, site: SiteId, end: Slot) -> Result<(), Violation> {
        self.check_below(site, "durably marked as chosen", end)?;
        let marked = &mut self.marked[site.index()];
        for slot in *marked..end.0 {
            ensure!(
                self.log.is_held(site, Slot(slot)),
                PROPERTY,
                "slot {slot}: {site} marked everything below {end} as chosen, but does not hold what is chosen there"
            );
        }
        *marked = end.0.max(*marked);
        Ok(())
    }

    fn on_left(&mut self, site: SiteId, to: Recipients, message: &Message) -> Result<(), Violation> {
        match message {
            Message::Paxos { message } => self.on_paxos(site, to, message),
            Message::Applied { at, .. } => {
                self.check_below(site, "answered from", Slot(at.slot.saturating_add(1)))
            }
            Message::QueryReply { applied, reply, .. } => {
                self.check_below(site, "told as applied", *applied)?;
                match reply {
                    Reply::Status { status } => {
                        self.check_below(site, "told as chosen", status.chosen)?;
                        self.check_below(site, "told as applied", status.applied)
                    }
                    Reply::Of(TimelineReply::View { .. })
                    | Reply::Log { .. }
                    | Reply::Of(TimelineReply::Blocks { .. }) => Ok(()),
                }
            }
            Message::Behind { applied, .. } => self.check_below(site, "told as applied", *applied),
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

    fn on_paxos(
        &mut self,
        site: SiteId,
        to: Recipients,
        message: &paxos::PaxosMessage<Arc<Submission>>,
    ) -> Result<(), Violation> {
        const SENT: &str = "sent as chosen";
        match message {
            paxos::PaxosMessage::Prepare { ballot, first } => self.check_asked(site, to, *ballot, *first),
            paxos::PaxosMessage::Promise(promise) => {
                self.check_below(site, SENT, promise.chosen)?;
                let reported = self.reported.entry((site, promise.ballot));
                for part in [(Slot(0), promise.chosen), (promise.from, promise.to)] {
                    if !reported.contains(&part) {
                        reported.push(part);
                    }
                }
                let mut known = promise.reports.iter().filter(|report| report.ballot.is_none());
                known.try_for_each(|report| {
                    self.check_chosen(site, "reported as chosen", report.slot, &report.entry)
                })
            }
            paxos::PaxosMessage::Accept { ballot, slot, chosen, entry } => {
                self.check_below(site, SENT, *chosen)?;
                self.log.propose(*slot, *ballot, entry).or_else(|why| broken(PROPERTY, why))
            }
            paxos::PaxosMessage::FetchReply { slot, entry, chosen } => {
                self.check_below(site, SENT, *chosen)?;
                self.check_chosen(site, "supplied", *slot, entry)
            }
            paxos::PaxosMessage::Chosen { chosen, .. }
            | paxos::PaxosMessage::Nack { chosen, .. }
            | paxos::PaxosMessage::Heartbeat { chosen, .. }
            | paxos::PaxosMessage::HeartbeatReply { chosen, .. }
            | paxos::PaxosMessage::SurveyReply { chosen, .. } => self.check_below(site, SENT, *chosen),
            paxos::PaxosMessage::Accepted { .. }
            | paxos::PaxosMessage::Fetch { .. }
            | paxos::PaxosMessage::Survey { .. } => Ok(()),
        }
    }

    fn check_chosen(&self, site: SiteId, how: &str, slot: Slot, entry: &LogEntry) -> Result<(), Violation> {
        let Some(chosen) = self.log.entry(slot) else {
            let entry = Shown(entry);
            return broken(
                PROPERTY,
                format!("slot {slot}: {site} {how} {entry}, but nothing is chosen there"),
            );
        };
        let (shown, is) = (Shown(entry), Shown(chosen));
        ensure!(chosen == entry, PROPERTY, "slot {slot}: {site} {how} {shown}, but {is} is chosen");
        Ok(())
    }

    /// A `Prepare` skips slots above the chosen prefix only if its recipient has reported them.
    fn check_asked(&self, by: SiteId, to: Recipients, ballot: Ballot, first: Slot) -> Result<(), Violation> {
        let end = self.log.end();
        if first <= end {
            return Ok(());
        }
        for site in to.iter().filter_map(ProcessId::as_site) {
            let mut parts = self.reported.get(&(site, ballot)).cloned().unwrap_or_default();
            parts.sort_unstable();
            let reached =
                parts.iter().fold(end, |end, (from, to)| if *from <= end { end.max(*to) } else { end });
            ensure!(
                first <= reached,
                PROPERTY,
                "slot {reached}: {by} asks {site} under {ballot} from slot {first} on, but nothing is chosen there and \
                 {site} did not say what it holds"
            );
        }
        Ok(())
    }

    fn check_below(&self, site: SiteId, how: &str, end: Slot) -> Result<(), Violation> {
        let first = self.log.end();
        ensure!(
            end <= first,
            PROPERTY,
            "slot {first}: {site} {how} everything below {end}, but nothing is chosen in slot {first}"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicated::paxos::{Claim, Entry, Promise, Report};
    use crate::tweets::judges::stage::{
        Stage, accept, accepted, ballot, entry, numbered, objects, open, site, taken,
    };

    fn submission(nonce: u64) -> Arc<Submission> {
        numbered(0, (1, nonce), (0, 0), open(nonce))
    }

    fn learned(slot: u64, nonce: u64) -> Record {
        let (slot, entry) = (Slot(slot), entry(&[&submission(nonce)]));
        Record::Paxos { record: paxos::PaxosRecord::Learned { slot, entry } }
    }

    fn marked(end: u64) -> Record {
        Record::Paxos { record: paxos::PaxosRecord::Chosen(Slot(end)) }
    }

    /// Two openings were asked for. S0 and S1 accepted the first one for slot 0 under 1.0.
    fn stage() -> Stage {
        let mut stage = Stage::new(5);
        stage.asked(&open(1));
        stage.asked(&open(2));
        let own = [taken(&submission(1)), accepted(1, 0, 0, &[&submission(1)])];
        stage.durable(site(0), &own).unwrap();
        stage.durable(site(1), &[accepted(1, 0, 0, &[&submission(1)])]).unwrap();
        stage
    }

    fn chosen() -> Stage {
        let mut stage = stage();
        stage.durable(site(2), &[accepted(1, 0, 0, &[&submission(1)])]).unwrap();
        stage
    }

    #[test]
    fn a_slot_is_chosen_by_more_than_half_under_one_ballot() {
        let mut stage = stage();
        stage.durable(site(2), &[accepted(2, 2, 0, &[&submission(1)])]).unwrap();
        assert_eq!(stage.judges.log().end(), Slot(0), "three accepts under two ballots choose nothing");
        stage.durable(site(3), &[accepted(1, 0, 0, &[&submission(1)])]).unwrap();
        assert_eq!(stage.judges.log().end(), Slot(1));
        stage.durable(site(4), &[learned(0, 1), marked(1)]).unwrap();
        stage.durable(site(2), &[marked(1)]).unwrap();
    }

    #[test]
    fn a_second_entry_above_a_ballot_that_chose_is_caught() {
        let sentence =
            "slot 0: S0 and S1 and S2 durably accepted \"C1 opens a session\" (1.1 of S0) under 1.0, yet";
        let result = chosen().durable(site(3), &[accepted(2, 3, 0, &[&submission(2)])]);
        objects(result, "agreement", sentence);
        let result = chosen().sent_by(site(3), accept(2, 3, 0, &[&submission(2)]));
        objects(result, "agreement", "yet S3 proposed \"C1 opens a session\" (1.2 of S0) under 2.3");
        // The other way round: first the higher ballot, then the quorum of the lower one.
        let mut stage = stage();
        stage.durable(site(3), &[accepted(2, 3, 0, &[])]).unwrap();
        let result = stage.durable(site(2), &[accepted(1, 0, 0, &[&submission(1)])]);
        objects(result, "agreement", "yet S3 accepted a no-op under 2.3");
    }

    #[test]
    fn two_entries_under_one_ballot_are_caught() {
        let result = stage().durable(site(3), &[accepted(1, 0, 0, &[&submission(2)])]);
        objects(result, "agreement", "slot 0: both");
        let result = stage().sent_by(site(0), accept(1, 0, 0, &[]));
        objects(result, "agreement", "and a no-op go under 1.0");
    }

    /// What is kept of a slot that is chosen is short, and grows again when a later ballot comes to it.
    #[test]
    fn a_chosen_slot_is_held_against_whatever_comes_later() {
        let both =
            "slot 0: both \"C1 opens a session\" (1.1 of S0) and \"C1 opens a session\" (1.2 of S0) go under";
        let mut stage = chosen();
        objects(stage.clone().durable(site(3), &[accepted(1, 0, 0, &[&submission(2)])]), "agreement", both);
        stage.durable(site(3), &[accepted(1, 0, 0, &[&submission(1)])]).unwrap();
        stage.durable(site(4), &[accepted(2, 4, 0, &[&submission(1)])]).unwrap();
        objects(stage.clone().durable(site(3), &[accepted(2, 4, 0, &[&submission(2)])]), "agreement", both);
        objects(stage.clone().durable(site(3), &[accepted(1, 0, 0, &[&submission(2)])]), "agreement", both);
        stage.durable(site(3), &[marked(1)]).unwrap();
        let accepted_by = |number, round, site| {
            let vote = stage.judges.log().accepted(self::site(number), Slot(0), ballot(round, site));
            vote.is_some()
        };
        assert!(accepted_by(3, 1, 0) && accepted_by(4, 2, 4) && accepted_by(0, 1, 0));
        assert!(!accepted_by(4, 1, 0) && !accepted_by(3, 2, 4));
    }

    #[test]
    fn only_what_is_chosen_is_learned_served_and_reported_as_chosen() {
        let supply = |nonce| {
            let (slot, entry) = (Slot(0), entry(&[&submission(nonce)]));
            paxos::PaxosMessage::FetchReply { slot, entry, chosen: Slot(0) }
        };
        let promise = |slot, nonce| {
            let entry = entry(&[&submission(nonce)]);
            let reports = alloc::vec![Report { slot: Slot(slot), ballot: None, entry }];
            let (from, to, end, chosen) = (Slot(0), Slot(2), Slot(2), Slot(0));
            paxos::PaxosMessage::Promise(Promise {
                ballot: ballot(1, 0),
                from,
                to,
                end,
                chosen,
                sync: 0,
                reports,
            })
        };
        chosen().sent_by(site(2), supply(1)).unwrap();
        objects(chosen().sent_by(site(2), supply(2)), "agreement", "slot 0: S2 supplied");
        objects(stage().sent_by(site(2), supply(1)), "agreement", "but nothing is chosen there");
        chosen().sent_by(site(2), promise(0, 1)).unwrap();
        objects(chosen().sent_by(site(2), promise(0, 2)), "agreement", "slot 0: S2 reported as chosen");
        objects(chosen().sent_by(site(2), promise(1, 1)), "agreement", "slot 1: S2 reported as chosen");
        objects(stage().durable(site(4), &[learned(0, 1)]), "agreement", "slot 0: S4 learned");
    }

    #[test]
    fn a_watermark_above_what_is_chosen_is_caught() {
        let messages = |end| {
            let (ballot, chosen) = (ballot(1, 0), Slot(end));
            [
                paxos::PaxosMessage::Chosen { ballot, chosen },
                paxos::PaxosMessage::Heartbeat {
                    ballot,
                    chosen,
                    beat: 1,
                    hears: crate::ids::SiteSet::first(9),
                    applied: Claim::default(),
                },
                paxos::PaxosMessage::HeartbeatReply { ballot, chosen, beat: 1, applied: Claim::default() },
                paxos::PaxosMessage::Nack { ballot, promised: ballot, chosen, leader: None },
                paxos::PaxosMessage::Accept { ballot, slot: Slot(1), chosen, entry: Entry::noop() },
            ]
        };
        for message in messages(2) {
            let sentence = "slot 1: S0 sent as chosen everything below 2, but nothing is chosen in slot 1";
            objects(chosen().sent_by(site(0), message), "agreement", sentence);
        }
        for message in messages(1).into_iter().take(4) {
            chosen().sent_by(site(0), message).unwrap();
        }
        objects(chosen().durable(site(0), &[marked(2)]), "agreement", "S0 durably marked as chosen");
    }

    #[test]
    fn a_promise_that_came_in_part_is_asked_for_from_there_on() {
        let mut stage = Stage::new(3);
        stage.prepared(site(0), 1);
        let ballot = ballot(1, 0);
        stage.durable(site(1), &[Record::Paxos { record: paxos::PaxosRecord::Promised(ballot) }]).unwrap();
        let part = |from, to| {
            let (from, to, end, chosen) = (Slot(from), Slot(to), Slot(6), Slot(0));
            let promise = Promise { ballot, from, to, end, chosen, sync: 0, reports: alloc::vec![] };
            Message::Paxos { message: paxos::PaxosMessage::Promise(promise) }
        };
        stage.sent(site(1), site(0), part(0, 2)).unwrap();
        stage.sent(site(1), site(0), part(3, 4)).unwrap();
        let asks = |stage: &Stage, to, first| {
            let message =
                Message::Paxos { message: paxos::PaxosMessage::Prepare { ballot, first: Slot(first) } };
            stage.clone().sent(site(0), site(to), message)
        };
        asks(&stage, 1, 2).unwrap();
        let sentence = "slot 2: S0 asks S1 under 1.0 from slot 4 on";
        objects(asks(&stage, 1, 4), "agreement", sentence);
        objects(asks(&stage, 2, 2), "agreement", "slot 0: S0 asks S2 under 1.0 from slot 2 on");
        stage.sent(site(1), site(0), part(2, 3)).unwrap();
        asks(&stage, 1, 4).unwrap();
    }

    #[test]
    fn a_slot_out_of_all_bounds_is_caught_at_once() {
        let result = chosen().durable(site(3), &[accepted(1, 0, 1 << 20, &[])]);
        objects(result, "agreement", "is proposed, but nothing is chosen in slot 1");
    }

    #[test]
    fn a_mark_over_an_entry_of_another_ballot_is_caught() {
        let mut stage = stage();
        stage.durable(site(4), &[accepted(0, 4, 0, &[&submission(2)])]).unwrap();
        stage.durable(site(2), &[accepted(1, 0, 0, &[&submission(1)])]).unwrap();
        let sentence =
            "slot 0: S4 marked everything below 1 as chosen, but does not hold what is chosen there";
        objects(stage.durable(site(4), &[marked(1)]), "agreement", sentence);
    }
}
