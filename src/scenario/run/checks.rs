//! Checks what must hold at one moment.

use super::Run;
use crate::scenario::outcome::Verdict;
use crate::scenario::plan::{Holds, PlannedCheck};
use crate::scenario::service::{Cluster, Service};
use crate::sim::{Target, Violation};

impl<S: Service> Run<S> {
    pub(super) fn hold(&self, check: &PlannedCheck<S>) -> Result<(), Verdict> {
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
            Verdict::Violated(Violation::new("expectation", explanation))
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
}
