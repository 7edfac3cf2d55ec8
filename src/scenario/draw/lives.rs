//! Clients that crash, come back and go on asking.

use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::draw::optional;
use crate::scenario::draw::workload::{Wanted, Workload};
use crate::scenario::form::StepOf;
use crate::scenario::namespace::Word;
use crate::scenario::profile::Profile;
use crate::scenario::service::Service;
use crate::scenario::step::{Crash, Fault, Target, When};
use crate::sim::Leaves;
use crate::time::Duration;

/// A track in which one client crashes soon after it asked, perhaps twice; `None` in most runs.
pub(super) fn draw<S: Service>(
    profile: &Profile,
    seed: u64,
    cluster: &DrawnCluster,
    workload: &mut Workload<'_>,
) -> Option<Vec<StepOf<S>>> {
    let mut draws = Draws::new(seed, Concern::Lives);
    if cluster.clients == 0 || !draws.happens(profile.crashes.clients) {
        return None;
    }
    let number = draws.below(cluster.clients.into());
    let who = Target::Client(u16::try_from(number).unwrap_or(0));
    let begins = Duration::from_millis(draws.between(400, cluster.lasts.as_micros() / 1_000));
    let mut track = Vec::new();
    let mut when = When::At(begins);
    for _ in 0..draws.between(1, 2) {
        for wanted in [Wanted::Write, Wanted::AgreedRead, Wanted::Read] {
            let command = workload.command::<S>(&mut draws, who, wanted)?;
            track.push(optional(when, Word::Service(command)));
            when = When::After(draws.millis(0, 60));
        }
        let crash = Crash { who, at: None, leaves: Leaves::Nothing };
        track.push(optional(when, Word::Harness(Fault::Crash(crash))));
        when = When::After(draws.millis(1, 400));
        if draws.one_in(3) {
            let command = workload.command::<S>(&mut draws, who, Wanted::Write)?;
            track.push(optional(When::After(Duration::ZERO), Word::Service(command)));
        }
        track.push(optional(when, Word::Harness(Fault::Restart(who))));
        when = When::After(draws.millis(0, 60));
    }
    for wanted in [Wanted::Write, Wanted::Read, Wanted::AgreedRead] {
        let command = workload.command::<S>(&mut draws, who, wanted)?;
        track.push(optional(when, Word::Service(command)));
        when = When::After(draws.millis(0, 300));
    }
    Some(track)
}
