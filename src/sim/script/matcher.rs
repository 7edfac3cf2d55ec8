//! The meaning of triggers: the one place that compares events with what a step or watchpoint waits for.
//!
//! It counts nothing and changes nothing. All callers pass the same happenings, so a word of a scenario means the
//! same wherever it stands.

use core::ops::Deref;

use crate::ids::ProcessId;
use crate::process::Subject;
use crate::sim::net::rules::{Labels, Roles, any_message_matches, is_kind};
use crate::sim::script::{Target, Trigger};

/// One event in a world that a trigger may wait for. [`Trigger`] says when each of them happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening<'a> {
    Sent { from: ProcessId, to: ProcessId, labels: &'a Labels },
    Delivered { from: ProcessId, to: ProcessId, labels: &'a Labels },
    Leads { who: ProcessId },
    Noted { who: ProcessId, kind: &'static str, subject: Subject },
    Crashed { who: ProcessId },
    Restarted { who: ProcessId },
    Link { who: ProcessId, up: bool },
}

impl Happening<'_> {
    /// The process that acts: the sender of a sent datagram, the receiver of a delivered one.
    pub(crate) const fn who(&self) -> ProcessId {
        match *self {
            Happening::Sent { from, .. } => from,
            Happening::Delivered { to, .. } => to,
            Happening::Leads { who } | Happening::Noted { who, .. } => who,
            Happening::Crashed { who } | Happening::Restarted { who } | Happening::Link { who, .. } => who,
        }
    }

    /// Sender and recipient of the datagram, if the event is about one.
    pub(crate) const fn ends(&self) -> Option<(ProcessId, ProcessId)> {
        match *self {
            Happening::Sent { from, to, .. } | Happening::Delivered { from, to, .. } => Some((from, to)),
            Happening::Leads { .. } | Happening::Noted { .. } => None,
            Happening::Crashed { .. } | Happening::Restarted { .. } | Happening::Link { .. } => None,
        }
    }
}

/// How near an event comes to a trigger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Nearness {
    /// An event of another kind.
    Other,
    /// An event of that kind.
    Kind,
    /// A datagram of that kind between the right processes, about another subject.
    Ends,
    /// The event that the trigger waits for.
    Match,
}

/// How near `happening` comes to `trigger`. `roles` holds the roles as it happens, and is read only if the trigger
/// names a role or group. The caller counts occurrences.
pub(crate) fn compare<'a>(
    trigger: &Trigger,
    happening: &Happening<'_>,
    roles: &impl Deref<Target = Roles<'a>>,
) -> Nearness {
    let by = |target: Target, who| if is(target, who, roles) { Nearness::Match } else { Nearness::Kind };
    match (trigger, *happening) {
        (Trigger::Sent(filter, _), Happening::Sent { from, to, labels })
        | (Trigger::Delivered(filter, _), Happening::Delivered { from, to, labels }) => {
            if !labels.iter().any(|(kind, _)| is_kind(filter, kind)) {
                Nearness::Other
            } else if !is(filter.from, from, roles) || !is(filter.to, to, roles) {
                Nearness::Kind
            } else if !any_message_matches(filter, labels) {
                Nearness::Ends
            } else {
                Nearness::Match
            }
        }
        (Trigger::Noted { who: target, kind: wanted, about }, Happening::Noted { who, kind, subject }) => {
            if wanted != kind {
                Nearness::Other
            } else if about.as_ref().is_some_and(|about| !about.is(subject)) {
                Nearness::Kind
            } else {
                by(*target, who)
            }
        }
        (Trigger::Leads(target), Happening::Leads { who })
        | (Trigger::Crashed(target), Happening::Crashed { who })
        | (Trigger::Restarted(target), Happening::Restarted { who })
        | (Trigger::LinkDown(target), Happening::Link { who, up: false })
        | (Trigger::LinkUp(target), Happening::Link { who, up: true }) => by(*target, who),
        (Trigger::At(_) | Trigger::After(_) | Trigger::Sent(..) | Trigger::Delivered(..), _) => {
            Nearness::Other
        }
        (Trigger::Leads(_) | Trigger::Noted { .. } | Trigger::Crashed(_) | Trigger::Restarted(_), _) => {
            Nearness::Other
        }
        (Trigger::LinkDown(_) | Trigger::LinkUp(_), _) => Nearness::Other,
    }
}

/// Whether `target` includes `who`. Roles are resolved only if the target needs them.
fn is<'a>(target: Target, who: ProcessId, roles: &impl Deref<Target = Roles<'a>>) -> bool {
    match target {
        Target::Any => true,
        Target::Site(_) | Target::Terminal(_) | Target::Client(_) => target.process() == Some(who),
        Target::Leader | Target::Follower | Target::Candidate | Target::Laggard => roles.is(target, who),
        Target::Sender | Target::Recipient | Target::Machine(_) | Target::AllSites => roles.is(target, who),
    }
}

#[cfg(test)]
mod tests {
    use core::cell::LazyCell;

    use super::*;
    use crate::ids::{SiteId, SiteSet};
    use crate::sim::net::rule::{About, Filter};

    const S0: ProcessId = ProcessId::site(0);
    const S1: ProcessId = ProcessId::site(1);

    fn roles() -> Roles<'static> {
        let (leader, sites) = (SiteId::new(1), SiteSet::first(2));
        Roles { leader, follower: None, candidate: None, laggard: None, ends: None, sites, machines: &[] }
    }

    fn check(trigger: &Trigger, happening: Happening<'_>, expected: Nearness) {
        assert_eq!(compare(trigger, &happening, &&roles()), expected, "{trigger:?} and {happening:?}");
    }

    #[test]
    fn a_datagram_is_compared_by_its_messages_and_ends() {
        let labels = [("Ping", Subject::NONE), ("Accept", Subject::slot(4)), ("Accept", Subject::slot(5))];
        let sent = Happening::Sent { from: S0, to: S1, labels: &labels };
        let delivered = Happening::Delivered { from: S0, to: S1, labels: &labels };
        let filter = |kind: &str, from, slot| Filter {
            kind: Some(kind.into()),
            from,
            to: Target::Leader,
            about: Some(About::slot(slot)),
            slots: None,
        };
        let cases = [
            (filter("Nack", Target::Any, 4), Nearness::Other),
            (filter("Accept", Target::of(S1), 4), Nearness::Kind),
            (filter("Accept", Target::Follower, 4), Nearness::Kind),
            (filter("Ping", Target::Any, 4), Nearness::Ends),
            (filter("Accept", Target::of(S0), 6), Nearness::Ends),
            (filter("Accept", Target::of(S0), 5), Nearness::Match),
        ];
        for (filter, expected) in cases {
            check(&Trigger::Sent(filter.clone(), 1), sent, expected);
            check(&Trigger::Delivered(filter.clone(), 1), delivered, expected);
            check(&Trigger::Sent(filter.clone(), 1), delivered, Nearness::Other);
            check(&Trigger::Delivered(filter, 1), sent, Nearness::Other);
        }
    }

    #[test]
    fn what_a_process_does_is_compared_by_who_does_it() {
        type Of = (fn(Target) -> Trigger, fn(ProcessId) -> Happening<'static>);
        let pairs: [Of; 5] = [
            (Trigger::Leads, |who| Happening::Leads { who }),
            (Trigger::Crashed, |who| Happening::Crashed { who }),
            (Trigger::Restarted, |who| Happening::Restarted { who }),
            (Trigger::LinkDown, |who| Happening::Link { who, up: false }),
            (Trigger::LinkUp, |who| Happening::Link { who, up: true }),
        ];
        for (place, (trigger, happening)) in pairs.into_iter().enumerate() {
            check(&trigger(Target::Leader), happening(S1), Nearness::Match);
            check(&trigger(Target::Any), happening(ProcessId::Client(3)), Nearness::Match);
            check(&trigger(Target::Leader), happening(S0), Nearness::Kind);
            check(&trigger(Target::Follower), happening(S0), Nearness::Kind);
            check(&trigger(Target::Any), pairs[(place + 1) % 5].1(S1), Nearness::Other);
        }
        let noted = |kind: &str, who, about| Trigger::Noted { who, kind: kind.into(), about };
        let happening = Happening::Noted { who: S1, kind: "chose", subject: Subject::slot(4) };
        check(&noted("chose", Target::Leader, None), happening, Nearness::Match);
        check(&noted("chose", Target::Any, Some(About::slot(4))), happening, Nearness::Match);
        check(&noted("chose", Target::Any, Some(About::slot(5))), happening, Nearness::Kind);
        check(&noted("chose", Target::of(S0), None), happening, Nearness::Kind);
        check(&noted("leads", Target::Any, None), happening, Nearness::Other);
    }

    #[test]
    fn who_plays_which_part_is_asked_only_where_a_part_is_named() {
        let roles = LazyCell::new(|| -> Roles<'static> { panic!("asked") });
        let leads = Happening::Leads { who: S0 };
        assert_eq!(compare(&Trigger::Leads(Target::of(S0)), &leads, &roles), Nearness::Match);
        assert_eq!(compare(&Trigger::Leads(Target::Any), &leads, &roles), Nearness::Match);
        assert_eq!(compare(&Trigger::Crashed(Target::Leader), &leads, &roles), Nearness::Other);
    }
}
