//! Who may wait for an answer: a few queries of each client, so that one who asks for what nobody knows yet keeps nobody
//! else from waiting.

use crate::ids::ProcessId;

/// The most queries of one client that wait in one room; the next takes the place of its oldest.
pub(super) const PER_CLIENT_MAX: usize = 4;

/// What a client finds that asks to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Room {
    /// A free place.
    Free,
    /// A place, once the one who waits at this index leaves.
    InsteadOf(usize),
    /// No place at all.
    None,
}

/// What `client` finds in a room for `max`, in which these clients wait, oldest first.
///
/// A client gives up its own oldest where it has [`PER_CLIENT_MAX`] or the room is full; one that has none there takes
/// the place of the oldest of anybody.
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
