//! Checks the network of a scenario.

use super::Planner;
use crate::ron_file::Place;
use crate::scenario::form::{Latency, Network, Scenario};
use crate::scenario::service::Service;
use crate::sim::{self, BREAK_AFTER, Chance, NetworkSettings};
use crate::time::Duration;

/// The greatest `after` of late copies: the network keeps every copy until it arrives.
const LATE_COPIES_MAX: Duration = Duration::from_secs(60);

impl<S: Service> Planner<S> {
    pub(super) fn network(&mut self, scenario: &Scenario<S>) -> NetworkSettings {
        let (network, place) = (&scenario.network, Place::whole().field("network"));
        let reordering = network.reordering;
        if reordering.chance != Chance::NEVER && reordering.by == Duration::ZERO {
            let place = place.field("reordering").field("by");
            self.wrong(place, "held back by no time at all", "a time above 0s");
        }
        self.check_impairments(&place, network);
        let planned = NetworkSettings {
            delivery: network.delivery,
            latency: self.latency(&place.field("latency"), &network.latency),
            loss: network.loss,
            duplication: network.duplication,
            reordering: reordering.chance,
            reordering_by: reordering.by,
            bursts: network.bursts,
            corruption: network.corruption,
            truncation: network.truncation,
            late_copies: network.late_copies,
            misdelivery: network.misdelivery,
            bandwidth: network.bandwidth,
            order: self.links,
            break_after: network.break_after.unwrap_or(BREAK_AFTER),
        };
        self.check_links(&place, &planned, network.break_after);
        if self.is_held {
            self.check_held(scenario);
        }
        planned
    }

    /// Refuses impossible settings of a rough network.
    fn check_impairments(&mut self, place: &Place, network: &Network) {
        let Network { bursts, late_copies, misdelivery, bandwidth, .. } = network;
        if bursts.chance != Chance::NEVER && bursts.length == Duration::ZERO {
            let place = place.field("bursts").field("length");
            self.wrong(place, "a burst of no length", "a time above 0s");
        }
        if bursts.chance != Chance::NEVER && bursts.loss.numerator == 0 {
            self.wrong(place.field("bursts").field("loss"), "bursts that lose nothing", "a chance above 0%");
        }
        if late_copies.chance != Chance::NEVER && late_copies.after == Duration::ZERO {
            let help = "a time above 0s; what arrives twice at once is `duplication`";
            self.wrong(place.field("late_copies").field("after"), "later by no time at all", help);
        }
        if late_copies.after > LATE_COPIES_MAX {
            let message = format!("datagrams of {} ago", late_copies.after);
            self.wrong(
                place.field("late_copies").field("after"),
                message,
                format!("at most {LATE_COPIES_MAX}"),
            );
        }
        if misdelivery.numerator > 0
            && (self.shape.sites < 2 || self.shape.sites + u8::from(self.shape.clients > 0) < 3)
        {
            let message = "there is no other site that a datagram could go to";
            self.wrong(place.field("misdelivery"), message, "three sites, or two and a client");
        }
        if bandwidth.is_some_and(|bandwidth| bandwidth.rate == 0) {
            let place = place.field("bandwidth").field("rate");
            self.wrong(place, "a link that never sends anything", "bytes per second, like 100000");
        }
    }

    fn latency(&mut self, place: &Place, latency: &Latency) -> sim::LinkLatency {
        match latency {
            Latency::Table(rows) => self.table(place, rows),
            Latency::Regions { within, between, of } => {
                let inside = self.simple_latency(&place.field("within"), within);
                let across = self.simple_latency(&place.field("between"), between);
                self.regions(&place.field("of"), &inside, &across, of)
            }
            simple => self.simple_latency(place, simple),
        }
    }

    pub(super) fn simple_latency(&mut self, place: &Place, latency: &Latency) -> sim::LinkLatency {
        match latency {
            Latency::Constant(time) => sim::LinkLatency::Constant(*time),
            Latency::Uniform(least, most) => {
                if least > most {
                    let message = format!("from {least} to {most} is no range");
                    self.wrong(place.clone(), message, "the shorter time first");
                }
                sim::LinkLatency::Uniform(*least, *most)
            }
            Latency::Exponential { min, mean } => sim::LinkLatency::Exponential { min: *min, mean: *mean },
            Latency::Table(_) | Latency::Regions { .. } => {
                let message = "a table inside of another latency";
                self.wrong(place.clone(), message, "expected `Constant`, `Uniform` or `Exponential`");
                sim::LinkLatency::Constant(Duration::ZERO)
            }
        }
    }
}
