//! What every datagram meets, feature by feature: a run without one shows what its noise would have hidden.

use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::form::{Latency, Network, Reordering};
use crate::scenario::profile::{LatencyKind, Profile, Share, Span};
use crate::sim::Chance;
use crate::time::Duration;

pub(super) fn draw(profile: &Profile, seed: u64, is_quiet: bool, is_recipe: bool) -> Network {
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
    let by = draws.time(wanted.held_back);
    let reordering = if chance == Chance::NEVER { Reordering::default() } else { Reordering { chance, by } };
    Network { latency, loss, duplication, reordering }
}
