//! Episodes with cut links.

use crate::scenario::draw::episodes::{DrawnTrack, Episodes};
use crate::scenario::draw::workload::Workload;
use crate::scenario::draw::{links, rule, shapes};
use crate::scenario::profile::{CutShape, RulingKind};
use crate::scenario::service::Service;
use crate::scenario::step::{Fault, Ruling, Target, When};

impl Episodes<'_> {
    pub(super) fn cut<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let mut moment = moment;
        loop {
            let cut = self.one_cut::<S>(&moment);
            track.push_all(moment, cut.faults);
            self.look_around(track, workload, Some(cut.sides));
            let lasts = self.draws.time(self.profile.cuts.lasts);
            if !self.draws.happens(self.profile.cuts.second) || track.0.len() > 20 {
                return self.mend(track, lasts, cut.mending);
            }
            // Another cut follows at once.
            track.push_all(When::After(lasts), cut.mending);
            moment = When::After(self.draws.millis(0, 200));
        }
    }

    /// Whether rules may lose what is sent.
    fn loses(&self) -> bool {
        links::allow_rulings(self.links, RulingKind::Drop)
    }

    fn one_cut<S: Service>(&mut self, moment: &When) -> shapes::Cut<S::Expectation> {
        let shape = self.draws.of(&self.profile.cuts.shapes).unwrap_or(CutShape::Isolate);
        let is_one_way = self.draws.happens(self.profile.cuts.one_way);
        let sites = self.cluster.sites;
        let sides = (0, sites - 1);
        let target = self.target(moment, false);
        let mending = vec![Fault::Heal];
        match (shape, target) {
            (CutShape::Isolate, Target::Sender | Target::Recipient) if sites > 1 => {
                shapes::Cut { faults: vec![Fault::Isolate(target)], mending, sides }
            }
            (CutShape::Isolate, by_role) if is_role(by_role) && is_one_way && sites > 1 && self.loses() => {
                let ends = if self.draws.one_in(2) { (target, Target::Any) } else { (Target::Any, target) };
                let fault = Fault::Rule(rule(None, ends, Ruling::Drop));
                shapes::Cut { faults: vec![fault], mending, sides }
            }
            (CutShape::Isolate, by_role) if is_role(by_role) => {
                shapes::Cut { faults: vec![Fault::Isolate(target)], mending, sides }
            }
            _ => shapes::cut(&mut self.draws, shape, sites, is_one_way),
        }
    }
}

/// Whether the target is a role, which names a site only when the step fires.
fn is_role(who: Target) -> bool {
    matches!(who, Target::Leader | Target::Follower | Target::Candidate | Target::Laggard)
}
