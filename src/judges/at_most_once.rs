//! Whether something happens at most once in the life of a process: for requests that take effect.
//!
//! Checked: no incarnation of a process does the same thing twice, and none loses what it has done, where all of it is
//! judged as a log. Another process, and a process that starts again and has its state from its disk, may do it once
//! more. Whether all do the same is judged by [`DecidedPrefix`](crate::judges::DecidedPrefix).
//! Not checked: that it happens at all. Notes are claims: an effect that no note reports is not seen.

use alloc::collections::BTreeMap;
use core::fmt::Debug;

use crate::ids::ProcessId;
use crate::judges::Again;
use crate::process::Process;
use crate::sim::{Observation, Violation};

/// What each incarnation has done.
#[derive(Clone, Debug)]
pub struct AtMostOnce<T> {
    happened: BTreeMap<ProcessId, Done<T>>,
}

/// What an incarnation has done.
#[derive(Clone, Debug)]
struct Done<T> {
    /// With its place in the order of all that was done, from 0.
    places: BTreeMap<T, usize>,
    again: Again,
}

impl<T> Default for Done<T> {
    fn default() -> Done<T> {
        Done { places: BTreeMap::new(), again: Again::default() }
    }
}

impl<T> Default for AtMostOnce<T> {
    fn default() -> AtMostOnce<T> {
        AtMostOnce { happened: BTreeMap::new() }
    }
}

impl<T: Ord + Debug> AtMostOnce<T> {
    /// Takes notes as reports: `effect` gives what happened, for those that say that something did.
    pub fn follow<P: Process>(
        &mut self,
        seen: &Observation<'_, P>,
        effect: impl FnOnce(&P::Note) -> Option<T>,
    ) -> Result<(), Violation> {
        match seen {
            Observation::Started { process, .. } => self.started(*process),
            Observation::Noted { process, note } => {
                return effect(note).map_or(Ok(()), |what| self.happened(*process, what));
            }
            _ => {}
        }
        Ok(())
    }

    /// An incarnation of `process` begins, which has done nothing.
    pub fn started(&mut self, process: ProcessId) {
        self.happened.remove(&process);
    }

    /// `process` does `what`.
    pub fn happened(&mut self, process: ProcessId, what: T) -> Result<(), Violation> {
        let done = &mut self.happened.entry(process).or_default().places;
        ensure!(!done.contains_key(&what), "at most once", "{what:?} took effect twice at {process}");
        done.insert(what, done.len());
        Ok(())
    }

    /// `log` is all that this incarnation of `process` has done, oldest first: for judges that look at its state.
    ///
    /// It may only grow. What was done before is looked at again as in
    /// [`decided_log`](crate::judges::DecidedPrefix::decided_log).
    pub fn happened_log(&mut self, process: ProcessId, log: &[T]) -> Result<(), Violation>
    where
        T: Clone,
    {
        let Done { places, again } = self.happened.entry(process).or_default();
        let (known, length) = (places.len(), log.len());
        ensure!(length >= known, "never back", "{process} had done {known} things, and has done {length}");
        for index in again.indices(known) {
            let has = &log[index];
            ensure!(
                places.get(has) == Some(&index),
                "never back",
                "{process} had done {:?} at index {index}, and has {has:?} there",
                places.iter().find(|(_, place)| **place == index).expect("each place is taken").0
            );
        }
        log.iter().skip(known).try_for_each(|what| self.happened(process, what.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_second_time_in_one_incarnation_is_one_too_many() {
        let [one, two] = [1, 2].map(ProcessId::site);
        let mut judge = AtMostOnce::default();
        for (process, what) in [(one, 7), (one, 8), (two, 7)] {
            judge.happened(process, what).unwrap();
        }
        judge.started(two);
        judge.happened(two, 7).unwrap();
        let violation = judge.happened(one, 7).unwrap_err();
        assert_eq!(violation.to_string(), "at most once: 7 took effect twice at S1");
    }

    #[test]
    fn a_log_is_judged_as_its_values_are() {
        let one = ProcessId::site(1);
        let mut judge = AtMostOnce::default();
        for log in [&[][..], &[7], &[7, 8, 9]] {
            judge.happened_log(one, log).unwrap();
        }
        let violation = judge.happened_log(one, &[7, 8, 9, 8]).unwrap_err();
        assert_eq!(violation.to_string(), "at most once: 8 took effect twice at S1");
        judge.started(one);
        judge.happened_log(one, &[8]).unwrap();
    }

    #[test]
    fn a_log_that_was_rewritten_is_noticed() {
        let one = ProcessId::site(1);
        for (log, text) in [
            (&[8, 8][..], "never back: S1 had done 7 at index 0, and has 8 there"),
            (&[7, 9, 8], "never back: S1 had done 8 at index 1, and has 9 there"),
            (&[7, 7], "never back: S1 had done 8 at index 1, and has 7 there"),
            (&[7], "never back: S1 had done 2 things, and has done 1"),
            (&[], "never back: S1 had done 2 things, and has done 0"),
            (&[7, 8, 7], "at most once: 7 took effect twice at S1"),
        ] {
            let mut judge = AtMostOnce::default();
            judge.happened_log(one, &[7, 8]).unwrap();
            assert_eq!(judge.happened_log(one, log).unwrap_err().to_string(), text);
        }
    }
}
