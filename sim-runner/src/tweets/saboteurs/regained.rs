//! Sites that lead again and take answers to an earlier ballot of theirs as answers to the present one.

use aviary::replicated::paxos::Ballot;
use aviary::tweets::site::Message;

use super::Saboteur;
use super::liar::{Lie, Paxos, SiteInput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "counts-promises-of-its-earlier-ballots",
        "A candidate compares the site in a promise's ballot, but not the round.",
        Lie::SiteInput(|input| {
            let now = own_ballot(input);
            if let Message::Paxos { message: Paxos::Promise(promise) } = input.message {
                renew(&mut promise.ballot, now);
            }
        }),
    ),
    Saboteur::new(
        "counts-votes-for-its-earlier-ballots",
        "A leader compares the site in a vote's ballot, but not the round.",
        Lie::SiteInput(|input| {
            let now = own_ballot(input);
            if let Message::Paxos { message: Paxos::Accepted { ballot, .. } } = input.message {
                renew(ballot, now);
            }
        }),
    ),
];

/// The ballot under which its site campaigns or leads.
fn own_ballot(input: &SiteInput<'_>) -> Option<Ballot> {
    let promised = input.site.status().ballot;
    (promised.site == input.me).then_some(promised)
}

/// Replaces a ballot of the same site by `now`.
fn renew(ballot: &mut Ballot, now: Option<Ballot>) {
    if let Some(now) = now.filter(|now| now.site == ballot.site) {
        *ballot = now;
    }
}
