//! The property that a run broke, so that another run can be checked for the same.

use core::fmt;

use crate::scenario::Verdict;
use crate::search::groups::without_numbers;

/// A broken property, without the values that differ from run to run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Property {
    /// A judge objected.
    Violated {
        /// The property's short name, like `agreement`.
        name: String,
        /// For an expectation, what was found instead: one that fails in another way is another failure.
        found: Option<String>,
    },
    /// A process panicked.
    Panicked {
        /// The place in the source; the message if the place is unknown.
        at: String,
    },
    /// A healed core did not agree or progress within its bound.
    Stalled {
        /// What was left to do, without names and numbers.
        how: String,
    },
}

impl Property {
    /// The property that `verdict` says was broken; `None` for a pass, and for a verdict that decides nothing.
    pub fn of(verdict: &Verdict) -> Option<Property> {
        match verdict {
            Verdict::Violated(violation) => Some(Property::Violated {
                name: violation.property.to_owned(),
                found: (violation.property == EXPECTATION).then(|| found(&violation.explanation)),
            }),
            Verdict::Panicked { message, .. } => {
                let at = message.rsplit_once(", at ").map_or(message.as_str(), |(_, at)| at);
                Some(Property::Panicked { at: at.to_owned() })
            }
            Verdict::Stalled { why } => Some(Property::Stalled { how: left(why) }),
            Verdict::Passed | Verdict::Stale { .. } | Verdict::Undecided { .. } => None,
        }
    }

    /// Whether `verdict` breaks this property.
    pub fn is_of(&self, verdict: &Verdict) -> bool {
        Property::of(verdict).as_ref() == Some(self)
    }

    /// As [`is_of`](Property::is_of), but all stalls are alike: one cause leaves different things to do in different
    /// runs.
    pub(super) fn is_like(&self, verdict: &Verdict) -> bool {
        match (self, verdict) {
            (Property::Stalled { .. }, Verdict::Stalled { .. }) => true,
            _ => self.is_of(verdict),
        }
    }

    /// Its name in one word, for tables and file names.
    pub fn name(&self) -> &str {
        match self {
            Property::Violated { name, .. } => name,
            Property::Panicked { .. } => "panic",
            Property::Stalled { .. } => "progress",
        }
    }

    /// Whether it is an expectation about the scenario's own commands: fewer commands would break it too.
    pub(super) fn is_of_commands(&self) -> bool {
        matches!(self, Property::Violated { found: Some(_), .. })
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name under which a run reports that an expectation does not hold.
const EXPECTATION: &str = "expectation";

/// The explanation without the place of the expectation, which moves when other expectations go.
fn found(explanation: &str) -> String {
    explanation.split_once(": ").map_or(explanation, |(_, found)| found).to_owned()
}

/// The sentence after the bound, without numbers and names of processes.
fn left(why: &str) -> String {
    let shape = without_numbers(found(why).as_str(), false);
    let is_process = |word: &&str| matches!(*word, "S" | "T" | "C");
    shape.split_whitespace().filter(|word| !is_process(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Violation;

    #[test]
    fn the_same_is_broken_whatever_the_values() {
        let violated = |property, explanation: &str| Verdict::Violated(Violation::new(property, explanation));
        let panicked = |message: &str| Verdict::Panicked { process: None, message: message.to_owned() };
        let check = |one: &Verdict, other: &Verdict, is_same| {
            let property = Property::of(one).unwrap();
            assert_eq!(property.is_of(other), is_same, "{one} and {other}");
        };
        check(&violated("agreement", "slot 1"), &violated("agreement", "slot 2"), true);
        check(&violated("agreement", "slot 1"), &violated("order", "slot 1"), false);
        check(
            &violated(EXPECTATION, "expect[2]: found 3"),
            &violated(EXPECTATION, "expect[0]: found 3"),
            true,
        );
        check(
            &violated(EXPECTATION, "expect[2]: found 3"),
            &violated(EXPECTATION, "expect[2]: found 4"),
            false,
        );
        check(&panicked("7 is odd, at src/a.rs:7"), &panicked("9 is odd, at src/a.rs:7"), true);
        check(&panicked("7 is odd, at src/a.rs:7"), &panicked("7 is odd, at src/b.rs:7"), false);
        let stalled =
            |why: &str| Verdict::Stalled { why: format!("not converged 5s after healing S01: {why}") };
        check(&panicked("7"), &stalled("C0 waits for an answer"), false);
        check(&stalled("C0 waits for an answer"), &stalled("T2 waits for an answer"), true);
        check(&stalled("C0 waits for an answer"), &stalled("S1 follows nobody"), false);
        let one = Property::of(&stalled("C0 waits for an answer")).unwrap();
        assert!(one.is_like(&stalled("S1 follows nobody")) && !one.is_like(&Verdict::Passed));
        assert_eq!(Property::of(&Verdict::Passed), None);
        assert_eq!(Property::of(&Verdict::Stale { why: String::new() }), None);
    }
}
