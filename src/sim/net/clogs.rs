//! Clogged links between sites, by direction, with the copies that each holds in the order of sending. A terminal
//! shares the links of its site's program.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::Process;
use crate::sim::net::packets::PacketId;
use crate::sim::net::{Net, Reach};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, Loss, TraceEvent};
use crate::sim::world::QueuedEvent;
use crate::time::Duration;

/// A copy that waits outside the event queue. It is one of its packet's copies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CloggedCopy {
    pub(crate) packet: PacketId,
    pub(crate) to: ProcessId,
    /// The time that it will be under way.
    pub(crate) delay: Duration,
}

/// A clogged link and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Clog {
    pub(crate) from: SiteId,
    pub(crate) to: SiteId,
    pub(crate) held: VecDeque<CloggedCopy>,
}

/// The clogged links, in the order of their clogging.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clogs {
    list: Vec<Clog>,
}

fn site(process: ProcessId) -> Option<SiteId> {
    match process {
        ProcessId::Site(site) | ProcessId::Terminal(site) => Some(site),
        ProcessId::Client(_) => None,
    }
}

impl Clogs {
    #[inline]
    pub(crate) fn are_any(&self) -> bool {
        !self.list.is_empty()
    }

    /// Whether the link between these two is clogged.
    pub(crate) fn is_clogged(&self, from: ProcessId, to: ProcessId) -> bool {
        let (Some(from), Some(to)) = (site(from), site(to)) else { return false };
        self.list.iter().any(|clog| (clog.from, clog.to) == (from, to))
    }

    /// The ends of every clogged link, from sender to recipient, in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (ProcessId, ProcessId)> {
        let mut pairs: Vec<_> = self.list.iter().map(|clog| (clog.from.into(), clog.to.into())).collect();
        pairs.sort_unstable();
        pairs.into_iter()
    }

    /// The copies that the link between these two holds, if it is clogged.
    pub(crate) fn between(&mut self, from: ProcessId, to: ProcessId) -> Option<&mut VecDeque<CloggedCopy>> {
        let ends = (site(from)?, site(to)?);
        let clog = self.list.iter_mut().find(|clog| (clog.from, clog.to) == ends);
        clog.map(|clog| &mut clog.held)
    }

    /// Clogs the links from these sites to those, unless they are clogged already.
    pub(crate) fn clog(&mut self, from: SiteSet, to: SiteSet) {
        for from in from.iter() {
            for to in to.iter().filter(|to| *to != from) {
                if self.between(from.into(), to.into()).is_none() {
                    self.list.push(Clog { from, to, held: VecDeque::new() });
                }
            }
        }
    }

    /// Opens the links from these sites to those. Returns them with what they held, in the order of their clogging.
    pub(crate) fn unclog(&mut self, from: SiteSet, to: SiteSet) -> Vec<Clog> {
        let is_opened = |clog: &mut Clog| from.contains(clog.from) && to.contains(clog.to);
        self.list.extract_if(.., is_opened).collect()
    }

    /// The copies that clogged links hold.
    pub(crate) fn copies(&self) -> impl Iterator<Item = &CloggedCopy> {
        self.list.iter().flat_map(|clog| &clog.held)
    }
}

impl<P: Process> Net<P> {
    /// Holds a copy if its link is clogged.
    #[cold]
    pub(crate) fn hold<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        delay: Duration,
    ) -> bool {
        let from = self.packets.get(id).datagram.from;
        let Some(held) = self.clogs.between(from, to) else { return false };
        if held.len() >= reach.settings.clog_max {
            self.lose(reach, id, to, Loss::ClogFull);
            return true;
        }
        held.push_back(CloggedCopy { packet: id, to, delay });
        self.packets.copy(id);
        reach.watch.statistics.clogged += 1;
        self.trace_at_sender(reach, id, to, 7, |copy| TraceEvent::Clogged { to, copy });
        true
    }

    /// Opens the links from these sites to those. The copies that they held are under way from here on, in the same
    /// order.
    pub(crate) fn unclog<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, from: SiteSet, to: SiteSet) {
        for Clog { from, to, held } in self.clogs.unclog(from, to) {
            let count = held.len();
            reach.watch.mark(FingerprintMark::UnusualPassage, from.into(), [to.number().into(), 8]);
            reach.watch.line(ProcessId::Site(from), LineClass::Life, || TraceEvent::Unclogged { to, count });
            let mut last = reach.watch.now;
            for CloggedCopy { packet, to, delay } in held {
                let ends = (self.packets.get(packet).datagram.from, to);
                last = self.order.arrival(ends, last.max(reach.watch.now + delay));
                match self.places.place(to) {
                    Some(host) => reach.queue.push(last, QueuedEvent::Deliver { host, packet }),
                    None => self.packets.release(packet),
                }
            }
        }
        self.notice();
    }
}
