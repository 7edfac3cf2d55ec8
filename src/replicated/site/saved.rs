//! Saves and loads a site's state as bytes.
//!
//! The replicated state is left out: loading folds it again from the log, up to where it was applied.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Leading, Parked, PendingTaken, Site};
use crate::ids::SiteId;
use crate::replicated::config::Config;
use crate::replicated::machine::Machine;
use crate::replicated::paxos::{Paxos, Slot};
use crate::replicated::reads::Reads;
use crate::replicated::replica::Replica;
use crate::wire::{Reader, Wire, WireError};

wire_struct!(Leading<M: Machine> { frontier, offered, propose_at });
wire_struct!(Parked<M: Machine> { client, id, seen, query, until });
wire_struct!(PendingTaken { client, id, number, at });

impl<M: Machine> Site<M> {
    pub(in crate::replicated) fn save(&self, out: &mut Vec<u8>) {
        let Site {
            id: _,
            clock,
            config: _,
            paxos,
            replica,
            comparison,
            queue,
            followed,
            leading,
            parked,
            reads,
            pending_taken,
            owes_taken: _,
            is_disk_low,
        } = self;
        clock.encode(out);
        paxos.save(out);
        replica.applied().encode(out);
        comparison.encode(out);
        queue.encode(out);
        followed.encode(out);
        leading.encode(out);
        parked.encode(out);
        reads.save(out);
        pending_taken.encode(out);
        is_disk_low.encode(out);
    }

    pub(in crate::replicated) fn load(
        config: &Config,
        id: SiteId,
        input: &mut Reader<'_>,
    ) -> Result<Site<M>, WireError> {
        let clock = Wire::decode(input)?;
        let paxos = Paxos::load(config.paxos(), id, input)?;
        let applied = Slot::decode(input)?;
        let comparison = Wire::decode(input)?;
        let first = paxos.log().first();
        let mut replica = Replica::beginning_at(first, config.sessions_max);
        for (_, entry) in paxos.log().chosen_from(first).take_while(|(slot, _)| *slot < applied) {
            replica.apply(entry, |_, _, _| {});
        }
        let site = Site {
            id,
            clock,
            config: Arc::new(config.clone()),
            paxos,
            replica,
            comparison,
            queue: Wire::decode(input)?,
            followed: Wire::decode(input)?,
            leading: Wire::decode(input)?,
            parked: Wire::decode(input)?,
            reads: Reads::load(config.reads_max, input)?,
            pending_taken: Wire::decode(input)?,
            owes_taken: false,
            is_disk_low: Wire::decode(input)?,
        };
        let is_sound = site.replica.applied() == applied
            && site.paxos.applied() == site.replica.claim()
            && site.paxos.stands_aside() == site.comparison.is_alone()
            && site.queue.is_sound(id)
            && site.leading.is_some() == site.paxos.leads_under().is_some();
        if is_sound { Ok(site) } else { Err(WireError::Invalid("state of a site")) }
    }
}
