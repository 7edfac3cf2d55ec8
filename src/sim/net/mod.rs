//! The simulated network: the fate of a datagram between its sender and its receiver.
//!
//! A sender posts a datagram once (`sending`). For each recipient, chance draws a fate (`fates`), a rule may take the
//! copy (`rules`), and one function decides its passage (`decide`). Then the network carries the passage out;
//! `damage` handles every passage that is not a plain arrival. Nothing here touches a host or the script.

use alloc::boxed::Box;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::{Links, Process};
use crate::sim::host::hosts::Places;
use crate::sim::net::clogs::Clogs;
use crate::sim::net::fates::Fates;
use crate::sim::net::held::HeldCopies;
use crate::sim::net::ledger::Ledger;
use crate::sim::net::links::CutLinks;
use crate::sim::net::order::LinkOrder;
use crate::sim::net::packets::{PacketId, Packets};
use crate::sim::net::rule::LinkRule;
use crate::sim::net::rules::{RuleTargets, Rules};
use crate::sim::net::settings::Delivery;
use crate::sim::net::wires::Wires;
use crate::sim::queue::EventQueue;
use crate::sim::settings::WorldSettings;
use crate::sim::watch::Watchers;
use crate::sim::watch::judge::Judge;
use crate::sim::world::QueuedEvent;
use crate::time::Instant;

pub(crate) mod barriers;
pub(crate) mod clogs;
mod connections;
pub mod crossing;
pub(crate) mod damage;
pub(crate) mod decide;
pub(crate) mod fates;
pub(crate) mod held;
mod latency;
pub mod ledger;
pub(crate) mod links;
pub mod order;
mod ordinals;
pub(crate) mod packets;
mod plain;
pub mod rule;
pub(crate) mod rules;
pub(crate) mod sending;
pub mod settings;
pub(crate) mod streams;
pub(crate) mod wires;

/// Everything between the processes.
#[derive(Clone)]
pub(crate) struct Net<P: Process> {
    pub(crate) packets: Packets<P::Message>,
    fates: Fates,
    /// Whether only rules and chance can touch a copy: no fault, no hold, no core, no ledger, no order to keep, no
    /// bandwidth. Every change to one of these calls [`Net::notice`].
    is_calm: bool,
    /// The number of such changes.
    changes: u64,
    places: Places,
    rules: Rules,
    links: CutLinks,
    clogs: Clogs,
    wires: Wires,
    /// Whether the network can do more than lose, delay and duplicate.
    is_impaired: bool,
    pub(crate) order: LinkOrder,
    /// The copies under way, in a held network.
    held: Option<HeldCopies>,
    /// The healed core, once faults have stopped. No rule takes a datagram between its processes, and chance only
    /// delays it.
    core: Option<SiteSet>,
    /// The fate that chance drew for every datagram, if a caller asked for the record.
    ledger: Option<Box<Ledger>>,
}

/// The parts of the world that the network uses: settings, observers and queue. It uses no host and no script.
pub(crate) struct Reach<'a, P: Process, J> {
    pub(crate) settings: &'a WorldSettings<P>,
    pub(crate) watch: &'a mut Watchers<P, J>,
    pub(crate) queue: &'a mut EventQueue<QueuedEvent>,
}

impl<P: Process> Net<P> {
    pub(crate) fn new(settings: &WorldSettings<P>) -> Net<P> {
        let (sites, clients) = (SiteSet::first(settings.sites), settings.clients);
        let is_impaired = settings.network.is_impaired();
        let held = (settings.network.delivery == Delivery::Held).then(HeldCopies::default);
        Net {
            packets: Packets::new(),
            fates: Fates::new(settings.seed),
            is_calm: settings.network.order == Links::Datagrams
                && settings.network.bandwidth.is_none()
                && held.is_none(),
            changes: 0,
            places: Places::new(settings.sites, clients),
            rules: Rules::new(),
            links: CutLinks::new(sites, clients),
            clogs: Clogs::default(),
            wires: Wires::new(clients, settings.network.bandwidth),
            is_impaired,
            order: LinkOrder::new(settings),
            held,
            core: None,
            ledger: None,
        }
    }

    /// Updates `is_calm`. Called after every change that may affect it.
    fn notice(&mut self) {
        self.changes += 1;
        self.is_calm = self.looks_calm();
    }

    fn looks_calm(&self) -> bool {
        let is_whole = !self.links.are_any_cut() && !self.clogs.are_any();
        let is_plain = self.wires.are_endless() && matches!(self.order, LinkOrder::Datagrams);
        is_whole && is_plain && self.held.is_none() && self.core.is_none() && self.ledger.is_none()
    }

    /// Draws everything from here on from another key, made of the present one and `salt`.
    pub(crate) fn rekey(&mut self, salt: u64) {
        self.fates.rekey(salt);
    }

    /// From here on, records the fate that chance draws for every datagram.
    pub(crate) fn keep_ledger(&mut self) {
        self.ledger.get_or_insert_default();
        self.notice();
    }

    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_deref()
    }

    /// Adds a rule after the others. Its targets are resolved at this moment.
    pub(crate) fn add_rule(&mut self, rule: LinkRule, ends: RuleTargets, now: Instant, is_optional: bool) {
        self.rules.push(rule, ends, now, is_optional);
        self.notice();
    }

    /// The names of rules that matched nothing but were required to.
    pub(crate) fn unmatched_rules(&self) -> impl Iterator<Item = &str> {
        self.rules.unmatched()
    }

    /// Cuts every link of `process`, both ways.
    pub(crate) fn isolate(&mut self, process: ProcessId) {
        self.links.isolate(process);
        self.notice();
    }

    /// Cuts the links between sites of different groups, both ways.
    pub(crate) fn partition(&mut self, groups: &[SiteSet]) {
        self.links.partition(groups);
        self.notice();
    }

    /// Cuts the links from these sites to those.
    pub(crate) fn cut(&mut self, from: SiteSet, to: SiteSet) {
        self.links.cut(from, to);
        self.notice();
    }

    /// Mends the links between two sites, both ways.
    pub(crate) fn mend(&mut self, one: SiteId, other: SiteId) {
        self.links.mend(one, other);
        self.notice();
    }

    /// Clogs the links from these sites to those, unless they are clogged already.
    pub(crate) fn clog(&mut self, from: SiteSet, to: SiteSet) {
        self.clogs.clog(from, to);
        self.notice();
    }

    /// Mends and unclogs every link and drops every rule.
    pub(crate) fn heal<J: Judge<P>>(&mut self, reach: &mut Reach<'_, P, J>) {
        self.links.mend_all();
        let sites = self.places.sites();
        self.unclog(reach, sites, sites);
        self.rules.clear();
        if let Some(ledger) = &mut self.ledger {
            ledger.heal(reach.watch.now);
        }
        self.notice();
    }

    /// Stops faults for these sites and all clients: mends the links among them. Clogged links keep what they hold.
    pub(crate) fn spare_core(&mut self, core: SiteSet) {
        self.core = Some(core);
        self.links.mend_core(core);
        self.notice();
    }

    /// Whether faults have stopped for this process.
    pub(crate) fn is_in_core(&self, process: ProcessId) -> bool {
        self.core.is_some_and(|core| match process {
            ProcessId::Site(site) | ProcessId::Terminal(site) => core.contains(site),
            ProcessId::Client(_) => true,
        })
    }

    /// The copies that clogged links and cut streams hold, and to whom they go.
    pub(crate) fn waiting_copies(&self) -> impl Iterator<Item = (ProcessId, PacketId)> {
        self.clogs.copies().map(|copy| (copy.to, copy.packet)).chain(self.order.waiting())
    }

    /// The number of copies that clogged links or a held network hold, or rules keep.
    #[cfg(test)]
    pub(crate) fn copies_held(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.list.len())
            + self.clogs.copies().count()
            + self.rules.copies()
            + self.order.waiting().count()
    }
}
