//! A rough network, and rules that do to one datagram what it does by chance: damage, arrivals much later or somewhere
//! else, links that clog or carry only so much.
//!
//! A copy that is not what its sender sent, or not where, is a datagram of its own, and its receiver reads its bytes
//! as every receiver does outside of a simulation.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteSet};
use crate::mix;
use crate::process::Process;
use crate::sim::net::clogs::{Clog, Held};
use crate::sim::net::fates::{self, LinkFaults};
use crate::sim::net::packets::{Origin, PacketId};
use crate::sim::net::rule::Ruling;
use crate::sim::net::rules::Resolved;
use crate::sim::net::sending::loss_class;
use crate::sim::script::director::StepId;
use crate::sim::watch::Mark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::trace::{LineClass, Loss, What};
use crate::sim::world::{Event, World};
use crate::time::Duration;

/// What a rule decided, as far as it is about more than loss and delay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleEffect {
    pub(crate) ruling: Ruling,
    pub(crate) stray: Resolved,
    /// The rule's place among all rules.
    pub(crate) place: usize,
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// What a rough network does to a copy; how long it waits for its link comes with it.
    #[cold]
    pub(crate) fn meet(
        &mut self,
        id: PacketId,
        to: ProcessId,
        own: u64,
    ) -> Result<(LinkFaults, Duration), Loss> {
        let now = self.watch.now;
        let packet = self.net.packets.get_mut(id);
        let ends = (packet.datagram.from, to);
        let mut waits = Duration::ZERO;
        if let Some(bandwidth) = self.settings.network.bandwidth {
            let length = packet.datagram.bytes.len();
            waits = self.net.wires.enter(bandwidth, now, ends, length).ok_or(Loss::QueueFull)?;
            self.watch.statistics.queued += 1;
            let traced = || What::Queued { to, labels: packet.labels(), by: waits };
            self.watch.line(ends.0, LineClass::Routine, traced);
        }
        let link_faults = self.net.fates.link_faults(&self.settings.network, now, own, ends);
        if link_faults.is_in_burst { Err(Loss::Burst) } else { Ok((link_faults, waits)) }
    }

    /// Brings a copy to which something happens on its way.
    #[cold]
    pub(crate) fn bring_oddly(
        &mut self,
        id: PacketId,
        to: ProcessId,
        delay: Duration,
        own: u64,
        (link_faults, odd): (LinkFaults, Option<RuleEffect>),
    ) {
        let ruling = odd.map(|odd| odd.ruling);
        if let Some(RuleEffect { ruling: Ruling::Keep, place, .. }) = odd {
            let packet = self.again(id);
            self.net.rules.keep(place, Held { packet, to, delay });
            self.watch.statistics.kept += 1;
        }
        if let Some(by) = link_faults.again {
            let copy = self.again(id);
            self.watch.statistics.replayed += 1;
            self.tell(id, to, 3, |to, labels| What::Again { to, labels, by });
            self.bring(copy, to, delay + by);
            self.net.packets.release(copy);
        }
        let cut = link_faults.cut.or((ruling == Some(Ruling::Truncate)).then(|| fates::cut(own)));
        let flips = link_faults.flips.or((ruling == Some(Ruling::Corrupt)).then(|| fates::flips(own)));
        let damaged = (cut.is_some() || flips.is_some()).then(|| self.damage(id, to, cut, flips));
        let carried = damaged.unwrap_or(id);
        let stray = match odd {
            Some(RuleEffect { ruling: Ruling::Misdeliver(_), stray, .. }) => Some(stray),
            _ => link_faults
                .stray
                .and_then(|draw| self.wrong_site((self.net.packets.get(id).datagram.from, to), draw)),
        };
        match stray {
            Some(whom) => self.misdeliver(carried, to, whom, delay),
            None => self.bring(carried, to, delay),
        }
        damaged.into_iter().for_each(|damaged| self.net.packets.release(damaged));
    }

    /// Writes what happens to a copy at its sender's end.
    fn tell(
        &mut self,
        id: PacketId,
        to: ProcessId,
        how: u64,
        what: impl FnOnce(ProcessId, crate::sim::watch::trace::SharedLabels) -> What<P>,
    ) {
        let packet = self.net.packets.get_mut(id);
        let from = packet.datagram.from;
        self.watch.mark(Mark::Odd, from, [to.number().into(), how]);
        let class = loss_class(&packet.datagram);
        self.watch.line(from, class, || what(to, packet.labels()));
    }

    /// Another copy that will say when it was sent; whoever asked for it releases it.
    fn again(&mut self, id: PacketId) -> PacketId {
        let datagram = self.net.packets.get(id).datagram.clone();
        self.post_copy(datagram, Origin::Again { sent: self.watch.now })
    }

    fn post_copy(&mut self, datagram: Box<crate::frame::Datagram>, origin: Origin) -> PacketId {
        let copy = self.net.packets.post(datagram, &mut self.hosts.spare);
        self.net.packets.get_mut(copy).origin = origin;
        copy
    }

    /// A copy that was cut short, or of which some bits are flipped; whoever asked for it releases it.
    fn damage(&mut self, id: PacketId, to: ProcessId, cut: Option<u64>, flips: Option<u64>) -> PacketId {
        let mut datagram = self.net.packets.get(id).datagram.clone();
        let of = datagram.bytes.len();
        if let Some(draw) = cut {
            let left = usize::try_from(mix::below(draw, of as u64)).expect("less than a length");
            datagram.bytes.truncate(left);
            self.watch.statistics.truncated += 1;
            self.tell(id, to, 4, |to, labels| What::CutShort { to, labels, left, of });
        }
        if let Some(draw) = flips {
            let bits = flip(&mut datagram.bytes, draw);
            self.watch.statistics.corrupted += 1;
            self.tell(id, to, 5, |to, labels| What::Flipped { to, labels, bits });
        }
        self.post_copy(datagram, Origin::Damaged)
    }

    /// Some other site than these two and the programs that they are in.
    fn wrong_site(&self, (from, to): (ProcessId, ProcessId), draw: u64) -> Option<Resolved> {
        let is_other =
            |site: &crate::ids::SiteId| ![from, to].iter().any(|end| end.shares_program_with((*site).into()));
        let others: Vec<_> = self.sites().iter().filter(is_other).collect();
        let place = usize::try_from(mix::below(draw, others.len() as u64)).ok()?;
        others.get(place).map(|site| Resolved::Sites(SiteSet::EMPTY.with(*site)))
    }

    /// Brings a copy to each of these instead of to its recipient.
    fn misdeliver(&mut self, id: PacketId, to: ProcessId, whom: Resolved, delay: Duration) {
        let datagram = self.net.packets.get(id).datagram.clone();
        let from = datagram.from;
        let origin = match self.net.packets.get(id).origin {
            Origin::Damaged => Origin::Damaged,
            Origin::Here | Origin::Elsewhere | Origin::Stray | Origin::Again { .. } => Origin::Stray,
        };
        let copy = self.post_copy(datagram, origin);
        for at in whom.iter().filter(|at| !at.shares_program_with(from)) {
            self.watch.statistics.misdelivered += 1;
            self.tell(id, to, 6, |to, labels| What::Strayed { to, labels, at });
            self.bring(copy, at, delay);
        }
        self.net.packets.release(copy);
    }

    /// Holds a copy if its link is clogged.
    #[cold]
    pub(crate) fn hold(&mut self, id: PacketId, to: ProcessId, delay: Duration) -> bool {
        let from = self.net.packets.get(id).datagram.from;
        let Some(held) = self.net.clogs.between(from, to) else { return false };
        if held.len() >= self.settings.clog_max {
            self.lose(id, to, Loss::ClogFull);
            return true;
        }
        held.push_back(Held { packet: id, to, delay });
        self.net.packets.copy(id);
        self.watch.statistics.clogged += 1;
        self.tell(id, to, 7, |to, labels| What::Clogged { to, labels });
        true
    }

    /// What was held is under way from here on, in its order.
    pub(crate) fn let_go(&mut self, clogs: Vec<Clog>) {
        for Clog { from, to, held } in clogs {
            let count = held.len();
            self.watch.mark(Mark::Odd, from.into(), [to.number().into(), 8]);
            self.watch.line(ProcessId::Site(from), LineClass::Life, || What::Unclogged { to, count });
            let mut last = self.watch.now;
            for Held { packet, to, delay } in held {
                last = last.max(self.watch.now + delay);
                match self.hosts.list.place(to) {
                    Some(host) => self.queue.push(last, Event::Deliver { host, packet }),
                    None => self.net.packets.release(packet),
                }
            }
        }
    }

    /// The copies that rules of this name have kept are under way once more.
    pub(crate) fn replay(&mut self, step: StepId, name: &str) {
        let kept = self.net.rules.take_kept(name);
        let count = kept.len();
        if count == 0 {
            self.script.fruitless.push(step);
        }
        self.watch.statistics.replayed += count as u64;
        self.watch.line(None, LineClass::Fault, || What::Replayed { count });
        for Held { packet, to, delay } in kept {
            self.bring(packet, to, delay);
            self.net.packets.release(packet);
        }
    }
}

/// Flips one to eleven bits next to each other, and says how many.
pub(crate) fn flip(bytes: &mut [u8], draw: u64) -> u32 {
    if bytes.is_empty() {
        return 0;
    }
    let first = usize::try_from(mix::below(draw, bytes.len() as u64)).expect("less than a length");
    let [low, high, bit, ..] = mix::stir(draw, [0, 0]).to_le_bytes();
    // At least one in the first byte, so that no two flips undo each other and none is lost.
    let masks = [low & high | 1 << (bit % 8), low & high.rotate_left(3)];
    let mut flipped = 0;
    for (byte, mask) in bytes[first..].iter_mut().zip(masks) {
        *byte ^= mask;
        flipped += mask.count_ones();
    }
    flipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_always_changes_something_and_says_how_much() {
        for draw in 0..10_000u64 {
            let mut bytes = [0; 7];
            let length = 1 + usize::try_from(draw % 7).expect("less than 7");
            let flipped = flip(&mut bytes[..length], mix::mix(3, [draw]));
            assert_eq!(flipped, bytes.iter().map(|byte| byte.count_ones()).sum::<u32>());
            assert!(flipped > 0);
        }
        assert_eq!(flip(&mut [], 5), 0);
    }
}
