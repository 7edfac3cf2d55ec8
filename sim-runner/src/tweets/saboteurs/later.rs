//! Bugs that were planted once a profile and recipes were there to find bugs, of several roles.

use aviary::ids::{SITES_MAX, SiteId, SiteSet};
use aviary::process::Letter;
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Message, Query, Record, Reply, RequestId};
use aviary::tweets::timeline::{TimelineQuery, TimelineReply};

use super::Saboteur;
use super::answers::pages;
use super::liar::{Hearing, Lie, Paxos, PaxosRecord, Speech};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "goes-on-with-what-it-proposed",
        "A site that leads again goes on with what it proposed for a slot before, whatever it is told was accepted there since.",
        Lie::HearsAndSays(prefer_own, remember_own),
    ),
    Saboteur::new(
        "reports-by-position",
        "A promise lists what its site accepted one slot behind the other, though there are holes.",
        Lie::Says(|speech| {
            for message in speech.paxos() {
                let Paxos::Promise(promise) = message else { continue };
                let from = promise.from;
                for (number, report) in (0..).zip(&mut promise.reports) {
                    report.slot = Slot(from.0 + number);
                }
            }
        }),
    ),
    Saboteur::new(
        "compares-rounds-only",
        "A site that promised one of two ballots of the same round accepts under the other.",
        Lie::Says(compare_rounds),
    ),
    Saboteur::new(
        "counts-a-site-twice",
        "A leader counts accepts, not who accepted: one that comes twice counts for two sites.",
        Lie::Hears(count_again),
    ),
    Saboteur::new(
        "catches-up-by-arrival",
        "A site that catches up takes what it is supplied in the order in which that comes, whatever slots it is for.",
        Lie::Hears(|hearing| {
            let next = hearing.site.log().chosen();
            if let Message::Paxos { message: Paxos::Supply { slot, .. } } = hearing.message {
                *slot = next.min(*slot);
            }
        }),
    ),
    Saboteur::new(
        "answers-when-its-patience-ends",
        "A site that waited in vain for what the client has seen shows what it has.",
        Lie::Says(answer_anyway),
    ),
    Saboteur::new(
        "fails-what-waits",
        "A client that asks again for what waits in the queue is told that its session expired.",
        Lie::Says(|speech| {
            let Speech { given, memory, .. } = speech;
            for letter in &mut given.messages {
                if let Message::Taken { id: id @ RequestId::Execute { .. } } = letter.message
                    && !memory.told.insert(id)
                {
                    letter.message = Message::Expired { id, is_undone: false };
                }
            }
        }),
    ),
    Saboteur::new(
        "refuses-without-saying-why",
        "A site that refuses a ballot does not say which one it promised instead.",
        Lie::Says(|speech| {
            for message in speech.paxos() {
                if let Paxos::Nack { ballot, promised, .. } = message {
                    *promised = *ballot;
                }
            }
        }),
    ),
    Saboteur::new(
        "asserts-that-proposals-are-news",
        "A site asserts that nobody proposes anything for a slot that it knows to be chosen.",
        Lie::Hears(|hearing| {
            let chosen = hearing.site.log().chosen();
            if let Message::Paxos { message: Paxos::Accept { slot, .. } } = hearing.message {
                assert!(*slot >= chosen, "slot {slot} is proposed, and all below {chosen} is chosen");
            }
        }),
    ),
    Saboteur::new(
        "orders-a-slot-by-name",
        "A page shows tweets of one slot in the order of their users' names.",
        Lie::Says(|speech| {
            for page in pages(speech) {
                let of_a_slot =
                    page.tweets.chunk_by_mut(|one, other| one.position.slot == other.position.slot);
                of_a_slot.for_each(|tweets| tweets.sort_by(|one, other| one.user.cmp(&other.user)));
            }
        }),
    ),
    Saboteur::new(
        "supplies-what-it-accepted",
        "A site that is asked for chosen slots gives what it merely accepted where it knows of none chosen.",
        Lie::Says(supply_accepted),
    ),
    Saboteur::new(
        "pages-overlap",
        "The next page begins with the last tweet of the one before.",
        Lie::Hears(|hearing| {
            if let Message::Query { query: Query::Of(TimelineQuery::View { view }), .. } = hearing.message
                && let Some(older_than) = &mut view.older_than
            {
                older_than.index += 1;
            }
        }),
    ),
];

/// Keeps the last proposal that it made for each slot.
fn remember_own(speech: &mut Speech<'_>) {
    let slot_of = |message: &Message| match message {
        Message::Paxos { message: Paxos::Accept { slot, .. } } => Some(*slot),
        _ => None,
    };
    let Speech { given, memory, .. } = speech;
    for letter in &given.messages {
        if let Some(slot) = slot_of(&letter.message) {
            memory.kept.retain(|kept| slot_of(kept) != Some(slot));
            memory.kept.push(letter.message.clone());
        }
    }
}

/// Puts its own proposal where a promise reports another of a later ballot.
fn prefer_own(hearing: &mut Hearing<'_>) {
    let Message::Paxos { message: Paxos::Promise(promise) } = &mut *hearing.message else { return };
    for kept in &hearing.memory.kept {
        let Message::Paxos { message: Paxos::Accept { ballot, slot, entry, .. } } = kept else { continue };
        for report in &mut promise.reports {
            if report.slot == *slot && report.ballot.is_some_and(|later| later > *ballot) {
                report.entry = entry.clone();
            }
        }
    }
}

/// Accepts what it refuses if its round is the one that was promised.
fn compare_rounds(speech: &mut Speech<'_>) {
    let Some((_, Message::Paxos { message: Paxos::Accept { ballot, slot, entry, .. } })) = speech.heard
    else {
        return;
    };
    let (ballot, slot, entry) = (*ballot, *slot, entry.clone());
    let is_of_the_round = |message: &&mut Paxos| matches!(&**message, Paxos::Nack { promised, .. } if promised.round == ballot.round);
    let Some(refusal) = speech.paxos().find(is_of_the_round) else { return };
    *refusal = Paxos::Accepted { ballot, slot };
    let record = PaxosRecord::Accepted { ballot, slot, entry };
    speech.given.records.push(Record::Paxos { record });
}

/// Takes the second accept of a site for that of one that did not accept yet.
fn count_again(hearing: &mut Hearing<'_>) {
    let Message::Paxos { message: Paxos::Accepted { ballot, slot } } = *hearing.message else { return };
    let votes = &mut hearing.memory.votes;
    if !votes.insert((ballot, slot, *hearing.from)) {
        let has_voted =
            |site: &SiteId| *site == hearing.me || votes.contains(&(ballot, slot, (*site).into()));
        if let Some(other) = SiteSet::first(SITES_MAX).iter().find(|site| !has_voted(site)) {
            *hearing.from = other.into();
        }
    }
}

/// Answers a view with what is there where the site would say that it is behind.
fn answer_anyway(speech: &mut Speech<'_>) {
    let Speech { site, heard, given, memory, .. } = speech;
    if let Some((client, Message::Query { id, query: Query::Of(TimelineQuery::View { view }), .. })) = heard {
        memory.views.insert((*client, *id), view.clone());
    }
    for letter in &mut given.messages {
        let Message::Behind { id, applied } = letter.message else { continue };
        let view = letter.to.iter().next().and_then(|client| memory.views.get(&(client, id)));
        if let Some(view) = view {
            let reply = Reply::Of(TimelineReply::View { page: site.machine().view(view) });
            letter.message = Message::Told { id, applied, reply };
        }
    }
}

/// Answers a fetch from all that it ever accepted in this life.
fn supply_accepted(speech: &mut Speech<'_>) {
    let Speech { site, heard, given, memory, .. } = speech;
    for record in &given.records {
        if let Record::Paxos { record: PaxosRecord::Accepted { ballot, slot, entry } } = record {
            let is_other = |kept: &Message| !is_accept_of(kept, *slot);
            memory.kept.retain(is_other);
            let (ballot, slot, entry) = (*ballot, *slot, entry.clone());
            let message = Paxos::Accept { ballot, slot, chosen: Slot(0), entry };
            memory.kept.push(Message::Paxos { message });
        }
    }
    let Some((from, Message::Paxos { message: Paxos::Fetch { first, end } })) = heard else { return };
    for kept in &memory.kept {
        let Message::Paxos { message: Paxos::Accept { slot, entry, .. } } = kept else { continue };
        if (*first..*end).contains(slot) && site.log().chosen_at(*slot).is_none() {
            let message = Paxos::Supply { slot: *slot, entry: entry.clone(), chosen: site.log().chosen() };
            let message = Message::Paxos { message };
            given.messages.push(Letter { to: (*from).into(), message, is_independent: false });
        }
    }
}

fn is_accept_of(message: &Message, of: Slot) -> bool {
    matches!(message, Message::Paxos { message: Paxos::Accept { slot, .. } } if *slot == of)
}
