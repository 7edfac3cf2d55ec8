//! Short forms of steps, events and rules, with default values for the rest.

use crate::scenario::step::{EventPattern, Rule, Ruling, Step, Target, Traffic, When};

pub(super) fn optional<A>(when: When, action: A) -> Step<A> {
    Step { when, action, is_optional: true }
}

/// Datagrams with a message of this kind between these two.
pub fn traffic(kind: &str, from: Target, to: Target) -> Traffic {
    Traffic { kind: Some(kind.to_owned()), from, to, subject: None, slot: None, nth: 1 }
}

/// A note of this kind by `who`.
pub fn noted(kind: &str, who: Target) -> EventPattern {
    EventPattern::Noted { kind: kind.to_owned(), who, subject: None, slot: None }
}

/// A rule on datagrams, in force from the moment it is added.
pub fn rule(kind: Option<&str>, (from, to): (Target, Target), then: Ruling) -> Rule {
    Rule { kind: kind.map(str::to_owned), from, to, ..Rule::new(then) }
}
