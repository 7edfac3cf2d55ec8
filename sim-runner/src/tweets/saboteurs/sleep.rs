//! Sites that sleep through what they should wake up for, or never say what they must say again.

use aviary::process::Label;
use aviary::tweets::site::Message;

use super::Saboteur;
use super::liar::Lie;

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "never-campaigns",
        "Nobody takes over when there is no leader.",
        Lie::Sleeps(&["election"]),
    ),
    Saboteur::new("never-retries", "A client asks once and never again.", Lie::Sleeps(&["retry"])),
    Saboteur::new(
        "prepares-once",
        "A candidate asks for promises once and never again.",
        Lie::Says(|speech| speech.say_once("Prepare")),
    ),
    Saboteur::new(
        "proposes-once",
        "A leader proposes an entry once and never again.",
        Lie::Says(|speech| speech.say_once("Accept")),
    ),
    Saboteur::new(
        "never-beats",
        "A leader sends no heartbeats.",
        Lie::Says(|speech| speech.withhold("Heartbeat")),
    ),
    Saboteur::new(
        "beats-too-rarely",
        "A leader sends one heartbeat in twelve: others take over again and again, and all is done nevertheless.",
        Lie::Says(|speech| {
            let is_left_out = |message: &Message| {
                message.kind() == "Heartbeat" && !message.subject().number.is_multiple_of(12)
            };
            speech.given.messages.retain(|letter| !is_left_out(&letter.message));
        }),
    ),
    Saboteur::new(
        "never-refuses",
        "A site that refuses says nothing.",
        Lie::Says(|speech| speech.withhold("Nack")),
    ),
];
