//! Groups failures that are alike and counts them: thousands of runs that break one thing are one group.

use alloc::collections::BTreeMap;

use crate::scenario::Verdict;
use crate::search::ran::Ran;

/// The greatest number of groups. Further failures are counted under their property alone.
const GROUPS_MAX: usize = 256;

/// Number of runs of a group that are kept.
const SAMPLES: usize = 3;

/// Runs that fail alike.
#[derive(Clone, Debug)]
pub struct Group {
    /// The broken property.
    pub property: &'static str,
    /// Number of runs that broke it in this way.
    pub count: u64,
    /// The first few of these runs, by seed.
    pub samples: Vec<Sample>,
}

/// One run that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// The index of its source.
    pub source: usize,
    /// The seed of that source.
    pub seed: u64,
    /// The verdict.
    pub verdict: Verdict,
}

/// All groups, in the order of their first failures.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    groups: Vec<Group>,
    by_shape: BTreeMap<String, usize>,
}

impl Groups {
    /// Counts a failed run. Returns whether it is the first of its group.
    pub fn add(&mut self, ran: &Ran) -> bool {
        let property = ran.verdict.property();
        let mut shape = format!("{property}: {}", without_numbers(&ran.verdict.explanation(), true));
        if self.groups.len() >= GROUPS_MAX && !self.by_shape.contains_key(&shape) {
            shape = property.to_owned();
        }
        let next = self.groups.len();
        let place = *self.by_shape.entry(shape).or_insert(next);
        if place == next {
            self.groups.push(Group { property, count: 0, samples: Vec::new() });
        }
        let group = &mut self.groups[place];
        group.count += 1;
        if group.samples.len() < SAMPLES {
            let Ran { source, seed, verdict, .. } = ran.clone();
            group.samples.push(Sample { source, seed, verdict });
        }
        place == next
    }

    /// Every group, in the order of their first failures.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether nothing failed.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// A text without its numbers and, if `without_quotes`, without what is in quotes: similar texts become the same.
pub(super) fn without_numbers(text: &str, without_quotes: bool) -> String {
    let mut shape = String::with_capacity(text.len());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in text.chars() {
        let is_quote = c == '"' && !is_escaped;
        is_escaped = is_quoted && c == '\\' && !is_escaped;
        if is_quote {
            is_quoted = !is_quoted;
        }
        if !c.is_ascii_digit() && (is_quote || !is_quoted || !without_quotes) {
            shape.push(c);
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::ran::Again;
    use crate::sim::Violation;
    use crate::time::Duration;

    fn failed(seed: u64, property: &'static str, explanation: &str) -> Ran {
        let verdict = Verdict::Violated(Violation::new(property, explanation));
        let again = Again::Once;
        let (simulated, unknown) = (Duration::ZERO, Vec::new());
        Ran {
            source: 0,
            seed,
            verdict,
            events: 1,
            simulated,
            fingerprint: 0,
            unknown,
            answers: Vec::new(),
            again,
        }
    }

    #[test]
    fn alike_are_those_that_differ_in_numbers_and_quotes() {
        let text = r#"S1 told "a \"b\" 3" at 4.5 s"#;
        assert_eq!(without_numbers(text, true), r#"S told "" at . s"#);
        assert_eq!(without_numbers(text, false), r#"S told "a \"b\" " at . s"#);
        let mut groups = Groups::default();
        assert!(groups.add(&failed(1, "agreement", "slot 7 is \"a\" and \"b\"")));
        assert!(!groups.add(&failed(2, "agreement", "slot 12 is \"c\" and \"ddd\"")));
        assert!(groups.add(&failed(3, "agreement", "slot 12 was forgotten")));
        assert!(groups.add(&failed(4, "validity", "slot 7 is \"a\" and \"b\"")));
        let counts: Vec<_> = groups.iter().map(|group| (group.count, group.samples[0].seed)).collect();
        assert_eq!(counts, [(2, 1), (1, 3), (1, 4)]);
    }

    #[test]
    fn neither_groups_nor_samples_are_without_bound() {
        let mut groups = Groups::default();
        for number in 0..10_000u32 {
            let letters: String =
                number.to_string().bytes().map(|digit| char::from(digit + b'a' - b'0')).collect();
            groups.add(&failed(number.into(), "agreement", &letters));
            groups.add(&failed(number.into(), "agreement", "always"));
        }
        assert_eq!(groups.len(), GROUPS_MAX + 1);
        assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), 20_000);
        assert!(groups.iter().all(|group| group.samples.len() <= SAMPLES));
    }
}
