//! Checks every digest of an applied log that leaves a site: in a heartbeat and its reply, when sites compare, and in a
//! status. It must be the digest of what is chosen below the slot that it names. No site may claim more than is chosen.
//!
//! The digest is computed here from the bytes of the chosen entries, by an independent implementation. So a site that
//! applies something other than what is chosen, or computes another digest, is caught even if all sites do the same.
//! Does not check that sites compare, nor how they react to a difference: scenarios that restore storage to an earlier
//! state check that.

use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::SiteId;
use crate::replicated::paxos::{Claim, Slot};
use crate::sim::Violation;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact};
use crate::tweets::site::{Message, Reply};
use crate::wire::Wire;

const PROPERTY: &str = "digest";

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct DigestJudge {
    /// The digest after each slot from the first slot of the log on, as far as anything is chosen.
    below: CowLog<u64>,
}

impl DigestJudge {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::BEAT.and(FactKinds::COMPARED).and(FactKinds::SHOWN);

    #[inline(never)]
    pub(super) fn look(&mut self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        let SeenFact::Left { from, message, .. } = *fact else { return Ok(()) };
        let (Some(site), Some((how, claim))) = (from.as_site(), claim(message)) else { return Ok(()) };
        self.advance(known);
        self.check(known.log.first(), site, how, claim)
    }

    fn advance(&mut self, known: JudgeContext<'_>) {
        while known.log.first().0 + (self.below.len() as u64) < known.log.end().0 {
            let slot = Slot(known.log.first().0 + self.below.len() as u64);
            let Some(entry) = known.log.entry(slot) else { return };
            let content = entry.values().iter().fold(0, |content, value| {
                let mut bytes = Vec::new();
                value.encode(&mut bytes);
                content_of(content, &bytes)
            });
            let before = self.below.last().copied().unwrap_or(0);
            self.below.push(link(before, slot.0, content));
        }
    }

    fn check(
        &self,
        begins: Slot,
        site: SiteId,
        how: &str,
        Claim { end, digest }: Claim,
    ) -> Result<(), Violation> {
        let below = match (end.0.saturating_sub(begins.0)).checked_sub(1) {
            None => (end == begins).then_some(0),
            Some(last) => usize::try_from(last).ok().and_then(|last| self.below.get(last)).copied(),
        };
        let Some(below) = below else {
            let first = begins.0 + self.below.len() as u64;
            return crate::tweets::judges::broken(
                PROPERTY,
                alloc::format!(
                    "{site} {how} to have applied everything below {end}, but nothing is chosen in slot {first}"
                ),
            );
        };
        ensure!(
            below == digest.0,
            PROPERTY,
            "{site} {how} to have applied a log with digest {digest} below slot {end}, but that of what is chosen is \
             {below:016x}"
        );
        Ok(())
    }
}

/// What a message claims about its sender's log, and a phrase for how.
fn claim(message: &Message) -> Option<(&'static str, Claim)> {
    match message {
        Message::Paxos { message } => message.claim().map(|claim| ("says with its heartbeats", claim)),
        Message::Compare { claim } | Message::CompareReply { claim } => {
            Some(("says to compare logs", *claim))
        }
        Message::QueryReply { reply: Reply::Status { status }, .. } => {
            Some(("told as its status", Claim { end: status.applied, digest: status.digest }))
        }
        Message::QueryReply { .. }
        | Message::Forward { .. }
        | Message::Relay { .. }
        | Message::Request { .. }
        | Message::Taken { .. }
        | Message::Applied { .. }
        | Message::Expired { .. }
        | Message::Busy { .. }
        | Message::Query { .. }
        | Message::Behind { .. } => None,
    }
}

const A: u64 = 0xa076_1d64_78bd_642f;
const B: u64 = 0xe703_7ed1_a0b4_28db;
const C: u64 = 0x8ebc_6af0_9c88_c6e3;

/// The high half of a product XORed with the low half.
fn crossed(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    let high = u64::try_from(product >> 64).unwrap_or(0);
    high ^ u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0)
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Mixes in one more value of a slot: 16 bytes at a time, then both ends of the rest.
fn content_of(content: u64, bytes: &[u8]) -> u64 {
    let mut state = content ^ (bytes.len() as u64).wrapping_mul(A);
    let mut rest = bytes;
    while rest.len() >= 16 {
        let (pair, behind) = rest.split_at(16);
        state = crossed(word(&pair[..8]) ^ B, word(&pair[8..]) ^ state);
        rest = behind;
    }
    let ends = |length: usize| (word(&rest[..length]), word(&rest[rest.len() - length..]));
    let (first, last) = match rest.len() {
        8.. => ends(8),
        4..8 => ends(4),
        _ => (rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
    };
    crossed(first ^ C, last ^ state).wrapping_add(A)
}

/// The digest after one more slot.
fn link(before: u64, slot: u64, content: u64) -> u64 {
    let mut state = before ^ A;
    for (place, word) in (0..).zip([slot, content]) {
        state = crossed(state ^ word, B).wrapping_add(C ^ place);
    }
    state = crossed(state ^ C, A ^ 2);
    state = crossed(state ^ before, B);
    crossed(state ^ A, C)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ProcessId, SiteSet};
    use crate::mix;
    use crate::replicated::paxos::{self, Ballot, Digest};
    use crate::tweets::judges::stage::{C1, Stage, ballot, objects, site};
    use crate::tweets::site::{Phase, Status};

    #[test]
    fn both_implementations_agree() {
        let bytes: Vec<u8> = (0..100u8).map(|byte| byte.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            let content = mix::absorb(7, &bytes[..length]);
            assert_eq!(content_of(7, &bytes[..length]), content, "{length}");
            assert_eq!(Digest(link(content, 9, 4)), Digest(content).next(Slot(9), 4));
        }
    }

    fn messages(claim: Claim) -> [Message; 5] {
        let (ballot, chosen, applied) = (ballot(1, 0), claim.end, claim);
        let status = Status {
            site: site(0),
            phase: Phase::Following,
            ballot: Ballot::ZERO,
            leader: None,
            chosen,
            applied: claim.end,
            queue: 0,
            digest: claim.digest,
        };
        let reply = Reply::Status { status };
        [
            Message::Paxos {
                message: paxos::PaxosMessage::Heartbeat {
                    ballot,
                    chosen,
                    beat: 1,
                    hears: SiteSet::first(3),
                    applied,
                },
            },
            Message::Paxos {
                message: paxos::PaxosMessage::HeartbeatReply { ballot, chosen, beat: 1, applied },
            },
            Message::Compare { claim },
            Message::CompareReply { claim },
            Message::QueryReply { id: 1, applied: claim.end, reply },
        ]
    }

    #[test]
    fn every_digest_that_leaves_a_site_is_that_of_what_is_chosen() {
        let stage = Stage::three_chosen();
        let mut judge = DigestJudge::default();
        judge.advance(JudgeContext { log: stage.judges.log(), model: stage.judges.model() });
        let ends = (0..=3u64).map(|end| {
            let below = end.checked_sub(1).and_then(|last| judge.below.get(usize::try_from(last).unwrap()));
            Claim { end: Slot(end), digest: Digest(below.copied().unwrap_or(0)) }
        });
        for claim in ends {
            for (which, message) in messages(claim).into_iter().enumerate() {
                let to = if which == 4 { C1 } else { ProcessId::from(site(1)) };
                let mut one = Stage::three_chosen();
                // Another judge checks who asked for a status, and when.
                let sees = |stage: &mut Stage, message| {
                    let known = JudgeContext { log: stage.judges.log(), model: stage.judges.model() };
                    let from = site(0).into();
                    DigestJudge::default()
                        .look(known, &SeenFact::Left { from, to: to.into(), message: &message })
                };
                sees(&mut one, message).unwrap();
                let wrong = Claim { digest: Digest(claim.digest.0 ^ 1 << 40), ..claim };
                let objection = sees(&mut one, messages(wrong)[which].clone());
                objects(objection, "digest", "but that of what is chosen is");
                let more = Claim { end: Slot(4), ..claim };
                objects(
                    sees(&mut one, messages(more)[which].clone()),
                    "digest",
                    "nothing is chosen in slot 3",
                );
            }
        }
        let [heartbeat, ..] = messages(Claim { end: Slot(1), digest: Digest(7) });
        let mut whole = Stage::three_chosen();
        objects(
            whole.sent(site(0), ProcessId::from(site(1)), heartbeat),
            "digest",
            "S0 says with its heartbeats",
        );
    }
}
