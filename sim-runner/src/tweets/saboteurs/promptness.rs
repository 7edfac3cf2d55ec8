//! Bugs that lose nothing: leaders change without need, a status reports something false, and work is done late.

use aviary::process::{Label, Letter};
use aviary::replicated::paxos::Ballot;
use aviary::time::Duration;
use aviary::tweets::site::{Message, Reply, RequestId, Status};

use super::Saboteur;
use super::liar::{Lie, Paxos, SiteInput, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "falls-silent-now-and-then",
        "A leader leaves out 16 consecutive heartbeats of every 128.",
        Lie::SiteOutput(|output| {
            let is_left_out =
                |message: &Message| message.kind() == "Heartbeat" && message.subject().number % 128 >= 112;
            output.given.messages.retain(|letter| !is_left_out(&letter.message));
        }),
    ),
    Saboteur::new(
        "only-news-keeps-a-leader",
        "A follower hears only one in eight of the heartbeats that report nothing new as chosen.",
        Lie::SiteInput(mute_old_heartbeats),
    ),
    Saboteur::new(
        "status-tells-whom-it-follows",
        "A status shows the ballot of the last heartbeat instead of the promised ballot.",
        Lie::SiteOutput(|output| {
            if let Some((_, Message::Paxos { message: Paxos::Heartbeat { .. } })) = output.received {
                let heartbeat = output.received.map(|(_, message)| message.clone());
                output.memory.kept = heartbeat.into_iter().collect();
            }
            let ballot = output.memory.kept.first().and_then(ballot_of);
            for status in statuses(output) {
                status.ballot = ballot.unwrap_or(status.ballot);
            }
        }),
    ),
    Saboteur::new(
        "status-counts-what-is-not-chosen",
        "A status shows the end of the site's log as the end of what is chosen.",
        Lie::SiteOutput(|output| {
            let end = output.site.log().end();
            statuses(output).for_each(|status| status.chosen = end);
        }),
    ),
    Saboteur::new(
        "status-never-empties-its-queue",
        "A status counts every request that the site took in this life as queued.",
        Lie::SiteOutput(|output| {
            for letter in &output.given.messages {
                if let Message::Taken { id } | Message::Applied { id, .. } = letter.message {
                    output.memory.mentioned.insert(id);
                }
            }
            let taken = output.memory.mentioned.len() as u64;
            statuses(output).for_each(|status| status.queue = taken);
        }),
    ),
    Saboteur::new(
        "says-taken-when-asked-again",
        "A site reports that a request waits only when the client asks again.",
        Lie::SiteOutput(|output| {
            let SiteOutput { given, memory, .. } = output;
            given.messages.retain(|letter| match letter.message {
                Message::Taken { id: id @ RequestId::Execute { .. } } => !memory.mentioned.insert(id),
                _ => true,
            });
        }),
    ),
    Saboteur::new(
        "forwards-at-the-next-retry",
        "A site forwards a request to the leader only at the first retry.",
        Lie::SiteOutput(|output| {
            let SiteOutput { given, memory, .. } = output;
            given.messages.retain(|letter| match &letter.message {
                Message::Forward { submission } => !memory.seen.insert(("Forward", submission.number.count)),
                _ => true,
            });
        }),
    ),
    Saboteur::new(
        "fetches-slot-by-slot",
        "A site answers a fetch with the first slot only, so that catching up takes one round trip per slot.",
        Lie::SiteInput(|input| {
            if let Message::Paxos { message: Paxos::Fetch { first, end } } = input.message {
                *end = first.next().min(*end);
            }
        }),
    ),
    Saboteur::new(
        "misses-its-leader-late",
        "A site campaigns five seconds too late.",
        Lie::Oversleeps("election", Duration::from_secs(5)),
    ),
    Saboteur::new(
        "says-all-heartbeats-twice",
        "A leader sends each heartbeat twice and gets two replies.",
        Lie::SiteOutput(|output| {
            let is_beat = |letter: &&Letter<Message>| letter.message.kind() == "Heartbeat";
            let again: Vec<_> = output.given.messages.iter().filter(is_beat).cloned().collect();
            output.given.messages.extend(again);
        }),
    ),
    Saboteur::new(
        "votes-three-times",
        "A site sends each vote three times.",
        Lie::SiteOutput(|output| {
            let is_vote = |letter: &&Letter<Message>| letter.message.kind() == "Accepted";
            let again: Vec<_> = output.given.messages.iter().filter(is_vote).cloned().collect();
            output.given.messages.extend(again.iter().cloned().chain(again.iter().cloned()));
        }),
    ),
    Saboteur::new(
        "wakes-up-every-millisecond",
        "A site wakes up every millisecond to look at its timers.",
        Lie::Clocks(|shown, _| shown, |due, memory| due.min(memory.latest + Duration::from_millis(1))),
    ),
];

/// Makes a heartbeat one of no leader if it reports only what is known.
fn mute_old_heartbeats(input: &mut SiteInput<'_>) {
    let known = input.site.log().chosen();
    if let Message::Paxos { message: Paxos::Heartbeat { ballot, chosen, beat, .. } } = input.message
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

/// Every status that a site reports.
fn statuses<'a>(output: &'a mut SiteOutput<'_>) -> impl Iterator<Item = &'a mut Status> {
    output.given.messages.iter_mut().filter_map(|letter| match &mut letter.message {
        Message::QueryReply { reply: Reply::Status { status }, .. } => Some(status),
        _ => None,
    })
}
