//! Tests slots that are known to be chosen and that no promise reports: a candidate gives up, a leader proposes nothing
//! over them, and no message of others, honest or not, makes either break an invariant of its own.

use crate::replicated::paxos::{
    Ballot, Claim, Config, Entry, Paxos, PaxosMessage, PaxosNote, PaxosRecord, Promise, Slot,
};
use alloc::vec;
use alloc::vec::Vec;

use crate::ids::SiteSet;
use crate::mix::{Seed, below, mix};
use crate::replicated::paxos::survey::SurveyId;
use crate::replicated::paxos::tests::{
    LATER, Port, accepted, ballot, candidate, config, entry, promise, recovered, report, site,
};
use crate::time::Duration;

fn chosen(ballot: Ballot, chosen: u64) -> PaxosMessage<u64> {
    PaxosMessage::Chosen { ballot, chosen: Slot(chosen) }
}

fn supply(slot: u64, chosen: u64) -> PaxosMessage<u64> {
    PaxosMessage::FetchReply { slot: Slot(slot), entry: entry(10 + slot), chosen: Slot(chosen) }
}

fn learned(slot: u64) -> PaxosRecord<u64> {
    PaxosRecord::Learned { slot: Slot(slot), entry: entry(10 + slot) }
}

/// Proposes while there is room. Returns the slots.
fn proposes(paxos: &mut Paxos<u64>) -> Vec<u64> {
    let mut port = Port::default();
    while paxos.has_room() {
        paxos.propose(LATER, entry(99), &mut port);
    }
    port.proposals().into_iter().map(|(slot, _)| slot).collect()
}

/// Site 0 asked for promises under its first ballot. The others chose two slots under a later one, and site 0 hears of
/// that from the new leader's watermark alone. The slots in `supplied` arrive, then its own promise, and then one that
/// site 1 made before.
fn overtaken(supplied: &[u64]) -> (Paxos<u64>, Ballot, Port) {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    paxos.on_message(LATER, site(2), chosen(ballot(mine.round + 1, 2), 2), &mut port);
    for slot in supplied {
        paxos.on_message(LATER, site(2), supply(*slot, 2), &mut port);
    }
    for number in [0, 1] {
        assert!(paxos.is_campaigning());
        paxos.on_message(LATER, site(number), promise(mine, (0, 0), 0, vec![]), &mut port);
    }
    (paxos, mine, port)
}

#[test]
fn a_candidate_that_knows_more_than_a_prepare_quorum_reported_gives_up() {
    for (supplied, last) in [(&[1][..], 1), (&[0], 0), (&[0, 1], 1), (&[1, 0], 1)] {
        let (mut paxos, mine, port) = overtaken(supplied);
        assert_eq!(proposes(&mut paxos), [0_u64; 0], "{supplied:?}");
        assert_eq!((paxos.leads_under(), paxos.is_campaigning()), (None, false), "{supplied:?}");
        assert_eq!(port.notes.last(), Some(&PaxosNote::Overtaken(mine, Slot(last))), "{supplied:?}");
        assert_eq!(port.proposals(), [], "{supplied:?}");
    }
}

#[test]
fn who_gave_up_goes_on_learning_and_leads_later_above_what_it_then_hears_of() {
    let (mut paxos, mine, mut port) = overtaken(&[1]);
    assert_eq!(paxos.deadline().1, "fetch");
    paxos.on_message(LATER, site(2), supply(0, 2), &mut port);
    assert_eq!((paxos.log().chosen(), port.notes.last()), (Slot(2), Some(&PaxosNote::CaughtUp(Slot(2)))));
    let (at, reason) = paxos.deadline();
    let longest = config().election + config().election_jitter.times(8);
    assert!(reason == "election" && at.since(LATER) <= longest, "{reason} in {:?}", at.since(LATER));
    // It asks under its next ballot above what it learned. A site that promised a later ballot refuses.
    paxos.on_wake(at, &mut port);
    let (second, later) = (paxos.promised(), ballot(mine.round + 3, 2));
    assert!(paxos.is_campaigning() && second > mine);
    paxos.on_message(at, site(0), PaxosMessage::Prepare { ballot: second, first: Slot(2) }, &mut port);
    let nack = PaxosMessage::Nack { ballot: second, promised: later, chosen: Slot(2), leader: None };
    paxos.on_message(at, site(2), nack, &mut port);
    let (at, _) = paxos.deadline();
    paxos.on_wake(at, &mut port);
    let third = paxos.promised();
    assert!(paxos.is_campaigning() && third > later);
    for number in [0, 1] {
        let promise = Promise {
            ballot: third,
            from: Slot(2),
            to: Slot(2),
            end: Slot(2),
            chosen: Slot(2),
            sync: 0,
            reports: vec![],
        };
        paxos.on_message(at, site(number), PaxosMessage::Promise(promise), &mut port);
    }
    assert_eq!((paxos.leads_under(), proposes(&mut paxos)), (Some(third), vec![2, 3, 4, 5]));
}

#[test]
fn a_watermark_of_an_older_ballot_makes_a_candidate_give_up_too() {
    let (mut paxos, mine) = candidate(vec![accepted(1, 1, 1, 11)]);
    let mut port = Port::default();
    paxos.on_message(LATER, site(1), chosen(ballot(1, 1), 2), &mut port);
    assert_eq!(paxos.log().chosen_at(Slot(1)), Some(&entry(11)));
    // No honest site that accepted slot 1 promises this.
    for number in [1, 2] {
        paxos.on_message(LATER, site(number), promise(mine, (0, 0), 0, vec![]), &mut port);
    }
    assert_eq!(
        (proposes(&mut paxos), port.notes.last()),
        (vec![], Some(&PaxosNote::Overtaken(mine, Slot(1))))
    );
}

#[test]
fn while_it_catches_up_with_one_promise_a_candidate_may_be_overtaken() {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    let (at, sync) = (Slot(2), 0);
    let ahead = Promise { ballot: mine, from: at, to: at, end: at, chosen: at, sync, reports: vec![] };
    paxos.on_message(LATER, site(0), promise(mine, (0, 0), 0, vec![]), &mut port);
    paxos.on_message(LATER, site(1), PaxosMessage::Promise(ahead), &mut port);
    assert_eq!(port.kinds(), ["Fetch"]);
    paxos.on_message(LATER, site(1), supply(0, 2), &mut port);
    assert!(paxos.is_campaigning());
    paxos.on_message(LATER, site(1), supply(2, 3), &mut port);
    assert_eq!(port.notes.last(), Some(&PaxosNote::Overtaken(mine, Slot(2))));
    paxos.on_message(LATER, site(1), supply(1, 3), &mut port);
    assert_eq!((paxos.log().chosen(), proposes(&mut paxos)), (Slot(3), vec![]));
}

#[test]
fn what_a_quorum_reports_is_no_reason_to_give_up() {
    // A slot that is chosen after a gap, known here and reported as accepted, is left out, and the gap is closed.
    let (mut paxos, mine) = candidate(vec![learned(1)]);
    let mut port = Port::default();
    paxos.on_message(LATER, site(1), promise(mine, (0, 0), 0, vec![]), &mut port);
    let reports = vec![report(1, Some(ballot(1, 1)), 11)];
    paxos.on_message(LATER, site(2), promise(mine, (0, 2), 2, reports), &mut port);
    assert_eq!((paxos.leads_under(), port.proposals()), (Some(mine), vec![(0, Entry::noop())]));
    assert_eq!(proposes(&mut paxos), [2, 3]);
}

#[test]
fn what_a_site_recovered_its_own_promise_reports() {
    for sites in [1, 3] {
        let records = vec![learned(1), accepted(1, 0, 2, 12)];
        let config = Config { sites, ..config() };
        let mut paxos = Paxos::recover(config, site(0), Seed(1), records).unwrap();
        let mut port = Port::default();
        paxos.on_wake(LATER, &mut port);
        let (at, _) = paxos.deadline();
        paxos.on_wake(at, &mut port);
        let mine = paxos.promised();
        paxos.on_message(at, site(0), PaxosMessage::Prepare { ballot: mine, first: Slot(0) }, &mut port);
        let own = port.sent.iter().find_map(|(_, message)| match message {
            PaxosMessage::Promise(promise) => Some(PaxosMessage::Promise(promise.clone())),
            _ => None,
        });
        paxos.on_message(at, site(0), own.unwrap(), &mut port);
        paxos.on_message(at, site(1), promise(mine, (0, 0), 0, vec![]), &mut port);
        assert_eq!(paxos.leads_under(), Some(mine), "{sites} sites");
        assert_eq!(port.proposals(), [(0, Entry::noop()), (2, entry(12))], "{sites} sites");
        assert_eq!(proposes(&mut paxos), [3], "{sites} sites");
    }
}

/// A site 0 with this journal that leads by the promises of the others, which know of nothing.
fn leader(held: Vec<PaxosRecord<u64>>) -> (Paxos<u64>, Ballot) {
    let (mut paxos, mine) = candidate(held);
    for number in [1, 2] {
        paxos.on_message(LATER, site(number), promise(mine, (0, 0), 0, vec![]), &mut Port::default());
    }
    assert_eq!(paxos.leads_under(), Some(mine));
    (paxos, mine)
}

#[test]
fn a_leader_that_is_supplied_with_what_it_did_not_propose_ceases_to_lead() {
    for slot in [0, 1, 3] {
        let (mut paxos, mine) = leader(vec![]);
        let mut port = Port::default();
        paxos.on_message(LATER, site(2), supply(slot, slot + 1), &mut port);
        assert_eq!((paxos.leads_under(), proposes(&mut paxos)), (None, vec![]), "slot {slot}");
        assert!(port.notes.contains(&PaxosNote::LostQuorum(mine)), "slot {slot}");
    }
}

#[test]
fn a_leader_takes_nobodys_watermark_for_what_it_did_not_propose_again() {
    // It holds slot 1, which no promise reported. No honest site says later that slot 1 was chosen.
    for message in [
        chosen(ballot(1, 1), 2),
        PaxosMessage::Accept { ballot: ballot(1, 1), slot: Slot(3), chosen: Slot(2), entry: entry(9) },
    ] {
        let (mut paxos, mine) = leader(vec![accepted(1, 1, 1, 11)]);
        let mut port = Port::default();
        paxos.on_message(LATER, site(1), message, &mut port);
        assert!(paxos.log().chosen_at(Slot(1)).is_none() && port.kinds().contains(&"Fetch"), "{port:?}");
        assert_eq!((paxos.leads_under(), proposes(&mut paxos)), (Some(mine), vec![0, 1, 2, 3]));
    }
}

/// Draws numbers from a seed in sequence.
struct Dice(u64, u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.1 += 1;
        below(mix(self.0, [self.1]), end)
    }

    /// A ballot of that site, about as high as `near`.
    fn ballot(&mut self, number: u8, near: Ballot) -> Ballot {
        ballot((near.round + self.below(3)).saturating_sub(1).max(1), number)
    }

    fn slot(&mut self) -> Slot {
        Slot(self.below(7))
    }

    fn entry(&mut self) -> Entry<u64> {
        if self.below(5) == 0 { Entry::noop() } else { entry(self.below(3)) }
    }

    /// A message that `from` may send to site 0, whose ballot is `mine`: true or not.
    fn message(&mut self, from: u8, mine: Ballot) -> PaxosMessage<u64> {
        let theirs = self.ballot(from, mine);
        let mine = if self.below(4) == 0 { self.ballot(0, mine) } else { mine };
        let id = SurveyId { incarnation: 1, count: 1 };
        match self.below(16) {
            0 => PaxosMessage::Prepare { ballot: theirs, first: self.slot() },
            1 => {
                let (slot, chosen) = (self.slot(), self.slot());
                PaxosMessage::Accept { ballot: theirs, slot, chosen, entry: self.entry() }
            }
            2 => PaxosMessage::Heartbeat {
                ballot: theirs,
                chosen: self.slot(),
                beat: 1,
                hears: SiteSet::first(3),
                applied: Claim::default(),
            },
            3 => {
                let promised = self.ballot(from, mine).max(mine);
                let leader = (self.below(3) == 0).then(|| self.ballot(3 - from, mine));
                PaxosMessage::Nack { ballot: mine, promised, chosen: self.slot(), leader }
            }
            4 => PaxosMessage::Accepted { ballot: mine, slot: self.slot() },
            5 | 6 => PaxosMessage::Chosen { ballot: theirs, chosen: self.slot() },
            7 => PaxosMessage::HeartbeatReply {
                ballot: mine,
                beat: 1,
                chosen: self.slot(),
                applied: Claim::default(),
            },
            8 => PaxosMessage::Survey { id, reach: self.slot() },
            9 => PaxosMessage::SurveyReply { id, end: self.slot(), chosen: self.slot() },
            10 | 11 => {
                PaxosMessage::FetchReply { slot: self.slot(), entry: self.entry(), chosen: self.slot() }
            }
            _ => PaxosMessage::Promise(self.promise(mine)),
        }
    }

    fn promise(&mut self, mine: Ballot) -> Promise<u64> {
        let (from, chosen) = (Slot(self.below(3)), Slot(self.below(3)));
        let to = Slot(from.0 + self.below(4));
        let end = Slot(to.0 + self.below(2));
        let held: Vec<u64> = (from.0..to.0).filter(|_| self.below(2) == 0).collect();
        let report = |slot| {
            let accepted = (self.below(3) > 0).then(|| self.ballot(1, mine));
            report(slot, accepted, self.below(3))
        };
        let reports = held.into_iter().map(report).collect();
        Promise { ballot: mine, from, to, end, chosen, sync: 0, reports }
    }
}

/// Two sites say anything at all, in any order. All that must hold is that site 0 keeps its own invariants.
#[test]
fn no_message_of_others_breaks_an_invariant_of_ones_own() {
    let (mut led, mut gave_up) = (0, 0);
    for seed in 0..6_000 {
        let mut dice = Dice(seed, 0);
        let mut journal: Vec<PaxosRecord<u64>> = Vec::new();
        let (mut paxos, mut now) = (recovered(vec![]), LATER);
        for _ in 0..40 {
            let mut port = Port::default();
            match dice.below(12) {
                _ if !paxos.is_campaigning() && paxos.leads_under().is_none() && dice.below(4) == 0 => {
                    now = paxos.deadline().0.max(now);
                }
                0 => now = paxos.deadline().0.max(now),
                1 if dice.below(4) == 0 => {
                    // Contradictory messages may have made its journal nonsense: that is damage, not a panic.
                    let again = Paxos::recover(config(), site(0), Seed(seed), journal.iter().cloned());
                    paxos = again.unwrap_or_else(|_| recovered(vec![]));
                }
                2 if paxos.has_room() => paxos.propose(now, entry(dice.below(3)), &mut port),
                3 => paxos.survey(now, SurveyId { incarnation: 1, count: 1 }, dice.slot(), &mut port),
                _ => {
                    now += Duration::from_millis(dice.below(30));
                    let from = 1 + u8::try_from(dice.below(2)).unwrap();
                    let message = dice.message(from, paxos.promised());
                    paxos.on_message(now, site(from), message, &mut port);
                }
            }
            if now >= paxos.deadline().0 {
                paxos.on_wake(now, &mut port);
            }
            // Its messages to itself come back.
            let own = |sent: Vec<(_, PaxosMessage<u64>)>| {
                let is_own = |to: &crate::process::Recipients| to.contains(site(0).into());
                sent.into_iter().filter(move |(to, _)| is_own(to)).map(|(_, message)| message)
            };
            let mut waiting: Vec<PaxosMessage<u64>> = own(core::mem::take(&mut port.sent)).collect();
            while let Some(message) = waiting.pop() {
                paxos.on_message(now, site(0), message, &mut port);
                waiting.extend(own(core::mem::take(&mut port.sent)));
            }
            led += port.notes.iter().filter(|note| matches!(note, PaxosNote::Leads(..))).count();
            gave_up += port.notes.iter().filter(|note| matches!(note, PaxosNote::Overtaken(..))).count();
            journal.append(&mut port.records);
        }
    }
    assert!(led > 500 && gave_up > 50, "led {led} times, gave up {gave_up} times");
}
