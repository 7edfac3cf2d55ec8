//! Whom drawn scenarios ask, and how the numbers of sites of a service are said.

use crate::scenario::step::Target;

/// Whom drawn scenarios give commands to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Askers {
    /// Terminals and clients.
    TerminalsAndClients,
    /// Sites and clients: no terminal is asked.
    SitesAndClients,
    /// Sites alone.
    Sites,
}

impl Askers {
    /// Who is asked instead of a terminal or client, in a cluster of this many sites.
    pub(crate) fn instead_of(self, who: Target, sites: u8) -> Target {
        match (self, who) {
            (Askers::TerminalsAndClients, who) => who,
            (_, Target::Terminal(site)) => Target::Site(site),
            (Askers::Sites, Target::Client(number)) => {
                Target::Site((number % u16::from(sites)).to_le_bytes()[0])
            }
            (_, who) => who,
        }
    }
}

/// The numbers of sites, as a help shows them: `2, 3 or 5 sites`.
pub(crate) fn numbers_of_sites(numbers: &[u8]) -> String {
    match numbers {
        [first, .., last] if usize::from(last - first) + 1 == numbers.len() && numbers.len() > 2 => {
            format!("{first} to {last} sites")
        }
        [all @ .., last] => {
            let all: Vec<String> = all.iter().map(u8::to_string).collect();
            let noun = if *last == 1 { "site" } else { "sites" };
            if all.is_empty() {
                format!("{last} {noun}")
            } else {
                format!("{} or {last} {noun}", all.join(", "))
            }
        }
        [] => "no number of sites: `Service::SITES` is empty".to_owned(),
    }
}
