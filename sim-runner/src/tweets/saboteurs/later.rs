//! Bugs that were planted once a profile and recipes were there to find bugs, in several roles.

use aviary::ids::{SITES_MAX, SiteId, SiteSet};
use aviary::process::Letter;
use aviary::replicated::paxos::Slot;
use aviary::tweets::site::{Message, Query, Record, Reply, RequestId};
use aviary::tweets::timeline::{TimelineQuery, TimelineReply};

use super::Saboteur;
use super::answers::pages;
use super::liar::{Lie, Paxos, PaxosRecord, SiteInput, SiteOutput};

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "goes-on-with-what-it-proposed",
        "A site that leads again proposes its earlier entry for a slot, even if promises report another entry for it.",
        Lie::SiteInputAndOutput(prefer_own, remember_own),
    ),
    Saboteur::new(
        "reports-by-position",
        "A promise reports accepted slots as consecutive, though there are holes between them.",
        Lie::SiteOutput(|output| {
            for message in output.paxos() {
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
        Lie::SiteOutput(compare_rounds),
    ),
    Saboteur::new(
        "counts-a-site-twice",
        "A leader counts votes instead of voters, so that a duplicate of a vote counts as a second site.",
        Lie::SiteInput(count_again),
    ),
    Saboteur::new(
        "catches-up-by-arrival",
        "A site that catches up puts fetched entries into slots in the order of their arrival.",
        Lie::SiteInput(|input| {
            let next = input.site.log().chosen();
            if let Message::Paxos { message: Paxos::FetchReply { slot, .. } } = input.message {
                *slot = next.min(*slot);
            }
        }),
    ),
    Saboteur::new(
        "answers-when-its-patience-ends",
        "A site that waited in vain for what the client has seen answers with what it has.",
        Lie::SiteOutput(answer_anyway),
    ),
    Saboteur::new(
        "fails-what-waits",
        "A site answers a client that repeats a queued request that its session expired.",
        Lie::SiteOutput(|output| {
            let SiteOutput { given, memory, .. } = output;
            for letter in &mut given.messages {
                if let Message::Taken { id: id @ RequestId::Execute { .. } } = letter.message
                    && !memory.mentioned.insert(id)
                {
                    letter.message = Message::Expired { id, is_undone: false };
                }
            }
        }),
    ),
    Saboteur::new(
        "refuses-without-saying-why",
        "A site that refuses a ballot does not name the ballot that it promised.",
        Lie::SiteOutput(|output| {
            for message in output.paxos() {
                if let Paxos::Nack { ballot, promised, .. } = message {
                    *promised = *ballot;
                }
            }
        }),
    ),
    Saboteur::new(
        "asserts-that-proposals-are-news",
        "A site asserts that no leader proposes anything for a slot that the site knows to be chosen.",
        Lie::SiteInput(|input| {
            let chosen = input.site.log().chosen();
            if let Message::Paxos { message: Paxos::Accept { slot, .. } } = input.message {
                assert!(*slot >= chosen, "slot {slot} is proposed, and all below {chosen} is chosen");
            }
        }),
    ),
    Saboteur::new(
        "orders-a-slot-by-name",
        "A page shows the tweets of one slot in the order of their users' names.",
        Lie::SiteOutput(|output| {
            for page in pages(output) {
                let of_a_slot =
                    page.tweets.chunk_by_mut(|one, other| one.position.slot == other.position.slot);
                of_a_slot.for_each(|tweets| tweets.sort_by(|one, other| one.user.cmp(&other.user)));
            }
        }),
    ),
    Saboteur::new(
        "supplies-what-it-accepted",
        "A site answers a fetch with an accepted entry where it knows of no chosen one.",
        Lie::SiteOutput(supply_accepted),
    ),
    Saboteur::new(
        "pages-overlap",
        "The next page begins with the last tweet of the page before.",
        Lie::SiteInput(|input| {
            if let Message::Query { query: Query::Of(TimelineQuery::View { view }), .. } = input.message
                && let Some(older_than) = &mut view.older_than
            {
                older_than.index += 1;
            }
        }),
    ),
];

/// Keeps the last proposal that the site made for each slot.
fn remember_own(output: &mut SiteOutput<'_>) {
    let slot_of = |message: &Message| match message {
        Message::Paxos { message: Paxos::Accept { slot, .. } } => Some(*slot),
        _ => None,
    };
    let SiteOutput { given, memory, .. } = output;
    for letter in &given.messages {
        if let Some(slot) = slot_of(&letter.message) {
            memory.kept.retain(|kept| slot_of(kept) != Some(slot));
            memory.kept.push(letter.message.clone());
        }
    }
}

/// Puts the site's own proposal where a promise reports another one with a later ballot.
fn prefer_own(input: &mut SiteInput<'_>) {
    let Message::Paxos { message: Paxos::Promise(promise) } = &mut *input.message else { return };
    for kept in &input.memory.kept {
        let Message::Paxos { message: Paxos::Accept { ballot, slot, entry, .. } } = kept else { continue };
        for report in &mut promise.reports {
            if report.slot == *slot && report.ballot.is_some_and(|later| later > *ballot) {
                report.entry = entry.clone();
            }
        }
    }
}

/// Accepts a proposal that the site refuses if its round is the promised one.
fn compare_rounds(output: &mut SiteOutput<'_>) {
    let Some((_, Message::Paxos { message: Paxos::Accept { ballot, slot, entry, .. } })) = output.received
    else {
        return;
    };
    let (ballot, slot, entry) = (*ballot, *slot, entry.clone());
    let is_of_the_round = |message: &&mut Paxos| matches!(&**message, Paxos::Nack { promised, .. } if promised.round == ballot.round);
    let Some(refusal) = output.paxos().find(is_of_the_round) else { return };
    *refusal = Paxos::Accepted { ballot, slot };
    let record = PaxosRecord::Accepted { ballot, slot, entry, is_new: false };
    output.given.records.push(Record::Paxos { record });
}

/// Treats the second accept of a site as that of a site that did not accept yet.
fn count_again(input: &mut SiteInput<'_>) {
    let Message::Paxos { message: Paxos::Accepted { ballot, slot } } = *input.message else { return };
    let votes = &mut input.memory.votes;
    if !votes.insert((ballot, slot, *input.from)) {
        let has_voted = |site: &SiteId| *site == input.me || votes.contains(&(ballot, slot, (*site).into()));
        if let Some(other) = SiteSet::first(SITES_MAX).iter().find(|site| !has_voted(site)) {
            *input.from = other.into();
        }
    }
}

/// Answers a view from present state where the site would answer that it is behind.
fn answer_anyway(output: &mut SiteOutput<'_>) {
    let SiteOutput { site, received, given, memory, .. } = output;
    if let Some((client, Message::Query { id, query: Query::Of(TimelineQuery::View { view }), .. })) =
        received
    {
        memory.views.insert((*client, *id), view.clone());
    }
    for letter in &mut given.messages {
        let Message::Behind { id, applied } = letter.message else { continue };
        let view = letter.to.iter().next().and_then(|client| memory.views.get(&(client, id)));
        if let Some(view) = view {
            let reply = Reply::Of(TimelineReply::View { page: site.machine().view(view) });
            letter.message = Message::QueryReply { id, applied, reply };
        }
    }
}

/// Answers a fetch with everything that the site accepted in this incarnation.
fn supply_accepted(output: &mut SiteOutput<'_>) {
    let SiteOutput { site, received, given, memory, .. } = output;
    for record in &given.records {
        if let Record::Paxos { record: PaxosRecord::Accepted { ballot, slot, entry, .. } } = record {
            let is_other = |kept: &Message| !is_accept_of(kept, *slot);
            memory.kept.retain(is_other);
            let (ballot, slot, entry) = (*ballot, *slot, entry.clone());
            let message = Paxos::Accept { ballot, slot, chosen: Slot(0), entry };
            memory.kept.push(Message::Paxos { message });
        }
    }
    let Some((from, Message::Paxos { message: Paxos::Fetch { first, end } })) = received else { return };
    for kept in &memory.kept {
        let Message::Paxos { message: Paxos::Accept { slot, entry, .. } } = kept else { continue };
        if (*first..*end).contains(slot) && site.log().chosen_at(*slot).is_none() {
            let message =
                Paxos::FetchReply { slot: *slot, entry: entry.clone(), chosen: site.log().chosen() };
            let message = Message::Paxos { message };
            given.messages.push(Letter { to: (*from).into(), message, is_independent: false });
        }
    }
}

fn is_accept_of(message: &Message, of: Slot) -> bool {
    matches!(message, Message::Paxos { message: Paxos::Accept { slot, .. } } if *slot == of)
}
