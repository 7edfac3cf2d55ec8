//! Events that must not happen in a run, or that must, counted from its first event to its last.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

use crate::ids::ProcessId;
use crate::sim::net::rule::Filter;
use crate::sim::net::rules::Roles;
use crate::sim::script::matcher::{Happening, Nearness, compare};
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
    /// This must happen. The driver of the world checks it with
    /// [`World::has_happened`](crate::sim::World::has_happened).
    Sometimes(Trigger),
    /// Processes become leader at most this often. Once more is a violation of `leaderships`.
    LeadershipsAtMost(u64),
}

const LEADS: &Trigger = &Trigger::Leads(Target::Any);

impl Demand {
    pub(crate) const fn trigger(&self) -> &Trigger {
        match self {
            Demand::Never(trigger) | Demand::Sometimes(trigger) => trigger,
            Demand::LeadershipsAtMost(_) => LEADS,
        }
    }

    /// The number of occurrences that decide it.
    const fn times(&self) -> u64 {
        match self {
            Demand::Never(trigger) | Demand::Sometimes(trigger) => trigger.nth(),
            Demand::LeadershipsAtMost(most) => most.saturating_add(1),
        }
    }
}

impl Watchpoint {
    /// Objects if this occurrence, with its number and its process, breaks the demand.
    fn judge(&self, number: u64, who: ProcessId) -> Result<(), Violation> {
        if number < self.demand.times() {
            return Ok(());
        }
        let name = &self.name;
        let (property, explanation) = match &self.demand {
            Demand::Sometimes(_) => return Ok(()),
            Demand::Never(trigger) => {
                ("never", format!("{name} forbids that {who} {}", action_text(trigger)))
            }
            Demand::LeadershipsAtMost(most) => {
                let plural = if *most == 1 { "" } else { "s" };
                let allowed = format!("{name} allows {most} leadership{plural}");
                ("leaderships", format!("{allowed}, {who} leads as number {number}"))
            }
        };
        Err(Violation { property, explanation })
    }
}

/// The watchpoints of one world, with their counts.
#[derive(Clone, Debug)]
pub(crate) struct Watchpoints {
    list: Arc<Vec<Watchpoint>>,
    counts: Vec<u64>,
    /// Whether any watches for datagrams. Checked for every datagram.
    pub(crate) watch_datagrams: bool,
    /// Whether any watches for notes.
    pub(crate) watch_notes: bool,
}

impl Watchpoints {
    pub(crate) fn new(list: Vec<Watchpoint>) -> Watchpoints {
        let any = |is: fn(&Trigger) -> bool| list.iter().any(|watchpoint| is(watchpoint.demand.trigger()));
        Watchpoints {
            counts: alloc::vec![0; list.len()],
            watch_datagrams: any(Trigger::is_datagram),
            watch_notes: any(|trigger| matches!(trigger, Trigger::Noted { .. })),
            list: Arc::new(list),
        }
    }

    /// Counts an event, with the roles at that moment. The first watchpoint that it breaks objects.
    pub(crate) fn happened<'a>(
        &mut self,
        happening: &Happening<'_>,
        roles: &impl Deref<Target = Roles<'a>>,
    ) -> Result<(), Violation> {
        let mut verdict = Ok(());
        for (watchpoint, count) in self.list.iter().zip(&mut self.counts) {
            if compare(watchpoint.demand.trigger(), happening, roles) == Nearness::Match {
                *count += 1;
                verdict = verdict.and_then(|()| watchpoint.judge(*count, happening.who()));
            }
        }
        verdict
    }

    /// Whether the event of the watchpoint with this number, from 0, has happened; `false` if there is no such
    /// watchpoint.
    pub(crate) fn has_happened(&self, number: usize) -> bool {
        let mut seen = self.list.iter().zip(&self.counts).skip(number);
        seen.next().is_some_and(|(watchpoint, count)| *count >= watchpoint.demand.times())
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
