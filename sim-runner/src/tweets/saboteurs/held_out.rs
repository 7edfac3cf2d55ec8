//! Bugs that were planted after the default profile and its recipes were fixed: nothing in those was made to find them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aviary::ids::{ProcessId, SiteId};
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Message, Note, Operation, Record, Request, RequestId};
use aviary::tweets::timeline::{Position, TimelineOutcome};

use super::Saboteur;
use super::liar::{Birth, Lie, LieMemory, Paxos, PaxosRecord, SiteInput, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "proposes-the-first-again-for-all",
        "A leader that proposes several slots again sends the entry of the first slot for each.",
        Lie::SiteOutput(repeat_the_first),
    ),
    // Records that are durable together are all there after a crash, and are read back in order. A watermark ahead of
    // the records that it covers chooses what was held before, or nothing, and the site does not start.
    Saboteur::new(
        "writes-the-watermark-first",
        "A site writes the record that a slot is chosen before the record of what is chosen.",
        Lie::SiteOutput(|output| {
            let is_watermark =
                |record: &Record| matches!(record, Record::Paxos { record: PaxosRecord::Chosen(_) });
            output.given.records.sort_by_key(|record| !is_watermark(record));
        }),
    ),
    Saboteur::new(
        "comes-back-sure",
        "A restarted site takes its log for chosen up to the first hole.",
        Lie::Birth(believe_accepted),
    ),
    Saboteur::new(
        "relays-as-its-own",
        "A site that relays another site's request to the leader names itself as the origin.",
        Lie::SiteOutput(|output| {
            let me = output.me;
            for letter in &mut output.given.messages {
                if let Message::Relay { submission } = &mut letter.message {
                    Arc::make_mut(submission).origin = me;
                }
            }
        }),
    ),
    // A site that reads that the leader hears it waits for that leader, and its submissions never arrive there.
    Saboteur::new(
        "hears-whoever-answered-once",
        "A leader reports that it hears every site that ever answered it.",
        Lie::SiteOutput(|output| {
            let seen = &mut output.memory.seen;
            if let Some((ProcessId::Site(from), Message::Paxos { message: Paxos::HeartbeatReply { .. } })) =
                output.received
            {
                seen.insert(("HeartbeatReply", from.number().into()));
            }
            let ever: BTreeSet<u64> = seen.iter().map(|(_, number)| *number).collect();
            for message in output.paxos() {
                if let Paxos::Heartbeat { hears, .. } = message {
                    let ever = ever.iter().filter_map(|number| SiteId::new(u8::try_from(*number).ok()?));
                    *hears = ever.fold(*hears, |hears, site| hears.with(site));
                }
            }
        }),
    ),
    // An expired session is one that the log has evicted. Its client gives up a request that no site refused.
    Saboteur::new(
        "expires-what-it-does-not-know-yet",
        "A site answers a client whose session it has not learned of yet that the session expired.",
        Lie::SiteInputAndOutput(mistake_session, name_session),
    ),
    Saboteur::new(
        "never-notices-room",
        "A site whose disk was once nearly full treats it as full for ever.",
        Lie::Notices(|is_low, memory| {
            if *is_low {
                memory.seen.insert(("is low", 0));
            }
            *is_low |= memory.seen.contains(&("is low", 0));
        }),
    ),
    // The answer names a place in the log; it must show everything before that place, also within its slot.
    Saboteur::new(
        "views-before-its-slot",
        "A log view omits everything that stands before it in its own slot.",
        Lie::SiteOutput(|output| {
            for letter in &mut output.given.messages {
                if let Message::Applied { at, answer: Answer::Of(TimelineOutcome::Viewed { page }), .. } =
                    &mut letter.message
                {
                    page.tweets.retain(|tweet| tweet.position.slot < at.slot);
                }
            }
        }),
    ),
    // A lost vote is requested again, and the next leader must win the slot too.
    Saboteur::new(
        "votes-once-for-a-slot",
        "A site sends its vote for a slot once and never again, even when another leader proposes there.",
        Lie::SiteOutput(|output| output.send_once("Accepted")),
    ),
    // `Expired` answers the outstanding request, but not the one before it.
    Saboteur::new(
        "client-takes-an-expiry-for-an-answer",
        "A client whose session expired reports the request as done to its user if the request before was done.",
        Lie::ClientNotes(take_for_done),
    ),
];

/// Makes all proposals that one call sends again carry the entry of the first.
fn repeat_the_first(output: &mut SiteOutput<'_>) {
    let me = output.me.into();
    let SiteOutput { given, memory, .. } = output;
    let mut first = None;
    for letter in &mut given.messages {
        let Message::Paxos { message: Paxos::Accept { ballot, slot, entry, .. } } = &mut letter.message
        else {
            continue;
        };
        if !memory.votes.insert((*ballot, *slot, me)) {
            *entry = first.get_or_insert_with(|| entry.clone()).clone();
        }
    }
}

/// Keeps where the last request was done, and reports the same place for a lost one.
fn take_for_done(note: &mut Note, memory: &mut LieMemory) {
    match note {
        Note::OpenedSession(at) | Note::Done(at, ..) => {
            let (id, at) = (RequestId::Open { nonce: 0 }, *at);
            memory.kept = vec![Message::Applied { id, at, answer: Answer::Of(TimelineOutcome::Done) }];
        }
        Note::OutcomeUnknown(operation @ Operation::Event { .. }) => {
            if let Some(Message::Applied { at, answer, .. }) = memory.kept.first() {
                *note = Note::Done(*at, operation.clone(), answer.clone());
            }
        }
        _ => {}
    }
}

/// Adds a watermark at the end of the first slots, as far as the site holds an entry in each.
fn believe_accepted(birth: &mut Birth) {
    let held = birth.recovered.records.iter().filter_map(|record| match record {
        Record::Paxos { record: PaxosRecord::Accepted { slot, .. } | PaxosRecord::Learned { slot, .. } } => {
            Some(*slot)
        }
        _ => None,
    });
    let held: BTreeSet<Slot> = held.collect();
    let end = (0..).map(Slot).zip(&held).take_while(|(slot, held)| slot == *held).count();
    if end > 0 {
        birth.recovered.records.push(Record::Paxos { record: PaxosRecord::Chosen(Slot(end as u64)) });
    }
}

/// A session that does not exist: no slot holds that many requests.
const NOBODYS: Position = Position { slot: 0, index: u64::MAX };

/// Looks up a session other than the one that the client names, if this site cannot know that one.
fn mistake_session(input: &mut SiteInput<'_>) {
    input.memory.kept.clear();
    let applied = input.site.replica().applied();
    if let Message::Request { request: Request::Execute { session, .. } } = &*input.message
        && applied > Slot(0)
        && session.slot >= applied.0
    {
        input.memory.kept.push(input.message.clone());
        if let Message::Request { request: Request::Execute { session, .. } } = input.message {
            *session = NOBODYS;
        }
    }
}

/// Answers the client about the session that it named.
fn name_session(output: &mut SiteOutput<'_>) {
    let SiteOutput { given, memory, .. } = output;
    let Some(Message::Request { request }) = memory.kept.pop() else { return };
    let (Request::Execute { session, .. }, asked) = (&request, request.id()) else { return };
    for letter in &mut given.messages {
        if let Message::Expired { id: id @ RequestId::Execute { session: NOBODYS, .. }, .. } =
            &mut letter.message
        {
            *id = asked;
        }
    }
    for note in &mut given.notes {
        if let Note::Expired(named @ NOBODYS) = note {
            *named = *session;
        }
    }
}
