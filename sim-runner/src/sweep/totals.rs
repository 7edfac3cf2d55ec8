//! Counts over all runs, and the little that is kept of each run, whatever their number.

use aviary::scenario::Verdict;
use aviary::search::{Again, Ran, Second};

/// The maximum number of shown runs that did not repeat themselves.
const DIFFERED_MAX: usize = 5;

/// Sums over the reported runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) runs: u64,
    pub(crate) twice: u64,
    pub(crate) events: u64,
    pub(crate) simulated_us: u64,
    /// The number of runs that were violated, panicked or stalled.
    pub(crate) broken: u64,
    /// The number of runs that were stale or undecided.
    pub(crate) open: u64,
    /// The number of runs that were not judged completely; the first one is kept.
    pub(crate) unjudged: u64,
    pub(crate) first_unjudged: Option<Unjudged>,
    /// The number of runs that did not repeat themselves.
    pub(crate) differed: u64,
    /// The first of the runs that did not repeat themselves.
    pub(crate) examples: Vec<Differed>,
    /// The seed of the last run.
    pub(crate) last_seed: Option<u64>,
}

/// A run that judges could not judge completely within their bounds.
#[derive(Clone, Debug)]
pub(crate) struct Unjudged {
    pub(crate) source: usize,
    pub(crate) seed: u64,
    /// The part that was not judged.
    pub(crate) sentence: String,
}

/// A run that differed when it was repeated.
#[derive(Clone, Debug)]
pub(crate) struct Differed {
    pub(crate) source: usize,
    pub(crate) seed: u64,
    /// The results of both runs.
    pub(crate) sentence: String,
}

impl Totals {
    pub(crate) fn add(&mut self, ran: &Ran) {
        self.runs += 1;
        self.events += ran.events;
        self.simulated_us += ran.simulated.as_micros();
        self.last_seed = Some(ran.seed);
        match ran.verdict {
            Verdict::Passed => {}
            Verdict::Violated(_) | Verdict::Panicked { .. } | Verdict::Stalled { .. } => self.broken += 1,
            Verdict::Stale { .. } | Verdict::Undecided { .. } => self.open += 1,
        }
        if let Some(sentence) = ran.unknown.first() {
            self.unjudged += 1;
            let (source, seed, sentence) = (ran.source, ran.seed, sentence.clone());
            self.first_unjudged.get_or_insert(Unjudged { source, seed, sentence });
        }
        match &ran.again {
            Again::Once => {}
            Again::Same => self.twice += 1,
            Again::Differed(second) => {
                self.twice += 1;
                self.differed += 1;
                if self.examples.len() < DIFFERED_MAX {
                    let sentence = sentence(ran, second);
                    self.examples.push(Differed { source: ran.source, seed: ran.seed, sentence });
                }
            }
        }
    }

    pub(super) fn simulated_s(&self) -> u64 {
        self.simulated_us / 1_000_000
    }

    /// The number of runs that did not pass.
    pub(super) fn failed(&self) -> u64 {
        self.broken + self.open
    }
}

/// For instance `1,200 events, 0123…, passed; then 1,201 events, 4567…, stalled`.
fn sentence(ran: &Ran, second: &Second) -> String {
    let side = |events: u64, fingerprint: u64, verdict: &Verdict| {
        format!("{events} events, {fingerprint:016x}, {}", verdict.name())
    };
    let first = side(ran.events, ran.fingerprint, &ran.verdict);
    format!("{first}; then {}", side(second.events, second.fingerprint, &second.verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aviary::time::Duration;

    fn ran(seed: u64, unknown: &[&str]) -> Ran {
        let unknown = unknown.iter().map(ToString::to_string).collect();
        let (verdict, simulated, again) = (Verdict::Passed, Duration::from_secs(2), Again::Once);
        Ran {
            source: 0,
            seed,
            verdict,
            events: 9,
            simulated,
            fingerprint: 0,
            unknown,
            answers: Vec::new(),
            again,
        }
    }

    #[test]
    fn runs_that_were_not_judged_in_all_respects_are_counted_though_they_passed() {
        let mut totals = Totals::default();
        let runs = [ran(3, &[]), ran(4, &["order: spent", "sessions: spent"]), ran(5, &["order: spent"])];
        runs.iter().for_each(|ran| totals.add(ran));
        let first = totals.first_unjudged.as_ref().map(|first| (first.seed, first.sentence.as_str()));
        assert_eq!((totals.unjudged, first, totals.failed()), (2, Some((4, "order: spent")), 0));
    }
}
