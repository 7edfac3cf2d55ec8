//! Sites that say what is not on disk yet.

use super::Saboteur;
use super::liar::Lie;

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "promises-early",
        "A promise leaves before it is on disk.",
        Lie::Says(|speech| speech.hurry("Promise", |_| true)),
    ),
    Saboteur::new(
        "prepares-early",
        "A candidate asks for promises before its own ballot is on disk.",
        Lie::Says(|speech| speech.hurry("Prepare", |_| true)),
    ),
    Saboteur::new(
        "accepted-early",
        "A site says that it accepted before that is on disk.",
        Lie::Says(|speech| {
            let me = speech.me.into();
            speech.hurry("Accepted", |letter| !letter.to.contains(me));
        }),
    ),
    Saboteur::new(
        "counts-itself-early",
        "A leader counts its own vote before that is on disk.",
        Lie::Says(|speech| {
            let me = speech.me.into();
            speech.hurry("Accepted", |letter| letter.to.contains(me));
        }),
    ),
    Saboteur::new(
        "taken-early",
        "A client is told that its request is taken before that is on disk.",
        Lie::Says(|speech| speech.hurry("Taken", |_| true)),
    ),
    Saboteur::new(
        "forwards-early",
        "A request goes to the leader before it is on disk where it was taken.",
        Lie::Says(|speech| speech.hurry("Forward", |_| true)),
    ),
];
