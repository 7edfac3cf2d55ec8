//! The settings of a world before anything happens in it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::frame::{DATAGRAM_DEFAULT, DATAGRAM_MAX, DATAGRAM_MIN};
use crate::ids::{ProcessId, SITES_MAX, SiteId, SiteSet};
use crate::journal::JournalConfig;
use crate::mix::Seed;
use crate::outbox::SyncMode;
use crate::process::{Links, Process, Recovered};
use crate::sim::net::order::LinkFault;
use crate::sim::net::rule::{KEPT_MAX, LinkRule, Ruling};
use crate::sim::net::settings::{Chance, Delivery, LinkLatency, NetworkSettings};
use crate::sim::script::watchpoints::Watchpoint;
use crate::sim::script::{Aim, ClockFault, DRIFT_MAX, ScriptAction, Target, Track, Trigger};
use crate::time::Duration;

/// The disk of every site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiskSettings {
    /// The duration of one sync.
    pub sync_time: Duration,
    /// Whether inputs are handed in during a sync.
    pub sync_mode: SyncMode,
    /// Room for files, in bytes.
    pub capacity: u64,
}

impl Default for DiskSettings {
    fn default() -> DiskSettings {
        let sync_time = Duration::from_millis(2);
        DiskSettings { sync_time, sync_mode: SyncMode::Overlapped, capacity: 1 << 30 }
    }
}

/// The level of detail of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraceLevel {
    /// Nothing.
    Off,
    /// Steps, faults, notes, starts, stops, and datagrams that were lost or altered. Other lines are only counted.
    Notable,
    /// Everything.
    Full,
}

/// The settings of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceSettings {
    /// The level of detail.
    pub level: TraceLevel,
    /// About how many lines are kept. Beyond that the oldest are dropped, some hundred at a time, and counted.
    pub lines_max: usize,
}

impl Default for TraceSettings {
    fn default() -> TraceSettings {
        TraceSettings { level: TraceLevel::Notable, lines_max: 100_000 }
    }
}

/// Everything that a world is made from.
#[derive(Clone, Debug)]
pub struct WorldSettings<P: Process> {
    /// The seed of every random draw of the run.
    pub seed: Seed,
    /// The number of sites: 1 to [`SITES_MAX`].
    pub sites: u8,
    /// The number of clients on machines of their own.
    pub clients: u16,
    /// Whether terminals and clients of the same incarnation have the same seed: nothing may rely on their draws
    /// differing.
    pub are_clients_alike: bool,
    /// The cluster that the datagrams and journals belong to.
    pub cluster: u64,
    /// The configuration of every process.
    pub config: P::Config,
    /// The network's behaviour where no rule applies.
    pub network: NetworkSettings,
    /// The disk of every site.
    pub disk: DiskSettings,
    /// The format of the journals.
    pub journal: JournalConfig,
    /// The journal of each site before its first start: its records, and how often the site was started. Empty if
    /// every site is fresh.
    pub journals: Vec<Recovered<Vec<u8>>>,
    /// The largest datagram, in bytes.
    pub datagram_max: usize,
    /// How many bytes of records and messages may wait for a sync before the process is handed no further input.
    pub outbox_max: usize,
    /// How many datagrams and commands may wait at a process that cannot take inputs. Later ones are lost.
    pub inbox_max: usize,
    /// How many datagrams a clogged link holds, and a held network as a whole. Later ones are lost.
    pub clog_max: usize,
    /// The failure domains: the sites of each machine.
    pub machines: Vec<SiteSet>,
    /// How many sites are healed when faults stop. A calm world heals a majority.
    pub core_size: u8,
    /// The sites that may stop by themselves. If another site stops, that violates the property that it names.
    pub may_stop: SiteSet,
    /// The site that leads first. Once all have started, the others are paused until this one campaigns or leads.
    pub leader: Option<SiteId>,
    /// The settings of the trace.
    pub trace: TraceSettings,
    /// The steps of the script, track by track.
    pub tracks: Vec<Track<P::Command>>,
    /// Events that must not happen in the whole run, or that must.
    pub watchpoints: Vec<Watchpoint>,
}

impl<P: Process> WorldSettings<P> {
    /// A calm world: 10 ms between any two processes, no loss, no script.
    pub fn calm(seed: Seed, sites: u8, config: P::Config) -> WorldSettings<P> {
        WorldSettings {
            seed,
            sites,
            clients: 0,
            are_clients_alike: false,
            cluster: 1,
            config,
            network: NetworkSettings::calm(LinkLatency::Constant(Duration::from_millis(10))),
            disk: DiskSettings::default(),
            journal: JournalConfig::default(),
            journals: Vec::new(),
            datagram_max: DATAGRAM_DEFAULT,
            outbox_max: 1 << 20,
            inbox_max: 1_000,
            clog_max: 1_000,
            machines: Vec::new(),
            core_size: sites / 2 + 1,
            may_stop: SiteSet::EMPTY,
            leader: None,
            trace: TraceSettings::default(),
            tracks: Vec::new(),
            watchpoints: Vec::new(),
        }
    }

    /// How often `process` was started before the first event.
    pub(crate) fn starts_before(&self, process: ProcessId) -> u64 {
        let journal = process.as_site().and_then(|site| self.journals.get(site.index()));
        journal.map_or(0, |journal| journal.incarnation)
    }

    /// Fails if no world can be made from these settings.
    pub fn check(&self) -> Result<(), BadSettings> {
        let demand = |holds: bool, what: &dyn fmt::Display| {
            if holds { Ok(()) } else { Err(BadSettings(alloc::format!("{what}"))) }
        };
        let sites = self.sites;
        demand((1..=SITES_MAX).contains(&sites), &format_args!("{sites} sites, not 1 to {SITES_MAX}"))?;
        let core_size = self.core_size;
        demand((1..=sites).contains(&core_size), &format_args!("a core of {core_size} of {sites} sites"))?;
        let limits = DATAGRAM_MIN..=DATAGRAM_MAX;
        let datagram_max = self.datagram_max;
        demand(limits.contains(&datagram_max), &format_args!("a datagram limit of {datagram_max} bytes"))?;
        self.journal.check().map_err(|error| BadSettings(alloc::format!("{error}")))?;
        let written = self.journals.len();
        let is_whole = written == 0 || written == usize::from(sites);
        demand(is_whole, &format_args!("{written} written journals for {sites} sites"))?;
        let journal_bytes = self.journal.segment_bytes.saturating_mul(2);
        let capacity = self.disk.capacity;
        demand(journal_bytes <= capacity, &format_args!("a disk of {capacity} bytes has no room to start"))?;
        let network = &self.network;
        let chances = [
            [network.loss, network.duplication, network.reordering, network.corruption],
            [network.truncation, network.misdelivery, network.late_copies.chance, network.bursts.chance],
        ];
        let is_chance = |chance: &Chance| chance.denominator > 0 && chance.numerator <= chance.denominator;
        let mut chances = chances.iter().flatten().chain([&network.bursts.loss]);
        demand(chances.all(is_chance), &"a chance that is more than 1 or out of 0")?;
        let has_length = network.bursts.chance.numerator == 0 || network.bursts.length > Duration::ZERO;
        demand(has_length, &"bursts of no length")?;
        let rate = network.bandwidth.map(|bandwidth| bandwidth.rate);
        demand(rate != Some(0), &"a bandwidth of 0 bytes per second")?;
        for fault in network.faults() {
            let links = network.order;
            let message = format_args!("{} on links like `{links:?}`", fault.word());
            demand(fault.is_on(links), &message)?;
        }
        if network.delivery == Delivery::Held {
            let links = network.order;
            demand(links == Links::Datagrams, &format_args!("a held network with links like `{links:?}`"))?;
            let chance = network.faults().next().map_or("", LinkFault::word);
            demand(chance.is_empty(), &format_args!("{chance} in a held network"))?;
            demand(self.leader.is_none(), &"a site that is to lead first in a held network")?;
        }
        let breaks = network.order == Links::Stream && network.break_after == Duration::ZERO;
        demand(!breaks, &"links that break at once")?;
        self.check_latency(&network.latency, true)?;
        let all = SiteSet::first(sites);
        if let Some(leader) = self.leader {
            demand(all.contains(leader), &format_args!("{leader} is to lead {sites} sites"))?;
        }
        for machine in &self.machines {
            demand(machine.minus(all).is_empty(), &format_args!("machine {machine} of sites that are not"))?;
        }
        for step in self.tracks.iter().flatten() {
            self.check_action(&step.action)?;
        }
        for watchpoint in &self.watchpoints {
            let (name, waits_for_time) = (&watchpoint.name, watchpoint.demand.any(&Trigger::is_time));
            demand(!waits_for_time, &format_args!("{name}, which watches for a time"))?;
        }
        Ok(())
    }

    fn check_latency(&self, latency: &LinkLatency, is_outermost: bool) -> Result<(), BadSettings> {
        match latency {
            LinkLatency::Constant(_) | LinkLatency::Exponential { .. } => Ok(()),
            LinkLatency::Uniform(min, max) if min <= max => Ok(()),
            LinkLatency::Uniform(min, max) => {
                Err(BadSettings(alloc::format!("a latency from {min} to {max}")))
            }
            LinkLatency::Table(rows) => {
                let count = usize::from(self.sites);
                if !is_outermost || rows.len() != count || rows.iter().any(|row| row.len() != count) {
                    let reason = "a table of latencies that does not have one row and column a site";
                    return Err(BadSettings(reason.into()));
                }
                rows.iter().flatten().try_for_each(|latency| self.check_latency(latency, false))
            }
        }
    }

    fn check_action(&self, action: &ScriptAction<P::Command>) -> Result<(), BadSettings> {
        let bad = |what: &str| Err(BadSettings(what.into()));
        let (row, delivery) = (action.row(), self.network.delivery);
        if row.delivery.is_some_and(|only| only != delivery) {
            return bad(&alloc::format!("the step `{}` where delivery is `{delivery:?}`", row.name()));
        }
        match action {
            ScriptAction::Rule(rule) => return self.check_rule(rule),
            ScriptAction::Clock(_, ClockFault::Fast(percent) | ClockFault::Slow(percent))
                if *percent > DRIFT_MAX =>
            {
                let (percent, most) = (percent.0, DRIFT_MAX.0);
                return bad(&alloc::format!("a clock that drifts by {percent} %, more than {most} %"));
            }
            _ => {}
        }
        let Some(target) = action.target() else { return Ok(()) };
        self.check_target(target)?;
        match (action.row().aim, target) {
            (Aim::Sites, Target::Terminal(_) | Target::Client(_)) => {
                bad("only a site has a disk, and seams to crash at")
            }
            (Aim::Lives | Aim::LivesByNumber, Target::Terminal(_)) => {
                bad("a terminal lives and dies with its site")
            }
            _ => Ok(()),
        }
    }

    fn check_rule(&self, rule: &LinkRule) -> Result<(), BadSettings> {
        let bad = |what: &str| Err(BadSettings(what.into()));
        for target in [rule.filter.from, rule.filter.to] {
            if target != Target::Any {
                self.check_target(target)?;
            }
        }
        if rule.filter.slots.is_some_and(|slots| slots.rest >= slots.of) {
            return bad("a rule about one slot in so many that is none");
        }
        let (fault, links) = (LinkFault::Rule(rule.ruling), self.network.order);
        if !fault.is_on(links) {
            return bad(&alloc::format!("a rule with `{}` on links like `{links:?}`", fault.word()));
        }
        match rule.ruling {
            Ruling::Misdeliver(target) => self.check_target(target),
            Ruling::Keep if rule.count.is_none_or(|count| count > KEPT_MAX) => {
                Err(BadSettings(alloc::format!("a rule that may keep more than {KEPT_MAX} copies")))
            }
            Ruling::Keep | Ruling::Drop | Ruling::Delay(_) | Ruling::Duplicate { .. } => Ok(()),
            Ruling::Corrupt | Ruling::Truncate => Ok(()),
        }
    }

    fn check_target(&self, target: Target) -> Result<(), BadSettings> {
        match target {
            Target::Any => Err(BadSettings("a step that is done to anybody".into())),
            Target::Site(number) | Target::Terminal(number) if number >= self.sites => {
                Err(BadSettings(alloc::format!("site S{number} of {} sites", self.sites)))
            }
            Target::Client(number) if number >= self.clients => {
                Err(BadSettings(alloc::format!("client {number} of {} clients", self.clients)))
            }
            Target::Machine(number) if usize::from(number) >= self.machines.len() => {
                Err(BadSettings(alloc::format!("machine {number} of {} machines", self.machines.len())))
            }
            Target::Site(_) | Target::Terminal(_) | Target::Client(_) | Target::Machine(_) => Ok(()),
            Target::Leader | Target::Candidate | Target::Follower | Target::Laggard => Ok(()),
            Target::Sender | Target::Recipient | Target::AllSites => Ok(()),
        }
    }
}

/// Why no world can be made from some settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadSettings(pub String);

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no world can have {}", self.0)
    }
}

impl core::error::Error for BadSettings {}
