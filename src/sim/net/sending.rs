//! The way of a datagram from its sender through the network and, copy by copy, into the queue of arrivals.

use alloc::boxed::Box;
use alloc::format;

use crate::frame::{self, Datagram};
use crate::ids::ProcessId;
use crate::process::Process;
use crate::sim::host::limits;
use crate::sim::net::decide::{INSIDE, Impairments, NetworkView, Passage};
use crate::sim::net::fates::Fate;
use crate::sim::net::order::LinkOrder;
use crate::sim::net::packets::{Origin, Packet, PacketId};
use crate::sim::net::wires::WireRoom;
use crate::sim::net::{Net, Reach};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::QueuedEvent;
use crate::time::Duration;

impl<P: Process> Net<P> {
    /// Takes in a datagram that leaves its sender. It is read here, once for all recipients, and judged.
    pub(crate) fn post<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        datagram: Box<Datagram>,
    ) -> PacketId {
        let from = datagram.from;
        reach.watch.mark(FingerprintMark::Sent, from, [datagram.bytes.len() as u64, datagram.hash]);
        let id = self.packets.post(datagram);
        let Packet { datagram, messages, contents, .. } = self.packets.get_mut(id);
        let within = limits::check_datagram(datagram, reach.settings.datagram_max);
        debug_assert!(
            frame::read_sealed(datagram)
                .is_ok_and(|(header, _)| (header.sender.from, header.to) == (from, datagram.to)),
            "an outbox wrote {datagram:?}"
        );
        match frame::sealed_messages(datagram).decode_sharing(&mut reach.watch.shared, messages) {
            Ok(()) => {
                *contents = reach.watch.described(messages);
                reach.watch.show(&Observation::Sent { datagram, messages });
            }
            Err(reason) => reach.watch.object(Violation::new(
                "codec",
                format!("{from} sent a datagram that cannot be read: {reason}"),
            )),
        }
        reach.watch.object_to(within);
        id
    }

    /// Draws the fate of one copy, before script and rules see it. Inside one program there is no chance.
    #[inline]
    pub(crate) fn draw<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
    ) -> Option<Fate> {
        let packet = self.packets.get_mut(id);
        let (from, identity) = (packet.datagram.from, packet.identity);
        reach.watch.statistics.sent += 1;
        if from.shares_program_with(to) {
            reach
                .watch
                .line(from, LineClass::Routine, || TraceEvent::Sent { to, copy: packet.traced(id.copy) });
            return None;
        }
        Some(self.fates.draw(&reach.settings.network, reach.watch.now, identity, (from, to)))
    }

    /// Decides the passage of one copy, and carries it out.
    #[inline]
    pub(crate) fn pass<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        fate: Option<Fate>,
    ) {
        debug_assert!(!self.is_calm || self.looks_calm(), "the network changed and nobody took note");
        let Some(fate) = fate else { return self.schedule_delivery(reach, id, to, INSIDE) };
        let packet = self.packets.get_mut(id);
        let from = packet.datagram.from;
        let network = if self.is_calm && !self.is_impaired && !self.rules.may_take() {
            NetworkView::calm((from, to))
        } else {
            self.look_around(reach, id, (from, to), &fate)
        };
        match network.decide(&fate) {
            Passage::Plain(after) => {
                let packet = self.packets.get_mut(id);
                reach
                    .watch
                    .line(from, LineClass::Routine, || TraceEvent::Sent { to, copy: packet.traced(id.copy) });
                self.schedule_delivery(reach, id, to, after);
            }
            Passage::Touched(touched) => self.carry_out(reach, id, to, touched),
        }
    }

    /// The network's state for one copy, where more than chance may touch it. The rules count the copy.
    #[inline]
    fn look_around<J: Judge<P>>(
        &mut self,
        reach: &Reach<'_, P, J>,
        id: PacketId,
        ends: (ProcessId, ProcessId),
        fate: &Fate,
    ) -> NetworkView {
        let (now, (from, to)) = (reach.watch.now, ends);
        let mut network = NetworkView::calm(ends);
        match &self.order {
            LinkOrder::Stream(streams) => network.is_down = streams.is_down(ends),
            LinkOrder::Datagrams | LinkOrder::Fifo(_) => network.is_cut = self.links.is_cut(from, to),
        }
        network.is_healed = self.is_in_core(from) && self.is_in_core(to);
        if network.is_healed {
            return network;
        }
        let packet = self.packets.get_mut(id);
        network.rule = self.rules.take(now, ends, &packet.datagram.labels, &mut packet.mask);
        if let Some(ledger) = &mut self.ledger {
            ledger.enter(now, ends, packet.labels(), fate);
        }
        if self.is_impaired {
            network.sites = self.places.sites();
            network.impairments = self.look_at_link(reach, id, ends, fate);
        }
        network
    }

    /// Bandwidth and chance faults of a rough network for one copy.
    fn look_at_link<J: Judge<P>>(
        &self,
        reach: &Reach<'_, P, J>,
        id: PacketId,
        ends: (ProcessId, ProcessId),
        fate: &Fate,
    ) -> Option<Impairments> {
        let (now, network) = (reach.watch.now, &reach.settings.network);
        let bytes = self.packets.get(id).datagram.bytes.len();
        let room = network
            .bandwidth
            .map_or(WireRoom::Endless, |bandwidth| self.wires.room(bandwidth, now, ends, bytes));
        Impairments::of(room, self.fates.link_faults(network, now, fate.own, ends))
    }

    /// Schedules the arrival of one copy.
    pub(crate) fn schedule_delivery<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        packet: PacketId,
        to: ProcessId,
        delay: Duration,
    ) {
        let Some(host) = self.places.place(to) else { return self.lose(reach, packet, to, Loss::Nowhere) };
        let mut at = reach.watch.now + delay;
        if !self.is_calm {
            let ends = (self.packets.get(packet).datagram.from, to);
            if let LinkOrder::Stream(streams) = &mut self.order
                && !ends.0.shares_program_with(to)
            {
                let (at, connection) = streams.enter(ends, at);
                self.packets.copy(packet);
                return reach.queue.push(at, QueuedEvent::Arrive { host, packet, connection });
            }
            if self.keep_held(reach, packet, to, delay) {
                return;
            }
            if self.clogs.are_any() && self.hold(reach, packet, to, delay) {
                return;
            }
            at = self.order.arrival(ends, at);
        }
        self.packets.copy(packet);
        reach.queue.push(at, QueuedEvent::Deliver { host, packet });
    }

    /// A copy is lost at its sender's end.
    pub(crate) fn lose<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        why: Loss,
    ) {
        let packet = self.packets.get_mut(id);
        let from = packet.datagram.from;
        reach.watch.mark(FingerprintMark::Lost, from, [to.number().into(), 1]);
        reach.watch.count_loss(&why);
        let class = loss_class(&packet.datagram);
        reach.watch.line(from, class, || TraceEvent::Lost { to, copy: packet.traced(id.copy), why });
    }

    /// Whether the link of an arriving copy was cut while it was under way.
    #[inline(always)]
    pub(crate) fn is_cut_off(&self, id: PacketId, to: ProcessId) -> bool {
        !self.is_calm
            && !matches!(self.order, LinkOrder::Stream(_))
            && self.links.is_cut(self.packets.get(id).datagram.from, to)
    }

    /// A copy is dropped at its receiver's end.
    pub(crate) fn drop_at<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        to: ProcessId,
        id: PacketId,
        why: Loss,
    ) {
        let packet = self.packets.get_mut(id);
        let from = packet.datagram.from;
        reach.watch.mark(FingerprintMark::Lost, to, [from.number().into(), 2]);
        reach.watch.count_loss(&why);
        let class = loss_class(&packet.datagram);
        reach.watch.line(to, class, || TraceEvent::Dropped { from, copy: packet.traced(id.copy), why });
        self.packets.release(id);
    }

    /// Reads a datagram that did not come straight from its sender, as receivers read all datagrams outside a
    /// simulation.
    #[cold]
    pub(crate) fn read_for<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        to: ProcessId,
        id: PacketId,
    ) -> Result<(), Loss> {
        let Packet { datagram, messages, origin, .. } = self.packets.get_mut(id);
        let (origin, meant) = (*origin, datagram.to.contains(to));
        let opened = frame::open(&datagram.bytes, reach.settings.cluster, 0, to);
        let (header, body) = opened.map_err(Loss::Rejected)?;
        let from = header.sender.from;
        datagram.from = from;
        messages.clear();
        body.decode_into(messages).map_err(Loss::Undecodable)?;
        match origin {
            Origin::Damaged => object_to_reading(reach, (from, to), "was damaged under way"),
            Origin::Stray if !meant => object_to_reading(reach, (from, to), "is for somebody else"),
            Origin::Again { sent } => {
                let packet = self.packets.get_mut(id);
                let class = loss_class(&packet.datagram);
                reach.watch.line(to, class, || TraceEvent::Repeated {
                    from,
                    copy: packet.traced(id.copy),
                    sent,
                });
            }
            Origin::Here | Origin::Elsewhere | Origin::Stray => {}
        }
        Ok(())
    }
}

fn object_to_reading<P: Process, J: Judge<P>>(
    reach: &mut Reach<'_, P, J>,
    (from, to): (ProcessId, ProcessId),
    which: &str,
) {
    let explanation = format!("{to} took a datagram from {from} that {which} for a good one");
    reach.watch.object(Violation::new("frame", explanation));
}

/// The loss of a background datagram is routine: another heartbeat follows.
pub(crate) fn loss_class(datagram: &Datagram) -> LineClass {
    if datagram.is_background { LineClass::Routine } else { LineClass::Fault }
}
