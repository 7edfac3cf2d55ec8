//! Sites that come back as somebody else.

use aviary::tweets::site::Record;

use super::Saboteur;
use super::liar::{Birth, Lie, PaxosRecord};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "remembers-nothing",
        "A site comes back with an empty mind.",
        Lie::Birth(|birth| birth.recovered.records.clear()),
    ),
    Saboteur::new(
        "loses-the-last-record",
        "A site comes back without the last thing that it wrote.",
        Lie::Birth(|birth| {
            birth.recovered.records.pop();
        }),
    ),
    Saboteur::new(
        "remembers-no-promise",
        "A site comes back without its promises.",
        Lie::Birth(|birth| lose(birth, |record| matches!(record, PaxosRecord::Promised(_)))),
    ),
    Saboteur::new(
        "remembers-no-own-ballot",
        "A site comes back and campaigns under a ballot that it has used.",
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
        "A site comes back without what it took and had not proposed.",
        Lie::Birth(|birth| birth.recovered.records.retain(|record| !matches!(record, Record::Taken { .. }))),
    ),
    Saboteur::new(
        "counts-as-newborn",
        "A site that comes back numbers its submissions as in its first life.",
        Lie::Birth(|birth| birth.recovered.incarnation = 1),
    ),
];

fn lose(birth: &mut Birth, is_lost: impl Fn(&PaxosRecord) -> bool) {
    let is_lost = |record: &Record| matches!(record, Record::Paxos { record } if is_lost(record));
    birth.recovered.records.retain(|record| !is_lost(record));
}
