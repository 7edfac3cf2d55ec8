//! Draws the network, feature by feature: a run without a feature shows what its noise would have hidden.

use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::form::{Latency, Network, Reordering};
use crate::scenario::profile::{LatencyKind, Profile, Share, Span};
use crate::sim::{Bandwidth, Bursts, Chance, Delivery, LateCopy};
use crate::time::Duration;

pub(super) fn draw(
    profile: &Profile,
    seed: u64,
    cluster: &DrawnCluster,
    is_quiet: bool,
    is_recipe: bool,
) -> Network {
    let mut draws = Draws::new(seed, Concern::Network);
    let wanted = &profile.network;
    let (least, on_top) = (draws.time(wanted.least), draws.time(wanted.on_top));
    let latency = match draws.of(&wanted.latency) {
        None | Some(LatencyKind::Constant) => Latency::Constant(least.max(Duration::from_micros(10))),
        Some(LatencyKind::Uniform) => Latency::Uniform(least, least + on_top),
        Some(LatencyKind::Exponential) => Latency::Exponential { min: least, mean: on_top },
    };
    let mut feature = |span: Span<Share>| {
        let (is_on, share) = (draws.happens(profile.feature), draws.share(span));
        match (is_on && !is_quiet, is_recipe) {
            (false, _) => Chance::NEVER,
            (true, false) => share,
            // A recipe is an order of events, which much noise would break.
            (true, true) => Chance { denominator: share.denominator * 8, ..share },
        }
    };
    let (loss, duplication) = (feature(wanted.loss), feature(wanted.duplication));
    let chance = feature(wanted.reordering);
    let (bursts, late_copies) = (feature(wanted.bursts), feature(wanted.late_copies));
    let damage = [wanted.corruption, wanted.truncation, wanted.misdelivery].map(&mut feature);
    let by = draws.time(wanted.held_back);
    let reordering = if chance == Chance::NEVER { Reordering::default() } else { Reordering { chance, by } };
    let length = draws.time(wanted.burst_length);
    let loss_in_bursts = draws.share(wanted.burst_loss);
    let after = draws.time(wanted.late_copies_after);
    let is_impaired = draws.happens(wanted.impairments);
    let [corruption, truncation, misdelivery] = if is_impaired { damage } else { [Chance::NEVER; 3] };
    let has_third = cluster.sites > 2 || (cluster.sites == 2 && cluster.clients > 0);
    let is_narrow = draws.happens(wanted.bandwidth) && !is_quiet && !is_recipe;
    let (rate, queue) = (draws.number(wanted.rate), draws.number(wanted.queue));
    let is_bursting = bursts != Chance::NEVER && loss_in_bursts != Chance::NEVER;
    Network {
        delivery: Delivery::ByItself,
        latency,
        loss,
        duplication,
        reordering,
        bursts: match is_bursting {
            true => Bursts { chance: bursts, length, loss: loss_in_bursts },
            false => Bursts::default(),
        },
        corruption,
        truncation,
        late_copies: if late_copies == Chance::NEVER {
            LateCopy::default()
        } else {
            LateCopy { chance: late_copies, after }
        },
        misdelivery: if has_third { misdelivery } else { Chance::NEVER },
        bandwidth: is_narrow.then_some(Bandwidth { rate, queue }),
        order: None,
        break_after: None,
    }
}
