//! Every passage that is not a plain arrival: losses, damage, late and misdelivered copies, duplicates, kept copies.
//!
//! A copy that differs from what its sender sent, or arrives elsewhere, is a datagram of its own. Its receiver reads
//! its bytes, as every receiver does outside a simulation.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::mix;
use crate::process::Process;
use crate::sim::net::clogs::CloggedCopy;
use crate::sim::net::decide::{Arriving, Touched};
use crate::sim::net::packets::{Origin, PacketId};
use crate::sim::net::rule::Ruling;
use crate::sim::net::rules::Resolved;
use crate::sim::net::sending::loss_class;
use crate::sim::net::{Net, Reach};
use crate::sim::watch::FingerprintMark;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, Loss, TraceEvent, TracedCopy};
use crate::time::Duration;

impl<P: Process> Net<P> {
    /// Carries out the passage of a copy that is not a plain arrival.
    #[cold]
    pub(crate) fn carry_out<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        passage: Touched,
    ) {
        let Touched { rule, queued, end } = passage;
        let packet = self.packets.get_mut(id);
        let from = packet.datagram.from;
        if let Some(place) = rule {
            let rule = self.rules.at(place);
            let traced = || TraceEvent::Ruled { to, copy: packet.traced(id.copy), rule: Arc::clone(rule) };
            reach.watch.line(from, LineClass::Fault, traced);
            reach.watch.statistics.delayed += u64::from(matches!(rule.ruling, Ruling::Delay(_)));
        }
        if let Some(by) = queued {
            self.wires.occupy((from, to), reach.watch.now + by);
            reach.watch.statistics.queued += 1;
            reach.watch.line(from, LineClass::Routine, || TraceEvent::Queued {
                to,
                copy: packet.traced(id.copy),
                by,
            });
        }
        match end {
            Ok(arrivals) => self.deliver_altered(reach, id, to, rule, &arrivals),
            Err(why @ Loss::Rule) => {
                reach.watch.mark(FingerprintMark::Lost, from, [to.number().into(), 0]);
                reach.watch.count_loss(&why);
            }
            Err(why) => self.lose(reach, id, to, why),
        }
    }

    /// Schedules a copy, and all further copies that its passage demands.
    fn deliver_altered<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        rule: Option<usize>,
        arrivals: &Arriving,
    ) {
        let Arriving { after, held_back, again, cut, flips, stray, is_kept, second, further } = *arrivals;
        let packet = self.packets.get_mut(id);
        let from = packet.datagram.from;
        if rule.is_none() {
            reach
                .watch
                .line(from, LineClass::Routine, || TraceEvent::Sent { to, copy: packet.traced(id.copy) });
        }
        if let Some(by) = held_back {
            reach.watch.statistics.held_back += 1;
            reach.watch.line(from, LineClass::Routine, || TraceEvent::HeldBack {
                to,
                copy: packet.traced(id.copy),
                by,
            });
        }
        if second.is_some() {
            reach
                .watch
                .line(from, LineClass::Routine, || TraceEvent::Doubled { to, copy: packet.traced(id.copy) });
        }
        let is_again = Origin::Again { sent: reach.watch.now };
        if let Some(place) = rule.filter(|_| is_kept) {
            let packet = self.packets.post_again(id, is_again);
            self.rules.keep(place, CloggedCopy { packet, to, delay: after });
            reach.watch.statistics.kept += 1;
        }
        if let Some(by) = again {
            let copy = self.packets.post_again(id, is_again);
            reach.watch.statistics.redelivered += 1;
            self.trace_at_sender(reach, copy, to, 3, |copy| TraceEvent::Again { to, copy, by });
            self.schedule_delivery(reach, copy, to, after + by);
            self.packets.release(copy);
        }
        if cut.is_some() || flips.is_some() {
            let damaged = self.damage(reach, id, to, (cut, flips));
            self.deliver_to(reach, damaged, to, stray, after);
            self.packets.release(damaged);
        } else {
            self.deliver_to(reach, id, to, stray, after);
        }
        let doubles = second.into_iter();
        for delay in doubles.chain((1..=further.0).map(|copy| after + further.1.times(copy.into()))) {
            reach.watch.statistics.doubled += 1;
            let double = self.packets.double(id);
            self.schedule_delivery(reach, double, to, delay);
        }
    }

    /// Traces an event that happens to a copy at its sender's end.
    pub(crate) fn trace_at_sender<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        how: u64,
        what: impl FnOnce(TracedCopy) -> TraceEvent<P>,
    ) {
        let packet = self.packets.get_mut(id);
        let from = packet.datagram.from;
        reach.watch.mark(FingerprintMark::UnusualPassage, from, [to.number().into(), how]);
        let class = loss_class(&packet.datagram);
        reach.watch.line(from, class, || what(packet.traced(id.copy)));
    }

    /// Makes a truncated or corrupted copy. The caller must release it.
    fn damage<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        (cut, flips): (Option<u64>, Option<u64>),
    ) -> PacketId {
        let mut datagram = self.packets.get(id).datagram.clone();
        if let Some(draw) = cut {
            let of = datagram.bytes.len();
            let left = cut_short(&mut datagram.bytes, draw);
            reach.watch.statistics.truncated += 1;
            self.trace_at_sender(reach, id, to, 4, |copy| TraceEvent::CutShort { to, copy, left, of });
        }
        if let Some(draw) = flips {
            let bits = flip(&mut datagram.bytes, draw);
            reach.watch.statistics.corrupted += 1;
            self.trace_at_sender(reach, id, to, 5, |copy| TraceEvent::Flipped { to, copy, bits });
        }
        self.packets.post_altered(id, datagram, Origin::Damaged)
    }

    /// Schedules a copy for its recipient, or for each process where it goes instead.
    fn deliver_to<J: Judge<P>>(
        &mut self,
        reach: &mut Reach<'_, P, J>,
        id: PacketId,
        to: ProcessId,
        stray: Option<Resolved>,
        delay: Duration,
    ) {
        let Some(targets) = stray else { return self.schedule_delivery(reach, id, to, delay) };
        let (from, origin) = (self.packets.get(id).datagram.from, self.packets.get(id).origin);
        let origin = if origin == Origin::Damaged { Origin::Damaged } else { Origin::Stray };
        let again = self.packets.post_again(id, origin);
        for at in astray(targets, from) {
            let copy = self.packets.double(again);
            reach.watch.statistics.misdelivered += 1;
            self.trace_at_sender(reach, copy, to, 6, |copy| TraceEvent::Strayed { to, copy, at });
            self.schedule_delivery(reach, copy, at, delay);
        }
        self.packets.release(again);
    }

    /// Delivers the copies that rules of this name have kept. Returns how many there were.
    pub(crate) fn redeliver<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>, name: &str) -> usize {
        let kept: Vec<CloggedCopy> = self.rules.take_kept(name);
        let count = kept.len();
        reach.watch.statistics.redelivered += count as u64;
        reach.watch.line(None, LineClass::Fault, || TraceEvent::Redelivered {
            count,
            copies: kept.iter().map(|kept| kept.packet.copy).collect(),
        });
        for CloggedCopy { packet, to, delay } in kept {
            self.schedule_delivery(reach, packet, to, delay);
            self.packets.release(packet);
        }
        count
    }
}

/// The processes where a misdelivered datagram of `from` arrives: never in the sender's own program.
pub(crate) fn astray(targets: Resolved, from: ProcessId) -> impl Iterator<Item = ProcessId> {
    targets.iter().filter(move |at| !at.shares_program_with(from))
}

/// Keeps only the beginning of `bytes`, and returns its length.
pub(crate) fn cut_short(bytes: &mut Vec<u8>, draw: u64) -> usize {
    let left = usize::try_from(mix::below(draw, bytes.len() as u64)).expect("less than a length");
    bytes.truncate(left);
    left
}

/// Flips one to eleven bits in two neighbouring bytes, and returns how many.
pub(crate) fn flip(bytes: &mut [u8], draw: u64) -> u32 {
    if bytes.is_empty() {
        return 0;
    }
    let first = usize::try_from(mix::below(draw, bytes.len() as u64)).expect("less than a length");
    let [low, high, bit, ..] = mix::stir(draw, [0, 0]).to_le_bytes();
    // At least one bit of the first byte flips, so the result always differs.
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
