//! Whether at most one process leads in each term: for protocols that elect leaders.
//!
//! Checked: no two processes lead under one rank, in any of their incarnations. One that leads again under a rank of
//! its own, also after a restart, is not objected to.
//! Not checked: that a quorum elected it, that there is a leader at all, that terms rise. Two leaders of different
//! terms may well lead at the same time. A rank that contains the number of its process never occurs twice: then this
//! judge sees nothing.
//!
//! As a judge it asks every process for its [`role`](Process::role) after each input: that is what the process thinks.
//! Where messages name their term, give those that only a leader sends to [`leads`](OneLeader::leads): that is what it
//! does.

use alloc::collections::BTreeMap;

use crate::ids::ProcessId;
use crate::process::{Process, Role};
use crate::sim::{Judge, Observation, ObservationKinds, Violation};
use crate::time::Instant;

/// Who led first under each rank.
#[derive(Clone, Debug, Default)]
pub struct OneLeader {
    leaders: BTreeMap<u64, ProcessId>,
}

impl OneLeader {
    /// `process` leads under `rank`, such as a term.
    pub fn leads(&mut self, process: ProcessId, rank: u64) -> Result<(), Violation> {
        let other = *self.leaders.entry(rank).or_insert(process);
        ensure!(other == process, "one leader", "{other} and {process} both lead in term {rank}");
        Ok(())
    }
}

impl<P: Process> Judge<P> for OneLeader {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, P>) -> Result<(), Violation> {
        if let Observation::Handled { process, state } = seen
            && let Role::Leader { rank } = state.role()
        {
            return self.leads(*process, rank);
        }
        Ok(())
    }

    fn looks_at(&self) -> ObservationKinds {
        ObservationKinds::HANDLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn two_leaders_of_one_term_are_one_too_many() {
        let [one, two] = [1, 2].map(ProcessId::site);
        let mut judge = OneLeader::default();
        for (process, term) in [(one, 1), (two, 2), (one, 3), (one, 3)] {
            judge.leads(process, term).unwrap();
        }
        let violation = judge.leads(two, 3).unwrap_err();
        assert_eq!(violation.to_string(), "one leader: S1 and S2 both lead in term 3");
    }
}
