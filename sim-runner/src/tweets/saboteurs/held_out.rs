//! Bugs that were planted after the default profile and its recipes were fixed: nothing in those was made to find them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aviary::ids::{ProcessId, SiteId};
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Answer, Message, Note, Operation, Record, Request, RequestId};
use aviary::tweets::timeline::{Position, TimelineOutcome};

use super::Saboteur;
use super::liar::{Birth, Hearing, Lie, LieMemory, Paxos, PaxosRecord, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "proposes-the-first-again-for-all",
        "A leader that proposes several slots again sends the entry of the first for each.",
        Lie::Says(repeat_the_first),
    ),
    // Of what is durable together all is there after a crash, and is read back in its order: a watermark ahead of
    // what it covers chooses what was held before, or nothing, and the site does not start.
    Saboteur::new(
        "writes-the-watermark-first",
        "A site writes down that it knows a slot to be chosen before it writes what is.",
        Lie::Says(|speech| {
            let is_watermark =
                |record: &Record| matches!(record, Record::Paxos { record: PaxosRecord::Chosen(_) });
            speech.given.records.sort_by_key(|record| !is_watermark(record));
        }),
    ),
    Saboteur::new(
        "comes-back-sure",
        "A site comes back and takes its log for chosen as far as it has no hole.",
        Lie::Birth(believe_accepted),
    ),
    Saboteur::new(
        "relays-as-its-own",
        "A site that hands another's request to the leader says that it took it itself.",
        Lie::Says(|speech| {
            let me = speech.me;
            for letter in &mut speech.given.messages {
                if let Message::Relay { submission } = &mut letter.message {
                    Arc::make_mut(submission).origin = me;
                }
            }
        }),
    ),
    // Who reads that the leader hears it waits for that leader, and what it took never gets there.
    Saboteur::new(
        "hears-whoever-answered-once",
        "A leader says that it hears every site that ever answered it.",
        Lie::Says(|speech| {
            let said = &mut speech.memory.said;
            if let Some((ProcessId::Site(from), Message::Paxos { message: Paxos::Heard { .. } })) =
                speech.heard
            {
                said.insert(("Heard", from.number().into()));
            }
            let ever: BTreeSet<u64> = said.iter().map(|(_, number)| *number).collect();
            for message in speech.paxos() {
                if let Paxos::Heartbeat { hears, .. } = message {
                    let ever = ever.iter().filter_map(|number| SiteId::new(u8::try_from(*number).ok()?));
                    *hears = ever.fold(*hears, |hears, site| hears.with(site));
                }
            }
        }),
    ),
    // An expired session is one that the log has evicted; its client gives up a request that nobody refused.
    Saboteur::new(
        "expires-what-it-does-not-know-yet",
        "A site tells a client whose session it has not heard of yet that the session expired.",
        Lie::HearsAndSays(mistake_session, name_session),
    ),
    Saboteur::new(
        "never-notices-room",
        "A site that was told once that its disk is nearly full takes it for full for ever.",
        Lie::Notices(|is_low, memory| {
            if *is_low {
                memory.said.insert(("is low", 0));
            }
            *is_low |= memory.said.contains(&("is low", 0));
        }),
    ),
    // The answer names a place in the log; it is promised to show what stands before that place, also in its slot.
    Saboteur::new(
        "views-before-its-slot",
        "A linearizable view shows nothing of what stands before it in its own slot.",
        Lie::Says(|speech| {
            for letter in &mut speech.given.messages {
                if let Message::Applied { at, answer: Answer::Of(TimelineOutcome::Viewed { page }), .. } =
                    &mut letter.message
                {
                    page.tweets.retain(|tweet| tweet.position.slot < at.slot);
                }
            }
        }),
    ),
    // A vote that was lost is asked for again, and who leads next must win the slot too.
    Saboteur::new(
        "votes-once-for-a-slot",
        "A site says once that it accepted in a slot and never again, whoever proposes there next.",
        Lie::Says(|speech| speech.say_once("Accepted")),
    ),
    // `Expired` is an answer to the request that is outstanding, but not that one.
    Saboteur::new(
        "client-takes-an-expiry-for-an-answer",
        "A client whose session expired tells its user that the request was done, where the one before it was.",
        Lie::Tells(take_for_done),
    ),
];

/// Of the proposals that it makes again in one call all carry what the first does.
fn repeat_the_first(speech: &mut Speech<'_>) {
    let me = speech.me.into();
    let Speech { given, memory, .. } = speech;
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

/// Keeps where the last request was done, and says the same of one that was lost.
fn take_for_done(note: &mut Note, memory: &mut LieMemory) {
    match note {
        Note::Opened(at) | Note::Done(at, ..) => {
            let (id, at) = (RequestId::Open { nonce: 0 }, *at);
            memory.kept = vec![Message::Applied { id, at, answer: Answer::Of(TimelineOutcome::Done) }];
        }
        Note::Lost(operation @ Operation::Event { .. }) => {
            if let Some(Message::Applied { at, answer, .. }) = memory.kept.first() {
                *note = Note::Done(*at, operation.clone(), answer.clone());
            }
        }
        _ => {}
    }
}

/// Adds a watermark behind the last slot below which it holds something everywhere.
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

/// A session that nobody has: no slot holds so many requests.
const NOBODYS: Position = Position { slot: 0, index: u64::MAX };

/// Looks up another session than the one that the client names, if this site cannot know that.
fn mistake_session(hearing: &mut Hearing<'_>) {
    hearing.memory.kept.clear();
    let applied = hearing.site.replica().applied();
    if let Message::Ask { request: Request::Execute { session, .. } } = &*hearing.message
        && applied > Slot(0)
        && session.slot >= applied.0
    {
        hearing.memory.kept.push(hearing.message.clone());
        if let Message::Ask { request: Request::Execute { session, .. } } = hearing.message {
            *session = NOBODYS;
        }
    }
}

/// Tells the client about the session that it named.
fn name_session(speech: &mut Speech<'_>) {
    let Speech { given, memory, .. } = speech;
    let Some(Message::Ask { request }) = memory.kept.pop() else { return };
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
