//! Tests what a site knows about disks, and how long that makes it wait.

use super::*;
use crate::replicated::paxos::tests::{LATER, NOW, Port, ballot, config, recovered, site};

const QUICK: Duration = Duration::from_millis(5);
const SLOW: Duration = Duration::from_millis(1_000);

/// Votes for `round` at `now`, and gets that vote back after `took`.
fn vote(paxos: &mut Paxos<u64>, round: u64, now: Instant, took: Duration) {
    let mut port = Port::default();
    let prepare = PaxosMessage::Prepare { ballot: ballot(round, 2), first: Slot(0) };
    paxos.on_message(now, site(2), prepare.clone(), &mut port);
    assert_eq!(port.kinds(), ["Promise", "Prepare"], "its own vote comes back too");
    let mut port = Port::default();
    paxos.on_message(now + took, site(0), prepare, &mut port);
    assert!(port.sent.is_empty(), "{port:?}");
}

#[test]
fn a_voter_on_a_slow_disk_gives_the_candidate_time() {
    for (took, least, most) in [(QUICK, 300, 400), (SLOW, 2_300, 2_400)] {
        let mut paxos = recovered(Vec::new());
        vote(&mut paxos, 5, NOW, took);
        let (at, what) = paxos.deadline();
        let waits = if took == SLOW { at.since(NOW + took) } else { at.since(NOW) };
        assert_eq!(what, "election");
        assert!((least..=most).contains(&(waits.as_micros() / 1_000)), "{took}: {waits}");
    }
}

#[test]
fn one_long_wait_among_short_ones_is_no_slow_disk() {
    let mut paxos = recovered(Vec::new());
    vote(&mut paxos, 5, NOW, QUICK);
    vote(&mut paxos, 6, NOW + SLOW, SLOW.times(4));
    assert_eq!(paxos.own_sync(NOW + SLOW.times(5)), Duration::ZERO);
    vote(&mut paxos, 7, NOW + SLOW.times(6), SLOW);
    assert_eq!(paxos.own_sync(NOW + SLOW.times(7)), SLOW);
}

#[test]
fn what_was_measured_fades_by_time_and_sooner_by_quick_syncs() {
    let mut paxos = recovered(Vec::new());
    vote(&mut paxos, 5, NOW, SLOW);
    let measured = NOW + SLOW;
    let half = config().election.times(OWN_HALVED_TIMES);
    assert_eq!(paxos.own_sync(measured + half), Duration::from_millis(500));
    assert_eq!(paxos.own_sync(measured + half.times(5)), Duration::ZERO);
    let mut now = measured;
    for round in 6..11 {
        now += config().election;
        vote(&mut paxos, round, now, QUICK);
    }
    assert_eq!(paxos.own_sync(now + QUICK), Duration::ZERO);
}

#[test]
fn nobody_campaigns_while_an_earlier_vote_waits_for_the_disk() {
    let mut paxos = recovered(Vec::new());
    let mut port = Port::default();
    let prepare = PaxosMessage::Prepare { ballot: ballot(5, 2), first: Slot(0) };
    paxos.on_message(NOW, site(2), prepare.clone(), &mut port);
    let (at, _) = paxos.deadline();
    paxos.on_wake(at, &mut port);
    assert!(!paxos.is_campaigning() && paxos.deadline().0 > at, "{:?}", paxos.deadline());
    paxos.on_message(at + SLOW, site(0), prepare, &mut port);
    let (at, _) = paxos.deadline();
    paxos.on_wake(at, &mut port);
    assert!(paxos.is_campaigning());
}

#[test]
fn a_majority_of_quick_disks_waits_for_slow_ones_only_once_a_campaign_failed() {
    let mut paxos = recovered(Vec::new());
    paxos.on_reported_sync(NOW, site(2), 255);
    assert_eq!(paxos.retry(NOW), config().retry);
    paxos.attempts = 1;
    // A site believes no report beyond this many election timeouts.
    assert_eq!(paxos.sync_patience(NOW), config().election.times(LONGEST_TIMES * SYNCS_PER_VOTE));
    paxos.attempts = 0;
    paxos.on_reported_sync(NOW, site(1), 31);
    assert_eq!(paxos.retry(NOW).as_micros() - config().retry.as_micros(), 31 << UNIT_BITS);
    assert_eq!(paxos.retry(LATER + SLOW.times(60)), config().retry);
}

#[test]
fn the_most_that_is_allowed_follows_from_the_longest_sync() {
    let check = |sync, most| {
        let most = Duration::from_millis(most);
        assert_eq!(sync_patience_max(config().election, Duration::from_millis(sync)), most, "{sync}");
    };
    check(2, 0);
    check(37, 0);
    check(500, 2_000);
    check(60_000, 9_600);
}
