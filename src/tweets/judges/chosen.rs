//! Derives what is chosen from durable accepts alone. The judges compare the sites with it.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::{SiteId, SiteSet};
use crate::replicated::paxos::{Ballot, Entry, Slot};
use crate::tweets::judges::describe::{Shown, Sites};
use crate::tweets::judges::pages::CowVec;
use crate::tweets::site::Submission;
use crate::tweets::timeline::Position;

/// The content of a slot of the service's log.
pub type LogEntry = Entry<Arc<Submission>>;

/// One entry under one ballot, and the sites that durably accepted it.
#[derive(Clone, Debug)]
pub struct BallotEntry {
    /// The ballot.
    pub ballot: Ballot,
    /// The entry proposed under the ballot.
    pub entry: LogEntry,
    /// The sites that accepted it; empty when it was only proposed.
    pub sites: SiteSet,
}

/// No site proposes this far ahead of the chosen prefix, so judges may walk from slot to slot.
const SLOTS_AHEAD_MAX: u64 = 1 << 16;

#[derive(Clone, Debug, Default)]
struct Votes {
    /// In ascending order of ballots.
    votes: Vec<BallotEntry>,
    /// The sites that durably learned the entry chosen here.
    learned: SiteSet,
}

/// Every proposal and durable accept of a run, and the log that results.
#[derive(Clone, Debug)]
pub struct ChosenLog {
    sites: u8,
    /// The first slot that is judged. Slots below it are over, and no site holds them.
    first: Slot,
    slots: CowVec<Votes>,
    prefix: CowLog<LogEntry>,
}

impl ChosenLog {
    /// An empty log of a cluster of `sites` sites.
    pub fn new(sites: u8) -> ChosenLog {
        ChosenLog { sites, first: Slot(0), slots: CowVec::default(), prefix: CowLog::default() }
    }

    /// Makes an empty log one that begins at `first`.
    ///
    /// # Panics
    /// When anything is chosen.
    pub fn begin_at(&mut self, first: Slot) {
        assert!(self.prefix.is_empty(), "a log with {} slots begins at {first}", self.prefix.len());
        self.first = first;
    }

    /// The first slot.
    pub fn first(&self) -> Slot {
        self.first
    }

    /// The index of `slot` in the chosen prefix, if the slot is not over.
    fn place(&self, slot: u64) -> Option<usize> {
        usize::try_from(slot.checked_sub(self.first.0)?).ok()
    }

    fn kept(&self, slot: Slot) -> Option<&Votes> {
        self.slots.get(slot.0.checked_sub(self.first.0)?)
    }

    /// The end of the chosen prefix: every slot below is chosen, and this slot is not.
    pub fn end(&self) -> Slot {
        Slot(self.first.0 + self.prefix.len() as u64)
    }

    /// The entry chosen for `slot`, below [`ChosenLog::end`] or not.
    pub fn entry(&self, slot: Slot) -> Option<&LogEntry> {
        let below = self.place(slot.0).and_then(|index| self.prefix.get(index));
        below.or_else(|| Some(&self.chosen(self.kept(slot)?)?.entry))
    }

    /// The submission at `position`, below [`ChosenLog::end`].
    pub fn submission(&self, position: Position) -> Option<&Arc<Submission>> {
        let entry = self.prefix.get(self.place(position.slot)?)?;
        entry.values().get(usize::try_from(position.index).ok()?)
    }

    /// The submissions from `slot` up to [`ChosenLog::end`], in order.
    pub fn submissions_from(&self, slot: Slot) -> impl Iterator<Item = (Position, &Arc<Submission>)> {
        // `slot` may come from an untrusted message: it is bounded before anything counts up from it.
        let slot = slot.clamp(self.first, self.end());
        let start = self.place(slot.0).unwrap_or(usize::MAX);
        (slot.0..).zip(self.prefix.iter_from(start)).flat_map(|(slot, entry)| {
            (0..).zip(entry.values()).map(move |(index, value)| (Position { slot, index }, value))
        })
    }

    /// The entry that `site` durably accepted for `slot` under exactly `ballot`.
    pub fn accepted(&self, site: SiteId, slot: Slot, ballot: Ballot) -> Option<&LogEntry> {
        let vote = self.votes_of(site, slot).find(|vote| vote.ballot == ballot)?;
        Some(&vote.entry)
    }

    /// The entry that `site` durably accepted for `slot` under the greatest ballot below `ballot`.
    pub fn accepted_below(&self, site: SiteId, slot: Slot, ballot: Ballot) -> Option<&BallotEntry> {
        self.votes_of(site, slot).filter(|vote| vote.ballot < ballot).last()
    }

    /// Whether the durable state of `site` holds for `slot` what is chosen there.
    pub fn is_held(&self, site: SiteId, slot: Slot) -> bool {
        let is_learned = self.kept(slot).is_some_and(|votes| votes.learned.contains(site));
        let last = self.votes_of(site, slot).last().map(|vote| &vote.entry);
        is_learned || last.is_some_and(|last| self.entry(slot) == Some(last))
    }

    /// A site proposes `entry` under `ballot`. The error names the contradiction.
    pub fn propose(&mut self, slot: Slot, ballot: Ballot, entry: &LogEntry) -> Result<(), String> {
        self.vote(slot, ballot, entry, SiteSet::EMPTY)
    }

    /// `site` durably accepts `entry` under `ballot`. The error names the contradiction.
    pub fn accept(
        &mut self,
        site: SiteId,
        slot: Slot,
        ballot: Ballot,
        entry: &LogEntry,
    ) -> Result<(), String> {
        self.vote(slot, ballot, entry, SiteSet::EMPTY.with(site))
    }

    /// `site` durably learned the entry chosen for `slot`. The caller checks that this is true.
    pub fn learn(&mut self, site: SiteId, slot: Slot) {
        if let Some(place) = slot.0.checked_sub(self.first.0) {
            self.slots.entry(place).learned.insert(site);
        }
    }

    fn vote(&mut self, slot: Slot, ballot: Ballot, entry: &LogEntry, sites: SiteSet) -> Result<(), String> {
        let end = self.end();
        if slot < self.first {
            return Err(format!("slot {slot} is proposed, but the log begins at {}", self.first));
        }
        if slot.0.saturating_sub(end.0) > SLOTS_AHEAD_MAX {
            return Err(format!("slot {slot} is proposed, but nothing is chosen in slot {end}"));
        }
        let votes = &mut self.slots.entry(slot.0 - self.first.0).votes;
        let index = match votes.binary_search_by_key(&ballot, |vote| vote.ballot) {
            Ok(index) => index,
            Err(index) => {
                // Usually there is one vote.
                votes.reserve_exact(1);
                votes.insert(index, BallotEntry { ballot, entry: entry.clone(), sites: SiteSet::EMPTY });
                index
            }
        };
        let vote = &mut votes[index];
        if vote.entry != *entry {
            let (one, other) = (Shown(&vote.entry), Shown(entry));
            return Err(format!("slot {slot}: both {one} and {other} go under {ballot}"));
        }
        let is_known = sites.minus(vote.sites).is_empty() && !sites.is_empty();
        vote.sites = sites.iter().fold(vote.sites, SiteSet::with);
        if is_known { Ok(()) } else { self.settle(slot) }
    }

    /// An entry under a ballot above one that chose must be the entry that was chosen (Paxos Made Simple, P2b).
    fn settle(&mut self, slot: Slot) -> Result<(), String> {
        let Some(votes) = self.kept(slot) else { return Ok(()) };
        let Some(chosen) = self.chosen(votes) else { return Ok(()) };
        let differs = |vote: &&BallotEntry| vote.ballot > chosen.ballot && vote.entry != chosen.entry;
        if let Some(other) = votes.votes.iter().find(differs) {
            let who = match other.sites.is_empty() {
                true => format!("{} proposed", other.ballot.site),
                false => format!("{} accepted", Sites(other.sites)),
            };
            return Err(format!(
                "slot {slot}: {} durably accepted {} under {}, yet {who} {} under {}",
                Sites(chosen.sites),
                Shown(&chosen.entry),
                chosen.ballot,
                Shown(&other.entry),
                other.ballot,
            ));
        }
        while let Some(next) = self.kept(self.end()).and_then(|votes| self.chosen(votes)) {
            let entry = next.entry.clone();
            self.prefix.push(entry);
        }
        Ok(())
    }

    /// The vote of the lowest ballot that more than half of the sites accepted.
    fn chosen<'a>(&self, votes: &'a Votes) -> Option<&'a BallotEntry> {
        votes.votes.iter().find(|vote| 2 * vote.sites.len() > usize::from(self.sites))
    }

    fn votes_of(&self, site: SiteId, slot: Slot) -> impl Iterator<Item = &BallotEntry> {
        let votes = self.kept(slot).map_or(&[][..], |votes| &votes.votes);
        votes.iter().filter(move |vote| vote.sites.contains(site))
    }
}
