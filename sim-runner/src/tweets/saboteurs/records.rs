//! Sites that do not write what they must, or write what is not so.

use aviary::process::Label;
use aviary::tweets::site::Record;

use super::Saboteur;
use super::liar::{Lie, PaxosRecord};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "forgets-promise",
        "A site promises and does not write it down.",
        Lie::Says(|speech| speech.forget(|record| matches!(record, PaxosRecord::Promised(_)))),
    ),
    Saboteur::new(
        "forgets-accept",
        "A site accepts and does not write it down.",
        Lie::Says(|speech| speech.forget(|record| matches!(record, PaxosRecord::Accepted { .. }))),
    ),
    Saboteur::new(
        "forgets-own-accept",
        "A leader counts its own vote and does not write it down.",
        Lie::Says(|speech| {
            let me = speech.me;
            speech
                .forget(|record| matches!(record, PaxosRecord::Accepted { ballot, .. } if ballot.site == me));
        }),
    ),
    Saboteur::new(
        "forgets-learned",
        "A site that is told what is chosen does not write it down.",
        Lie::Says(|speech| speech.forget(|record| matches!(record, PaxosRecord::Learned { .. }))),
    ),
    Saboteur::new(
        "forgets-taken",
        "A site takes a request into its queue and does not write it down.",
        Lie::Says(|speech| speech.given.records.retain(|record| !matches!(record, Record::Taken { .. }))),
    ),
    Saboteur::new(
        "marks-one-too-many",
        "The watermark that a site writes down is one slot too high.",
        Lie::Says(|speech| {
            for record in speech.records() {
                if let PaxosRecord::Chosen(end) = record {
                    *end = end.next();
                }
            }
        }),
    ),
    Saboteur::new(
        "writes-the-first-only",
        "Of what belongs together only the first record is written.",
        Lie::Says(|speech| speech.given.records.truncate(1)),
    ),
    Saboteur::new(
        "accepts-at-the-second-time",
        "A site says at once that it accepted, and writes it when the proposal comes again.",
        Lie::Says(|speech| {
            let Some((_, message)) = speech.heard else { return };
            if message.kind() == "Accept" && speech.memory.said.insert(("Accept", message.subject().number)) {
                speech.forget(|record| matches!(record, PaxosRecord::Accepted { .. }));
            }
        }),
    ),
];
