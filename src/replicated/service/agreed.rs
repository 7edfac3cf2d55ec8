//! Checks whether sites agree: on a leader and the log, and on all that they hold.

use core::borrow::Borrow;

use crate::ids::{ProcessId, SiteId};
use crate::process::Process;
use crate::replicated::paxos::Slot;
use crate::replicated::{Chunk, ClientState, Level, Machine, Replicated, Site};
use crate::scenario::Cluster;
use crate::sim::Violation;

/// The running site `id`.
///
/// # Errors
/// When it is down, or no site.
pub fn site<'a, M, P>(cluster: &Cluster<'a, P>, id: SiteId) -> Result<&'a Site<M>, String>
where
    M: Machine,
    P: Process + Borrow<Replicated<M>>,
{
    cluster.state(id)?.borrow().as_site().ok_or_else(|| format!("{id} is no site"))
}

/// Whether `id` has nothing outstanding.
///
/// # Errors
/// When it waits for an answer, or is down.
pub fn is_idle<M, P>(cluster: &Cluster<'_, P>, id: ProcessId) -> Result<(), String>
where
    M: Machine,
    P: Process + Borrow<Replicated<M>>,
{
    let client = cluster.state(id)?.borrow().as_client();
    let is_idle = client.is_none_or(ClientState::is_idle);
    if is_idle { Ok(()) } else { Err(cluster.why(|| format!("{id} waits for an answer"))) }
}

/// Whether all sites of the core follow one leader, know and have applied the same slots, and wait for nothing, nor do
/// their clients.
///
/// # Errors
/// The reason why not.
pub fn converged<M, P>(cluster: &Cluster<'_, P>) -> Result<(), String>
where
    M: Machine,
    P: Process + Borrow<Replicated<M>>,
{
    let mut first: Option<(SiteId, Slot)> = None;
    let mut leader = None;
    for id in cluster.core.iter() {
        let site = site(cluster, id)?;
        let status = site.status();
        let Some(led_by) = status.leader else {
            return Err(cluster.why(|| format!("{id} follows nobody")));
        };
        if *leader.get_or_insert(led_by) != led_by {
            return Err(cluster.why(|| format!("{id} follows {led_by}, others another")));
        }
        if status.applied != status.chosen || site.log().end() != status.chosen {
            let (end, chosen, applied) = (site.log().end(), status.chosen, status.applied);
            return Err(cluster.why(|| {
                format!("{id} holds slots below {end}, knows {chosen} as chosen, applied {applied}")
            }));
        }
        if status.queue > 0 {
            return Err(cluster.why(|| format!("{} submissions wait at {id}", status.queue)));
        }
        let (other, applied) = *first.get_or_insert((id, status.applied));
        if applied != status.applied {
            return Err(
                cluster.why(|| format!("{other} applied {applied} slots and {id} {}", status.applied))
            );
        }
        is_idle(cluster, ProcessId::Terminal(id))?;
    }
    let clients = cluster.members.iter().map(|member| member.id);
    let mut clients = clients.filter(|id| matches!(id, ProcessId::Client(_)));
    clients.try_for_each(|client| is_idle(cluster, client))
}

/// Whether two sites that agree hold the same: the log, the state, the sessions, and the last number taken of each
/// origin. `one` has not applied more than `other`.
///
/// # Errors
/// The difference.
pub fn same_state<M: Machine>(one: &Site<M>, other: &Site<M>) -> Result<(), String> {
    let (short, long) = (one.status().applied, other.status().applied);
    if short > long {
        return Err(format!("{short} slots were applied, and {long} are"));
    }
    let first = one.log().first();
    let mut later = other.log().chosen_from(first);
    for (slot, entry) in one.log().chosen_from(first).take_while(|(slot, _)| *slot < short) {
        if later.next() != Some((slot, entry)) {
            return Err(format!("their logs differ in slot {slot}"));
        }
    }
    // Slots that were chosen in between rightly change the state, as the judges check.
    if short < long {
        return Ok(());
    }
    let (one, other) = (one.replica(), other.replica());
    if one == other {
        return Ok(());
    }
    if !one.machine().save(Level::FIRST).eq(other.machine().save(Level::FIRST)) {
        return Err("their states differ".to_owned());
    }
    if one.origins() != other.origins() {
        return Err("they differ in what was taken of each origin".to_owned());
    }
    if one.session_count() != other.session_count() {
        let (before, behind) = (one.session_count(), other.session_count());
        return Err(format!("one has {before} sessions open, the other {behind}"));
    }
    Err("their tables of sessions differ, or what their states do not save".to_owned())
}

/// Whether a saved state loads as the same state: property `saved state`. The first running site stands for all, since
/// sites that agree hold the same.
///
/// # Errors
/// When it does not.
pub fn check_saved<M, P>(cluster: &Cluster<'_, P>) -> Result<(), Violation>
where
    M: Machine,
    P: Process + Borrow<Replicated<M>>,
{
    let first = cluster.running().find_map(|(id, state)| Some((id, state.borrow().as_site()?)));
    let Some((id, site)) = first else { return Ok(()) };
    let wrong = check_machine_saved(site.machine()).err();
    wrong.map_or(Ok(()), |why| Err(Violation::new("saved state", format!("{id} {why}"))))
}

fn check_machine_saved<M: Machine>(machine: &M) -> Result<(), String> {
    let saved: Vec<Chunk> = machine.save(Level::FIRST).collect();
    match M::load(Level::FIRST, saved.iter().cloned()) {
        Err(error) => Err(format!("cannot load what it would save: {error}")),
        Ok(loaded) if loaded.save(Level::FIRST).eq(saved) => Ok(()),
        Ok(_) => Err("would save what is loaded as something else".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicated::machine::tests::Tape;

    #[test]
    fn a_machine_that_forgets_when_it_is_loaded_is_noticed() {
        assert_eq!(check_machine_saved(&Tape::<false>(vec![1, 2])), Ok(()));
        let forgets = check_machine_saved(&Tape::<true>(vec![1, 2]));
        assert_eq!(forgets, Err("would save what is loaded as something else".to_owned()));
    }
}
