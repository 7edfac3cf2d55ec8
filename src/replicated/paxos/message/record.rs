//! What acceptors and learners make durable.

use alloc::vec::Vec;

use super::put;
use crate::replicated::paxos::ballot::{Ballot, Entry, Slot};
use crate::wire::{Reader, Wire, WireError};

/// One durable fact of an acceptor and learner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PaxosRecord<V> {
    /// It will accept nothing below this ballot.
    Promised(Ballot),
    /// It accepted `entry` for `slot`; this promises `ballot` too.
    Accepted {
        /// The ballot.
        ballot: Ballot,
        /// The slot.
        slot: Slot,
        /// The entry.
        entry: Entry<V>,
        /// Whether this site, leading under `ballot`, put the entry together. If not, it came from another site, or
        /// an earlier ballot left it.
        is_new: bool,
    },
    /// It learned that `entry` is chosen for `slot`.
    Learned {
        /// The slot.
        slot: Slot,
        /// The entry.
        entry: Entry<V>,
    },
    /// Everything that its log holds below this slot is chosen. Lazy: nothing waits for this record.
    Chosen(Slot),
    /// The log begins at this slot: everything below is over, and no site of the cluster holds any of it. Only the
    /// first record of a journal may be this one. The program that prepares storage writes it, a site never does.
    Begins(Slot),
}

impl<V> PaxosRecord<V> {
    /// The most bytes beside an entry.
    pub const OVERHEAD_MAX: usize = 1 + Ballot::BYTES_MAX + Slot::BYTES_MAX;

    /// The same record with other values.
    pub(crate) fn map<W>(self, value: impl FnMut(&V) -> W) -> PaxosRecord<W> {
        match self {
            PaxosRecord::Promised(ballot) => PaxosRecord::Promised(ballot),
            PaxosRecord::Accepted { ballot, slot, entry, is_new } => {
                PaxosRecord::Accepted { ballot, slot, entry: entry.map(value), is_new }
            }
            PaxosRecord::Learned { slot, entry } => PaxosRecord::Learned { slot, entry: entry.map(value) },
            PaxosRecord::Chosen(slot) => PaxosRecord::Chosen(slot),
            PaxosRecord::Begins(slot) => PaxosRecord::Begins(slot),
        }
    }
}

impl<V: Wire> Wire for PaxosRecord<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            PaxosRecord::Promised(ballot) => put(out, 1, *ballot, &[]),
            PaxosRecord::Accepted { ballot, slot, entry, is_new } => {
                put(out, if *is_new { 6 } else { 2 }, *ballot, &[slot.0]);
                entry.encode(out);
            }
            PaxosRecord::Learned { slot, entry } => {
                out.push(3);
                slot.encode(out);
                entry.encode(out);
            }
            PaxosRecord::Chosen(slot) => {
                out.push(4);
                slot.encode(out);
            }
            PaxosRecord::Begins(slot) => {
                out.push(5);
                slot.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<PaxosRecord<V>, WireError> {
        Ok(match input.u8()? {
            1 => PaxosRecord::Promised(Ballot::decode(input)?),
            tag @ (2 | 6) => PaxosRecord::Accepted {
                ballot: Ballot::decode(input)?,
                slot: Slot::decode(input)?,
                entry: Entry::decode(input)?,
                is_new: tag == 6,
            },
            3 => PaxosRecord::Learned { slot: Slot::decode(input)?, entry: Entry::decode(input)? },
            4 => PaxosRecord::Chosen(Slot::decode(input)?),
            5 => PaxosRecord::Begins(Slot::decode(input)?),
            _ => return Err(WireError::Invalid("tag of a record of an acceptor")),
        })
    }
}
