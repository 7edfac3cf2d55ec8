//! Compares the logs that the sites have applied, by what each site claims of its own.
//!
//! 1. A site believes of each peer only that peer's own last claim, and counts it once. It believes nobody about
//!    others, not even a leader: a site that lies, or has forgotten, changes one voice.
//! 2. Claims are compared at one slot that both sites have applied and whose digest this site still has. A claim
//!    further ahead waits until this site is there; an older one is not compared.
//! 3. A site stops only if a quorum without it agrees on one slot, and this site has something else there. Any two
//!    quorums share a site, so not every site stops, unless a site's storage is changed meanwhile.
//! 4. A site that knows of a difference lets nothing be chosen unless a quorum, itself included, has its log as far as
//!    the slot of that difference or beyond: claims of earlier slots say nothing of that slot. In a healthy cluster
//!    this may last for a round trip, until all have been asked; where no quorum agrees, it lasts for ever.
//!
//! A claim of an earlier life of its site is still true: an applied log never shrinks, and what was applied was chosen.
//! Only storage that is put back as it was makes a claim untrue, and then the next claim says so.

use alloc::format;
use alloc::string::String;

use crate::ids::{SITES_MAX, SiteId, SiteSet};
use crate::process::Effects;
use crate::replicated::digests::Digests;
use crate::replicated::machine::Machine;
use crate::replicated::message::Message;
use crate::replicated::note::Note;
use crate::replicated::paxos::{Claim, Digest, Quorum, Slot};
use crate::replicated::process::Replicated;
use crate::replicated::site::Site;
use crate::time::Instant;
use crate::wire::{Reader, Wire, WireError};

/// A site's knowledge of a peer's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Peer {
    /// Nothing was compared yet.
    #[default]
    Uncompared,
    /// Below this slot it equals this site's log.
    Same(Slot),
    /// It is another log.
    Other {
        /// The lowest slot at which this site was found to differ.
        since: Slot,
        /// The claim with the lowest slot whose digest this site still has: there, others can be asked too.
        claim: Claim,
    },
}

/// A site's knowledge of the logs of all sites.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    peers: [Peer; SITES_MAX as usize],
    /// Each peer's lowest claim of a slot that this site has not applied.
    ahead: [Option<Claim>; SITES_MAX as usize],
    /// The sites whose claims wait, and then those whose log is another: mostly none.
    waiting: SiteSet,
    differing: SiteSet,
    /// Whether it knows of a difference, and of no quorum that has its log.
    is_alone: bool,
    /// When it asks all sites for the claims that it wants to compare.
    ask_at: Option<Instant>,
}

wire_struct!(Comparison { peers, ahead, waiting, differing, is_alone, ask_at });

impl Wire for Peer {
    fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        match self {
            Peer::Uncompared => out.push(1),
            Peer::Same(end) => {
                out.push(2);
                end.encode(out);
            }
            Peer::Other { since, claim } => {
                out.push(3);
                since.encode(out);
                claim.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Peer, WireError> {
        match input.u8()? {
            1 => Ok(Peer::Uncompared),
            2 => Slot::decode(input).map(Peer::Same),
            3 => Ok(Peer::Other { since: Slot::decode(input)?, claim: Claim::decode(input)? }),
            _ => Err(WireError::Invalid("what is known of a peer's log")),
        }
    }
}

/// The result of all comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Finding {
    /// No known claim contradicts this site's log, or a quorum has this log.
    Sound,
    /// There is a difference, and no quorum is known to have this site's log.
    Alone,
    /// This quorum makes this claim, and this site has something else.
    Outvoted(SiteSet, Claim),
}

impl Comparison {
    /// Whether it knows of a difference, and of no quorum that has its log.
    pub(super) fn is_alone(&self) -> bool {
        self.is_alone
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ask_at
    }

    /// Takes the claim of `from`. Returns the own digest if the log of `from` is found to differ, and was not before.
    fn take_claim(&mut self, from: SiteId, claim: Claim, own: &Digests) -> Option<Digest> {
        let ahead = &mut self.ahead[from.index()];
        let Some(digest) = own.at(claim.end) else {
            if claim.end > own.claim().end && ahead.is_none_or(|known| claim.end < known.end) {
                *ahead = Some(claim);
                self.waiting.insert(from);
            }
            return None;
        };
        let peer = &mut self.peers[from.index()];
        let before = *peer;
        *peer = match before {
            // Agreement up to here says nothing about the slot where the logs differ.
            Peer::Other { since, .. } if digest == claim.digest && claim.end < since => before,
            _ if digest == claim.digest => Peer::Same(claim.end),
            Peer::Other { claim: known, .. } if known.end < claim.end && own.at(known.end).is_some() => {
                before
            }
            Peer::Other { since, .. } => Peer::Other { since: since.min(claim.end), claim },
            Peer::Uncompared | Peer::Same(_) => Peer::Other { since: claim.end, claim },
        };
        let differs = matches!(*peer, Peer::Other { .. });
        let others = self.differing.without(from);
        self.differing = if differs { others.with(from) } else { others };
        (differs && !matches!(before, Peer::Other { .. })).then_some(digest)
    }

    /// Removes a waiting claim of a slot that this site has applied by then, with its sender.
    fn pop_reached(&mut self, own: &Digests) -> Option<(SiteId, Claim)> {
        let applied = own.claim().end;
        let is_reached = |site: &SiteId| self.ahead[site.index()].is_some_and(|claim| claim.end <= applied);
        let site = self.waiting.iter().find(is_reached)?;
        self.waiting = self.waiting.without(site);
        Some((site, self.ahead[site.index()].take()?))
    }

    fn find(&self, me: SiteId, sites: u8) -> Finding {
        let all = || SiteSet::first(sites).iter().map(|site| (site, self.peers[site.index()]));
        let others = || {
            all().filter_map(|(site, peer)| match peer {
                Peer::Other { since, claim } if site != me => Some((site, since, claim)),
                Peer::Uncompared | Peer::Same(_) | Peer::Other { .. } => None,
            })
        };
        let Some(since) = others().map(|(_, since, _)| since).min() else { return Finding::Sound };
        for (_, _, claim) in others() {
            let who = others().filter(|(_, _, claimed)| *claimed == claim).map(|(site, ..)| site).collect();
            if Quorum::at(sites, claim.end).is_chosen(who) {
                return Finding::Outvoted(who, claim);
            }
        }
        let has_it = |peer: Peer| matches!(peer, Peer::Same(end) if end >= since);
        let same = all().filter(|(site, peer)| *site == me || has_it(*peer)).map(|(site, _)| site).collect();
        if Quorum::at(sites, since).is_chosen(same) { Finding::Sound } else { Finding::Alone }
    }

    /// The slot at which all should compare: the lowest at which a peer differs, since that peer has applied it.
    fn in_question(&self, own: &Digests) -> Claim {
        let others = self.peers.iter().filter_map(|peer| match peer {
            Peer::Other { claim, .. } => Some(claim.end),
            Peer::Uncompared | Peer::Same(_) => None,
        });
        let held = others.filter_map(|end| Some(Claim { end, digest: own.at(end)? }));
        held.min_by_key(|claim| claim.end).unwrap_or_else(|| own.claim())
    }
}

impl<M: Machine> Site<M> {
    /// A peer claims what it has applied.
    pub(super) fn on_claim(&mut self, from: SiteId, claim: Claim, effects: &mut Effects<Replicated<M>>) {
        if from == self.id || from.number() >= self.config.sites {
            return;
        }
        if let Some(own) = self.comparison.take_claim(from, claim, self.replica.digests()) {
            effects.note(Note::Differs(from, claim, own));
        }
    }

    /// A peer sends its own claim of a slot, and asks for this site's.
    pub(super) fn on_compare(&mut self, from: SiteId, asked: Claim, effects: &mut Effects<Replicated<M>>) {
        self.on_claim(from, asked, effects);
        if let Some(digest) = self.replica.digests().at(asked.end) {
            let claim = Claim { end: asked.end, digest };
            // What is applied is chosen, and stays so whatever this site loses.
            effects.send_independent(from, &Message::CompareReply { claim });
        }
    }

    /// Compares what can be compared, and acts on the result.
    pub(super) fn settle_comparison(&mut self, now: Instant, effects: &mut Effects<Replicated<M>>) {
        while let Some((from, claim)) = self.comparison.pop_reached(self.replica.digests()) {
            self.on_claim(from, claim, effects);
        }
        if self.comparison.differing.is_empty() && !self.comparison.is_alone {
            return;
        }
        match self.comparison.find(self.id, self.config.sites) {
            Finding::Sound if self.comparison.is_alone => {
                self.comparison.is_alone = false;
                self.comparison.ask_at = None;
                effects.note(Note::Reunited(self.replica.applied()));
                self.paxos.take_part(now, effects);
            }
            Finding::Sound => {}
            Finding::Alone => {
                if !self.comparison.is_alone {
                    self.comparison.is_alone = true;
                    self.comparison.ask_at = Some(now);
                    effects.note(Note::Diverged(self.comparison.in_question(self.replica.digests()).end));
                    self.paxos.stand_aside();
                }
                if self.comparison.ask_at.is_none_or(|at| at <= now) {
                    self.comparison.ask_at = Some(now + self.config.retry);
                    let claim = self.comparison.in_question(self.replica.digests());
                    let others = SiteSet::first(self.config.sites).without(self.id);
                    effects.send_independent(others, &Message::Compare { claim });
                }
            }
            Finding::Outvoted(who, claim) => {
                self.comparison.ask_at = None;
                effects.stop("divergence", self.outvoted(who, claim));
            }
        }
    }

    fn outvoted(&self, who: SiteSet, Claim { end, digest }: Claim) -> String {
        let own = self.replica.digests().at(end).map_or_else(|| "another".into(), |own| format!("{own}"));
        format!(
            "the log that {} has applied differs from that of {who}, a quorum: below slot {end} its digest is {own}, and \
             theirs {digest}; keep its storage for whoever asks what only it holds, and do not start it again",
            self.id
        )
    }
}

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;
