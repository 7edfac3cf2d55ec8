//! After the steps: heals a core, and demands that it agree, go on and come back.

use alloc::sync::Arc;

use super::{Run, RunPhase};
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::scenario::form::FaultBudget;
use crate::scenario::outcome::Verdict;
use crate::scenario::service::{Cluster, Service};
use crate::sim::Violation;
use crate::time::{Duration, Instant};

/// The least simulated time between two checks whether a healed core agrees.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// What was last done to the sites that must agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HealingStage {
    /// They were healed.
    Healed,
    /// They were given one more command.
    Probed,
    /// They were restarted.
    Restarted,
}

/// The sites that are asked to agree.
#[derive(Clone, Copy, Debug)]
pub(super) enum Agreeing {
    /// The healed core, which must agree.
    Core(SiteSet),
    /// All running sites, for the rest of the bound. Nothing is demanded of them, because what cut them off may last.
    Everybody { core: SiteSet },
}

impl<S: Service> Run<S> {
    /// Asks whether these sites agree. If not, they are asked again until the deadline. If so, the next group or
    /// stage follows, and after the last one the expectations for the end.
    pub(super) fn ask(
        &mut self,
        stage: HealingStage,
        group: Agreeing,
        deadline: Instant,
    ) -> Result<(), Verdict> {
        let asked = match group {
            Agreeing::Core(core) => core,
            Agreeing::Everybody { .. } => {
                let is_up = |site: &SiteId| self.world.process((*site).into()).is_some();
                self.world.sites().iter().filter(is_up).collect()
            }
        };
        let unexplained = Cluster { is_explained: false, ..self.cluster(asked) };
        let agreed = S::converged(&unexplained).and_then(|()| self.is_done(stage));
        let now = self.world.now();
        let next = self.world.next_event().filter(|_| agreed.is_err() && now < deadline);
        match (next, agreed, group) {
            (Some(turn), _, _) => {
                let ask_at = turn.at.max(now + ASK_EVERY).min(deadline);
                self.phase = RunPhase::Converging { stage, group, ask_at, deadline };
                Ok(())
            }
            (None, Err(_), Agreeing::Core(_)) if self.plan.budget == FaultBudget::Unlimited => self.end(),
            (None, Ok(()), Agreeing::Core(core)) if stage == HealingStage::Probed => {
                self.go_behind(stage, core)
            }
            (None, Ok(()), Agreeing::Core(core)) => self.ask(stage, Agreeing::Everybody { core }, deadline),
            (None, Err(why), Agreeing::Core(core)) => {
                let within = self.plan.within;
                let why = S::converged(&self.cluster(core)).err().unwrap_or(why);
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

    /// Whether everything that `stage` demands beyond agreement is done. Probes that are not done are commanded
    /// again.
    fn is_done(&mut self, stage: HealingStage) -> Result<(), String> {
        let awaited: Vec<ProcessId> = match stage {
            HealingStage::Probed => self.world.judge().awaited().collect(),
            HealingStage::Healed | HealingStage::Restarted => Vec::new(),
        };
        let Some(first) = awaited.first() else { return Ok(()) };
        let why = format!("{first} was asked to do one thing more, and it is not done");
        let probes = self.plan.probes.iter().filter(|(asker, _)| awaited.contains(asker));
        let again: Vec<_> = probes.map(|(asker, probe)| (*asker, probe.command.clone())).collect();
        self.world.probe(again);
        Err(why)
    }

    /// Continues with what is demanded after `stage`. `core` is the core of that stage.
    fn go_behind(&mut self, stage: HealingStage, core: SiteSet) -> Result<(), Verdict> {
        match stage {
            HealingStage::Healed if !self.plan.probes.is_empty() => {
                let can_be_reached = |asker: &ProcessId| match asker {
                    ProcessId::Site(site) | ProcessId::Terminal(site) => core.contains(*site),
                    ProcessId::Client(_) => true,
                };
                let probes = self.plan.probes.iter().filter(|(asker, _)| can_be_reached(asker));
                let asked =
                    probes.map(|(asker, probe)| ((*asker, probe.command.clone()), (*asker, probe.done)));
                let (commands, notes): (Vec<_>, Vec<_>) = asked.unzip();
                self.world.tell_judge(|judge| judge.await_notes(notes));
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
        self.phase = RunPhase::Converging { stage, group: Agreeing::Core(core), ask_at, deadline };
    }

    /// Compares what sites hold after their restart with what they held before it, and with each other. It looks at
    /// the core and at every other site that agrees with the core.
    fn compare(&self, core: SiteSet) -> Result<(), Verdict> {
        let differs = |explanation| Verdict::Violated(Violation::new("restart", explanation));
        let first = core.iter().next().and_then(|first| Some((first, self.world.process(first.into())?)));
        for (id, before) in self.held.iter() {
            let Some(behind) = self.world.process((*id).into()) else {
                // Outside of the core, its disk may still be broken.
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
}
