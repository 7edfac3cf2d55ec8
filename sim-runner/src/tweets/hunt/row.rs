//! What came of hunting one saboteur.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

/// One saboteur.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SaboteurRow {
    pub(super) name: String,
    pub(super) about: String,
    /// Whether it was written after the profile and its recipes were fixed.
    pub(super) is_held_out: bool,
    /// How many seeds each sweep ran up to its first failure; `None` where it gave up.
    pub(super) runs: Vec<Option<u64>>,
    /// What the median sweep's failure breaks; `None` when the median sweep gave up.
    pub(super) property: Option<String>,
    /// Which seed failed in each sweep.
    pub(super) seeds: Vec<Option<u64>>,
    /// Which seed failed in the median sweep.
    pub(super) seed: Option<u64>,
    /// What came of that seed, in a sentence.
    pub(super) verdict: Option<String>,
    /// What is left of that scenario, if it was shrunk and honest processes do not fail what is left
    /// in the same way.
    pub(super) small: Option<Small>,
}

/// What shrinking left of a scenario.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Small {
    /// Steps of all tracks, and rules.
    pub(super) steps_before: usize,
    pub(super) steps: usize,
    pub(super) millis: u64,
    pub(super) runs: u64,
}

/// Which of so many, sorted, is the median: of two in the middle the lower.
pub(super) fn middle(count: usize) -> usize {
    count.saturating_sub(1) / 2
}

impl SaboteurRow {
    /// How many seeds the median sweep needed, where sweeps that gave up are the worst.
    pub(super) fn median(&self) -> Option<u64> {
        let mut runs = self.runs.clone();
        runs.sort_by_key(|runs| runs.unwrap_or(u64::MAX));
        runs.get(middle(runs.len())).copied().flatten()
    }

    /// How many the worst needed; `None` when one gave up.
    pub(super) fn worst(&self) -> Option<u64> {
        self.runs.iter().copied().collect::<Option<Vec<u64>>>()?.into_iter().max()
    }

    /// Writes it as a line of JSON.
    pub(super) fn json(&self, out: &mut impl Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct RowJson<'a> {
            #[serde(flatten)]
            row: &'a SaboteurRow,
            median: Option<u64>,
            worst: Option<u64>,
        }
        let told = RowJson { row: self, median: self.median(), worst: self.worst() };
        writeln!(out, "{}", serde_json::to_string(&told).map_err(io::Error::other)?)?;
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
            property: None,
            seeds: Vec::new(),
            seed: None,
            verdict: None,
            small: None,
        };
        let check = |runs: &[Option<u64>], median, worst| {
            assert_eq!((row(runs).median(), row(runs).worst()), (median, worst), "{runs:?}");
        };
        check(&[Some(3), Some(1), Some(2)], Some(2), Some(3));
        check(&[Some(4), Some(1), Some(2), Some(3)], Some(2), Some(4));
        check(&[Some(3), None, Some(2)], Some(3), None);
        check(&[None, None, Some(2)], None, None);
        check(&[], None, None);
    }
}
