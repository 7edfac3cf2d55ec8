//! Saves and loads the protocol's state as bytes: everything but its configuration and the site's number.

use alloc::vec::Vec;

use super::{COUNT_MAX, Campaign, Config, Leadership, Paxos, Phase, Value};
use crate::ids::SiteId;
use crate::wire::{Reader, Wire, WireError};

impl<V: Value> Paxos<V> {
    /// Appends its whole state.
    pub fn save(&self, out: &mut Vec<u8>) {
        let Paxos {
            config: _,
            me: _,
            seed,
            promised,
            round_seen,
            log,
            applied,
            stands_aside,
            chosen_recorded,
            phase,
            leader,
            unheard_since,
            indirect_leader,
            election_at,
            attempts,
            fruitless,
            learner,
            survey,
            reach,
            syncs,
            is_low,
            unwritten,
        } = self;
        seed.encode(out);
        promised.encode(out);
        round_seen.encode(out);
        log.encode(out);
        applied.encode(out);
        stands_aside.encode(out);
        chosen_recorded.encode(out);
        phase.encode(out);
        leader.encode(out);
        unheard_since.encode(out);
        indirect_leader.encode(out);
        election_at.encode(out);
        attempts.encode(out);
        fruitless.encode(out);
        learner.encode(out);
        survey.encode(out);
        reach.encode(out);
        syncs.encode(out);
        is_low.encode(out);
        unwritten.encode(out);
    }

    /// Reads what [`Paxos::save`] appended.
    ///
    /// # Errors
    /// When a site cannot go on with the state.
    pub fn load(config: Config, me: SiteId, input: &mut Reader<'_>) -> Result<Paxos<V>, WireError> {
        let paxos = Paxos {
            config,
            me,
            seed: Wire::decode(input)?,
            promised: Wire::decode(input)?,
            round_seen: Wire::decode(input)?,
            log: Wire::decode(input)?,
            applied: Wire::decode(input)?,
            stands_aside: Wire::decode(input)?,
            chosen_recorded: Wire::decode(input)?,
            phase: Wire::decode(input)?,
            leader: Wire::decode(input)?,
            unheard_since: Wire::decode(input)?,
            indirect_leader: Wire::decode(input)?,
            election_at: Wire::decode(input)?,
            attempts: Wire::decode(input)?,
            fruitless: Wire::decode(input)?,
            learner: Wire::decode(input)?,
            survey: Wire::decode(input)?,
            reach: Wire::decode(input)?,
            syncs: Wire::decode(input)?,
            is_low: Wire::decode(input)?,
            unwritten: Wire::decode(input)?,
        };
        paxos.check_loaded().map(|()| paxos)
    }

    fn check_loaded(&self) -> Result<(), WireError> {
        let counts = [self.round_seen, self.attempts, self.fruitless.map_or(0, |(_, times)| times)];
        if counts.into_iter().any(|count| count >= COUNT_MAX) {
            return Err(WireError::Invalid("count"));
        }
        let mut ballots = self.log.open().filter_map(|(_, held)| held.ballot);
        if ballots.any(|ballot| ballot > self.promised) {
            return Err(WireError::Invalid("accept above what is promised"));
        }
        if self.unwritten.is_some_and(|unwritten| !unwritten.is_sound(self.log.end())) {
            return Err(WireError::Invalid("slots to write down"));
        }
        if self.withholds() && !matches!(self.phase, Phase::Following) {
            return Err(WireError::Invalid("campaign or leadership without room"));
        }
        let open_max = self.config.open_max();
        let (own, is_sound) = match &self.phase {
            Phase::Following => return Ok(()),
            Phase::Campaigning(campaign) => (campaign.ballot, campaign.is_sound(self.log.chosen(), open_max)),
            Phase::Leading(leadership) => (leadership.ballot, leadership.is_sound(&self.log, open_max)),
        };
        if is_sound && own.site == self.me && own == self.promised {
            Ok(())
        } else {
            Err(WireError::Invalid("campaign or leadership"))
        }
    }
}

impl<V: Wire> Wire for Phase<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Phase::Following => out.push(1),
            Phase::Campaigning(campaign) => {
                out.push(2);
                campaign.encode(out);
            }
            Phase::Leading(leadership) => {
                out.push(3);
                leadership.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Phase<V>, WireError> {
        match input.u8()? {
            1 => Ok(Phase::Following),
            2 => Campaign::decode(input).map(Phase::Campaigning),
            3 => Leadership::decode(input).map(Phase::Leading),
            _ => Err(WireError::Invalid("tag of a phase")),
        }
    }
}
