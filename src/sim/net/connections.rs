//! How streams break, wait, and are connected again. What holds is written in [`streams`](super::streams).

use crate::ids::ProcessId;
use crate::mix;
use crate::process::Process;
use crate::sim::net::clogs::Clogs;
use crate::sim::net::fates::Fates;
use crate::sim::net::links::CutLinks;
use crate::sim::net::order::LinkOrder;
use crate::sim::net::packets::PacketId;
use crate::sim::net::sending::loss_class;
use crate::sim::net::settings::NetworkSettings;
use crate::sim::net::streams::{
    Admission, Broken, Closing, Ends, LinkEvent, LinkNotice, StreamState, Streams, ends,
};
use crate::sim::net::{Net, Reach};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::QueuedEvent;
use crate::time::{Duration, Instant};

/// Whether nothing gets through in this direction.
fn is_blocked(links: &CutLinks, clogs: &Clogs, (from, to): (ProcessId, ProcessId)) -> bool {
    links.is_cut(from, to) || clogs.is_clogged(from, to)
}

fn is_any_blocked(links: &CutLinks, clogs: &Clogs, (one, other): Ends) -> bool {
    is_blocked(links, clogs, (one, other)) || is_blocked(links, clogs, (other, one))
}

/// The time that the handshake or the end of a connection takes. No datagram has this identity.
fn latency(
    fates: &mut Fates,
    network: &NetworkSettings,
    now: Instant,
    way: (ProcessId, ProcessId),
) -> Duration {
    fates.draw(network, now, mix::absorb(0, b"the link itself"), way).delay
}

impl<P: Process> Net<P> {
    /// The streams, if links are streams.
    #[inline]
    pub(crate) const fn streams_mut(&mut self) -> Option<&mut Streams> {
        match &mut self.order {
            LinkOrder::Stream(streams) => Some(streams),
            LinkOrder::Datagrams | LinkOrder::Fifo(_) => None,
        }
    }

    /// What programs are to be told.
    pub(crate) fn take_notices(&mut self) -> alloc::vec::Vec<LinkNotice> {
        self.streams_mut().map(|streams| core::mem::take(&mut streams.notices)).unwrap_or_default()
    }

    /// Decides about a copy that arrives over this connection. One that waits is kept here.
    pub(crate) fn admit<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        to: ProcessId,
        id: PacketId,
        connection: u32,
    ) -> Admission {
        let from = self.packets.get(id).datagram.from;
        let Net { links, clogs, order: LinkOrder::Stream(streams), .. } = self else {
            return Admission::Arrives;
        };
        let (way, (ends, _)) = ((from.program(), to.program()), ends((from, to)));
        let (is_blocked, is_clogged) = (is_blocked(links, clogs, way), clogs.is_clogged(from, to));
        let is_held = is_blocked || streams.waiting.contains_key(&way);
        let Some(stream) = streams.links.get_mut(&ends).filter(|stream| stream.connection == connection)
        else {
            return Admission::Lost;
        };
        match &mut stream.state {
            StreamState::Up { .. } if !is_held => return Admission::Arrives,
            StreamState::Up { .. } => {}
            StreamState::Down { closing: Some(closing), .. } if closing.to == way.1 && closing.lets_in => {
                closing.lets_in = !is_blocked;
                return if is_blocked { Admission::Lost } else { Admission::Arrives };
            }
            StreamState::Down { .. } => return Admission::Lost,
        }
        let waiting = streams.waiting.entry(way).or_default();
        if waiting.copies.len() >= reach.settings.clog_max {
            self.break_stream(reach, ends, Broken::TooMuchWaits);
            return Admission::Lost;
        }
        waiting.copies.push_back((to, id));
        match is_clogged {
            true => reach.watch.statistics.clogged += 1,
            false => reach.watch.statistics.waited += 1,
        }
        reach.watch.mark(FingerprintMark::UnusualPassage, to, [from.number().into(), 9]);
        let packet = self.packets.get_mut(id);
        let class = loss_class(&packet.datagram);
        reach.watch.line(to, class, || TraceEvent::Waits { from, copy: packet.traced(id.copy) });
        Admission::Waits
    }

    /// Breaks a stream between two programs that run. If nothing blocks it, another attempt follows.
    pub(crate) fn break_stream<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, ends: Ends, why: Broken) {
        let Net { links, clogs, order: LinkOrder::Stream(streams), .. } = self else { return };
        let (now, again) = (reach.watch.now, reach.watch.now + streams.break_after);
        let stream = streams.links.entry(ends).or_default();
        if let StreamState::Down { closing, .. } = &mut stream.state {
            closing.iter_mut().for_each(|closing| closing.lets_in = false);
            return;
        }
        let is_open = !is_any_blocked(links, clogs, ends);
        let up_at = is_open.then_some(again);
        stream.state = StreamState::Down { closing: None, up_at };
        if is_open {
            reach.queue.push(now.max(again), QueuedEvent::Link(LinkEvent::Connect(ends)));
        }
        streams.notify(ends, false);
        reach.watch.statistics.links_broken += 1;
        reach.watch.mark(FingerprintMark::Link, ends.0, [ends.1.number().into(), 2]);
        reach.watch.line(None, LineClass::Fault, || TraceEvent::LinkDown { ends, why });
        self.drop_waiting(reach, ends);
    }

    /// Drops what waits on both directions of a stream. Returns whether anything waited on the way from the first end.
    fn drop_waiting<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, (one, other): Ends) {
        for way in [(one, other), (other, one)] {
            let waiting = self.streams_mut().and_then(|streams| streams.waiting.remove(&way));
            for (to, id) in waiting.into_iter().flat_map(|waiting| waiting.copies) {
                self.drop_at(reach, to, id, Loss::LinkBroken);
            }
        }
    }

    /// A program has ended, and with it all its connections.
    pub(crate) fn end_links<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, program: ProcessId) {
        let Some(streams) = self.streams_mut() else { return };
        if !streams.ended.insert(program) {
            return;
        }
        for peer in streams.peers(program) {
            self.end_link(reach, program, peer);
        }
    }

    fn end_link<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, program: ProcessId, peer: ProcessId) {
        let Net { links, clogs, fates, order: LinkOrder::Stream(streams), .. } = self else { return };
        let (now, way) = (reach.watch.now, (program, peer));
        let (ends, direction) = ends(way);
        let (is_cut, waits) = (is_blocked(links, clogs, way), streams.waiting.contains_key(&way));
        let (break_after, goes_on) = (streams.break_after, !streams.ended.contains(&peer));
        let stream = streams.links.entry(ends).or_default();
        let blocked_at = match &mut stream.state {
            StreamState::Up { blocked_at } => *blocked_at,
            StreamState::Down { closing, up_at } => {
                *up_at = None;
                *closing = closing.filter(|closing| closing.to != program);
                return;
            }
        };
        let closing = goes_on.then(|| {
            let at = match is_cut {
                true => blocked_at.unwrap_or(now) + break_after,
                false => {
                    let travels = latency(fates, &reach.settings.network, now, way);
                    stream.last[direction].max(now + travels)
                }
            };
            Closing { to: peer, at, lets_in: !is_cut && !waits, is_silent: is_cut }
        });
        stream.state = StreamState::Down { closing, up_at: None };
        if let Some(closing) = closing {
            reach.queue.push(closing.at, QueuedEvent::Link(LinkEvent::Close(ends)));
        }
        reach.watch.statistics.links_broken += 1;
        self.drop_waiting(reach, ends);
    }

    /// A program has started. It is connected to those programs to which its link is broken.
    pub(crate) fn begin_links<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, program: ProcessId) {
        let Some(streams) = self.streams_mut() else { return };
        streams.ended.remove(&program);
        for peer in streams.peers(program) {
            self.review_link(reach, ends((program, peer)).0);
        }
    }

    /// Looks at all links after some were cut, clogged or opened.
    pub(crate) fn review_links<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>) {
        let Some(streams) = self.streams_mut() else { return };
        for ends in streams.all() {
            self.review_link(reach, ends);
        }
    }

    fn review_link<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, ends: Ends) {
        let Net { links, clogs, fates, order: LinkOrder::Stream(streams), .. } = self else { return };
        let (now, network) = (reach.watch.now, &reach.settings.network);
        let is_open = !is_any_blocked(links, clogs, ends);
        let (is_known, runs) = (streams.links.contains_key(&ends), streams.both_run(ends));
        if is_open && !is_known {
            return;
        }
        let stream = streams.links.entry(ends).or_default();
        match &mut stream.state {
            StreamState::Up { blocked_at } if is_open => *blocked_at = None,
            StreamState::Up { blocked_at: Some(_) } => {}
            StreamState::Up { blocked_at: blocked_at @ None } => {
                *blocked_at = Some(now);
                let at = now + streams.break_after;
                reach.queue.push(at, QueuedEvent::Link(LinkEvent::Break(ends)));
            }
            StreamState::Down { up_at, closing } => {
                if !is_open || !runs {
                    *up_at = None;
                } else if up_at.is_none() {
                    let soon = now + latency(fates, network, now, ends);
                    let at = closing.map_or(soon, |closing| closing.at.max(soon));
                    *up_at = Some(at);
                    reach.queue.push(at, QueuedEvent::Link(LinkEvent::Connect(ends)));
                }
            }
        }
        for way in [ends, (ends.1, ends.0)] {
            let Some(waiting) = streams.waiting.get_mut(&way) else { continue };
            if is_blocked(links, clogs, way) {
                waiting.flows_at = None;
            } else if waiting.flows_at.is_none() {
                let at = now + latency(fates, network, now, way);
                waiting.flows_at = Some(at);
                reach.queue.push(at, QueuedEvent::Link(LinkEvent::Flow(way.0, way.1)));
            }
        }
    }

    /// A stream has been cut for as long as it bears, if nothing has happened to it since.
    pub(crate) fn break_after_cut<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        ends: Ends,
        at: Instant,
    ) {
        let Some(streams) = self.streams_mut() else { return };
        let time = streams.break_after;
        let is_due = streams.links.get(&ends).is_some_and(|stream| match stream.state {
            StreamState::Up { blocked_at } => blocked_at.is_some_and(|since| since + time == at),
            StreamState::Down { .. } => false,
        });
        if is_due {
            self.break_stream(reach, ends, Broken::Cut(time));
        }
    }

    /// The end of a program reaches the program at the other end. If the way was blocked since, that program notices
    /// the silence.
    pub(crate) fn close<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, ends: Ends, at: Instant) {
        let Net { links, clogs, order: LinkOrder::Stream(streams), .. } = self else { return };
        let later = reach.watch.now + streams.break_after;
        let Some(stream) = streams.links.get_mut(&ends) else { return };
        let StreamState::Down { closing, up_at } = &mut stream.state else { return };
        let Some(Closing { to, is_silent, .. }) = closing.filter(|closing| closing.at == at) else { return };
        let ended = if to == ends.0 { ends.1 } else { ends.0 };
        if !is_silent && is_blocked(links, clogs, (ended, to)) {
            *closing = Some(Closing { to, at: later, lets_in: false, is_silent: true });
            *up_at = None;
            return reach.queue.push(later, QueuedEvent::Link(LinkEvent::Close(ends)));
        }
        *closing = None;
        streams.notices.push(LinkNotice { to, peer: ended, up: false });
        reach.watch.mark(FingerprintMark::Link, to, [ended.number().into(), 2]);
        reach.watch.line(None, LineClass::Fault, || TraceEvent::LinkDown { ends, why: Broken::Ended(ended) });
    }

    /// Whether a stream is to be connected at this time.
    pub(crate) fn is_to_connect(&mut self, ends: Ends, at: Instant) -> bool {
        self.streams_mut().and_then(|streams| streams.links.get(&ends)).is_some_and(
            |stream| matches!(stream.state, StreamState::Down { closing: None, up_at } if up_at == Some(at)),
        )
    }

    /// Connects a stream or, if an end takes nothing more, tries later.
    pub(crate) fn connect<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, ends: Ends, has_room: bool) {
        let Some(streams) = self.streams_mut() else { return };
        let later = reach.watch.now + streams.break_after;
        let Some(stream) = streams.links.get_mut(&ends) else { return };
        if !has_room {
            stream.state = StreamState::Down { closing: None, up_at: Some(later) };
            return reach.queue.push(later, QueuedEvent::Link(LinkEvent::Connect(ends)));
        }
        stream.state = StreamState::Up { blocked_at: None };
        stream.connection += 1;
        streams.notify(ends, true);
        reach.watch.statistics.links_connected += 1;
        reach.watch.mark(FingerprintMark::Link, ends.0, [ends.1.number().into(), 3]);
        reach.watch.line(None, LineClass::Life, || TraceEvent::LinkUp { ends });
    }

    /// Whether what waits on this way goes on at this time.
    pub(crate) fn is_to_flow(&mut self, way: (ProcessId, ProcessId), at: Instant) -> bool {
        let waiting = self.streams_mut().and_then(|streams| streams.waiting.get(&way));
        waiting.is_some_and(|waiting| waiting.flows_at == Some(at))
    }
}
