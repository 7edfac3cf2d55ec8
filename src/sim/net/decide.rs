//! The one decision about a datagram: the passage of one copy that is handed to the network.
//!
//! Worlds and [crossings](super::crossing) of real datagrams both call [`NetworkView::decide`]. It must not draw,
//! count or change anything: its caller draws and counts before, and carries the [`Passage`] out afterwards. In
//! order:
//!
//! 1. A cut link or a broken stream loses the copy, whatever any rule says. A cut stream only holds the copy, later.
//! 2. The rule that takes the copy comes before chance. It has counted the copy even if chance loses it.
//! 3. A bandwidth limit comes before chance. The link has sent the copy even if chance loses it.
//! 4. Chance loses or alters the copy. Rules and damage alter only the copy itself: late, second and further copies
//!    arrive as they were sent.
//! 5. Where faults have stopped, copies can be late, but nothing else happens to them.

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix;
use crate::sim::net::fates::{self, Fate, LinkFaults};
use crate::sim::net::rule::Ruling;
use crate::sim::net::rules::{Resolved, RuleEffect};
use crate::sim::net::wires::WireRoom;
use crate::sim::watch::line::Loss;
use crate::time::Duration;

/// The time that a datagram takes inside one program. There is no network, and nothing is decided.
pub(crate) const INSIDE: Duration = Duration::from_micros(1);

/// The network's state for one copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkView {
    /// Sender and recipient of the copy.
    pub(crate) ends: (ProcessId, ProcessId),
    /// The sites where a copy may arrive if chance misdelivers it.
    pub(crate) sites: SiteSet,
    pub(crate) is_cut: bool,
    /// Whether the copy's stream is broken.
    pub(crate) is_down: bool,
    /// Whether faults have stopped for both ends.
    pub(crate) is_healed: bool,
    /// The rule that takes the copy.
    pub(crate) rule: Option<RuleEffect>,
    /// The state of a network that can do more than lose, delay and duplicate.
    pub(crate) impairments: Option<Impairments>,
}

/// Bandwidth and chance faults of a rough network for one copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Impairments {
    pub(crate) room: WireRoom,
    pub(crate) faults: LinkFaults,
}

/// The passage of one copy through the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Passage {
    /// The copy arrives once, as it was sent, after this long.
    Plain(Duration),
    /// A rule, a fault or chance touches it.
    Touched(Touched),
}

/// The passage of a copy that is not a plain arrival.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Touched {
    /// The place of the rule that took the copy, among all rules.
    pub(crate) rule: Option<usize>,
    /// How long the link takes to send the copy, and everything that waits before it.
    pub(crate) queued: Option<Duration>,
    /// The arrivals, or the reason for the loss.
    pub(crate) end: Result<Arriving, Loss>,
}

/// How a copy arrives, and which other copies arrive. They are scheduled in this order: a late copy, the copy itself,
/// a second copy, further copies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Arriving {
    /// When the copy itself arrives.
    pub(crate) after: Duration,
    /// The copy's delay without its rule, if chance holds it back.
    pub(crate) held_back: Option<Duration>,
    /// How much later than the copy itself a late copy arrives, as it was sent.
    pub(crate) again: Option<Duration>,
    /// A uniform word that decides where the copy is cut short.
    pub(crate) cut: Option<u64>,
    /// A uniform word that decides which of its bits are flipped.
    pub(crate) flips: Option<u64>,
    /// The processes where the copy arrives instead.
    pub(crate) stray: Option<Resolved>,
    /// Whether the rule keeps a copy for later.
    pub(crate) is_kept: bool,
    /// When a second copy arrives.
    pub(crate) second: Option<Duration>,
    /// The number of further copies that the rule makes, and the time between successive copies.
    pub(crate) further: (u32, Duration),
}

impl Impairments {
    /// No bandwidth limit and no faults.
    const NOTHING: Impairments = Impairments {
        room: WireRoom::Endless,
        faults: LinkFaults { is_in_burst: false, flips: None, cut: None, again: None, stray: None },
    };

    /// `None` if neither a bandwidth limit nor a fault applies.
    pub(crate) fn of(room: WireRoom, faults: LinkFaults) -> Option<Impairments> {
        Some(Impairments { room, faults }).filter(|impairments| *impairments != Impairments::NOTHING)
    }
}

impl NetworkView {
    /// The state for a copy between these two that only chance can touch.
    #[inline]
    pub(crate) const fn calm(ends: (ProcessId, ProcessId)) -> NetworkView {
        NetworkView {
            ends,
            sites: SiteSet::EMPTY,
            is_cut: false,
            is_down: false,
            is_healed: false,
            rule: None,
            impairments: None,
        }
    }

    /// The passage of a copy with this fate. Most copies arrive as they were sent, and take the short path.
    #[inline]
    pub(crate) fn decide(&self, fate: &Fate) -> Passage {
        let is_spared = self.is_healed || (!fate.is_lost && fate.second.is_none());
        if is_spared
            && !fate.is_held_back
            && !self.is_cut
            && !self.is_down
            && self.rule.is_none()
            && self.impairments.is_none()
        {
            return Passage::Plain(fate.delay);
        }
        Passage::Touched(self.decide_touched(fate))
    }

    #[cold]
    fn decide_touched(&self, fate: &Fate) -> Touched {
        let touched = |rule, queued, end| Touched { rule, queued, end };
        if self.is_cut {
            return touched(None, None, Err(Loss::CutAtSending));
        }
        if self.is_down {
            return touched(None, None, Err(Loss::LinkDown));
        }
        let rule = self.rule.map(|rule| rule.place);
        if self.rule.is_some_and(|rule| rule.ruling == Ruling::Drop) {
            return touched(rule, None, Err(Loss::Rule));
        }
        let Impairments { room, faults } = self.impairments.unwrap_or(Impairments::NOTHING);
        let queued = match room {
            WireRoom::Endless => None,
            WireRoom::After(wait) => Some(wait),
            WireRoom::Full => return touched(rule, None, Err(Loss::QueueFull)),
        };
        if faults.is_in_burst {
            return touched(rule, queued, Err(Loss::Burst));
        }
        if fate.is_lost && !self.is_healed {
            return touched(rule, queued, Err(Loss::Chance));
        }

        let waits = queued.unwrap_or(Duration::ZERO);
        let delay = fate.delay + waits;
        let mut arrivals = Arriving {
            after: delay,
            held_back: fate.is_held_back.then_some(delay),
            again: faults.again,
            cut: faults.cut,
            flips: faults.flips,
            stray: faults.stray.and_then(|draw| self.wrong_site(draw)),
            is_kept: false,
            second: fate.second.filter(|_| !self.is_healed).map(|second| second + waits),
            further: (0, Duration::ZERO),
        };
        if let Some(taken) = self.rule {
            match taken.ruling {
                Ruling::Drop => {}
                Ruling::Delay(by) => arrivals.after = delay + by,
                Ruling::Duplicate { copies, apart } => arrivals.further = (copies, apart),
                Ruling::Corrupt => arrivals.flips = Some(fates::flips(fate.own)),
                Ruling::Truncate => arrivals.cut = Some(fates::cut(fate.own)),
                Ruling::Misdeliver(_) => arrivals.stray = Some(taken.stray),
                Ruling::Keep => arrivals.is_kept = true,
            }
        }
        touched(rule, queued, Ok(arrivals))
    }

    /// A site that is in neither the sender's nor the recipient's program.
    fn wrong_site(&self, draw: u64) -> Option<Resolved> {
        let (from, to) = self.ends;
        let is_other = |site: &SiteId| ![from, to].iter().any(|end| end.shares_program_with((*site).into()));
        let others = || self.sites.iter().filter(is_other);
        let place = usize::try_from(mix::below(draw, others().count() as u64)).ok()?;
        others().nth(place).map(|site| Resolved::Sites(SiteSet::EMPTY.with(site)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::script::Target;

    const S0: ProcessId = ProcessId::site(0);
    const S1: ProcessId = ProcessId::site(1);
    const S2: ProcessId = ProcessId::site(2);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn only(site: ProcessId) -> Option<Resolved> {
        site.as_site().map(|site| Resolved::Sites(SiteSet::EMPTY.with(site)))
    }

    fn fate() -> Fate {
        Fate {
            is_lost: false,
            delay: ms(10),
            second: None,
            is_held_back: false,
            held: Duration::ZERO,
            own: 77,
        }
    }

    fn calm() -> NetworkView {
        NetworkView::calm((S0, S1))
    }

    /// Sites 0 to 2, with a rule in the fifth place.
    fn ruled(ruling: Ruling) -> NetworkView {
        let stray = Resolved::Sites(SiteSet::first(3));
        NetworkView {
            sites: SiteSet::first(3),
            rule: Some(RuleEffect { ruling, stray, place: 4 }),
            ..NetworkView::calm((S0, S1))
        }
    }

    fn impaired(network: NetworkView, room: WireRoom, faults: LinkFaults) -> NetworkView {
        NetworkView { impairments: Impairments::of(room, faults), ..network }
    }

    fn arrives(rule: Option<usize>, queued: Option<Duration>, arrivals: Arriving) -> Passage {
        Passage::Touched(Touched { rule, queued, end: Ok(arrivals) })
    }

    #[test]
    fn each_fault_has_its_way_with_a_copy() {
        let after = Arriving { after: ms(10), ..Arriving::default() };
        let doubled = Fate { second: Some(ms(3)), ..fate() };
        let held = Fate { is_held_back: true, ..fate() };
        let (cut, flips) = (Some(fates::cut(77)), Some(fates::flips(77)));
        let faults =
            LinkFaults { cut: Some(1), flips: Some(2), again: Some(ms(50)), ..LinkFaults::default() };
        let stray = LinkFaults { stray: Some(u64::MAX), ..LinkFaults::default() };
        let ours = NetworkView { sites: SiteSet::first(2), ..calm() };
        let none = LinkFaults::default();
        let (copies, apart) = (2, ms(7));
        let wait = WireRoom::After(ms(5));
        let healed = NetworkView { is_healed: true, ..calm() };
        for (what, network, fate, passage) in [
            ("nothing", calm(), fate(), Passage::Plain(ms(10))),
            ("an idle rough link", impaired(calm(), WireRoom::Endless, none), fate(), Passage::Plain(ms(10))),
            ("healed", healed, Fate { is_lost: true, ..doubled }, Passage::Plain(ms(10))),
            (
                "healed and late",
                healed,
                held,
                arrives(None, None, Arriving { held_back: Some(ms(10)), ..after }),
            ),
            ("late", calm(), held, arrives(None, None, Arriving { held_back: Some(ms(10)), ..after })),
            ("doubled", calm(), doubled, arrives(None, None, Arriving { second: Some(ms(3)), ..after })),
            (
                "its link waits for both copies",
                impaired(calm(), wait, none),
                doubled,
                arrives(None, Some(ms(5)), Arriving { after: ms(15), second: Some(ms(8)), ..after }),
            ),
            (
                "a rule delays the copy alone",
                impaired(ruled(Ruling::Delay(ms(20))), wait, none),
                Fate { is_held_back: true, ..doubled },
                arrives(
                    Some(4),
                    Some(ms(5)),
                    Arriving { after: ms(35), held_back: Some(ms(15)), second: Some(ms(8)), ..after },
                ),
            ),
            (
                "faults of a link",
                impaired(calm(), WireRoom::Endless, faults),
                fate(),
                arrives(None, None, Arriving { cut: Some(1), flips: Some(2), again: Some(ms(50)), ..after }),
            ),
            (
                "astray",
                impaired(NetworkView { sites: SiteSet::first(3), ..calm() }, WireRoom::Endless, stray),
                fate(),
                arrives(None, None, Arriving { stray: only(S2), ..after }),
            ),
            (
                "astray with nobody else",
                impaired(ours, WireRoom::Endless, stray),
                fate(),
                arrives(None, None, after),
            ),
            (
                "a rule sends astray before chance does",
                impaired(ruled(Ruling::Misdeliver(Target::AllSites)), WireRoom::Endless, stray),
                fate(),
                arrives(Some(4), None, Arriving { stray: Some(Resolved::Sites(SiteSet::first(3))), ..after }),
            ),
            ("corrupt", ruled(Ruling::Corrupt), fate(), arrives(Some(4), None, Arriving { flips, ..after })),
            ("truncate", ruled(Ruling::Truncate), fate(), arrives(Some(4), None, Arriving { cut, ..after })),
            (
                "keep",
                ruled(Ruling::Keep),
                fate(),
                arrives(Some(4), None, Arriving { is_kept: true, ..after }),
            ),
            (
                "duplicate",
                ruled(Ruling::Duplicate { copies, apart }),
                fate(),
                arrives(Some(4), None, Arriving { further: (copies, apart), ..after }),
            ),
        ] {
            assert_eq!(network.decide(&fate), passage, "{what}");
        }
    }

    #[test]
    fn what_comes_first_loses_a_copy_and_the_short_way_is_the_long_way() {
        for bits in 0..1u32 << 9 {
            let [cut, drop, full, burst, lost, healed, held, second, delayed] =
                [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|bit| bits >> bit & 1 == 1);
            let room = if full { WireRoom::Full } else { WireRoom::Endless };
            let faults = LinkFaults { is_in_burst: burst, ..LinkFaults::default() };
            let ruling = match (drop, delayed) {
                (true, _) => ruled(Ruling::Drop),
                (false, true) => ruled(Ruling::Delay(ms(1))),
                (false, false) => calm(),
            };
            let network = impaired(NetworkView { is_cut: cut, is_healed: healed, ..ruling }, room, faults);
            let second = second.then_some(ms(3));
            let fate = Fate { is_lost: lost, is_held_back: held, second, ..fate() };
            let first = [
                (cut, Loss::CutAtSending),
                (drop, Loss::Rule),
                (full, Loss::QueueFull),
                (burst, Loss::Burst),
                (lost && !healed, Loss::Chance),
            ];
            let expected = first.into_iter().find(|(is, _)| *is).map(|(_, why)| why);
            let long = network.decide_touched(&fate);
            assert_eq!(long.end.clone().err(), expected, "{network:?} {fate:?}");
            assert_eq!(long.rule, network.rule.filter(|_| !cut).map(|_| 4));
            let is_plain = long
                == Touched {
                    rule: None,
                    queued: None,
                    end: Ok(Arriving { after: ms(10), ..Arriving::default() }),
                };
            let short = if is_plain { Passage::Plain(ms(10)) } else { Passage::Touched(long) };
            assert_eq!(network.decide(&fate), short);
        }
    }
}
