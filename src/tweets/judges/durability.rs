//! Checks what is durable and that what left a site was durable first: promises never shrink and stand at or above
//! every accept; a `Promise`, `Accepted`, `Prepare`, `Taken` or `Forward` leaves only behind its durable record; a
//! promise reports every accept below its ballot that lies in its range, truthfully, and puts its end behind all of
//! them; whoever prepares or proposes does so under its own ballot, and proposes only in the incarnation that
//! prepared it; what is recovered begins with everything that was durable.
//!
//! Does not check what is chosen (see `agreement`), nor messages that may leave before a sync (`Accept`,
//! heartbeats, watermarks), nor `Nack`s. Assumes that recovery returns records in the order of their appending and
//! that none is compacted away.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::{ProcessId, SITES_MAX, SiteId};
use crate::process::Recipients;
use crate::replicated::paxos::{self, Ballot, Promise, Slot};
use crate::sim::Violation;
use crate::tweets::judges::describe::{Id, Shown, To};
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{JudgeContext, SeenFact, broken};
use crate::tweets::site::{Message, Number, Record, Request, RequestId, Submission};

const PROPERTY: &str = "durability";

/// The judge.
#[derive(Clone, Debug)]
pub struct Durability {
    sites: Vec<DurableState>,
}

/// What one site made durable, and what it said under its own ballots.
#[derive(Clone, Debug, Default)]
struct DurableState {
    incarnation: u64,
    records: CowLog<Record>,
    promised: Ballot,
    /// Behind the last slot it accepted anything for.
    accepted_end: u64,
    taken: CowMap<Number, Arc<Submission>>,
    /// Who may be told that this is taken: whoever opens with the nonce, or anybody within the session.
    requests: CowMap<(RequestId, Option<ProcessId>), ()>,
    /// By own ballot, the first incarnation that prepared it.
    prepared: BTreeMap<Ballot, u64>,
}

impl Default for Durability {
    fn default() -> Durability {
        Durability { sites: alloc::vec![DurableState::default(); usize::from(SITES_MAX)] }
    }
}

impl Durability {
    pub(super) fn look(&mut self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, incarnation, recovered } => match process.as_site() {
                Some(site) => self.on_started(site, incarnation, recovered),
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
                // Its own vote obeys the same rule as any other.
                Message::Paxos {
                    message:
                        message @ (paxos::PaxosMessage::Promise(_) | paxos::PaxosMessage::Accepted { .. }),
                } => self.on_paxos(known, site, message),
                _ => Ok(()),
            },
        }
    }

    /// How many records of `site` are durable.
    pub(super) fn durable_count(&self, site: SiteId) -> usize {
        self.sites[site.index()].records.len()
    }

    fn on_started(&mut self, site: SiteId, incarnation: u64, recovered: &[Record]) -> Result<(), Violation> {
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
        for (index, (durable, read)) in disk.records.iter().zip(recovered).enumerate() {
            ensure!(
                durable == read,
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
        disk.records.push(shared(known, site, record));
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
            Record::Taken { submission } => {
                let client = match submission.request {
                    Request::Open { client, .. } => Some(client),
                    Request::Execute { .. } => None,
                };
                disk.requests.insert((submission.request.id(), client), ());
                disk.taken.insert(submission.number, submission.clone());
            }
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
                    disk.taken.get(&number) == Some(submission),
                    PROPERTY,
                    "{site} forwarded \"{}\" as submission {number}, which is not durable there",
                    submission.request
                );
                Ok(())
            }
            Message::Relay { submission } => {
                let (number, origin) = (submission.number, submission.origin);
                ensure!(
                    self.sites[origin.index()].taken.get(&number) == Some(submission),
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
                    disk.requests.get(&(*id, client)).is_some(),
                    PROPERTY,
                    "{site} told {} that {} is taken, which is not durable there",
                    To(to),
                    Id(*id)
                );
                Ok(())
            }
            Message::Ask { .. }
            | Message::Applied { .. }
            | Message::Expired { .. }
            | Message::Busy { .. }
            | Message::Query { .. }
            | Message::Compare { .. }
            | Message::Compared { .. }
            | Message::Told { .. }
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
            | paxos::PaxosMessage::Heard { .. }
            | paxos::PaxosMessage::Fetch { .. }
            | paxos::PaxosMessage::Supply { .. }
            | paxos::PaxosMessage::Survey { .. }
            | paxos::PaxosMessage::Extent { .. } => Ok(()),
        }
    }
}

/// The same record, which shares its entry with the chosen log: each was decoded alone, and all are kept.
fn shared(known: JudgeContext<'_>, site: SiteId, record: &Record) -> Record {
    let mut shared = record.clone();
    let held = match &mut shared {
        Record::Paxos { record: paxos::PaxosRecord::Accepted { ballot, slot, entry } } => {
            Some((entry, known.log.accepted(site, *slot, *ballot)))
        }
        Record::Paxos { record: paxos::PaxosRecord::Learned { slot, entry } } => {
            Some((entry, known.log.entry(*slot)))
        }
        Record::Paxos {
            record:
                paxos::PaxosRecord::Promised(_) | paxos::PaxosRecord::Chosen(_) | paxos::PaxosRecord::Begins(_),
        }
        | Record::Taken { .. } => None,
    };
    if let Some((entry, Some(same))) = held
        && *same == *entry
    {
        *entry = same.clone();
    }
    shared
}

/// Whatever a site accepts below a ballot it accepts before it promises that ballot. So when the promise leaves,
/// all of these accepts are durable, and none may be missing; later ones, under this ballot or above, may be.
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
            Shown(&vote.entry),
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
