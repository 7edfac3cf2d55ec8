//! Clients and sites that misread the end of a session, or the number of a request.

use aviary::process::Label;
use aviary::tweets::site::{Message, Operation, Request};
use aviary::tweets::timeline::{Event, Text};

use super::Saboteur;
use super::liar::{Lie, LieMemory};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "client-asks-anew-whatever-was-done",
        "A client whose session expired repeats its request in a new session, even if it may have been done.",
        Lie::ClientInput(|message| {
            if let Message::Expired { is_undone, .. } = message {
                *is_undone = true;
            }
        }),
    ),
    Saboteur::new(
        "says-that-nothing-was-done",
        "A site answers each client whose session it has forgotten that nothing was done.",
        Lie::SiteOutput(|output| {
            for letter in &mut output.given.messages {
                if let Message::Expired { is_undone, .. } = &mut letter.message {
                    *is_undone = true;
                }
            }
        }),
    ),
    Saboteur::new(
        "client-asks-for-something-else-again",
        "A client that gets no answer tweets something else under the number of its request.",
        Lie::ClientOutput(add_word),
    ),
];

/// Adds a word to a tweet's text in every copy but the first.
fn add_word(message: &mut Message, memory: &mut LieMemory) {
    let subject = message.subject().number;
    let Message::Request { request } = message else { return };
    let is_new = memory.mentioned.insert(request.id());
    if let Request::Execute { operation: Operation::Event { event: Event::Tweet { text, .. } }, .. } = request
        && !is_new
        && let Ok(more) = format!("{text} {subject}").parse::<Text>()
    {
        *text = more;
    }
}
