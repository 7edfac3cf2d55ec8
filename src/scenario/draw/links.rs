//! Keeps drawn scenarios to what can happen on their links.

use crate::process::Links;
use crate::scenario::form::{Network, Reordering, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::profile::{Profile, RulingKind};
use crate::scenario::service::Service;
use crate::scenario::step::{Fault, Ruling, Target};
use crate::sim::{Bursts, Chance, LateCopy, LinkFault};
use crate::time::Duration;

/// The links of drawn scenarios of `S`.
pub(super) fn of<S: Service>(profile: &Profile) -> Links {
    profile.network.order.unwrap_or(S::LINKS)
}

/// The network without chances that these links rule out. It says its order if the service assumes another.
pub(super) fn keep_to(network: Network, links: Links, assumed: Links) -> Network {
    let keeps = |fault: LinkFault| fault.is_on(links);
    let chance = |fault, chance| if keeps(fault) { chance } else { Chance::NEVER };
    Network {
        delivery: network.delivery,
        loss: chance(LinkFault::Loss, network.loss),
        duplication: chance(LinkFault::Duplication, network.duplication),
        reordering: match keeps(LinkFault::Reordering) {
            true => network.reordering,
            false => Reordering::default(),
        },
        bursts: if keeps(LinkFault::Bursts) { network.bursts } else { Bursts::default() },
        corruption: chance(LinkFault::Corruption, network.corruption),
        truncation: chance(LinkFault::Truncation, network.truncation),
        late_copies: if keeps(LinkFault::LateCopies) { network.late_copies } else { LateCopy::default() },
        misdelivery: chance(LinkFault::Misdelivery, network.misdelivery),
        bandwidth: network.bandwidth.filter(|_| keeps(LinkFault::Bandwidth)),
        order: Some(links).filter(|links| *links != assumed),
        latency: network.latency,
        break_after: network.break_after,
    }
}

/// Whether a step means something on these links.
pub(super) fn allow<S: Service>(links: Links, step: &StepOf<S>) -> bool {
    let fault = match &step.action {
        Word::Harness(Fault::Rule(rule)) => LinkFault::Rule(rule.then),
        Word::Harness(Fault::Redeliver(_)) => LinkFault::Redeliver,
        Word::Harness(_) | Word::Service(_) => return true,
    };
    fault.is_on(links)
}

/// Whether rules of this kind mean something on these links.
pub(super) fn allow_rulings(links: Links, kind: RulingKind) -> bool {
    let ruling = match kind {
        RulingKind::Drop => Ruling::Drop,
        RulingKind::Delay => Ruling::Delay(Duration::ZERO),
        RulingKind::Duplicate => Ruling::Duplicate { copies: 1, apart: Duration::ZERO },
        RulingKind::Corrupt => Ruling::Corrupt,
        RulingKind::Truncate => Ruling::Truncate,
        RulingKind::Misdeliver => Ruling::Misdeliver(Target::AllSites),
        RulingKind::Keep => Ruling::Keep,
    };
    LinkFault::Rule(ruling).is_on(links)
}
