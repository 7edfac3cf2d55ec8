//! Sites that sleep through what they should wake up for, or never repeat what they must send again.

use aviary::process::Label;
use aviary::tweets::site::Message;

use super::Saboteur;
use super::liar::Lie;

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "never-campaigns",
        "No site campaigns when there is no leader.",
        Lie::Sleeps(&["election"]),
    ),
    Saboteur::new("never-retries", "A client asks once and never again.", Lie::Sleeps(&["retry"])),
    Saboteur::new(
        "prepares-once",
        "A candidate asks for promises once and never again.",
        Lie::SiteOutput(|output| output.send_once("Prepare")),
    ),
    Saboteur::new(
        "proposes-once",
        "A leader proposes an entry once and never again.",
        Lie::SiteOutput(|output| output.send_once("Accept")),
    ),
    Saboteur::new(
        "never-beats",
        "A leader sends no heartbeats.",
        Lie::SiteOutput(|output| output.withhold("Heartbeat")),
    ),
    Saboteur::new(
        "beats-too-rarely",
        "A leader sends one heartbeat in twelve, so others take over again and again, yet all requests are done.",
        Lie::SiteOutput(|output| {
            let is_left_out = |message: &Message| {
                message.kind() == "Heartbeat" && !message.subject().number.is_multiple_of(12)
            };
            output.given.messages.retain(|letter| !is_left_out(&letter.message));
        }),
    ),
    Saboteur::new(
        "never-refuses",
        "A site that refuses a message sends no refusal.",
        Lie::SiteOutput(|output| output.withhold("Nack")),
    ),
];
