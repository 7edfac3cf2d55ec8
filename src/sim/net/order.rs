//! What links promise, which faults therefore cannot happen on them, and links that keep the order of sending.
//!
//! `TABLE` is the one place that decides which fault means something on which links. Worlds refuse settings and rules
//! that mean nothing, scenario files report them in their place, and nothing draws them.
//!
//! 1. A copy that the network schedules on a link in order arrives no sooner than the one scheduled before it. Whatever
//!    holds back a copy (latency, a rule, a clog, a second copy that comes late) holds back what is sent after it.
//! 2. A second copy is scheduled right after the first: it arrives after the first, and before what is sent later.

use alloc::collections::BTreeMap;

use crate::ids::ProcessId;
use crate::process::{Links, Process};
use crate::sim::net::packets::PacketId;
use crate::sim::net::rule::Ruling;
use crate::sim::net::settings::{Chance, NetworkSettings};
use crate::sim::net::streams::Streams;
use crate::sim::settings::WorldSettings;
use crate::time::Instant;

/// A fault of links: by chance, as a setting of the network, or on purpose, as a rule or a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkFault {
    /// Datagrams are lost by chance.
    Loss,
    /// Datagrams are lost by chance, many at a time.
    Bursts,
    /// Links carry only so much, and lose the rest.
    Bandwidth,
    /// Datagrams arrive twice by chance.
    Duplication,
    /// Bits are flipped by chance.
    Corruption,
    /// Datagrams are cut short by chance.
    Truncation,
    /// Datagrams are held back by chance, so that later ones overtake them.
    Reordering,
    /// Datagrams arrive once more by chance, much later.
    LateCopies,
    /// Datagrams arrive at another site by chance.
    Misdelivery,
    /// A rule with this ruling.
    Rule(Ruling),
    /// The step that delivers what a rule kept.
    Redeliver,
}

/// One row: a fault in the words of a file, its counter if only this fault counts there, and the links of the greatest
/// promise on which it means something.
type Row = (&'static str, Option<&'static str>, Links);

/// Cuts, clogs, latency, the ruling `Delay`, and everything that happens to processes mean something on all links, and
/// are not listed.
const TABLE: [Row; 17] = [
    ("loss", Some("lost by chance"), Links::Fifo),
    ("bursts", Some("lost in a burst"), Links::Fifo),
    ("bandwidth", Some("waited for bandwidth"), Links::Fifo),
    ("duplication", Some("doubled"), Links::Fifo),
    ("corruption", Some("corrupted"), Links::Fifo),
    ("truncation", Some("truncated"), Links::Fifo),
    ("reordering", Some("held back by chance"), Links::Datagrams),
    ("late_copies", Some("redelivered"), Links::Datagrams),
    ("misdelivery", Some("misdelivered"), Links::Datagrams),
    ("Drop", Some("dropped by a rule"), Links::Fifo),
    ("Delay", None, Links::Stream),
    ("Duplicate", None, Links::Fifo),
    ("Corrupt", None, Links::Fifo),
    ("Truncate", None, Links::Fifo),
    ("Misdeliver", None, Links::Datagrams),
    ("Keep", Some("kept for redelivery"), Links::Datagrams),
    ("Redeliver", None, Links::Datagrams),
];

/// Counters that have no fault of their own, and the links on which they can count: from the first to the second.
const COUNTERS: [(&str, Links, Links); 7] = [
    ("lost for want of bandwidth", Links::Datagrams, Links::Fifo),
    ("dropped on a cut link", Links::Datagrams, Links::Fifo),
    ("rejected by the receiver", Links::Datagrams, Links::Fifo),
    ("links broken", Links::Stream, Links::Stream),
    ("links connected again", Links::Stream, Links::Stream),
    ("waited for a cut link", Links::Stream, Links::Stream),
    ("lost with a broken link", Links::Stream, Links::Stream),
];

impl LinkFault {
    const fn row(self) -> &'static Row {
        &TABLE[match self {
            LinkFault::Loss => 0,
            LinkFault::Bursts => 1,
            LinkFault::Bandwidth => 2,
            LinkFault::Duplication => 3,
            LinkFault::Corruption => 4,
            LinkFault::Truncation => 5,
            LinkFault::Reordering => 6,
            LinkFault::LateCopies => 7,
            LinkFault::Misdelivery => 8,
            LinkFault::Rule(Ruling::Drop) => 9,
            LinkFault::Rule(Ruling::Delay(_)) => 10,
            LinkFault::Rule(Ruling::Duplicate { .. }) => 11,
            LinkFault::Rule(Ruling::Corrupt) => 12,
            LinkFault::Rule(Ruling::Truncate) => 13,
            LinkFault::Rule(Ruling::Misdeliver(_)) => 14,
            LinkFault::Rule(Ruling::Keep) => 15,
            LinkFault::Redeliver => 16,
        }]
    }

    /// Its word in a file.
    pub const fn word(self) -> &'static str {
        self.row().0
    }

    /// Whether it means something on these links.
    pub fn is_on(self, links: Links) -> bool {
        links <= self.row().2
    }
}

impl Links {
    /// The promise that keeps faults away, as a sentence.
    pub const fn promise(self) -> &'static str {
        match self {
            Links::Datagrams => "a link promises nothing",
            Links::Fifo => "a link brings datagrams to its other end alone, in the order of sending",
            Links::Stream => "a link brings everything once, whole and in the order of sending",
        }
    }

    /// Whether a counter of the simulator can count anything where all links are like this.
    pub fn can_count(self, counter: &str) -> bool {
        let of_fault = TABLE.iter().find(|(_, counts, _)| *counts == Some(counter));
        let of_others = COUNTERS.iter().find(|(counts, ..)| *counts == counter);
        of_fault.is_none_or(|(.., last)| self <= *last)
            && of_others.is_none_or(|(_, first, last)| (*first..=*last).contains(&self))
    }

    /// Whether steps of this kind mean something where all links are like this.
    #[cfg_attr(not(feature = "scenario"), expect(dead_code, reason = "only sweeps count steps"))]
    pub(crate) fn has_step(self, kind: &str) -> bool {
        let kind = kind.strip_prefix("rule: ").unwrap_or(kind);
        !TABLE.iter().any(|(word, _, last)| self > *last && word.eq_ignore_ascii_case(kind))
    }
}

impl NetworkSettings {
    /// The faults that happen by chance.
    pub fn faults(&self) -> impl Iterator<Item = LinkFault> {
        let has = |chance: Chance| chance.numerator > 0;
        let all = [
            (LinkFault::Loss, has(self.loss)),
            (LinkFault::Bursts, has(self.bursts.chance)),
            (LinkFault::Bandwidth, self.bandwidth.is_some()),
            (LinkFault::Duplication, has(self.duplication)),
            (LinkFault::Corruption, has(self.corruption)),
            (LinkFault::Truncation, has(self.truncation)),
            (LinkFault::Reordering, has(self.reordering)),
            (LinkFault::LateCopies, has(self.late_copies.chance)),
            (LinkFault::Misdelivery, has(self.misdelivery)),
        ];
        all.into_iter().filter_map(|(fault, is_there)| is_there.then_some(fault))
    }
}

/// What the network remembers of its links.
#[derive(Clone, Debug)]
pub(crate) enum LinkOrder {
    Datagrams,
    Fifo(Fifo),
    Stream(Streams),
}

impl LinkOrder {
    pub(crate) fn new<P: Process>(settings: &WorldSettings<P>) -> LinkOrder {
        match settings.network.order {
            Links::Datagrams => LinkOrder::Datagrams,
            Links::Fifo => LinkOrder::Fifo(Fifo::default()),
            Links::Stream => LinkOrder::Stream(Streams::new(
                settings.sites,
                settings.clients,
                settings.network.break_after,
            )),
        }
    }

    /// When a copy arrives that would arrive at `at` on its own. Streams have a way of their own.
    #[inline]
    pub(crate) fn arrival(&mut self, ends: (ProcessId, ProcessId), at: Instant) -> Instant {
        match self {
            LinkOrder::Fifo(fifo) => fifo.arrival(ends, at),
            LinkOrder::Datagrams | LinkOrder::Stream(_) => at,
        }
    }

    /// The copies that wait for a cut stream, and to whom they go.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (ProcessId, PacketId)> {
        let streams = match self {
            LinkOrder::Stream(streams) => Some(streams),
            LinkOrder::Datagrams | LinkOrder::Fifo(_) => None,
        };
        streams.into_iter().flat_map(|streams| streams.copies())
    }
}

/// When the last copy arrives on each link in order. A link over which nothing was sent takes no room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fifo {
    last: BTreeMap<(ProcessId, ProcessId), Instant>,
}

impl Fifo {
    fn arrival(&mut self, (from, to): (ProcessId, ProcessId), at: Instant) -> Instant {
        if from.shares_program_with(to) {
            return at;
        }
        let last = self.last.entry((from.program(), to.program())).or_insert(at);
        *last = at.max(*last);
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    use crate::ids::SiteId;
    use crate::sim::Statistics;
    use crate::sim::script::Target;
    use crate::time::Duration;

    #[test]
    fn a_link_in_order_holds_back_what_is_sent_later() {
        let mut fifo = Fifo::default();
        let (s0, s1) = (ProcessId::site(0), ProcessId::site(1));
        let t1 = ProcessId::Terminal(SiteId::new(1).unwrap());
        let at = Instant::from_micros;
        assert_eq!(fifo.arrival((s0, s1), at(50)), at(50));
        assert_eq!(fifo.arrival((s0, t1), at(20)), at(50), "the terminal shares the link of its program");
        assert_eq!(fifo.arrival((s1, s0), at(20)), at(20), "the other direction is another link");
        assert_eq!(fifo.arrival((t1, s1), at(5)), at(5), "no link is inside a program");
        assert_eq!(fifo.arrival((s0, s1), at(60)), at(60));
    }

    #[test]
    fn each_promise_keeps_away_what_the_one_before_it_does_and_more() {
        use LinkFault::{Bandwidth, Bursts, Corruption, Duplication, LateCopies, Loss, Misdelivery};
        let rulings = [
            Ruling::Drop,
            Ruling::Delay(Duration::ZERO),
            Ruling::Duplicate { copies: 1, apart: Duration::ZERO },
            Ruling::Corrupt,
            Ruling::Truncate,
            Ruling::Misdeliver(Target::AllSites),
            Ruling::Keep,
        ];
        let chances = [Loss, Bursts, Bandwidth, Duplication, Corruption, LinkFault::Truncation];
        let others = [LinkFault::Reordering, LateCopies, Misdelivery, LinkFault::Redeliver];
        let all = rulings.map(LinkFault::Rule).into_iter().chain(chances).chain(others);
        let mut words: Vec<&str> = all.clone().map(LinkFault::word).collect();
        let on = |links: Links| all.clone().filter(move |fault| fault.is_on(links)).map(LinkFault::word);
        assert_eq!(on(Links::Datagrams).count(), TABLE.len());
        let fifo =
            "Drop Delay Duplicate Corrupt Truncate loss bursts bandwidth duplication corruption truncation";
        assert_eq!(on(Links::Fifo).collect::<Vec<_>>().join(" "), fifo);
        assert_eq!(on(Links::Stream).collect::<Vec<_>>(), ["Delay"]);
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), TABLE.len(), "each fault has a row of its own");
    }

    #[test]
    fn every_counter_of_the_table_is_one_and_what_links_cannot_count_differs() {
        let counters: Vec<&str> = Statistics::default().counts().map(|(name, _)| name).collect();
        let of_faults = TABLE.iter().filter_map(|(_, counter, _)| *counter);
        for counter in of_faults.chain(COUNTERS.iter().map(|(counter, ..)| *counter)) {
            assert!(counters.contains(&counter), "{counter}");
        }
        let beyond = |links: Links| counters.iter().filter(move |counter| !links.can_count(counter)).count();
        assert_eq!([Links::Datagrams, Links::Fifo, Links::Stream].map(beyond), [4, 8, 14]);
    }
}
