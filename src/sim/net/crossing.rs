//! Decides the fate of real datagrams by the simulator's rules and chance, for a program between real processes that
//! has its own bytes and time.
//!
//! The list of [`LinkRule`]s, the draws and the decision are those of a [`World`](crate::sim::World). A draw is a
//! function of the seed and of the datagram's link, kind, subject, time and ordinal. A crossing sends nothing and
//! knows no clock. Bandwidth limits exist only in a world.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::{Links, Subject};
use crate::sim::net::damage::{astray, cut_short, flip};
use crate::sim::net::decide::{Arriving, INSIDE, Impairments, NetworkView, Passage, Touched};
use crate::sim::net::fates::{Fate, Fates, KnownWords};
use crate::sim::net::rule::{LinkRule, Ruling};
use crate::sim::net::rules::{Resolved, Roles, RuleMask, RuleTargets, Rules};
use crate::sim::net::settings::NetworkSettings;
use crate::sim::net::wires::WireRoom;
use crate::sim::script::Target;
use crate::sim::watch::line::Loss;
use crate::time::{Duration, Instant};

/// The rules and chances of a network, and how many datagrams each of them touched.
#[derive(Clone, Debug)]
pub struct Crossing {
    rules: Rules,
    fates: Fates,
    words: KnownWords,
    network: NetworkSettings,
    /// Whether the network can do more than lose, delay and duplicate.
    is_impaired: bool,
    sites: SiteSet,
    touched: BTreeMap<String, u64>,
}

/// One copy that arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// The time that it is under way.
    pub after: Duration,
    /// The process where it arrives; not always its addressee.
    pub to: ProcessId,
    cut: Option<u64>,
    flips: Option<u64>,
}

/// Why a rule cannot be followed outside a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It names a role that no process has at this moment, or that only a world can resolve.
    Nobody,
    /// It keeps copies, which only a world can redeliver.
    Keeps,
}

impl core::fmt::Display for Unfit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Unfit::Nobody => "the rule means a role that nobody has; name a process",
            Unfit::Keeps => "copies are kept in simulations alone; delay or duplicate instead",
        })
    }
}

impl core::error::Error for Unfit {}

impl Arrival {
    /// Damages the bytes of this copy as its fate demands.
    pub fn spoil(&self, bytes: &mut Vec<u8>) {
        if let Some(draw) = self.cut {
            cut_short(bytes, draw);
        }
        if let Some(draw) = self.flips {
            flip(bytes, draw);
        }
    }
}

impl Crossing {
    /// A network between these sites and their clients, without rules. Everything is drawn from `seed`.
    pub fn new(seed: Seed, sites: SiteSet, network: NetworkSettings) -> Crossing {
        let mut crossing = Crossing {
            rules: Rules::new(),
            fates: Fates::new(seed),
            words: KnownWords::default(),
            is_impaired: network.is_impaired(),
            network: network.clone(),
            sites,
            touched: BTreeMap::new(),
        };
        crossing.set_network(network);
        crossing
    }

    /// Changes the chances of the network.
    ///
    /// # Panics
    /// If `network` has a bandwidth, or links that keep an order.
    pub fn set_network(&mut self, network: NetworkSettings) {
        assert!(network.bandwidth.is_none(), "links that carry only so much are the world's alone");
        assert!(network.order == Links::Datagrams, "links that keep an order are the world's alone");
        self.is_impaired = network.is_impaired();
        self.network = network;
    }

    /// Adds a rule after the others, with its roles resolved at this moment. Rules whose window has closed are
    /// dropped.
    pub fn add(&mut self, rule: LinkRule, now: Instant, leader: Option<SiteId>) -> Result<(), Unfit> {
        let (follower, candidate, laggard, ends) = (None, None, None, None);
        let roles = Roles { leader, follower, candidate, laggard, ends, sites: self.sites, machines: &[] };
        let resolve = |target: Target| roles.resolve(target).ok_or(Unfit::Nobody);
        let stray = match rule.ruling {
            Ruling::Keep => return Err(Unfit::Keeps),
            Ruling::Misdeliver(target) => resolve(target)?,
            Ruling::Drop
            | Ruling::Delay(_)
            | Ruling::Duplicate { .. }
            | Ruling::Corrupt
            | Ruling::Truncate => Resolved::Anybody,
        };
        let ends = RuleTargets { from: resolve(rule.filter.from)?, to: resolve(rule.filter.to)?, stray };
        self.rules.forget_past(now);
        self.rules.push(rule, ends, now, true);
        Ok(())
    }

    /// Drops every rule. The counts of what they touched stay.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// How many datagrams each rule and each kind of network fault touched, by name.
    pub fn touched(&self) -> &BTreeMap<String, u64> {
        &self.touched
    }

    /// Decides the fate of a datagram with these labels on its way to one recipient. Each copy that arrives goes to
    /// `out`.
    pub fn cross(
        &mut self,
        now: Instant,
        (from, to): (ProcessId, ProcessId),
        labels: &[(&'static str, Subject)],
        out: &mut Vec<Arrival>,
    ) {
        let plain = |after| Arrival { after, to, cut: None, flips: None };
        if from.shares_program_with(to) {
            return out.push(plain(INSIDE));
        }
        let (kind, identity) = self.words.identity(labels);
        let fate = self.fates.draw(&self.network, now, identity, (from, to));
        let mut network = NetworkView::calm((from, to));
        network.rule = self.rules.take(now, (from, to), labels, &mut RuleMask::of(kind));
        if self.is_impaired {
            let faults = self.fates.link_faults(&self.network, now, fate.own, (from, to));
            (network.sites, network.impairments) = (self.sites, Impairments::of(WireRoom::Endless, faults));
        }
        let passage = network.decide(&fate);
        self.count(&network, &fate, &passage);
        match passage {
            Passage::Plain(after) => out.push(plain(after)),
            Passage::Touched(Touched { end: Err(_), .. }) => {}
            Passage::Touched(Touched { end: Ok(arrivals), .. }) => {
                let Arriving { after, again, cut, flips, stray, second, further, .. } = arrivals;
                out.extend(again.map(|by| plain(after + by)));
                let itself = Arrival { after, to, cut, flips };
                match stray {
                    Some(targets) => out.extend(astray(targets, from).map(|to| Arrival { to, ..itself })),
                    None => out.push(itself),
                }
                out.extend(second.map(plain));
                out.extend((1..=further.0).map(|copy| plain(after + further.1.times(copy.into()))));
            }
        }
    }

    /// Counts a datagram at the rule that touched it, and at each network fault. A lost datagram counts only at the
    /// fault that lost it, besides its rule.
    fn count(&mut self, network: &NetworkView, fate: &Fate, passage: &Passage) {
        let is_late = fate.delay > fate.held;
        let touched = &mut self.touched;
        let (rule, end) = match passage {
            Passage::Plain(_) if is_late => return touch(touched, "latency"),
            Passage::Plain(_) => return,
            Passage::Touched(Touched { rule, end, .. }) => (*rule, end),
        };
        if let Some(place) = rule {
            touch(touched, self.rules.at(place).name.as_deref().unwrap_or("a rule without a name"));
        }
        let arrivals = match end {
            Err(Loss::Burst) => return touch(touched, "burst"),
            Err(Loss::Chance) => return touch(touched, "loss"),
            Err(_) => return,
            Ok(arrivals) => arrivals,
        };
        let faults = network.impairments.map(|impairments| impairments.faults).unwrap_or_default();
        let is_sent_astray = network.rule.is_some_and(|rule| matches!(rule.ruling, Ruling::Misdeliver(_)));
        for (is, mishap) in [
            (is_late, "latency"),
            (arrivals.held_back.is_some(), "reordering"),
            (arrivals.second.is_some(), "duplication"),
            (arrivals.again.is_some(), "late copy"),
            (faults.cut.is_some(), "truncation"),
            (faults.flips.is_some(), "corruption"),
            (arrivals.stray.is_some() && !is_sent_astray, "misdelivery"),
        ] {
            if is {
                touch(touched, mishap);
            }
        }
    }
}

fn touch(touched: &mut BTreeMap<String, u64>, what: &str) {
    match touched.get_mut(what) {
        Some(count) => *count += 1,
        None => {
            touched.insert(what.to_string(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::net::rule::Filter;
    use crate::sim::net::settings::{Chance, LinkLatency};

    const ENDS: (ProcessId, ProcessId) = (ProcessId::site(0), ProcessId::site(1));

    fn crossing(network: NetworkSettings) -> Crossing {
        let sites = (0..3).filter_map(SiteId::new).fold(SiteSet::EMPTY, SiteSet::with);
        Crossing::new(Seed(7), sites, network)
    }

    fn calm() -> NetworkSettings {
        NetworkSettings::calm(LinkLatency::Constant(Duration::ZERO))
    }

    fn rule(kind: &str, ruling: Ruling) -> LinkRule {
        let (from, to) = (Target::Any, Target::of(ProcessId::site(1)));
        LinkRule {
            name: Some(kind.into()),
            filter: Filter { kind: Some(kind.into()), from, to, about: None, slots: None },
            since: Instant::ZERO,
            until: Some(Instant::from_micros(100)),
            skip: 0,
            count: None,
            ruling,
        }
    }

    fn cross(crossing: &mut Crossing, at: u64, kind: &'static str) -> Vec<Arrival> {
        let mut out = Vec::new();
        crossing.cross(Instant::from_micros(at), ENDS, &[(kind, Subject::slot(3))], &mut out);
        out
    }

    #[test]
    fn rules_decide_as_in_a_world_and_count_what_they_touch() {
        let mut crossing = crossing(calm());
        let ms = Duration::from_millis;
        let (copies, apart) = (2, ms(3));
        for (kind, ruling) in [
            ("Accept", Ruling::Drop),
            ("Nack", Ruling::Delay(ms(5))),
            ("Promise", Ruling::Duplicate { copies, apart }),
            ("Prepare", Ruling::Misdeliver(Target::AllSites)),
            ("Chosen", Ruling::Corrupt),
        ] {
            crossing.add(rule(kind, ruling), Instant::ZERO, None).unwrap();
        }
        assert_eq!(cross(&mut crossing, 1, "Accept"), []);
        let after = |arrivals: Vec<Arrival>| arrivals.iter().map(|one| one.after).collect::<Vec<_>>();
        assert_eq!(after(cross(&mut crossing, 1, "Nack")), [ms(5)]);
        assert_eq!(after(cross(&mut crossing, 1, "Promise")), [ms(0), ms(3), ms(6)]);
        let strays: Vec<ProcessId> = cross(&mut crossing, 1, "Prepare").iter().map(|one| one.to).collect();
        assert_eq!(strays, [1, 2].map(ProcessId::site));
        let mut bytes = alloc::vec![0; 9];
        cross(&mut crossing, 1, "Chosen")[0].spoil(&mut bytes);
        assert_ne!(bytes, [0; 9]);
        assert_eq!(cross(&mut crossing, 100, "Accept").len(), 1, "its time is over");
        assert!(crossing.touched().values().all(|count| *count == 1), "{:?}", crossing.touched());
        assert_eq!(crossing.touched().len(), 5);
    }

    #[test]
    fn a_rule_that_cannot_be_followed_is_refused() {
        let mut crossing = crossing(calm());
        let rule_for = |target| LinkRule {
            filter: Filter { to: target, ..rule("Accept", Ruling::Drop).filter },
            ..rule("Accept", Ruling::Drop)
        };
        assert_eq!(crossing.add(rule_for(Target::Leader), Instant::ZERO, None), Err(Unfit::Nobody));
        assert_eq!(crossing.add(rule_for(Target::Leader), Instant::ZERO, SiteId::new(1)), Ok(()));
        assert_eq!(crossing.add(rule_for(Target::Laggard), Instant::ZERO, None), Err(Unfit::Nobody));
        assert_eq!(crossing.add(rule("Accept", Ruling::Keep), Instant::ZERO, None), Err(Unfit::Keeps));
        assert_eq!(cross(&mut crossing, 1, "Accept"), []);
    }

    #[test]
    fn what_happens_by_chance_is_the_same_again_and_counted() {
        let chance = Chance { numerator: 1, denominator: 4 };
        let network = NetworkSettings {
            loss: chance,
            duplication: chance,
            corruption: chance,
            truncation: chance,
            misdelivery: chance,
            ..calm()
        };
        let run = || {
            let mut crossing = crossing(network.clone());
            let arrivals: Vec<_> = (0..1_000).map(|at| cross(&mut crossing, at, "Accept")).collect();
            (arrivals, crossing.touched().clone())
        };
        let (arrivals, touched) = run();
        assert_eq!((arrivals, touched.clone()), run());
        for what in ["loss", "duplication", "corruption", "truncation", "misdelivery"] {
            assert!((120..310).contains(&touched[what]), "{what}: {touched:?}");
        }
        assert_eq!(touched.len(), 5);
    }
    #[test]
    fn nothing_goes_astray_where_nobody_else_is() {
        let misdelivery = Chance { numerator: 1, denominator: 1 };
        let network = NetworkSettings { misdelivery, ..calm() };
        let mut crossing = Crossing::new(Seed(7), SiteSet::first(2), network);
        let to: Vec<ProcessId> = cross(&mut crossing, 1, "Accept").iter().map(|one| one.to).collect();
        assert_eq!(to, [ProcessId::site(1)]);
        assert!(crossing.touched().is_empty(), "{:?}", crossing.touched());
    }

    #[test]
    fn no_network_is_inside_one_program() {
        let loss = Chance { numerator: 1, denominator: 1 };
        let mut crossing = crossing(NetworkSettings { loss, ..calm() });
        let inside = (ProcessId::site(1), ProcessId::Terminal(SiteId::new(1).unwrap()));
        let mut out = Vec::new();
        crossing.cross(Instant::ZERO, inside, &[("Accept", Subject::slot(3))], &mut out);
        assert_eq!(out, [Arrival { after: INSIDE, to: inside.1, cut: None, flips: None }]);
        assert!(crossing.touched().is_empty() && cross(&mut crossing, 1, "Accept").is_empty());
    }
}
