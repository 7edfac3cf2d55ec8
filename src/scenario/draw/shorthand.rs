//! Steps, events and rules with everything left out that is usual.

use crate::scenario::step::{EventPattern, Rule, Ruling, Step, Target, Traffic, When};
use crate::time::Duration;

pub(super) fn optional<A>(when: When, action: A) -> Step<A> {
    Step { when, action, is_optional: true }
}

/// Datagrams with a message of this kind between these two.
pub fn traffic(kind: &str, from: Target, to: Target) -> Traffic {
    Traffic { kind: Some(kind.to_owned()), from, to, about: None, slot: None, nth: 1 }
}

/// Somebody says that it did something.
pub fn noted(kind: &str, who: Target) -> EventPattern {
    EventPattern::Noted { kind: kind.to_owned(), who, about: None, slot: None }
}

/// What is done with datagrams, from when the rule is added on.
pub fn rule(kind: Option<&str>, (from, to): (Target, Target), then: Ruling) -> Rule {
    Rule {
        name: None,
        kind: kind.map(str::to_owned),
        from,
        to,
        about: None,
        slot: None,
        slots: None,
        since: Duration::ZERO,
        until: None,
        skip: 0,
        count: None,
        then,
    }
}
