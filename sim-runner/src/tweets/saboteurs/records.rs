//! Sites that do not write what they must, or write something false.

use aviary::process::{Given, Label};
use aviary::tweets::site::{Message, Record, Submission};

use super::Saboteur;
use super::liar::{Lie, PaxosRecord};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "forgets-promise",
        "A site promises without writing the promise.",
        Lie::SiteOutput(|output| output.forget(|record| matches!(record, PaxosRecord::Promised(_)))),
    ),
    Saboteur::new(
        "forgets-accept",
        "A site accepts without writing the accept.",
        Lie::SiteOutput(|output| output.forget(|record| matches!(record, PaxosRecord::Accepted { .. }))),
    ),
    Saboteur::new(
        "forgets-own-accept",
        "A leader counts its own vote without writing the accept.",
        Lie::SiteOutput(|output| {
            let me = output.me;
            output
                .forget(|record| matches!(record, PaxosRecord::Accepted { ballot, .. } if ballot.site == me));
        }),
    ),
    Saboteur::new(
        "forgets-learned",
        "A site that learns what is chosen does not write it.",
        Lie::SiteOutput(|output| output.forget(|record| matches!(record, PaxosRecord::Learned { .. }))),
    ),
    Saboteur::new(
        "forgets-taken",
        "A site takes a request into its queue without writing it.",
        Lie::SiteOutput(|output| {
            output.given.records.retain(|record| !matches!(record, Record::Taken { .. }));
            for record in output.records() {
                if let PaxosRecord::Accepted { is_new, .. } = record {
                    *is_new = false;
                }
            }
        }),
    ),
    Saboteur::new(
        "writes-only-what-it-reports",
        "A leader that reports a request as taken before it proposes it writes only that one, not those before it.",
        Lie::SiteOutput(|output| {
            let Given { records, messages, .. } = &mut *output.given;
            let is_told = |submission: &Submission| {
                let asked = submission.request.id();
                messages.iter().any(|letter| matches!(letter.message, Message::Taken { id } if id == asked))
            };
            let taken = |record: &Record| match record {
                Record::Taken { submission } => Some(is_told(submission)),
                Record::Paxos { .. } => None,
            };
            if records.iter().any(|record| taken(record) == Some(true)) {
                records.retain(|record| taken(record) != Some(false));
            }
        }),
    ),
    Saboteur::new(
        "marks-one-too-many",
        "A site writes a watermark that is one slot too high.",
        Lie::SiteOutput(|output| {
            for record in output.records() {
                if let PaxosRecord::Chosen(end) = record {
                    *end = end.next();
                }
            }
        }),
    ),
    Saboteur::new(
        "writes-the-first-only",
        "A site writes only the first of the records that belong together.",
        Lie::SiteOutput(|output| output.given.records.truncate(1)),
    ),
    Saboteur::new(
        "accepts-at-the-second-time",
        "A site votes at once, but writes its accept only when the proposal comes again.",
        Lie::SiteOutput(|output| {
            let Some((_, message)) = output.received else { return };
            if message.kind() == "Accept" && output.memory.seen.insert(("Accept", message.subject().number)) {
                output.forget(|record| matches!(record, PaxosRecord::Accepted { .. }));
            }
        }),
    ),
];
