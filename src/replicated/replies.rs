//! Answers of a single site, cut to fit a datagram.

use crate::replicated::machine::{Machine, Position};
use crate::replicated::message::{LogLine, Query, Reply, list_bytes_max};
use crate::replicated::paxos::Slot;
use crate::replicated::site::Site;
use crate::wire::{Wire, cut};

/// The answer of `site` to `query`.
pub(super) fn answer<M: Machine>(site: &Site<M>, query: &Query<M>) -> Reply<M> {
    match query {
        Query::Of(query) => {
            let reply = site.replica().machine().query(query);
            let (size, max) = (reply.size(), M::REPLY_BYTES_MAX);
            assert!(size <= max, "the reply to `{query}` takes {size} bytes, of {max} at most");
            Reply::Of(reply)
        }
        Query::Status => Reply::Status { status: site.status() },
        Query::Log { from } => {
            let (lines, has_more) = cut(log_lines(site, *from), list_bytes_max::<M>());
            Reply::Log { lines, has_more }
        }
    }
}

fn log_lines<M: Machine>(site: &Site<M>, from: Position) -> impl Iterator<Item = LogLine<M>> {
    // Any number of slots may be empty, so they are not looked at.
    let slots = site.replica().filled_from(Slot(from.slot));
    let lines =
        slots.filter_map(|slot| Some((slot, site.log().chosen_at(slot)?))).flat_map(|(slot, entry)| {
            (0..).zip(entry.values()).map(move |(index, submission)| LogLine {
                position: Position { slot: slot.0, index },
                request: submission.request.clone(),
            })
        });
    lines.filter(move |line| line.position >= from)
}
