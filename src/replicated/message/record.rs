//! What a site makes durable.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::SiteId;
use crate::replicated::machine::Machine;
use crate::replicated::paxos;
use crate::replicated::submission::{Spelled, Submission};
use crate::wire::{Reader, Wire, WireError};

/// One durable fact of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record<M: Machine> {
    /// A fact of its acceptor and learner.
    Paxos {
        /// The protocol's record.
        record: paxos::PaxosRecord<Arc<Submission<M>>>,
    },
    /// It took a request into its queue, and has not proposed it.
    Taken {
        /// The submission, numbered.
        submission: Arc<Submission<M>>,
    },
}

impl<M: Machine> Record<M> {
    /// The submissions that `site` took into its queue, at the latest, when it wrote this record. A leader that
    /// proposes a request of its own client at once writes only that it accepted it; such an entry may also hold
    /// submissions that it took before.
    pub fn taken_by(&self, site: SiteId) -> impl Iterator<Item = &Arc<Submission<M>>> {
        let (taken, entry) = match self {
            Record::Taken { submission } => (Some(submission), None),
            Record::Paxos { record: paxos::PaxosRecord::Accepted { entry, is_new: true, .. } } => {
                (None, Some(entry))
            }
            Record::Paxos { .. } => (None, None),
        };
        let proposed = entry.into_iter().flat_map(paxos::Entry::values);
        taken.into_iter().chain(proposed.filter(move |submission| submission.origin == site))
    }
}

/// Older journals have records of tags 1 and 2, with longer submissions.
impl<M: Machine> Wire for Record<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Record::Paxos { record } => {
                out.push(3);
                record.encode(out);
            }
            Record::Taken { submission } => {
                out.push(4);
                submission.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Record<M>, WireError> {
        Ok(match input.u8()? {
            1 => {
                let record = paxos::PaxosRecord::<Spelled<M>>::decode(input)?;
                Record::Paxos { record: record.map(|spelled| spelled.0.clone()) }
            }
            2 => Record::Taken { submission: Spelled::decode(input)?.0 },
            3 => Record::Paxos { record: Wire::decode(input)? },
            4 => Record::Taken { submission: Wire::decode(input)? },
            _ => return Err(WireError::Invalid("tag of a record")),
        })
    }
}
