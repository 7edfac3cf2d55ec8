//! The way of most datagrams: only chance can touch their copies.
//!
//! What may touch a copy is found out once for all copies of a datagram, and each takes the short way. A copy that chance
//! touches goes the way of all others, in `sending`.

use crate::process::Process;
use crate::sim::net::decide::INSIDE;
use crate::sim::net::fates::Fate;
use crate::sim::net::packets::PacketId;
use crate::sim::net::{Net, Reach};
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::QueuedEvent;
use crate::time::Instant;

impl<P: Process> Net<P> {
    /// Whether only chance can touch the copies of a datagram that is sent now.
    #[inline]
    pub(crate) fn is_plain(&mut self, now: Instant, id: PacketId) -> bool {
        debug_assert!(!self.is_calm || self.looks_calm(), "the network changed and nobody took note");
        if !self.is_calm || !self.rules.may_take() {
            return self.is_calm;
        }
        let packet = self.packets.get_mut(id);
        !self.rules.admit(now, packet.datagram.from, &packet.datagram.labels, &mut packet.mask)
    }

    /// Sends a datagram that is [plain](Net::is_plain) to each of its recipients. No step listens to it.
    pub(crate) fn send_plainly<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, id: PacketId) {
        let packet = self.packets.get(id);
        let (from, now) = (packet.datagram.from, reach.watch.now);
        let beginning = self.fates.begin(now, packet.identity, from);
        for to in packet.datagram.recipients() {
            let id = self.packets.leave(id);
            reach.watch.statistics.sent += 1;
            let delay = if from.shares_program_with(to) {
                INSIDE
            } else {
                let (network, ends) = (&reach.settings.network, (from, to));
                let own = self.fates.own(beginning, to);
                match Fate::plain(network, own, ends) {
                    Some(delay) if !self.is_impaired || self.fates.are_gentle(network, now, own, ends) => {
                        delay
                    }
                    _ => {
                        self.pass(reach, id, to, Some(Fate::of(network, own, ends)));
                        continue;
                    }
                }
            };
            let packet = self.packets.get_mut(id);
            reach
                .watch
                .line(from, LineClass::Routine, || TraceEvent::Sent { to, copy: packet.traced(id.copy) });
            match self.places.place(to) {
                Some(host) => {
                    packet.copies += 1;
                    reach.queue.push_here(now + delay, QueuedEvent::Deliver { host, packet: id });
                }
                None => self.lose(reach, id, to, Loss::Nowhere),
            }
        }
    }
}
