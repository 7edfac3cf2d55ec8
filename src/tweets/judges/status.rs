//! Checks the statuses that sites report against what is durable on their disks:
//!
//! - A site reports its own status.
//! - The ballot lies between the durable promise when the query arrived and the durable promise when the answer leaves.
//! - So does the queue's count: the submissions that the site durably took and that the chosen log does not hold below
//!   the site's applied slot.
//! - Nothing is applied that is not known as chosen.
//! - Only a site that follows itself, under its own ballot, reports that it leads.
//!
//! Other judges check the rest: `agreement` that what is reported as chosen is chosen, `digests` the digest of the
//! applied log, and `prefix` that neither watermark goes back. Does not check that a site whose log differs says so.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SITES_MAX, SiteId};
use crate::process::Recipients;
use crate::replicated::paxos::{self, Ballot, Slot};
use crate::sim::Violation;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact};
use crate::tweets::site::{Message, Number, Phase, Record, Reply, Status};

const PROPERTY: &str = "status";

/// The judge.
#[derive(Clone, Debug)]
pub struct Statuses {
    sites: Vec<DurableFacts>,
    /// The durable facts when a status was asked for, by site, client, and query id.
    asked: BTreeMap<(SiteId, ProcessId, u64), Floor>,
}

/// What one site made durable, and what the log took of it.
#[derive(Clone, Debug, Default)]
struct DurableFacts {
    promised: Ballot,
    /// Ascending.
    taken: Vec<Number>,
    /// The last number that the log has taken below each slot; both ascending.
    applied: Vec<(Slot, Number)>,
}

/// The least that a status may report.
#[derive(Clone, Copy, Debug)]
struct Floor {
    promised: Ballot,
    taken: usize,
}

impl Default for Statuses {
    fn default() -> Statuses {
        Statuses {
            sites: alloc::vec![DurableFacts::default(); usize::from(SITES_MAX)],
            asked: BTreeMap::new(),
        }
    }
}

impl Statuses {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::STARTED.and(FactKinds::DURABLE).and(FactKinds::SHOWN);

    #[inline(never)]
    pub(super) fn look(&mut self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, .. } => {
                self.asked.retain(|(site, _, _), _| ProcessId::from(*site) != process);
                Ok(())
            }
            SeenFact::Durable { site, records } => {
                records.iter().for_each(|record| self.sites[site.index()].on_durable(site, record));
                Ok(())
            }
            SeenFact::Left {
                from,
                to,
                message: Message::QueryReply { id, reply: Reply::Status { status }, .. },
            } => match (from.as_site(), to) {
                (Some(site), Recipients::One(client)) => self.on_status(known, site, client, *id, status),
                _ => Ok(()),
            },
            SeenFact::Left { .. } | SeenFact::Own { .. } => Ok(()),
        }
    }

    /// `client` asks `site` for its status with this query id.
    pub(super) fn on_asked(&mut self, site: SiteId, client: ProcessId, id: u64) {
        let disk = &self.sites[site.index()];
        let floor = Floor { promised: disk.promised, taken: disk.taken.len() };
        // A query may arrive twice, and its first copy be answered after the second arrives.
        self.asked.entry((site, client, id)).or_insert(floor);
    }

    fn on_status(
        &mut self,
        known: JudgeContext<'_>,
        site: SiteId,
        client: ProcessId,
        id: u64,
        status: &Status,
    ) -> Result<(), Violation> {
        let Status { site: of, phase, ballot, leader, chosen, applied, queue, digest: _ } = *status;
        ensure!(of == site, PROPERTY, "{site} told the status of {of}");
        ensure!(
            applied <= chosen,
            PROPERTY,
            "{site} told that it applied everything below {applied}, and knows that below {chosen} as chosen"
        );
        let leads = leader == Some(site) && ballot.site == site;
        ensure!(
            phase != Phase::Leading || leads,
            PROPERTY,
            "{site} told that it leads, that it promised {ballot}, and that it follows {leader:?}"
        );
        let Some(floor) = self.asked.get(&(site, client, id)).copied() else {
            return super::broken(
                PROPERTY,
                alloc::format!("{site} told {client} its status, which it was not asked for"),
            );
        };
        let disk = &mut self.sites[site.index()];
        let (least, most) = (floor.promised, disk.promised);
        ensure!(
            least <= ballot,
            PROPERTY,
            "{site} told that it promised {ballot}, but {least} was durable there when it was asked"
        );
        ensure!(
            ballot <= most,
            PROPERTY,
            "{site} told that it promised {ballot}, but {most} is all that is durable there"
        );
        let last = disk.applied_below(known, site, applied);
        let waiting =
            |taken: &[Number]| (taken.len() - taken.partition_point(|number| *number <= last)) as u64;
        let (least, most) =
            (waiting(disk.taken.get(..floor.taken).unwrap_or_default()), waiting(&disk.taken));
        ensure!(
            (least..=most).contains(&queue),
            PROPERTY,
            "{site} told that {queue} requests wait in its queue, but {least} to {most} that it took are not in the \
             log below {applied}"
        );
        Ok(())
    }
}

impl DurableFacts {
    fn on_durable(&mut self, site: SiteId, record: &Record) {
        match record {
            Record::Paxos { record: paxos::PaxosRecord::Promised(ballot) }
            | Record::Paxos { record: paxos::PaxosRecord::Accepted { ballot, .. } } => {
                self.promised = self.promised.max(*ballot);
            }
            Record::Paxos {
                record:
                    paxos::PaxosRecord::Learned { .. }
                    | paxos::PaxosRecord::Chosen(_)
                    | paxos::PaxosRecord::Begins(_),
            } => {}
            Record::Taken { .. } => {}
        }
        for submission in record.taken_by(site) {
            if self.taken.last().is_none_or(|last| *last < submission.number) {
                self.taken.push(submission.number);
            }
        }
    }

    /// The number of the last submission of `site` that the chosen log takes below `end`. The log takes a submission
    /// only if its predecessor is the last one taken, or an earlier one, and its own number is greater.
    fn applied_below(&mut self, known: JudgeContext<'_>, site: SiteId, end: Slot) -> Number {
        let (from, mut last) = self.applied.last().copied().unwrap_or_default();
        if from < end {
            for (position, submission) in known.log.submissions_from(from) {
                if submission.origin != site || submission.after > last || submission.number <= last {
                    continue;
                }
                last = submission.number;
                self.applied.push((Slot(position.slot + 1), last));
            }
            // The next call continues here.
            self.applied.push((known.log.end(), last));
        }
        let count = self.applied.partition_point(|(below, _)| *below <= end);
        count
            .checked_sub(1)
            .and_then(|index| self.applied.get(index))
            .map_or(Number::default(), |(_, last)| *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicated::paxos::Digest;
    use crate::tweets::judges::stage::{C1, Stage, ballot, numbered, objects, site, taken, tweet};
    use crate::tweets::site::{Command, Query};

    fn promised(round: u64) -> Record {
        Record::Paxos { record: paxos::PaxosRecord::Promised(ballot(round, 2)) }
    }

    fn status(change: impl FnOnce(&mut Status)) -> Message {
        let mut status = Status {
            site: site(1),
            phase: Phase::Following,
            ballot: ballot(5, 2),
            leader: None,
            chosen: Slot(0),
            applied: Slot(0),
            queue: 1,
            digest: Digest::default(),
        };
        change(&mut status);
        Message::QueryReply { id: 7, applied: status.applied, reply: Reply::Status { status } }
    }

    /// A site with one request in its queue promises, is asked for its status, and promises more.
    fn asked() -> Stage {
        let mut stage = Stage::three_chosen();
        let request = tweet(3, "c");
        stage.asked(&request);
        stage.durable(site(1), &[taken(&numbered(1, (1, 1), (0, 0), request)), promised(5)]).unwrap();
        let query = Message::Query { id: 7, seen: Slot(0), query: Query::Status };
        stage.commanded(C1, &Command::Query(Query::Status)).unwrap();
        stage.sent(C1, site(1), query.clone()).unwrap();
        stage.delivered(C1, site(1).into(), &query).unwrap();
        stage.durable(site(1), &[promised(8)]).unwrap();
        stage
    }

    #[test]
    fn a_status_lies_between_what_was_durable_and_what_is() {
        for round in [5, 8] {
            asked().sent(site(1), C1, status(|status| status.ballot = ballot(round, 2))).unwrap();
        }
        let check = |change: fn(&mut Status), sentence: &str| {
            objects(asked().sent(site(1), C1, status(change)), "status", sentence);
        };
        check(|status| status.ballot = ballot(4, 2), "was durable there when it was asked");
        check(|status| status.ballot = ballot(9, 2), "is all that is durable there");
        check(|status| status.site = site(2), "S1 told the status of S2");
        check(|status| status.queue = 0, "told that 0 requests wait in its queue, but 1 to 1");
        check(|status| status.queue = 2, "told that 2 requests wait in its queue, but 1 to 1");
        check(|status| status.phase = Phase::Leading, "S1 told that it leads");
    }
}
