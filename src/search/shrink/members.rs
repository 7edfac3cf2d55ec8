//! Fewer sites and clients: those that are left get new numbers, and who names the others goes or names the first.

use crate::scenario::{Renaming, Scenario, Service};
use crate::search::shrink::trials::Trials;

/// Leaves out clients, then sites.
pub(super) fn leave_out<S: Service>(trials: &mut Trials<'_, S>) {
    clients(trials);
    sites(trials);
}

fn clients<S: Service>(trials: &mut Trials<'_, S>) {
    let all = |scenario: &Scenario<S>| (0..scenario.sites).collect::<Vec<_>>();
    keep(trials, |scenario| (all(scenario), Vec::new()));
    let mut client = trials.best().clients;
    while client > 0 {
        client -= 1;
        keep(trials, |scenario| {
            (all(scenario), (0..scenario.clients).filter(|other| *other != client).collect())
        });
    }
}

/// Small odd clusters first: an even one is often no easier to break than the odd one above it.
fn sites<S: Service>(trials: &mut Trials<'_, S>) {
    for count in 1..trials.best().sites {
        for chosen in choices(trials.best().sites, count) {
            if keep(trials, |scenario| (chosen, (0..scenario.clients).collect())) {
                return;
            }
        }
    }
}

/// Tries these sites and clients, without what the others did and then with it done by the first.
fn keep<S: Service>(
    trials: &mut Trials<'_, S>,
    who: impl FnOnce(&Scenario<S>) -> (Vec<u8>, Vec<u16>),
) -> bool {
    let best = trials.best().clone();
    let (sites, clients) = who(&best);
    let may_drop = !trials.property().is_of_commands();
    [false, true].into_iter().filter(|heirs| *heirs || may_drop).any(|heirs| {
        let mut smaller = best.renamed(&Renaming::keep(&best, &sites, &clients, heirs));
        // Who is kept counts, whether or not the service says so of its commands.
        smaller.sites = u8::try_from(sites.len()).unwrap_or(best.sites);
        smaller.clients = u16::try_from(clients.len()).unwrap_or(best.clients);
        trials.adopt(smaller)
    })
}

/// Every choice of so many sites, those with the lowest numbers first.
fn choices(of: u8, count: u8) -> Vec<Vec<u8>> {
    let bits = |choice: u16| (0..of).filter(|site| choice >> site & 1 == 1).collect::<Vec<_>>();
    let choices = (0..1u16 << of).filter(|choice| choice.count_ones() == u32::from(count));
    let mut choices: Vec<Vec<u8>> = choices.map(bits).collect();
    choices.sort();
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_numbers_are_chosen_first() {
        assert_eq!(choices(3, 2), [vec![0, 1], vec![0, 2], vec![1, 2]]);
        assert_eq!(choices(9, 4).len(), 126);
    }
}
