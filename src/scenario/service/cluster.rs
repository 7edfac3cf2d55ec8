//! The processes of a run at one moment.

use core::cmp::Reverse;
use core::fmt::Debug;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::{Process, Role};
use crate::time::Instant;

/// The processes of a run at one moment.
#[derive(Clone, Debug)]
pub struct Cluster<'a, P: Process> {
    /// The simulated time.
    pub now: Instant,
    /// The configuration of every process.
    pub config: &'a P::Config,
    /// The sites that must agree: they can vote and can be reached.
    pub core: SiteSet,
    /// All members, in ascending order: sites, terminals, clients.
    pub members: Vec<Member<'a, P>>,
    /// Whether anybody reads why something is not so. A run asks often whether its sites agree, and tells only the last
    /// reason why not.
    pub is_explained: bool,
}

/// One process of a run.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a, P> {
    /// Its id.
    pub id: ProcessId,
    /// Its state; `None` while it is down.
    pub state: Option<&'a P>,
}

/// Checks that `found` equals `expected`. The error names `what`.
pub fn same<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

impl<'a, P: Process> Cluster<'a, P> {
    /// The state of `id`, or why there is none.
    pub fn state(&self, id: impl Into<ProcessId>) -> Result<&'a P, String> {
        let id = id.into();
        let place = self.members.binary_search_by_key(&id, |member| member.id);
        let member = &self.members[place.map_err(|_| format!("there is no {id}"))?];
        member.state.ok_or_else(|| self.why(|| format!("{id} is down")))
    }

    /// This reason, or nothing if nobody reads it.
    pub fn why(&self, reason: impl FnOnce() -> String) -> String {
        if self.is_explained { reason() } else { String::new() }
    }

    /// The same moment of the processes inside these, for a service that wraps another one.
    pub fn inside<Q: Process>(
        &self,
        config: &'a Q::Config,
        inner: impl Fn(&'a P) -> &'a Q,
    ) -> Cluster<'a, Q> {
        let Cluster { now, config: _, core, is_explained, .. } = *self;
        let member = |member: &Member<'a, P>| Member { id: member.id, state: member.state.map(&inner) };
        Cluster { now, config, core, members: self.members.iter().map(member).collect(), is_explained }
    }

    /// Every running process, sites first.
    pub fn running(&self) -> impl Iterator<Item = (ProcessId, &'a P)> {
        self.members.iter().filter_map(|member| Some((member.id, member.state?)))
    }

    /// Checks that `holds` is true of every running process. The error names one for which it is not, followed by
    /// `otherwise`, like "waits for an answer".
    pub fn all(&self, holds: impl Fn(&P) -> bool, otherwise: &str) -> Result<(), String> {
        let other = self.running().find(|(_, state)| !holds(state));
        other.map_or(Ok(()), |(id, _)| Err(self.why(|| format!("{id} {otherwise}"))))
    }

    /// Checks that all sites of the core have the same of this. The error names the first site that differs from the
    /// first of the core, and `what`, like "holds"; or a site of the core that is not running.
    pub fn agree<T: PartialEq + Debug>(&self, what: &str, of: impl Fn(&P) -> T) -> Result<(), String> {
        let mut sites = self.core.iter();
        let Some(first) = sites.next() else { return Ok(()) };
        let expected = of(self.state(first)?);
        sites.try_for_each(|site| {
            let found = of(self.state(site)?);
            match self.is_explained {
                true => same(&format!("{site} {what}"), &expected, &found),
                false if expected == found => Ok(()),
                false => Err(String::new()),
            }
        })
    }

    /// The site that leads with the highest rank; of several, the one with the lowest number.
    pub fn leader(&self) -> Option<SiteId> {
        let rank = |member: &Member<'a, P>| match member.state?.role() {
            Role::Leader { rank } => Some((rank, member.id.as_site()?)),
            Role::Candidate | Role::Follower | Role::Client => None,
        };
        let leading = self.members.iter().filter_map(rank);
        leading.max_by_key(|(rank, site)| (*rank, Reverse(*site))).map(|(_, site)| site)
    }
}
