//! Runs a scenario: its steps, then the end phase, then what is expected.
//!
//! 1. Judges look at every event; the first objection ends the run.
//! 2. Steps run until all have fired, every named rule has matched and every `Sometimes` has happened, or until
//!    the scenario's limit. What is left then makes the run stale or violates the expectation.
//! 3. Faults stop, a core is healed, and it must converge within its bound, without restarts or new traffic. Where a
//!    scenario claims `Progresses`, each of the core's terminals and each client then does one thing more, which must
//!    be done within the bound too. Where it claims `Restarts`, every site that can run then loses its power once,
//!    and the core must come back, converge within the bound, and hold what it held. Expectations come after that.

use alloc::sync::Arc;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::Process;
use crate::ron_file::Problem;
use crate::scenario::form::{FaultBudget, Scenario};
use crate::scenario::outcome::{Outcome, Verdict};
use crate::scenario::panics::caught;
use crate::scenario::plan::{Holds, Plan, PlannedCheck, plan};
use crate::scenario::service::{Cluster, Member, Service};
use crate::scenario::watch::Watched;
use crate::sim::{Target, TraceLevel, TraceSettings, Violation, World};
use crate::time::{Duration, Instant};

/// How a scenario is run. Nothing here changes what happens, except for `seed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunOptions {
    /// Instead of the scenario's seed.
    pub seed: Option<u64>,
    /// How much of the trace is kept.
    pub trace: TraceLevel,
    /// About how many lines of it.
    pub trace_lines_max: usize,
    /// After so many events the run is given up as undecided.
    pub events_max: u64,
    /// A world of about so many bytes is given up as undecided.
    pub bytes_max: u64,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions {
            seed: None,
            trace: TraceLevel::Notable,
            trace_lines_max: 100_000,
            events_max: 50_000_000,
            bytes_max: 4 << 30,
        }
    }
}

/// How often a healed core is asked whether it agrees.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// A world is asked for its bytes behind so many events.
const WEIGH_EVERY: u64 = 4_096;

/// The world that a scenario of `S` runs in.
pub type WorldOf<S> = World<<S as Service>::Process, Watched<<S as Service>::Judges>>;

/// Runs `scenario`, or says everything that is wrong with it.
pub fn run<S: Service>(scenario: &Scenario<S>, options: &RunOptions) -> Result<Outcome, Vec<Problem>> {
    run_configured(scenario, options, |_| {})
}

/// As [`run`], with a last word on the configuration of every process: for what no file can ask for.
pub fn run_configured<S: Service>(
    scenario: &Scenario<S>,
    options: &RunOptions,
    configure: impl FnOnce(&mut <S::Process as Process>::Config),
) -> Result<Outcome, Vec<Problem>> {
    let mut run = Run::configured(scenario, options, configure)?;
    run.finish();
    Ok(run.outcome())
}

/// A run at one moment. It is a value: a clone goes on by itself, exactly as the original does.
#[derive(Clone)]
pub struct Run<S: Service> {
    plan: Arc<Plan<S>>,
    world: WorldOf<S>,
    seed: u64,
    limit: Instant,
    events_max: u64,
    bytes_max: u64,
    phase: RunPhase,
    /// What sites held before they were restarted at the end.
    held: Arc<Vec<(SiteId, S::Process)>>,
}

/// How far a run has come.
#[derive(Clone, Debug)]
enum RunPhase {
    /// Its steps fire.
    Script,
    /// All have. What the last one did is done before anybody asks whether anything is left to do.
    Settling,
    /// Faults have stopped. Those are asked again at `ask_at` whether they agree.
    Converging { stage: HealingStage, whom: Agreeing, ask_at: Instant, deadline: Instant },
    /// There is a verdict.
    Over(Verdict),
}

/// What was done to those who must agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum HealingStage {
    /// They were healed.
    Healed,
    /// They were given one thing more to do.
    Probed,
    /// They were restarted.
    Restarted,
}

/// Who is asked to agree.
#[derive(Clone, Copy, Debug)]
enum Agreeing {
    /// The healed core, which must.
    Core(SiteSet),
    /// Whoever runs, for the rest of the bound; nothing is demanded of them, as what cut them off may last.
    Everybody { core: SiteSet },
}

impl<S: Service> Run<S> {
    /// A run before its first event, or everything that is wrong with its scenario.
    pub fn new(scenario: &Scenario<S>, options: &RunOptions) -> Result<Run<S>, Vec<Problem>> {
        Run::configured(scenario, options, |_| {})
    }

    /// As [`Run::new`], with a last word on the configuration of every process.
    pub fn configured(
        scenario: &Scenario<S>,
        options: &RunOptions,
        configure: impl FnOnce(&mut <S::Process as Process>::Config),
    ) -> Result<Run<S>, Vec<Problem>> {
        let seed = options.seed.unwrap_or(scenario.seed);
        let trace = TraceSettings { level: options.trace, lines_max: options.trace_lines_max };
        let mut plan = plan(scenario)?;
        configure(&mut plan.config);
        let settings = plan.world(Seed(seed), trace);
        let mut judges = S::judges(&plan.config, &plan.shape);
        S::recall(&mut judges, &plan.journals);
        if let Some(pace) = &plan.prompt {
            S::hold_to_bounds(&mut judges, &plan.config, &plan.shape, pace)
                .map_err(|why| vec![Problem::new(crate::scenario::Place::whole().field("expect"), why)])?;
        }
        let judges = Watched::new(judges);
        let world = World::new(settings, judges)
            .map_err(|bad| vec![Problem::new(crate::scenario::Place::whole(), bad.to_string())])?;
        let RunOptions { events_max, bytes_max, .. } = *options;
        Ok(Run {
            plan: Arc::new(plan),
            world,
            seed,
            limit: Instant::ZERO + scenario.limit,
            events_max,
            bytes_max,
            phase: RunPhase::Script,
            held: Arc::default(),
        })
    }

    /// Goes on, by one event at most.
    pub fn step(&mut self) {
        self.go_on(Run::advance);
    }

    /// Goes on to the end.
    pub fn finish(&mut self) {
        self.go_on(|run| {
            while !run.is_over() {
                run.advance()?;
            }
            Ok(())
        });
    }

    /// Goes on until there is a verdict or the time is past `until`.
    pub fn finish_by(&mut self, until: Instant) {
        self.go_on(|run| {
            while !run.is_over() && run.world.now() <= until {
                run.advance()?;
            }
            Ok(())
        });
    }

    /// Is undecided after so many events, if that is sooner than its options say.
    pub fn give_up_after(&mut self, events_max: u64) {
        self.events_max = self.events_max.min(events_max);
    }

    /// Makes everything random from here on another draw; see [`World::rekey`].
    pub fn rekey(&mut self, salt: u64) {
        self.world.rekey(salt);
    }

    /// Makes the order of what happens from here on random; see [`World::shake`].
    pub fn shake(&mut self, most: Duration) {
        self.world.shake(most);
    }

    /// Keeps account of what chance makes of every datagram; see [`World::keep_ledger`].
    pub fn keep_ledger(&mut self) {
        self.world.keep_ledger();
    }

    /// The verdict, once there is one.
    pub const fn verdict(&self) -> Option<&Verdict> {
        match &self.phase {
            RunPhase::Over(verdict) => Some(verdict),
            RunPhase::Script | RunPhase::Settling | RunPhase::Converging { .. } => None,
        }
    }

    /// Whether there is a verdict.
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, RunPhase::Over(_))
    }

    /// The world at this moment; good for reading only.
    pub const fn world(&self) -> &WorldOf<S> {
        &self.world
    }

    /// What came of it; undecided while it is not over.
    pub fn outcome(&self) -> Outcome {
        let undecided = || Verdict::Undecided { why: format!("not over at {}", self.world.now()) };
        let verdict = self.verdict().cloned().unwrap_or_else(undecided);
        // A process that panicked is in the middle of something.
        let final_state = match &verdict {
            Verdict::Panicked { .. } => String::new(),
            _ => S::final_state(&self.cluster(self.world.sites())),
        };
        let (fired, all) = self.world.optional_steps();
        Outcome {
            verdict,
            seed: self.seed,
            events: self.world.events(),
            simulated: self.world.now().since(Instant::ZERO),
            fingerprint: self.world.fingerprint(),
            trace: self.world.trace().story(),
            forgotten: self.world.trace().forgotten(),
            elided: self.world.trace().elided(),
            skipped: all - fired,
            unknown: self.unknown(),
            final_state,
        }
    }

    /// What judges could not judge within their bounds so far, in a sentence each.
    pub fn unknown(&self) -> Vec<String> {
        S::unknown(self.world.judge().judges())
    }

    /// Does something to a run that is not over. What goes wrong in it is the verdict, a panic too.
    fn go_on(&mut self, act: impl FnOnce(&mut Run<S>) -> Result<(), Verdict>) {
        let verdict = match caught(|| act(self)) {
            Ok(Ok(())) => return,
            Ok(Err(verdict)) => verdict,
            Err(message) => Verdict::Panicked { process: self.world.handling(), message },
        };
        self.phase = RunPhase::Over(verdict);
    }

    /// Applies the next event, or does what is to be done where none is due.
    fn advance(&mut self) -> Result<(), Verdict> {
        let due = match &self.phase {
            RunPhase::Script if self.is_told() => None,
            RunPhase::Script => Some(self.limit),
            RunPhase::Settling => Some(self.world.now()),
            RunPhase::Converging { ask_at, .. } => Some(*ask_at),
            RunPhase::Over(_) => None,
        };
        if let Some(due) = due
            && self.apply_next(due)?
        {
            return Ok(());
        }
        match self.phase {
            RunPhase::Script => self.phase = RunPhase::Settling,
            RunPhase::Settling => {
                self.is_stale()?;
                let core = self.world.heal_core();
                self.ask(HealingStage::Healed, Agreeing::Core(core), self.world.now() + self.plan.within)?;
            }
            RunPhase::Converging { stage, whom, ask_at, deadline } => {
                self.world.run_until(ask_at).map_err(Verdict::Violated)?;
                self.ask(stage, whom, deadline)?;
            }
            RunPhase::Over(_) => {}
        }
        Ok(())
    }

    /// Applies the event that comes next, if it is due by then; `false` when there is none.
    fn apply_next(&mut self, until: Instant) -> Result<bool, Verdict> {
        let Some(turn) = self.world.next_event().filter(|turn| turn.at <= until) else { return Ok(false) };
        self.world.apply(turn).map_err(Verdict::Violated)?;
        while let Some(number) = self.world.due_check() {
            self.hold(&self.plan.checks[number])?;
        }
        if self.world.events() >= self.events_max {
            let why = format!("no verdict after {} events, at {}", self.events_max, self.world.now());
            return Err(Verdict::Undecided { why });
        }
        if self.world.events().is_multiple_of(WEIGH_EVERY) && self.world.bytes() > self.bytes_max {
            let (max, now) = (self.bytes_max, self.world.now());
            let why = format!("its world takes more than {max} bytes, at {now}");
            return Err(Verdict::Undecided { why });
        }
        Ok(true)
    }

    /// Whether nothing is left that the scenario waits for.
    fn is_told(&self) -> bool {
        let is_wanted = |check: &PlannedCheck<S>| match check.what {
            Holds::Happened(watchpoint) => !self.world.has_happened(watchpoint),
            Holds::Stopped(sites) => !sites.minus(self.world.stopped()).is_empty(),
            Holds::Leader(_) | Holds::Service(_) => false,
        };
        self.world.script_done()
            && self.world.unled().is_none()
            && self.world.unmatched_rules().next().is_none()
            && !self.plan.expect.iter().any(is_wanted)
            && self.world.unfired().is_empty()
    }

    fn is_stale(&self) -> Result<(), Verdict> {
        let place = |step: crate::sim::StepId| match step.track {
            0 => format!("steps[{}]", step.index),
            track => format!("also[{}][{}]", track - 1, step.index),
        };
        // A step behind one that did not fire says nothing new.
        let unfired = self.world.unfired().into_iter().filter(|unfired| unfired.was_armed);
        let steps =
            unfired.map(|unfired| format!("{} never fired: {}", place(unfired.step), unfired.nearest));
        let rules = self.world.unmatched_rules().map(|name| format!("the rule `{name}` matched nothing"));
        let unled = self
            .world
            .unled()
            .map(|site| format!("leader: {site} was to lead, and did not campaign while the others slept"));
        let why: Vec<String> = unled.into_iter().chain(steps).chain(rules).collect();
        if why.is_empty() { Ok(()) } else { Err(Verdict::Stale { why: why.join("; ") }) }
    }

    /// Asks whether those agree. If not, they are asked again, until the deadline; if so, the next in turn are,
    /// and behind everybody comes what is expected at the end.
    fn ask(&mut self, stage: HealingStage, whom: Agreeing, deadline: Instant) -> Result<(), Verdict> {
        let asked = match whom {
            Agreeing::Core(core) => core,
            Agreeing::Everybody { .. } => {
                let is_up = |site: &SiteId| self.world.process((*site).into()).is_some();
                self.world.sites().iter().filter(is_up).collect()
            }
        };
        let agreed = S::converged(&self.cluster(asked)).and_then(|()| self.is_done(stage));
        let now = self.world.now();
        let next = self.world.next_event().filter(|_| agreed.is_err() && now < deadline);
        match (next, agreed, whom) {
            (Some(turn), _, _) => {
                let ask_at = turn.at.max(now + ASK_EVERY).min(deadline);
                self.phase = RunPhase::Converging { stage, whom, ask_at, deadline };
                Ok(())
            }
            (None, Err(_), Agreeing::Core(_)) if self.plan.budget == FaultBudget::Unlimited => self.end(),
            (None, Ok(()), Agreeing::Core(core)) if stage == HealingStage::Probed => {
                self.go_behind(stage, core)
            }
            (None, Ok(()), Agreeing::Core(core)) => self.ask(stage, Agreeing::Everybody { core }, deadline),
            (None, Err(why), Agreeing::Core(core)) => {
                let within = self.plan.within;
                let why = match stage {
                    HealingStage::Healed => format!("not converged {within} after healing {core}: {why}"),
                    HealingStage::Probed => {
                        format!(
                            "no progress {within} after {core} agreed and was given one thing more to do: {why}"
                        )
                    }
                    HealingStage::Restarted => {
                        format!("not converged {within} after every site was restarted: {why}")
                    }
                };
                Err(Verdict::Stalled { why })
            }
            (None, _, Agreeing::Everybody { core }) => self.go_behind(stage, core),
        }
    }

    /// Whether what was demanded beyond agreement is done. Who has nothing left to do, and has not said that it did
    /// what it was asked, is asked again.
    fn is_done(&mut self, stage: HealingStage) -> Result<(), String> {
        let awaited: Vec<ProcessId> = match stage {
            HealingStage::Probed => self.world.judge().awaited().collect(),
            HealingStage::Healed | HealingStage::Restarted => Vec::new(),
        };
        let Some(first) = awaited.first() else { return Ok(()) };
        let why = format!("{first} was asked to do one thing more, and it is not done");
        let probes = self.plan.probes.iter().filter(|(whom, _)| awaited.contains(whom));
        let again: Vec<_> = probes.map(|(whom, probe)| (*whom, probe.command.clone())).collect();
        self.world.probe(again);
        Err(why)
    }

    /// Goes on to what is demanded behind `stage`, of which this is the core.
    fn go_behind(&mut self, stage: HealingStage, core: SiteSet) -> Result<(), Verdict> {
        match stage {
            HealingStage::Healed if !self.plan.probes.is_empty() => {
                let can_be_reached = |whom: &ProcessId| match whom {
                    ProcessId::Site(site) | ProcessId::Terminal(site) => core.contains(*site),
                    ProcessId::Client(_) => true,
                };
                let probes = self.plan.probes.iter().filter(|(whom, _)| can_be_reached(whom));
                let asked = probes.map(|(whom, probe)| ((*whom, probe.command.clone()), (*whom, probe.done)));
                let (commands, notes): (Vec<_>, Vec<_>) = asked.unzip();
                self.world.judge_mut().await_notes(notes);
                self.world.probe(commands);
                self.demand(HealingStage::Probed, core);
                Ok(())
            }
            HealingStage::Healed | HealingStage::Probed if self.plan.restarts => {
                let state = |id: SiteId| Some((id, self.world.process(id.into())?.clone()));
                self.held = Arc::new(self.world.sites().iter().filter_map(state).collect());
                self.world.restart_sites();
                self.demand(HealingStage::Restarted, core);
                Ok(())
            }
            HealingStage::Restarted => {
                self.compare(core)?;
                self.end()
            }
            HealingStage::Healed | HealingStage::Probed => self.end(),
        }
    }

    fn demand(&mut self, stage: HealingStage, core: SiteSet) {
        let now = self.world.now();
        let (ask_at, deadline) = (now + ASK_EVERY, now + self.plan.within);
        self.phase = RunPhase::Converging { stage, whom: Agreeing::Core(core), ask_at, deadline };
    }

    /// Holds what sites hold behind their restart against what they held before, and against each other: those of the
    /// core, and whoever agrees with it.
    fn compare(&self, core: SiteSet) -> Result<(), Verdict> {
        let differs = |explanation| Verdict::Violated(Violation { property: "restart", explanation });
        let first = core.iter().next().and_then(|first| Some((first, self.world.process(first.into())?)));
        for (id, before) in self.held.iter() {
            let Some(behind) = self.world.process((*id).into()) else {
                // Outside of the core its disk may be as broken as it was.
                if !core.contains(*id) {
                    continue;
                }
                return Err(differs(format!(
                    "{id} ran, and did not come back when every site was restarted"
                )));
            };
            if !core.contains(*id) && S::converged(&self.cluster(core.with(*id))).is_err() {
                continue;
            }
            S::same_state(before, behind)
                .map_err(|why| differs(format!("{id} is not what it was before its restart: {why}")))?;
            if let Some((first, other)) = first {
                S::same_state(other, behind)
                    .map_err(|why| differs(format!("{first} and {id} differ behind their restart: {why}")))?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Verdict> {
        let judges = self.world.judge().judges();
        S::judge_end(judges, &self.cluster(self.world.sites())).map_err(Verdict::Violated)?;
        self.plan.expect.iter().try_for_each(|check| self.hold(check))?;
        self.phase = RunPhase::Over(Verdict::Passed);
        Ok(())
    }

    fn hold(&self, check: &PlannedCheck<S>) -> Result<(), Verdict> {
        let cluster = self.cluster(self.world.sites());
        let held = match &check.what {
            Holds::Leader(target) => self.leads(*target, &cluster),
            Holds::Stopped(sites) => match sites.minus(self.world.stopped()).iter().next() {
                None => Ok(()),
                Some(site) => Err(format!("{site} has not stopped by itself")),
            },
            Holds::Happened(watchpoint) if self.world.has_happened(*watchpoint) => Ok(()),
            Holds::Happened(_) => Err("it did not happen".to_owned()),
            Holds::Service(expectation) => S::expect(expectation, &cluster),
        };
        held.map_err(|why| {
            let explanation = format!("{}: {why}", check.name);
            Verdict::Violated(Violation { property: "expectation", explanation })
        })
    }

    fn leads(&self, target: Target, cluster: &Cluster<'_, S::Process>) -> Result<(), String> {
        let leader = cluster.leader().ok_or("expected a leader, found none")?;
        let is_meant = match target {
            Target::Any | Target::Leader => true,
            Target::Site(number) => number == leader.number(),
            Target::Machine(machine) => self.plan.shape.on_machine(machine).contains(leader),
            Target::Follower | Target::Candidate | Target::Laggard | Target::AllSites => false,
            Target::Sender | Target::Recipient | Target::Terminal(_) | Target::Client(_) => false,
        };
        let meant = || target.process().map_or_else(|| format!("{target:?}"), |id| id.to_string());
        if is_meant { Ok(()) } else { Err(format!("expected {} to lead, found {leader}", meant())) }
    }

    fn cluster(&self, core: SiteSet) -> Cluster<'_, S::Process> {
        let member = |id| Member { id, state: self.world.process(id) };
        Cluster {
            now: self.world.now(),
            config: &self.plan.config,
            core,
            members: self.world.processes().map(member).collect(),
        }
    }
}
