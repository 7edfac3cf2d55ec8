//! Checks steps, events and rules.

use crate::process::Process;
use crate::ron_file::{Place, Problem};
use crate::scenario::form::{Scenario, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::scenario::step::{EventPattern, Fault, When};
use crate::sim::{DiskFault, Ruling, ScriptStep, Track, Trigger};
use crate::time::{Duration, Instant};

pub(super) type CommandOf<S> = <<S as Service>::Process as Process>::Command;
pub(super) type MessageOf<S> = <<S as Service>::Process as Process>::Message;
pub(super) type NoteOf<S> = <<S as Service>::Process as Process>::Note;

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

pub(super) fn moment(since_start: Duration) -> Instant {
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
}
