//! Removes chance: all of it if possible, else it names the messages that chance hit.
//!
//! A ledger records what the network lost, doubled, held back or delayed by chance in the current scenario. Then the
//! chance is taken away, and each recorded fate becomes a rule that names one message. Then the rules that do not
//! matter are left out. The jitter of processes cannot be written in a scenario: it stays with the seed.

use crate::ids::ProcessId;
use crate::process::Subject;
use crate::scenario::form::{Latency, Network, Reordering};
use crate::scenario::namespace::Word;
use crate::scenario::step::{Fault, Rule, Ruling, Step, Target, When};
use crate::scenario::{Scenario, Service};
use crate::search::shrink::chunks;
use crate::search::shrink::trials::Trials;
use crate::sim::{About, Chance, Fated, Ledger};
use crate::sim::{Bursts, LateCopy};
use crate::time::Duration;

/// Number of plain seeds to try, from 0.
const PLAIN_SEEDS: u64 = 4;

/// The most fates to name one by one. With more, a file says less than its chance did.
const NAMED_MAX: usize = 2_000;

/// The most delays to name, the longest ones.
const DELAYS_MAX: usize = 256;

/// Removes a feature of the network that a scenario can do without.
type Feature = fn(&mut Network);

/// What one sort of chance did to a datagram, as the ruling of a rule.
type FateWords = fn(&Fated) -> Option<Ruling>;

const FEATURES: [Feature; 9] = [
    |network| network.loss = Chance::NEVER,
    |network| network.duplication = Chance::NEVER,
    |network| network.reordering = Reordering { chance: Chance::NEVER, by: Duration::ZERO },
    |network| network.bursts = Bursts::default(),
    |network| network.corruption = Chance::NEVER,
    |network| network.truncation = Chance::NEVER,
    |network| network.late_copies = LateCopy::default(),
    |network| network.misdelivery = Chance::NEVER,
    |network| network.bandwidth = None,
];

/// Removes chance: all of it, or as much as possible, under the same seed or a plain one.
pub(super) fn calm<S: Service>(trials: &mut Trials<'_, S>) {
    if chances(&trials.best().network) == 0 {
        return;
    }
    let usual = Network::default();
    for latency in [usual.latency].into_iter().chain(constants(&trials.best().network.latency)) {
        let calm = |scenario: &mut Scenario<S>| {
            let Network { order, break_after, .. } = scenario.network;
            scenario.network = Network { latency: latency.clone(), order, break_after, ..Network::default() };
        };
        if trials.adopt_edited(calm) || with_plain_seeds(trials, calm) {
            return;
        }
    }
    for feature in FEATURES {
        trials.adopt_edited(|scenario| feature(&mut scenario.network));
    }
    for latency in constants(&trials.best().network.latency) {
        if trials.adopt_edited(|scenario| scenario.network.latency = latency) {
            break;
        }
    }
}

fn with_plain_seeds<S: Service>(trials: &mut Trials<'_, S>, edit: impl Fn(&mut Scenario<S>)) -> bool {
    (0..PLAIN_SEEDS).any(|seed| {
        trials.adopt_edited(|scenario| {
            scenario.seed = seed;
            edit(scenario);
        })
    })
}

/// Tries seeds that are plainer than the current one.
pub(super) fn plain_seed<S: Service>(trials: &mut Trials<'_, S>) {
    let own = trials.best().seed;
    let _ = (0..PLAIN_SEEDS.min(own)).any(|seed| trials.adopt_edited(|scenario| scenario.seed = seed));
}

/// Number of sorts of chance in the network.
pub(super) fn chances(network: &Network) -> usize {
    let is_there = |feature: &&Feature| {
        let mut without = network.clone();
        feature(&mut without);
        without != *network
    };
    FEATURES.iter().filter(is_there).count() + usize::from(!constants(&network.latency).is_empty())
}

/// Constant latencies that may replace a drawn one, the likeliest first; none for one that is not drawn.
fn constants(latency: &Latency) -> Vec<Latency> {
    let lengths = match latency {
        Latency::Constant(_) => Vec::new(),
        Latency::Uniform(least, most) => {
            vec![Duration::from_micros((least.as_micros() + most.as_micros()) / 2), *least, *most]
        }
        Latency::Exponential { min, mean } => vec![*min + *mean, *min],
        Latency::Table(_) | Latency::Regions { .. } => vec![Duration::from_millis(10)],
    };
    lengths.into_iter().map(Latency::Constant).collect()
}

/// Replaces the remaining chance by rules about single messages, one sort of chance after another.
pub(super) fn replace_chance<S: Service>(trials: &mut Trials<'_, S>) {
    let sorts: [(Feature, FateWords); 3] = [
        (FEATURES[0], |fated| fated.is_lost.then_some(Ruling::Drop)),
        (FEATURES[1], |fated| {
            let apart = fated.second? - fated.delay;
            Some(Ruling::Duplicate { copies: 1, apart })
        }),
        (FEATURES[2], |fated| (fated.held > Duration::ZERO).then_some(Ruling::Delay(fated.held))),
    ];
    for (feature, fate) in sorts {
        let mut without = trials.best().network.clone();
        feature(&mut without);
        if without != trials.best().network {
            replace_one(trials, feature, fate, usize::MAX);
        }
    }
    let latencies = constants(&trials.best().network.latency);
    for latency in latencies.into_iter().rev() {
        let Latency::Constant(base) = latency else { continue };
        let fate = move |fated: &Fated| {
            (fated.delay > base).then(|| Ruling::Delay(fated.delay - base)).filter(|_| !fated.is_lost)
        };
        if replace_one(trials, move |network| network.latency = Latency::Constant(base), fate, DELAYS_MAX) {
            break;
        }
    }
}

/// Removes one sort of chance and names what it did: at most `most` fates, and of more the longest delays.
fn replace_one<S: Service>(
    trials: &mut Trials<'_, S>,
    without: impl Fn(&mut Network),
    fate: impl Fn(&Fated) -> Option<Ruling>,
    most: usize,
) -> bool {
    let ledger = trials.ledger();
    let named = |(number, fated)| Some((number, fate(fated)?));
    let mut named: Vec<(usize, Ruling)> = ledger.fated.iter().enumerate().filter_map(named).collect();
    if named.len() > most {
        named.sort_by_key(|(_, then)| match then {
            Ruling::Delay(by) => core::cmp::Reverse(*by),
            _ => core::cmp::Reverse(Duration::ZERO),
        });
        named.truncate(most);
        named.sort_by_key(|(number, _)| *number);
    }
    if named.len() > NAMED_MAX {
        return false;
    }
    let base = trials.best().clone();
    let only = |_: &Scenario<S>, left: &[usize]| {
        let left: Vec<(usize, Ruling)> = left.iter().filter_map(|place| named.get(*place)).copied().collect();
        let mut candidate = base.clone();
        without(&mut candidate.network);
        add(&mut candidate, &ledger, &left);
        candidate
    };
    let all: Vec<usize> = (0..named.len()).collect();
    if !trials.adopt(only(&base, &all)) {
        return false;
    }
    chunks::leave_out_of(trials, all, only);
    true
}

/// Adds a rule for each of these datagrams. The ledger was recorded without any of these rules. The rules come before
/// the existing ones and in the order of sending, so that each counts what it would have counted. A healing drops
/// rules: those for datagrams after a healing are added right after it.
fn add<S: Service>(scenario: &mut Scenario<S>, ledger: &Ledger, named: &[(usize, Ruling)]) {
    let mut rules = Vec::new();
    let mut after: Vec<Vec<Rule>> = vec![Vec::new(); ledger.heals.len()];
    for (number, then) in named {
        let heals = ledger.heals.iter().filter(|(_, before)| before <= number).count();
        let since = heals.checked_sub(1).and_then(|last| ledger.heals.get(last)).map_or(0, |heal| heal.1);
        let is_named = |number: &usize| named.binary_search_by_key(number, |(number, _)| *number).is_ok();
        let mut rule = rule(ledger, since, *number, *then, is_named);
        let others = scenario.rules.iter().chain(&rules).chain(after.iter().flatten());
        let alike = others.filter(|other| is_named_alike(other, &rule)).count();
        if alike > 0 {
            rule.name = rule.name.map(|name| format!("{name}, {}", alike + 1));
        }
        match heals.checked_sub(1).and_then(|last| after.get_mut(last)) {
            Some(after) => after.push(rule),
            None => rules.push(rule),
        }
    }
    rules.append(&mut scenario.rules);
    scenario.rules = rules;
    for (rules, (at, _)) in after.into_iter().zip(&ledger.heals) {
        let since_start = at.since(crate::time::Instant::ZERO) + Duration::from_micros(1);
        let step = |rule| Step {
            when: When::At(since_start),
            action: Word::Harness(Fault::Rule(rule)),
            is_optional: true,
        };
        if !rules.is_empty() {
            scenario.also.push(rules.into_iter().map(step).collect());
        }
    }
}

fn is_named_alike(rule: &Rule, other: &Rule) -> bool {
    let base =
        |rule: &Rule| rule.name.as_deref().map(|name| name.split(", ").next().unwrap_or(name).to_owned());
    base(rule) == base(other)
}

/// The rule about one datagram of the ledger, counted among those sent from `since` on.
fn rule(
    ledger: &Ledger,
    since: usize,
    number: usize,
    then: Ruling,
    is_named: impl Fn(&usize) -> bool,
) -> Rule {
    let Fated { from, to, labels, .. } = &ledger.fated[number];
    let (kind, about) = labels.first().copied().unwrap_or(("", Subject::NONE));
    let is_alike = |fated: &Fated| {
        (fated.from, fated.to) == (*from, *to) && (kind.is_empty() || fated.has_label(kind, about))
    };
    let before = |alike: &dyn Fn(&usize) -> bool| {
        let numbers = (since..number).filter(|other| is_alike(&ledger.fated[*other]));
        numbers.filter(alike).count() as u64
    };
    let skip = before(&|other| !is_named(other));
    let about = (about != Subject::NONE).then(|| About { noun: about.noun.into(), number: about.number });
    let what = about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
    Rule {
        // Sender and recipient are left out of the name: they may be renumbered.
        name: Some(format!("{kind}{what}")),
        kind: (!kind.is_empty()).then(|| kind.to_owned()),
        from: who(*from),
        to: who(*to),
        subject: about,
        slot: None,
        slots: None,
        since: Duration::ZERO,
        until: None,
        skip,
        count: Some(1),
        then,
    }
}

fn who(process: ProcessId) -> Target {
    match process {
        ProcessId::Site(site) => Target::Site(site.number()),
        ProcessId::Terminal(site) => Target::Terminal(site.number()),
        ProcessId::Client(number) => Target::Client(number),
    }
}
