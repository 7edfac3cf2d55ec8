//! The held network: copies under way go on only when a step says so, until faults stop.
//!
//! Copies inside one program are not held: they cross no network.

use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::Process;
use crate::sim::net::clogs::CloggedCopy;
use crate::sim::net::packets::PacketId;
use crate::sim::net::{Net, Reach};
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::Loss;
use crate::sim::world::QueuedEvent;
use crate::time::Duration;

/// The copies that a held network holds, in the order of sending.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldCopies {
    pub(crate) list: Vec<CloggedCopy>,
    /// Whether a copy was lost because there were too many.
    is_overfull: bool,
}

impl<P: Process> Net<P> {
    /// Whether datagrams, deadlines and syncs wait for a step.
    #[inline]
    pub(crate) const fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Whether a held network has lost copies because there were too many.
    #[inline]
    pub(crate) fn is_overfull(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.is_overfull)
    }

    /// Holds a copy if the network is held and the copy leaves its program.
    #[inline]
    pub(crate) fn keep_held<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        delay: Duration,
    ) -> bool {
        let Some(held) = &mut self.held else { return false };
        if self.packets.get(id).datagram.from.shares_program_with(to) {
            return false;
        }
        if held.list.len() >= reach.settings.clog_max {
            held.is_overfull = true;
            self.lose(reach, id, to, Loss::HoldFull);
            return true;
        }
        held.list.push(CloggedCopy { packet: id, to, delay });
        self.packets.copy(id);
        true
    }

    /// The held copies, in the order of sending.
    pub(crate) fn held_copies(&self) -> &[CloggedCopy] {
        self.held.as_ref().map_or(&[], |held| &held.list)
    }

    /// Takes out the held copy with this number.
    pub(crate) fn take_held(&mut self, number: u32) {
        if let Some(held) = &mut self.held {
            held.list.retain(|copy| copy.packet.copy.number != number);
        }
    }

    /// Ends the hold: what is under way arrives by itself, in the order of sending where nothing else decides.
    pub(crate) fn let_go<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>) {
        let held = self.held.take();
        for CloggedCopy { packet, to, delay } in held.into_iter().flat_map(|held| held.list) {
            match self.places.place(to) {
                Some(host) => {
                    reach.queue.push(reach.watch.now + delay, QueuedEvent::Deliver { host, packet });
                }
                None => self.packets.release(packet),
            }
        }
        self.notice();
    }
}
