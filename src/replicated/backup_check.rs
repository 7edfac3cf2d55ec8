//! Checks whether what all sites of a cluster hold can be started together, before a backup is restored.
//!
//! Copies of storage that was at rest everywhere pass. Copies that were taken one after another while sites ran may
//! hold what one site heard from another, without what that other site did before it said so: sites started from them
//! would have forgotten promises. Whatever passes here is safe to start from, however it was copied, provided that no
//! site receives a message that was sent before. The reasons:
//!
//! 1. No ballot is used twice: the leader of any ballot that any site knows of has promised that ballot itself, and a
//!    site campaigns above what it promised.
//! 2. So no vote is added to an earlier ballot. The ballot of an entry that was accepted, but is not known to be
//!    chosen, was promised by a majority: no majority accepts a new ballot below it.
//! 3. Where a site knows what is chosen, every majority has a site that holds it, by a higher ballot than any site
//!    holds anything else by: each new leader proposes it again.
//! 4. No number of a submission is given twice: an origin's incarnation is at least that of any of its submissions.
//!
//! What was chosen when the copies were taken, but is known to be chosen by none of them, may be lost if they were not
//! taken at rest. The sites still agree on one log.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{SiteId, SiteSet};
use crate::process::Recovered;
use crate::replicated::machine::Machine;
use crate::replicated::message::Record;
use crate::replicated::paxos::{Ballot, Entry, PaxosRecord, Quorum, Slot};
use crate::replicated::submission::{Number, Submission};

/// What a site holds for a slot: the ballot by which it accepted the entry, or `None` if it knows the entry to be
/// chosen.
type HeldSlot<M> = (Option<Ballot>, Entry<Arc<Submission<M>>>);

/// Why storage of several sites cannot be started together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotRestorable {
    /// The logs of these two sites begin at different slots.
    TwoBeginnings(SiteId, SiteId),
    /// Two sites know different entries to be chosen for this slot.
    TwoChosen(Slot, SiteId, SiteId),
    /// The first site knows what is chosen for this slot, and a majority without it could choose something else.
    Unheld(Slot, SiteId),
    /// The site knows of this ballot, and the site whose ballot it is does not.
    UnknownBallot(SiteId, Ballot),
    /// The site accepted an entry for this slot by this ballot, and no majority has promised the ballot.
    Unpromised(SiteId, Slot, Ballot),
    /// The first site holds a submission of the second with this number. The second was not started often enough to
    /// give it.
    UnknownStart(SiteId, SiteId, Number),
}

impl fmt::Display for NotRestorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRestorable::TwoBeginnings(one, other) => {
                write!(f, "the logs of {one} and {other} begin at different slots")?;
            }
            NotRestorable::TwoChosen(slot, one, other) => {
                write!(f, "{one} and {other} know different entries to be chosen for slot {slot}")?;
            }
            NotRestorable::Unheld(slot, site) => write!(
                f,
                "{site} knows what is chosen for slot {slot}, and a majority of the others does not hold it"
            )?,
            NotRestorable::UnknownBallot(site, ballot) => {
                write!(f, "{site} knows of ballot {ballot}, and {} does not", ballot.site)?;
            }
            NotRestorable::Unpromised(site, slot, ballot) => {
                write!(f, "{site} accepted slot {slot} by ballot {ballot}, and no majority promised that")?;
            }
            NotRestorable::UnknownStart(site, origin, number) => write!(
                f,
                "{site} holds submission {number} of {origin}, and {origin} knows of no start {}",
                number.incarnation
            )?,
        }
        f.write_str(
            ": these copies are not of one moment at which every site was stopped; take another backup",
        )
    }
}

impl core::error::Error for NotRestorable {}

/// The storage of one site.
struct SiteCopy<M: Machine> {
    incarnation: u64,
    promised: Ballot,
    held: BTreeMap<Slot, HeldSlot<M>>,
    /// The slot at which its log begins.
    first: Slot,
    /// Everything that it holds below this slot is chosen.
    chosen: Slot,
    /// The highest number of each origin.
    numbers: BTreeMap<SiteId, Number>,
}

impl<M: Machine> SiteCopy<M> {
    fn of(recovered: Recovered<Record<M>>) -> SiteCopy<M> {
        let mut kept = SiteCopy {
            incarnation: recovered.incarnation,
            promised: Ballot::default(),
            held: BTreeMap::new(),
            first: Slot(0),
            chosen: Slot(0),
            numbers: BTreeMap::new(),
        };
        for record in recovered.records {
            match record {
                Record::Taken { submission } => kept.number(&submission),
                Record::Paxos { record: PaxosRecord::Promised(ballot) } => kept.promised = ballot,
                Record::Paxos { record: PaxosRecord::Begins(first) } => {
                    (kept.first, kept.chosen) = (first, first)
                }
                Record::Paxos { record: PaxosRecord::Accepted { ballot, slot, entry, .. } } => {
                    kept.promised = ballot;
                    kept.hold(slot, Some(ballot), entry);
                }
                Record::Paxos { record: PaxosRecord::Learned { slot, entry } } => {
                    kept.hold(slot, None, entry)
                }
                Record::Paxos { record: PaxosRecord::Chosen(chosen) } => {
                    kept.held
                        .range_mut(kept.chosen..chosen.max(kept.chosen))
                        .for_each(|(_, held)| held.0 = None);
                    kept.chosen = kept.chosen.max(chosen);
                }
            }
        }
        kept
    }

    fn hold(&mut self, slot: Slot, ballot: Option<Ballot>, entry: Entry<Arc<Submission<M>>>) {
        entry.values().iter().for_each(|submission| self.number(submission));
        let is_chosen = self.held.get(&slot).is_some_and(|(ballot, _)| ballot.is_none());
        if !is_chosen {
            self.held.insert(slot, (ballot, entry));
        }
    }

    fn number(&mut self, submission: &Submission<M>) {
        let highest = self.numbers.entry(submission.origin).or_default();
        *highest = submission.number.max(*highest);
    }
}

/// Checks what each site recovered: all sites of a cluster, in order, each with the `incarnation` of its last start.
/// Returns the end of what is known to be chosen without a gap.
pub fn check<M: Machine>(
    sites: impl IntoIterator<Item = Recovered<Record<M>>>,
) -> Result<Slot, NotRestorable> {
    let kept: Vec<SiteCopy<M>> = sites.into_iter().map(SiteCopy::of).collect();
    let count = u8::try_from(kept.len()).expect("a cluster has few sites");
    let all = || SiteSet::first(count).iter().zip(&kept);
    let promised = |ballot: Ballot| {
        ballot.round == 0 || kept.get(ballot.site.index()).is_some_and(|of| of.promised >= ballot)
    };
    let mut slots: BTreeMap<Slot, Vec<(SiteId, &HeldSlot<M>)>> = BTreeMap::new();
    for (site, kept_here) in all() {
        if !promised(kept_here.promised) {
            return Err(NotRestorable::UnknownBallot(site, kept_here.promised));
        }
        for (origin, number) in &kept_here.numbers {
            if kept.get(origin.index()).is_none_or(|of| of.incarnation < number.incarnation) {
                return Err(NotRestorable::UnknownStart(site, *origin, *number));
            }
        }
        for (slot, held) in &kept_here.held {
            slots.entry(*slot).or_default().push((site, held));
        }
    }
    let mut end = kept.first().map_or(Slot(0), |first| first.first);
    if let Some((other, _)) = all().find(|(_, kept)| kept.first != end) {
        return Err(NotRestorable::TwoBeginnings(SiteId::default(), other));
    }
    for (slot, held) in slots {
        let quorum = Quorum::at(count, slot);
        let by_ballot = held.iter().filter_map(|(site, (ballot, _))| Some((*site, (*ballot)?)));
        if let Some((site, ballot)) = by_ballot.clone().find(|(_, ballot)| !promised(*ballot)) {
            return Err(NotRestorable::UnknownBallot(site, ballot));
        }
        if let Some((who, (_, entry))) = held.iter().find(|(_, (ballot, _))| ballot.is_none()) {
            check_chosen(slot, *who, entry, &held, quorum)?;
            if slot == end {
                end = slot.next();
            }
            continue;
        }
        for (site, ballot) in by_ballot {
            let majority = all().filter(|(_, of)| of.promised >= ballot).map(|(site, _)| site).collect();
            if !quorum.is_prepared(majority) {
                return Err(NotRestorable::Unpromised(site, slot, ballot));
            }
        }
    }
    Ok(end)
}

/// Reason 3 for one slot, for which `who` knows `entry` to be chosen.
fn check_chosen<M: Machine>(
    slot: Slot,
    who: SiteId,
    entry: &Entry<Arc<Submission<M>>>,
    held: &[(SiteId, &HeldSlot<M>)],
    quorum: Quorum,
) -> Result<(), NotRestorable> {
    let mut highest_other = None;
    for (site, (ballot, _)) in held.iter().filter(|(_, (_, other))| other != entry) {
        match ballot {
            None => return Err(NotRestorable::TwoChosen(slot, who, *site)),
            Some(ballot) => highest_other = highest_other.max(Some(*ballot)),
        }
    }
    let holds = |(site, (ballot, held)): &(SiteId, &HeldSlot<M>)| {
        (held == entry && ballot.is_none_or(|ballot| Some(ballot) > highest_other)).then_some(*site)
    };
    if quorum.is_chosen(held.iter().filter_map(holds).collect()) {
        Ok(())
    } else {
        Err(NotRestorable::Unheld(slot, who))
    }
}

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests {
    use super::*;
    use alloc::string::ToString;

    use crate::ids::ProcessId;
    use crate::tweets::site::{Record, Request, Submission};

    fn site(number: u8) -> SiteId {
        SiteId::new(number).unwrap()
    }

    fn ballot(round: u64, leader: u8) -> Ballot {
        Ballot { round, site: site(leader) }
    }

    fn entry(origin: u8, incarnation: u64, count: u64) -> Entry<Arc<Submission>> {
        let request = Request::Open { client: ProcessId::Client(1), nonce: count };
        let number = Number { incarnation, count };
        let submission = Submission { origin: site(origin), number, after: Number::default(), request };
        Entry::of([Arc::new(submission)])
    }

    fn promised(round: u64, leader: u8) -> Record {
        Record::Paxos { record: PaxosRecord::Promised(ballot(round, leader)) }
    }

    fn accepted(round: u64, leader: u8, slot: u64, count: u64) -> Record {
        let (ballot, slot, entry) = (ballot(round, leader), Slot(slot), entry(0, 1, count));
        Record::Paxos { record: PaxosRecord::Accepted { ballot, slot, entry, is_new: false } }
    }

    fn learned(slot: u64, count: u64) -> Record {
        Record::Paxos { record: PaxosRecord::Learned { slot: Slot(slot), entry: entry(0, 1, count) } }
    }

    fn chosen(end: u64) -> Record {
        Record::Paxos { record: PaxosRecord::Chosen(Slot(end)) }
    }

    fn cut<const N: usize>(sites: [&[Record]; N]) -> Result<Slot, NotRestorable> {
        check(sites.map(|records| Recovered { incarnation: 1, records: records.to_vec() }))
    }

    #[test]
    fn sites_at_rest_can_be_started_together() {
        assert_eq!(cut([&[], &[], &[]]), Ok(Slot(0)));
        assert_eq!(cut([&[accepted(1, 0, 0, 1), chosen(1)]]), Ok(Slot(1)));
        let led = [promised(1, 0), accepted(1, 0, 0, 1), accepted(1, 0, 1, 2), chosen(1)];
        assert_eq!(cut([&led, &led[..3], &led[..1]]), Ok(Slot(1)));
        assert_eq!(cut([&led, &[learned(0, 1), promised(1, 0)], &[]]), Ok(Slot(1)));
        // Another leader tried this before, and could not get it chosen.
        let other = [accepted(1, 1, 0, 9), promised(2, 0)];
        let winner = [accepted(2, 0, 0, 1), chosen(1)];
        assert_eq!(cut([&winner, &other, &winner[..1]]), Ok(Slot(1)));
        // Nobody knows yet, and the first site to lead will see it, or not.
        assert_eq!(cut([&[accepted(1, 0, 0, 1)], &[promised(1, 0)], &[]]), Ok(Slot(0)));
    }

    #[test]
    fn sites_that_forgot_what_others_know_cannot() {
        let (slot, zero) = (Slot(0), site(0));
        let led = [accepted(1, 0, 0, 1), chosen(1)];
        assert_eq!(cut([&led, &[promised(1, 0)], &[]]), Err(NotRestorable::Unheld(slot, zero)));
        // A majority holds it, but one of them by a ballot below that of another entry.
        let late = [accepted(2, 0, 0, 1), chosen(1)];
        let torn = cut([&late, &[accepted(1, 0, 0, 1)], &[accepted(1, 2, 0, 9), promised(2, 0)]]);
        assert_eq!(torn, Err(NotRestorable::Unheld(slot, zero)));
        assert_eq!(cut([&led, &[learned(0, 2)], &[]]), Err(NotRestorable::TwoChosen(slot, zero, site(1))));
        let torn = cut([&[], &[promised(5, 0)], &[promised(5, 0)]]);
        assert_eq!(torn, Err(NotRestorable::UnknownBallot(site(1), ballot(5, 0))));
        // The site that accepted it has promised more since; its leader forgot.
        let torn = cut([&[promised(4, 0)], &[accepted(5, 0, 0, 1), promised(6, 1)], &[promised(6, 1)]]);
        assert_eq!(torn, Err(NotRestorable::UnknownBallot(site(1), ballot(5, 0))));
        let torn = cut([&[promised(5, 0)], &[accepted(5, 0, 0, 1)], &[], &[], &[]]);
        assert_eq!(torn, Err(NotRestorable::Unpromised(site(1), slot, ballot(5, 0))));
        // Enough sites hold what is chosen, and yet a ballot could be used twice.
        let other = [accepted(1, 4, 0, 9), promised(2, 0)];
        let torn = cut([&late, &late, &late, &other, &[]]);
        assert_eq!(torn, Err(NotRestorable::UnknownBallot(site(3), ballot(1, 4))));
        let stranger = ballot(1, 3);
        assert_eq!(cut([&[promised(1, 3)], &[], &[]]), Err(NotRestorable::UnknownBallot(zero, stranger)));
    }

    #[test]
    fn logs_that_begin_late_begin_at_one_slot() {
        let begins = |first| Record::Paxos { record: PaxosRecord::Begins(Slot(first)) };
        let led = [begins(9), accepted(1, 0, 9, 1), chosen(10)];
        assert_eq!(cut([&led[..2], &led[..2], &led[..1]]), Ok(Slot(9)), "nobody knows yet");
        assert_eq!(cut([&led, &led[..2], &led[..1]]), Ok(Slot(10)));
        let torn = Err(NotRestorable::TwoBeginnings(site(0), site(2)));
        assert_eq!(cut([&led, &led, &[begins(8)]]), torn);
        assert_eq!(cut([&led, &led, &[]]), torn);
    }

    #[test]
    fn an_origin_that_forgot_a_start_would_number_twice() {
        let of = |incarnation: u64| {
            let number = Number { incarnation, count: 7 };
            let record = PaxosRecord::Learned { slot: Slot(0), entry: entry(1, incarnation, 7) };
            let all = [(); 3].map(|()| Record::Paxos { record: record.clone() });
            (number, check(all.map(|record| Recovered { incarnation: 2, records: [record].into() })))
        };
        assert_eq!(of(2).1, Ok(Slot(1)));
        let (number, torn) = of(3);
        assert_eq!(torn, Err(NotRestorable::UnknownStart(site(0), site(1), number)));
        let shown = torn.unwrap_err().to_string();
        assert!(shown.starts_with("S0 holds submission 3.7 of S1, and S1 knows of no start 3: "), "{shown}");
        assert!(shown.ends_with("take another backup"), "{shown}");
    }
}
