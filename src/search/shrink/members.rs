//! Leaves out sites and clients. The others get new numbers. Whatever names a dropped one goes too, or names the
//! first.

use crate::scenario::{Renaming, Scenario, Service};
use crate::search::shrink::chunks;
use crate::search::shrink::trials::Trials;

/// Leaves out clients, then sites.
pub(super) fn leave_out<S: Service>(trials: &mut Trials<'_, S>) {
    clients(trials);
    sites(trials);
}

/// Many at once, then one by one: first without the commands of the dropped ones, then with the first client doing
/// them.
fn clients<S: Service>(trials: &mut Trials<'_, S>) {
    let may_drop = !trials.property().is_of_commands();
    for heirs in [false, true].into_iter().filter(|heirs| *heirs || may_drop) {
        let count = usize::from(trials.best().clients);
        chunks::leave_out(trials, count, |base, left| {
            let sites: Vec<u8> = (0..base.sites).collect();
            let left: Vec<u16> = left.iter().filter_map(|client| u16::try_from(*client).ok()).collect();
            kept(base, &sites, &left, heirs)
        });
    }
}

/// Tries the smallest clusters first.
fn sites<S: Service>(trials: &mut Trials<'_, S>) {
    for count in 1..trials.best().sites {
        for chosen in choices(trials.best().sites, count) {
            if trials.is_spent() || keep_sites(trials, &chosen) {
                return;
            }
        }
    }
}

/// Tries these sites: first without what the others did, then with the first site doing it.
fn keep_sites<S: Service>(trials: &mut Trials<'_, S>, sites: &[u8]) -> bool {
    let may_drop = !trials.property().is_of_commands();
    [false, true].into_iter().filter(|heirs| *heirs || may_drop).any(|heirs| {
        let clients: Vec<u16> = (0..trials.best().clients).collect();
        trials.adopt(kept(trials.best(), sites, &clients, heirs))
    })
}

/// The scenario with only these members.
fn kept<S: Service>(base: &Scenario<S>, sites: &[u8], clients: &[u16], heirs: bool) -> Scenario<S> {
    let mut smaller = base.renamed(&Renaming::keep(base, sites, clients, heirs));
    // The members that were kept count, whether or not the service renames them in its commands.
    smaller.sites = u8::try_from(sites.len()).unwrap_or(base.sites);
    smaller.clients = u16::try_from(clients.len()).unwrap_or(base.clients);
    smaller
}

/// Every choice of this many sites, those with the lowest numbers first.
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
