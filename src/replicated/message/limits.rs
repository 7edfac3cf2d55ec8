//! How much a message holds: the constraints on a machine, whose sites and clients share datagrams and tags with it.

use crate::frame::{DATAGRAM_MIN, FRAME_BYTES, MESSAGE_PREFIX_MAX};
use crate::replicated::machine::Machine;
use crate::replicated::paxos;
use crate::replicated::submission::Submission;
use crate::wire::{Tagged, U64_MAX};

/// The most bytes of a datagram with one message, beside the submission in it.
const OVERHEAD_MAX: usize =
    FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + paxos::PaxosMessage::<()>::ENTRY_OVERHEAD_MAX + ENTRY_PREFIX_MAX;

/// Bytes of the count before the values of an entry.
pub(crate) const ENTRY_PREFIX_MAX: usize = 2;

/// The most bytes of any message with a query, a reply or an outcome, beside what it carries.
const QUERY_OVERHEAD_MAX: usize = FRAME_BYTES + MESSAGE_PREFIX_MAX + 1 + (1 + 4 * U64_MAX) + 2 * U64_MAX + 1;

/// The most bytes of the values of one entry, so that every message that carries the entry fits.
pub(crate) const fn entry_bytes_max(datagram_max: usize) -> usize {
    datagram_max - OVERHEAD_MAX
}

/// The most bytes of the log in one reply. The largest item, a line of the log, is smaller than the submission that it
/// shows, so every list makes progress.
pub(in crate::replicated) const fn list_bytes_max<M: Machine>() -> usize {
    Submission::<M>::BYTES_MAX
}

/// Checks the constraints on a machine when its sites are compiled.
pub(in crate::replicated) const fn check_machine<M: Machine>() {
    let room = DATAGRAM_MIN - QUERY_OVERHEAD_MAX;
    assert!(
        OVERHEAD_MAX + Submission::<M>::BYTES_MAX <= DATAGRAM_MIN,
        "OPERATION_BYTES_MAX does not fit the smallest datagram"
    );
    assert!(M::OUTCOME_BYTES_MAX <= room, "OUTCOME_BYTES_MAX does not fit the smallest datagram");
    assert!(M::QUERY_BYTES_MAX <= room, "QUERY_BYTES_MAX does not fit the smallest datagram");
    assert!(M::REPLY_BYTES_MAX <= room, "REPLY_BYTES_MAX does not fit the smallest datagram");
    assert!(2 + list_bytes_max::<M>() <= room, "a line of the log does not fit the smallest datagram");
    assert!(are_free(M::Outcome::TAGS, &[OPENED]), "tag 1 of outcomes is the site's");
    assert!(are_free(M::Query::TAGS, &[LOG, STATUS]), "tags 2 and 4 of queries are the site's");
    assert!(are_free(M::Reply::TAGS, &[LOG, STATUS]), "tags 2 and 4 of replies are the site's");
}

/// Whether no tag is in both lists.
pub(in crate::replicated) const fn are_free(tags: &[u8], of: &[u8]) -> bool {
    let mut index = 0;
    while index < tags.len() * of.len() {
        if tags[index / of.len()] == of[index % of.len()] {
            return false;
        }
        index += 1;
    }
    true
}

/// The tags that every machine leaves free.
pub(super) const OPENED: u8 = 1;
pub(super) const LOG: u8 = 2;
pub(super) const STATUS: u8 = 4;
