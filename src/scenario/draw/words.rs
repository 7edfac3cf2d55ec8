//! Steps, events and rules with everything left out that is usual.

use crate::scenario::step::{Event, Rule, Step, Then, Traffic, When, Who};
use crate::time::Duration;

pub(super) fn optional<A>(when: When, action: A) -> Step<A> {
    Step { when, action, is_optional: true }
}

/// Datagrams with a message of this kind between these two.
pub fn traffic(kind: &str, from: Who, to: Who) -> Traffic {
    Traffic { kind: Some(kind.to_owned()), from, to, about: None, slot: None, nth: 1 }
}

/// Somebody says that it did something.
pub fn noted(kind: &str, who: Who) -> Event {
    Event::Noted { kind: kind.to_owned(), who, about: None, slot: None }
}

/// What is done with datagrams, from when the rule is added on.
pub fn rule(kind: Option<&str>, (from, to): (Who, Who), then: Then) -> Rule {
    Rule {
        name: None,
        kind: kind.map(str::to_owned),
        from,
        to,
        about: None,
        slot: None,
        since: Duration::ZERO,
        until: None,
        skip: 0,
        count: None,
        then,
    }
}
