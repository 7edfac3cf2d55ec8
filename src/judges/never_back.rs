//! Whether what is told ever goes back.
//!
//! Checked: who asks after somebody was told a value is told that or a greater one, whoever it was. Of a register
//! that only grows, an epoch, a lease or a log's length this is what linearizability leaves once nothing is made up.
//! Not checked: that a value was ever written, or that what was told before the question came was the newest.

use alloc::collections::BTreeMap;
use core::fmt::Display;

use crate::ids::ProcessId;
use crate::process::Process;
use crate::sim::{Observation, Violation};

/// The greatest value that anybody was told, and what it was when each who asks began to.
#[derive(Clone, Debug)]
pub struct NeverBack<T> {
    greatest: Option<(T, ProcessId)>,
    before: BTreeMap<ProcessId, Option<(T, ProcessId)>>,
}

impl<T> Default for NeverBack<T> {
    fn default() -> NeverBack<T> {
        NeverBack { greatest: None, before: BTreeMap::new() }
    }
}

impl<T: Ord + Clone + Display> NeverBack<T> {
    /// Takes every command for a question, and a note of which `told` makes a value for the answer.
    pub fn follow<P: Process>(
        &mut self,
        seen: &Observation<'_, P>,
        told: impl FnOnce(&P::Note) -> Option<T>,
    ) -> Result<(), Violation> {
        match seen {
            Observation::Commanded { process, .. } => self.asked(*process),
            Observation::Noted { process, note } => {
                return told(note).map_or(Ok(()), |value| self.told(*process, value));
            }
            _ => {}
        }
        Ok(())
    }

    /// `process` begins to ask, and gives up what it asked before.
    pub fn asked(&mut self, process: ProcessId) {
        self.before.insert(process, self.greatest.clone());
    }

    /// `process` is told `value`: the answer to what it asked last.
    pub fn told(&mut self, process: ProcessId, value: T) -> Result<(), Violation> {
        if let Some(Some((before, whom))) = self.before.get(&process) {
            ensure!(
                value >= *before,
                "never back",
                "{process} is told {value}, after {whom} was told {before}"
            );
        }
        if self.greatest.as_ref().is_none_or(|(greatest, _)| *greatest < value) {
            self.greatest = Some((value, process));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn only_who_asks_afterwards_must_not_be_told_less() {
        let [a, b, c] = [0, 1, 2].map(ProcessId::Client);
        let mut judge = NeverBack::default();
        judge.asked(a);
        judge.asked(b);
        judge.told(a, 2).unwrap();
        judge.told(b, 1).unwrap();
        judge.asked(c);
        judge.asked(b);
        assert_eq!(
            judge.told(c, 1).unwrap_err().to_string(),
            "never back: C2 is told 1, after C0 was told 2"
        );
        judge.told(b, 2).unwrap();
    }
}
