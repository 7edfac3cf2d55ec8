//! Whether answers ever go back: for a register that only grows, an epoch, a lease or the length of a log.
//!
//! Checked: an answer is no smaller than any answer that any process had got before the question was asked.
//! Not checked: that the value was ever written, or that an answer is as new as the newest write. A judge of
//! linearizability checks these too.

use alloc::collections::BTreeMap;
use core::fmt::Display;

use crate::ids::ProcessId;
use crate::process::Process;
use crate::sim::{Observation, Violation};

/// The greatest answer so far and who got it; and for each process what that was when the process asked last.
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
    /// Takes every command as a question. `answer` picks the notes that are answers, and gives their values.
    pub fn follow<P: Process>(
        &mut self,
        seen: &Observation<'_, P>,
        answer: impl FnOnce(&P::Note) -> Option<T>,
    ) -> Result<(), Violation> {
        match seen {
            Observation::Commanded { process, .. } => self.asked(*process),
            Observation::Noted { process, note } => {
                return answer(note).map_or(Ok(()), |value| self.answered(*process, value));
            }
            _ => {}
        }
        Ok(())
    }

    /// `process` asks. It gives up a question of its own that has no answer yet.
    pub fn asked(&mut self, process: ProcessId) {
        self.before.insert(process, self.greatest.clone());
    }

    /// `process` gets `value` as the answer to its last question.
    pub fn answered(&mut self, process: ProcessId, value: T) -> Result<(), Violation> {
        if let Some(Some((before, other))) = self.before.get(&process) {
            ensure!(
                value >= *before,
                "never back",
                "{process} got the answer {value} after {other} had got the answer {before}"
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
    fn only_a_question_asked_afterwards_must_not_get_less() {
        let [a, b, c] = [0, 1, 2].map(ProcessId::Client);
        let mut judge = NeverBack::default();
        judge.asked(a);
        judge.asked(b);
        judge.answered(a, 2).unwrap();
        judge.answered(b, 1).unwrap();
        judge.asked(c);
        judge.asked(b);
        assert_eq!(
            judge.answered(c, 1).unwrap_err().to_string(),
            "never back: C2 got the answer 1 after C0 had got the answer 2"
        );
        judge.answered(b, 2).unwrap();
    }
}
