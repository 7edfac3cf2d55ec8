//! Events that must not happen in a run, or that must, counted from its first event to its last.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

use crate::sim::net::rule::Filter;
use crate::sim::net::rules::Roles;
use crate::sim::script::matcher::{Happening, Nearness, compare};
use crate::sim::script::question::{Asked, Question};
use crate::sim::script::{Target, Trigger};
use crate::sim::watch::judge::Violation;

/// An event that is watched for throughout a run, whatever its steps do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watchpoint {
    /// Its name in messages: `expect[2]`.
    pub name: String,
    /// The demand on the run.
    pub demand: Demand,
}

/// A demand on a run as a whole. Its triggers name events, not times, and count from the start of the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Demand {
    /// This must not happen. The moment it does, it is a violation of `never`.
    Never(Trigger),
    /// The answer to this is to be known. Whether it must be yes is up to the driver of the world, which reads the
    /// answer with [`World::has_happened`](crate::sim::World::has_happened).
    Sometimes(Question),
    /// Processes become leader at most this often. Once more is a violation of `leaderships`.
    LeadershipsAtMost(u64),
}

const LEADS: &Trigger = &Trigger::Leads(Target::Any);

impl Demand {
    /// Whether `is` holds for any of the events that it is about.
    pub(crate) fn any(&self, is: &dyn Fn(&Trigger) -> bool) -> bool {
        match self {
            Demand::Never(trigger) => is(trigger),
            Demand::Sometimes(question) => question.any(is),
            Demand::LeadershipsAtMost(_) => is(LEADS),
        }
    }

    fn seen_nothing(&self) -> Seen {
        match self {
            Demand::Sometimes(question) => Seen::Asked(Asked::new(question)),
            Demand::Never(_) | Demand::LeadershipsAtMost(_) => Seen::Count(0),
        }
    }
}

/// What has been seen of a demand.
#[derive(Clone, Debug)]
enum Seen {
    /// The number of occurrences of its event.
    Count(u64),
    /// The progress of its question.
    Asked(Asked),
}

impl Watchpoint {
    /// Takes an event, with the roles at that moment. Objects if it breaks the demand.
    fn happened<'a>(
        &self,
        seen: &mut Seen,
        happening: &Happening<'_>,
        roles: &impl Deref<Target = Roles<'a>>,
    ) -> Result<(), Violation> {
        let is = |trigger: &Trigger| compare(trigger, happening, roles) == Nearness::Match;
        let (name, who) = (&self.name, happening.who());
        match (&self.demand, seen) {
            (Demand::Sometimes(_), Seen::Asked(asked)) => asked.happened(&is),
            (Demand::Never(trigger), Seen::Count(count)) if is(trigger) => {
                *count += 1;
                if *count >= trigger.nth() {
                    let explanation = format!("{name} forbids that {who} {}", action_text(trigger));
                    return Err(Violation::new("never", explanation));
                }
            }
            (Demand::LeadershipsAtMost(most), Seen::Count(number)) if is(LEADS) => {
                *number += 1;
                if *number > *most {
                    let plural = if *most == 1 { "" } else { "s" };
                    let allowed = format!("{name} allows {most} leadership{plural}");
                    let explanation = format!("{allowed}, {who} leads as number {number}");
                    return Err(Violation::new("leaderships", explanation));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The watchpoints of one world, with what has been seen of them.
#[derive(Clone, Debug)]
pub(crate) struct Watchpoints {
    list: Arc<Vec<Watchpoint>>,
    seen: Vec<Seen>,
    /// Whether any watches for datagrams. Checked for every datagram.
    pub(crate) watch_datagrams: bool,
    /// Whether any watches for notes.
    pub(crate) watch_notes: bool,
}

impl Watchpoints {
    pub(crate) fn new(list: Vec<Watchpoint>) -> Watchpoints {
        let any = |is: fn(&Trigger) -> bool| list.iter().any(|watchpoint| watchpoint.demand.any(&is));
        Watchpoints {
            seen: list.iter().map(|watchpoint| watchpoint.demand.seen_nothing()).collect(),
            watch_datagrams: any(Trigger::is_datagram),
            watch_notes: any(|trigger| matches!(trigger, Trigger::Noted { .. })),
            list: Arc::new(list),
        }
    }

    /// Takes an event, with the roles at that moment. The first watchpoint that it breaks objects.
    pub(crate) fn happened<'a>(
        &mut self,
        happening: &Happening<'_>,
        roles: &impl Deref<Target = Roles<'a>>,
    ) -> Result<(), Violation> {
        let mut verdict = Ok(());
        for (watchpoint, seen) in self.list.iter().zip(&mut self.seen) {
            verdict = verdict.and(watchpoint.happened(seen, happening, roles));
        }
        verdict
    }

    /// Whether the question of the watchpoint with this number, from 0, is answered with yes if the run ends here;
    /// `false` if that watchpoint asks nothing or does not exist.
    pub(crate) fn has_happened(&self, number: usize) -> bool {
        matches!(self.seen.get(number), Some(Seen::Asked(asked)) if asked.is_true())
    }
}

/// What a process did that made `trigger` happen.
fn action_text(trigger: &Trigger) -> String {
    let kind = |filter: &Filter| filter.kind.clone().unwrap_or_else(|| "any datagram".to_string());
    match trigger {
        Trigger::Leads(_) => "leads".to_string(),
        Trigger::Sent(filter, nth) => format!("sends {}, for the time number {nth}", kind(filter)),
        Trigger::Delivered(filter, nth) => format!("is handed {}, for the time number {nth}", kind(filter)),
        Trigger::Noted { kind, .. } => format!("notes `{kind}`"),
        Trigger::Crashed(_) => "crashes".to_string(),
        Trigger::Restarted(_) => "restarts".to_string(),
        Trigger::LinkDown(_) => "learns of a broken link".to_string(),
        Trigger::LinkUp(_) => "learns of a link that is up again".to_string(),
        Trigger::At(_) | Trigger::After(_) => "is there at that time".to_string(),
    }
}
