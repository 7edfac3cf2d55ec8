//! Runs in which nothing is wrong: a quiet network, no recipe, and no fault except perhaps the crash of the leader.
//!
//! Their scenarios name the first leader, because two sites that campaign at once might lead one after the other.

use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::draw::episodes::DrawnTrack;
use crate::scenario::draw::recipe::crash;
use crate::scenario::form::{Latency, StepOf};
use crate::scenario::profile::Profile;
use crate::scenario::service::Service;
use crate::scenario::step::{Fault, RunClaim, Target, When};
use crate::time::Duration;

/// The draws of a calm run.
#[derive(Clone, Debug)]
pub(super) struct Calm {
    draws: Draws,
    /// Whether times must stay within their bounds. Then links do not reorder, syncs do not wait for each other, and
    /// no limit is tiny.
    pub(super) is_prompt: bool,
    crashes: bool,
}

/// Draws whether a run is calm.
pub(super) fn draw(profile: &Profile, seed: u64) -> Option<Calm> {
    let mut draws = Draws::new(seed, Concern::Calm);
    if !draws.happens(profile.calm) {
        return None;
    }
    let (is_prompt, crashes) = (draws.one_in(2), draws.one_in(2));
    Some(Calm { draws, is_prompt, crashes: is_prompt && crashes })
}

impl Calm {
    /// The crash of the leader and its restart.
    pub(super) fn track<S: Service>(&mut self, cluster: &DrawnCluster) -> Vec<StepOf<S>> {
        let mut track = DrawnTrack::<S>(Vec::new());
        if !self.can_crash(cluster) {
            return track.0;
        }
        let begins = Duration::from_millis(self.draws.between(2_000, cluster.lasts.as_micros() / 2_000));
        track.push(When::At(begins), crash(Target::Leader));
        let down = self.draws.millis(4_000, 9_000);
        track.push(When::After(down), Fault::Restart(Target::AllSites));
        track.0
    }

    /// The site that leads first.
    pub(super) fn leader(&mut self, cluster: &DrawnCluster) -> u8 {
        self.draws.below(cluster.sites.into()).to_le_bytes()[0]
    }

    /// `latency`; if times are judged, without what reorders.
    pub(super) fn latency(&self, latency: Latency) -> Latency {
        match latency {
            Latency::Uniform(time, _) | Latency::Exponential { min: time, .. } if self.is_prompt => {
                Latency::Constant(time.max(Duration::from_micros(10)))
            }
            latency => latency,
        }
    }

    pub(super) fn claims(&self, cluster: &DrawnCluster) -> Vec<RunClaim> {
        let mut claims = Vec::new();
        claims.extend((!self.can_crash(cluster)).then_some(RunClaim::LeadershipsAtMost(1)));
        claims.extend(self.is_prompt.then_some(RunClaim::Prompt));
        claims
    }

    /// With three sites or more, the sites other than the leader are a quorum.
    fn can_crash(&self, cluster: &DrawnCluster) -> bool {
        self.crashes && cluster.sites > 2
    }
}
