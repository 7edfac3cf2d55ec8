//! What a site was before it stopped, from its records.

use super::{Ballot, Claim, Config, Learner, Log, Paxos, PaxosRecord, Phase, Slot, Syncs, Value};
use crate::ids::SiteId;
use crate::mix::Seed;
use crate::process::Damage;

impl<V: Value> Paxos<V> {
    /// The state that results from `records`, in the order in which they were appended.
    pub fn recover(
        config: Config,
        me: SiteId,
        seed: Seed,
        records: impl IntoIterator<Item = PaxosRecord<V>>,
    ) -> Result<Paxos<V>, Damage> {
        let mut paxos = Paxos {
            config,
            me,
            seed,
            promised: Ballot::ZERO,
            round_seen: 0,
            log: Log::default(),
            applied: Claim::default(),
            stands_aside: false,
            chosen_recorded: Slot(0),
            phase: Phase::Following,
            leader: None,
            unheard_since: None,
            indirect_leader: None,
            election_at: None,
            attempts: 0,
            fruitless: None,
            learner: Learner::default(),
            survey: None,
            reach: Slot(0),
            syncs: Syncs::default(),
            is_low: false,
            unwritten: None,
        };
        for (place, record) in records.into_iter().enumerate() {
            match record {
                PaxosRecord::Begins(first) if place == 0 => {
                    let begun = Log::beginning_at(first);
                    paxos.log = begun
                        .ok_or_else(|| Damage(alloc::format!("no log begins as late as at slot {first}")))?;
                    paxos.chosen_recorded = first;
                }
                record => paxos.replay(record)?,
            }
        }
        paxos.round_seen = paxos.promised.round;
        Ok(paxos)
    }

    fn replay(&mut self, record: PaxosRecord<V>) -> Result<(), Damage> {
        let promised = self.promised;
        match record {
            PaxosRecord::Promised(ballot) if ballot < promised => {
                return Err(Damage(alloc::format!("a promise of {ballot} behind one of {promised}")));
            }
            PaxosRecord::Promised(ballot) => self.promised = ballot,
            PaxosRecord::Begins(first) => {
                return Err(Damage(alloc::format!("the log begins at slot {first}, after other records")));
            }
            PaxosRecord::Accepted { slot, .. } | PaxosRecord::Learned { slot, .. }
                if slot < self.log.first() =>
            {
                return Err(Damage(alloc::format!(
                    "slot {slot} is below {}, where the log begins",
                    self.log.first()
                )));
            }
            PaxosRecord::Accepted { slot, .. } | PaxosRecord::Learned { slot, .. }
                if !self.log.reaches(slot) =>
            {
                return Err(Damage(alloc::format!(
                    "slot {slot} is far ahead of {}, below which everything is chosen",
                    self.log.chosen()
                )));
            }
            PaxosRecord::Accepted { ballot, slot, .. } if ballot < promised => {
                return Err(Damage(alloc::format!(
                    "slot {slot} accepted under {ballot} behind a promise of {promised}"
                )));
            }
            PaxosRecord::Accepted { ballot, slot, entry, .. } => {
                self.promised = ballot;
                if self.log.chosen_at(slot).is_none() {
                    self.log.accept(slot, ballot, entry);
                }
            }
            PaxosRecord::Learned { slot, entry } => {
                if !self.log.choose(slot, entry) {
                    return Err(Damage(alloc::format!("two entries are chosen for slot {slot}")));
                }
            }
            PaxosRecord::Chosen(chosen) => {
                while self.log.chosen() < chosen {
                    let slot = self.log.chosen();
                    if !self.log.choose_held(slot) {
                        return Err(Damage(alloc::format!(
                            "slot {slot} is chosen below {chosen}, yet nothing is held"
                        )));
                    }
                }
                self.chosen_recorded = chosen;
            }
        }
        Ok(())
    }
}
