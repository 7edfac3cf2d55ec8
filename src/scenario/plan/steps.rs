//! Checks steps, events and rules.

use crate::ids::SiteSet;
use crate::process::{Label, Links, Process, Subject};
use crate::ron_file::nearest::nearest;
use crate::ron_file::{Place, Problem};
use crate::scenario::form::{Scenario, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::plan::{PlannedCheck, Planner};
use crate::scenario::service::Service;
use crate::scenario::step::{EventPattern, Fault, FlyingTraffic, Rule, Traffic, When};
use crate::sim::{
    self, About, Aim, ClockFault, CopyFilter, DRIFT_MAX, DiskFault, Filter, KEPT_MAX, LinkFault, Ruling,
    ScriptAction, ScriptStep, Slots, Target, Track, Trigger,
};
use crate::time::{Duration, Instant};

type CommandOf<S> = <<S as Service>::Process as Process>::Command;
type MessageOf<S> = <<S as Service>::Process as Process>::Message;
type NoteOf<S> = <<S as Service>::Process as Process>::Note;

/// Whether any step does something for which `is` holds.
pub(super) fn can<S: Service>(scenario: &Scenario<S>, is: fn(&Fault<S::Expectation>) -> bool) -> bool {
    let steps = scenario.steps.iter().chain(scenario.also.iter().flatten());
    steps.into_iter().any(|step| matches!(&step.action, Word::Harness(fault) if is(fault)))
}

pub(super) fn crashes<E>(fault: &Fault<E>) -> bool {
    fault.aimed::<()>().is_some_and(|aimed| aimed.row().stops)
}

pub(super) fn restarts<E>(fault: &Fault<E>) -> bool {
    matches!(fault, Fault::Restart(_) | Fault::Heal)
}

/// Whether it does anything but crash sites, start them or check an expectation.
pub(super) fn disturbs<E>(fault: &Fault<E>) -> bool {
    !matches!(fault, Fault::Crash(_) | Fault::Restart(_) | Fault::Expect(_))
}

pub(super) fn saves<E>(fault: &Fault<E>) -> bool {
    matches!(fault, Fault::Disk(_, DiskFault::Save))
}

pub(super) fn clogs<E>(fault: &Fault<E>) -> bool {
    matches!(fault, Fault::Clog { .. })
}

/// The names of all rules that keep copies, at the start or in steps.
pub(super) fn keepers<S: Service>(scenario: &Scenario<S>) -> Vec<String> {
    let steps = scenario.steps.iter().chain(scenario.also.iter().flatten());
    let later = steps.filter_map(|step| match &step.action {
        Word::Harness(Fault::Rule(rule)) => Some(rule),
        _ => None,
    });
    let keeping = scenario.rules.iter().chain(later).filter(|rule| rule.then == Ruling::Keep);
    keeping.filter_map(|rule| rule.name.clone()).collect()
}

/// The longest sync. `SLOW_MAX` is the longest time that a slow process takes for one input.
const SYNC_MAX: Duration = Duration::from_secs(3_600);
const SLOW_MAX: Duration = Duration::from_secs(60);

/// The longest delay of a datagram by hand: the network keeps it until it arrives.
const DELAY_MAX: Duration = Duration::from_secs(3_600);

/// The farthest that a clock is set: ten years.
const STEP_MAX: Duration = Duration::from_secs(315_360_000);

/// What an event means that is asked about in runs of `scenario`, or what is wrong with it. It need not be possible there.
pub(in crate::scenario) fn asked<S: Service>(
    scenario: &Scenario<S>,
    event: &EventPattern,
) -> Result<Trigger, Vec<Problem>> {
    let mut planner = Planner::<S>::new(scenario);
    planner.machines(scenario.machines.as_deref());
    match planner.event(&Place::whole(), event, true) {
        Some(trigger) if planner.problems.is_empty() => Ok(trigger),
        _ => Err(planner.problems),
    }
}

fn moment(since_start: Duration) -> Instant {
    Instant::ZERO + since_start
}

impl<S: Service> Planner<S> {
    /// A track. Its times must not contradict each other or the limit.
    pub(super) fn track(
        &mut self,
        place: &Place,
        steps: &[StepOf<S>],
        limit: Duration,
    ) -> Track<CommandOf<S>> {
        let mut track = Vec::new();
        // The earliest time at which the current step can fire.
        let mut earliest = Duration::ZERO;
        for (number, step) in steps.iter().enumerate() {
            let whole = place.index(number);
            let inner = step.is_optional.then(|| whole.index(0));
            let place = inner.as_ref().unwrap_or(&whole);
            let trigger = match &step.when {
                When::At(time) => {
                    if *time < earliest {
                        let message =
                            format!("at {time}, but the step before it fires at {earliest} or later");
                        self.wrong(
                            place.index(0),
                            message,
                            "a track's times ascend; tracks under `also` run beside",
                        );
                    }
                    earliest = earliest.max(*time);
                    Some(Trigger::At(moment(*time)))
                }
                When::After(time) => {
                    earliest = earliest + *time;
                    Some(Trigger::After(*time))
                }
                When::On(event) => self.event(&place.index(0), event, false),
            };
            if earliest > limit && !matches!(step.when, When::On(_)) {
                let message = format!("this step can never fire: steps are given up at {limit}");
                self.wrong(place.index(0), message, "a later `limit`, or an earlier time");
            }
            self.fired_by = match &step.when {
                When::On(EventPattern::Sent(traffic) | EventPattern::Delivered(traffic)) => {
                    Some((traffic.from, traffic.to))
                }
                When::At(_) | When::After(_) | When::On(_) => None,
            };
            let action = self.action(&place.index(1), &whole, &step.action);
            self.fired_by = None;
            if let (Some(trigger), Some(action)) = (trigger, action) {
                track.push(ScriptStep { trigger, action, is_optional: step.is_optional });
            }
        }
        track
    }

    /// An event to wait for or, if `is_forbidden`, one that must not happen.
    pub(super) fn event(
        &mut self,
        place: &Place,
        event: &EventPattern,
        is_forbidden: bool,
    ) -> Option<Trigger> {
        let target = place.index(0);
        match event {
            EventPattern::Leads(who) => {
                let found = self.who(&target, *who);
                self.may_lead(&target, *who).then_some(Trigger::Leads(found?))
            }
            EventPattern::Sent(traffic) => {
                self.traffic(place, traffic).map(|filter| Trigger::Sent(filter, traffic.nth))
            }
            EventPattern::Delivered(traffic) => {
                self.traffic(place, traffic).map(|filter| Trigger::Delivered(filter, traffic.nth))
            }
            EventPattern::Noted { kind, who, subject, slot } => {
                let is_known = self.kind(&place.field("kind"), kind, &S::notes(), "kind of note");
                let about = self.about(place, subject.as_ref(), *slot, &<NoteOf<S> as Label>::nouns());
                let who = self.who(&place.field("who"), *who)?;
                is_known.then_some(Trigger::Noted { who, kind: kind.clone(), about: about? })
            }
            EventPattern::Crashed(who) => {
                if !self.can_crash && !is_forbidden {
                    let message = "this never happens: no step of this scenario crashes anything";
                    self.wrong(place.clone(), message, "a step with `Crash(..)` in another track");
                }
                Some(Trigger::Crashed(self.living(&target, *who, true)?))
            }
            EventPattern::Restarted(who) => {
                if !self.can_restart && !is_forbidden {
                    let message = "this never happens: no step of this scenario restarts anything";
                    self.wrong(
                        place.clone(),
                        message,
                        "a step with `Restart(..)` or `Heal` in another track",
                    );
                }
                Some(Trigger::Restarted(self.living(&target, *who, true)?))
            }
            EventPattern::LinkDown(who) => {
                self.check_can_break(place, is_forbidden);
                Some(Trigger::LinkDown(self.who(&target, *who)?))
            }
            EventPattern::LinkUp(who) => {
                self.check_can_break(place, is_forbidden);
                Some(Trigger::LinkUp(self.who(&target, *who)?))
            }
        }
    }

    fn traffic(&mut self, place: &Place, traffic: &Traffic) -> Option<Filter> {
        if traffic.nth == 0 {
            self.wrong(place.field("nth"), "`nth` counts from 1", "1 is the first");
        }
        let about =
            self.about(place, traffic.subject.as_ref(), traffic.slot, &<MessageOf<S> as Label>::nouns());
        self.filter(place, traffic.kind.as_deref(), (traffic.from, traffic.to), about)
    }

    fn filter(
        &mut self,
        place: &Place,
        kind: Option<&str>,
        (from, to): (Target, Target),
        about: Option<Option<About>>,
    ) -> Option<Filter> {
        let is_known =
            kind.is_none_or(|kind| self.kind(&place.field("kind"), kind, &S::messages(), "kind of message"));
        let ends = (self.who(&place.field("from"), from), self.who(&place.field("to"), to));
        if let (Some(one), Some(other)) = ends
            && let (Some(one), Some(other)) = (one.process(), other.process())
            && one.shares_program_with(other)
        {
            let message = "no datagram goes from here to itself over the network";
            self.wrong(place.field("to"), message, "two processes in different programs");
        }
        let (from, to, about) = (ends.0?, ends.1?, about?);
        is_known.then(|| Filter { kind: kind.map(str::to_owned), from, to, about, slots: None })
    }

    /// The subject that messages or notes must have; `None` if it is wrong.
    fn about(
        &mut self,
        place: &Place,
        about: Option<&About>,
        slot: Option<u64>,
        nouns: &[&str],
    ) -> Option<Option<About>> {
        let (about, field) = match (about, slot) {
            (None, None) => return Some(None),
            (Some(about), None) => (about.clone(), "subject"),
            (None, Some(slot)) => (About::slot(slot), "slot"),
            (Some(_), Some(_)) => {
                self.wrong(place.field("slot"), "it is about two things at once", "`subject` or `slot`");
                return None;
            }
        };
        let is_known = self.kind(&place.field(field), &about.noun, nouns, "subject");
        is_known.then_some(Some(about))
    }

    fn kind(&mut self, place: &Place, kind: &str, known: &[&str], what: &str) -> bool {
        let is_known = known.is_empty() || known.contains(&kind);
        if !is_known {
            self.wrong(place.clone(), format!("unknown {what} `{kind}`"), nearest(kind, known).help());
        }
        is_known
    }

    /// A target that has a disk. `Any` is refused unless `may_be_any`.
    fn site_like(&mut self, place: &Place, who: Target, may_be_any: bool) -> Option<Target> {
        let help =
            "expected `Site(..)`, `Leader`, `Candidate`, `Follower`, `Laggard`, `Machine(..)` or `AllSites`";
        self.site_or(place, who, may_be_any, help)
    }

    fn site_or(&mut self, place: &Place, who: Target, may_be_any: bool, help: &str) -> Option<Target> {
        let message = match self.meant(who) {
            Target::Any if !may_be_any => "`Any` says nothing here",
            Target::Terminal(_) => "a terminal lives and dies with its site",
            Target::Client(_) => "a client has neither a disk nor seams",
            _ => return self.who(place, who),
        };
        self.wrong(place.clone(), message, help);
        None
    }

    /// A target that crashes and restarts by itself. `Any` is refused unless `may_be_any`.
    fn living(&mut self, place: &Place, who: Target, may_be_any: bool) -> Option<Target> {
        match self.meant(who) {
            Target::Client(_) => self.who(place, who),
            _ => {
                let help =
                    "expected `Site(..)`, `Client(..)`, a role like `Leader`, `Machine(..)` or `AllSites`";
                self.site_or(place, who, may_be_any, help)
            }
        }
    }

    /// Resolves `Sender` and `Recipient` to the target that the step's trigger names, if it names one.
    fn meant(&self, who: Target) -> Target {
        match (who, self.fired_by) {
            (Target::Sender, Some((from, _))) if from != Target::Any => from,
            (Target::Recipient, Some((_, to))) if to != Target::Any => to,
            _ => who,
        }
    }

    /// A target other than `Any`.
    fn somebody(&mut self, place: &Place, who: Target) -> Option<Target> {
        if who == Target::Any {
            let help = "expected `Site(..)`, `Client(..)`, a role like `Leader`, `Machine(..)` or `AllSites`";
            self.wrong(place.clone(), "`Any` says nothing here", help);
            return None;
        }
        self.who(place, who)
    }

    fn action(
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
    fn aimed(
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

    pub(super) fn rules(&mut self, rules: &[Rule]) -> Vec<sim::LinkRule> {
        let place = Place::whole().field("rules");
        let rules = rules.iter().enumerate();
        rules.filter_map(|(number, rule)| self.rule(&place.index(number), rule)).collect()
    }

    fn rule(&mut self, place: &Place, rule: &Rule) -> Option<sim::LinkRule> {
        if rule.until.is_some_and(|until| until <= rule.since) {
            let message =
                format!("this rule is never live: its window ends before it begins, at {}", rule.since);
            self.wrong(place.field("until"), message, "later than `since`");
        }
        if rule.count == Some(0) {
            self.wrong(place.field("count"), "a rule that rules on nothing", "at least 1");
        }
        self.check_order(&place.field("then"), LinkFault::Rule(rule.then));
        match rule.then {
            Ruling::Drop | Ruling::Delay(_) | Ruling::Corrupt | Ruling::Truncate => {}
            Ruling::Duplicate { copies, .. } => {
                if !(1..=100).contains(&copies) {
                    self.wrong(place.field("then").field("copies"), format!("{copies} copies"), "1 to 100");
                }
            }
            Ruling::Misdeliver(who) => {
                self.somebody(&place.field("then").index(0), who)?;
            }
            Ruling::Keep => {
                if rule.name.is_none() {
                    let message = "what it keeps can never arrive again";
                    self.wrong(place.field("then"), message, "a `name`, for the step `Redeliver(..)`");
                }
                if let Some(count) = rule.count.filter(|count| *count > KEPT_MAX) {
                    self.wrong(
                        place.field("count"),
                        format!("{count} copies"),
                        format!("at most {KEPT_MAX}"),
                    );
                }
            }
        }
        let about = self.about(place, rule.subject.as_ref(), rule.slot, &<MessageOf<S> as Label>::nouns());
        let slots = self.slots(place, rule)?;
        let filter = self.filter(place, rule.kind.as_deref(), (rule.from, rule.to), about)?;
        let filter = Filter { slots, ..filter };
        let count = match rule.then {
            Ruling::Keep => Some(rule.count.unwrap_or(KEPT_MAX)),
            _ => rule.count,
        };
        Some(sim::LinkRule {
            name: rule.name.clone(),
            filter,
            since: moment(rule.since),
            until: rule.until.map(moment),
            skip: rule.skip,
            count,
            ruling: rule.then,
        })
    }

    /// The slots that a rule applies to; `None` if they are wrong.
    fn slots(&mut self, place: &Place, rule: &Rule) -> Option<Option<Slots>> {
        let Some(Slots { of, rest }) = rule.slots else { return Some(None) };
        let place = place.field("slots");
        if rule.subject.is_some() || rule.slot.is_some() {
            self.wrong(place, "it is about two things at once", "`slots`, or `subject` or `slot`");
            return None;
        }
        if rest >= of {
            let message = format!("no number leaves {rest} when it is divided by {of}");
            self.wrong(place.field("rest"), message, "a `rest` below `of`");
            return None;
        }
        let noun = Subject::slot(0).noun;
        let is_known = self.kind(&place, noun, &<MessageOf<S> as Label>::nouns(), "subject");
        is_known.then_some(Some(Slots { of, rest }))
    }
}
