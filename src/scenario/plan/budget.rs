//! The fault budget: how many sites a scenario may damage.

use crate::ids::SiteSet;
use crate::ron_file::Place;
use crate::scenario::form::FaultBudget;
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::scenario::step::Target;

/// The sites that a scenario may damage or wipe.
#[derive(Default)]
pub(super) struct LossBudget {
    named: SiteSet,
    /// Number of steps that aim at a role. Each may find another site in it.
    by_role: usize,
    /// Each step that damages storage: its place, and how many sites may be lost after it, in the order of the file.
    steps: Vec<(Place, usize)>,
}

impl<S: Service> Planner<S> {
    /// Counts a step at `place` that wipes or damages the storage of `who`.
    pub(super) fn count_loss(&mut self, place: &Place, who: Target) {
        let lost = match who {
            Target::Site(number) => self.shape.site(number).into_iter().collect(),
            Target::Machine(machine) => self.shape.on_machine(machine),
            Target::AllSites => self.shape.all_sites(),
            _ => {
                self.losses.by_role += 1;
                SiteSet::EMPTY
            }
        };
        let losses = &mut self.losses;
        losses.named = losses.named.iter().chain(lost.iter()).collect();
        let all = usize::from(self.shape.sites);
        let count = all.min(losses.named.len() + losses.by_role);
        losses.steps.push((place.clone(), count));
    }

    /// Checks a step at `place` that puts a saved copy of storage back.
    pub(super) fn check_amnesia(&mut self, place: &Place) {
        if !self.can_save {
            let help = "a step before it that makes the copy: `Disk(Site(1), Save)`";
            self.wrong(place.clone(), "no copy is ever made that could be put back", help);
        }
        if self.budget == FaultBudget::Survivable {
            let message = "a site that has forgotten what it said may break every promise of its protocol";
            let help = "`budget: Unlimited`: from here on only what is expected is judged";
            self.wrong(place.clone(), message, help);
        }
    }

    /// Reports the first step that damages more sites than the protocol can lose, unless all may be lost.
    pub(super) fn check_budget(&mut self, budget: FaultBudget, core_size: u8) {
        let all = self.shape.sites;
        let spare = all.saturating_sub(core_size);
        let first = self.losses.steps.iter().find(|(_, count)| *count > usize::from(spare)).cloned();
        if let (FaultBudget::Survivable, Some((place, count))) = (budget, first) {
            let message = format!(
                "up to here the storage of {count} of {all} sites may be damaged or wiped, and {spare} can be lost for good"
            );
            let help = "aim at fewer sites (each step at a role counts as one more), or write `budget: Unlimited`: then only \
                        safety is judged";
            self.wrong(place, message, help);
        }
    }
}
