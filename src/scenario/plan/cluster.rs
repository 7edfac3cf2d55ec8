//! Checks the members of a cluster, their machines and the targets that name them.

use crate::ids::{SITES_MAX, SiteId, SiteSet};
use crate::ron_file::Place;
use crate::ron_file::Problem;
use crate::scenario::form::Latency;
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::sim::{self, Target};

impl<S: Service> Planner<S> {
    /// Puts every site on its machine.
    pub(super) fn machines(&mut self, machines: Option<&[Vec<u8>]>) {
        let Some(machines) = machines else {
            self.shape.machines = (0..self.shape.sites).collect();
            return;
        };
        let place = Place::whole().field("machines");
        self.shape.machines = self.groups(&place, machines, "machine");
    }

    /// The site that leads first, if there is such a site.
    pub(super) fn leader(&mut self, leader: Option<u8>) -> Option<SiteId> {
        let site = leader?;
        let place = Place::whole().field("leader");
        if !S::LEADS {
            let help = "leave it out; a protocol whose sites lead says so with `LEADS`";
            self.wrong(place.clone(), "no site of this service ever leads", help);
        }
        self.problems.extend(self.shape.check_site(site, place));
        self.shape.site(site)
    }

    /// The group of each site. Every site must be in one.
    fn groups(&mut self, place: &Place, groups: &[Vec<u8>], what: &str) -> Vec<u8> {
        let sets = self.disjoint(place, groups);
        let mut homes = vec![0; usize::from(self.shape.sites)];
        let mut missing = self.shape.all_sites();
        for (number, set) in (0u8..).zip(&sets) {
            missing = missing.minus(*set);
            for site in set.iter() {
                homes[site.index()] = number;
            }
        }
        if groups.len() > usize::from(SITES_MAX) {
            self.wrong(place.clone(), format!("{} groups", groups.len()), format!("at most {SITES_MAX}"));
        }
        if let Some(site) = missing.iter().next() {
            let message = format!("site {} is in no {what}", site.number());
            self.wrong(place.clone(), message, "every site is in one");
        }
        homes
    }

    /// The groups as sets. None may be empty, and no two may share a site.
    pub(super) fn disjoint(&mut self, place: &Place, groups: &[Vec<u8>]) -> Vec<SiteSet> {
        let mut seen = SiteSet::EMPTY;
        let mut sets = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            let mut set = SiteSet::EMPTY;
            if group.is_empty() {
                self.wrong(place.index(number), "an empty group", "at least one site");
            }
            for (at, site) in group.iter().enumerate() {
                let place = place.index(number).index(at);
                let Some(id) = self.shape.site(*site) else {
                    self.problems.extend(self.shape.check_site(*site, place));
                    continue;
                };
                if !seen.insert(id) {
                    self.wrong(place, format!("site {site} is named twice"), "each site once");
                }
                set.insert(id);
            }
            sets.push(set);
        }
        sets
    }

    pub(super) fn table(&mut self, place: &Place, rows: &[Vec<Latency>]) -> sim::LinkLatency {
        let sites = usize::from(self.shape.sites);
        let mut table = Vec::new();
        if rows.len() != sites {
            let message = format!("{} rows for {sites} sites", rows.len());
            self.wrong(place.clone(), message, "one row for each sending site");
        }
        for (from, row) in rows.iter().enumerate() {
            let place = place.index(0).index(from);
            if row.len() != sites {
                let message = format!("{} latencies for {sites} sites", row.len());
                self.wrong(place.clone(), message, "one for each receiving site, the sender included");
            }
            let cells = row.iter().enumerate();
            table.push(cells.map(|(to, cell)| self.simple_latency(&place.index(to), cell)).collect());
        }
        sim::LinkLatency::Table(table)
    }

    pub(super) fn regions(
        &mut self,
        place: &Place,
        inside: &sim::LinkLatency,
        across: &sim::LinkLatency,
        of: &[Vec<u8>],
    ) -> sim::LinkLatency {
        let regions = self.groups(place, of, "region");
        let cell = |from: &u8, to: &u8| if from == to { inside.clone() } else { across.clone() };
        let row = |from: &u8| regions.iter().map(|to| cell(from, to)).collect();
        sim::LinkLatency::Table(regions.iter().map(row).collect())
    }

    /// `who`, if there can be such a process.
    pub(super) fn who(&mut self, place: &Place, who: Target) -> Option<Target> {
        let inner = place.index(0);
        let problem = match who {
            Target::Any | Target::AllSites => None,
            Target::Leader | Target::Follower | Target::Candidate | Target::Laggard => None,
            Target::Sender | Target::Recipient => self.fired_by.is_none().then(|| {
                let message = "no datagram is meant here that somebody sends and somebody receives";
                let help = "they are for what steps `On(Sent(..), ..)` and `On(Delivered(..), ..)` do";
                Problem::new(place.clone(), message).help(help)
            }),
            Target::Site(site) | Target::Terminal(site) => self.shape.check_site(site, inner),
            Target::Machine(machine) => {
                let problem = || {
                    let machines = self.shape.machines.iter().max().map_or(0, |most| *most);
                    Problem::new(inner, format!("there is no machine {machine}"))
                        .help(format!("the machines are 0 to {machines}"))
                };
                self.shape.on_machine(machine).is_empty().then(problem)
            }
            Target::Client(client) => self.shape.check_client(client, inner),
        };
        let is_right = problem.is_none();
        self.problems.extend(problem);
        is_right.then_some(who)
    }

    /// The receiver of a command, if there can be such a process.
    pub(super) fn receiver(&mut self, place: &Place, who: Target) -> Option<Target> {
        match who {
            Target::Any | Target::Machine(_) | Target::AllSites => {
                let help = "expected `Site(..)`, `Client(..)`, `Terminal(..)` or a role like `Leader`";
                self.wrong(place.clone(), "a command goes to one process", help);
                None
            }
            _ => self.who(place, who),
        }
    }

    /// Whether `who` can ever lead.
    pub(super) fn may_lead(&mut self, place: &Place, who: Target) -> bool {
        let message = match who {
            Target::Terminal(_) | Target::Client(_) => "a client never leads",
            Target::Follower => "who leads is no follower",
            Target::Candidate => "who tries to lead does not lead",
            Target::Laggard => "how much a site knows does not say whether it leads",
            Target::AllSites => "two sites never lead together",
            Target::Any | Target::Site(_) | Target::Leader | Target::Machine(_) => return true,
            // `who` refuses these wherever a leader is named: no datagram is meant there.
            Target::Sender | Target::Recipient => return true,
        };
        self.wrong(place.clone(), message, "expected `Any`, `Site(..)` or `Machine(..)`");
        false
    }
}
