//! What is under way: every copy of a datagram that left its sender and neither arrived nor was lost.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::{Process, Subject};
use crate::sim::host::hosts::HostIndex;
use crate::sim::net::packets::PacketId;
use crate::sim::net::rule::Filter;
use crate::sim::net::rules::{RuleTargets, any_message_matches};
use crate::sim::queue::Turn;
use crate::sim::watch::judge::Judge;
use crate::sim::world::{QueuedEvent, World};
use crate::time::Instant;

/// A copy of a datagram under way. A copy that a rule keeps is not among them.
#[derive(Clone, Debug)]
pub struct FlyingCopy {
    /// Its number, from 1 through a run.
    pub number: u32,
    /// The number of the copy that left its sender: its own, unless it is a further copy of that one.
    pub of: u32,
    /// Its sender.
    pub from: ProcessId,
    /// Where it arrives.
    pub to: ProcessId,
    /// Name and subject of each message in it.
    pub messages: Vec<(&'static str, Subject)>,
    /// Whether its loss is routine, because another one follows.
    pub is_background: bool,
    /// When it arrives; `None` while a clogged link, a cut stream or a held network holds it.
    pub arrives: Option<Instant>,
    /// Whether a step can take it from where it is: it is between two programs, and neither a stream nor a clogged link
    /// holds it.
    pub is_loose: bool,
    pub(crate) packet: PacketId,
    pub(crate) host: HostIndex,
    /// Its event in the queue, if it has one.
    pub(crate) turn: Option<Turn>,
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// The copies of datagrams under way, in the order of sending.
    pub fn under_way(&self) -> Vec<FlyingCopy> {
        let queued = self.queue.turns().filter_map(|(turn, event)| match event {
            QueuedEvent::Deliver { host, packet } => Some((*host, *packet, Some(turn), true)),
            QueuedEvent::Arrive { host, packet, .. } => Some((*host, *packet, Some(turn), false)),
            _ => None,
        });
        let held = self.net.held_copies().iter().map(|copy| (copy.to, copy.packet, true));
        let waiting = self.net.waiting_copies().map(|(to, packet)| (to, packet, false));
        let still = held
            .chain(waiting)
            .filter_map(|(to, packet, is_free)| Some((self.hosts.list.place(to)?, packet, None, is_free)));
        let copies = queued.chain(still).map(|(host, packet, turn, is_free)| {
            let datagram = &self.net.packets.get(packet).datagram;
            let (from, to) = (datagram.from, self.hosts.list[host].id);
            FlyingCopy {
                number: packet.copy.number,
                of: packet.copy.of,
                from,
                to,
                messages: datagram.labels.clone(),
                is_background: datagram.is_background,
                arrives: turn.map(|turn| turn.at),
                is_loose: is_free && !from.shares_program_with(to),
                packet,
                host,
                turn,
            }
        });
        let mut copies: Vec<FlyingCopy> = copies.collect();
        copies.sort_by_key(|copy| copy.number);
        copies
    }

    /// Whether a step by hand means this copy.
    pub(crate) fn is_meant(&self, copy: &FlyingCopy, filter: &Filter, ends: RuleTargets) -> bool {
        copy.is_loose
            && ends.from.contains(copy.from)
            && ends.to.contains(copy.to)
            && any_message_matches(filter, &self.net.packets.get(copy.packet).datagram.labels)
    }

    /// Takes a copy out of where it waits. It is still one of its packet's copies.
    pub(crate) fn take_under_way(&mut self, copy: &FlyingCopy) {
        match copy.turn {
            Some(turn) => drop(self.queue.take_out(turn)),
            None => self.net.take_held(copy.number),
        }
    }
}

impl FlyingCopy {
    /// Its messages, sender and receiver, as one text.
    pub(crate) fn text(&self) -> String {
        let message = |(kind, subject): &(&str, Subject)| match *subject {
            Subject::NONE => (*kind).to_string(),
            subject => format!("{kind} {subject}"),
        };
        let messages: Vec<String> = self.messages.iter().map(message).collect();
        format!("{} from {} to {}", messages.join(" + "), self.from, self.to)
    }
}
