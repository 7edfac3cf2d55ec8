//! Simplifies commands and settings, as far as the service knows simpler ones.

use crate::scenario::namespace::Word;
use crate::scenario::{Scenario, Service};
use crate::search::shrink::chunks;
use crate::search::shrink::steps::try_step;
use crate::search::shrink::trials::Trials;

/// How often one command or the settings are simplified in a row. This stops a service whose simpler ones go round in
/// a circle.
const IN_A_ROW: usize = 64;

/// Tries the default settings, else settings with fewer fields set.
pub(super) fn forget_settings<S: Service>(trials: &mut Trials<'_, S>) {
    trials.adopt_edited(|scenario| scenario.settings = S::Settings::default());
    for _ in 0..IN_A_ROW {
        let mut simpler = S::simpler_settings(&trials.best().settings).into_iter();
        if !simpler.any(|settings| trials.adopt_edited(|scenario| scenario.settings = settings)) {
            break;
        }
    }
}

/// A command with this many letters or more is long.
const LONG: usize = 150;

/// Replaces long commands by their simplest ones in as many places as possible: long texts make every other trial
/// slow. If an expectation is broken, commands stay as they are.
pub(super) fn shorten<S: Service>(trials: &mut Trials<'_, S>) {
    if trials.property().is_of_commands() {
        return;
    }
    let mut at_hand = trials.best().clone();
    let all = commands(&mut at_hand).map(|command| format!("{command:?}").len()).enumerate();
    let long: Vec<usize> = all.filter(|(_, letters)| *letters >= LONG).map(|(number, _)| number).collect();
    chunks::leave_out_of(trials, long.clone(), |base, left| {
        let mut candidate = base.clone();
        for (number, command) in commands(&mut candidate).enumerate() {
            let is_to_be_short = long.binary_search(&number).is_ok() && left.binary_search(&number).is_err();
            if is_to_be_short && let Some(simplest) = S::simpler_commands(command).into_iter().next() {
                *command = simplest;
            }
        }
        candidate
    });
}

/// Simplifies commands: all at once, then each. If an expectation is broken, they stay as they are.
pub(super) fn plainer<S: Service>(trials: &mut Trials<'_, S>) {
    if trials.property().is_of_commands() {
        return;
    }
    trials.adopt_edited(|scenario| {
        for command in commands(scenario) {
            if let Some(simplest) = S::simpler_commands(command).into_iter().next() {
                *command = simplest;
            }
        }
    });
    let count = trials.best().steps.len() + trials.best().also.iter().map(Vec::len).sum::<usize>();
    for number in 0..count {
        if trials.is_spent() {
            return;
        }
        for _ in 0..IN_A_ROW {
            let steps = trials.best().steps.iter().chain(trials.best().also.iter().flatten());
            let command = steps.map(|step| &step.action).nth(number);
            let Some(Word::Service(command)) = command else { break };
            let mut simpler = S::simpler_commands(command).into_iter();
            let is_simpler = simpler.any(|simpler| {
                try_step(trials, number, |step| {
                    step.action = Word::Service(simpler);
                    true
                })
            });
            if !is_simpler {
                break;
            }
        }
    }
}

fn commands<S: Service>(scenario: &mut Scenario<S>) -> impl Iterator<Item = &mut S::Command> {
    let steps = scenario.steps.iter_mut().chain(scenario.also.iter_mut().flatten());
    steps.filter_map(|step| match &mut step.action {
        Word::Service(command) => Some(command),
        Word::Harness(_) => None,
    })
}
