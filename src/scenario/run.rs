//! Runs a scenario: its steps, then the end phase, then its expectations.
//!
//! 1. Judges look at every event. The first objection ends the run.
//! 2. Steps run until all have fired, every named rule has matched and every `Sometimes` has happened, or until the
//!    scenario's limit. Whatever is missing then makes the run stale or violates its expectation.
//! 3. Faults stop, and a core is healed. It must converge within its bound, without restarts or new traffic. If the
//!    scenario claims `Progresses`, each terminal of the core and each client then runs one more command, which must
//!    be done within the bound too. If it claims `Restarts`, every site that can run then loses its power once. The
//!    core must come back, converge within the bound, and hold what it held. Expectations are checked last.

use alloc::sync::Arc;
use core::ops::Range;

use crate::foreign::logs;
use crate::ids::{SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::Process;
use crate::ron_file::Problem;
use crate::scenario::form::Scenario;
use crate::scenario::outcome::{Outcome, Verdict};
use crate::scenario::panics::caught;
use crate::scenario::plan::{Holds, Plan, PlannedCheck, plan};
use crate::scenario::service::{Cluster, Member, Service};
use crate::scenario::watch::Watched;
use crate::sim::{Demand, Question, StepId, TraceLevel, TraceSettings, Unfired, Watchpoint, World};
use crate::time::{Duration, Instant};

mod checks;
mod healing;

use healing::{Agreeing, HealingStage};

/// Options of a run. Nothing here changes what happens, except `seed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunOptions {
    /// The seed to use instead of the scenario's.
    pub seed: Option<u64>,
    /// The trace level.
    pub trace: TraceLevel,
    /// Approximate number of trace lines to keep.
    pub trace_lines_max: usize,
    /// Number of events after which the run is given up as undecided.
    pub events_max: u64,
    /// Approximate size of the world, in bytes, above which the run is given up as undecided.
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

/// Number of events between two measurements of the world's size.
const WEIGH_EVERY: u64 = 4_096;

/// The world that a scenario of `S` runs in.
pub type WorldOf<S> = World<<S as Service>::Process, Watched<<S as Service>::Judges>>;

/// Runs `scenario`, or says everything that is wrong with it.
pub fn run<S: Service>(scenario: &Scenario<S>, options: &RunOptions) -> Result<Outcome, Vec<Problem>> {
    run_configured(scenario, options, |_| {})
}

/// As [`run`], but `configure` then changes the configuration of every process: for settings that no file can ask
/// for.
pub fn run_configured<S: Service>(
    scenario: &Scenario<S>,
    options: &RunOptions,
    configure: impl FnOnce(&mut <S::Process as Process>::Config),
) -> Result<Outcome, Vec<Problem>> {
    let mut run = Run::configured(scenario, options, configure)?;
    run.finish();
    Ok(run.outcome())
}

/// A run at one moment. A clone continues on its own, exactly as the original does.
#[derive(Clone)]
pub struct Run<S: Service> {
    plan: Arc<Plan<S>>,
    world: WorldOf<S>,
    seed: u64,
    limit: Instant,
    events_max: u64,
    bytes_max: u64,
    phase: RunPhase,
    /// The numbers of the watchpoints that only ask.
    questions: Range<usize>,
    /// The state of the sites before the restart at the end.
    held: Arc<Vec<(SiteId, S::Process)>>,
}

/// The phase of a run.
#[derive(Clone, Debug)]
enum RunPhase {
    /// Steps fire.
    Script,
    /// Steps are over. Events due at that moment are still applied before the core is healed.
    Settling,
    /// Faults have stopped. The sites of `group` are asked again at `ask_at` whether they agree.
    Converging { stage: HealingStage, group: Agreeing, ask_at: Instant, deadline: Instant },
    /// There is a verdict.
    Over(Verdict),
}

impl<S: Service> Run<S> {
    /// A run before its first event, or everything that is wrong with its scenario.
    pub fn new(scenario: &Scenario<S>, options: &RunOptions) -> Result<Run<S>, Vec<Problem>> {
        Run::configured(scenario, options, |_| {})
    }

    /// As [`Run::new`], but `configure` then changes the configuration of every process.
    pub fn configured(
        scenario: &Scenario<S>,
        options: &RunOptions,
        configure: impl FnOnce(&mut <S::Process as Process>::Config),
    ) -> Result<Run<S>, Vec<Problem>> {
        Run::asked(scenario, options, &[], configure)
    }

    /// As [`Run::configured`], with questions about the run. Asking changes nothing in it.
    pub fn asked(
        scenario: &Scenario<S>,
        options: &RunOptions,
        questions: &[Question],
        configure: impl FnOnce(&mut <S::Process as Process>::Config),
    ) -> Result<Run<S>, Vec<Problem>> {
        let seed = options.seed.unwrap_or(scenario.seed);
        let trace = TraceSettings { level: options.trace, lines_max: options.trace_lines_max };
        let mut plan = plan(scenario)?;
        let first = plan.watchpoints.len();
        let watched = |question: &Question| Watchpoint {
            name: "a question".to_owned(),
            demand: Demand::Sometimes(question.clone()),
        };
        plan.watchpoints.extend(questions.iter().map(watched));
        let questions = first..plan.watchpoints.len();
        configure(&mut plan.config);
        let wrong = S::check_config(&plan.config);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let settings = plan.world(Seed(seed), trace);
        let mut judges = S::judges(&plan.config, &plan.shape);
        S::recall(&mut judges, &plan.journals);
        if let Some(pace) = &plan.prompt {
            S::hold_to_bounds(&mut judges, &plan.config, &plan.shape, pace)
                .map_err(|why| vec![Problem::new(crate::scenario::Place::whole().field("expect"), why)])?;
        }
        let judges = Watched::new(judges);
        let mut world = World::new(settings, judges)
            .map_err(|bad| vec![Problem::new(crate::scenario::Place::whole(), bad.to_string())])?;
        if let Some(tap) = logs::tap() {
            world.collect_log(tap);
        }
        let RunOptions { events_max, bytes_max, .. } = *options;
        Ok(Run {
            plan: Arc::new(plan),
            world,
            seed,
            limit: Instant::ZERO + scenario.limit,
            events_max,
            bytes_max,
            phase: RunPhase::Script,
            questions,
            held: Arc::default(),
        })
    }

    /// Continues by at most one event.
    pub fn step(&mut self) {
        self.go_on(Run::advance);
    }

    /// Continues to the end.
    pub fn finish(&mut self) {
        self.go_on(|run| {
            while !run.is_over() {
                run.advance()?;
            }
            Ok(())
        });
    }

    /// Continues until there is a verdict or the time is after `until`.
    pub fn finish_by(&mut self, until: Instant) {
        self.go_on(|run| {
            while !run.is_over() && run.world.now() <= until {
                run.advance()?;
            }
            Ok(())
        });
    }

    /// Makes the run undecided after `events_max` events, if its options allow more.
    pub fn give_up_after(&mut self, events_max: u64) {
        self.events_max = self.events_max.min(events_max);
    }

    /// From here on, a full trace holds what messages hold.
    pub(crate) fn describe_messages(&mut self) {
        self.world.describe_messages(S::describe);
    }

    /// Makes everything random from here on a different draw; see [`World::rekey`].
    pub fn rekey(&mut self, salt: u64) {
        self.world.rekey(salt);
    }

    /// Makes the order of events from here on random; see [`World::shake`].
    pub fn shake(&mut self, most: Duration) {
        self.world.shake(most);
    }

    /// Records what chance does to every datagram from here on; see [`World::keep_ledger`].
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

    /// Whether faults have stopped and the sites must agree.
    pub(crate) const fn is_healed(&self) -> bool {
        matches!(self.phase, RunPhase::Converging { .. })
    }

    /// Whether there is a verdict.
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, RunPhase::Over(_))
    }

    /// The world at this moment, for reading only.
    pub const fn world(&self) -> &WorldOf<S> {
        &self.world
    }

    /// The outcome; undecided while the run is not over.
    pub fn outcome(&self) -> Outcome {
        let undecided = || Verdict::Undecided { why: format!("not over at {}", self.world.now()) };
        let verdict = self.verdict().cloned().unwrap_or_else(undecided);
        // A process that panicked is left in the middle of an input.
        let final_state = match &verdict {
            Verdict::Panicked { .. } => Ok(String::new()),
            _ => caught(|| S::final_state(&self.cluster(self.world.sites()))),
        };
        let (verdict, final_state) = match final_state {
            Ok(state) => (verdict, state),
            Err(message) => (Verdict::Panicked { process: None, message }, String::new()),
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

    /// Checks that the judges gave up at their limits so far, one sentence each.
    pub fn unknown(&self) -> Vec<String> {
        S::unknown(self.world.judge().judges())
    }

    /// The answers to the questions about the run, in their order, if it ends here.
    pub fn answers(&self) -> Vec<bool> {
        self.questions.clone().map(|question| self.world.has_happened(question)).collect()
    }

    /// Runs `act` on this run. An error or a panic in `act` becomes the verdict.
    fn go_on(&mut self, act: impl FnOnce(&mut Run<S>) -> Result<(), Verdict>) {
        let verdict = match caught(|| act(self)) {
            Ok(Ok(())) => return,
            Ok(Err(verdict)) => verdict,
            Err(message) => {
                self.world.take_log_of_panic();
                Verdict::Panicked { process: self.world.handling(), message }
            }
        };
        self.phase = RunPhase::Over(verdict);
    }

    /// Applies the next event. If none is due, does what the phase needs next.
    fn advance(&mut self) -> Result<(), Verdict> {
        let due = match &self.phase {
            RunPhase::Script if self.is_complete() => None,
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
            RunPhase::Converging { stage, group, ask_at, deadline } => {
                self.world.run_until(ask_at).map_err(Verdict::Violated)?;
                self.ask(stage, group, deadline)?;
            }
            RunPhase::Over(_) => {}
        }
        Ok(())
    }

    /// Applies the next event and its checks if the event is due by `until`; returns `false` if there is none.
    fn apply_next(&mut self, until: Instant) -> Result<bool, Verdict> {
        if !self.world.step_until(until).map_err(Verdict::Violated)? {
            return Ok(false);
        }
        // What follows from a step that found nothing says nothing about the protocol.
        if let Some(missed) = self.world.missed_by_hand() {
            return Err(Verdict::Stale { why: unfired_text(missed) });
        }
        if let Some(max) = self.world.overfull_hold() {
            let why = format!(
                "the held network holds {max} datagrams, and has lost one more, at {}: `Deliver` or `Lose` some before",
                self.world.now()
            );
            return Err(Verdict::Undecided { why });
        }
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

    /// Whether the scenario waits for nothing more.
    fn is_complete(&self) -> bool {
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
        // A step after one that did not fire says nothing new.
        let unfired = self.world.unfired().into_iter().filter(|unfired| unfired.was_armed);
        let steps = unfired.map(|unfired| unfired_text(&unfired));
        let rules = self.world.unmatched_rules().map(|name| format!("the rule `{name}` matched nothing"));
        let unled = self
            .world
            .unled()
            .map(|site| format!("leader: {site} was to lead, and did not campaign while the others slept"));
        let why: Vec<String> = unled.into_iter().chain(steps).chain(rules).collect();
        if why.is_empty() { Ok(()) } else { Err(Verdict::Stale { why: why.join("; ") }) }
    }

    fn end(&mut self) -> Result<(), Verdict> {
        let judges = self.world.judge().judges();
        S::judge_end(judges, &self.cluster(self.world.sites())).map_err(Verdict::Violated)?;
        self.plan.expect.iter().try_for_each(|check| self.hold(check))?;
        self.phase = RunPhase::Over(Verdict::Passed);
        Ok(())
    }

    fn cluster(&self, core: SiteSet) -> Cluster<'_, S::Process> {
        let member = |id| Member { id, state: self.world.process(id) };
        Cluster {
            now: self.world.now(),
            config: &self.plan.config,
            core,
            members: self.world.processes().map(member).collect(),
            is_explained: true,
        }
    }
}

fn unfired_text(unfired: &Unfired) -> String {
    let place = match unfired.step {
        StepId { track: 0, index } => format!("steps[{index}]"),
        StepId { track, index } => format!("also[{}][{index}]", track - 1),
    };
    let how = if unfired.found_nothing { "found nothing" } else { "never fired" };
    format!("{place} {how}: {}", unfired.nearest)
}
