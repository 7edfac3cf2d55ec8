//! Checks what is durable, and that what left a site was durable first:
//!
//! - The ballots of a site's durable promises and accepts never shrink.
//! - A `Promise`, `Accepted`, `Prepare`, `Taken` or `Forward` leaves only after its record is durable there, a `Relay`
//!   only after it is durable at the origin.
//! - A promise truthfully reports every accept below its ballot in its range, and its end is after all such accepts.
//! - A site prepares and proposes only under its own ballots, and proposes only in the incarnation that prepared them.
//! - A leader took what it proposes for the first time: with the record of that proposal, or with an earlier one.
//! - Recovered records begin with everything that was durable.
//!
//! Does not check what is chosen (see `agreement`), messages that may leave before a sync (`Accept`, heartbeats,
//! watermarks), nor `Nack`s. Assumes that recovery returns records in the order in which they were appended, and that
//! none is compacted away.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{SITES_MAX, SiteId};
use crate::process::Recipients;
use crate::replicated::paxos::{self, Ballot, Promise, Slot};
use crate::sim::Violation;
use crate::tweets::judges::describe::{Id, Shown, To};
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact, broken, prints};
use crate::tweets::site::{Message, Record, Request, RequestId, Submission};

use kept::KeptRecords;

mod kept;

const PROPERTY: &str = "durability";

/// The judge.
#[derive(Clone, Debug)]
pub struct Durability {
    sites: Vec<DurableState>,
}

/// What one site made durable, and what it sent under its own ballots.
#[derive(Clone, Debug, Default)]
struct DurableState {
    incarnation: u64,
    records: KeptRecords,
    promised: Ballot,
    /// The slot after the last one for which the site accepted anything.
    accepted_end: u64,
    /// Fingerprints of the requests that the site may report as taken: an opening to its client, any other to anybody.
    requests: CowMap<u64, ()>,
    /// By own ballot, the first incarnation that prepared it.
    prepared: BTreeMap<Ballot, u64>,
}

impl Default for Durability {
    fn default() -> Durability {
        Durability { sites: alloc::vec![DurableState::default(); usize::from(SITES_MAX)] }
    }
}

impl Durability {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::STARTED
        .and(FactKinds::DURABLE)
        .and(FactKinds::OWN)
        .and(FactKinds::PAXOS)
        .and(FactKinds::HANDED_ON)
        .and(FactKinds::ANSWER);

    #[inline(never)]
    pub(super) fn look(&mut self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, incarnation, recovered } => match process.as_site() {
                Some(site) => self.on_started(known, site, incarnation, recovered),
                None => Ok(()),
            },
            SeenFact::Durable { site, records } => {
                records.iter().try_for_each(|record| self.on_durable(known, site, record))
            }
            SeenFact::Left { from, to, message } => match from.as_site() {
                Some(site) => self.on_left(known, site, to, message),
                None => Ok(()),
            },
            SeenFact::Own { site, message } => match message {
                // A site's own vote obeys the same rule as any other.
                Message::Paxos {
                    message:
                        message @ (paxos::PaxosMessage::Promise(_) | paxos::PaxosMessage::Accepted { .. }),
                } => self.on_paxos(known, site, message),
                _ => Ok(()),
            },
        }
    }

    /// The number of durable records of `site`.
    pub(super) fn durable_count(&self, site: SiteId) -> usize {
        self.sites[site.index()].records.len()
    }

    fn on_started(
        &mut self,
        known: JudgeContext<'_>,
        site: SiteId,
        incarnation: u64,
        recovered: &[Record],
    ) -> Result<(), Violation> {
        let disk = &mut self.sites[site.index()];
        let before = disk.incarnation;
        ensure!(
            incarnation > before,
            PROPERTY,
            "{site} started as incarnation {incarnation} behind incarnation {before}"
        );
        disk.incarnation = incarnation;
        let (durable, read) = (disk.records.len(), recovered.len());
        ensure!(read >= durable, PROPERTY, "{site} recovered {read} of {durable} durable records");
        for (index, read) in recovered.iter().enumerate().take(durable) {
            let durable = disk.records.get(known, site, index).expect("the log keeps what it held");
            ensure!(
                durable == *read,
                PROPERTY,
                "{site} recovered {read:?} as record {index}, where {durable:?} was durable"
            );
        }
        Ok(())
    }

    fn on_durable(
        &mut self,
        known: JudgeContext<'_>,
        site: SiteId,
        record: &Record,
    ) -> Result<(), Violation> {
        let disk = &mut self.sites[site.index()];
        disk.records.push(known, site, record);
        for submission in record.taken_by(site) {
            let client = match submission.request {
                Request::Open { client, .. } => Some(client),
                Request::Execute { .. } => None,
            };
            disk.requests.insert(prints::of_id(submission.request.id(), client), ());
        }
        let promised = disk.promised;
        match record {
            Record::Paxos { record: paxos::PaxosRecord::Promised(ballot) } => {
                ensure!(
                    *ballot >= promised,
                    PROPERTY,
                    "{site} durably promised {ballot} behind its durable promise of {promised}"
                );
                disk.promised = *ballot;
            }
            Record::Paxos { record: paxos::PaxosRecord::Accepted { ballot, slot, .. } } => {
                ensure!(
                    *ballot >= promised,
                    PROPERTY,
                    "slot {slot}: {site} durably accepted under {ballot} behind its durable promise of {promised}"
                );
                disk.promised = *ballot;
                disk.accepted_end = disk.accepted_end.max(slot.next().0);
                for submission in record.taken_by(site) {
                    let number = submission.number;
                    ensure!(
                        disk.records.taken(number).is_some(),
                        PROPERTY,
                        "slot {slot}: {site} proposed its submission {number} for the first time, which it never took"
                    );
                }
            }
            Record::Paxos { record: paxos::PaxosRecord::Learned { .. } | paxos::PaxosRecord::Chosen(_) } => {}
            Record::Paxos { record: paxos::PaxosRecord::Begins(first) } => {
                let place = disk.records.len();
                ensure!(
                    place == 1,
                    PROPERTY,
                    "{site} durably began its log at slot {first} with record {place}, not with the first"
                );
            }
            Record::Taken { .. } => {}
        }
        Ok(())
    }

    fn on_left(
        &mut self,
        known: JudgeContext<'_>,
        site: SiteId,
        to: Recipients,
        message: &Message,
    ) -> Result<(), Violation> {
        let disk = &self.sites[site.index()];
        match message {
            Message::Paxos { message } => self.on_paxos(known, site, message),
            Message::Forward { submission } => {
                let (number, origin) = (submission.number, submission.origin);
                ensure!(
                    origin == site,
                    PROPERTY,
                    "{site} forwarded submission {number} of {origin} as if it were its own"
                );
                ensure!(
                    disk.records.taken(number) == Some(submission),
                    PROPERTY,
                    "{site} forwarded \"{}\" as submission {number}, which is not durable there",
                    submission.request
                );
                Ok(())
            }
            Message::Relay { submission } => {
                let (number, origin) = (submission.number, submission.origin);
                ensure!(
                    self.sites[origin.index()].records.taken(number) == Some(submission),
                    PROPERTY,
                    "{site} passed on \"{}\" as submission {number} of {origin}, which is not durable there",
                    submission.request
                );
                Ok(())
            }
            Message::Taken { id } => {
                let client = match (id, to) {
                    (RequestId::Open { .. }, Recipients::One(client)) => Some(client),
                    (RequestId::Open { .. } | RequestId::Execute { .. }, _) => None,
                };
                ensure!(
                    disk.requests.get(&prints::of_id(*id, client)).is_some(),
                    PROPERTY,
                    "{site} told {} that {} is taken, which is not durable there",
                    To(to),
                    Id(*id)
                );
                Ok(())
            }
            Message::Request { .. }
            | Message::Applied { .. }
            | Message::Expired { .. }
            | Message::Busy { .. }
            | Message::Query { .. }
            | Message::Compare { .. }
            | Message::CompareReply { .. }
            | Message::QueryReply { .. }
            | Message::Behind { .. } => Ok(()),
        }
    }

    fn on_paxos(
        &mut self,
        known: JudgeContext<'_>,
        site: SiteId,
        message: &paxos::PaxosMessage<Arc<Submission>>,
    ) -> Result<(), Violation> {
        let disk = &mut self.sites[site.index()];
        let (promised, incarnation) = (disk.promised, disk.incarnation);
        match message {
            paxos::PaxosMessage::Prepare { ballot, .. } => {
                ensure!(
                    ballot.site == site && ballot.round > 0,
                    PROPERTY,
                    "{site} prepared {ballot}, which is not its own"
                );
                ensure!(
                    *ballot <= promised,
                    PROPERTY,
                    "{site} prepared {ballot}, but its durable promise is {promised}"
                );
                disk.prepared.entry(*ballot).or_insert(incarnation);
                Ok(())
            }
            paxos::PaxosMessage::Accept { ballot, slot, .. } => match disk.prepared.get(ballot) {
                Some(prepared) if *prepared == incarnation => Ok(()),
                Some(prepared) => broken(
                    PROPERTY,
                    format!(
                        "slot {slot}: {site} proposed under {ballot} in incarnation {incarnation}, \
                         but prepared it in {prepared}"
                    ),
                ),
                None => broken(
                    PROPERTY,
                    format!("slot {slot}: {site} proposed under {ballot}, which it never prepared"),
                ),
            },
            paxos::PaxosMessage::Accepted { ballot, slot } => {
                ensure!(
                    known.log.accepted(site, *slot, *ballot).is_some(),
                    PROPERTY,
                    "slot {slot}: {site} said it accepted under {ballot}, which is not durable there"
                );
                Ok(())
            }
            paxos::PaxosMessage::Promise(promise) => {
                let ballot = promise.ballot;
                ensure!(
                    ballot <= promised,
                    PROPERTY,
                    "{site} told a promise of {ballot}, but its durable one is {promised}"
                );
                let accepted_end = disk.accepted_end;
                check_reports(known, site, promise, accepted_end)
            }
            paxos::PaxosMessage::Chosen { .. }
            | paxos::PaxosMessage::Nack { .. }
            | paxos::PaxosMessage::Heartbeat { .. }
            | paxos::PaxosMessage::HeartbeatReply { .. }
            | paxos::PaxosMessage::Fetch { .. }
            | paxos::PaxosMessage::FetchReply { .. }
            | paxos::PaxosMessage::Survey { .. }
            | paxos::PaxosMessage::SurveyReply { .. } => Ok(()),
        }
    }
}

/// A site accepts under a ballot below this one only before it promises this ballot. So when the promise leaves, all of
/// these accepts are durable, and none may be missing. Later accepts, under this ballot or above, may be missing.
fn check_reports(
    known: JudgeContext<'_>,
    site: SiteId,
    promise: &Promise<Arc<Submission>>,
    accepted_end: u64,
) -> Result<(), Violation> {
    let Promise { ballot, from, to, end, chosen, sync: _, reports } = promise;
    let is_ascending = reports.is_sorted_by(|a, b| a.slot < b.slot);
    let is_inside = reports.iter().all(|report| (*from..*to).contains(&report.slot));
    ensure!(
        is_ascending && is_inside,
        PROPERTY,
        "{site}'s promise of {ballot} has reports out of order or outside of its slots {from} to {to}"
    );
    for report in reports {
        let Some(under) = report.ballot else { continue };
        let slot = report.slot;
        let shown = Shown(&report.entry);
        ensure!(
            known.log.accepted(site, slot, under) == Some(&report.entry),
            PROPERTY,
            "slot {slot}: {site}'s promise of {ballot} reports {shown} under {under}, which is not durable there"
        );
    }
    let owed = |slot: u64| known.log.accepted_below(site, Slot(slot), *ballot);
    for slot in from.0.max(chosen.0)..to.0.min(accepted_end) {
        let Some(vote) = owed(slot) else { continue };
        let index = reports.binary_search_by_key(&Slot(slot), |report| report.slot);
        let under = index.ok().and_then(|index| reports.get(index)).map(|report| report.ballot);
        let is_reported = under.is_some_and(|under| under.is_none_or(|under| under >= vote.ballot));
        ensure!(
            is_reported,
            PROPERTY,
            "slot {slot}: {site}'s promise of {ballot} does not report {}, accepted under {}",
            Shown(vote.entry),
            vote.ballot
        );
    }
    for slot in end.0.max(chosen.0)..accepted_end {
        ensure!(
            owed(slot).is_none(),
            PROPERTY,
            "slot {slot}: {site}'s promise of {ballot} ends at {end}, below a slot that it accepted"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
