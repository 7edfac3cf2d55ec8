//! The way of a datagram: out of its sender, past rules and links, into its receiver.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;

use crate::frame::{self, Datagram};
use crate::ids::ProcessId;
use crate::outbox::Outgoing;
use crate::process::{Process, Recipients};
use crate::sim::host::Waiting;
use crate::sim::host::hosts::HostIndex;
use crate::sim::host::limits;
use crate::sim::net::fates::{Fate, LinkFaults};
use crate::sim::net::packets::{Origin, Packet, PacketId};
use crate::sim::net::rule::Ruling;
use crate::sim::net::rules::Decided;
use crate::sim::script::Seam;
use crate::sim::watch::Mark;
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::watch::trace::{LineClass, Loss, What};
use crate::sim::world::{Event, World};
use crate::time::Duration;

/// How long a datagram takes inside one program.
const INSIDE: Duration = Duration::from_micros(1);

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Sends what may leave, for as long as the sender's life goes on.
    pub(crate) fn dispatch(&mut self, h: HostIndex, life: u64) {
        while let Some(outgoing) = self.hosts.ready.pop_front() {
            match outgoing {
                Outgoing::Own(bytes) => {
                    if let Some(running) = self.hosts.list[h].running_mut() {
                        running.own.push_back(bytes);
                    }
                }
                Outgoing::Datagram(datagram) => {
                    let packet = self.post(datagram);
                    let goes_on = self.send(h, life, packet);
                    self.net.packets.release(packet);
                    if !goes_on || (self.hosts.list[h].awaits_crash() && self.crash_between_sends(h)) {
                        return self.hosts.ready.clear();
                    }
                }
            }
        }
    }

    fn crash_between_sends(&mut self, h: HostIndex) -> bool {
        let is_another = self.hosts.ready.iter().any(|outgoing| matches!(outgoing, Outgoing::Datagram(_)));
        is_another && self.crash_at(h, Seam::BetweenSends)
    }

    /// Takes a datagram in that leaves its sender: it is read, once for everybody, and judged.
    fn post(&mut self, datagram: Box<Datagram>) -> PacketId {
        let from = datagram.from;
        self.watch.mark(Mark::Sent, from, [datagram.bytes.len() as u64, datagram.hash]);
        let id = self.net.packets.post(datagram, &mut self.hosts.spare);
        let Packet { datagram, messages, .. } = self.net.packets.get_mut(id);
        let within = limits::check_datagram(datagram, self.settings.datagram_max);
        let read =
            frame::read_sealed(datagram).map_err(|reason| format!("{reason}")).and_then(|(header, said)| {
                match (header.sender.from, header.to) == (from, datagram.to) {
                    true => said.decode_into(messages).map_err(|error| format!("{error}")),
                    false => Err(format!("its frame says {header:?}")),
                }
            });
        match read {
            Ok(()) => self.watch.show(&Observation::Sent { datagram, messages }),
            Err(reason) => self.watch.object(Violation {
                property: "codec",
                explanation: format!("{from} sent a datagram that cannot be read: {reason}"),
            }),
        }
        self.watch.object_to(within);
        id
    }

    /// Sends one datagram to each of its recipients; `false` when its sender stopped meanwhile.
    fn send(&mut self, h: HostIndex, life: u64, packet: PacketId) -> bool {
        let datagram = &self.net.packets.get(packet).datagram;
        if let Recipients::One(to) = datagram.to {
            self.send_to(packet, to);
            self.run_fired(false);
            return self.hosts.list[h].is_alive(life);
        }
        let mut recipients = datagram.recipients();
        while let Some(to) = recipients.next() {
            self.send_to(packet, to);
            self.run_fired(false);
            let host = &self.hosts.list[h];
            if !host.is_alive(life) {
                return false;
            }
            if host.awaits_crash()
                && recipients.clone().next().is_some()
                && self.crash_at(h, Seam::BetweenRecipients)
            {
                return false;
            }
        }
        true
    }

    /// Hands one copy to the network: its fate is drawn, then the script looks, then rules and links decide.
    fn send_to(&mut self, id: PacketId, to: ProcessId) {
        let now = self.watch.now;
        let packet = self.net.packets.get_mut(id);
        let (from, identity) = (packet.datagram.from, packet.identity);
        self.watch.statistics.sent += 1;
        if from.shares_program_with(to) {
            self.watch.line(from, LineClass::Routine, || What::Sent { to, labels: packet.labels() });
            self.tell_script_of_datagram(true, (from, to), id);
            return self.bring(id, to, INSIDE);
        }
        let fate = self.net.fates.draw(&self.settings.network, now, identity, (from, to));
        self.tell_script_of_datagram(true, (from, to), id);
        let is_in_core = self.net.core.is_some() && self.is_in_core(from) && self.is_in_core(to);
        let packet = self.net.packets.get_mut(id);
        let decided = if is_in_core {
            None
        } else {
            self.net.rules.decide(now, (from, to), &packet.datagram.labels, &mut packet.mask)
        };
        if let Some(ledger) = &mut self.net.ledger
            && !is_in_core
        {
            ledger.enter(now, (from, to), packet.labels(), &fate);
        }
        if self.net.links.is_cut(from, to) {
            return self.lose(id, to, Loss::CutAtSending);
        }
        let ruling = decided.as_ref().map(|decided| decided.odd.ruling);
        let mut odd = None;
        if let Some(Decided { odd: decided, rule }) = decided {
            let traced = || What::Ruled { to, labels: packet.labels(), rule: Arc::clone(rule) };
            self.watch.line(from, LineClass::Fault, traced);
            match decided.ruling {
                Ruling::Drop => {
                    self.watch.mark(Mark::Lost, from, [to.number().into(), 0]);
                    self.watch.count_loss(&Loss::Rule);
                    return;
                }
                Ruling::Delay(_) => self.watch.statistics.delayed += 1,
                Ruling::Duplicate { .. } => {}
                Ruling::Corrupt | Ruling::Truncate | Ruling::Misdeliver(_) | Ruling::Keep => {
                    odd = Some(decided);
                }
            }
        }
        let Fate { is_lost, mut delay, mut second, is_held_back, held: _, own } = fate;
        let mut link_faults = None;
        if self.net.is_rough && !is_in_core {
            match self.meet(id, to, own) {
                Err(why) => return self.lose(id, to, why),
                Ok((met, waits)) => {
                    link_faults = Some(met).filter(|met| *met != LinkFaults::default());
                    delay = delay + waits;
                    second = second.map(|second| second + waits);
                }
            }
        }
        let packet = self.net.packets.get_mut(id);
        if is_lost && !is_in_core {
            return self.lose(id, to, Loss::Chance);
        }
        if ruling.is_none() {
            self.watch.line(from, LineClass::Routine, || What::Sent { to, labels: packet.labels() });
        }
        if is_held_back {
            self.watch.statistics.held_back += 1;
            let traced = || What::HeldBack { to, labels: packet.labels(), by: delay };
            self.watch.line(from, LineClass::Routine, traced);
        }
        let second = second.filter(|_| !is_in_core);
        if second.is_some() {
            self.watch.line(from, LineClass::Routine, || What::Doubled { to, labels: packet.labels() });
        }
        let delay = match ruling {
            Some(Ruling::Delay(by)) => delay + by,
            _ => delay,
        };
        if link_faults.is_some() || odd.is_some() {
            self.bring_oddly(id, to, delay, own, (link_faults.unwrap_or_default(), odd));
        } else {
            self.bring(id, to, delay);
        }
        if let Some(second) = second {
            self.watch.statistics.doubled += 1;
            self.bring(id, to, second);
        }
        if let Some(Ruling::Duplicate { copies, apart }) = ruling {
            for copy in 1..=u64::from(copies) {
                self.watch.statistics.doubled += 1;
                self.bring(id, to, delay + apart.times(copy));
            }
        }
    }

    /// Whether faults have stopped for this process.
    pub(crate) fn is_in_core(&self, process: ProcessId) -> bool {
        self.net.core.is_some_and(|core| match process {
            ProcessId::Site(site) | ProcessId::Terminal(site) => core.contains(site),
            ProcessId::Client(_) => true,
        })
    }

    #[inline]
    fn tell_script_of_datagram(&mut self, is_sent: bool, ends: (ProcessId, ProcessId), id: PacketId) {
        if self.script.director.listens_to_datagrams() {
            self.do_tell_script(is_sent, ends, id);
        }
    }

    #[cold]
    fn do_tell_script(&mut self, is_sent: bool, ends: (ProcessId, ProcessId), id: PacketId) {
        let roles = || self.hosts.list.roles(&self.settings.machines);
        let labels = &self.net.packets.get(id).datagram.labels;
        self.script.director.on_datagram(is_sent, self.watch.now, ends, labels, roles);
        if is_sent {
            self.run_fired(true);
        }
    }

    pub(crate) fn bring(&mut self, packet: PacketId, to: ProcessId, delay: Duration) {
        let Some(host) = self.hosts.list.place(to) else { return self.lose(packet, to, Loss::Nowhere) };
        if self.net.clogs.are_any() && self.hold(packet, to, delay) {
            return;
        }
        self.net.packets.copy(packet);
        self.queue.push(self.watch.now + delay, Event::Deliver { host, packet });
    }

    /// A copy does not get past its sender's end.
    pub(crate) fn lose(&mut self, id: PacketId, to: ProcessId, why: Loss) {
        let packet = self.net.packets.get_mut(id);
        let from = packet.datagram.from;
        self.watch.mark(Mark::Lost, from, [to.number().into(), 1]);
        self.watch.count_loss(&why);
        let class = loss_class(&packet.datagram);
        self.watch.line(from, class, || What::Lost { to, labels: packet.labels(), why });
    }

    /// A copy does not get past its receiver's end.
    fn drop_at(&mut self, to: ProcessId, id: PacketId, why: Loss) {
        let packet = self.net.packets.get_mut(id);
        let from = packet.datagram.from;
        self.watch.mark(Mark::Lost, to, [from.number().into(), 2]);
        self.watch.count_loss(&why);
        let class = loss_class(&packet.datagram);
        self.watch.line(to, class, || What::Dropped { from, labels: packet.labels(), why });
        self.net.packets.release(id);
    }

    /// A copy arrives.
    pub(crate) fn deliver(&mut self, h: HostIndex, id: PacketId) {
        let to = self.hosts.list[h].id;
        if self.net.links.are_any_cut() && self.net.links.is_cut(self.net.packets.get(id).datagram.from, to) {
            return self.drop_at(to, id, Loss::CutAtDelivery);
        }
        let (mode, inbox_max) = (self.settings.disk.sync_mode, self.settings.inbox_max);
        let Some(running) = self.hosts.list[h].running_mut() else {
            return self.drop_at(to, id, Loss::Down);
        };
        if running.can_take(mode) {
            if running.is_idle() {
                self.open(h, id);
            } else {
                running.inbox.push_back(Waiting::Datagram(id));
            }
            return self.drain(h);
        }
        if running.inbox.len() >= inbox_max {
            return self.drop_at(to, id, Loss::InboxFull);
        }
        running.inbox.push_back(Waiting::Datagram(id));
    }

    /// Opens a datagram whose turn has come: the first of its messages is handed in, the others are next.
    pub(crate) fn open(&mut self, h: HostIndex, id: PacketId) {
        let host = &self.hosts.list[h];
        let (to, life) = (host.id, host.lives);
        if self.net.packets.get(id).origin != Origin::Here
            && let Err(why) = self.read_for(to, id)
        {
            return self.drop_at(to, id, why);
        }
        let packet = self.net.packets.get_mut(id);
        let (from, hash) = (packet.datagram.from, packet.datagram.hash);
        self.watch.statistics.delivered += 1;
        self.watch.mark(Mark::Delivered, to, [from.number().into(), hash]);
        self.watch.line(to, LineClass::Routine, || What::Delivered { from, labels: packet.labels() });
        self.tell_script_of_datagram(false, (from, to), id);
        self.run_fired(false);
        let mut first = None;
        if self.hosts.list[h].is_alive(life)
            && let Some(running) = self.hosts.list[h].running_mut()
        {
            let packet = self.net.packets.get_mut(id);
            let queue = &mut running.opened;
            if packet.is_last() {
                let mut messages = packet.messages.drain(..);
                first = messages.next();
                queue.extend(messages.map(|message| (from, message)));
            } else {
                let mut messages = packet.messages.iter().cloned();
                first = messages.next();
                queue.extend(messages.map(|message| (from, message)));
            }
        }
        self.net.packets.release(id);
        if let Some(message) = first {
            self.hand_in_message(h, from, message);
        }
    }

    /// Reads a datagram that came from elsewhere, as every receiver reads all of them outside of a simulation.
    fn read_for(&mut self, to: ProcessId, id: PacketId) -> Result<(), Loss> {
        let Packet { datagram, messages, origin, .. } = self.net.packets.get_mut(id);
        let (origin, meant) = (*origin, datagram.to.contains(to));
        let opened = frame::open(&datagram.bytes, self.settings.cluster, 0, to);
        let (header, said) = opened.map_err(Loss::Rejected)?;
        datagram.from = header.sender.from;
        messages.clear();
        said.decode_into(messages).map_err(Loss::Undecodable)?;
        match origin {
            Origin::Damaged => self.object_to_reading(to, id, "was damaged under way"),
            Origin::Stray if !meant => self.object_to_reading(to, id, "is for somebody else"),
            Origin::Again { sent } => {
                let packet = self.net.packets.get_mut(id);
                let (from, class) = (packet.datagram.from, loss_class(&packet.datagram));
                self.watch.line(to, class, || What::Repeated { from, labels: packet.labels(), sent });
            }
            Origin::Here | Origin::Elsewhere | Origin::Stray => {}
        }
        Ok(())
    }

    fn object_to_reading(&mut self, to: ProcessId, id: PacketId, which: &str) {
        let from = self.net.packets.get(id).datagram.from;
        let explanation = format!("{to} took a datagram from {from} that {which} for a good one");
        self.watch.object(Violation { property: "frame", explanation });
    }
}

/// That a heartbeat did not arrive is no news: the next one tells.
pub(crate) fn loss_class(datagram: &Datagram) -> LineClass {
    if datagram.is_background { LineClass::Routine } else { LineClass::Fault }
}
