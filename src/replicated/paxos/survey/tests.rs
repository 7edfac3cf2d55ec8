//! Tests surveys at a single site: what is counted, what is answered, what a leader closes.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::process::Recipients;
use crate::replicated::paxos::tests::{
    LATER, NOW, Port, accepted, candidate, config, entry, promise, recovered, site,
};
use crate::replicated::paxos::{Config, PaxosRecord};

const FIRST: SurveyId = SurveyId { incarnation: 1, count: 1 };
const SECOND: SurveyId = SurveyId { incarnation: 1, count: 2 };

fn extent(id: SurveyId, end: u64, chosen: u64) -> PaxosMessage<u64> {
    PaxosMessage::SurveyReply { id, end: Slot(end), chosen: Slot(chosen) }
}

/// Site 0 of five, which accepted slot 0.
fn one_of_five() -> Paxos<u64> {
    let config = Config { sites: 5, ..config() };
    Paxos::recover(config, site(0), crate::mix::Seed(1), vec![accepted(1, 1, 0, 10)]).unwrap()
}

/// The result of the survey after each of these answers.
fn surveyed(id: SurveyId, answers: &[(u8, PaxosMessage<u64>)]) -> Vec<Option<u64>> {
    let (mut paxos, mut port) = (one_of_five(), Port::default());
    paxos.survey(NOW, id, Slot(0), &mut port);
    let reach = Slot(1);
    assert_eq!(
        port.sent,
        [(Recipients::from(SiteSet::first(5).without(site(0))), PaxosMessage::Survey { id, reach })]
    );
    let after = |(from, message): &(u8, PaxosMessage<u64>)| {
        paxos.on_message(NOW, site(*from), message.clone(), &mut port);
        paxos.surveyed().map(|end| end.0)
    };
    answers.iter().map(after).collect()
}

#[test]
fn a_quorum_of_sites_answers_each_counted_once() {
    let check = |answers: &[(u8, u64)], expected: &[Option<u64>]| {
        let answers: Vec<_> = answers.iter().map(|(from, end)| (*from, extent(FIRST, *end, 0))).collect();
        assert_eq!(surveyed(FIRST, &answers), expected);
    };
    check(&[(1, 3), (2, 2)], &[None, Some(3)]);
    check(&[(1, 0), (2, 0)], &[None, Some(1)]);
    check(&[(1, 3), (1, 4), (1, 3), (4, 0)], &[None, None, None, Some(4)]);
    // An answer after a quorum is not needed, and nothing waits for it.
    check(&[(1, 3), (2, 2), (3, 9)], &[None, Some(3), Some(3)]);
    // These sites are not of this cluster.
    check(&[(5, 3), (8, 3), (2, 2), (3, 2)], &[None, None, None, Some(2)]);
}

#[test]
fn an_answer_to_another_survey_counts_for_nothing() {
    let of_another_life = SurveyId { incarnation: 2, ..FIRST };
    for other in [SECOND, of_another_life] {
        let answers = [(1, extent(other, 0, 0)), (2, extent(other, 0, 0)), (1, extent(FIRST, 2, 0))];
        assert_eq!(surveyed(FIRST, &answers), [None, None, None]);
    }
}

#[test]
fn one_site_alone_is_a_quorum_at_once() {
    let config = Config { sites: 1, ..config() };
    let mut paxos =
        Paxos::recover(config, site(0), crate::mix::Seed(1), vec![accepted(1, 0, 0, 10)]).unwrap();
    let mut port = Port::default();
    assert_eq!(paxos.surveyed(), None);
    paxos.survey(NOW, FIRST, Slot(0), &mut port);
    assert_eq!((paxos.surveyed(), port.sent), (Some(Slot(1)), vec![]));
    paxos.end_survey();
    assert_eq!(paxos.surveyed(), None);
}

#[test]
fn what_is_merely_accepted_is_told_of_and_known_again_behind_a_restart() {
    let replies = |records: Vec<PaxosRecord<u64>>| {
        let (mut paxos, mut port) = (recovered(records), Port::default());
        paxos.on_message(NOW, site(1), PaxosMessage::Survey { id: FIRST, reach: Slot(0) }, &mut port);
        port.sent
    };
    assert_eq!(replies(vec![]), [(site(1).into(), extent(FIRST, 0, 0))]);
    let held = vec![accepted(1, 1, 0, 10), PaxosRecord::Chosen(Slot(1)), accepted(1, 1, 3, 13)];
    assert_eq!(replies(held), [(site(1).into(), extent(FIRST, 4, 1))]);
}

#[test]
fn who_did_not_answer_is_asked_again_and_who_waits_says_for_what() {
    let (mut paxos, mut port) = (one_of_five(), Port::default());
    paxos.survey(NOW, FIRST, Slot(0), &mut port);
    paxos.on_message(NOW, site(3), extent(FIRST, 4, 0), &mut port);
    port.sent.clear();
    let again = NOW + config().retry;
    assert_eq!(paxos.deadline(), (again, "survey"));
    paxos.survey_again(again, &mut port);
    let missing: SiteSet = [1, 2, 4].into_iter().map(site).collect();
    let survey = PaxosMessage::Survey { id: FIRST, reach: Slot(4) };
    assert_eq!(port.sent, [(missing.into(), survey.clone())]);
    paxos.on_message(again, site(1), extent(FIRST, 2, 2), &mut port);
    port.sent.clear();
    paxos.survey_again(again + config().retry, &mut port);
    let others = SiteSet::first(5).without(site(0));
    // It fetches the slots that one of them knows to be chosen.
    let fetch = PaxosMessage::Fetch { first: Slot(0), end: Slot(2) };
    assert_eq!(port.sent, [(others.into(), survey), (site(1).into(), fetch)]);
}

/// A site 0 that leads, and knows of no slot.
fn leader() -> (Paxos<u64>, Port) {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    for number in [0, 1] {
        paxos.on_message(LATER, site(number), promise(mine, (0, 0), 0, vec![]), &mut port);
    }
    assert_eq!(paxos.leads_under(), Some(mine));
    (paxos, port)
}

#[test]
fn a_leader_closes_what_somebody_waits_for_and_it_knows_nothing_of() {
    let closed = |reach: u64| {
        let (mut paxos, mut port) = leader();
        paxos.propose(LATER, entry(10), &mut port);
        port.sent.clear();
        paxos.on_message(LATER, site(2), PaxosMessage::Survey { id: FIRST, reach: Slot(reach) }, &mut port);
        assert!(port.proposals().iter().all(|(_, entry)| *entry == Entry::noop()));
        (port.proposals().into_iter().map(|(slot, _)| slot).collect::<Vec<_>>(), port.ignored().len())
    };
    assert_eq!(closed(0), (vec![], 0));
    assert_eq!(closed(1), (vec![], 0), "it proposed that itself");
    assert_eq!(closed(3), (vec![1, 2], 0));
    let config = config();
    assert_eq!(closed(config.open_max()), ((1..config.window).collect(), 0), "its window bounds it");
    assert_eq!(closed(config.open_max() + 1), (vec![], 1), "no honest site holds anything there");
}

#[test]
fn whoever_does_not_lead_closes_nothing() {
    let (mut paxos, _) = candidate(vec![accepted(1, 1, 0, 10)]);
    let mut port = Port::default();
    paxos.on_message(LATER, site(2), PaxosMessage::Survey { id: FIRST, reach: Slot(3) }, &mut port);
    assert_eq!(port.kinds(), ["SurveyReply"]);
}
