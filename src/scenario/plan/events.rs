//! Checks the events that steps wait for and that claims name.

use super::steps::{MessageOf, NoteOf};
use crate::process::Label;
use crate::ron_file::Place;
use crate::ron_file::nearest::nearest;
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::scenario::step::{EventPattern, Traffic};
use crate::sim::{About, Filter, Target, Trigger};

impl<S: Service> Planner<S> {
    /// An event to wait for or, if `is_forbidden`, one that must not happen.
    pub(super) fn event(
        &mut self,
        place: &Place,
        event: &EventPattern,
        is_forbidden: bool,
    ) -> Option<Trigger> {
        let target = place.index(0);
        match event {
            EventPattern::Leads(who) => {
                let found = self.who(&target, *who);
                self.may_lead(&target, *who).then_some(Trigger::Leads(found?))
            }
            EventPattern::Sent(traffic) => {
                self.traffic(place, traffic).map(|filter| Trigger::Sent(filter, traffic.nth))
            }
            EventPattern::Delivered(traffic) => {
                self.traffic(place, traffic).map(|filter| Trigger::Delivered(filter, traffic.nth))
            }
            EventPattern::Noted { kind, who, subject, slot } => {
                let is_known = self.kind(&place.field("kind"), kind, &S::notes(), "kind of note");
                let about = self.about(place, subject.as_ref(), *slot, &<NoteOf<S> as Label>::nouns());
                let who = self.who(&place.field("who"), *who)?;
                is_known.then_some(Trigger::Noted { who, kind: kind.clone(), about: about? })
            }
            EventPattern::Crashed(who) => {
                if !self.can_crash && !is_forbidden {
                    let message = "this never happens: no step of this scenario crashes anything";
                    self.wrong(place.clone(), message, "a step with `Crash(..)` in another track");
                }
                Some(Trigger::Crashed(self.living(&target, *who, true)?))
            }
            EventPattern::Restarted(who) => {
                if !self.can_restart && !is_forbidden {
                    let message = "this never happens: no step of this scenario restarts anything";
                    self.wrong(
                        place.clone(),
                        message,
                        "a step with `Restart(..)` or `Heal` in another track",
                    );
                }
                Some(Trigger::Restarted(self.living(&target, *who, true)?))
            }
            EventPattern::LinkDown(who) => {
                self.check_can_break(place, is_forbidden);
                Some(Trigger::LinkDown(self.who(&target, *who)?))
            }
            EventPattern::LinkUp(who) => {
                self.check_can_break(place, is_forbidden);
                Some(Trigger::LinkUp(self.who(&target, *who)?))
            }
        }
    }

    fn traffic(&mut self, place: &Place, traffic: &Traffic) -> Option<Filter> {
        if traffic.nth == 0 {
            self.wrong(place.field("nth"), "`nth` counts from 1", "1 is the first");
        }
        let about =
            self.about(place, traffic.subject.as_ref(), traffic.slot, &<MessageOf<S> as Label>::nouns());
        self.filter(place, traffic.kind.as_deref(), (traffic.from, traffic.to), about)
    }

    pub(super) fn filter(
        &mut self,
        place: &Place,
        kind: Option<&str>,
        (from, to): (Target, Target),
        about: Option<Option<About>>,
    ) -> Option<Filter> {
        let is_known =
            kind.is_none_or(|kind| self.kind(&place.field("kind"), kind, &S::messages(), "kind of message"));
        let ends = (self.who(&place.field("from"), from), self.who(&place.field("to"), to));
        if let (Some(one), Some(other)) = ends
            && let (Some(one), Some(other)) = (one.process(), other.process())
            && one.shares_program_with(other)
        {
            let message = "no datagram goes from here to itself over the network";
            self.wrong(place.field("to"), message, "two processes in different programs");
        }
        let (from, to, about) = (ends.0?, ends.1?, about?);
        is_known.then(|| Filter { kind: kind.map(str::to_owned), from, to, about, slots: None })
    }

    /// The subject that messages or notes must have; `None` if it is wrong.
    pub(super) fn about(
        &mut self,
        place: &Place,
        about: Option<&About>,
        slot: Option<u64>,
        nouns: &[&str],
    ) -> Option<Option<About>> {
        let (about, field) = match (about, slot) {
            (None, None) => return Some(None),
            (Some(about), None) => (about.clone(), "subject"),
            (None, Some(slot)) => (About::slot(slot), "slot"),
            (Some(_), Some(_)) => {
                self.wrong(place.field("slot"), "it is about two things at once", "`subject` or `slot`");
                return None;
            }
        };
        let is_known = self.kind(&place.field(field), &about.noun, nouns, "subject");
        is_known.then_some(Some(about))
    }

    pub(super) fn kind(&mut self, place: &Place, kind: &str, known: &[&str], what: &str) -> bool {
        let is_known = known.is_empty() || known.contains(&kind);
        if !is_known {
            self.wrong(place.clone(), format!("unknown {what} `{kind}`"), nearest(kind, known).help());
        }
        is_known
    }
}
