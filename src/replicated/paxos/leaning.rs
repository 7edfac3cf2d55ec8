//! A site that hears no leader is served through a peer that hears one. Nothing here decides anything.
//!
//! The peer refuses its candidacy, rightly, and the refusal names the leader. Whoever is refused so again hands what
//! it took to that peer, and fetches from it what is chosen, until it hears the leader itself or the peer does not.
//! The hint may be wrong: only chosen slots are fetched, and an origin's numbers say what takes effect. Only a site
//! that hears the leader itself gives it, so nobody leans on one who leans, and a site whose peers hear no leader
//! either stays unserved until one of them does.

use super::{Ballot, Paxos, PaxosMessage, PaxosNote, Phase, Port, Value};
use crate::ids::SiteId;
use crate::time::Instant;

/// How many election timeouts a hint counts for.
const LEAN_TIMES: u64 = 4;

/// Through whom a site is served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaning {
    /// The peer that hears the leader.
    on: SiteId,
    /// The leader's ballot.
    leader: Ballot,
    /// The own ballot that was refused. Nobody leads under it; asking for it again brings the next hint.
    refused: Ballot,
    poll_at: Instant,
    until: Instant,
}

wire_struct!(Leaning { on, leader, refused, poll_at, until });

impl<V: Value> Paxos<V> {
    /// The leader's ballot, and whom to hand to what is to be proposed: the leader, or the peer that it leans on.
    pub fn route(&self) -> Option<(Ballot, SiteId)> {
        let own = self.leads_under().or(self.leader.map(|(ballot, _)| ballot));
        let direct = own.map(|ballot| (ballot, ballot.site));
        direct.or(self.leaning.map(|leaning| (leaning.leader, leaning.on)))
    }

    /// The leader that it follows and heard of late from that leader itself.
    pub fn heard_leader(&self, now: Instant) -> Option<Ballot> {
        let (ballot, heard) = self.leader?;
        let hears = matches!(self.phase, Phase::Following) && now.since(heard) < self.config.election;
        hears.then_some(ballot)
    }

    /// A refusal of `refused` names the leader that `from` hears, or none. A candidate leans only once it asked
    /// again in vain: one that the leader reaches is not a candidate by then.
    pub(super) fn lean(
        &mut self,
        now: Instant,
        from: SiteId,
        refused: Ballot,
        leader: Option<Ballot>,
        port: &mut impl Port<V>,
    ) {
        let is_renewed = self.leaning.is_some_and(|leaning| leaning.on == from && leaning.refused == refused);
        let Some(leader) = leader else {
            if is_renewed {
                self.leaning = None;
            }
            return;
        };
        let is_asked = match &self.phase {
            Phase::Following => is_renewed && self.leader.is_none(),
            Phase::Campaigning(campaign) => campaign.ballot == refused && campaign.asked > 1,
            Phase::Leading(_) => false,
        };
        let is_member = leader.site.number() < self.config.sites;
        let leans_elsewhere =
            self.leaning.is_some_and(|leaning| leaning.on != from && leaning.leader >= leader);
        if !is_asked || !is_member || leader.site == self.me || leans_elsewhere {
            return;
        }
        if self.leaning.is_none_or(|leaning| (leaning.on, leaning.leader) != (from, leader)) {
            port.note(PaxosNote::Leans(from, leader));
        }
        let (election, sync_patience) = (self.config.election, self.sync_patience(now));
        let (poll_at, until) = (now + election, now + election.times(LEAN_TIMES) + sync_patience);
        self.leaning = Some(Leaning { on: from, leader, refused, poll_at, until });
        self.tell_reach(from, leader, port);
        if let Phase::Following = self.phase {
            // By its peer's word a leader lives.
            self.election_at = Some(now + self.patience(now));
        }
    }

    /// Hints age.
    pub(super) fn cease_to_lean(&mut self, now: Instant) {
        self.leaning = self.leaning.filter(|leaning| now < leaning.until);
    }

    /// A site that leans and is no candidate, for it promised another, asks for the next hint.
    pub(super) fn poll(&mut self, now: Instant, port: &mut impl Port<V>) {
        let (first, pause) = (self.log.chosen(), self.config.election + self.own_sync(now));
        let Some(leaning) = &mut self.leaning else { return };
        if now >= leaning.poll_at {
            leaning.poll_at = now + pause;
            port.send(leaning.on, PaxosMessage::Prepare { ballot: leaning.refused, first });
        }
    }

    pub(super) fn following_deadline(&self) -> (Instant, &'static str) {
        let election = (self.election_at.unwrap_or(Instant::ZERO), "election");
        match self.leaning {
            Some(leaning) if leaning.poll_at < election.0 => (leaning.poll_at, "poll"),
            Some(_) | None => election,
        }
    }
}
