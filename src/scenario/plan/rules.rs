//! Checks rules, those from the start and those of steps.

use super::steps::{MessageOf, moment};
use crate::process::{Label, Subject};
use crate::ron_file::Place;
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::scenario::step::Rule;
use crate::sim::{self, Filter, KEPT_MAX, LinkFault, Ruling, Slots};

impl<S: Service> Planner<S> {
    pub(super) fn rules(&mut self, rules: &[Rule]) -> Vec<sim::LinkRule> {
        let place = Place::whole().field("rules");
        let rules = rules.iter().enumerate();
        rules.filter_map(|(number, rule)| self.rule(&place.index(number), rule)).collect()
    }

    pub(super) fn rule(&mut self, place: &Place, rule: &Rule) -> Option<sim::LinkRule> {
        if rule.until.is_some_and(|until| until <= rule.since) {
            let message =
                format!("this rule is never live: its window ends before it begins, at {}", rule.since);
            self.wrong(place.field("until"), message, "later than `since`");
        }
        if rule.count == Some(0) {
            self.wrong(place.field("count"), "a rule that rules on nothing", "at least 1");
        }
        self.check_order(&place.field("then"), LinkFault::Rule(rule.then));
        match rule.then {
            Ruling::Drop | Ruling::Delay(_) | Ruling::Corrupt | Ruling::Truncate => {}
            Ruling::Duplicate { copies, .. } => {
                if !(1..=100).contains(&copies) {
                    self.wrong(place.field("then").field("copies"), format!("{copies} copies"), "1 to 100");
                }
            }
            Ruling::Misdeliver(who) => {
                self.somebody(&place.field("then").index(0), who)?;
            }
            Ruling::Keep => {
                if rule.name.is_none() {
                    let message = "what it keeps can never arrive again";
                    self.wrong(place.field("then"), message, "a `name`, for the step `Redeliver(..)`");
                }
                if let Some(count) = rule.count.filter(|count| *count > KEPT_MAX) {
                    self.wrong(
                        place.field("count"),
                        format!("{count} copies"),
                        format!("at most {KEPT_MAX}"),
                    );
                }
            }
        }
        let about = self.about(place, rule.subject.as_ref(), rule.slot, &<MessageOf<S> as Label>::nouns());
        let slots = self.slots(place, rule)?;
        let filter = self.filter(place, rule.kind.as_deref(), (rule.from, rule.to), about)?;
        let filter = Filter { slots, ..filter };
        let count = match rule.then {
            Ruling::Keep => Some(rule.count.unwrap_or(KEPT_MAX)),
            _ => rule.count,
        };
        Some(sim::LinkRule {
            name: rule.name.clone(),
            filter,
            since: moment(rule.since),
            until: rule.until.map(moment),
            skip: rule.skip,
            count,
            ruling: rule.then,
        })
    }

    /// The slots that a rule applies to; `None` if they are wrong.
    fn slots(&mut self, place: &Place, rule: &Rule) -> Option<Option<Slots>> {
        let Some(Slots { of, rest }) = rule.slots else { return Some(None) };
        let place = place.field("slots");
        if rule.subject.is_some() || rule.slot.is_some() {
            self.wrong(place, "it is about two things at once", "`slots`, or `subject` or `slot`");
            return None;
        }
        if rest >= of {
            let message = format!("no number leaves {rest} when it is divided by {of}");
            self.wrong(place.field("rest"), message, "a `rest` below `of`");
            return None;
        }
        let noun = Subject::slot(0).noun;
        let is_known = self.kind(&place, noun, &<MessageOf<S> as Label>::nouns(), "subject");
        is_known.then_some(Some(Slots { of, rest }))
    }
}
