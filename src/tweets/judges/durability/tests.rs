use super::*;
use crate::replicated::paxos::Report;
use crate::tweets::judges::stage::{
    C1, Stage, accept, accepted, ballot, entry, numbered, objects, open, proposed, site, taken, tweet,
};

fn promised(round: u64, number: u8) -> Record {
    Record::Paxos { record: paxos::PaxosRecord::Promised(ballot(round, number)) }
}

fn submission(nonce: u64) -> Arc<Submission> {
    numbered(0, (1, nonce), (0, 0), open(nonce))
}

/// S1 durably accepted openings for slots 0 and 2 under 1.0 and then promised 2.2.
fn stage() -> Stage {
    let mut stage = Stage::new(5);
    stage.asked(&open(1));
    stage.asked(&open(2));
    let records =
        [accepted(1, 0, 0, &[&submission(1)]), accepted(1, 0, 2, &[&submission(2)]), promised(2, 2)];
    stage.durable(site(1), &records).unwrap();
    stage
}

#[test]
fn promises_that_grow_pass_and_others_are_caught() {
    let check = |record, sentence: &str| objects(stage().durable(site(1), &[record]), "durability", sentence);
    check(promised(2, 1), "S1 durably promised 2.1 behind its durable promise of 2.2");
    check(accepted(1, 0, 3, &[]), "slot 3: S1 durably accepted under 1.0 behind its durable promise of 2.2");
    let mut stage = stage();
    stage.durable(site(1), &[promised(2, 2), accepted(2, 2, 3, &[]), promised(3, 0)]).unwrap();
    objects(
        stage.durable(site(1), &[accepted(2, 2, 4, &[])]),
        "durability",
        "behind its durable promise of 3.0",
    );
}

#[test]
fn a_vote_that_is_not_durable_is_caught() {
    let vote = |round, number, slot| paxos::PaxosMessage::Accepted {
        ballot: ballot(round, number),
        slot: Slot(slot),
    };
    let mut stage = stage();
    stage.sent_by(site(1), vote(1, 0, 0)).unwrap();
    let sentence = "slot 0: S1 said it accepted under 2.2, which is not durable there";
    objects(stage.sent_by(site(1), vote(2, 2, 0)), "durability", sentence);
    objects(stage.sent_by(site(1), vote(1, 0, 1)), "durability", "slot 1: S1 said it accepted under 1.0");
    let own = Message::Paxos { message: vote(1, 0, 1) };
    objects(
        stage.delivered(site(1).into(), site(1).into(), &own),
        "durability",
        "slot 1: S1 said it accepted",
    );
}

fn promise(
    round: u64,
    (from, to, end): (u64, u64, u64),
    reports: &[(u64, u64, u64)],
) -> paxos::PaxosMessage<Arc<Submission>> {
    let report = |&(slot, under, nonce): &(u64, u64, u64)| Report {
        slot: Slot(slot),
        ballot: Some(ballot(under, 0)),
        entry: entry(&[&submission(nonce)]),
    };
    let reports = reports.iter().map(report).collect();
    let (ballot, from, to, end) = (ballot(round, 2), Slot(from), Slot(to), Slot(end));
    paxos::PaxosMessage::Promise(Promise { ballot, from, to, end, chosen: Slot(0), sync: 0, reports })
}

#[test]
fn a_promise_that_reports_everything_passes_in_one_part_or_in_two() {
    stage().sent_by(site(1), promise(2, (0, 3, 3), &[(0, 1, 1), (2, 1, 2)])).unwrap();
    stage().sent_by(site(1), promise(2, (0, 2, 3), &[(0, 1, 1)])).unwrap();
    stage().sent_by(site(1), promise(2, (2, 3, 3), &[(2, 1, 2)])).unwrap();
    // Accepts after the promise, under the promised ballot itself, need not be in the promise.
    let mut stage = stage();
    stage.durable(site(1), &[accepted(2, 2, 1, &[]), accepted(2, 2, 5, &[])]).unwrap();
    stage.sent_by(site(1), promise(2, (0, 3, 3), &[(0, 1, 1), (2, 1, 2)])).unwrap();
}

#[test]
fn a_promise_that_hides_or_invents_is_caught() {
    let check = |message, sentence: &str| objects(stage().sent_by(site(1), message), "durability", sentence);
    check(promise(3, (0, 3, 3), &[]), "S1 told a promise of 3.2, but its durable one is 2.2");
    check(
        promise(2, (0, 3, 3), &[(0, 1, 1)]),
        "slot 2: S1's promise of 2.2 does not report \"C1 opens a session\" (1.2 of S0), accepted under 1.0",
    );
    check(promise(2, (0, 2, 2), &[(0, 1, 1)]), "slot 2: S1's promise of 2.2 ends at 2");
    check(promise(2, (0, 3, 3), &[(0, 1, 2), (2, 1, 2)]), "slot 0: S1's promise of 2.2 reports");
    check(promise(2, (0, 3, 3), &[(0, 1, 1), (1, 1, 1), (2, 1, 2)]), "slot 1: S1's promise of 2.2 reports");
    check(promise(2, (0, 1, 3), &[(2, 1, 2)]), "reports out of order or outside of its slots 0 to 1");
}

#[test]
fn a_site_prepares_and_proposes_under_durable_ballots_of_its_own() {
    let prepare =
        |round, number| paxos::PaxosMessage::Prepare { ballot: ballot(round, number), first: Slot(0) };
    let mut stage = stage();
    objects(stage.sent_by(site(1), prepare(2, 2)), "durability", "S1 prepared 2.2, which is not its own");
    let sentence = "S1 prepared 3.1, but its durable promise is 2.2";
    objects(stage.sent_by(site(1), prepare(3, 1)), "durability", sentence);
    stage.durable(site(1), &[promised(3, 1)]).unwrap();
    stage.sent_by(site(1), prepare(3, 1)).unwrap();
    stage.sent_by(site(1), accept(3, 1, 7, &[])).unwrap();
    let result = stage.sent_by(site(1), accept(4, 1, 8, &[]));
    objects(result, "durability", "slot 8: S1 proposed under 4.1, which it never prepared");
}

#[test]
fn a_restarted_site_that_leads_under_an_old_ballot_is_caught() {
    let mut stage = Stage::new(3);
    stage.prepared(site(0), 1);
    stage.started_as_it_was(site(0), 2);
    let sentence = "slot 0: S0 proposed under 1.0 in incarnation 2, but prepared it in 1";
    objects(stage.sent_by(site(0), accept(1, 0, 0, &[])), "durability", sentence);
    stage.prepared(site(0), 2);
    stage.sent_by(site(0), accept(2, 0, 0, &[])).unwrap();
}

#[test]
fn a_restart_that_forgets_is_caught() {
    let first = || accepted(1, 0, 0, &[&submission(1)]);
    let check = |recovered: &[Record], sentence: &str| {
        objects(stage().started(site(1), 2, recovered), "durability", sentence);
    };
    check(&[], "S1 recovered 0 of 3 durable records");
    check(&[first(), promised(2, 2)], "S1 recovered 2 of 3 durable records");
    check(&[first(), first(), promised(2, 2)], "as record 1, where");
    objects(
        stage().started(site(1), 1, &[]),
        "durability",
        "S1 started as incarnation 1 behind incarnation 1",
    );
    stage().started_as_it_was(site(1), 2);
}

/// Every kind of record is compared with what was read back, whatever stands in its place.
#[test]
fn a_restart_that_reads_another_record_is_caught_whatever_was_durable() {
    let mut stage = Stage::new(3);
    stage.choose(0, &[open(1)]).unwrap();
    stage.asked(&open(2));
    let chosen = stage.judges.log().entry(Slot(0)).unwrap().clone();
    let own = numbered(2, (1, 1), (0, 0), open(2));
    let paxos = |record| Record::Paxos { record };
    let records = [
        paxos(paxos::PaxosRecord::Learned { slot: Slot(0), entry: chosen }),
        paxos(paxos::PaxosRecord::Chosen(Slot(1))),
        taken(&own),
        promised(2, 2),
        accepted(2, 2, 1, &[&own]),
        accepted(3, 1, 1, &[&own]),
    ];
    stage.durable(site(2), &records).unwrap();
    for (index, at) in (0..records.len()).flat_map(|index| (0..records.len()).map(move |at| (index, at))) {
        let mut read = records.to_vec();
        read[index] = records[at].clone();
        let result = stage.clone().started(site(2), 2, &read);
        if at == index {
            result.unwrap();
        } else {
            let was = alloc::format!("as record {index}, where {:?} was durable", records[index]);
            objects(result, "durability", &was);
        }
    }
}

#[test]
fn what_is_told_of_the_queue_is_durable_first() {
    let mut stage = Stage::new(3);
    stage.choose(0, &[open(1)]).unwrap();
    stage.asked(&tweet(1, "a"));
    let queued = numbered(1, (1, 1), (0, 0), tweet(1, "a"));
    let taken_message = || Message::Taken { id: tweet(1, "a").id() };
    let forward = |submission: &Arc<Submission>| Message::Forward { submission: submission.clone() };
    objects(
        stage.sent(site(1), C1, taken_message()),
        "durability",
        "S1 told C1 that request 1 of session 0.0 is taken",
    );
    let result = stage.sent(site(1), site(0), forward(&queued));
    objects(result, "durability", "S1 forwarded \"ann: a\" as submission 1.1, which is not durable there");
    stage.durable(site(1), &[taken(&queued)]).unwrap();
    stage.sent(site(1), C1, taken_message()).unwrap();
    stage.sent(site(1), site(0), forward(&queued)).unwrap();
    let result = stage.sent(site(2), site(0), forward(&queued));
    objects(result, "durability", "S2 forwarded submission 1.1 of S1 as if it were its own");
}

#[test]
fn a_new_proposal_of_what_its_leader_left_out_of_its_queue_is_caught() {
    let [first, second] = [numbered(0, (1, 1), (0, 0), open(1)), numbered(0, (1, 2), (1, 1), open(2))];
    let others = numbered(1, (1, 1), (0, 0), open(3));
    let mut stage = Stage::new(3);
    [1, 2, 3].iter().for_each(|nonce| stage.asked(&open(*nonce)));
    stage.durable(site(1), &[taken(&others)]).unwrap();
    let both = proposed(1, 0, 0, &[&first, &others, &second]);
    let mut skips = stage.clone();
    skips.durable(site(0), &[taken(&second)]).unwrap();
    // What an earlier ballot left may have been lost here.
    skips.clone().durable(site(0), &[accepted(1, 0, 0, &[&first, &others, &second])]).unwrap();
    let sentence = "slot 0: S0 proposed its submission 1.1 for the first time, which it never took";
    objects(skips.durable(site(0), core::slice::from_ref(&both)), "durability", sentence);

    stage.clone().durable(site(0), core::slice::from_ref(&both)).unwrap();
    stage.clone().durable(site(0), &[taken(&first), both.clone()]).unwrap();
    stage.durable(site(0), &[taken(&first), taken(&second), both]).unwrap();
}
