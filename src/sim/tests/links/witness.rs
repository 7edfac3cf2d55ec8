//! The judge of these tests: the order of delivery, and what processes are told of links.

use super::*;

/// Compares the order of delivery with the order of sending, and what processes are told of links.
#[derive(Clone, Default)]
pub(super) struct Witness {
    pub(super) sent: BTreeMap<Way, Vec<(Instant, Word)>>,
    /// How many of these were delivered or passed over.
    pub(super) next: BTreeMap<Way, usize>,
    /// The first message that each connection delivered in a direction, by its number among all that were sent.
    pub(super) begins: Vec<(Way, usize)>,
    /// What each process takes for granted about its links, and the number of notices.
    pub(super) links: BTreeMap<Way, (bool, u64)>,
    /// Whether nothing was delivered since the recipient was told something of the link.
    pub(super) is_first: BTreeMap<Way, bool>,
    pub(super) delivered: u64,
    pub(super) passed_over: u64,
    pub(super) order: Links,
}

impl Witness {
    pub(super) fn of(order: Links) -> Witness {
        Witness { order, ..Witness::default() }
    }

    fn object(explanation: String) -> Result<(), Violation> {
        Err(Violation::new("links", explanation))
    }

    fn deliver(&mut self, now: Instant, way: Way, word: &Word) -> Result<(), Violation> {
        let (from, to) = way;
        if from.shares_program_with(to) {
            return Ok(());
        }
        self.delivered += 1;
        let sent = self.sent.get(&way).map_or(&[][..], Vec::as_slice);
        let next = self.next.entry(way).or_default();
        // A second copy is the same again, right after the first.
        let is_second = self.order == Links::Fifo && *next > 0 && sent[*next - 1].1 == *word;
        let found = sent[*next..].iter().position(|(_, other)| other == word);
        let Some(skipped) = found.filter(|_| !is_second) else {
            if is_second {
                return Ok(());
            }
            return Witness::object(alloc::format!("{to} gets {word:?} of {from} out of order at {now}"));
        };
        self.passed_over += skipped as u64;
        let place = *next + skipped;
        if self.order == Links::Stream {
            if core::mem::take(self.is_first.entry(way).or_default()) {
                self.begins.push((way, place));
            } else if skipped > 0 {
                let lost = &sent[*next];
                let explanation = alloc::format!("{to} gets {word:?} of {from} at {now}, but not {lost:?}");
                return Witness::object(explanation);
            }
        }
        *next = place + 1;
        Ok(())
    }

    fn told(&mut self, now: Instant, (process, peer): Way, up: bool) -> Result<(), Violation> {
        let (is_up, count) = self.links.entry((process, peer)).or_insert((true, 0));
        if *is_up == up {
            return Witness::object(alloc::format!(
                "{process} is told twice that {peer} is up: {up}, at {now}"
            ));
        }
        (*is_up, *count) = (up, *count + 1);
        for from in [Some(peer), peer.as_site().map(ProcessId::Terminal)].into_iter().flatten() {
            self.is_first.insert((from, process), true);
        }
        Ok(())
    }
}

impl Judge<Gossip> for Witness {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Gossip>) -> Result<(), Violation> {
        match seen {
            Observation::Sent { datagram, messages } => {
                for to in datagram.to.iter().filter(|to| *to != datagram.from) {
                    let sent = self.sent.entry((datagram.from, to)).or_default();
                    sent.extend(messages.iter().map(|word| (now, word.clone())));
                }
                Ok(())
            }
            Observation::Delivered { to, from, message } => self.deliver(now, (*from, *to), message),
            Observation::Link { process, peer, up } => self.told(now, (*process, *peer), *up),
            Observation::Started { process, incarnation, .. } if *incarnation > 1 => {
                let of_process = self.links.iter_mut().filter(|((of, _), _)| of == process);
                of_process.for_each(|(_, (is_up, _))| *is_up = false);
                // Links that it has heard nothing of yet are down as well.
                let programs = [S0, S1, S2, ProcessId::Client(0), ProcessId::Client(1)];
                for peer in programs.into_iter().filter(|peer| *peer != process.program()) {
                    let is_between_clients = process.as_site().is_none() && peer.as_site().is_none();
                    if !is_between_clients || matches!(process, ProcessId::Terminal(_)) {
                        self.links.entry((*process, peer)).or_insert((false, 0));
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
