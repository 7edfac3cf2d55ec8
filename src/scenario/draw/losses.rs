//! Counts the sites that a drawn scenario may damage in the same way as a plan does, so that no plan is refused.

use crate::ids::SiteSet;
use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::form::FaultBudget;
use crate::scenario::namespace::Word;
use crate::scenario::service::Shape;
use crate::scenario::step::{Action, Target};

/// The sites whose storage is damaged or wiped by some step.
#[derive(Clone, Debug)]
pub(super) struct Losses {
    shape: Shape,
    /// Number of sites that may be lost; no limit if absent.
    spare: Option<usize>,
    named: SiteSet,
    /// Number of steps that aim at a role. Each may find another site in it.
    by_role: usize,
}

impl Losses {
    pub(super) fn new(budget: FaultBudget, cluster: &DrawnCluster, core_size: u8) -> Losses {
        let spare = match budget {
            FaultBudget::Survivable => Some(cluster.sites.saturating_sub(core_size).into()),
            FaultBudget::Unlimited => None,
        };
        Losses { shape: cluster.shape(), spare, named: SiteSet::EMPTY, by_role: 0 }
    }

    /// Counts a step that is already drawn.
    pub(super) fn count<C, E>(&mut self, action: &Action<C, E>) {
        if let Word::Harness(fault) = action
            && let Some(aimed) = fault.aimed::<()>().filter(|aimed| aimed.row().damages)
            && let Some(who) = aimed.target()
        {
            (self.named, self.by_role) = self.with(who);
        }
    }

    /// The target that a step may damage: `who`, else a site that is lost already, else none.
    pub(super) fn take(&mut self, who: Target) -> Option<Target> {
        let (named, by_role) = self.with(who);
        if self.spare.is_none_or(|spare| named.len() + by_role <= spare) {
            (self.named, self.by_role) = (named, by_role);
            return Some(who);
        }
        self.named.iter().next().map(|site| Target::Site(site.number()))
    }

    fn with(&self, who: Target) -> (SiteSet, usize) {
        let lost: SiteSet = match who {
            Target::Site(number) => self.shape.site(number).into_iter().collect(),
            Target::Machine(machine) => self.shape.on_machine(machine),
            Target::AllSites => self.shape.all_sites(),
            _ => return (self.named, self.by_role + 1),
        };
        (self.named.iter().chain(lost.iter()).collect(), self.by_role)
    }
}
