//! Bugs that lose nothing: leaders change where nothing is wrong, a status tells something else than what is so, and what
//! is done is done late.

use aviary::process::{Label, Letter};
use aviary::replicated::paxos::Ballot;
use aviary::time::Duration;
use aviary::tweets::site::{Message, Reply, RequestId, Status};

use super::Saboteur;
use super::liar::{Hearing, Lie, Paxos, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "falls-silent-now-and-then",
        "A leader sends no heartbeat for sixteen beats in every hundred and twenty-eight.",
        Lie::Says(|speech| {
            let is_left_out =
                |message: &Message| message.kind() == "Heartbeat" && message.subject().number % 128 >= 112;
            speech.given.messages.retain(|letter| !is_left_out(&letter.message));
        }),
    ),
    Saboteur::new(
        "only-news-keeps-a-leader",
        "A follower does not hear a heartbeat that says nothing new of what is chosen, but for one in eight.",
        Lie::Hears(hear_news),
    ),
    Saboteur::new(
        "status-tells-whom-it-follows",
        "A status tells the ballot of the last heartbeat for what the site has promised.",
        Lie::Says(|speech| {
            if let Some((_, Message::Paxos { message: Paxos::Heartbeat { .. } })) = speech.heard {
                let heartbeat = speech.heard.map(|(_, message)| message.clone());
                speech.memory.kept = heartbeat.into_iter().collect();
            }
            let ballot = speech.memory.kept.first().and_then(ballot_of);
            for status in statuses(speech) {
                status.ballot = ballot.unwrap_or(status.ballot);
            }
        }),
    ),
    Saboteur::new(
        "status-counts-what-is-not-chosen",
        "A status tells the end of the site's log for what it knows as chosen.",
        Lie::Says(|speech| {
            let end = speech.site.log().end();
            statuses(speech).for_each(|status| status.chosen = end);
        }),
    ),
    Saboteur::new(
        "status-never-empties-its-queue",
        "A status counts every request that the site took in this life for one that waits.",
        Lie::Says(|speech| {
            for letter in &speech.given.messages {
                if let Message::Taken { id } | Message::Applied { id, .. } = letter.message {
                    speech.memory.told.insert(id);
                }
            }
            let taken = speech.memory.told.len() as u64;
            statuses(speech).for_each(|status| status.queue = taken);
        }),
    ),
    Saboteur::new(
        "says-taken-when-asked-again",
        "A client is told that its request waits only when it asks again.",
        Lie::Says(|speech| {
            let Speech { given, memory, .. } = speech;
            given.messages.retain(|letter| match letter.message {
                Message::Taken { id: id @ RequestId::Execute { .. } } => !memory.told.insert(id),
                _ => true,
            });
        }),
    ),
    Saboteur::new(
        "forwards-at-the-next-retry",
        "A site hands what it took to the leader only when it would do so again.",
        Lie::Says(|speech| {
            let Speech { given, memory, .. } = speech;
            given.messages.retain(|letter| match &letter.message {
                Message::Forward { submission } => !memory.said.insert(("Forward", submission.number.count)),
                _ => true,
            });
        }),
    ),
    Saboteur::new(
        "fetches-slot-by-slot",
        "A site that is asked for several slots gives the first: who catches up waits for each of the others.",
        Lie::Hears(|hearing| {
            if let Message::Paxos { message: Paxos::Fetch { first, end } } = hearing.message {
                *end = first.next().min(*end);
            }
        }),
    ),
    Saboteur::new(
        "misses-its-leader-late",
        "A site campaigns five seconds after it should.",
        Lie::Oversleeps("election", Duration::from_secs(5)),
    ),
    Saboteur::new(
        "says-all-heartbeats-twice",
        "A leader sends each heartbeat two times, and is answered two times.",
        Lie::Says(|speech| {
            let is_beat = |letter: &&Letter<Message>| letter.message.kind() == "Heartbeat";
            let again: Vec<_> = speech.given.messages.iter().filter(is_beat).cloned().collect();
            speech.given.messages.extend(again);
        }),
    ),
    Saboteur::new(
        "votes-three-times",
        "A site sends each vote three times.",
        Lie::Says(|speech| {
            let is_vote = |letter: &&Letter<Message>| letter.message.kind() == "Accepted";
            let again: Vec<_> = speech.given.messages.iter().filter(is_vote).cloned().collect();
            speech.given.messages.extend(again.iter().cloned().chain(again.iter().cloned()));
        }),
    ),
    Saboteur::new(
        "wakes-up-every-millisecond",
        "A site looks every millisecond whether it is time for something.",
        Lie::Clocks(|shown, _| shown, |due, memory| due.min(memory.latest + Duration::from_millis(1))),
    ),
];

/// Makes a heartbeat one of no leader if it says what is known.
fn hear_news(hearing: &mut Hearing<'_>) {
    let known = hearing.site.log().chosen();
    if let Message::Paxos { message: Paxos::Heartbeat { ballot, chosen, beat, .. } } = hearing.message
        && *chosen <= known
        && !beat.is_multiple_of(8)
    {
        *ballot = Ballot::ZERO;
    }
}

fn ballot_of(message: &Message) -> Option<Ballot> {
    match message {
        Message::Paxos { message: Paxos::Heartbeat { ballot, .. } } => Some(*ballot),
        _ => None,
    }
}

/// Every status that a site tells.
fn statuses<'a>(speech: &'a mut Speech<'_>) -> impl Iterator<Item = &'a mut Status> {
    speech.given.messages.iter_mut().filter_map(|letter| match &mut letter.message {
        Message::Told { reply: Reply::Status { status }, .. } => Some(status),
        _ => None,
    })
}
