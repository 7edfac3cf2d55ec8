//! Refuses what cannot happen on the links that a scenario has.

use crate::process::Links;
use crate::ron_file::Place;
use crate::scenario::form::{DiskForm, ONE_MILLISECOND, Scenario};
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::sim::{Delivery, LinkFault, NetworkSettings, Row};
use crate::time::Duration;

impl<S: Service> Planner<S> {
    /// Refuses chances that the links of this network rule out, and `break_after` where no link breaks.
    pub(super) fn check_links(
        &mut self,
        place: &Place,
        network: &NetworkSettings,
        break_after: Option<Duration>,
    ) {
        for fault in network.faults() {
            self.check_order(&place.field(fault.word()), fault);
        }
        let Some(time) = break_after else { return };
        let place = place.field("break_after");
        if network.order != Links::Stream {
            let message = format!("a link with `order: {:?}` never breaks", network.order);
            self.wrong(place, message, "leave it out, or say `order: Stream`");
        } else if time == Duration::ZERO {
            self.wrong(place, "a link that breaks at once", "a time above 0s");
        }
    }

    /// Refuses an event of links that never break, unless it is forbidden anyway.
    pub(super) fn check_can_break(&mut self, place: &Place, is_forbidden: bool) {
        if self.links != Links::Stream && !is_forbidden {
            let message = format!("this never happens: a link with `order: {:?}` never breaks", self.links);
            self.wrong(place.clone(), message, "say `order: Stream` under `network`");
        }
    }

    /// Refuses what means nothing in a held network. Chances are refused by the order of links.
    pub(super) fn check_held(&mut self, scenario: &Scenario<S>) {
        let (network, place) = (&scenario.network, Place::whole().field("network"));
        if network.latency != ONE_MILLISECOND {
            self.means_nothing_held(place.field("latency"), "latency");
        }
        if self.links != Links::Datagrams {
            let (links, help) = (self.links, "say `order: Datagrams` beside `delivery: Held`");
            let (place, message) = match self.says_order {
                true => {
                    (place.field("order"), format!("steps deliver in any order, not like `order: {links:?}`"))
                }
                false => (
                    place.field("delivery"),
                    format!("this service assumes `order: {links:?}`, and steps deliver in any order"),
                ),
            };
            self.wrong(place, message, help);
        }
        if scenario.disk.sync != DiskForm::default().sync {
            self.means_nothing_held(Place::whole().field("disk").field("sync"), "sync");
        }
        if scenario.leader.is_some() {
            let message = "in a held network no site campaigns by itself";
            let help = "leave out `leader`, and let a deadline come: `Fire(Site(0))`";
            self.wrong(Place::whole().field("leader"), message, help);
        }
    }

    fn means_nothing_held(&mut self, place: Place, word: &str) {
        let message = "in a held network only steps deliver datagrams, fire deadlines and complete syncs";
        let help =
            format!("leave out `{word}`: what no step delivers stays under way, and `Lose(..)` loses it");
        self.wrong(place, message, help);
    }

    /// Refuses a step that means nothing under the delivery of this scenario's network.
    pub(super) fn check_delivery(&mut self, place: &Place, row: &Row) {
        match row.delivery {
            Some(Delivery::Held) if !self.is_held => {
                let word = row.name();
                let message =
                    format!("`{word}` is a step of a held network, and this network delivers by itself");
                self.wrong(place.clone(), message, format!("say `network: Held`, or leave out `{word}`"));
            }
            Some(Delivery::ByItself) if self.is_held => self.means_nothing_held(place.clone(), row.name()),
            _ => {}
        }
    }

    /// Refuses a fault that the links of this scenario rule out.
    pub(super) fn check_order(&mut self, place: &Place, fault: LinkFault) {
        if self.is_held {
            return self.means_nothing_held(place.clone(), fault.word());
        }
        let last = if fault.is_on(Links::Fifo) { Links::Fifo } else { Links::Datagrams };
        if !fault.is_on(self.links) {
            self.rule_out(place, fault.word(), last);
        }
    }

    /// Refuses a step by hand that the links of this scenario rule out; `last` has the greatest promise that does not.
    pub(super) fn check_by_hand(&mut self, place: &Place, word: &str, last: Links) {
        if self.links > last && !self.is_held {
            self.rule_out(place, word, last);
        }
    }

    fn rule_out(&mut self, place: &Place, word: &str, weaker: Links) {
        let links = self.links;
        let promise = links.promise();
        let message = match self.says_order {
            true => format!("with `order: {links:?}` {promise}"),
            false => format!("this service assumes `order: {links:?}`: {promise}"),
        };
        self.wrong(
            place.clone(),
            message,
            format!("leave out `{word}`, or say `order: {weaker:?}` under `network`"),
        );
    }
}
