//! Sites that come back with lost or false state.

use aviary::tweets::site::Record;

use super::Saboteur;
use super::liar::{Birth, Lie, PaxosRecord};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "remembers-nothing",
        "A restarted site has forgotten everything.",
        Lie::Birth(|birth| birth.recovered.records.clear()),
    ),
    Saboteur::new(
        "loses-the-last-record",
        "A restarted site has lost the last record that it wrote.",
        Lie::Birth(|birth| {
            birth.recovered.records.pop();
        }),
    ),
    Saboteur::new(
        "remembers-no-promise",
        "A restarted site has forgotten its promises.",
        Lie::Birth(|birth| lose(birth, |record| matches!(record, PaxosRecord::Promised(_)))),
    ),
    Saboteur::new(
        "remembers-no-own-ballot",
        "A restarted site campaigns under a ballot that it has used before.",
        Lie::Birth(|birth| {
            let me = birth.me;
            lose(birth, |record| match record {
                PaxosRecord::Promised(ballot) | PaxosRecord::Accepted { ballot, .. } => ballot.site == me,
                PaxosRecord::Learned { .. } | PaxosRecord::Chosen(_) | PaxosRecord::Begins(_) => false,
            });
        }),
    ),
    Saboteur::new(
        "remembers-no-queue",
        "A restarted site has lost the requests that it took.",
        Lie::Birth(|birth| {
            birth.recovered.records.retain(|record| !matches!(record, Record::Taken { .. }));
            for record in &mut birth.recovered.records {
                if let Record::Paxos { record: PaxosRecord::Accepted { is_new, .. } } = record {
                    *is_new = false;
                }
            }
        }),
    ),
    Saboteur::new(
        "counts-as-newborn",
        "A restarted site numbers its submissions as in its first life.",
        Lie::Birth(|birth| birth.recovered.incarnation = 1),
    ),
];

fn lose(birth: &mut Birth, is_lost: impl Fn(&PaxosRecord) -> bool) {
    let is_lost = |record: &Record| matches!(record, Record::Paxos { record } if is_lost(record));
    birth.recovered.records.retain(|record| !is_lost(record));
}
