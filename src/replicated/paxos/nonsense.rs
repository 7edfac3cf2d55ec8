//! Drops messages that no honest site sends.

use super::{Entry, Paxos, PaxosMessage, Promise, Value};
use crate::ids::SiteId;
use crate::wire::Wire;

/// The most by which a round may exceed every round that a site has heard of.
const ROUNDS_AHEAD_MAX: u64 = 1 << 32;

const OUT_OF_REACH: &str = "a round that nobody can have reached";

impl<V: Value> Paxos<V> {
    /// The reason to drop a message that cannot be right from this sender. Nothing else in a message is believed
    /// without need.
    pub(super) fn is_nonsense(&mut self, from: SiteId, message: &PaxosMessage<V>) -> Option<&'static str> {
        if from.number() >= self.config.sites {
            return Some("no site of this cluster");
        }
        if message.held().any(|(slot, _)| slot < self.log.first()) {
            return Some("a slot before the log begins");
        }
        let (speaker, ballot) = match message {
            // Its own vote for another site, which comes back once it is durable.
            PaxosMessage::Prepare { .. } if from == self.me => return None,
            PaxosMessage::Prepare { ballot, .. }
            | PaxosMessage::Accept { ballot, .. }
            | PaxosMessage::Chosen { ballot, .. }
            | PaxosMessage::Heartbeat { ballot, .. } => (from, *ballot),
            PaxosMessage::Promise(Promise { ballot, .. })
            | PaxosMessage::Accepted { ballot, .. }
            | PaxosMessage::Nack { ballot, .. }
            | PaxosMessage::HeartbeatReply { ballot, .. } => (self.me, *ballot),
            PaxosMessage::Fetch { .. } | PaxosMessage::Survey { .. } | PaxosMessage::SurveyReply { .. } => {
                return None;
            }
            PaxosMessage::FetchReply { .. } if !self.fits(message) => {
                return Some("an entry larger than any that this cluster makes");
            }
            PaxosMessage::FetchReply { .. } => return None,
        };
        if ballot.site != speaker || ballot.round == 0 {
            return Some("a ballot of somebody else");
        }
        if let PaxosMessage::Nack { promised, leader, .. } = message
            && !self.is_within_reach(promised.round.max(leader.map_or(0, |leader| leader.round)))
        {
            return Some(OUT_OF_REACH);
        }
        if !self.is_within_reach(ballot.round) {
            return Some(OUT_OF_REACH);
        }
        if !self.fits(message) {
            return Some("an entry larger than any that this cluster makes");
        }
        self.round_seen = self.round_seen.max(ballot.round);
        None
    }

    /// No honest site is this far ahead. Believing such a round would use up the rounds for ever, since ballots are
    /// durable.
    fn is_within_reach(&self, round: u64) -> bool {
        round <= self.round_seen.max(self.promised.round) + ROUNDS_AHEAD_MAX
    }

    /// Whether the entries of `message` fit every message and record that may have to carry them on.
    fn fits(&self, message: &PaxosMessage<V>) -> bool {
        let fits = |entry: &Entry<V>| {
            entry.values().iter().map(Wire::size).sum::<usize>() <= self.config.entry_bytes
        };
        message.held().all(|(_, entry)| fits(entry))
    }
}
