//! What processes have to do with links that are connections: how datagrams of a connection reach them, and how they
//! learn that a link broke or is there again. In worlds with other links nothing here happens.

use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::process::{Input, Process};
use crate::sim::host::WaitingInput;
use crate::sim::host::hosts::HostIndex;
use crate::sim::net::packets::PacketId;
use crate::sim::net::streams::{Admission, Broken, LinkEvent, ends};
use crate::sim::script::matcher::Happening;
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::{Judge, Observation};
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::{QueuedEvent, World};
use crate::time::Instant;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// A copy arrives that was sent over this connection.
    pub(crate) fn arrive(&mut self, h: HostIndex, id: PacketId, connection: u32) {
        let to = self.hosts.list[h].id;
        let (net, mut reach) = self.network();
        match net.admit(&mut reach, to, id, connection) {
            Admission::Arrives => self.deliver(h, id),
            Admission::Waits => {}
            Admission::Lost => self.drop_at(to, id, Loss::LinkBroken),
        }
        self.hand_out_notices();
    }

    /// The time of a stream has come, unless something has happened to it since.
    pub(crate) fn on_link(&mut self, event: LinkEvent, at: Instant) {
        let (net, mut reach) = self.network();
        match event {
            LinkEvent::Break(ends) => net.break_after_cut(&mut reach, ends, at),
            LinkEvent::Close(ends) => net.close(&mut reach, ends, at),
            LinkEvent::Connect(ends) if net.is_to_connect(ends, at) => {
                let has_room = self.has_room(ends.0) && self.has_room(ends.1);
                let (net, mut reach) = self.network();
                net.connect(&mut reach, ends, has_room);
            }
            LinkEvent::Flow(from, to) if net.is_to_flow((from, to), at) => self.flow((from, to)),
            LinkEvent::Connect(_) | LinkEvent::Flow(..) => {}
        }
        self.hand_out_notices();
    }

    /// Delivers what waits on this way, as long as nothing blocks or breaks it again.
    fn flow(&mut self, way: (ProcessId, ProcessId)) {
        while let Some((to, id)) = self.net.streams_mut().and_then(|streams| streams.next_waiting(way)) {
            match self.hosts.list.place(to) {
                Some(host) => self.deliver(host, id),
                None => self.net.packets.release(id),
            }
        }
    }

    /// Looks at all links after some may have been cut, clogged or opened.
    #[inline]
    pub(crate) fn review_links(&mut self) {
        let (net, mut reach) = self.network();
        net.review_links(&mut reach);
    }

    /// A program has started.
    pub(crate) fn begin_links(&mut self, id: ProcessId) {
        let (net, mut reach) = self.network();
        net.begin_links(&mut reach, id);
    }

    /// A program has ended. A terminal ends with its site.
    pub(crate) fn end_links(&mut self, id: ProcessId) {
        if id.program() == id {
            let (net, mut reach) = self.network();
            net.end_links(&mut reach, id);
        }
    }

    /// A copy finds no room at its receiver. A link that may lose nothing breaks.
    #[cold]
    pub(in crate::sim::host) fn overflow(&mut self, to: ProcessId, id: PacketId) {
        let from = self.net.packets.get(id).datagram.from;
        self.drop_at(to, id, Loss::InboxFull);
        if !from.shares_program_with(to) {
            let (net, mut reach) = self.network();
            net.break_stream(&mut reach, ends((from, to)).0, Broken::InboxFull(to.program()));
            self.hand_out_notices();
        }
    }

    fn of_program(&self, program: ProcessId) -> impl Iterator<Item = HostIndex> + use<P, J> {
        let terminal = program.as_site().map(ProcessId::Terminal);
        let places = [Some(program), terminal].map(|id| self.hosts.list.place(id?));
        places.into_iter().flatten()
    }

    fn has_room(&self, program: ProcessId) -> bool {
        let inbox_max = self.settings.inbox_max;
        let running = |host: HostIndex| self.hosts.list[host].running();
        self.of_program(program).filter_map(running).all(|running| running.inbox.len() < inbox_max)
    }

    /// Lets what is said of links wait for its turn at the processes of each program.
    fn hand_out_notices(&mut self) {
        for notice in self.net.take_notices() {
            let hosts: Vec<HostIndex> = self.of_program(notice.to).collect();
            for host in hosts {
                if let Some(running) = self.hosts.list[host].running_mut() {
                    running.inbox.push_back(WaitingInput::Link { peer: notice.peer, up: notice.up });
                    self.queue.push(self.watch.now, QueuedEvent::Drain { host });
                }
            }
        }
    }

    /// Tells a process that a link broke or is there again.
    #[cold]
    pub(in crate::sim::host) fn hand_in_link(&mut self, h: HostIndex, peer: ProcessId, up: bool) {
        let id = self.hosts.list[h].id;
        self.watch.mark(FingerprintMark::Link, id, [peer.number().into(), up.into()]);
        self.watch.line(id, LineClass::Routine, || TraceEvent::ToldOfLink { peer, up });
        self.input_shown(h);
        self.watch.show(&Observation::Link { process: id, peer, up });
        self.happened(Happening::Link { who: id, up });
        self.hand_in(h, Input::Link { peer, up });
    }
}
