//! Checks to whom a step is done.

use crate::ron_file::Place;
use crate::scenario::plan::Planner;
use crate::scenario::service::Service;
use crate::sim::Target;

impl<S: Service> Planner<S> {
    /// A target that has a disk. `Any` is refused unless `may_be_any`.
    pub(super) fn site_like(&mut self, place: &Place, who: Target, may_be_any: bool) -> Option<Target> {
        let help =
            "expected `Site(..)`, `Leader`, `Candidate`, `Follower`, `Laggard`, `Machine(..)` or `AllSites`";
        self.site_or(place, who, may_be_any, help)
    }

    fn site_or(&mut self, place: &Place, who: Target, may_be_any: bool, help: &str) -> Option<Target> {
        let message = match self.meant(who) {
            Target::Any if !may_be_any => "`Any` says nothing here",
            Target::Terminal(_) => "a terminal lives and dies with its site",
            Target::Client(_) => "a client has neither a disk nor seams",
            _ => return self.who(place, who),
        };
        self.wrong(place.clone(), message, help);
        None
    }

    /// A target that crashes and restarts by itself. `Any` is refused unless `may_be_any`.
    pub(super) fn living(&mut self, place: &Place, who: Target, may_be_any: bool) -> Option<Target> {
        match self.meant(who) {
            Target::Client(_) => self.who(place, who),
            _ => {
                let help =
                    "expected `Site(..)`, `Client(..)`, a role like `Leader`, `Machine(..)` or `AllSites`";
                self.site_or(place, who, may_be_any, help)
            }
        }
    }

    /// Resolves `Sender` and `Recipient` to the target that the step's trigger names, if it names one.
    fn meant(&self, who: Target) -> Target {
        match (who, self.fired_by) {
            (Target::Sender, Some((from, _))) if from != Target::Any => from,
            (Target::Recipient, Some((_, to))) if to != Target::Any => to,
            _ => who,
        }
    }

    /// A target other than `Any`.
    pub(super) fn somebody(&mut self, place: &Place, who: Target) -> Option<Target> {
        if who == Target::Any {
            let help = "expected `Site(..)`, `Client(..)`, a role like `Leader`, `Machine(..)` or `AllSites`";
            self.wrong(place.clone(), "`Any` says nothing here", help);
            return None;
        }
        self.who(place, who)
    }
}
