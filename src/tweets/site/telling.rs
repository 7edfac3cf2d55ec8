//! Answers of a single site, cut to fit a datagram.

use alloc::vec::Vec;

use crate::replicated::paxos::Slot;
use crate::tweets::site::message::{Block, LIST_BYTES_MAX, LogLine, Query, Telling};
use crate::tweets::site::site::Site;
use crate::tweets::timeline::Position;
use crate::wire::Wire;

/// What `site` tells about `query`.
pub(super) fn answer(site: &Site, query: &Query) -> Telling {
    match query {
        Query::View { view } | Query::Fresh { view } => Telling::View { page: site.timeline().view(view) },
        Query::Status => Telling::Status { status: site.status() },
        Query::Log { from } => {
            let (lines, has_more) = cut(log_lines(site, *from));
            Telling::Log { lines, has_more }
        }
        Query::Blocks { after } => {
            let after = after.as_ref().map(|pair| (pair.user.clone(), pair.whom.clone()));
            let pairs = site.timeline().blocks_after(after.as_ref());
            let (blocks, has_more) =
                cut(pairs.map(|(user, whom)| Block { user: user.clone(), whom: whom.clone() }));
            Telling::Blocks { blocks, has_more }
        }
    }
}

fn log_lines(site: &Site, from: Position) -> impl Iterator<Item = LogLine> {
    // Any number of slots may hold nothing: they are not looked at.
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

/// As many items as fit a datagram, and whether there are more.
fn cut<T: Wire>(items: impl Iterator<Item = T>) -> (Vec<T>, bool) {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    for item in items {
        bytes += item.size();
        if bytes > LIST_BYTES_MAX {
            return (taken, true);
        }
        taken.push(item);
    }
    (taken, false)
}
