//! Whether all processes decide the same values in the same order: for a replicated log.
//!
//! Checked: (1) no two processes decide different values at one index, over all their incarnations; (2) within an
//! incarnation a process decides index after index, leaves none out, and never goes back; (3) what is decided was
//! asked for, if the judge was ever shown what is asked for. An incarnation may decide less than the one before it:
//! what it then decides again must be the same.
//! Not checked: that a quorum stands behind a decision, that anything is ever decided, that a value is decided once
//! only ([`AtMostOnce`](crate::judges::AtMostOnce)).
//!
//! A note is a claim of the process that made it: if notes say what the application gets, this judges what the
//! application gets, and nothing that the process keeps to itself. Records and messages are decoded from bytes: where
//! they show decisions, give those to [`decided`](DecidedPrefix::decided) instead.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::fmt::Debug;

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::Again;
use crate::process::Process;
use crate::sim::{Observation, Violation};

/// What was decided at each index, and who decided it first; and how far each incarnation has come.
#[derive(Clone, Debug)]
pub struct DecidedPrefix<T> {
    decided: CowLog<(T, ProcessId)>,
    values: Arc<BTreeSet<T>>,
    judged: BTreeMap<ProcessId, Judged>,
    asked: Option<Arc<BTreeSet<T>>>,
}

/// What was judged of an incarnation.
#[derive(Clone, Copy, Debug, Default)]
struct Judged {
    /// It decided what `decided` has before this index.
    length: u64,
    again: Again,
}

impl<T> Default for DecidedPrefix<T> {
    fn default() -> DecidedPrefix<T> {
        DecidedPrefix {
            decided: CowLog::default(),
            values: Arc::default(),
            judged: BTreeMap::new(),
            asked: None,
        }
    }
}

impl<T: Ord + Clone + Debug> DecidedPrefix<T> {
    /// Takes notes as decisions: `decision` gives the index and the value of those that are. The first index is 0.
    pub fn follow<P: Process>(
        &mut self,
        seen: &Observation<'_, P>,
        decision: impl FnOnce(&P::Note) -> Option<(u64, T)>,
    ) -> Result<(), Violation> {
        match seen {
            Observation::Started { process, .. } => self.started(*process),
            Observation::Noted { process, note } => {
                return decision(note).map_or(Ok(()), |(index, value)| self.decided(*process, index, value));
            }
            _ => {}
        }
        Ok(())
    }

    /// An incarnation of `process` begins, which has decided nothing.
    pub fn started(&mut self, process: ProcessId) {
        self.judged.insert(process, Judged::default());
    }

    /// `value` may be decided from here on. Once this is called, nothing else may be.
    pub fn asked(&mut self, value: T) {
        Arc::make_mut(self.asked.get_or_insert_default()).insert(value);
    }

    /// `process` decides `value` at `index`.
    pub fn decided(&mut self, process: ProcessId, index: u64, value: T) -> Result<(), Violation> {
        let next = &mut self.judged.entry(process).or_default().length;
        ensure!(index >= *next, "never back", "{process} decided index {index} after index {}", *next - 1);
        ensure!(index == *next, "no gap", "{process} decided index {index}, and not index {next}");
        let first = usize::try_from(index).ok().and_then(|index| self.decided.get(index));
        if let Some((other, who)) = first {
            ensure!(
                *other == value,
                "agreement",
                "{process} decided {value:?} at index {index}, where {who} decided {other:?}"
            );
            *next += 1;
            return Ok(());
        }
        let is_asked_for = self.asked.as_ref().is_none_or(|asked| asked.contains(&value));
        ensure!(
            is_asked_for,
            "validity",
            "{process} decided {value:?} at index {index}: nobody asked for it"
        );
        *next += 1;
        Arc::make_mut(&mut self.values).insert(value.clone());
        self.decided.push((value, process));
        Ok(())
    }

    /// `log` is all that this incarnation of `process` has decided, oldest first: for judges that look at its state.
    ///
    /// It may only grow. A log that is shorter than before is noticed at once, and so is another newest value. Of the
    /// values before it, up to 32 are looked at again each time, in turn: what was rewritten in a log of up to 32 values
    /// is noticed at once, and in a longer one after as many looks as it has 32 values, if the process lives that long.
    pub fn decided_log(&mut self, process: ProcessId, log: &[T]) -> Result<(), Violation> {
        let judged = self.judged.entry(process).or_default();
        let (known, length) = (judged.length, log.len() as u64);
        ensure!(length >= known, "never back", "{process} had decided {known} values, and has {length}");
        for index in judged.again.indices(usize::try_from(known).unwrap_or(usize::MAX)) {
            let (value, has) = (self.decided.get(index).map(|(value, _)| value), &log[index]);
            ensure!(
                value == Some(has),
                "never back",
                "{process} had decided {:?} at index {index}, and has {has:?} there",
                value.expect("each index below `known` is decided")
            );
        }
        for (index, value) in (0..length).zip(log).skip(usize::try_from(known).unwrap_or(usize::MAX)) {
            self.decided(process, index, value.clone())?;
        }
        Ok(())
    }

    /// Whether any process has decided `value`.
    pub fn has(&self, value: &T) -> bool {
        self.values.contains(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    const ONE: ProcessId = ProcessId::site(1);
    const TWO: ProcessId = ProcessId::site(2);

    /// Site 1 has decided 5 and 6.
    fn judge() -> DecidedPrefix<u64> {
        let mut judge = DecidedPrefix::default();
        judge.decided(ONE, 0, 5).unwrap();
        judge.decided(ONE, 1, 6).unwrap();
        judge
    }

    fn objects(judged: Result<(), Violation>, text: &str) {
        assert_eq!(judged.unwrap_err().to_string(), text);
    }

    #[test]
    fn every_process_decides_the_same_at_an_index() {
        let mut judge = judge();
        judge.decided(TWO, 0, 5).unwrap();
        objects(judge.decided(TWO, 1, 7), "agreement: S2 decided 7 at index 1, where S1 decided 6");
    }

    #[test]
    fn another_incarnation_may_decide_less_and_nothing_else() {
        let mut judge = judge();
        judge.started(ONE);
        judge.decided(ONE, 0, 5).unwrap();
        objects(judge.decided(ONE, 1, 7), "agreement: S1 decided 7 at index 1, where S1 decided 6");
    }

    #[test]
    fn an_incarnation_goes_neither_back_nor_too_far() {
        objects(judge().decided(ONE, 1, 6), "never back: S1 decided index 1 after index 1");
        objects(judge().decided(ONE, 3, 8), "no gap: S1 decided index 3, and not index 2");
        objects(judge().decided(TWO, 1, 6), "no gap: S2 decided index 1, and not index 0");
    }

    #[test]
    fn a_log_is_judged_as_its_values_are() {
        let mut judge = judge();
        for log in [&[5][..], &[5, 6], &[5, 6, 7]] {
            judge.decided_log(TWO, log).unwrap();
        }
        assert!(judge.has(&7));
        objects(judge.decided_log(TWO, &[5, 6]), "never back: S2 had decided 3 values, and has 2");
        objects(judge.decided_log(ONE, &[5, 6, 8]), "agreement: S1 decided 8 at index 2, where S2 decided 7");
    }

    #[test]
    fn a_log_that_was_rewritten_is_noticed() {
        let judged = || {
            let mut judge = judge();
            judge.decided_log(TWO, &[5, 6]).unwrap();
            judge
        };
        for log in [&[5, 9][..], &[5, 9, 3]] {
            objects(
                judged().decided_log(TWO, log),
                "never back: S2 had decided 6 at index 1, and has 9 there",
            );
        }
        for log in [&[9, 6][..], &[9, 6, 3]] {
            objects(
                judged().decided_log(TWO, log),
                "never back: S2 had decided 5 at index 0, and has 9 there",
            );
        }
        // Another incarnation may have less, and nothing else.
        let mut judge = judged();
        judge.started(TWO);
        judge.decided_log(TWO, &[5]).unwrap();
        objects(judge.decided_log(TWO, &[9]), "never back: S2 had decided 5 at index 0, and has 9 there");
    }

    #[test]
    fn each_value_of_a_long_log_is_looked_at_again_in_turn() {
        let mut log: Vec<u64> = (0..1_000).collect();
        let mut judge = DecidedPrefix::default();
        judge.decided_log(ONE, &log).unwrap();
        let before = judge.decided.looks();
        judge.decided_log(ONE, &log).unwrap();
        assert!(judge.decided.looks() - before < 40, "{}", judge.decided.looks() - before);
        log[700] = 0;
        let is_noticed = (0..1_000 / 32 + 1).any(|_| judge.decided_log(ONE, &log).is_err());
        assert!(is_noticed);
    }

    #[test]
    fn what_nobody_asked_for_is_not_decided() {
        let mut judge = DecidedPrefix::default();
        judge.asked(5);
        judge.decided(ONE, 0, 5).unwrap();
        assert!(judge.has(&5) && !judge.has(&6));
        objects(judge.decided(ONE, 1, 6), "validity: S1 decided 6 at index 1: nobody asked for it");
    }
}
