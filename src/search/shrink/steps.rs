//! Leaves out steps, rules and expectations, and simplifies the rest.

use crate::scenario::form::{DiskForm, Network, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::step::{EventPattern, Fault, Rule, Ruling, RunClaim, Step, Target, Traffic, When};
use crate::scenario::{Scenario, Service};
use crate::search::property::Property;
use crate::search::shrink::chunks;
use crate::search::shrink::trials::Trials;
use crate::sim::Leaves;
use crate::time::Duration;

/// The usual limit on a scenario's steps.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Leaves out expectations, which costs little to try. If one of them is broken, that one stays.
pub(super) fn leave_out_expectations<S: Service>(trials: &mut Trials<'_, S>) {
    let is_bound = |one: &_| matches!(one, Word::Harness(RunClaim::Converges { .. }));
    let is_stall = matches!(trials.property(), Property::Stalled { .. });
    // Another bound would be another property.
    let stays = |one: &_| is_stall && is_bound(one);
    let count = trials.best().expect.len();
    chunks::leave_out(trials, count, |base, left| {
        let mut candidate = base.clone();
        let all = base.expect.iter().enumerate();
        let kept = all.filter(|(number, one)| left.contains(number) || stays(one));
        candidate.expect = kept.map(|(_, one)| one.clone()).collect();
        candidate
    });
}

/// Leaves out rules that are in force from the start.
pub(super) fn leave_out_rules<S: Service>(trials: &mut Trials<'_, S>) {
    let count = trials.best().rules.len();
    chunks::leave_out(trials, count, |base, left| {
        let rules = left.iter().filter_map(|number| base.rules.get(*number)).cloned().collect();
        Scenario { rules, ..base.clone() }
    });
}

/// Leaves out steps of all tracks together, and empty tracks. If an expectation is broken, commands stay: without
/// them it would be broken for another reason.
pub(super) fn leave_out_steps<S: Service>(trials: &mut Trials<'_, S>) {
    let keeps_commands = trials.property().is_of_commands();
    let count = all_steps(trials.best()).count();
    chunks::leave_out(trials, count, |base, left| {
        let mut number = 0;
        keep_steps(base, |step| {
            let stays = left.binary_search(&number).is_ok();
            number += 1;
            stays || (keeps_commands && matches!(step.action, Word::Service(_)))
        })
    });
}

fn all_steps<S: Service>(scenario: &Scenario<S>) -> impl Iterator<Item = &StepOf<S>> {
    scenario.steps.iter().chain(scenario.also.iter().flatten())
}

/// The scenario with only the steps for which `stays` is true. It is called in the order of the steps.
fn keep_steps<S: Service>(scenario: &Scenario<S>, mut stays: impl FnMut(&StepOf<S>) -> bool) -> Scenario<S> {
    let mut track =
        |steps: &[StepOf<S>]| steps.iter().filter(|step| stays(step)).cloned().collect::<Vec<_>>();
    let steps = track(&scenario.steps);
    let also = scenario.also.iter().map(|steps| track(steps)).collect();
    tidy(Scenario { steps, also, ..scenario.clone() })
}

/// The scenario without empty tracks.
fn tidy<S: Service>(mut scenario: Scenario<S>) -> Scenario<S> {
    scenario.also.retain(|track| !track.is_empty());
    if scenario.steps.is_empty() && !scenario.also.is_empty() {
        scenario.steps = scenario.also.remove(0);
    }
    scenario
}

/// Simplifies what is left.
pub(super) fn plainer<S: Service>(trials: &mut Trials<'_, S>) {
    trials.adopt_edited(|scenario| *scenario = tidy(scenario.clone()));
    trials.adopt_edited(|scenario| scenario.disk = DiskForm::default());
    trials.adopt_edited(|scenario| scenario.network.latency = Network::default().latency);
    trials.adopt_edited(|scenario| scenario.network.break_after = None);
    trials.adopt_edited(|scenario| (scenario.network.order, scenario.network.break_after) = (None, None));
    trials.adopt_edited(|scenario| scenario.machines = None);
    trials.adopt_edited(|scenario| scenario.leader = None);
    trials.adopt_edited(|scenario| scenario.clients_alike = false);
    shorter_history(trials);
    trials.adopt_edited(|scenario| scenario.limit = LIMIT);
    one_track(trials);
    for number in 0..all_steps(trials.best()).count() {
        if trials.is_spent() {
            return;
        }
        plainer_step(trials, number);
    }
    for number in 0..trials.best().rules.len() {
        if trials.is_spent() {
            return;
        }
        let Some(rule) = trials.best().rules.get(number).cloned() else { break };
        for plainer in plainer_rules(&rule) {
            trials.adopt_edited(|scenario| scenario.rules[number] = plainer);
        }
    }
}

/// Tries shorter histories, or none.
fn shorter_history<S: Service>(trials: &mut Trials<'_, S>) {
    let shorter = |trials: &Trials<'_, S>| trials.best().history.shorter().into_iter();
    while shorter(trials).any(|history| trials.adopt_edited(|scenario| scenario.history = history)) {}
}

/// Merges tracks: sorted by time if all steps have one, else one after the other.
fn one_track<S: Service>(trials: &mut Trials<'_, S>) {
    let mut at = 0;
    while at < trials.best().also.len() && !trials.is_spent() {
        let mut rest = trials.best().clone();
        let (first, second) = (rest.steps.clone(), rest.also.remove(at));
        let candidates = [
            sorted([first.as_slice(), &second].concat()),
            [first.as_slice(), &second].concat(),
            [second.as_slice(), &first].concat(),
        ];
        let mut candidates = candidates.into_iter().map(|steps| Scenario { steps, ..rest.clone() });
        if !candidates.any(|candidate| trials.adopt(candidate)) {
            at += 1;
        }
    }
}

/// Sorts the steps if all of them have a time; otherwise leaves them as they are.
fn sorted<A>(mut steps: Vec<Step<A>>) -> Vec<Step<A>> {
    let all_timed = steps.iter().all(|step| matches!(step.when, When::At(_)));
    if all_timed {
        steps.sort_by_key(|step| match step.when {
            When::At(time) => time,
            When::After(_) | When::On(_) => Duration::ZERO,
        });
    }
    steps
}

/// Tries the scenario with the step of this number changed by `edit`.
pub(super) fn try_step<S: Service>(
    trials: &mut Trials<'_, S>,
    number: usize,
    edit: impl FnOnce(&mut StepOf<S>) -> bool,
) -> bool {
    if trials.is_spent() {
        return false;
    }
    let mut candidate = trials.best().clone();
    let mut steps = candidate.steps.iter_mut().chain(candidate.also.iter_mut().flatten());
    let Some(step) = steps.nth(number) else { return false };
    edit(step) && trials.adopt(candidate)
}

fn plainer_step<S: Service>(trials: &mut Trials<'_, S>, number: usize) {
    // A step that is left has fired, or it would be gone.
    try_step(trials, number, |step| core::mem::take(&mut step.is_optional));
    let Some(step) = all_steps(trials.best()).nth(number).cloned() else { return };
    if let When::On(event) = &step.when {
        for plainer in plainer_events(event) {
            if try_step(trials, number, |step| set(&mut step.when, When::On(plainer))) {
                break;
            }
        }
    }
    let Word::Harness(fault) = step.action else { return };
    for plainer in plainer_faults(&fault) {
        try_step(trials, number, |step| {
            step.action = Word::Harness(plainer);
            true
        });
    }
}

fn set<T: PartialEq>(place: &mut T, value: T) -> bool {
    let is_new = *place != value;
    *place = value;
    is_new
}

fn plainer_events(event: &EventPattern) -> Vec<EventPattern> {
    let traffic = |traffic: &Traffic, make: fn(Traffic) -> EventPattern| {
        let plain = Traffic {
            from: Target::Any,
            to: Target::Any,
            subject: None,
            slot: None,
            nth: 1,
            ..traffic.clone()
        };
        let candidates = [
            plain.clone(),
            Traffic { nth: 1, ..traffic.clone() },
            Traffic { nth: traffic.nth, ..plain },
            Traffic { subject: None, slot: None, ..traffic.clone() },
        ];
        candidates.into_iter().filter(|plainer| plainer != traffic).map(make).collect()
    };
    match event {
        EventPattern::Sent(one) => traffic(one, EventPattern::Sent),
        EventPattern::Delivered(one) => traffic(one, EventPattern::Delivered),
        EventPattern::Noted { kind, who, subject, slot } => {
            let plain = |who| EventPattern::Noted { kind: kind.clone(), who, subject: None, slot: None };
            let is_plain = subject.is_none() && slot.is_none() && *who == Target::Any;
            if is_plain { Vec::new() } else { vec![plain(Target::Any), plain(*who)] }
        }
        EventPattern::Leads(Target::Any) => Vec::new(),
        EventPattern::Leads(_) => vec![EventPattern::Leads(Target::Any)],
        EventPattern::Crashed(_) | EventPattern::Restarted(_) => Vec::new(),
        EventPattern::LinkDown(Target::Any) | EventPattern::LinkUp(Target::Any) => Vec::new(),
        EventPattern::LinkDown(_) => vec![EventPattern::LinkDown(Target::Any)],
        EventPattern::LinkUp(_) => vec![EventPattern::LinkUp(Target::Any)],
    }
}

fn plainer_faults<E: Clone>(fault: &Fault<E>) -> Vec<Fault<E>> {
    match fault {
        Fault::Crash(crash) => {
            let mut plainer = *crash;
            let mut faults = Vec::new();
            if core::mem::take(&mut plainer.leaves) != Leaves::Nothing {
                faults.push(Fault::Crash(plainer));
            }
            if plainer.at.take().is_some() {
                faults.push(Fault::Crash(plainer));
            }
            faults.reverse();
            faults
        }
        Fault::Rule(rule) => plainer_rules(rule).into_iter().map(Fault::Rule).collect(),
        // The others have nothing that may be left out.
        _ => Vec::new(),
    }
}

/// A smaller fault is plainer than fewer words: a rule about one message is plainer than a rule about all.
fn plainer_rules(rule: &Rule) -> Vec<Rule> {
    let own = || rule.clone();
    let mut plainer = vec![
        Rule { count: Some(1), since: Duration::ZERO, until: None, skip: 0, ..own() },
        Rule { count: Some(1), ..own() },
        Rule { skip: 0, ..own() },
    ];
    if let Ruling::Duplicate { apart, .. } = rule.then {
        plainer.push(Rule { then: Ruling::Duplicate { copies: 1, apart }, ..own() });
    }
    if rule.count.is_some() {
        plainer.push(Rule { since: Duration::ZERO, until: None, ..own() });
    }
    plainer.retain(|plainer| plainer != rule);
    plainer
}
