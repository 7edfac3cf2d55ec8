//! Derives what is chosen from durable accepts alone. The judges compare the sites with it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::mem;

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
#[derive(Clone, Copy, Debug)]
pub struct Vote<'a> {
    /// The ballot.
    pub ballot: Ballot,
    /// The entry proposed under the ballot.
    pub entry: &'a LogEntry,
    /// The sites that accepted it; empty when it was only proposed.
    pub sites: SiteSet,
}

#[derive(Clone, Debug)]
struct BallotEntry {
    ballot: Ballot,
    entry: LogEntry,
    sites: SiteSet,
}

/// No site proposes this far ahead of the chosen prefix, so judges may walk from slot to slot.
const SLOTS_AHEAD_MAX: u64 = 1 << 16;

/// What is known of one slot. `learned` are the sites that durably learned the entry chosen here.
#[derive(Clone, Debug)]
enum Votes {
    /// The slot is in the chosen prefix, which holds its entry, and no other ballot proposed anything: as most slots.
    Settled { ballot: Ballot, sites: SiteSet, learned: SiteSet },
    /// In ascending order of ballots.
    Open { votes: Box<[BallotEntry]>, learned: SiteSet },
}

impl Default for Votes {
    fn default() -> Votes {
        Votes::Open { votes: Box::default(), learned: SiteSet::EMPTY }
    }
}

impl BallotEntry {
    fn as_vote(&self) -> Vote<'_> {
        Vote { ballot: self.ballot, entry: &self.entry, sites: self.sites }
    }
}

impl Votes {
    fn learned(&self) -> SiteSet {
        match self {
            Votes::Settled { learned, .. } | Votes::Open { learned, .. } => *learned,
        }
    }

    fn learned_mut(&mut self) -> &mut SiteSet {
        match self {
            Votes::Settled { learned, .. } | Votes::Open { learned, .. } => learned,
        }
    }
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
        below.or_else(|| Some(self.chosen(slot)?.entry))
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
        Some(vote.entry)
    }

    /// The entry that `site` durably accepted for `slot` under the greatest ballot below `ballot`.
    pub fn accepted_below(&self, site: SiteId, slot: Slot, ballot: Ballot) -> Option<Vote<'_>> {
        self.votes_of(site, slot).filter(|vote| vote.ballot < ballot).last()
    }

    /// Whether the durable state of `site` holds for `slot` what is chosen there.
    pub fn is_held(&self, site: SiteId, slot: Slot) -> bool {
        let is_learned = self.kept(slot).is_some_and(|votes| votes.learned().contains(site));
        let last = self.votes_of(site, slot).last().map(|vote| vote.entry);
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
            self.slots.entry(place).learned_mut().insert(site);
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
        let chosen = self.place(slot.0).and_then(|index| self.prefix.get(index));
        let kept = self.slots.entry(slot.0 - self.first.0);
        let both = |one: &LogEntry| {
            let (one, other) = (Shown(one), Shown(entry));
            Err(format!("slot {slot}: both {one} and {other} go under {ballot}"))
        };
        if let (Votes::Settled { ballot: settled, sites: known, learned }, Some(chosen)) =
            (&mut *kept, chosen)
        {
            if *settled == ballot {
                *known = sites.iter().fold(*known, SiteSet::with);
                return if chosen == entry { Ok(()) } else { both(chosen) };
            }
            let only = BallotEntry { ballot: *settled, entry: chosen.clone(), sites: *known };
            *kept = Votes::Open { votes: Box::new([only]), learned: *learned };
        }
        let Votes::Open { votes, .. } = kept else { panic!("slot {slot} is settled above the prefix") };
        let index = match votes.binary_search_by_key(&ballot, |vote| vote.ballot) {
            Ok(index) => index,
            Err(index) => {
                let mut more = mem::take(votes).into_vec();
                // Usually there is one vote.
                more.reserve_exact(1);
                more.insert(index, BallotEntry { ballot, entry: entry.clone(), sites: SiteSet::EMPTY });
                *votes = more.into();
                index
            }
        };
        let vote = &mut votes[index];
        if vote.entry != *entry {
            return both(&vote.entry);
        }
        let is_known = sites.minus(vote.sites).is_empty() && !sites.is_empty();
        vote.sites = sites.iter().fold(vote.sites, SiteSet::with);
        if is_known { Ok(()) } else { self.settle(slot) }
    }

    /// An entry under a ballot above one that chose must be the entry that was chosen (Paxos Made Simple, P2b).
    fn settle(&mut self, slot: Slot) -> Result<(), String> {
        let Some(chosen) = self.chosen(slot) else { return Ok(()) };
        let differs = |vote: &Vote<'_>| vote.ballot > chosen.ballot && vote.entry != chosen.entry;
        if let Some(other) = self.votes(slot).find(differs) {
            let who = match other.sites.is_empty() {
                true => format!("{} proposed", other.ballot.site),
                false => format!("{} accepted", Sites(other.sites)),
            };
            return Err(format!(
                "slot {slot}: {} durably accepted {} under {}, yet {who} {} under {}",
                Sites(chosen.sites),
                Shown(chosen.entry),
                chosen.ballot,
                Shown(other.entry),
                other.ballot,
            ));
        }
        loop {
            let end = self.end();
            let Some(entry) = self.chosen(end).map(|next| next.entry.clone()) else { return Ok(()) };
            self.prefix.push(entry);
            let kept = self.slots.entry(end.0 - self.first.0);
            if let Votes::Open { votes, learned } = kept
                && let [BallotEntry { ballot, sites, .. }] = **votes
            {
                *kept = Votes::Settled { ballot, sites, learned: *learned };
            }
        }
    }

    /// The vote of the lowest ballot that more than half of the sites accepted.
    fn chosen(&self, slot: Slot) -> Option<Vote<'_>> {
        self.votes(slot).find(|vote| 2 * vote.sites.len() > usize::from(self.sites))
    }

    /// The votes of a slot, in ascending order of ballots.
    fn votes(&self, slot: Slot) -> impl Iterator<Item = Vote<'_>> {
        let (settled, open) = match self.kept(slot) {
            Some(Votes::Settled { ballot, sites, .. }) => {
                let entry = self.place(slot.0).and_then(|index| self.prefix.get(index));
                (entry.map(|entry| Vote { ballot: *ballot, entry, sites: *sites }), &[][..])
            }
            Some(Votes::Open { votes, .. }) => (None, &**votes),
            None => (None, &[][..]),
        };
        settled.into_iter().chain(open.iter().map(BallotEntry::as_vote))
    }

    fn votes_of(&self, site: SiteId, slot: Slot) -> impl Iterator<Item = Vote<'_>> {
        self.votes(slot).filter(move |vote| vote.sites.contains(site))
    }
}
