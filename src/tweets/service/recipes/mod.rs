//! Recipes for situations in Paxos that random timing does not reach: sequences of steps.
//!
//! They name messages and notes of the tweet service. Each works in any cluster of its size, whatever else happens.

mod disks;
mod leaders;
mod reads;
mod sizes;
mod slots;
mod submissions;

use crate::ids::SITES_MAX;
use crate::scenario::draw::{Draft, Recipe, RecipesOf, common_recipes, traffic};
use crate::scenario::profile::Span;
use crate::scenario::step::{EventPattern, Target};
use crate::tweets::service::{TimelineCommand, TimelineExpectation, Timelines};

type Steps<'a> = Draft<'a, TimelineCommand, TimelineExpectation>;
type Cook = fn(&mut Draft<'_, TimelineCommand, TimelineExpectation>);

/// All recipes, those for any service first.
pub(super) fn all() -> RecipesOf<Timelines> {
    let recipe = |name, sites: (u8, u8), about, cook: Cook| Recipe {
        name,
        about,
        sites: Span(sites.0, sites.1),
        cook,
    };
    let mut all = common_recipes();
    all.extend([
        recipe(
            "leader_and_successor_lost",
            (3, SITES_MAX),
            "The leader crashes between an accept quorum and reply it, and its successor is isolated.",
            leaders::leader_and_successor_lost,
        ),
        recipe(
            "duel_on_return",
            (3, SITES_MAX),
            "A site is away for long; when it is back and catches up, the leader is lost.",
            leaders::duel_on_return,
        ),
        recipe(
            "crash_while_catching_up",
            (3, SITES_MAX),
            "A site that was down crashes again while it catches up, and then has to lead.",
            leaders::crash_while_catching_up,
        ),
        recipe(
            "unsynced_promise",
            (3, SITES_MAX),
            "A site crashes with its promise unsynced, and the candidate crashes after it leads.",
            leaders::unsynced_promise,
        ),
        recipe(
            "late_promise",
            (3, SITES_MAX),
            "Promises to one candidate arrive when another has led.",
            leaders::late_promise,
        ),
        recipe(
            "starved_slot",
            (3, SITES_MAX),
            "One slot is starved, a later one is chosen, and the leader is lost.",
            slots::starved_slot,
        ),
        recipe(
            "starved_slot_known",
            (3, SITES_MAX),
            "A slot known beforehand is starved until a later one is chosen, and the leader is lost.",
            slots::starved_slot_known,
        ),
        recipe(
            "leads_again",
            (3, SITES_MAX),
            "A leader is isolated, another one leads, and the first is back and leads again.",
            leaders::leads_again,
        ),
        recipe(
            "promises_of_a_lost_ballot",
            (3, SITES_MAX),
            "A candidate loses to another one and campaigns again, and promises to its first ballot come late.",
            leaders::promises_of_a_lost_ballot,
        ),
        recipe(
            "votes_of_a_lost_ballot",
            (5, 5),
            "A leader loses its ballot and leads under another one, and votes for the first come late.",
            leaders::votes_of_a_lost_ballot,
        ),
        recipe(
            "voter_wiped",
            (3, SITES_MAX),
            "A member of the last accept quorum loses its disk, and another one crashes.",
            disks::voter_wiped,
        ),
        recipe(
            "damage_and_laggards",
            (3, SITES_MAX),
            "Most sites lag, one that does not loses a record, and the leader is lost.",
            disks::damage_and_laggards,
        ),
        recipe(
            "half_told_broadcast",
            (3, SITES_MAX),
            "The leader crashes with its proposal sent to some only, and returns when another has led.",
            slots::half_told_broadcast,
        ),
        recipe(
            "cut_off_with_a_proposal",
            (3, SITES_MAX),
            "The leader is cut off with its proposal under way, and goes on when another has led.",
            slots::cut_off_with_a_proposal,
        ),
        recipe(
            "power_lost_in_recovery",
            (2, SITES_MAX),
            "All sites lose power with accepts under way, and again while they recover.",
            slots::power_lost_in_recovery,
        ),
        recipe(
            "late_accepted",
            (3, SITES_MAX),
            "Votes for a slot arrive when another leader has closed it.",
            slots::late_accepted,
        ),
        recipe(
            "promise_in_parts",
            (3, SITES_MAX),
            "What is accepted and not chosen does not fit one promise, and a part of that is lost or late.",
            slots::promise_in_parts,
        ),
        recipe(
            "datagrams_are_filled",
            (2, SITES_MAX),
            "What is proposed, handed on, promised and shown together fills a datagram, almost or a little more.",
            sizes::datagrams_are_filled,
        ),
        recipe(
            "loser_is_asked",
            (5, 5),
            "Who fetches a slot asks a site that accepted something else there, for the leader's answers are lost.",
            slots::loser_is_asked,
        ),
        recipe(
            "retry_between_two_crashes",
            (3, SITES_MAX),
            "The site that took a request crashes, and so does the leader when the client asks again.",
            submissions::retry_between_two_crashes,
        ),
        recipe(
            "origin_restarts",
            (3, SITES_MAX),
            "A site crashes with its submissions under way to the leader, which is lost too.",
            submissions::origin_restarts,
        ),
        recipe(
            "served_through_a_peer",
            (3, SITES_MAX),
            "A site that does not hear the leader follows through a peer, and what that one passes on is lost, late or doubled.",
            submissions::served_through_a_peer,
        ),
        recipe(
            "laggard_is_asked",
            (3, SITES_MAX),
            "A site that lags is asked what others were told of, and answers to its surveys come late.",
            reads::laggard_is_asked,
        ),
    ]);
    all
}

#[cfg(test)]
mod tests;

fn sent(kind: &str, from: Target, to: Target) -> EventPattern {
    EventPattern::Sent(traffic(kind, from, to))
}
