//! How datagrams leave a process and how they arrive: between its outbox and the network, and between the network and its
//! next input.

use crate::frame;
use crate::ids::ProcessId;
use crate::outbox::Outgoing;
use crate::process::Process;
use crate::sim::host::WaitingInput;
use crate::sim::host::causes::{OwnMessage, Released};
use crate::sim::host::hosts::HostIndex;
use crate::sim::net::packets::{Origin, PacketId};
use crate::sim::script::Seam;
use crate::sim::script::matcher::Happening;
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::World;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Sends everything that may leave, unless the sender's life ends meanwhile.
    pub(in crate::sim::host) fn dispatch(&mut self, h: HostIndex, life: u64, released: Released) {
        while let Some(outgoing) = self.hosts.ready.pop_front() {
            match outgoing {
                Outgoing::Own(bytes) => {
                    if let Some(running) = self.hosts.list[h].running_mut() {
                        let sent = running.lines.sent(released);
                        running.own.push_back(OwnMessage { bytes, sent });
                    }
                }
                Outgoing::Datagram(datagram) => {
                    let (net, mut reach) = self.network();
                    let packet = net.post(&mut reach, datagram);
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

    /// Sends one datagram to each of its recipients; `false` if its sender stopped meanwhile.
    fn send(&mut self, h: HostIndex, life: u64, packet: PacketId) -> bool {
        if !self.script.listens_to_datagrams()
            && self.script.is_quiet()
            && !self.hosts.list[h].awaits_crash()
            && self.net.is_plain(self.watch.now, packet)
        {
            let (net, mut reach) = self.network();
            net.send_plainly(&mut reach, packet);
            return true;
        }
        let datagram = &self.net.packets.get(packet).datagram;
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

    /// Hands one copy to the network. Chance draws its fate, then the script sees it, then rules and links decide.
    fn send_to(&mut self, id: PacketId, to: ProcessId) {
        let (net, mut reach) = self.network();
        let id = net.packets.leave(id);
        let fate = net.draw(&mut reach, id, to);
        self.notify_script_of_datagram(true, (self.net.packets.get(id).datagram.from, to), id);
        let (net, mut reach) = self.network();
        net.pass(&mut reach, id, to, fate);
    }

    #[inline]
    fn notify_script_of_datagram(&mut self, is_sent: bool, ends: (ProcessId, ProcessId), id: PacketId) {
        if self.script.listens_to_datagrams() {
            self.notify_script(is_sent, ends, id);
        }
    }

    #[cold]
    fn notify_script(&mut self, is_sent: bool, (from, to): (ProcessId, ProcessId), id: PacketId) {
        let labels = &self.net.packets.get(id).datagram.labels[..];
        let happening = match is_sent {
            true => Happening::Sent { from, to, labels },
            false => Happening::Delivered { from, to, labels },
        };
        let roles = || self.hosts.list.roles(&self.settings.machines);
        self.script.happened(&mut self.watch, happening, roles);
        if is_sent {
            self.run_fired(true);
        }
    }

    /// A copy arrives.
    #[inline(always)]
    pub(crate) fn deliver(&mut self, h: HostIndex, id: PacketId) {
        let host = &self.hosts.list[h];
        let to = host.id;
        if self.net.is_cut_off(id, to) {
            return self.drop_at(to, id, Loss::CutAtDelivery);
        }
        let from = self.net.packets.get(id).datagram.from;
        if from.shares_program_with(to) && self.is_of_an_ended_program(from, id) {
            return self.drop_at(to, id, Loss::Down);
        }
        let Some(running) = host.running() else { return self.drop_at(to, id, Loss::Down) };
        if !running.can_take(self.settings.disk.sync_mode) || !running.is_idle() {
            return self.let_wait(h, id);
        }
        self.open(h, id);
        self.rest(h);
    }

    /// A copy arrives where an input cannot be handed in, or where others wait.
    #[inline(never)]
    fn let_wait(&mut self, h: HostIndex, id: PacketId) {
        let (mode, inbox_max) = (self.settings.disk.sync_mode, self.settings.inbox_max);
        let host = &mut self.hosts.list[h];
        let to = host.id;
        let Some(running) = host.running_mut() else { return };
        if running.can_take(mode) {
            running.inbox.push_back(WaitingInput::Datagram(id));
            self.drain(h);
        } else if running.inbox.len() >= inbox_max {
            self.overflow(to, id);
        } else {
            running.inbox.push_back(WaitingInput::Datagram(id));
        }
    }

    /// Goes on after an input: arms the wake-up, or hands in what waits.
    #[inline(always)]
    fn rest(&mut self, h: HostIndex) {
        match self.hosts.list[h].running() {
            Some(running)
                if running.can_take(self.settings.disk.sync_mode)
                    && !running.reported_low
                    && running.is_idle() =>
            {
                self.arm(h);
            }
            _ => self.drain(h),
        }
    }

    /// Whether a datagram that goes to its sender's own program was under way there when that program ended. Such a
    /// datagram ends with the program.
    #[inline(never)]
    fn is_of_an_ended_program(&self, from: ProcessId, id: PacketId) -> bool {
        let datagram = &self.net.packets.get(id).datagram;
        let Some(sender) = self.hosts.list.place(from) else { return false };
        let sender = &self.hosts.list[sender];
        sender.lives > 1
            && frame::read_sealed(datagram).is_ok_and(|(header, _)| {
                sender.running().is_none_or(|running| running.incarnation != header.sender.incarnation)
            })
    }

    #[cold]
    pub(in crate::sim::host) fn drop_at(&mut self, to: ProcessId, id: PacketId, why: Loss) {
        let (net, mut reach) = self.network();
        net.drop_at(&mut reach, to, id, why);
    }

    /// Opens a datagram whose turn has come. Its first message is handed in, and the others are next.
    #[inline(always)]
    pub(in crate::sim::host) fn open(&mut self, h: HostIndex, id: PacketId) {
        let to = self.hosts.list[h].id;
        if self.net.packets.get(id).origin != Origin::Here {
            let (net, mut reach) = self.network();
            if let Err(why) = net.read_for(&mut reach, to, id) {
                return self.drop_at(to, id, why);
            }
        }
        let packet = self.net.packets.get_mut(id);
        let (from, hash) = (packet.datagram.from, packet.datagram.hash);
        self.watch.statistics.delivered += 1;
        self.watch.mark(FingerprintMark::Delivered, to, [from.number().into(), hash]);
        self.watch
            .line(to, LineClass::Routine, || TraceEvent::Delivered { from, copy: packet.traced(id.copy) });
        let is_seen = self.watch.is_full() || self.script.listens_to_datagrams() || !self.script.is_quiet();
        if packet.messages.len() == 1 && !is_seen {
            // Nothing comes in between, as for most datagrams.
            let message = self.net.packets.take_only(id);
            self.hand_in_message(h, from, message);
        } else {
            self.open_several(h, from, id);
        }
    }

    /// Hands in the first of several messages, or one that a step or a full trace sees.
    #[inline(never)]
    fn open_several(&mut self, h: HostIndex, from: ProcessId, id: PacketId) {
        let host = &self.hosts.list[h];
        let (to, life) = (host.id, host.lives);
        let line = self.watch.full_line();
        self.notify_script_of_datagram(false, (from, to), id);
        self.run_fired(false);
        let mut first = None;
        if self.hosts.list[h].is_alive(life)
            && let Some(running) = self.hosts.list[h].running_mut()
        {
            running.lines.open(line);
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
}
