//! Saves and loads a client's state as bytes.

use alloc::vec::Vec;

use super::{ClientState, Command, OutstandingQuery, OutstandingRequest, QueuedCommand};
use crate::ids::ProcessId;
use crate::replicated::config::Config;
use crate::replicated::machine::Machine;
use crate::replicated::paxos::Slot;
use crate::wire::{Reader, Wire, WireError};

wire_struct!(OutstandingRequest<M: Machine> { request, retry_at, is_taken });
wire_struct!(OutstandingQuery<M: Machine> { id, query, retry_at });
wire_struct!(QueuedCommand<M: Machine> { operation, is_last, undone });

impl<M: Machine> ClientState<M> {
    pub(in crate::replicated) fn save(&self, out: &mut Vec<u8>) {
        let ClientState {
            id: _,
            clock,
            seed,
            life: _,
            sites: _,
            at,
            retry: _,
            queue_max: _,
            session,
            session_idle: _,
            used_at,
            openings,
            next,
            wanted,
            asked,
            queries,
            next_query,
            seen,
        } = self;
        clock.encode(out);
        seed.encode(out);
        at.encode(out);
        session.encode(out);
        used_at.encode(out);
        openings.encode(out);
        next.encode(out);
        wanted.encode(out);
        asked.encode(out);
        queries.encode(out);
        next_query.encode(out);
        // Any site may have reported this number: it may exceed the largest slot that decodes.
        seen.0.encode(out);
    }

    pub(in crate::replicated) fn load(
        config: &Config,
        id: ProcessId,
        input: &mut Reader<'_>,
    ) -> Result<ClientState<M>, WireError> {
        let (clock, seed) = Wire::decode(input)?;
        let client = ClientState {
            clock,
            at: Wire::decode(input)?,
            session: Wire::decode(input)?,
            used_at: Wire::decode(input)?,
            openings: Wire::decode(input)?,
            next: Wire::decode(input)?,
            wanted: Wire::decode(input)?,
            asked: Wire::decode(input)?,
            queries: Wire::decode(input)?,
            next_query: Wire::decode(input)?,
            seen: input.u64().map(Slot)?,
            ..ClientState::new(config, id, seed)
        };
        let counts = [client.openings, client.next, client.next_query];
        if client.at.number() < config.sites && counts.into_iter().all(|count| count < u64::MAX) {
            Ok(client)
        } else {
            Err(WireError::Invalid("state of a client"))
        }
    }
}

impl<M: Machine> Wire for Command<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Command::Do(operation) => {
                out.push(1);
                operation.encode(out);
            }
            Command::Query(query) => {
                out.push(2);
                query.encode(out);
            }
            Command::DoLast(operation) => {
                out.push(3);
                operation.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Command<M>, WireError> {
        match input.u8()? {
            1 => Wire::decode(input).map(Command::Do),
            2 => Wire::decode(input).map(Command::Query),
            3 => Wire::decode(input).map(Command::DoLast),
            _ => Err(WireError::Invalid("tag of a command")),
        }
    }
}
