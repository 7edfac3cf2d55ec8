//! Runs a scenario: its steps, then the end phase, then what is expected.
//!
//! 1. Judges look at every event; the first objection ends the run.
//! 2. Steps run until all have fired, every named rule has matched and every `Sometimes` has happened, or until
//!    the scenario's limit. What is left then makes the run stale or violates the expectation.
//! 3. Faults stop, a core is healed, and it must converge within its bound. Expectations are judged after that.

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::Process;
use crate::scenario::form::Scenario;
use crate::scenario::outcome::{Outcome, Verdict};
use crate::scenario::panics::caught;
use crate::scenario::plan::{Check, Holds, Plan, plan};
use crate::scenario::service::{Cluster, Member, Problem, Service};
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
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions {
            seed: None,
            trace: TraceLevel::Notable,
            trace_lines_max: 100_000,
            events_max: 50_000_000,
        }
    }
}

/// How often a healed core is asked whether it agrees.
const ASK_EVERY: Duration = Duration::from_millis(10);

type WorldOf<S> = World<<S as Service>::Process, Watched<<S as Service>::Judges>>;

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
    let seed = options.seed.unwrap_or(scenario.seed);
    let trace = TraceSettings { level: options.trace, lines_max: options.trace_lines_max };
    let mut plan = plan(scenario)?;
    configure(&mut plan.config);
    let settings = plan.world(Seed(seed), trace);
    let judges = Watched::new(S::judges(&plan.config, &plan.shape), &plan.watches, &plan.shape);
    let world = World::new(settings, judges)
        .map_err(|bad| vec![Problem::new(crate::scenario::Place::whole(), bad.to_string())])?;
    let mut run = Run { plan, world, limit: Instant::ZERO + scenario.limit, events_max: options.events_max };
    let verdict = match caught(|| run.drive()) {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(verdict)) => verdict,
        Err(message) => Verdict::Panicked { process: run.world.handling(), message },
    };
    Ok(run.outcome(seed, verdict))
}

struct Run<S: Service> {
    plan: Plan<S>,
    world: WorldOf<S>,
    limit: Instant,
    events_max: u64,
}

impl<S: Service> Run<S> {
    /// The whole run; what went wrong, if anything did.
    fn drive(&mut self) -> Result<(), Verdict> {
        self.script()?;
        // What the last step did is done before anybody asks whether anything is left to do.
        self.world.run_until(self.world.now()).map_err(Verdict::Violated)?;
        self.is_stale()?;
        self.end_phase()?;
        let judges = self.world.judge().judges();
        S::judge_end(judges, &self.cluster(self.world.sites())).map_err(Verdict::Violated)?;
        for number in 0..self.plan.expect.len() {
            let check = self.plan.expect[number].clone();
            self.hold(&check)?;
        }
        Ok(())
    }

    /// Runs the steps.
    fn script(&mut self) -> Result<(), Verdict> {
        while !self.is_over() {
            let Some(turn) = self.world.next_event().filter(|turn| turn.at <= self.limit) else {
                return Ok(());
            };
            self.world.apply(turn).map_err(Verdict::Violated)?;
            while let Some(number) = self.world.due_check() {
                let check = self.plan.checks[number].clone();
                self.hold(&check)?;
            }
            self.spend()?;
        }
        Ok(())
    }

    /// Whether nothing is left that the scenario waits for.
    fn is_over(&self) -> bool {
        let judge = self.world.judge();
        let is_wanted = |check: &Check<S>| match check.what {
            Holds::Happened(watch) => !judge.has_happened(watch),
            Holds::Leader(_) | Holds::Service(_) => false,
        };
        self.world.script_done()
            && self.world.unmatched_rules().next().is_none()
            && !self.plan.expect.iter().any(is_wanted)
            && self.world.unfired().is_empty()
    }

    fn spend(&self) -> Result<(), Verdict> {
        if self.world.events() < self.events_max {
            return Ok(());
        }
        let why = format!("no verdict after {} events, at {}", self.events_max, self.world.now());
        Err(Verdict::Undecided { why })
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
        let why: Vec<String> = steps.chain(rules).collect();
        if why.is_empty() { Ok(()) } else { Err(Verdict::Stale { why: why.join("; ") }) }
    }

    /// Heals a core and waits until it agrees. Whoever else runs has the rest of the bound to agree too, but
    /// nothing is demanded of them: what cut them off may last.
    fn end_phase(&mut self) -> Result<(), Verdict> {
        let core = self.world.heal_core();
        let deadline = self.world.now() + self.plan.within;
        if let Some(why) = self.converge(deadline, |_| core)? {
            let within = self.plan.within;
            return Err(Verdict::Stalled {
                why: format!("not converged {within} after healing {core}: {why}"),
            });
        }
        self.converge(deadline, |world| {
            let is_up = |site: &SiteId| world.process((*site).into()).is_some();
            world.sites().iter().filter(is_up).collect()
        })?;
        Ok(())
    }

    /// Runs on until those agree, or until the deadline; then why they do not.
    fn converge(
        &mut self,
        deadline: Instant,
        who: impl Fn(&WorldOf<S>) -> SiteSet,
    ) -> Result<Option<String>, Verdict> {
        loop {
            let Err(why) = S::converged(&self.cluster(who(&self.world))) else { return Ok(None) };
            let next = self.world.next_event().map(|turn| turn.at.max(self.world.now() + ASK_EVERY));
            let Some(until) = next.filter(|_| self.world.now() < deadline) else { return Ok(Some(why)) };
            self.world.run_until(until.min(deadline)).map_err(Verdict::Violated)?;
            self.spend()?;
        }
    }

    fn hold(&self, check: &Check<S>) -> Result<(), Verdict> {
        let cluster = self.cluster(self.world.sites());
        let held = match &check.what {
            Holds::Leader(target) => self.leads(*target, &cluster),
            Holds::Happened(watch) if self.world.judge().has_happened(*watch) => Ok(()),
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
            Target::Process(id) => id == ProcessId::Site(leader),
            Target::Machine(machine) => self.plan.shape.on_machine(machine).contains(leader),
            Target::Follower | Target::AllSites => false,
        };
        let meant = || match target {
            Target::Process(id) => id.to_string(),
            other => format!("{other:?}"),
        };
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

    fn outcome(&self, seed: u64, verdict: Verdict) -> Outcome {
        // A process that panicked is in the middle of something.
        let final_state = match &verdict {
            Verdict::Panicked { .. } => String::new(),
            _ => S::final_state(&self.cluster(self.world.sites())),
        };
        let (fired, all) = self.world.optional_steps();
        Outcome {
            verdict,
            seed,
            events: self.world.events(),
            simulated: self.world.now().since(Instant::ZERO),
            fingerprint: self.world.fingerprint(),
            trace: self.world.trace().story(),
            forgotten: self.world.trace().forgotten(),
            elided: self.world.trace().elided(),
            skipped: all - fired,
            final_state,
        }
    }
}
