//! Sites that lead again and take answers to an earlier ballot of theirs for answers to this one.

use aviary::replicated::paxos::Ballot;
use aviary::tweets::site::Message;

use super::Saboteur;
use super::liar::{Hearing, Lie, Paxos};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "counts-promises-of-its-earlier-ballots",
        "A candidate looks at whose ballot a promise is for, not at its round.",
        Lie::Hears(|hearing| {
            let now = own_ballot(hearing);
            if let Message::Paxos { message: Paxos::Promise(promise) } = hearing.message {
                renew(&mut promise.ballot, now);
            }
        }),
    ),
    Saboteur::new(
        "counts-votes-for-its-earlier-ballots",
        "A leader looks at whose ballot a vote is for, not at its round.",
        Lie::Hears(|hearing| {
            let now = own_ballot(hearing);
            if let Message::Paxos { message: Paxos::Accepted { ballot, .. } } = hearing.message {
                renew(ballot, now);
            }
        }),
    ),
];

/// The ballot that its site campaigns or leads under.
fn own_ballot(hearing: &Hearing<'_>) -> Option<Ballot> {
    let promised = hearing.site.status().ballot;
    (promised.site == hearing.me).then_some(promised)
}

/// Takes a ballot of the same site for this one.
fn renew(ballot: &mut Ballot, now: Option<Ballot>) {
    if let Some(now) = now.filter(|now| now.site == ballot.site) {
        *ballot = now;
    }
}
