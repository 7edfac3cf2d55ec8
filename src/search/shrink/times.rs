//! Makes times whole and early.

use crate::scenario::form::{DiskForm, Latency, Network, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::step::{ClockFault, Fault, Rule, Ruling, When};
use crate::scenario::{Scenario, Service};
use crate::search::shrink::steps::{self, LIMIT};
use crate::search::shrink::trials::Trials;
use crate::time::{Duration, Instant};

/// Units for rounding times, in microseconds, the coarsest first.
const UNITS: [u64; 7] = [10_000_000, 1_000_000, 500_000, 100_000, 10_000, 1_000, 100];

/// Makes times earlier and rounder: those of all steps together if possible, then each on its own.
pub(super) fn shorter<S: Service>(trials: &mut Trials<'_, S>) {
    for _ in 0..8 {
        let is_shorter = trials.adopt_edited(|scenario| {
            let steps = scenario.steps.iter_mut().chain(scenario.also.iter_mut().flatten());
            for step in steps {
                if let When::At(time) = &mut step.when {
                    *time = Duration::from_micros(time.as_micros() / 2);
                }
            }
        });
        if !is_shorter {
            break;
        }
    }
    for number in 0..count(trials.best()) {
        if trials.is_spent() {
            return;
        }
        let Some(time) = nth(&mut trials.best().clone(), number).map(|time| *time) else { break };
        for plainer in plainer(time) {
            let mut candidate = trials.best().clone();
            let Some(place) = nth(&mut candidate, number) else { break };
            *place = plainer;
            if trials.adopt(candidate) {
                break;
            }
        }
    }
}

/// Gives steps that wait for an event the time of that event, if other steps can go then: a step that leads to the
/// event, or one that must fire before.
pub(super) fn instead_of_events<S: Service>(trials: &mut Trials<'_, S>) {
    let waits = |step: &StepOf<S>| matches!(step.when, When::On(_));
    if !trials.best().tracks().flatten().any(waits) {
        return;
    }
    trials.only_for_fewer(|trials| {
        let fired = trials.fired();
        let at = |track: usize, number: usize| fired.get(track)?.get(number).copied();
        let is_timed = trials.adopt_edited(|scenario| {
            let tracks = core::iter::once(&mut scenario.steps).chain(&mut scenario.also);
            for (track, steps) in tracks.enumerate() {
                for (number, step) in steps.iter_mut().enumerate().filter(|(_, step)| waits(step)) {
                    if let Some(at) = at(track, number) {
                        step.when = When::At(at.since(Instant::ZERO));
                    }
                }
            }
        });
        if is_timed {
            steps::leave_out_steps(trials);
        }
    });
}

/// Times that are plainer than this one, the plainest first. A time with fewer digits is plainer; of two with equally
/// many digits, the shorter one is.
fn plainer(time: Duration) -> Vec<Duration> {
    let micros = time.as_micros();
    let rounded = UNITS.iter().flat_map(|unit| {
        let down = micros / unit * unit;
        [down, down + unit]
    });
    let candidates = [0, 1_000_000, micros / 2].into_iter().chain(rounded).map(Duration::from_micros);
    let cost = |time: &Duration| (digits(time.as_micros()), time.as_micros());
    let mut plainer: Vec<Duration> = candidates.filter(|other| cost(other) < cost(&time)).collect();
    plainer.sort_by_key(cost);
    plainer.dedup();
    plainer
}

/// Number of digits without the zeros at the end.
fn digits(mut number: u64) -> u32 {
    while number > 0 && number.is_multiple_of(10) {
        number /= 10;
    }
    number.checked_ilog10().map_or(0, |log| log + 1)
}

fn count<S: Service>(scenario: &Scenario<S>) -> usize {
    let mut count = 0;
    see(&mut scenario.clone(), |_| count += 1);
    count
}

/// The time of this number in the scenario.
fn nth<S: Service>(scenario: &mut Scenario<S>, number: usize) -> Option<&mut Duration> {
    let mut all = Vec::new();
    see(scenario, |time| all.push(time));
    all.into_iter().nth(number)
}

/// Visits every time that may change without changing what is judged.
fn see<'a, S: Service>(scenario: &'a mut Scenario<S>, mut time: impl FnMut(&'a mut Duration)) {
    for step in scenario.steps.iter_mut().chain(scenario.also.iter_mut().flatten()) {
        match &mut step.when {
            When::At(at) => time(at),
            When::After(length) => time(length),
            When::On(_) => {}
        }
        match &mut step.action {
            Word::Harness(Fault::Rule(rule)) => see_rule(rule, &mut time),
            Word::Harness(Fault::SyncTime(_, length) | Fault::Slow(_, length)) => time(length),
            Word::Harness(Fault::Clock(_, ClockFault::Ahead(by) | ClockFault::Behind(by))) => time(by),
            Word::Harness(_) | Word::Service(_) => {}
        }
    }
    scenario.rules.iter_mut().for_each(|rule| see_rule(rule, &mut time));
    // A default value needs no words at all.
    if scenario.disk != DiskForm::default() {
        time(&mut scenario.disk.sync);
    }
    if scenario.network.latency != Network::default().latency {
        see_latency(&mut scenario.network.latency, &mut time);
    }
    scenario.network.break_after.iter_mut().for_each(&mut time);
    if scenario.limit != LIMIT {
        time(&mut scenario.limit);
    }
}

fn see_rule<'a>(rule: &'a mut Rule, time: &mut impl FnMut(&'a mut Duration)) {
    time(&mut rule.since);
    rule.until.iter_mut().for_each(&mut *time);
    match &mut rule.then {
        Ruling::Delay(by) => time(by),
        Ruling::Duplicate { apart, .. } => time(apart),
        Ruling::Drop | Ruling::Corrupt | Ruling::Truncate | Ruling::Misdeliver(_) | Ruling::Keep => {}
    }
}

fn see_latency<'a>(latency: &'a mut Latency, time: &mut impl FnMut(&'a mut Duration)) {
    match latency {
        Latency::Constant(length) => time(length),
        Latency::Uniform(least, most) => [least, most].into_iter().for_each(time),
        Latency::Exponential { min, mean } => [min, mean].into_iter().for_each(time),
        // There are as many as pairs of sites. They stay as they were measured.
        Latency::Table(_) => {}
        Latency::Regions { within, between, .. } => {
            see_latency(within, time);
            see_latency(between, time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plainer_time_has_fewer_digits_or_is_shorter() {
        let plainer = |text: &str| {
            let times = plainer(text.parse().unwrap());
            times.iter().map(Duration::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(plainer("0s"), "");
        assert_eq!(plainer("1s"), "0us 500ms");
        assert_eq!(plainer("8200ms"), "0us 1s 8s 9s 10s 4100ms");
        assert!(plainer("377151us").starts_with("0us 300ms 400ms 500ms 1s"), "{}", plainer("377151us"));
    }
}
