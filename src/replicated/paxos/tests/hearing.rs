//! Whom a site hears, whom it follows, and through whom.

use super::*;

#[test]
fn a_leader_that_is_still_heard_goes_on_above_the_ballot_of_one_who_was_away() {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    for number in [0, 1] {
        paxos.on_message(LATER, site(number), promise(mine, (0, 0), 0, vec![]), &mut port);
    }
    let away = ballot(mine.round + 6, 2);
    let nack = PaxosMessage::Nack { ballot: mine, promised: away, chosen: Slot(0), leader: None };
    paxos.on_message(LATER, site(2), nack, &mut port);
    assert!(paxos.is_campaigning() && paxos.promised() > away, "{}", paxos.promised());
}

#[test]
fn a_leader_says_that_it_hears_sites_of_its_cluster_only() {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    for number in [0, 1] {
        paxos.on_message(LATER, site(number), promise(mine, (0, 0), 0, vec![]), &mut port);
    }
    let hears = |port: &Port| match port.sent.last() {
        Some((_, PaxosMessage::Heartbeat { hears, .. })) => *hears,
        other => panic!("{other:?}"),
    };
    assert_eq!(hears(&port), SiteSet::first(3), "who promised is presumed to live, and so is everybody else");
    let (at, _) = paxos.deadline();
    let later = LATER + config().election;
    paxos.on_message(
        at,
        site(2),
        PaxosMessage::HeartbeatReply { ballot: mine, beat: 1, chosen: Slot(0), applied: Claim::default() },
        &mut port,
    );
    paxos.on_wake(later, &mut port);
    assert_eq!(hears(&port), SiteSet::EMPTY.with(site(2)));
}

#[test]
fn a_leader_that_does_not_hear_a_site_is_not_waited_for_whether_its_ballot_was_promised_or_not() {
    let leader = ballot(1, 1);
    for promised in [Ballot::ZERO, leader] {
        let mut paxos = recovered(vec![PaxosRecord::Promised(promised)]);
        let (mut now, mut beat) = (NOW, 0);
        while !paxos.is_campaigning() {
            beat += 1;
            let hears = SiteSet::EMPTY.with(site(2));
            let heartbeat = PaxosMessage::Heartbeat {
                ballot: leader,
                chosen: Slot(0),
                beat,
                hears,
                applied: Claim::default(),
            };
            paxos.on_message(now, site(1), heartbeat, &mut Port::default());
            now += config().heartbeat;
            assert!(now.since(NOW) < config().election.times(6), "promised {promised}");
            if now >= paxos.deadline().0 {
                paxos.on_wake(now, &mut Port::default());
            }
        }
        assert!(now.since(NOW) > config().election.times(4), "promised {promised}");
    }
}

#[test]
fn a_site_that_hears_a_live_leader_refuses_other_candidates() {
    let mut paxos = recovered(vec![]);
    let mut port = Port::default();
    paxos.on_message(NOW, site(1), heartbeat(ballot(1, 1), Slot(0)), &mut port);
    let prepare = PaxosMessage::Prepare { ballot: ballot(9, 2), first: Slot(0) };
    paxos.on_message(NOW, site(2), prepare.clone(), &mut port);
    assert_eq!(port.kinds(), ["HeartbeatReply", "Nack"]);
    paxos.on_message(LATER, site(2), prepare, &mut port);
    assert_eq!(
        (port.kinds()[2], paxos.promised()),
        ("Promise", ballot(9, 2)),
        "a silent leader is no leader"
    );
}

/// A site 0 that campaigns and has asked a second time.
fn candidate_in_vain() -> (Paxos<u64>, Ballot, Instant) {
    let (mut paxos, mine) = candidate(vec![]);
    let at = LATER + config().retry;
    paxos.on_wake(at, &mut Port::default());
    (paxos, mine, at)
}

fn refusal(mine: Ballot, chosen: u64, leader: Option<Ballot>) -> PaxosMessage<u64> {
    PaxosMessage::Nack { ballot: mine, promised: mine, chosen: Slot(chosen), leader }
}

#[test]
fn a_refusal_names_the_leader_that_its_sender_hears_and_no_other() {
    let mut paxos = recovered(vec![]);
    let mut port = Port::default();
    let leader = ballot(1, 1);
    paxos.on_message(NOW, site(1), heartbeat(leader, Slot(0)), &mut port);
    let prepare = PaxosMessage::Prepare { ballot: ballot(9, 2), first: Slot(0) };
    paxos.on_message(NOW, site(2), prepare, &mut port);
    assert_eq!(port.sent[1], (site(2).into(), refusal(ballot(9, 2), 0, Some(leader))));
    port.sent.clear();
    let prepare = PaxosMessage::Prepare { ballot: ballot(9, 1), first: Slot(0) };
    paxos.on_message(LATER, site(1), prepare, &mut port);
    let late = PaxosMessage::Prepare { ballot: ballot(8, 2), first: Slot(0) };
    paxos.on_message(LATER, site(2), late, &mut port);
    let (ballot, promised, chosen) = (ballot(8, 2), ballot(9, 1), Slot(0));
    assert_eq!(port.kinds(), ["Promise", "Prepare", "Nack"], "its own vote comes back to it");
    assert_eq!(port.sent[2].1, PaxosMessage::Nack { ballot, promised, chosen, leader: None });
}

#[test]
fn a_candidate_refused_again_by_a_peer_that_hears_a_leader_follows_through_it_until_the_hint_is_old() {
    let (mut paxos, mine) = candidate(vec![]);
    let mut port = Port::default();
    let leader = ballot(1, 2);
    paxos.on_message(LATER, site(1), refusal(mine, 0, Some(leader)), &mut port);
    assert_eq!(paxos.route(), None, "the leader may be about to be heard");

    let (mut paxos, mine, at) = candidate_in_vain();
    paxos.on_message(at, site(1), refusal(mine, 2, Some(leader)), &mut port);
    assert_eq!((paxos.route(), paxos.leader()), (Some((leader, site(1))), Some(leader)));
    assert!(paxos.is_campaigning() && port.notes.contains(&PaxosNote::FollowsThrough(site(1), leader)));
    let fetch = PaxosMessage::Fetch { first: Slot(0), end: Slot(2) };
    assert_eq!(port.sent, [(site(1).into(), fetch)], "what it lacks is fetched from there");

    paxos.on_wake(at + config().election.times(4), &mut port);
    assert_eq!(paxos.route(), None);
}

#[test]
fn following_through_a_peer_ends_when_the_site_hears_a_leader_or_the_peer_does_not() {
    let leader = ballot(1, 2);
    let following_through = || {
        let (mut paxos, mine, at) = candidate_in_vain();
        paxos.on_message(at, site(1), refusal(mine, 0, Some(leader)), &mut Port::default());
        (paxos, mine, at, Port::default())
    };
    let (mut paxos, mine, at, mut port) = following_through();
    paxos.on_message(at, site(1), refusal(mine, 0, None), &mut port);
    assert_eq!(paxos.route(), None);

    let (mut paxos, mine, at, mut port) = following_through();
    let higher = ballot(mine.round + 1, 2);
    paxos.on_message(at, site(2), heartbeat(higher, Slot(0)), &mut port);
    assert_eq!(paxos.route(), Some((higher, site(2))));
    paxos.on_message(at, site(1), refusal(mine, 0, Some(leader)), &mut port);
    assert_eq!(paxos.route(), Some((higher, site(2))), "a late hint counts for nothing");
}

#[test]
fn who_follows_through_a_peer_and_promised_another_asks_for_hints_under_its_refused_ballot() {
    let leader = ballot(1, 2);
    let (mut paxos, mine, at) = candidate_in_vain();
    let mut port = Port::default();
    paxos.on_message(at, site(1), refusal(mine, 0, Some(leader)), &mut port);
    let rival = PaxosMessage::Prepare { ballot: ballot(mine.round + 1, 2), first: Slot(0) };
    paxos.on_message(at, site(2), rival, &mut port);
    assert!(!paxos.is_campaigning() && paxos.route() == Some((leader, site(1))));
    port.sent.clear();
    let poll_at = at + config().election;
    paxos.on_wake(poll_at, &mut port);
    assert_eq!(port.sent, [(site(1).into(), PaxosMessage::Prepare { ballot: mine, first: Slot(0) })]);
    // A promise of that ballot counts for nothing: its candidacy is over.
    for number in [1, 2] {
        paxos.on_message(poll_at, site(number), promise(mine, (0, 0), 0, vec![]), &mut port);
    }
    assert_eq!(paxos.leads_under(), None);
    let (chosen, promised) = (Slot(0), ballot(mine.round + 1, 2));
    let nack = PaxosMessage::Nack { ballot: mine, promised, chosen, leader: Some(leader) };
    paxos.on_message(poll_at, site(1), nack, &mut port);
    paxos.on_wake(at + config().election.times(4), &mut port);
    assert_eq!(paxos.route(), Some((leader, site(1))), "the answer renews the hint");
}
