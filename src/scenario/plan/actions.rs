//! Checks what a step does.

use super::steps::{CommandOf, MessageOf};
use crate::ids::SiteSet;
use crate::process::{Label, Links};
use crate::ron_file::Place;
use crate::ron_file::nearest::nearest;
use crate::scenario::namespace::Word;
use crate::scenario::plan::{PlannedCheck, Planner};
use crate::scenario::service::Service;
use crate::scenario::step::{Fault, FlyingTraffic};
use crate::sim::{Aim, ClockFault, CopyFilter, DRIFT_MAX, DiskFault, LinkFault, ScriptAction, Target};
use crate::time::Duration;

/// The longest sync. `SLOW_MAX` is the longest time that a slow process takes for one input.
const SYNC_MAX: Duration = Duration::from_secs(3_600);
const SLOW_MAX: Duration = Duration::from_secs(60);

/// The longest delay of a datagram by hand: the network keeps it until it arrives.
const DELAY_MAX: Duration = Duration::from_secs(3_600);

/// The farthest that a clock is set: ten years.
const STEP_MAX: Duration = Duration::from_secs(315_360_000);

impl<S: Service> Planner<S> {
    pub(super) fn action(
        &mut self,
        place: &Place,
        step: &Place,
        action: &Word<Fault<S::Expectation>, S::Command>,
    ) -> Option<ScriptAction<CommandOf<S>>> {
        let fault = match action {
            Word::Harness(fault) => fault,
            Word::Service(command) => {
                let order = self.within(place, S::compile(command))?;
                let to = self.receiver(&place.then(&order.place), order.to)?;
                return Some(ScriptAction::Command(to, order.command));
            }
        };
        if let Some(aimed) = fault.aimed() {
            self.check_delivery(place, aimed.row());
            return self.aimed(place, aimed);
        }
        let inner = place.index(0);
        let planned = match fault {
            Fault::Partition(groups) => {
                if groups.len() < 2 {
                    self.wrong(inner.clone(), "a partition into one group", "at least two groups");
                }
                ScriptAction::Partition(self.disjoint(&inner, groups))
            }
            Fault::Cut { from, to } => ScriptAction::Cut {
                from: self.sites(&place.field("from"), from),
                to: self.sites(&place.field("to"), to),
            },
            Fault::Mend(one, other) => {
                let problems =
                    [(0, *one), (1, *other)].map(|(at, site)| self.shape.check_site(site, place.index(at)));
                self.problems.extend(problems.into_iter().flatten());
                if one == other {
                    self.wrong(place.index(1), "no link goes from a site to itself", "two different sites");
                }
                ScriptAction::Mend(self.shape.site(*one)?, self.shape.site(*other)?)
            }
            Fault::Clog { from, to } => {
                let (from, to) = self.links(place, from, to);
                ScriptAction::Clog { from, to }
            }
            Fault::Unclog { from, to } => {
                if !self.can_clog {
                    let message = "no link is ever clogged";
                    self.wrong(
                        place.clone(),
                        message,
                        "a step with `Clog(..)` before it or in another track",
                    );
                }
                let (from, to) = self.links(place, from, to);
                ScriptAction::Unclog { from, to }
            }
            Fault::Redeliver(name) => {
                self.check_order(place, LinkFault::Redeliver);
                if !self.keepers.contains(name) {
                    let help = match self.keepers.is_empty() {
                        true => "a rule with this name and `then: Keep`".to_owned(),
                        false => nearest(name, &self.keepers).help(),
                    };
                    self.wrong(inner, format!("no rule `{name}` keeps anything"), help);
                    return None;
                }
                ScriptAction::Redeliver(name.clone())
            }
            Fault::Rule(rule) => ScriptAction::Rule(self.rule(place, rule)?),
            Fault::Deliver(copy) => ScriptAction::Deliver(self.under_way(place, copy)?),
            Fault::Lose(copy) => ScriptAction::Lose(self.under_way(place, copy)?),
            Fault::Double(copy) => ScriptAction::Double(self.under_way(place, copy)?),
            Fault::Delay(copy, by) => {
                if *by == Duration::ZERO || *by > DELAY_MAX {
                    let message = format!("delayed by {by}");
                    self.wrong(place.index(1), message, format!("1us to {DELAY_MAX}"));
                }
                ScriptAction::Delay(self.under_way(&inner, copy)?, *by)
            }
            Fault::Heal => ScriptAction::Heal,
            Fault::Expect(expectation) => {
                self.fired_by = None;
                let number = self.checks.len();
                let name = step.to_string();
                let what = self.check(&inner, &name, expectation)?;
                self.checks.push(PlannedCheck { name, what });
                ScriptAction::Check(number)
            }
            aimed => unreachable!("{aimed:?} is done to somebody, and made above"),
        };
        // What overtakes what was sent before it, or is lost.
        match &planned {
            ScriptAction::Deliver(_) | ScriptAction::Double(_) | ScriptAction::Delay(..) => {
                self.check_by_hand(place, planned.row().name(), Links::Datagrams);
            }
            ScriptAction::Lose(_) => self.check_by_hand(place, planned.row().name(), Links::Fifo),
            _ => {}
        }
        // Rules and `Redeliver` are refused by the order of links.
        if !matches!(planned, ScriptAction::Rule(_) | ScriptAction::Redeliver(_)) {
            self.check_delivery(place, planned.row());
        }
        Some(planned)
    }

    /// The datagram under way that a step means.
    fn under_way(&mut self, place: &Place, copy: &FlyingTraffic) -> Option<CopyFilter> {
        if copy.nth == 0 {
            self.wrong(place.field("nth"), "`nth` counts from 1", "1 is the first");
        }
        let about = self.about(place, copy.subject.as_ref(), copy.slot, &<MessageOf<S> as Label>::nouns());
        let filter = self.filter(place, copy.kind.as_deref(), (copy.from, copy.to), about)?;
        Some(CopyFilter { filter, nth: copy.nth })
    }

    /// An action on a target, if the target is allowed and the values are in range.
    pub(super) fn aimed(
        &mut self,
        place: &Place,
        action: ScriptAction<CommandOf<S>>,
    ) -> Option<ScriptAction<CommandOf<S>>> {
        let (inner, value, row, who) = (place.index(0), place.index(1), action.row(), action.target()?);
        match &action {
            ScriptAction::SyncTime(_, time) => self.check_sync_time(&value, *time),
            ScriptAction::Slow(_, time) if *time > SLOW_MAX => {
                self.wrong(value, format!("{time} for each input"), format!("at most {SLOW_MAX}"));
            }
            ScriptAction::Clock(_, fault) => self.check_clock(&value.index(0), *fault),
            ScriptAction::Disk(_, DiskFault::Restore) => self.check_amnesia(&inner),
            _ => {}
        }
        if row.damages {
            self.count_loss(&inner, who);
        }
        match (row.aim, who) {
            (Aim::LivesByNumber, Target::Leader | Target::Follower | Target::Candidate | Target::Laggard) => {
                let message = "who is down has no role";
                self.wrong(inner, message, "expected `Site(..)`, `Client(..)`, `Machine(..)` or `AllSites`");
                return None;
            }
            (Aim::Sites, _) => self.site_like(&inner, who, false)?,
            (Aim::Lives | Aim::LivesByNumber, _) => self.living(&inner, who, false)?,
            (Aim::Processes | Aim::Nobody, _) => self.somebody(&inner, who)?,
        };
        Some(action)
    }

    /// Both ends of links between sites.
    fn links(&mut self, place: &Place, from: &[u8], to: &[u8]) -> (SiteSet, SiteSet) {
        if from.len() == 1 && from == to {
            self.wrong(place.field("to"), "no link goes from a site to itself", "two different sites");
        }
        (self.sites(&place.field("from"), from), self.sites(&place.field("to"), to))
    }

    /// Checks the sync time of a disk.
    pub(super) fn check_sync_time(&mut self, place: &Place, time: Duration) {
        if time > SYNC_MAX {
            self.wrong(place.clone(), format!("a sync of {time}"), format!("at most {SYNC_MAX}"));
        }
    }

    fn check_clock(&mut self, place: &Place, fault: ClockFault) {
        match fault {
            ClockFault::Fast(percent) | ClockFault::Slow(percent) => {
                if percent > DRIFT_MAX {
                    let message = format!("a clock that drifts by {} %", percent.0);
                    self.wrong(place.clone(), message, format!("at most {}%", DRIFT_MAX.0));
                }
            }
            ClockFault::Ahead(by) | ClockFault::Behind(by) => {
                if by == Duration::ZERO || by > STEP_MAX {
                    let message = format!("a clock that is set by {by}");
                    self.wrong(place.clone(), message, format!("1us to {STEP_MAX}"));
                }
            }
        }
    }

    fn sites(&mut self, place: &Place, numbers: &[u8]) -> SiteSet {
        if numbers.is_empty() {
            self.wrong(place.clone(), "no site at all", "at least one site");
        }
        for (at, number) in numbers.iter().enumerate() {
            self.problems.extend(self.shape.check_site(*number, place.index(at)));
        }
        numbers.iter().filter_map(|number| self.shape.site(*number)).collect()
    }
}
