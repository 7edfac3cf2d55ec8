//! Refuses what cannot happen on the links that a scenario has.

use crate::process::Links;
use crate::ron_file::Place;
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::sim::{LinkFault, NetworkSettings};
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

    /// Refuses a fault that the links of this scenario rule out.
    pub(super) fn check_order(&mut self, place: &Place, fault: LinkFault) {
        let (links, word) = (self.links, fault.word());
        if fault.is_on(links) {
            return;
        }
        let weaker = if fault.is_on(Links::Fifo) { Links::Fifo } else { Links::Datagrams };
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
