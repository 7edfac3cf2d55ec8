//! Rewrites a scenario for a cluster whose members have other numbers, or that has fewer members.
//!
//! Steps, rules and expectations that need a dropped member are dropped too. The service renames the numbers in its
//! commands and expectations.

use crate::scenario::form::{ExpectationOf, Latency, Scenario, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::service::Service;
use crate::scenario::step::{
    EventPattern, Fault, FlyingTraffic, Rule, Ruling, RunClaim, Step, Target, Traffic, When,
};

/// The new number of each member; `None` for a dropped one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Renaming {
    /// New numbers of sites, by old number.
    pub sites: Vec<Option<u8>>,
    /// New numbers of clients, by old number.
    pub clients: Vec<Option<u16>>,
    /// New numbers of machines, by old number; they follow from the sites.
    machines: Vec<Option<u8>>,
    /// Whether a site itself stays, by old number. A site that another one replaces does not: a table has no row for
    /// it.
    is_kept: Vec<bool>,
}

impl Renaming {
    /// Keeps these sites and clients, numbered in order. With `heirs`, the first of each takes over what the dropped
    /// ones had to do; otherwise nobody does.
    pub fn keep<S: Service>(scenario: &Scenario<S>, sites: &[u8], clients: &[u16], heirs: bool) -> Renaming {
        let is_kept = (0..scenario.sites).map(|site| sites.contains(&site)).collect();
        Renaming {
            sites: number(scenario.sites, sites, heirs),
            clients: number(scenario.clients, clients, heirs),
            machines: machines(scenario, sites),
            is_kept,
        }
    }

    /// The new number of this site.
    pub fn site(&self, site: u8) -> Option<u8> {
        self.sites.get(usize::from(site)).copied().flatten()
    }

    /// The new number of this client.
    pub fn client(&self, client: u16) -> Option<u16> {
        self.clients.get(usize::from(client)).copied().flatten()
    }

    /// The new target for this terminal or client.
    pub fn asker(&self, who: Target) -> Option<Target> {
        match who {
            Target::Terminal(site) => self.site(site).map(Target::Terminal),
            Target::Client(client) => self.client(client).map(Target::Client),
            _ => None,
        }
    }

    fn is_kept(&self, site: u8) -> bool {
        self.is_kept.get(usize::from(site)).copied().unwrap_or(false)
    }

    /// The new numbers of those sites in a list that stay.
    fn rest(&self, sites: &[u8]) -> Vec<u8> {
        let kept = sites.iter().filter(|site| self.is_kept(**site));
        kept.filter_map(|site| self.site(*site)).collect()
    }

    /// The groups with the sites that stay, without empty groups.
    fn groups(&self, groups: &[Vec<u8>]) -> Vec<Vec<u8>> {
        groups.iter().map(|group| self.rest(group)).filter(|group| !group.is_empty()).collect()
    }

    /// The new target for this one; a role stays what it is.
    pub fn target(&self, who: Target) -> Option<Target> {
        Some(match who {
            Target::Site(site) => Target::Site(self.site(site)?),
            Target::Terminal(site) => Target::Terminal(self.site(site)?),
            Target::Client(client) => Target::Client(self.client(client)?),
            Target::Machine(machine) => Target::Machine((*self.machines.get(usize::from(machine))?)?),
            Target::Any | Target::AllSites => who,
            Target::Leader | Target::Follower | Target::Candidate | Target::Laggard => who,
            Target::Sender | Target::Recipient => who,
        })
    }

    /// Both ends of links; `None` if no link is left.
    fn ends(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let (from, to) = (self.rest(from), self.rest(to));
        let is_link = from.len() > 1 || from != to;
        (!from.is_empty() && !to.is_empty() && is_link).then_some((from, to))
    }

    fn event(&self, event: &EventPattern) -> Option<EventPattern> {
        Some(match event {
            EventPattern::Leads(who) => EventPattern::Leads(self.target(*who)?),
            EventPattern::Sent(traffic) => EventPattern::Sent(self.traffic(traffic)?),
            EventPattern::Delivered(traffic) => EventPattern::Delivered(self.traffic(traffic)?),
            EventPattern::Noted { kind, who, subject, slot } => {
                let who = self.target(*who)?;
                EventPattern::Noted { kind: kind.clone(), who, subject: subject.clone(), slot: *slot }
            }
            EventPattern::Crashed(who) => EventPattern::Crashed(self.target(*who)?),
            EventPattern::Restarted(who) => EventPattern::Restarted(self.target(*who)?),
            EventPattern::LinkDown(who) => EventPattern::LinkDown(self.target(*who)?),
            EventPattern::LinkUp(who) => EventPattern::LinkUp(self.target(*who)?),
        })
    }

    fn traffic(&self, traffic: &Traffic) -> Option<Traffic> {
        let (from, to) = (self.target(traffic.from)?, self.target(traffic.to)?);
        Some(Traffic { from, to, ..traffic.clone() })
    }

    fn under_way(&self, copy: &FlyingTraffic) -> Option<FlyingTraffic> {
        let (from, to) = (self.target(copy.from)?, self.target(copy.to)?);
        Some(FlyingTraffic { from, to, ..copy.clone() })
    }

    fn rule(&self, rule: &Rule) -> Option<Rule> {
        let (from, to) = (self.target(rule.from)?, self.target(rule.to)?);
        let then = match rule.then {
            Ruling::Misdeliver(who) => Ruling::Misdeliver(self.target(who)?),
            then => then,
        };
        Some(Rule { from, to, then, ..rule.clone() })
    }

    fn fault<S: Service>(&self, fault: &Fault<S::Expectation>) -> Option<Fault<S::Expectation>> {
        let mut aimed = fault.clone();
        if let Some(who) = aimed.who_mut() {
            *who = self.target(*who)?;
            return Some(aimed);
        }
        Some(match fault {
            Fault::Partition(groups) => {
                let groups = self.groups(groups);
                if groups.len() < 2 {
                    return None;
                }
                Fault::Partition(groups)
            }
            Fault::Cut { from, to } => {
                let (from, to) = self.ends(from, to)?;
                Fault::Cut { from, to }
            }
            Fault::Clog { from, to } => {
                let (from, to) = self.ends(from, to)?;
                Fault::Clog { from, to }
            }
            Fault::Unclog { from, to } => {
                let (from, to) = self.ends(from, to)?;
                Fault::Unclog { from, to }
            }
            Fault::Redeliver(name) => Fault::Redeliver(name.clone()),
            Fault::Mend(one, other) => {
                let (one, other) = (self.site(*one)?, self.site(*other)?);
                if one == other {
                    return None;
                }
                Fault::Mend(one, other)
            }
            Fault::Rule(rule) => Fault::Rule(self.rule(rule)?),
            Fault::Deliver(copy) => Fault::Deliver(self.under_way(copy)?),
            Fault::Lose(copy) => Fault::Lose(self.under_way(copy)?),
            Fault::Double(copy) => Fault::Double(self.under_way(copy)?),
            Fault::Delay(copy, by) => Fault::Delay(self.under_way(copy)?, *by),
            Fault::Heal => Fault::Heal,
            Fault::Expect(expectation) => Fault::Expect(Box::new(self.expectation::<S>(expectation)?)),
            aimed => unreachable!("{aimed:?} is done to somebody, and renamed above"),
        })
    }

    fn expectation<S: Service>(&self, expectation: &ExpectationOf<S>) -> Option<ExpectationOf<S>> {
        Some(match expectation {
            Word::Service(expectation) => Word::Service(S::rename_expectation(expectation, self)?),
            Word::Harness(claim) => Word::Harness(match claim {
                RunClaim::Converges { within, all } => RunClaim::Converges { within: *within, all: *all },
                RunClaim::Leader(who) => RunClaim::Leader(self.target(*who)?),
                RunClaim::Never(event) => RunClaim::Never(self.event(event)?),
                RunClaim::Sometimes(event) => RunClaim::Sometimes(self.event(event)?),
                RunClaim::Progresses => RunClaim::Progresses,
                RunClaim::Restarts => RunClaim::Restarts,
                RunClaim::Prompt => RunClaim::Prompt,
                RunClaim::LeadershipsAtMost(most) => RunClaim::LeadershipsAtMost(*most),
                RunClaim::Stops(who) => RunClaim::Stops(self.target(*who)?),
            }),
        })
    }

    fn step<S: Service>(&self, step: &StepOf<S>) -> Option<StepOf<S>> {
        let when = match &step.when {
            When::On(event) => When::On(self.event(event)?),
            time => time.clone(),
        };
        let action = match &step.action {
            Word::Harness(fault) => Word::Harness(self.fault::<S>(fault)?),
            Word::Service(command) => Word::Service(S::rename_command(command, self)?),
        };
        Some(Step { when, action, is_optional: step.is_optional })
    }

    fn latency(&self, latency: &Latency) -> Latency {
        match latency {
            Latency::Table(rows) => {
                let kept = |cells: &mut dyn Iterator<Item = (usize, Latency)>| -> Vec<Latency> {
                    let cells = cells.filter(|(site, _)| self.is_kept.get(*site).copied().unwrap_or(false));
                    cells.map(|(_, latency)| latency).collect()
                };
                let rows = rows.iter().enumerate();
                let rows = rows.filter(|(site, _)| self.is_kept.get(*site).copied().unwrap_or(false));
                Latency::Table(rows.map(|(_, row)| kept(&mut row.iter().cloned().enumerate())).collect())
            }
            Latency::Regions { within, between, of } => {
                Latency::Regions { within: within.clone(), between: between.clone(), of: self.groups(of) }
            }
            Latency::Constant(_) | Latency::Uniform(..) | Latency::Exponential { .. } => latency.clone(),
        }
    }
}

impl<S: Service> Scenario<S> {
    /// This scenario with other numbers, without everything that needs a dropped member.
    #[must_use]
    pub fn renamed(&self, renaming: &Renaming) -> Scenario<S> {
        let track = |steps: &[StepOf<S>]| {
            steps.iter().filter_map(|step| renaming.step::<S>(step)).collect::<Vec<_>>()
        };
        let mut network = self.network.clone();
        network.latency = renaming.latency(&network.latency);
        let count = |most: Option<usize>| most.map_or(0, |most| most + 1);
        let sites = count(renaming.sites.iter().flatten().max().map(|site| usize::from(*site)));
        let clients = count(renaming.clients.iter().flatten().max().map(|client| usize::from(*client)));
        Scenario {
            sites: u8::try_from(sites).unwrap_or(self.sites),
            clients: u16::try_from(clients).unwrap_or(self.clients),
            machines: self.machines.as_ref().map(|machines| renaming.groups(machines)),
            leader: self.leader.and_then(|site| renaming.site(site)),
            network,
            rules: self.rules.iter().filter_map(|rule| renaming.rule(rule)).collect(),
            steps: track(&self.steps),
            also: self.also.iter().map(|steps| track(steps)).collect(),
            expect: self.expect.iter().filter_map(|one| renaming.expectation::<S>(one)).collect(),
            ..self.clone()
        }
    }
}

/// The new number of each member. With heirs, a dropped one gets the number of the first that stays.
fn number<N>(count: N, kept: &[N], heirs: bool) -> Vec<Option<N>>
where
    N: Copy + PartialEq + From<u8> + TryFrom<usize>,
    core::ops::Range<N>: Iterator<Item = N>,
{
    let first = (heirs && !kept.is_empty()).then(|| N::from(0));
    let place = |one: N| kept.iter().position(|kept| *kept == one);
    (N::from(0)..count).map(|one| place(one).and_then(|place| N::try_from(place).ok()).or(first)).collect()
}

/// The new number of each machine that still has a site.
fn machines<S: Service>(scenario: &Scenario<S>, kept: &[u8]) -> Vec<Option<u8>> {
    let each = || (0..scenario.sites).map(|site| vec![site]).collect();
    let groups: Vec<Vec<u8>> = scenario.machines.clone().unwrap_or_else(each);
    let mut next = 0;
    let number = |group: &Vec<u8>| {
        let is_left = group.iter().any(|site| kept.contains(site));
        is_left.then(|| {
            next += 1;
            next - 1
        })
    };
    groups.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;
    use crate::scenario::toy::Toys;

    #[test]
    fn who_is_gone_takes_along_what_means_them_alone() {
        let text = r#"Scenario(about: "All of it.", sites: 4, clients: 2, machines: [[0, 1], [2], [3]], leader: 2,
            network: (latency: Regions(within: Constant("1ms"), between: Constant("9ms"), of: [[0, 2], [1], [3]])),
            steps: [
                At("1s", Crash(Site(1))), At("1s", Crash(Site(3))), At("1s", Restart(Machine(2))),
                At("2s", Partition([[0, 1], [2, 3]])), At("2s", Partition([[0], [1, 2]])),
                At("3s", Cut(from: [1], to: [3])), At("3s", Cut(from: [0, 1], to: [3])), At("3s", Mend(0, 1)),
                At("4s", Isolate(Client(1))), On(Sent(kind: "Got", from: Site(2)), Heal),
            ])"#;
        let scenario = read::<Toys>("test.ron", text).unwrap_or_else(|bad| panic!("{bad}"));
        let smaller = scenario.renamed(&Renaming::keep(&scenario, &[0, 2, 3], &[0], false));
        let expected = r#"Scenario(about: "All of it.", sites: 3, clients: 1, machines: [[0], [1], [2]], leader: 1,
            network: (latency: Regions(within: Constant("1ms"), between: Constant("9ms"), of: [[0, 1], [2]])),
            steps: [
                At("1s", Crash(Site(2))), At("1s", Restart(Machine(2))),
                At("2s", Partition([[0], [1, 2]])), At("2s", Partition([[0], [1]])),
                At("3s", Cut(from: [0], to: [2])),
                On(Sent(kind: "Got", from: Site(1)), Heal),
            ])"#;
        let expected = read::<Toys>("test.ron", expected).unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!(format!("{smaller:#?}"), format!("{expected:#?}"));
        let inherited = scenario.renamed(&Renaming::keep(&scenario, &[0, 2, 3], &[0], true));
        assert_eq!(inherited.steps.len(), 8, "all but links from who is gone: {inherited:?}");
    }
}
