//! Submissions as records of older journals spell them: each names its predecessor, and its request says whether it is
//! the last of its session. They are read and never written.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Number, Request, Submission};
use crate::ids::SiteId;
use crate::replicated::machine::Machine;
use crate::wire::{Reader, Wire, WireError};

/// A submission with the byte form of older records.
#[derive(Clone, Debug)]
pub(in crate::replicated) struct Spelled<M: Machine>(pub(in crate::replicated) Arc<Submission<M>>);

impl<M: Machine> Wire for Spelled<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        let Submission { origin, number, after, request } = &*self.0;
        origin.encode(out);
        number.encode(out);
        after.encode(out);
        match request {
            Request::Open { .. } => request.encode(out),
            Request::Execute { client, session, number, operation, is_last } => {
                out.push(2);
                client.encode(out);
                session.encode(out);
                number.encode(out);
                operation.encode(out);
                is_last.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Spelled<M>, WireError> {
        let origin = SiteId::decode(input)?;
        let (number, after) = (Number::decode(input)?, Number::decode(input)?);
        let request = if input.peek() == Some(2) {
            input.u8()?;
            Request::Execute {
                client: Wire::decode(input)?,
                session: Wire::decode(input)?,
                number: Wire::decode(input)?,
                operation: Wire::decode(input)?,
                is_last: Wire::decode(input)?,
            }
        } else {
            Request::decode(input)?
        };
        Ok(Spelled(Arc::new(Submission { origin, number, after, request })))
    }
}

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests {
    use super::*;
    use crate::ids::ProcessId;
    use crate::replicated::paxos::{Ballot, Entry, PaxosRecord, Slot};
    use crate::tweets::site::{Operation, Record, Request, Submission};
    use crate::tweets::timeline::{Event, Position};

    fn submission(number: (u64, u64), after: (u64, u64), is_last: bool) -> Arc<Submission> {
        let event = Event::Tweet { user: "ann".parse().unwrap(), text: "hello".parse().unwrap() };
        let request = Request::Execute {
            client: ProcessId::Client(5),
            session: Position { slot: 9, index: 0 },
            number: 3,
            operation: Operation::Event { event },
            is_last,
        };
        let [number, after] = [number, after].map(|(incarnation, count)| Number { incarnation, count });
        Arc::new(Submission { origin: SiteId::new(2).unwrap(), number, after, request })
    }

    #[test]
    fn records_of_older_journals_are_read_and_written_shorter() {
        for (submission, saved) in [
            (submission((4, 200), (4, 199), false), 4),
            (submission((4, 200), (4, 198), true), 1),
            (submission((4, 1), (3, 7), false), 1),
            (submission((4, 1), (4, 0), false), 1),
        ] {
            let taken = Record::Taken { submission: submission.clone() };
            let spelled = Spelled(submission.clone());
            let old = [vec![2], spelled.to_bytes()].concat();
            assert_eq!(Record::from_bytes(&old), Ok(taken.clone()));
            assert_eq!(taken.to_bytes().len(), old.len() - saved, "{submission:?}");
            assert_eq!(submission.size(), submission.to_bytes().len());

            let (ballot, slot) = (Ballot { round: 3, site: SiteId::default() }, Slot(7));
            let entry = Entry::of([spelled]);
            let old = PaxosRecord::Accepted { ballot, slot, entry, is_new: false };
            let entry = Entry::of([submission]);
            let record = PaxosRecord::Accepted { ballot, slot, entry, is_new: false };
            assert_eq!(Record::from_bytes(&[vec![1], old.to_bytes()].concat()), Ok(Record::Paxos { record }));
        }
    }
}
