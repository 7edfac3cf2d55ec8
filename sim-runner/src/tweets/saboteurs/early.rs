//! Sites that send what is not durable yet.

use super::Saboteur;
use super::liar::Lie;

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "promises-early",
        "A site sends a promise before the promise is on disk.",
        Lie::SiteOutput(|output| output.hurry("Promise", |_| true)),
    ),
    Saboteur::new(
        "prepares-early",
        "A candidate asks for promises before its own ballot is on disk.",
        Lie::SiteOutput(|output| output.hurry("Prepare", |_| true)),
    ),
    Saboteur::new(
        "accepted-early",
        "A site sends its vote before its accept is on disk.",
        Lie::SiteOutput(|output| {
            let me = output.me.into();
            output.hurry("Accepted", |letter| !letter.to.contains(me));
        }),
    ),
    Saboteur::new(
        "counts-itself-early",
        "A leader counts its own vote before its accept is on disk.",
        Lie::SiteOutput(|output| {
            let me = output.me.into();
            output.hurry("Accepted", |letter| letter.to.contains(me));
        }),
    ),
    Saboteur::new(
        "taken-early",
        "A site answers that it took a request before the request is on disk.",
        Lie::SiteOutput(|output| output.hurry("Taken", |_| true)),
    ),
    Saboteur::new(
        "forwards-early",
        "A site forwards a request to the leader before the request is on disk at the site.",
        Lie::SiteOutput(|output| output.hurry("Forward", |_| true)),
    ),
];
