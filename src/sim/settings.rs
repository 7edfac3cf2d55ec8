//! What a world is made of before anything happens in it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::frame::{DATAGRAM_DEFAULT, DATAGRAM_MAX, DATAGRAM_MIN};
use crate::ids::{ProcessId, SITES_MAX, SiteId, SiteSet};
use crate::journal::JournalConfig;
use crate::mix::Seed;
use crate::outbox::SyncMode;
use crate::process::{Process, Recovered};
use crate::sim::net::rule::{KEPT_MAX, LinkRule, Ruling};
use crate::sim::net::settings::{Chance, LinkLatency, NetworkSettings};
use crate::sim::script::watchpoints::Watchpoint;
use crate::sim::script::{Aim, ClockFault, DRIFT_MAX, ScriptAction, Target, Track};
use crate::time::Duration;

/// The disk of every site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiskSettings {
    /// How long a sync takes.
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

/// How much a trace keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraceLevel {
    /// Nothing.
    Off,
    /// Steps, faults, notes, starts and stops, and the datagrams that did not simply arrive; the rest is counted.
    Notable,
    /// Everything.
    Full,
}

/// What is traced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceSettings {
    /// How much.
    pub level: TraceLevel,
    /// About how many lines are kept: beyond it the oldest go, some hundred at a time, and are counted.
    pub lines_max: usize,
}

impl Default for TraceSettings {
    fn default() -> TraceSettings {
        TraceSettings { level: TraceLevel::Notable, lines_max: 100_000 }
    }
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct WorldSettings<P: Process> {
    /// What every draw of the run is made of.
    pub seed: Seed,
    /// How many sites: 1 to [`SITES_MAX`].
    pub sites: u8,
    /// How many clients on machines of their own.
    pub clients: u16,
    /// Whether terminals and clients of one incarnation draw alike: nothing may rest on two of them drawing differently.
    pub are_clients_alike: bool,
    /// Which cluster the datagrams and journals belong to.
    pub cluster: u64,
    /// What every process is configured with.
    pub config: P::Config,
    /// What datagrams meet when no rule says otherwise.
    pub network: NetworkSettings,
    /// What records meet.
    pub disk: DiskSettings,
    /// The form of the journals.
    pub journal: JournalConfig,
    /// What the journal of each site holds before its first start, and how often it was started until then; nothing where
    /// all are fresh.
    pub journals: Vec<Recovered<Vec<u8>>>,
    /// The limit on one datagram, in bytes.
    pub datagram_max: usize,
    /// How much may wait for a sync, records and messages in bytes, before a process is handed nothing more.
    pub outbox_max: usize,
    /// How many datagrams and commands wait at a process that is paused or held back by its disk; what comes then
    /// is lost.
    pub inbox_max: usize,
    /// How many datagrams a clogged link holds; what comes then is lost.
    pub clog_max: usize,
    /// The failure domains: the sites of each machine.
    pub machines: Vec<SiteSet>,
    /// How many sites are healed when faults stop; a majority in a calm world.
    pub core_size: u8,
    /// The sites that may stop by themselves; of any other it is a violation of what it stops for.
    pub may_stop: SiteSet,
    /// Who leads first: every other site is paused once it has started, until this one campaigns or leads.
    pub leader: Option<SiteId>,
    /// What is traced.
    pub trace: TraceSettings,
    /// What is done and when.
    pub tracks: Vec<Track<P::Command>>,
    /// What may not happen in the whole run, and what must.
    pub watchpoints: Vec<Watchpoint>,
}

impl<P: Process> WorldSettings<P> {
    /// A calm world: 10 ms from anywhere to anywhere, no loss, no script.
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

    /// Fails where a world cannot be made of this.
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
            [network.truncation, network.misdelivery, network.replay.chance, network.bursts.chance],
        ];
        let is_chance = |chance: &Chance| chance.denominator > 0 && chance.numerator <= chance.denominator;
        let mut chances = chances.iter().flatten().chain([&network.bursts.loss]);
        demand(chances.all(is_chance), &"a chance that is more than 1 or out of 0")?;
        let has_length = network.bursts.chance.numerator == 0 || network.bursts.length > Duration::ZERO;
        demand(has_length, &"bursts of no length")?;
        let rate = network.bandwidth.map(|bandwidth| bandwidth.rate);
        demand(rate != Some(0), &"a bandwidth of 0 bytes per second")?;
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
            let (name, trigger) = (&watchpoint.name, watchpoint.demand.trigger());
            demand(!trigger.is_time(), &format_args!("{name}, which watches for a time"))?;
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

/// Why no world can be made of some settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadSettings(pub String);

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no world can have {}", self.0)
    }
}

impl core::error::Error for BadSettings {}
