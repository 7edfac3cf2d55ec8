//! What a scenario forbids or wants to see at least once, watched beside the service's judges.

use crate::ids::{ProcessId, SITES_MAX, SiteSet};
use crate::process::{Label, Process, Role};
use crate::scenario::plan::Watch;
use crate::scenario::service::Shape;
use crate::sim::net::rules::{Roles, says};
use crate::sim::{Filter, Judge, Observation, Trigger, Violation};
use crate::time::Instant;

/// The service's judges, and beside them what the scenario watches for.
#[derive(Clone, Debug)]
pub struct Watched<J> {
    judges: J,
    watches: Vec<Seen>,
    roles: [Option<Role>; SITES_MAX as usize],
    progress: [u64; SITES_MAX as usize],
    sites: SiteSet,
    machines: Vec<SiteSet>,
    /// Who has not done yet what it was asked, and the note with which it will say so.
    awaited: Vec<(ProcessId, &'static str)>,
    noted: Vec<(&'static str, u64)>,
}

#[derive(Clone, Debug)]
struct Seen {
    watch: Watch,
    count: u64,
}

impl<J> Watched<J> {
    pub(super) fn new(judges: J, watches: &[Watch], shape: &Shape) -> Watched<J> {
        Watched {
            judges,
            watches: watches.iter().map(|watch| Seen { watch: watch.clone(), count: 0 }).collect(),
            roles: [None; SITES_MAX as usize],
            progress: [0; SITES_MAX as usize],
            sites: shape.all_sites(),
            machines: shape.all_machines(),
            awaited: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// How often each kind of note was made, in the order of the first ones.
    pub fn noted(&self) -> &[(&'static str, u64)] {
        &self.noted
    }

    fn count(&mut self, kind: &'static str) {
        match self.noted.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.noted.push((kind, 1)),
        }
    }

    /// Whether the watch with this number has seen what it waits for.
    pub(super) fn has_happened(&self, watch: usize) -> bool {
        self.watches.get(watch).is_some_and(|seen| seen.count >= seen.watch.times)
    }

    /// From here on waits for these notes.
    pub(super) fn await_notes(&mut self, notes: impl IntoIterator<Item = (ProcessId, &'static str)>) {
        self.awaited = notes.into_iter().collect();
    }

    /// Who has not said yet what is waited for.
    pub(super) fn awaited(&self) -> impl Iterator<Item = ProcessId> {
        self.awaited.iter().map(|(process, _)| *process)
    }

    /// The service's judges.
    pub fn judges(&self) -> &J {
        &self.judges
    }

    fn roles(&self) -> Roles<'_> {
        let rank = |site: &crate::ids::SiteId| match self.roles[site.index()] {
            Some(Role::Leader { rank }) => Some(rank),
            _ => None,
        };
        let leader = self.sites.iter().filter(|site| rank(site).is_some()).max_by_key(rank);
        let follows = |site: &crate::ids::SiteId| self.roles[site.index()].is_some() && rank(site).is_none();
        let campaigns = |site: &crate::ids::SiteId| self.roles[site.index()] == Some(Role::Candidate);
        let is_up = |site: &crate::ids::SiteId| self.roles[site.index()].is_some();
        Roles {
            leader,
            follower: self.sites.iter().find(follows),
            candidate: self.sites.iter().find(campaigns),
            laggard: self.sites.iter().filter(is_up).min_by_key(|site| self.progress[site.index()]),
            ends: None,
            sites: self.sites,
            machines: &self.machines,
        }
    }

    /// Counts what happened; the first forbidden thing is a violation.
    fn look<P: Process>(&mut self, seen: &Observation<'_, P>) -> Result<(), Violation> {
        let became = self.becomes_leader(seen);
        if self.watches.iter().any(|one| concerns(&one.watch.trigger, seen, became)) {
            let mut watches = core::mem::take(&mut self.watches);
            let roles = self.roles();
            for one in &mut watches {
                one.count += matches(&one.watch.trigger, seen, became, &roles);
            }
            self.watches = watches;
        }
        if let Observation::Noted { process, note } = seen
            && !self.awaited.is_empty()
        {
            self.awaited.retain(|awaited| *awaited != (*process, note.kind()));
        }
        let broken = |one: &&Seen| one.watch.is_forbidden && one.count >= one.watch.times;
        match self.watches.iter().find(broken) {
            Some(Seen { watch: Watch { name, trigger: Trigger::Leads(_), times, .. }, .. }) if *times > 1 => {
                let (most, plural) = (times - 1, if *times == 2 { "" } else { "s" });
                let explanation =
                    format!("{name} allows {most} leadership{plural}, {} leads as number {times}", who(seen));
                Err(Violation { property: "steady", explanation })
            }
            Some(one) => Err(Violation {
                property: "never",
                explanation: format!(
                    "{} forbids that {} {}",
                    one.watch.name,
                    who(seen),
                    did(&one.watch.trigger)
                ),
            }),
            None => Ok(()),
        }
    }

    /// Keeps account of the roles; the site that becomes leader right then.
    fn becomes_leader<P: Process>(&mut self, seen: &Observation<'_, P>) -> Option<ProcessId> {
        let (process, role, progress) = match seen {
            Observation::Started { process, state, .. } | Observation::Handled { process, state } => {
                (*process, Some(state.role()), state.progress())
            }
            Observation::Crashed { process, .. } => (*process, None, 0),
            _ => return None,
        };
        let place = process.as_site()?.index();
        self.progress[place] = progress;
        let known = &mut self.roles[place];
        let before = core::mem::replace(known, role);
        let leads = matches!(role, Some(Role::Leader { .. }));
        (leads && before != role).then_some(process)
    }
}

impl<P: Process, J: Judge<P>> Judge<P> for Watched<J> {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, P>) -> Result<(), Violation> {
        if let Observation::Noted { note, .. } = seen {
            self.count(note.kind());
        }
        self.judges.observe(now, seen)?;
        self.look(seen)
    }
}

/// Whether `trigger` may happen in what is seen, for all that is known without asking who plays which part.
fn concerns<P: Process>(trigger: &Trigger, seen: &Observation<'_, P>, became: Option<ProcessId>) -> bool {
    match (trigger, seen) {
        (Trigger::Leads(_), _) => became.is_some(),
        (Trigger::Sent(filter, _), Observation::Sent { datagram, .. }) => says(filter, &datagram.labels),
        (Trigger::Noted { kind, .. }, Observation::Noted { note, .. }) => note.kind() == kind,
        (Trigger::Delivered(..), Observation::Delivered { .. })
        | (Trigger::Crashed(_), Observation::Crashed { .. })
        | (Trigger::Restarted(_), Observation::Started { .. }) => true,
        _ => false,
    }
}

/// How often `trigger` happens in what is seen.
fn matches<P: Process>(
    trigger: &Trigger,
    seen: &Observation<'_, P>,
    became: Option<ProcessId>,
    roles: &Roles<'_>,
) -> u64 {
    let is_hit = match (trigger, seen) {
        (Trigger::Leads(who), _) => became.is_some_and(|site| roles.is(*who, site)),
        (Trigger::Sent(filter, _), Observation::Sent { datagram, .. }) => {
            let is_hit = roles.is(filter.from, datagram.from) && says(filter, &datagram.labels);
            let hits = datagram.to.iter().filter(|to| is_hit && roles.is(filter.to, *to));
            return hits.count() as u64;
        }
        (Trigger::Delivered(filter, _), Observation::Delivered { to, from, message }) => {
            let label = [(message.kind(), message.subject())];
            is_between(filter, *from, *to, roles) && says(filter, &label)
        }
        (Trigger::Noted { who, kind, about }, Observation::Noted { process, note }) => {
            let is_about = about.as_ref().is_none_or(|about| about.is(note.subject()));
            note.kind() == kind && is_about && roles.is(*who, *process)
        }
        (Trigger::Crashed(who), Observation::Crashed { process, .. }) => roles.is(*who, *process),
        (Trigger::Restarted(who), Observation::Started { process, incarnation, .. }) => {
            *incarnation > 1 && roles.is(*who, *process)
        }
        _ => false,
    };
    u64::from(is_hit)
}

fn is_between(filter: &Filter, from: ProcessId, to: ProcessId, roles: &Roles<'_>) -> bool {
    roles.is(filter.from, from) && roles.is(filter.to, to)
}

/// What somebody did who made `trigger` happen.
fn did(trigger: &Trigger) -> String {
    let kind = |filter: &Filter| filter.kind.clone().unwrap_or_else(|| "any datagram".to_owned());
    match trigger {
        Trigger::Leads(_) => "leads".to_owned(),
        Trigger::Sent(filter, nth) => format!("sends {}, for the time number {nth}", kind(filter)),
        Trigger::Delivered(filter, nth) => format!("is handed {}, for the time number {nth}", kind(filter)),
        Trigger::Noted { kind, .. } => format!("notes `{kind}`"),
        Trigger::Crashed(_) => "crashes".to_owned(),
        Trigger::Restarted(_) => "restarts".to_owned(),
        Trigger::At(_) | Trigger::After(_) => "is there at that time".to_owned(),
    }
}

fn who<P: Process>(seen: &Observation<'_, P>) -> ProcessId {
    match seen {
        Observation::Started { process, .. }
        | Observation::Crashed { process, .. }
        | Observation::Restored { process }
        | Observation::Commanded { process, .. }
        | Observation::Durable { process, .. }
        | Observation::Noted { process, .. }
        | Observation::Handled { process, .. } => *process,
        Observation::Sent { datagram, .. } => datagram.from,
        Observation::Delivered { to, .. } => *to,
    }
}
