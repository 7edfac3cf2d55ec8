//! Serves a site that hears no leader through a peer that hears one. Nothing here decides what is chosen.
//!
//! The peer rightly refuses the site's candidacy, and the refusal names the leader. A site that is refused so again
//! hands what it took to that peer, and fetches from it what is chosen, until the site hears the leader itself or the
//! peer does not. The hint may be wrong: only chosen slots are fetched, and an origin's numbers say what takes effect.
//! Only a site that hears the leader itself gives the hint, so such peers form no chain. A site whose peers hear no
//! leader either is not served until one of them does.

use super::{Ballot, Deadline, Paxos, PaxosMessage, PaxosNote, Phase, Port, Value, earlier};
use crate::ids::SiteId;
use crate::time::Instant;

/// The number of election timeouts for which a hint counts.
const HINT_TIMES: u64 = 4;

/// A leader that is followed through a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndirectLeader {
    /// The peer that hears the leader.
    through: SiteId,
    /// The leader's ballot.
    leader: Ballot,
    /// This site's own ballot that was refused. No site leads under it; asking for it again brings the next hint.
    refused: Ballot,
    poll_at: Instant,
    until: Instant,
}

wire_struct!(IndirectLeader { through, leader, refused, poll_at, until });

impl<V: Value> Paxos<V> {
    /// The leader's ballot, and the site to hand submissions to: the leader, or the peer that hears it.
    pub fn route(&self) -> Option<(Ballot, SiteId)> {
        let own = self.leads_under().or(self.leader.map(|(ballot, _)| ballot));
        let direct = own.map(|ballot| (ballot, ballot.site));
        direct.or(self.indirect_leader.map(|indirect| (indirect.leader, indirect.through)))
    }

    /// The leader that it follows and recently heard directly.
    pub fn heard_leader(&self, now: Instant) -> Option<Ballot> {
        let (ballot, heard_at) = self.leader?;
        let hears = matches!(self.phase, Phase::Following) && now.since(heard_at) < self.config.election;
        hears.then_some(ballot)
    }

    /// A refusal of `refused` names the leader that `from` hears, or none. A candidate follows through a peer only once
    /// it asked again in vain: a site that the leader reaches is not a candidate by then.
    pub(super) fn follow_through(
        &mut self,
        now: Instant,
        from: SiteId,
        refused: Ballot,
        leader: Option<Ballot>,
        port: &mut impl Port<V>,
    ) {
        let is_renewed = self
            .indirect_leader
            .is_some_and(|indirect| indirect.through == from && indirect.refused == refused);
        let Some(leader) = leader else {
            if is_renewed {
                self.indirect_leader = None;
            }
            return;
        };
        let is_asked = match &self.phase {
            Phase::Following => is_renewed && self.leader.is_none(),
            Phase::Campaigning(campaign) => campaign.ballot == refused && campaign.asked > 1,
            Phase::Leading(_) => false,
        };
        let is_member = leader.site.number() < self.config.sites;
        let is_elsewhere = self
            .indirect_leader
            .is_some_and(|indirect| indirect.through != from && indirect.leader >= leader);
        if !is_asked || !is_member || leader.site == self.me || is_elsewhere {
            return;
        }
        if self.indirect_leader.is_none_or(|indirect| (indirect.through, indirect.leader) != (from, leader)) {
            port.note(PaxosNote::FollowsThrough(from, leader));
        }
        let (election, sync_patience) = (self.config.election, self.sync_patience(now));
        let (poll_at, until) = (now + election, now + election.times(HINT_TIMES) + sync_patience);
        self.indirect_leader = Some(IndirectLeader { through: from, leader, refused, poll_at, until });
        self.report_reach(from, leader, port);
        if let Phase::Following = self.phase {
            // The peer says that a leader is alive.
            self.election_at = Some(now + self.patience(now));
        }
    }

    /// Drops the hint when it is too old.
    pub(super) fn expire_indirect_leader(&mut self, now: Instant) {
        self.indirect_leader = self.indirect_leader.filter(|indirect| now < indirect.until);
    }

    /// A site that follows through a peer and is not a candidate, since it promised another ballot, asks for the next hint.
    pub(super) fn poll(&mut self, now: Instant, port: &mut impl Port<V>) {
        let (first, pause) = (self.log.chosen(), self.config.election + self.own_sync(now));
        let Some(indirect) = &mut self.indirect_leader else { return };
        if now >= indirect.poll_at {
            indirect.poll_at = now + pause;
            port.send(indirect.through, PaxosMessage::Prepare { ballot: indirect.refused, first });
        }
    }

    pub(super) fn following_deadline(&self) -> Deadline {
        let election = (self.election_at.unwrap_or(Instant::ZERO), "election");
        earlier(election, self.indirect_leader.map(|indirect| indirect.poll_at), "poll")
    }
}
