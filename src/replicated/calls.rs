//! Follows the calls of a machine's clients, each with a beginning and an end, for a judge of histories.
//!
//! 1. A call begins when its first message leaves the client, and ends with the note that answers it.
//! 2. A request that is sent again, even in another session, is the same call.
//! 3. A call whose client crashed, or gave up without an answer, never ends: it may have taken effect or not.
//! 4. A query that one site answers by itself ([`Read::Local`]) is no call: its answer may be stale.

use alloc::collections::BTreeMap;

use crate::ids::ProcessId;
use crate::process::Process;
use crate::replicated::{Answer, Machine, Message, Note, Query, Read, Request, RequestId};
use crate::sim::Observation;

/// One event for a judge of histories.
#[derive(Clone, Copy, Debug)]
pub enum ClientCall<'a, M: Machine> {
    /// The client asks for an operation.
    Executes(ProcessId, &'a M::Operation),
    /// The client asks a linearizable query.
    Asks(ProcessId, &'a M::Query),
    /// The operation of the call with this number was done, with this outcome.
    Done(usize, &'a M::Outcome),
    /// The query of the call with this number was answered.
    Answered(usize, &'a M::Reply),
}

/// The calls that have begun and not ended.
#[derive(Clone, Debug, Default)]
pub struct ClientCalls {
    clients: BTreeMap<ProcessId, OpenCalls>,
}

#[derive(Clone, Debug, Default)]
struct OpenCalls {
    asked: Option<(RequestId, usize)>,
    /// Its session ended and nothing was done: the next request, in another session, belongs to the same call.
    is_anew: bool,
    queries: BTreeMap<u64, usize>,
}

impl ClientCalls {
    /// Reports the calls that begin or end in `seen`. `report` returns a number for each call that begins, and the end
    /// of the call is reported by that number. What `report` returns for an end is not used.
    ///
    /// # Errors
    /// Those of `report`.
    pub fn follow<M, P, E>(
        &mut self,
        seen: &Observation<'_, P>,
        mut report: impl FnMut(ClientCall<'_, M>) -> Result<usize, E>,
    ) -> Result<(), E>
    where
        M: Machine,
        P: Process<Message = Message<M>, Note = Note<M>>,
    {
        match *seen {
            Observation::Sent { datagram, messages } if datagram.from.as_site().is_none() => {
                messages.iter().try_for_each(|message| self.on_sent(datagram.from, message, &mut report))
            }
            Observation::Noted { process, note } => {
                let Some(open) = self.clients.get_mut(&process) else { return Ok(()) };
                let end = match note {
                    Note::Done(_, _, Answer::Of(outcome)) => {
                        open.asked.take().map(|(_, number)| ClientCall::Done(number, outcome))
                    }
                    Note::QuorumReply(id, _, _, _, reply) => {
                        open.queries.remove(id).map(|number| ClientCall::Answered(number, reply))
                    }
                    Note::AsksInNewSession(_) => {
                        open.is_anew = true;
                        None
                    }
                    Note::OutcomeUnknown(_) | Note::GaveUp(_) => {
                        (open.asked, open.is_anew) = (None, false);
                        None
                    }
                    _ => None,
                };
                end.map_or(Ok(()), |end| report(end).map(|_| ()))
            }
            Observation::Started { process, .. } => {
                self.clients.remove(&process);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn on_sent<M: Machine, E>(
        &mut self,
        from: ProcessId,
        message: &Message<M>,
        report: &mut impl FnMut(ClientCall<'_, M>) -> Result<usize, E>,
    ) -> Result<(), E> {
        let open = self.clients.entry(from).or_default();
        match message {
            Message::Request { request: request @ Request::Execute { operation, .. } } => {
                let id = request.id();
                match open.asked {
                    Some((asked, _)) if asked == id => {}
                    Some((_, number)) if open.is_anew => {
                        (open.asked, open.is_anew) = (Some((id, number)), false);
                    }
                    _ => open.asked = Some((id, report(ClientCall::Executes(from, operation))?)),
                }
            }
            Message::Query { id, query: Query::Of(query), .. }
                if M::read(query) == Read::Quorum && !open.queries.contains_key(id) =>
            {
                open.queries.insert(*id, report(ClientCall::Asks(from, query))?);
            }
            _ => {}
        }
        Ok(())
    }
}
