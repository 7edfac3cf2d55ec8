//! Limits the queries that wait for an answer: a few per client, so that a client that asks for what no site knows yet
//! keeps no other client from waiting.

use crate::ids::ProcessId;

/// The most queries of one client that wait in one room. One more takes the place of its oldest.
pub(super) const PER_CLIENT_MAX: usize = 4;

/// The place for one more query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Room {
    /// A free place.
    Free,
    /// The place of the query at this index, which must leave.
    InsteadOf(usize),
    /// No place at all.
    None,
}

/// The place for a query of `client` in a room for `max` queries. The queries of `clients` wait there, oldest first.
///
/// A client gives up its own oldest query if it has [`PER_CLIENT_MAX`] there, or if the room is full. If it has none in
/// a full room, it takes the place of the oldest of all.
pub(super) fn find(clients: impl ExactSizeIterator<Item = ProcessId>, client: ProcessId, max: usize) -> Room {
    let len = clients.len();
    let (mut oldest, mut count) = (None, 0);
    for (place, _) in clients.enumerate().filter(|(_, other)| *other == client) {
        oldest.get_or_insert(place);
        count += 1;
    }
    if max == 0 {
        Room::None
    } else if count >= PER_CLIENT_MAX || len >= max {
        Room::InsteadOf(oldest.unwrap_or(0))
    } else {
        Room::Free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_a_few_places_and_a_full_room_lets_its_oldest_go() {
        let check = |waiting: &[u16], client: u16, max: usize, room: Room| {
            let waiting = waiting.iter().copied().map(ProcessId::Client);
            assert_eq!(find(waiting.clone(), ProcessId::Client(client), max), room, "{waiting:?} {client}");
        };
        check(&[], 1, 0, Room::None);
        check(&[], 1, 1, Room::Free);
        check(&[1], 1, 1, Room::InsteadOf(0));
        check(&[2], 1, 1, Room::InsteadOf(0));
        check(&[2, 1, 1, 1], 1, 64, Room::Free);
        check(&[2, 1, 1, 1, 1], 1, 64, Room::InsteadOf(1));
        check(&[2, 1, 1, 1, 1], 2, 64, Room::Free);
        check(&[2, 3, 1, 4], 1, 4, Room::InsteadOf(2));
        check(&[2, 3, 1, 4], 5, 4, Room::InsteadOf(0));
    }
}
