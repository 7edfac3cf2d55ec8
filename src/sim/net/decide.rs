//! The one decision about a datagram: what becomes of one copy that is handed to the network.
//!
//! Worlds and real [crossings](super::crossing) both ask [`Network::decide`]. It may not draw, count or change anything: whoever
//! asks has done that before, and carries the [`Passage`] out afterwards. In order:
//!
//! 1. A cut link loses the copy, whatever any rule says.
//! 2. The rule that takes the copy comes before chance. It has counted the copy even if chance loses it.
//! 3. A link that carries only so much comes before chance. It has sent the copy even if chance loses it.
//! 4. Chance loses the copy, or alters it. Rules alter only the copy itself; later and second copies arrive as they were sent.
//! 5. Where faults have stopped, copies are late and nothing else.

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix;
use crate::sim::net::fates::{self, Fate, LinkFaults};
use crate::sim::net::rule::Ruling;
use crate::sim::net::rules::{Resolved, RuleEffect};
use crate::sim::net::wires::Room;
use crate::sim::watch::trace::Loss;
use crate::time::Duration;

/// How long a datagram takes inside one program. No network is there, and nothing is decided.
pub(crate) const INSIDE: Duration = Duration::from_micros(1);

/// The network as one copy finds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    /// Sender and recipient of the copy.
    pub(crate) ends: (ProcessId, ProcessId),
    /// Where a copy that goes astray by chance may arrive.
    pub(crate) sites: SiteSet,
    pub(crate) is_cut: bool,
    /// Whether faults have stopped for both ends.
    pub(crate) is_healed: bool,
    /// The rule that takes the copy.
    pub(crate) rule: Option<RuleEffect>,
    /// Where the network does more than lose, delay and double.
    pub(crate) rough: Option<Rough>,
}

/// What a rough network has for one copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rough {
    pub(crate) room: Room,
    pub(crate) faults: LinkFaults,
}

/// What becomes of one copy that is handed to the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Passage {
    /// It arrives once, as it was sent, after this long.
    Plain(Duration),
    /// A rule, a fault or chance has its way with it.
    Touched(Touched),
}

/// The passage of a copy that something happens to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Touched {
    /// The place of the rule that took it, among all rules.
    pub(crate) rule: Option<usize>,
    /// How long its link takes to send it and what waits before it.
    pub(crate) queued: Option<Duration>,
    /// When it arrives and how, or why it does not.
    pub(crate) end: Result<Arrivals, Loss>,
}

/// How a copy arrives, and what arrives because of it: first what arrives again, then the copy itself, then a second one, then
/// those that a rule asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Arrivals {
    /// When the copy itself arrives.
    pub(crate) after: Duration,
    /// By how much it is late without its rule, if it is held back by chance.
    pub(crate) held_back: Option<Duration>,
    /// How much later than the copy itself another one arrives, as it was sent.
    pub(crate) again: Option<Duration>,
    /// A uniform word: where the copy is cut short.
    pub(crate) cut: Option<u64>,
    /// A uniform word: which of its bits are flipped.
    pub(crate) flips: Option<u64>,
    /// Where the copy arrives instead: at each of these.
    pub(crate) stray: Option<Resolved>,
    /// Whether the rule keeps a copy for later.
    pub(crate) is_kept: bool,
    /// When a second copy arrives.
    pub(crate) second: Option<Duration>,
    /// How many further copies the rule makes, and how far apart from the copy itself and each other they arrive.
    pub(crate) further: (u32, Duration),
}

impl Rough {
    /// Where links carry anything at once and nothing happens.
    const NOTHING: Rough = Rough {
        room: Room::Endless,
        faults: LinkFaults { is_in_burst: false, flips: None, cut: None, again: None, stray: None },
    };

    /// Nothing, where it is nothing.
    pub(crate) fn of(room: Room, faults: LinkFaults) -> Option<Rough> {
        Some(Rough { room, faults }).filter(|rough| *rough != Rough::NOTHING)
    }
}

impl Network {
    /// Where nothing but chance touches a copy between these two.
    #[inline]
    pub(crate) const fn calm(ends: (ProcessId, ProcessId)) -> Network {
        Network { ends, sites: SiteSet::EMPTY, is_cut: false, is_healed: false, rule: None, rough: None }
    }

    /// What becomes of a copy of this fate. Of most nothing but that they arrive.
    #[inline]
    pub(crate) fn decide(&self, fate: &Fate) -> Passage {
        let is_spared = self.is_healed || (!fate.is_lost && fate.second.is_none());
        if is_spared && !fate.is_held_back && !self.is_cut && self.rule.is_none() && self.rough.is_none() {
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
        let rule = self.rule.map(|rule| rule.place);
        if self.rule.is_some_and(|rule| rule.ruling == Ruling::Drop) {
            return touched(rule, None, Err(Loss::Rule));
        }
        let Rough { room, faults } = self.rough.unwrap_or(Rough::NOTHING);
        let queued = match room {
            Room::Endless => None,
            Room::After(wait) => Some(wait),
            Room::Full => return touched(rule, None, Err(Loss::QueueFull)),
        };
        if faults.is_in_burst {
            return touched(rule, queued, Err(Loss::Burst));
        }
        if fate.is_lost && !self.is_healed {
            return touched(rule, queued, Err(Loss::Chance));
        }

        let waits = queued.unwrap_or(Duration::ZERO);
        let delay = fate.delay + waits;
        let mut arrivals = Arrivals {
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

    /// One site that is neither in the sender's program nor in the recipient's.
    fn wrong_site(&self, draw: u64) -> Option<Resolved> {
        let (from, to) = self.ends;
        let is_other = |site: &SiteId| ![from, to].iter().any(|end| end.shares_program_with((*site).into()));
        let others = || self.sites.iter().filter(is_other);
        let place = usize::try_from(mix::below(draw, others().count() as u64)).ok()?;
        others().nth(place).map(|site| Resolved::Sites(SiteSet::EMPTY.with(site)))
    }
}
