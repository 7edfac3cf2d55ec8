//! The result of hunting one saboteur.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// The result for one saboteur.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SaboteurRow {
    pub(super) name: String,
    pub(super) about: String,
    /// Whether it was written after the profile and its recipes were fixed.
    pub(super) is_held_out: bool,
    /// The number of seeds that each sweep ran up to its first failure; `None` if the sweep gave up.
    pub(super) runs: Vec<Option<u64>>,
    /// The processor time of each sweep up to its first failure, or until it gave up.
    pub(super) spent_micros: Vec<u64>,
    /// The property that the median sweep's failure breaks; `None` if the median sweep gave up.
    pub(super) property: Option<String>,
    /// The seed that failed in each sweep.
    pub(super) seeds: Vec<Option<u64>>,
    /// The seed that failed in the median sweep.
    pub(super) seed: Option<u64>,
    /// The verdict under that seed, in a sentence.
    pub(super) verdict: Option<String>,
    /// The size of the shrunken scenario. `None` if it was not shrunk, or if honest processes fail the shrunken
    /// scenario in the same way.
    pub(super) small: Option<Small>,
}

/// The size of a scenario before and after shrinking.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Small {
    /// Steps of all tracks, and rules.
    pub(super) steps_before: usize,
    pub(super) steps: usize,
    pub(super) millis: u64,
    pub(super) runs: u64,
}

/// The index of the median among `count` sorted items: the lower of two in the middle.
pub(super) fn middle(count: usize) -> usize {
    count.saturating_sub(1) / 2
}

impl SaboteurRow {
    /// The number of seeds that the median sweep needed; sweeps that gave up count as the worst.
    pub(super) fn median(&self) -> Option<u64> {
        let mut runs = self.runs.clone();
        runs.sort_by_key(|runs| runs.unwrap_or(u64::MAX));
        runs.get(middle(runs.len())).copied().flatten()
    }

    /// The number of seeds that the worst sweep needed; `None` if a sweep gave up.
    pub(super) fn worst(&self) -> Option<u64> {
        self.runs.iter().copied().collect::<Option<Vec<u64>>>()?.into_iter().max()
    }

    /// The processor time that a sweep took, in the mean; zero without sweeps.
    pub(super) fn mean_micros(&self) -> u64 {
        let sweeps = u64::try_from(self.spent_micros.len()).unwrap_or(u64::MAX);
        self.spent_micros.iter().sum::<u64>().checked_div(sweeps).unwrap_or(0)
    }

    /// Writes the row as one line of JSON.
    pub(super) fn json(&self, out: &mut impl Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct RowJson<'a> {
            #[serde(flatten)]
            row: &'a SaboteurRow,
            median: Option<u64>,
            worst: Option<u64>,
        }
        let json = RowJson { row: self, median: self.median(), worst: self.worst() };
        writeln!(out, "{}", serde_json::to_string(&json).map_err(io::Error::other)?)?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_that_gave_up_are_the_worst() {
        let row = |runs: &[Option<u64>]| SaboteurRow {
            name: String::new(),
            about: String::new(),
            is_held_out: false,
            runs: runs.to_vec(),
            spent_micros: vec![4; runs.len()],
            property: None,
            seeds: Vec::new(),
            seed: None,
            verdict: None,
            small: None,
        };
        let check = |runs: &[Option<u64>], median, worst| {
            assert_eq!((row(runs).median(), row(runs).worst()), (median, worst), "{runs:?}");
            assert_eq!(row(runs).mean_micros(), if runs.is_empty() { 0 } else { 4 }, "{runs:?}");
        };
        check(&[Some(3), Some(1), Some(2)], Some(2), Some(3));
        check(&[Some(4), Some(1), Some(2), Some(3)], Some(2), Some(4));
        check(&[Some(3), None, Some(2)], Some(3), None);
        check(&[None, None, Some(2)], None, None);
        check(&[], None, None);
    }
}
