//! Turns a scenario into what the simulator runs. Everything that parses but is wrong is found here.

use crate::ids::{ProcessId, SITES_MAX, SiteId, SiteSet};
use crate::journal::JournalConfig;
use crate::mix::Seed;
use crate::outbox::SyncMode;
use crate::process::{Links, Process, Recovered};
use crate::ron_file::Place;
use crate::ron_file::Problem;
use crate::scenario::askers::numbers_of_sites;
use crate::scenario::form::{DiskMode, FaultBudget, Scenario};
use crate::scenario::history::PastLife;
use crate::scenario::service::{Pace, Probe, RecordOf, Service, Shape};
use crate::scenario::step::Target;
use crate::sim::{
    self, Delivery, DiskSettings, LinkRule, NetworkSettings, ScriptAction, ScriptStep, TraceSettings, Track,
    Trigger, Watchpoint, WorldSettings,
};
use crate::time::{Duration, Instant};
use crate::wire::Wire;

mod actions;
mod budget;
mod claims;
mod cluster;
mod events;
mod links;
mod network;
mod rules;
mod steps;
mod targets;

pub(super) use steps::asked;

/// The bound on convergence if neither a scenario nor its service gives one.
pub const CONVERGES_WITHIN: Duration = Duration::from_secs(30);

/// How long judges keep watching after the end of a scenario with an unlimited budget.
const WATCHED_FOR: Duration = Duration::from_secs(3);

/// An exponential latency counts as its minimum plus this many means: one datagram in 3,000 takes longer.
const MEANS: u64 = 8;

/// A scenario in the form that the simulator runs.
#[derive(Clone, Debug)]
pub struct Plan<S: Service> {
    /// The members of the cluster.
    pub shape: Shape,
    /// The configuration of every process.
    pub config: <S::Process as Process>::Config,
    /// The site that leads first, if the scenario names one.
    pub leader: Option<SiteId>,
    /// The network.
    pub network: NetworkSettings,
    /// Rules in force from the start.
    pub rules: Vec<LinkRule>,
    /// The tracks of steps.
    pub tracks: Vec<Track<<S::Process as Process>::Command>>,
    /// The checks that steps refer to by number.
    pub checks: Vec<PlannedCheck<S>>,
    /// The checks at the end of the run, in the order of the file.
    pub expect: Vec<PlannedCheck<S>>,
    /// Demands that are watched throughout the run, such as events that must or must not happen.
    pub watchpoints: Vec<Watchpoint>,
    /// The bound on convergence after healing, and again after each further demand.
    pub within: Duration,
    /// The fault budget: it decides whether the healed core must agree.
    pub budget: FaultBudget,
    /// The probes for after the core agrees, by terminal or client; empty unless the scenario claims `Progresses`.
    pub probes: Vec<(ProcessId, Probe<S>)>,
    /// Whether every site is restarted at the very end.
    pub restarts: bool,
    /// Whether every site that can run is healed when faults stop, not only a core.
    pub heals_all: bool,
    /// The sites that are expected to stop by themselves.
    pub may_stop: SiteSet,
    /// Each site's journal before its first start; empty if all sites are fresh.
    pub journals: Vec<(SiteId, Recovered<RecordOf<S>>)>,
    are_clients_alike: bool,
    /// The pace from which time bounds follow, if the scenario claims `Prompt`.
    pub prompt: Option<Pace>,
    disk: DiskSettings,
    file_bytes: Option<u64>,
}

impl<S: Service> Plan<S> {
    /// The settings of a world for this plan.
    pub fn world(&self, seed: Seed, trace: TraceSettings) -> WorldSettings<S::Process> {
        let at_once = |rule: &LinkRule| ScriptStep {
            trigger: Trigger::At(Instant::ZERO),
            action: ScriptAction::Rule(rule.clone()),
            is_optional: false,
        };
        let mut tracks = self.tracks.clone();
        // Each rule has a track of its own: a rule about the leader waits until there is one.
        tracks.extend(self.rules.iter().map(|rule| vec![at_once(rule)]));
        WorldSettings {
            clients: self.shape.clients,
            are_clients_alike: self.are_clients_alike,
            network: self.network.clone(),
            disk: self.disk.clone(),
            journal: journal::<S>(&self.config, self.file_bytes),
            journals: self.journals.iter().map(|(_, journal)| written(journal)).collect(),
            datagram_max: S::datagram_max(&self.config),
            machines: self.shape.all_machines(),
            core_size: match self.heals_all {
                true => self.shape.sites,
                false => S::core_size(&self.config, &self.shape),
            },
            may_stop: self.may_stop,
            leader: self.leader,
            trace,
            tracks,
            watchpoints: self.watchpoints.clone(),
            ..WorldSettings::calm(seed, self.shape.sites, self.config.clone())
        }
    }
}

/// A check at one moment.
#[derive(Clone, Debug)]
pub struct PlannedCheck<S: Service> {
    /// Its place in the file, like `expect[2]`.
    pub name: String,
    /// The condition.
    pub what: Holds<S>,
}

/// A condition that must hold at a moment.
#[derive(Clone, Debug)]
pub enum Holds<S: Service> {
    /// This target leads.
    Leader(sim::Target),
    /// These sites have stopped by themselves.
    Stopped(SiteSet),
    /// The watchpoint with this number has seen its event.
    Happened(usize),
    /// An expectation of the service.
    Service(S::Expectation),
}

/// The plan of `scenario`, or everything that is wrong with the scenario.
pub fn plan<S: Service>(scenario: &Scenario<S>) -> Result<Plan<S>, Vec<Problem>> {
    let mut planner = Planner::<S>::new(scenario);
    let whole = Place::whole();
    if scenario.about.trim().is_empty() {
        planner.wrong(whole.field("about"), "`about` is empty", "one sentence: the property");
    }
    if !S::SITES.contains(&scenario.sites) || !(1..=SITES_MAX).contains(&scenario.sites) {
        let noun = if scenario.sites == 1 { "site" } else { "sites" };
        let message = format!("a cluster of {} {noun}", scenario.sites);
        planner.wrong(whole.field("sites"), message, numbers_of_sites(S::SITES));
        // Every mention of a site would be wrong too, and would say nothing new.
        return Err(planner.problems);
    }
    if scenario.limit == Duration::ZERO {
        planner.wrong(whole.field("limit"), "no step can fire within no time", "a limit above 0s");
    }
    planner.machines(scenario.machines.as_deref());
    let leader = planner.leader(scenario.leader);
    let network = planner.network(scenario);
    planner.check_sync_time(&whole.field("disk").field("sync"), scenario.disk.sync);
    let sync_mode = match scenario.disk.mode {
        DiskMode::Overlapped => SyncMode::Overlapped,
        DiskMode::Blocking => SyncMode::Blocking,
    };
    let disk = DiskSettings { sync_time: scenario.disk.sync, sync_mode, ..DiskSettings::default() };
    let config = S::config(&scenario.settings, &planner.shape);
    let config = planner.within(&whole.field("settings"), config);
    let rules = planner.rules(&scenario.rules);
    let mut tracks = vec![planner.track(&whole.field("steps"), &scenario.steps, scenario.limit)];
    for (number, track) in scenario.also.iter().enumerate() {
        tracks.push(planner.track(&whole.field("also").index(number), track, scenario.limit));
    }
    let expect = planner.expectations(&scenario.expect);
    let probes = planner.probes();
    planner.check_prompt(scenario, &network);
    let demands = planner.within.is_some() || !probes.is_empty() || planner.restarts;
    if scenario.budget == FaultBudget::Unlimited && demands {
        let message = "under an unlimited budget nothing must converge, go on or come back";
        let help = "no `Converges`, `Progresses` or `Restarts`, or `budget: Survivable`";
        planner.wrong(whole.field("expect"), message, help);
    }
    let file_bytes = scenario.disk.file_bytes;
    let mut journals = Vec::new();
    if let Some(config) = &config {
        journals = planner.journals(config, &scenario.history);
        planner.check_budget(scenario.budget, S::core_size(config, &planner.shape));
        planner.file_bytes(config, file_bytes);
    }
    let Planner {
        shape, problems, checks, watchpoints, within, restarts, heals_all, may_stop, prompt, ..
    } = planner;
    match config {
        Some(config) if problems.is_empty() => {
            let pace = pace(&network, &disk, &tracks);
            let usual = || S::converges_within(&config, &pace);
            let within = match scenario.budget {
                FaultBudget::Survivable => within.unwrap_or_else(usual),
                FaultBudget::Unlimited => WATCHED_FOR,
            };
            let budget = scenario.budget;
            Ok(Plan {
                shape,
                config,
                leader,
                network,
                rules,
                tracks,
                checks,
                expect,
                watchpoints,
                within,
                budget,
                probes,
                restarts,
                heals_all,
                may_stop,
                journals,
                are_clients_alike: scenario.clients_alike,
                prompt: prompt.map(|_| pace),
                disk,
                file_bytes,
            })
        }
        _ => Err(problems),
    }
}

/// The journal configuration of the service, with the file length of the scenario if it gives one.
fn journal<S: Service>(config: &<S::Process as Process>::Config, file_bytes: Option<u64>) -> JournalConfig {
    let usual = S::journal(config);
    JournalConfig { segment_bytes: file_bytes.unwrap_or(usual.segment_bytes), ..usual }
}

/// A journal with its records encoded as bytes.
fn written<R: Wire>(journal: &Recovered<R>) -> Recovered<Vec<u8>> {
    let records = journal.records.iter().map(Wire::to_bytes).collect();
    Recovered { incarnation: journal.incarnation, records }
}

/// The pace of a scenario's world, from its network, disk and steps.
fn pace<C>(network: &NetworkSettings, disk: &DiskSettings, tracks: &[Track<C>]) -> Pace {
    let actions = || tracks.iter().flatten().map(|step| &step.action);
    let sync = |action: &ScriptAction<C>| match action {
        ScriptAction::SyncTime(_, time) => Some(*time),
        _ => None,
    };
    Pace {
        latency: longest(&network.latency),
        sync: actions().filter_map(sync).fold(disk.sync_time, Duration::max),
        commands: actions().filter(|action| matches!(action, ScriptAction::Command(..))).count() as u64,
    }
}

/// The longest time that a datagram takes, approximately.
fn longest(latency: &sim::LinkLatency) -> Duration {
    match latency {
        sim::LinkLatency::Constant(time) | sim::LinkLatency::Uniform(_, time) => *time,
        sim::LinkLatency::Exponential { min, mean } => *min + mean.times(MEANS),
        sim::LinkLatency::Table(rows) => {
            rows.iter().flatten().map(longest).fold(Duration::ZERO, Duration::max)
        }
    }
}

struct Planner<S: Service> {
    shape: Shape,
    /// What the links of the run promise, and whether the file says so.
    links: Links,
    says_order: bool,
    /// Whether datagrams, deadlines and syncs wait for steps.
    is_held: bool,
    problems: Vec<Problem>,
    checks: Vec<PlannedCheck<S>>,
    watchpoints: Vec<Watchpoint>,
    within: Option<Duration>,
    /// The place of the claim `Progresses`.
    progresses: Option<Place>,
    restarts: bool,
    heals_all: bool,
    /// The place of the claim `Prompt`.
    prompt: Option<Place>,
    can_crash: bool,
    can_restart: bool,
    can_clog: bool,
    can_save: bool,
    budget: FaultBudget,
    /// The sites that are expected to stop by themselves.
    may_stop: SiteSet,
    /// The names of the rules that keep copies.
    keepers: Vec<String>,
    /// Sender and recipient of the datagram that the current step waits for.
    fired_by: Option<(Target, Target)>,
    losses: budget::LossBudget,
}

impl<S: Service> Planner<S> {
    fn new(scenario: &Scenario<S>) -> Planner<S> {
        Planner {
            shape: Shape { sites: scenario.sites, clients: scenario.clients, machines: Vec::new() },
            problems: Vec::new(),
            checks: Vec::new(),
            watchpoints: Vec::new(),
            within: None,
            progresses: None,
            restarts: false,
            heals_all: false,
            prompt: None,
            links: scenario.network.order(S::LINKS),
            says_order: scenario.network.order.is_some(),
            is_held: scenario.network.delivery == Delivery::Held,
            can_crash: steps::can(scenario, steps::crashes),
            can_restart: steps::can(scenario, steps::restarts),
            can_clog: steps::can(scenario, steps::clogs),
            can_save: steps::can(scenario, steps::saves),
            budget: scenario.budget,
            may_stop: SiteSet::EMPTY,
            keepers: steps::keepers(scenario),
            fired_by: None,
            losses: budget::LossBudget::default(),
        }
    }

    fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(place, message).help(help));
    }

    /// Collects the problems that a service found at `place`.
    fn within<T>(&mut self, place: &Place, result: Result<T, Vec<Problem>>) -> Option<T> {
        result
            .map_err(|problems| {
                let moved = problems
                    .into_iter()
                    .map(|problem| Problem { place: place.then(&problem.place), ..problem });
                self.problems.extend(moved);
            })
            .ok()
    }

    /// The journals after this history. A site that wrote a record was started at least once.
    fn journals(
        &mut self,
        config: &<S::Process as Process>::Config,
        history: &PastLife,
    ) -> Vec<(SiteId, Recovered<RecordOf<S>>)> {
        if history.is_none() {
            return Vec::new();
        }
        let place = Place::whole().field("history");
        let problems = history.check();
        let checked = if problems.is_empty() { Ok(()) } else { Err(problems) };
        let written = checked.and_then(|()| S::journals(config, &self.shape, history));
        let written = self.within(&place, written).unwrap_or_default();
        let incarnation = history.starts.max(1);
        let whole = written.into_iter().map(|records| Recovered { incarnation, records });
        self.shape.all_sites().iter().zip(whole).collect()
    }

    fn file_bytes(&mut self, config: &<S::Process as Process>::Config, file_bytes: Option<u64>) {
        let (usual, journal) = (S::journal(config), journal::<S>(config, file_bytes));
        let segment_bytes = journal.segment_bytes;
        let least = usual.bytes_min(S::burst_bytes_max(config));
        if file_bytes.is_some() && (segment_bytes < least || journal.check().is_err()) {
            let place = Place::whole().field("disk").field("file_bytes");
            let message = format!("files of {segment_bytes} bytes");
            let help = format!(
                "{least} to {}: what one input makes a site write fits one file",
                usual.segment_bytes.max(least)
            );
            self.wrong(place, message, help);
        }
    }
}
