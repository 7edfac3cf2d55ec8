//! Checks what a scenario demands: its expectations, and what they make the run do.

use super::{Holds, PlannedCheck, Planner, steps};
use crate::ids::{ProcessId, SiteSet};
use crate::ron_file::Place;
use crate::scenario::form::{DiskMode, ExpectationOf, Scenario};
use crate::scenario::namespace::Word;
use crate::scenario::service::{Probe, Service};
use crate::scenario::step::{RunClaim, Target};
use crate::sim::{self, Demand, NetworkSettings, Watchpoint};
use crate::time::Duration;

impl<S: Service> Planner<S> {
    pub(super) fn expectations(&mut self, expect: &[ExpectationOf<S>]) -> Vec<PlannedCheck<S>> {
        let mut checks = Vec::new();
        for (number, expectation) in expect.iter().enumerate() {
            let place = Place::whole().field("expect").index(number);
            let name = place.to_string();
            match expectation {
                Word::Harness(RunClaim::Converges { within, all }) => {
                    self.heals_all |= all;
                    if *within == Duration::ZERO {
                        let message = "nothing converges within no time";
                        self.wrong(place.field("within"), message, "a bound above 0s");
                    }
                    if self.within.replace(*within).is_some() {
                        self.wrong(place, "a second bound on convergence", "one `Converges`");
                    }
                }
                Word::Harness(RunClaim::Never(event)) => {
                    let demand = self.event(&place.index(0), event, true).map(Demand::Never);
                    self.watchpoints.extend(demand.map(|demand| Watchpoint { name, demand }));
                }
                Word::Harness(RunClaim::Progresses) => {
                    if self.progresses.replace(place.clone()).is_some() {
                        self.wrong(place, "`Progresses` says the same twice", "one `Progresses`");
                    }
                }
                Word::Harness(RunClaim::Restarts) => {
                    if core::mem::replace(&mut self.restarts, true) {
                        self.wrong(place, "`Restarts` says the same twice", "one `Restarts`");
                    }
                }
                Word::Harness(RunClaim::Prompt) => {
                    if self.prompt.replace(place.clone()).is_some() {
                        self.wrong(place, "`Prompt` says the same twice", "one `Prompt`");
                    }
                }
                Word::Harness(RunClaim::LeadershipsAtMost(most)) => {
                    if *most == 0 {
                        let message = "without a leader nothing is ever done";
                        self.wrong(place.index(0), message, "1, or how often there may be a new leader");
                    }
                    self.watchpoints.push(Watchpoint { name, demand: Demand::LeadershipsAtMost(*most) });
                }
                _ => {
                    let what = self.check(&place, &name, expectation);
                    checks.extend(what.map(|what| PlannedCheck { name, what }));
                }
            }
        }
        checks
    }

    /// The condition of an expectation at one moment; `None` if it is wrong.
    pub(super) fn check(
        &mut self,
        place: &Place,
        name: &str,
        expectation: &ExpectationOf<S>,
    ) -> Option<Holds<S>> {
        match expectation {
            Word::Harness(RunClaim::Leader(who)) => {
                let target = self.who(&place.index(0), *who)?;
                let can_lead = self.may_lead(&place.index(0), *who);
                can_lead.then_some(Holds::Leader(target))
            }
            Word::Harness(RunClaim::Stops(who)) => {
                self.who(&place.index(0), *who)?;
                let sites: SiteSet = match who {
                    Target::Site(number) => self.shape.site(*number).into_iter().collect(),
                    Target::Machine(machine) => self.shape.on_machine(*machine),
                    Target::AllSites => self.shape.all_sites(),
                    _ => SiteSet::EMPTY,
                };
                if sites.is_empty() {
                    let message = "who stops is known from the start";
                    self.wrong(place.index(0), message, "`Site(0)`, `Machine(0)` or `AllSites`");
                    return None;
                }
                self.may_stop = self.may_stop.iter().chain(sites.iter()).collect();
                Some(Holds::Stopped(sites))
            }
            Word::Harness(RunClaim::Sometimes(event)) => {
                let demand = Demand::Sometimes(self.event(&place.index(0), event, false)?.into());
                self.watchpoints.push(Watchpoint { name: name.to_owned(), demand });
                Some(Holds::Happened(self.watchpoints.len() - 1))
            }
            Word::Harness(
                claim @ (RunClaim::Progresses
                | RunClaim::Restarts
                | RunClaim::Prompt
                | RunClaim::LeadershipsAtMost(_)),
            ) => {
                let (word, of) = match claim {
                    RunClaim::Progresses => ("Progresses", "the end"),
                    RunClaim::Restarts => ("Restarts", "the end"),
                    RunClaim::Prompt => ("Prompt", "the whole run"),
                    _ => ("LeadershipsAtMost", "the whole run"),
                };
                let message = format!("`{word}` speaks of {of}, not of a moment");
                self.wrong(place.clone(), message, "it belongs into `expect`");
                None
            }
            Word::Harness(RunClaim::Converges { .. }) => {
                let message = "`Converges` speaks of the end, not of a moment";
                self.wrong(place.clone(), message, "it belongs into `expect`");
                None
            }
            Word::Harness(RunClaim::Never(_)) => {
                let message = "`Never` speaks of the whole run, not of a moment";
                self.wrong(place.clone(), message, "it belongs into `expect`");
                None
            }
            Word::Service(expectation) => {
                let problems = S::check(expectation, &self.shape);
                let result = if problems.is_empty() { Ok(()) } else { Err(problems) };
                self.within(place, result)?;
                Some(Holds::Service(expectation.clone()))
            }
        }
    }

    /// Refuses `Prompt` where anything but a crash may go wrong.
    pub(super) fn check_prompt(&mut self, scenario: &Scenario<S>, network: &NetworkSettings) {
        let Some(place) = self.prompt.clone() else { return };
        let chances = [
            network.loss,
            network.duplication,
            network.reordering,
            network.bursts.chance,
            network.corruption,
            network.truncation,
            network.late_copies.chance,
            network.misdelivery,
        ];
        let takes_its_time = matches!(network.latency, sim::LinkLatency::Constant(_));
        let is_calm = !self.is_held
            && chances.iter().all(|chance| chance.numerator == 0)
            && network.bandwidth.is_none();
        if !is_calm || !takes_its_time || scenario.disk.mode != DiskMode::Overlapped {
            let message = "`Prompt` is asked where datagrams are lost, altered, overtaken or held, or syncs wait for each other";
            let help = "a network with a `Constant` latency and nothing else, and an overlapped disk";
            self.wrong(place.clone(), message, help);
        }
        if !scenario.rules.is_empty() || steps::can(scenario, steps::disturbs) {
            let message = "`Prompt` is asked where more is wrong than that sites crash and come back";
            self.wrong(place, message, "no rules, and no faults but `Crash` and `Restart`");
        }
    }

    /// The commands that show whether every terminal and client can go on.
    pub(super) fn probes(&mut self) -> Vec<(ProcessId, Probe<S>)> {
        let Some(place) = self.progresses.clone() else { return Vec::new() };
        let terminals = self.shape.all_sites().iter().map(ProcessId::Terminal).collect::<Vec<_>>();
        let clients = (0..self.shape.clients).map(ProcessId::Client);
        let askers = terminals.into_iter().chain(clients);
        let probes: Vec<(ProcessId, Probe<S>)> = askers.filter_map(|id| Some((id, S::probe(id)?))).collect();
        if probes.is_empty() {
            let help = "leave `Progresses` out, or bring `Service::probe`";
            self.wrong(place, "this service brings no probe: nobody has anything to do here", help);
        }
        probes
    }
}
