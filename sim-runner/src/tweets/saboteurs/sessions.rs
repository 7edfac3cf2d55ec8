//! Clients and sites that take the end of a session, or the number of a request, for more than it says.

use aviary::process::Label;
use aviary::tweets::site::{Message, Operation, Request};
use aviary::tweets::timeline::{Event, Text};

use super::Saboteur;
use super::liar::{Lie, LieMemory};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "client-asks-anew-whatever-was-done",
        "A client whose session expired asks for the same in another one, though it may have been done.",
        Lie::Reads(|message| {
            if let Message::Expired { is_undone, .. } = message {
                *is_undone = true;
            }
        }),
    ),
    Saboteur::new(
        "says-that-nothing-was-done",
        "A site tells each client whose session it does not know any more that nothing was done.",
        Lie::Says(|speech| {
            for letter in &mut speech.given.messages {
                if let Message::Expired { is_undone, .. } = &mut letter.message {
                    *is_undone = true;
                }
            }
        }),
    ),
    Saboteur::new(
        "client-asks-for-something-else-again",
        "A client that gets no answer tweets something else under the number of its request.",
        Lie::Asks(say_more),
    ),
];

/// Adds a word to what is tweeted, in every copy but the first.
fn say_more(message: &mut Message, memory: &mut LieMemory) {
    let subject = message.subject().number;
    let Message::Ask { request } = message else { return };
    let is_new = memory.told.insert(request.id());
    if let Request::Execute { operation: Operation::Event { event: Event::Tweet { text, .. } }, .. } = request
        && !is_new
        && let Ok(more) = format!("{text} {subject}").parse::<Text>()
    {
        *text = more;
    }
}
